"""Reread: a journeys table that was written comes back as the same journeys, fold by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl

from attribution.channels import renamed, vocabulary
from attribution.errors import TableError
from attribution.journeys import Journeys
from attribution.stitched import FOLDS, Batch, Stitched, StitchReport, fold_bits
from attribution.stitching.accounts import accounts_of
from attribution.stitching.hashing import SEED, hashed
from attribution.tables import CONTROL, TABLES, Checked, Column, Reading, RowCount, Source, check_table
from attribution.tables.sources import Read, read

NONE = pl.Series([], dtype=pl.Null)


def from_journeys(
    table: Source,
    *,
    columns: Mapping[str, str] | None = None,
    outcome_names: Sequence[str] | None = None,
    folds: int = FOLDS,
    reading: Reading | None = None,
) -> Stitched:
    """Return the journeys of a journeys table, such as ``Stitched.table()``: credits come out bit-equal.

    Every further numeric column is an outcome, the first being what a model learns from, unless
    ``outcome_names`` says which.

    Raises:
        TableError: the table cannot be used.
    """
    reading, bits = reading or Reading(), fold_bits(folds)
    source = read(table, "journeys", None, reading.delimiter)
    check_lists(source, columns or {})
    names = tuple(outcome_names or ()) or outcomes_of(source, columns or {})
    extra = [Column(name, "number", "an outcome", required=True, null=0.0) for name in names]
    checked = check_table("journeys", source, reading, columns, extra)
    lists = pl.col("channel").cast(pl.List(pl.String)).list
    blank = pl.element().is_null() | (pl.element().str.strip_chars() == "")
    checked = checked.set_aside("null_channel", pl.col("channel").is_null() | lists.eval(blank).list.any())
    checked = checked.set_aside("control_char", lists.eval(pl.element().str.contains(CONTROL)).list.any())
    if "age_days" in checked.frame.columns:
        ages = pl.col("age_days").cast(pl.List(pl.Float64)).list
        known = pl.element().is_finite().fill_null(False) & (pl.element() >= 0)
        checked = checked.set_aside("bad_age", ~ages.eval(known).list.all())
        checked = checked.set_aside("ages_do_not_match", ages.len() != lists.len())
    checked = checked.set_aside("negative_count", pl.col("count") < 0)
    possible = pl.col(names[0]).is_between(0, pl.col("count"))
    checked = checked.set_aside("conversions_out_of_range", ~possible)
    return folded(checked, names, bits)


def check_lists(source: Read, columns: Mapping[str, str]) -> None:
    """Raise TableError unless channels are lists of text, and ages lists of numbers."""
    for name, inner in (("channel", "text"), ("age_days", "numbers")):
        column = columns.get(name, name)
        dtype = source.frame.schema.get(column)
        items = getattr(dtype, "inner", None)
        fits = items == pl.Null or (items is not None and items.is_numeric() == (inner == "numbers"))
        if dtype is not None and dtype != pl.Null and not fits:
            raise TableError.of(
                source.where,
                f"type {dtype}",
                f"lists of {inner}",
                "write the journeys as Parquet, which keeps lists",
                column=column,
            )


def outcomes_of(source: Read, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the numeric columns that no other name of the table claims."""
    claimed = {columns.get(column.name, column.name) for column in TABLES["journeys"]}
    numeric = source.frame.select(pl.selectors.numeric()).columns
    names = tuple(name for name in numeric if name not in claimed)
    if not names:
        raise TableError.of(
            source.where,
            "no outcome column",
            "a numeric column such as leads",
            "add the column, or name it with outcome_names=",
        )
    return names


def folded(checked: Checked, outcome_names: tuple[str, ...], fold_bits: int) -> Stitched:
    """Return the journeys by fold of the customer's hash, each in the order in which they were stitched."""
    gappy = [
        name for name in ("ends_at", "age_days") if checked.used.get_column(name, default=NONE).null_count()
    ]
    used = checked.used.drop(gappy)
    texts = used["channel"].cast(pl.List(pl.String))
    channels, clean, alike = vocabulary(texts.explode(empty_as_null=False), checked.where)
    names = [name for name in ("customer_id", "journey_id") if name in used.columns]
    whole = all(used[name].dtype.is_integer() for name in names[:1])
    customer = used[names[0]] if whole else used.select(pl.coalesce(pl.col(names).cast(pl.String)))
    customer = customer if isinstance(customer, pl.Series) else customer.to_series()
    accounts = accounts_of(checked)
    high, low = accounts.clustered(customer, *hashed(customer))
    keys = [pl.Series("high", high), pl.Series("low", low)]
    used = used.with_columns(renamed(texts, clean).alias("channel"), *keys)
    ends = ["ends_at"] if "ends_at" in used.columns else []
    ordinal = pl.col("journey_id").cast(pl.String)
    used = used.sort("high", "low", *ends, ordinal.str.len_bytes(), ordinal)
    edges = np.searchsorted(
        used["high"].to_numpy() >> np.uint64(64 - fold_bits), np.arange((1 << fold_bits) + 1)
    )
    whose = pl.col("customer_id") if "customer_id" in used.columns else pl.lit(None)
    ids = used.select(pl.col("journey_id").cast(pl.String), whose.cast(pl.String).alias("customer_id"))
    has_ages = "age_days" in used.columns
    assemble = partial(fold, used, channels, outcome_names)
    return Stitched(
        channels,
        outcome_names,
        [partial(assemble, int(a), int(b)) for a, b in pairwise(edges)],
        StitchReport(
            {"journeys": checked.aside},
            notes=accounts.notes,
            warnings=(*checked.warnings, *alike, *accounts.warnings),
        ),
        lambda number, journeys: ids.slice(int(edges[number]), len(journeys)),
        has_ages,
        owners="accounts" if accounts.known else "customers",
        settings={"hash_seed": SEED},
    )


def fold(
    used: pl.DataFrame, channels: tuple[str, ...], outcome_names: tuple[str, ...], start: int, stop: int
) -> Batch:
    """Return one fold of the table's rows."""
    rows = used.slice(start, stop - start)
    journeys = Journeys.from_table(rows, channels, outcome_names)
    empty = int(((rows["channel"].list.len() == 0) & (rows[outcome_names[0]] != 0)).sum())
    converting = int((rows[outcome_names[0]] > 0).sum())
    report = StitchReport(
        {"journeys": RowCount(len(rows), len(rows))},
        {"no_touchpoints": empty} if empty else {},
        {
            "customers": rows.select(pl.struct("high", "low").rle_id().max() + 1).item() or 0,
            "journeys": len(rows),
            "converting_journeys": converting,
            "null_journeys": len(rows) - converting,
        },
    )
    return Batch(journeys, report)
