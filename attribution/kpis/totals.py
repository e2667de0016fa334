"""Totals: the order of the cells of a KPI table, and the row of their sums below them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED


def in_order(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return one model's cells in order of the dimensions, what is unattributed last.

    By channel alone they stand in order of their credit already.
    """
    rest = pl.col("channel") == UNATTRIBUTED
    order = [part for each in by for part in ([rest, each] if each == "channel" else [each])]
    order = [rest] if list(by) == ["channel"] else order
    return rows.sort(order, nulls_last=True, maintain_order=True)


def with_total(rows: pl.DataFrame, by: Sequence[str], sums: Mapping[str, Any]) -> pl.DataFrame:
    """Return one model's cells and their total, named in the first dimension that is text.

    >>> cells = pl.DataFrame({"channel": ["ads", "mail"], "leads": [1.0, 2.0]})
    >>> with_total(cells, ["channel"], {"leads": 3.0}).row(-1)
    ('(total)', 3.0)
    """
    named = next((name for name in by if rows.schema[name] == pl.String), None)
    total = {**dict.fromkeys(rows.columns), **({named: TOTAL} if named else {}), **sums}
    return pl.concat([rows, pl.DataFrame([total], schema=rows.schema)])


def sums_of(rows: pl.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """Return the exactly rounded sums of columns, whatever the order of the rows."""
    return {name: math.fsum(rows[name]) for name in names}
