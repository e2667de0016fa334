"""The verb gap: how far KPIs are from the analyst's own benchmarks, and whether that is better or worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import cells_of, deliver, show_table, show_warnings
from attribution.errors import ParameterError
from attribution.kpis import benchmark_gap
from attribution.tables import Reading, check_target


def gap(
    kpis: str,
    /,
    *,
    benchmarks: Annotated[
        str,
        Parameter(help="Table of kpi, value, and any dimensions such as channel: .parquet, .csv or .ndjson."),
    ],
    columns: Annotated[str | None, Parameter(help="Columns of the benchmarks, as OURS=THEIRS,...")] = None,
    where: Annotated[
        list[str] | None,
        Parameter(
            help="A column that is no dimension of the KPIs, as COLUMN=VALUE: industry=software; may be "
            "repeated. Without it such a column plays no part.",
            negative="",
        ),
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Hold KPIs against benchmarks: the gap, its interval, and whether it is better or worse.

    Parameters
    ----------
    kpis
        KPI table, as measure, funnel and the like write it with --out: .parquet, .csv or .ndjson. Files
        that are written for people (.json, .xlsx) are not read.
    """
    if out is not None:
        check_target(out, (kpis, benchmarks))
    found = benchmark_gap(
        kpis,
        benchmarks,
        columns=options.mapping(columns, "--columns"),
        where=chosen(where or []),
        reading=Reading(**options.given(reading, Reading)),
    )
    table = found.table()
    deliver(table, out, json, force, lambda: show_gaps(table, found.by))
    show_warnings(found.warnings)


def chosen(given: list[str]) -> dict[str, str]:
    """Return the values of dimensions that COLUMN=VALUE stand for.

    >>> chosen(["industry=software", "region=a=b"])
    {'industry': 'software', 'region': 'a=b'}
    """
    pairs = [each.partition("=") for each in given]
    if any(not name or not value for name, _, value in pairs) or len({name for name, _, _ in pairs}) < len(
        pairs
    ):
        raise ParameterError.out_of_range("--where", " ".join(given), "COLUMN=VALUE, each column once")
    return {name: value for name, _, value in pairs}


def show_gaps(table: pl.DataFrame, by: Sequence[str]) -> None:
    """Print a table a KPI: value, benchmark, gap and verdict of each cell, or why there is none."""
    keys = [*(["model"] if table["model"].n_unique() > 1 else []), *by]
    told = pl.coalesce("verdict", "reason")
    for rows in table.partition_by("kpi", maintain_order=True):
        share = rows["unit"][0] == "share"
        figures = [cells_of(rows, name, share) for name in ("value", "benchmark")]
        gaps = cells_of(rows, "gap", share)
        figures += [[points(cell) for cell in gaps] if share else gaps, cells_of(rows, "gap_relative", True)]
        figures.append(rows.select(told).to_series().to_list())
        columns = [*(rows[name].to_list() for name in keys), *figures]
        names = [*keys, "value", "benchmark", "gap", "relative", "verdict"]
        show_table(rows["kpi"][0], names, zip(*columns, strict=True), keep=max(len(keys), 1))


def points(cell: str) -> str:
    r"""Return a difference of shares in points of percent: -10.1 % of something is another thing.

    >>> points("-10.1 %\n-12.0 % - -8.0 %"), points("-")
    ('-10.1 points\n-12.0 - -8.0 points', '-')
    """
    return cell.replace(" % - ", " - ").replace("%", "points")
