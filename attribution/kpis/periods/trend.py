"""Periodic: the tables of trends by name, from what was measured by a period."""

from __future__ import annotations

from datetime import date

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.measure import Measured
from attribution.kpis.periods.contribution import contribution
from attribution.kpis.periods.forecast import forecast
from attribution.kpis.periods.panel import history
from attribution.kpis.periods.seasonality import seasonality
from attribution.kpis.periods.year_before import year_over_year

TABLES = ("year_over_year", "contribution", "seasonality", "forecast", "backtest")


def trend(
    measured: Measured,
    table: str = "year_over_year",
    *,
    align: str | None = None,
    before: date | None = None,
    now: date | None = None,
    of: str = "wins",
    horizon: int = 4,
    season: int | None = None,
    complete_before: date | None = None,
) -> pl.DataFrame:
    """Return one of the tables of trends; a year is aligned by ISO week for days and weeks, else by date.

    Raises:
        ParameterError: there is no such table, or it lacks a parameter.
        ConvergenceError: the history is too short.
    """
    if table == "year_over_year":
        by_week = history(measured).unit in ("day", "week")
        return year_over_year(measured, align=align or ("iso_week" if by_week else "date"))
    if table == "contribution":
        if before is None or now is None:
            raise ParameterError(
                "contribution: expected before and now, a day of each of the two periods "
                "(--before 2026-04-01 --now 2026-05-01)"
            )
        return contribution(measured, before=before, now=now, of=of)
    if table == "seasonality":
        return seasonality(measured, complete_before=complete_before)
    if table not in TABLES:
        raise ParameterError.unknown("table of trends", table, TABLES)
    made = forecast(measured, horizon=horizon, season=season, complete_before=complete_before)
    return made.table() if table == "forecast" else made.backtest
