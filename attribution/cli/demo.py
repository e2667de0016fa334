"""The verb demo: the river on the sample data that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from attribution import sample
from attribution.cli import options
from attribution.cli.show import (
    compiling,
    progress,
    say,
    show_kpis,
    show_report,
    show_side_by_side,
    show_warnings,
    write,
)
from attribution.engine import attribute
from attribution.errors import OutputError
from attribution.kpis import measure
from attribution.stitching import stitch


def demo(
    *,
    out: Annotated[Path, Parameter(help="Folder to write every table to.")] = Path("attribution-demo"),
    force: options.Force = False,
) -> None:
    """Run everything on the sample: touchpoints, leads and spend of a B2B company, made by a simulator."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made: {error.strerror}") from error
    compiling()
    tables = sample.load()
    journeys = stitch(tables.touchpoints, tables.leads, lookback_days=30)
    with progress("attributing") as tick:
        result = attribute(journeys, progress=tick)
    measured = measure(result, tables.spend)
    show_side_by_side(result.table(), ["leads"])
    show_kpis(measured.table())
    written = {
        "journeys.parquet": journeys.table(),
        "credits.csv": result.table(),
        "kpis.csv": measured.table(),
        "report.csv": result.report.table(),
    }
    for name, table in written.items():
        write(table, out / name, force)
    show_report(result.report)
    show_warnings((*result.warnings, *measured.warnings))
    say(f"next: attribution attribute --journeys {out / 'journeys.parquet'} --model markov:order=2")
