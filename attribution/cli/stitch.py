"""The verb stitch: touchpoints and outcomes become a journeys table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.progress import compiling, progress
from attribution.cli.show import show_report, write
from attribution.stitching import stitch as stitch_tables
from attribution.stitching.window import Window
from attribution.tables import Reading, check_target


def stitch(
    touchpoints: str,
    outcomes: str,
    /,
    *,
    out: Annotated[Path, Parameter(help="File to write: .parquet keeps the lists.")],
    force: options.Force = False,
    how: options.StitchOptions | None = None,
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Cut touchpoints into journeys that end at an outcome, and write them as a table.

    Parameters
    ----------
    touchpoints
        Table of customer_id, timestamp, channel: a Parquet, CSV or NDJSON file, or a glob.
    outcomes
        Table of customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    check_target(out, (touchpoints, outcomes))
    how = how or options.StitchOptions()
    arguments = how.given() | options.given(window, Window)
    read = Reading(**options.given(reading, Reading))
    compiling()
    with progress("reading and stitching") as tell:
        journeys = how.grouped(stitch_tables(touchpoints, outcomes, **arguments, reading=read, progress=tell))
        table = journeys.table()
    write(table, out, force)
    show_report(journeys.report)
