"""The verb stitch: touchpoints and outcomes become a journeys table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import compiling, progress, show_report, write
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
    as_of: options.AsOf = None,
    outcome_names: options.OutcomeNames = None,
    touchpoints_columns: options.TouchpointsColumns = None,
    outcomes_columns: options.OutcomesColumns = None,
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
    limits = options.given(window, Window)
    compiling()
    with progress("reading and stitching"):
        journeys = stitch_tables(
            touchpoints,
            outcomes,
            **limits,
            as_of=as_of,
            columns={
                "touchpoints": options.mapping(touchpoints_columns, "--touchpoints-columns"),
                "outcomes": options.mapping(outcomes_columns, "--outcomes-columns"),
            },
            outcome_names=options.names_of(outcome_names),
            reading=Reading(**options.given(reading, Reading)),
        )
        table = journeys.table()
    write(table, out, force)
    show_report(journeys.report)
