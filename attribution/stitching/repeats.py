"""Repeats: rows that name an event or an outcome which another row has named already."""

from __future__ import annotations

import polars as pl

from attribution.errors import TableError, shown
from attribution.tables import Checked

ORDER = ("timestamp", "sequence", "channel", "campaign", "kind", "customer_id")  # which of the repeats counts


def without_repeated_events(table: Checked) -> Checked:
    """Return the touchpoints with each event id counted once: the earliest row of each."""
    repeated = repeats(table, "event_id")
    if not len(repeated):
        return table
    names = [pl.col(name) for name in ORDER if name in repeated.columns]
    order = [
        name.cast(pl.String).str.strip_chars().str.normalize("NFC") if by_name else name
        for name in names
        for by_name in [name.meta.output_name() in ("channel", "customer_id")]
    ]
    counted = repeated.sort("event_id", *order, nulls_last=False).unique(
        "event_id", keep="first", maintain_order=True
    )
    dropped = repeated.join(counted, on="row", how="anti")["row"]
    return table.set_aside("duplicate", pl.int_range(pl.len()).is_in(dropped.cast(pl.Int64).implode()))


def without_repeated_outcomes(table: Checked) -> Checked:
    """Return the outcomes with identical repeats of an outcome id set aside.

    Raises:
        TableError: one outcome id stands for different outcomes.
    """
    repeated = repeats(table, "outcome_id")
    if not len(repeated):
        return table
    contents = repeated.drop("row").unique()
    differing = contents.filter(pl.col("outcome_id").is_duplicated()).sort("outcome_id")
    if len(differing):
        ids = differing["outcome_id"].unique().sort()
        raise TableError.of(
            table.where,
            "one outcome id stands for different outcomes",
            "each outcome_id once",
            "keep the row that is right, or leave outcome_id out",
            column="outcome_id",
            count=len(ids),
            examples=tuple(shown(name) for name in ids.head(5)),
        )
    counted = repeated.unique("outcome_id", keep="first", maintain_order=True)
    dropped = repeated.join(counted, on="row", how="anti")["row"]
    return table.set_aside("duplicate", pl.int_range(pl.len()).is_in(dropped.cast(pl.Int64).implode()))


def repeats(table: Checked, key: str) -> pl.DataFrame:
    """Return the used rows whose key another used row has as well."""
    if key not in table.frame.columns:
        return pl.DataFrame()
    named = table.used.filter(pl.col(key).is_not_null())
    return named.filter(pl.col(key).is_duplicated())
