"""Keys: dimensions as text by which cells and benchmarks meet, whatever library their tables are of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import time

import polars as pl

from attribution.dimensions import comparable
from attribution.errors import ParameterError

CELL, ROW, NAMED = "cell number", "benchmark row", "dimensions named"  # names of no dimension
MIDNIGHT = r"^(\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?$"  # as text, in a CSV file


def key(values: pl.Series) -> pl.Series:
    """Return a dimension as text that can be matched: trimmed and composed, blank as null.

    Whole numbers have no decimals, times that are all midnight are days, and True is true.

    >>> key(pl.Series([5.0, 2.5, None])).to_list(), key(pl.Series([" Ann", "True"])).to_list()
    (['5', '2.5', None], ['Ann', 'true'])
    """
    known = comparable(values)
    if known.dtype == pl.Datetime:
        known = known.dt.cast_time_unit("us")
        known = known.dt.date() if (known.drop_nulls().dt.time() == time()).all() else known
    if known.dtype == pl.Duration:
        known = known.dt.total_microseconds()  # it has no text of its own
    text = known.cast(pl.String).str.strip_chars().str.normalize("NFC")
    if known.dtype.is_float():
        whole = known.cast(pl.Int64, strict=False)
        is_whole = (whole.cast(pl.Float64) == known.cast(pl.Float64)).fill_null(False)
        text = whole.cast(pl.String).zip_with(is_whole, text)
    if text.drop_nulls().str.contains(MIDNIGHT).all():
        text = text.str.replace(MIDNIGHT, "${1}")
    text = text.str.replace(r"^(-?\d+)\.0+$", "${1}")  # a whole number of a CSV file
    is_flag = text.str.contains("^(?i:true|false)$").fill_null(False)
    return text.str.to_lowercase().zip_with(is_flag, text).alias(values.name)


def meeting(cells: pl.DataFrame, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return each cell beside every row that is as the cell in those of the named dimensions that it has.

    >>> cells = pl.DataFrame({CELL: [0, 1], "channel": ["ads", None]})
    >>> meeting(cells, pl.DataFrame({"row": ["a", "b"], "channel": ["ads", None]}), ["channel"]).rows()
    [(0, 'a'), (0, 'b'), (1, 'b')]
    """
    found = []
    has = [pl.col(name).is_not_null() for name in names]
    for flags in rows.select(has).unique(maintain_order=True).iter_rows() if names else [()]:
        same = [name for name, flag in zip(names, flags, strict=True) if flag]
        others = [name for name in names if name not in same]
        part = rows.filter(
            *(pl.col(name).is_not_null() for name in same), *(pl.col(name).is_null() for name in others)
        )
        ours, theirs = cells.select(CELL, *same), part.drop(others)
        found.append(ours.join(theirs, on=same).drop(same) if same else ours.join(theirs, how="cross"))
    return pl.concat(found or [cells.head(0).select(CELL).join(rows.head(0).drop(names), how="cross")]).sort(
        pl.all()
    )


def check_dimensions(by: Sequence[str], taken: Collection[str]) -> None:
    """Raise ParameterError where a dimension is named as a column of what is made, or as a pattern."""
    for name in by:
        if name in taken:
            raise ParameterError.out_of_range("by", name, "a dimension: the gap table has such a column")
        if name in (CELL, ROW, NAMED) or name == "*" or (name.startswith("^") and name.endswith("$")):
            raise ParameterError.out_of_range("by", name, "another name: rename the column of the KPIs")
