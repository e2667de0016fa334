"""Dimensions: what credits are broken down by: periods, and every column of the tables behind a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from attribution.errors import ParameterError

PERIODS = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
TIMES = {"": "ends_at", "touchpoint_": "timestamp"}  # by the lead's time, or by the touchpoint's, named so


@dataclass(frozen=True)
class Joined:
    """A column of one of the tables behind a row of the credit log, under the name it gets there."""

    name: str
    table: str  # touchpoints or outcomes
    column: str


def period(name: str, zone: str = "UTC") -> pl.Expr | None:
    """Return the first day of the period that a name such as week or touchpoint_month stands for.

    Days are those of the time zone.

    >>> pl.DataFrame({"ends_at": ["2026-03-05"]}, schema={"ends_at": pl.String}).select(
    ...     pl.col("ends_at").str.to_datetime(time_zone="UTC")).select(period("week")).item().isoformat()
    '2026-03-02'
    """
    for prefix, time in TIMES.items():
        every = PERIODS.get(name.removeprefix(prefix))
        if every is not None and name.startswith(prefix):
            return first_day(pl.col(time), every, zone).alias(name)
    return None


def first_day(time: pl.Expr, every: str, zone: str) -> pl.Expr:
    """Return the first day of the period of a length in which an instant lies where the zone is."""
    return time.dt.convert_time_zone(zone).dt.date().dt.truncate(every)


def found(names: Sequence[str], columns: Mapping[str, Sequence[str]], own: Sequence[str]) -> list[Joined]:
    """Return where the names are to be found that are neither our own columns nor periods.

    A name is a column of the touchpoints or of the outcomes; one that is in both, or that the log has
    as well, is told apart as touchpoint_NAME and outcome_NAME.

    >>> found(["owner", "outcome_source"], {"touchpoints": ["source"], "outcomes": ["source", "owner"]}, [])
    [Joined(name='owner', table='outcomes', column='owner'), \
Joined(name='outcome_source', table='outcomes', column='source')]
    """
    places = []
    for name in names:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise ParameterError.out_of_range("by", name, "a name that is no pattern: rename the column")
        ours = name in own or period(name) is not None
        claims = [Joined(name, table, name) for table, known in columns.items() if name in known]
        claims += [
            Joined(name, table, column)
            for table, known in columns.items()
            for column in [name.removeprefix(f"{table[:-1]}_")]
            if column != name and column in known
        ]
        if len(claims) + ours > 1:
            told = " or ".join(f"{claim.table[:-1]}_{claim.column}" for claim in claims)
            also = f"; the log has a {name} of its own, so rename the column if need be" if ours else ""
            raise ParameterError.out_of_range("by", name, f"the name of one column: write {told}{also}")
        if not claims and not ours:
            known = dict.fromkeys([*own, *PERIODS, *(name for each in columns.values() for name in each)])
            raise ParameterError.unknown("dimension", name, known)
        places += claims
    return places


def comparable(values: pl.Series) -> pl.Series:
    """Return a dimension whose cells can be told apart: categories as text, blank and NaN as null.

    Raises:
        ParameterError: the values are lists or the like.
    """
    dtype = values.dtype
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        raise ParameterError.out_of_range("by", values.name, f"a column of plain values, not of {dtype}")
    if dtype.is_float():
        return values.fill_nan(None) + 0.0  # -0.0 is 0.0
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        return values
    text = values.cast(pl.String)
    return text.set((text.str.strip_chars() == "").fill_null(False), None)


def valued(name: str, value: Any, dtype: pl.DataType) -> pl.Expr:
    """Return whether a column of the type has the value; text may stand for a day or a number.

    Raises:
        ParameterError: the type has no such value.
    """
    try:
        if isinstance(value, str) and dtype == pl.Date:
            cell = pl.Series([date.fromisoformat(value)])
        elif isinstance(value, str) and dtype != pl.String:
            cell = pl.Series([value]).cast(dtype)
        else:
            cell = pl.Series([value], dtype=dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        raise ParameterError.out_of_range(name, value, f"a value of type {dtype}") from None
    return pl.col(name).eq_missing(pl.lit(cell.item(), dtype=dtype))


def summed(table: pl.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Return the sums of the values by key, in order of the keys, added in the order of the rows.

    A sum of a dataframe library may differ in its last bits from run to run; this one never does.

    >>> summed(pl.DataFrame({"a": ["y", "x", "y"], "n": [1.0, 2.0, 3.0]}), ["a"], ["n"]).rows()
    [('x', 2.0), ('y', 4.0)]
    """
    ordered = table.select(*keys, *(pl.col(name).cast(pl.Float64) for name in values))
    ordered = ordered.sort(keys, maintain_order=True, nulls_last=True)
    if not len(ordered):
        return ordered
    starts = np.flatnonzero(
        np.diff(ordered.select(pl.struct(keys).rle_id()).to_series().to_numpy(), prepend=-1)
    )
    sums = np.add.reduceat(ordered.select(values).to_numpy(order="c"), starts, axis=0)
    return ordered.select(keys)[starts].hstack([pl.Series(name, sums[:, i]) for i, name in enumerate(values)])
