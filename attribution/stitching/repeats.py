"""Repeats: rows that name an event or an outcome which another row has named already."""

from __future__ import annotations

import polars as pl

from attribution.errors import TableError, option, shown
from attribution.tables import TABLES, Checked, Origin
from attribution.tables.values import is_scalar

STAGES = ("mql_at", "sql_at", "opportunity_at", "lost_at")  # read only where an outcome id is repeated
ABOUT = ("owner", "source", "product", "account_id")
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
    counted = repeated.sort("event_id", *order, "row", nulls_last=False).unique(
        "event_id", keep="first", maintain_order=True
    )
    return without_rows(table, "duplicate", repeated.join(counted, on="row", how="anti"))


def without_repeated_outcomes(table: Checked, origin: Origin, which: str) -> tuple[Checked, tuple[str, ...]]:
    """Return the outcomes with each outcome id counted once, and warnings.

    Rows that say the same count once. Of rows that differ the ``which`` = "latest" counts: by the
    latest of timestamp and stage times, and where these are equal too by what the rows say.

    Raises:
        TableError: one outcome id stands for different outcomes, and ``which`` is "error".
    """
    repeated = repeats(table, "outcome_id")
    if not len(repeated):
        return table, ()
    repeated = with_stages(repeated, origin)
    content = [name for name in repeated.columns if name != "row"]
    once = repeated.unique(content, keep="first", maintain_order=True)
    table = without_rows(table, "duplicate", repeated.join(once, on="row", how="anti"))
    differing = once.filter(pl.col("outcome_id").is_duplicated()).sort("outcome_id", "row")
    if not len(differing):
        return table, ()
    ids = differing["outcome_id"].unique().sort()
    if which == "error":
        raise TableError.of(
            table.where,
            f"{len(ids):,} outcome ids stand for different outcomes",
            "each outcome_id once",
            "keep the row that is right, leave outcome_id out, or count the latest row of each: "
            + option("repeated_outcomes", "latest"),
            column="outcome_id",
            count=len(differing),
            examples=tuple(shown(name) for name in ids.head(5)),
        )
    times = [column.name for column in TABLES["outcomes"] if column.kind == "time"]
    known = [name for name in times if name in content]
    said = [pl.col(name).cast(pl.String) if name == "customer_id" else name for name in content]
    latest = differing.with_columns(pl.max_horizontal(known).alias("latest at"))
    counted = latest.sort("outcome_id", "latest at", *said, nulls_last=False).group_by("outcome_id").last()
    superseded = differing.join(counted, on="row", how="anti")
    tied = latest.join(counted, on=["outcome_id", "latest at"], how="semi")
    undecided = tied.filter(pl.col("outcome_id").is_duplicated())["outcome_id"].unique().sort()
    told = (
        f"{table.where}: {len(undecided):,} outcome ids have several rows of one latest time; "
        f"the one with the largest values counts: {', '.join(map(shown, undecided.head(5)))}"
    )
    return without_rows(table, "superseded", superseded), (told,) * bool(len(undecided))


def with_stages(repeated: pl.DataFrame, origin: Origin) -> pl.DataFrame:
    """Return rows of the outcomes with the stage times and texts that the source has about them."""
    names = [name for name in (*STAGES, *ABOUT) if name in origin.columns and name not in repeated.columns]
    if not names:
        return repeated
    found = origin.select(names)[repeated["row"]]
    texts = [found[name].cast(pl.String) for name in names if name in ABOUT and is_scalar(found[name].dtype)]
    return repeated.hstack([*(found[name] for name in names if name in STAGES), *texts])


def without_rows(table: Checked, reason: str, rows: pl.DataFrame) -> Checked:
    """Return the table with rows set aside by their number."""
    return table.set_aside(reason, pl.int_range(pl.len()).is_in(rows["row"].cast(pl.Int64).implode()))


def repeats(table: Checked, key: str) -> pl.DataFrame:
    """Return the used rows whose key another used row has as well."""
    if key not in table.frame.columns:
        return pl.DataFrame()
    named = table.used.filter(pl.col(key).is_not_null())
    return named.filter(pl.col(key).is_duplicated())
