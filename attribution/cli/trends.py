"""The verb trends: the year before, what a change comes from, the seasons, and a forecast."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.leads import By, LeadOptions, leads_from, show_leads
from attribution.cli.show import deliver, show_figures, show_warnings
from attribution.kpis import measure, trend
from attribution.tables import Reading, check_target

Tables = Literal["year_over_year", "contribution", "seasonality", "forecast", "backtest"]


def trends(
    leads: str,
    /,
    *,
    table: Annotated[Tables, Parameter(help="What is asked for.")] = "year_over_year",
    period: Annotated[
        Literal["day", "week", "month", "quarter", "year"], Parameter(help="Length of a period.")
    ] = "month",
    by: By = None,
    money: options.SpendOptions | None = None,
    align: Annotated[
        Literal["iso_week", "date"] | None,
        Parameter(help="What is the same a year before. Without it: iso_week of days and weeks, else date."),
    ] = None,
    before: Annotated[
        date | None, Parameter(help="A day of the period that a change is counted from (contribution).")
    ] = None,
    now: Annotated[date | None, Parameter(help="A day of the period that it is counted to.")] = None,
    of: Annotated[
        Literal["wins", "spend", "revenue", "win_rate", "cost_per_lead"], Parameter(help="What has changed.")
    ] = "wins",
    horizon: Annotated[int, Parameter(help="Periods that are foretold.")] = 4,
    season: Annotated[
        int | None, Parameter(help="Periods of a season. Without it: those of a year, 7 of days.")
    ] = None,
    complete_before: Annotated[
        date | None, Parameter(help="Periods that begin on this day or later are not complete: left out.")
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    how: LeadOptions | None = None,
    draws: options.DrawOptions | None = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Compare periods: with the year before, by volume, mix and rate, by season; and foretell the next.

    Parameters
    ----------
    leads
        Credit log in Parquet, as attribute writes it, or a table of leads with their own columns.
    """
    spend = money or options.SpendOptions()
    if out is not None:
        check_target(out, (leads, *spend.files))
    log, dimensions = leads_from(leads, by, how, draws, reading, period)
    others = [name for name in dimensions if name != period]
    measured = measure(
        log, by=[*others, period], reading=Reading(**options.given(reading, Reading)), **spend.given()
    )

    found = trend(
        measured,
        table,
        align=align,
        before=before,
        now=now,
        of=of,
        horizon=horizon,
        season=season,
        complete_before=complete_before,
    )
    keys = [name for name in (*others, period, "outcome", "step", "season_position") if name in found.columns]
    deliver(found, out, json, force, lambda: show_figures(found, keys))
    show_leads(log)
    show_warnings(measured.warnings)
