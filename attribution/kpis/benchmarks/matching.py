"""Matching: the one benchmark that each cell and KPI is held to, that which names most dimensions."""

from __future__ import annotations

import polars as pl

from attribution.errors import TableError, shown
from attribution.kpis.benchmarks.cells import MODEL, Cells
from attribution.kpis.benchmarks.given import Benchmarks
from attribution.kpis.benchmarks.keys import CELL, NAMED, ROW, meeting


def held_to(cells: Cells, benchmarks: Benchmarks) -> pl.DataFrame:
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
        raise several(cells, twice, benchmarks)
    return best.select(CELL, "kpi", "benchmark")


def several(cells: Cells, twice: pl.DataFrame, benchmarks: Benchmarks) -> TableError:
    """Return the error of cells that several benchmarks match alike, with what tells them apart."""
    told = []
    for place, kpi, rows in twice.group_by(CELL, "kpi", maintain_order=True).agg(ROW).head(5).iter_rows():
        cell = " / ".join(map(shown, cells.table.select(MODEL, *cells.by).row(place)))
        told.append(f"{kpi} of {cell}: rows {', '.join(map(str, rows))}")
    differing = [found for column in benchmarks.ignored if len(found := differences(column, twice))]
    got, remedy = "", "remove one of them, or say in a further dimension what each is for"
    if differing:
        name, value = differing[0].name, differing[0].sort()[0]
        are = "which is no dimension" if len(differing) == 1 else "which are no dimensions"
        got = f"; they differ in {', '.join(each.name for each in differing)}, {are} of the KPIs"
        remedy = f"choose: where={{{name!r}: {value!r}}} (--where {name}={value}), or measure by it"
    return TableError.of(
        benchmarks.where,
        f"several benchmarks of one cell, each naming as many dimensions{got}",
        "one benchmark a cell and KPI",
        remedy,
        count=twice[ROW].n_unique(),
        examples=tuple(told),
    )


def differences(column: pl.Series, twice: pl.DataFrame) -> pl.Series:
    """Return the values of an ignored column where it tells benchmarks of one cell apart."""
    values = column.gather(twice[ROW]).alias("benchmark")
    differ = pl.col("benchmark").n_unique().over(CELL, "kpi") > 1
    known = twice.select(CELL, "kpi").with_columns(values).filter(differ)["benchmark"]
    return known.drop_nulls().alias(column.name)
