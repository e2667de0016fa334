"""Periods: an outcome beside that of the year before, by season, and foretold."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.dimensions import PERIODS
from attribution.report.charts.canvas import (
    ACCENT,
    FAINT,
    Chart,
    Table,
    channels_of,
    choice,
    finished,
    frame_of,
    layered,
    tips,
    values,
    words,
)

BEFORE = "_year_before"
CHOSEN = "datum.model == model && datum.channel == channel && datum.outcome == outcome"


def year_over_year(source: Table) -> Chart:
    """Return an outcome by period, and the same a year before.

    >>> from datetime import date
    >>> row = {"model": "linear", "channel": "ads", "month": date(2026, 1, 1)}
    >>> drawn = year_over_year(pl.DataFrame([row | {"leads": 4.0, "leads_year_before": 2.0}]))
    >>> [each["mark"]["type"] for each in drawn.to_dict()["layer"]]
    ['line', 'line']
    """
    table = frame_of(source)
    period = next(name for name in PERIODS if name in table.columns)
    outcomes = [name.removesuffix(BEFORE) for name in table.columns if name.endswith(BEFORE)]
    rows = pl.concat(
        table.select(
            *("model", "channel", pl.col(period).alias("period"), pl.lit(name).alias("outcome")),
            *(pl.col(name).alias("value"), pl.col(f"{name}{BEFORE}").alias("before")),
        )
        for name in outcomes
    ).drop_nulls("value")
    base = by_period(rows, period, [("value", "Amount"), ("before", "A year before")])
    dashed = base.transform_filter("isValid(datum.before)").mark_line(color=FAINT, strokeDash=[4, 3])
    line = base.mark_line(color=ACCENT, point={"filled": True, "size": 30})
    zero = alt.Scale(zero=True)
    chart = layered(
        dashed.encode(y=alt.Y("before:Q", title=None, scale=zero)),
        line.encode(y=alt.Y("value:Q", title=None, scale=zero)),
    )
    return offered(chart, rows, "Beside the year before (dashed)", outcomes)


def forecast(source: Table) -> Chart:
    """Return what is expected of the next periods, with its prediction interval.

    >>> from datetime import date
    >>> row = {"model": "linear", "channel": "ads", "month": date(2026, 1, 1), "outcome": "leads"}
    >>> drawn = forecast(pl.DataFrame([row | {"value": 4.0, "value_low": 2.0, "value_high": 5.0}]))
    >>> [each["mark"]["type"] for each in drawn.to_dict()["layer"]]
    ['rule', 'point']
    """
    table = frame_of(source)
    period = next(name for name in PERIODS if name in table.columns)
    keys = ("model", "channel", "outcome", "value", pl.col(period).alias("period"))
    rows = table.select(*keys, low="value_low", high="value_high").drop_nulls("value")
    base = by_period(rows, period, [("value", "Expected"), ("low", "Interval from"), ("high", "to")])
    known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    chart = layered(
        known.mark_rule(color=ACCENT, opacity=0.5, strokeWidth=3).encode(
            y=alt.Y("low:Q", title=None), y2="high:Q"
        ),
        base.mark_point(color=ACCENT, filled=True, size=70).encode(
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True))
        ),
    )
    return offered(chart, rows, "Expected", table["outcome"].unique(maintain_order=True).to_list())


def seasonality(source: Table) -> Chart:
    """Return the mean of each position of a season as a part of the mean of all.

    >>> row = {"model": "linear", "channel": "ads", "outcome": "leads", "season_position": 1, "index": 1.2}
    >>> seasonality(pl.DataFrame([row])).to_dict()["layer"][0]["mark"]["type"]
    'bar'
    """
    table = frame_of(source)
    rows = table.select("model", "channel", "outcome", "season_position", "index").drop_nulls()
    position = pl.col("season_position").cast(pl.Int64)
    base = (
        alt.Chart(values(rows.with_columns(position)))
        .transform_filter(CHOSEN)
        .encode(
            x=alt.X("season_position:O", title="Position in the season", axis=alt.Axis(labelAngle=0)),
            tooltip=tips(("season_position", "Position", ""), ("index", "Of the mean", ".2f")),
        )
    )
    one = alt.Chart(values(pl.DataFrame({"index": [1.0]}))).mark_rule(strokeDash=[4, 3], color=FAINT)
    chart = layered(
        base.mark_bar(color=ACCENT, opacity=0.75).encode(y=alt.Y("index:Q", title="Part of the mean")),
        one.encode(y="index:Q"),
    )
    return offered(chart, rows, "By season", rows["outcome"].unique(maintain_order=True).to_list())


def by_period(rows: pl.DataFrame, period: str, told: list[tuple[str, str]]) -> alt.Chart:
    """Return the rows of what is chosen, along time."""
    axis = alt.Axis(labelOverlap=True, tickCount=6)
    hover = tips(("day", words(period), ""), ("channel", "Channel", ""), ("outcome", "Outcome", ""))
    return (
        alt.Chart(values(rows))
        .transform_filter(CHOSEN)
        .transform_calculate(day="utcFormat(datum.period, '%Y-%m-%d')")  # no other day west of Greenwich
        .encode(
            x=alt.X("utcyearmonthdate(period):T", title=words(period), axis=axis),
            tooltip=[*hover, *tips(*((name, title, ",.2f") for name, title in told))],
        )
    )


def offered(chart: alt.LayerChart, rows: pl.DataFrame, title: str, outcomes: list[str]) -> Chart:
    """Return the chart with what its reader chooses: model, channel and outcome."""
    models = rows["model"].unique(maintain_order=True).to_list()
    chosen = {"model": models, "channel": channels_of(rows.sort("channel")), "outcome": outcomes}
    chart = chart.add_params(*(choice(name, options) for name, options in chosen.items()))
    return finished(chart, title, 240, ("outcome", "channel", "model"))
