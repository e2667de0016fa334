"""The verb engagement: what happened before there was a lead: ads, visits, page views."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.activity import ActivityOptions, show_counts
from attribution.cli.show import deliver, show_figures, show_warnings
from attribution.errors import ParameterError
from attribution.kpis import engagement as engagement_of
from attribution.stitched import FOLDS
from attribution.tables import Reading, check_target


def engagement(
    *,
    by: Annotated[
        str, Parameter(help="Dimensions: channel,day,campaign,landing_page,device,... or page.")
    ] = "channel",
    activity: ActivityOptions | None = None,
    money: options.SpendOptions | None = None,
    intervals: options.Intervals = None,
    folds: Annotated[
        int, Parameter(help="Into how many folds customers are dealt: intervals draw from them.")
    ] = FOLDS,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    draws: options.DrawOptions | None = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Count what happened before the lead: click-through, bounce, exit and conversion rates, time on page."""
    what, spend = activity or ActivityOptions(), money or options.SpendOptions()
    if not (what.files or spend.files):
        raise ParameterError("nothing to count: pass --visits, --pages, --ad-touchpoints or --spend")
    if out is not None:
        check_target(out, (*what.files, *spend.files))
    read_as = Reading(**options.given(reading, Reading))
    dimensions = options.names_of(by) or []
    made = engagement_of(
        *what.logs(read_as, intervals, draws, folds), by=dimensions, reading=read_as, **spend.given()
    )
    table = made.table()
    deliver(table, out, json, force, lambda: show_figures(table, dimensions))
    show_counts(dict(made.tables))
    show_warnings(made.warnings)
