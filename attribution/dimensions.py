"""Dimensions: what credits are broken down by: periods, and every column of the tables behind a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def period(name: str) -> pl.Expr | None:
    """Return the first day of the period that a name such as week or touchpoint_month stands for.

    >>> pl.DataFrame({"ends_at": ["2026-03-05"]}, schema={"ends_at": pl.String}).select(
    ...     pl.col("ends_at").str.to_datetime()).select(period("week")).item().isoformat()
    '2026-03-02'
    """
    for prefix, time in TIMES.items():
        every = PERIODS.get(name.removeprefix(prefix))
        if every is not None and name.startswith(prefix):
            return pl.col(time).dt.truncate(every).dt.date().alias(name)
    return None


def found(names: Sequence[str], columns: Mapping[str, Sequence[str]], own: Sequence[str]) -> list[Joined]:
    """Return where the names are to be found that are neither our own columns nor periods.

    A name is a column of the touchpoints or of the outcomes; one that is in both is told apart as
    touchpoint_NAME and outcome_NAME.

    >>> found(["owner", "outcome_source"], {"touchpoints": ["source"], "outcomes": ["source", "owner"]}, [])
    [Joined(name='owner', table='outcomes', column='owner'), \
Joined(name='outcome_source', table='outcomes', column='source')]
    """
    places = []
    for name in names:
        if name in own or period(name) is not None:
            continue
        claims = [Joined(name, table, name) for table, known in columns.items() if name in known]
        claims += [
            Joined(name, table, column)
            for table, known in columns.items()
            for column in [name.removeprefix(f"{table[:-1]}_")]
            if column != name and column in known
        ]
        if len(claims) > 1:
            told = " and ".join(f"{claim.table[:-1]}_{claim.column}" for claim in claims)
            raise ParameterError.out_of_range("by", name, f"a column of one table: write {told}")
        if not claims:
            known = dict.fromkeys([*own, *PERIODS, *(name for each in columns.values() for name in each)])
            raise ParameterError.unknown("dimension", name, known)
        places += claims
    return places


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
