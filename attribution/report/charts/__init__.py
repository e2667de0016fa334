"""Charts: one function a picture, each from a table to an Altair chart, for notebooks, files and the page."""

from attribution.report.charts.budget import response, waterfall
from attribution.report.charts.chain import chain
from attribution.report.charts.compare import compare
from attribution.report.charts.funnel import funnel, velocity
from attribution.report.charts.kpis import kpis, win_rates
from attribution.report.charts.paths import path_lengths, paths, time_lags
from attribution.report.charts.periods import forecast, seasonality, year_over_year
from attribution.report.charts.roles import roles
from attribution.report.charts.transitions import transitions
from attribution.report.charts.trend import contribution, trend

__all__ = [
    "chain",
    "compare",
    "contribution",
    "forecast",
    "funnel",
    "kpis",
    "path_lengths",
    "paths",
    "response",
    "roles",
    "seasonality",
    "time_lags",
    "transitions",
    "trend",
    "velocity",
    "waterfall",
    "win_rates",
    "year_over_year",
]
