"""The benchmark gap: every KPI minus what the analyst's own table says it is elsewhere, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from attribution.kpis.benchmarks.alike import kpi_of
from attribution.kpis.benchmarks.cells import MODEL, cells_of
from attribution.kpis.benchmarks.given import benchmarks_of, dimensions_of, read_benchmarks
from attribution.kpis.benchmarks.keys import CELL
from attribution.kpis.benchmarks.matching import held_to
from attribution.tables import Reading, RowCount, Source

FIGURES = (
    *("kpi", "unit", "value", "value_low", "value_high", "benchmark", "gap", "gap_low", "gap_high"),
    *("gap_relative", "verdict", "reason"),
)


@dataclass(frozen=True, eq=False)
class BenchmarkGap:
    """The gap table, the count of the benchmark rows, warnings, and the dimensions."""

    gaps: pl.DataFrame
    rows: RowCount
    warnings: tuple[str, ...]
    by: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return a row a model, cell and KPI of the benchmarks."""
        return self.gaps


def benchmark_gap(
    kpis: Any,
    benchmarks: Source,
    *,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> BenchmarkGap:
    """Return how far the KPIs of each cell are from the benchmarks of an analyst.

    Formula: gap = value - benchmark, gap_relative = gap / |benchmark|; the interval of the gap is that of the
    KPI less the benchmark, which is held to be known. ``kpis`` is what measure, funnel and the like return,
    or a file of such a table: its dimensions are channel and the columns that the benchmarks name too.

    ``benchmarks`` has kpi, value, and any dimensions; ``columns`` maps these names to its own. A dimension
    of the KPIs has to match, and an empty cell of it matches all; of several benchmarks the one that names
    most dimensions counts. The row (total) is held to those that leave the dimensions open. Another
    column, such as the industry, is chosen: ``where={"industry": "software"}``; one that is not, such as
    a note, plays no part, and a warning names those that hold several values.

    The verdict is better or worse where the interval of the gap lies on one side of 0, by what the
    dictionary says of the KPI, and not told apart where it holds 0; without an interval there is none.

    Raises:
        TableError: a table cannot be used, a KPI is unknown, no benchmark matches a cell, or two match one
            cell alike.
        ParameterError: ``where`` or ``columns`` is no mapping, or names what is not there.

    Example: a quarter of the leads is won, somewhere from an eighth on, where half is usual.

    >>> kpis = pl.DataFrame({"model": ["linear"], "channel": ["ads"], "win_rate": [0.25],
    ...                      "win_rate_low": [0.125], "win_rate_high": [0.375]})
    >>> found = benchmark_gap(kpis, pl.DataFrame({"kpi": ["win_rate"], "value": [0.5]})).table()
    >>> found.select("gap", "gap_low", "gap_high", "gap_relative", "verdict").row(0)
    (-0.25, -0.375, -0.125, -0.5, 'worse')
    """
    reading = reading or Reading()
    known = read_benchmarks(benchmarks, columns, reading)
    cells = cells_of(kpis, dimensions_of(known), FIGURES, reading)
    used = benchmarks_of(known, cells, where, reading)
    best = held_to(cells, used)
    asked = set(used.rows["kpi"])
    figures = cells.figures([name for name in cells.kpis if name in asked])
    rows = figures.join(best, on=[CELL, "kpi"], how="left", maintain_order="left")
    names = cells.table.select(MODEL, *cells.by)[rows[CELL]]
    gaps = names.hstack(judged(rows).select(FIGURES))
    return BenchmarkGap(gaps, used.count, used.warnings, cells.by)


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the gaps of rows of kpi, value, its interval, why it is null, and the benchmark."""
    entries = [kpi for kpi in map(kpi_of, rows["kpi"].unique()) if kpi is not None]
    units = {kpi.name: kpi.unit for kpi in entries}
    better = {kpi.name: kpi.better for kpi in entries}
    known = rows.with_columns(
        pl.col("kpi").replace_strict(units, default=None, return_dtype=pl.String).alias("unit"),
        pl.col("kpi").replace_strict(better, default=None, return_dtype=pl.String).alias("better"),
        *((pl.col(f"value{end}") - pl.col("benchmark")).alias(f"gap{end}") for end in ("", "_low", "_high")),
    )
    relative = pl.when(pl.col("benchmark") != 0).then(pl.col("gap") / pl.col("benchmark").abs())
    return known.with_columns(gap_relative=relative, verdict=verdict(), reason=reason())


def apart() -> pl.Expr:
    """Return on which side of the benchmark the KPI is, neither where the interval holds it."""
    low, high = pl.col("gap_low"), pl.col("gap_high")
    side = pl.when(low > 0).then(pl.lit("higher")).when(high < 0).then(pl.lit("lower"))
    return pl.when(low.is_not_null() & high.is_not_null()).then(side.otherwise(pl.lit("neither")))


def verdict() -> pl.Expr:
    """Return what the gap comes to, null where that cannot be told."""
    return (
        pl.when(apart() == "neither")
        .then(pl.lit("not told apart"))
        .when(apart() == pl.col("better"))
        .then(pl.lit("better"))
        .when(apart().is_not_null() & pl.col("better").is_in(["higher", "lower"]))
        .then(pl.lit("worse"))
    )


def reason() -> pl.Expr:
    """Return why something of a row is null, null where nothing is."""
    known = pl.col("gap").is_not_null()
    unsaid = known & (apart() != "neither")
    told = (
        pl.when(pl.col("value").is_null()).then(pl.col("why")),
        pl.when(pl.col("benchmark").is_null()).then(pl.lit("no benchmark")),
        pl.when(known & (pl.col("benchmark") == 0)).then(pl.lit("gap_relative: the benchmark is 0")),
        pl.when(known & apart().is_null()).then(pl.lit("no interval")),
        pl.when(unsaid & pl.col("better").is_null()).then(
            pl.lit("no verdict: the dictionary has no such KPI")
        ),
        pl.when(unsaid & (pl.col("better") == "")).then(
            pl.lit("no verdict: neither more nor less is better")
        ),
    )
    return pl.concat_str(told, separator="; ", ignore_nulls=True).replace("", None)
