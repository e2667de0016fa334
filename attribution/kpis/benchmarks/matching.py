"""Matching: the one benchmark that each cell and KPI is held to, that which names most dimensions."""

from __future__ import annotations

import polars as pl

from attribution.errors import TableError, shown
from attribution.kpis.benchmarks.cells import CELL, MODEL, NAMED, ROW, Cells, meeting
from attribution.kpis.benchmarks.given import Benchmarks


def held_to(cells: Cells, benchmarks: Benchmarks, where: str) -> pl.DataFrame:
    """Return cell, kpi and benchmark, where there is one.

    Raises:
        TableError: two that name as many dimensions match one cell.
    """
    shared = [name for name in (MODEL, *cells.by) if name in benchmarks.rows.columns]
    rows = benchmarks.rows.select(ROW, "kpi", pl.col("value").alias("benchmark"), NAMED, *shared)
    every = meeting(cells.keys, rows, shared)
    most = pl.col(NAMED) == pl.col(NAMED).max().over(CELL, "kpi")
    best = every.filter(most).sort(CELL, "kpi", ROW)
    twice = best.filter(pl.struct(CELL, "kpi").is_duplicated())
    if len(twice):
        raise several(cells, twice, where)
    return best.select(CELL, "kpi", "benchmark")


def several(cells: Cells, twice: pl.DataFrame, where: str) -> TableError:
    """Return the error of cells that several benchmarks match alike."""
    told = []
    for place, kpi, rows in twice.group_by(CELL, "kpi", maintain_order=True).agg(ROW).head(5).iter_rows():
        cell = " / ".join(map(shown, cells.table.select(MODEL, *cells.by).row(place)))
        told.append(f"{kpi} of {cell}: rows {', '.join(map(str, rows))}")
    return TableError.of(
        where,
        "several benchmarks of one cell, each naming as many dimensions",
        "one benchmark a cell and KPI",
        "remove one of them, or say in a further dimension what each is for",
        count=twice[ROW].n_unique(),
        examples=tuple(told),
    )
