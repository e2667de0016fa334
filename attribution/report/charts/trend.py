"""Trend: an outcome by period, and what a change between two periods is made of."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from attribution.channels import TOTAL
from attribution.dimensions import PERIODS
from attribution.report.charts.canvas import (
    ACCENT,
    Chart,
    Table,
    channels_of,
    choice,
    finished,
    frame_of,
    layered,
    long,
    reaching,
    tips,
    values,
    words,
)

PARTS = {"volume": "#0072b2", "mix": "#e69f00", "rate": "#009e73"}


def trend(
    source: Table, outcomes: Sequence[str], *, model: str | None = None, channel: str | None = None
) -> Chart:
    """Return an outcome by period with its interval, in all or of a channel.

    Raises:
        ParameterError: there is no such model or channel.

    >>> from datetime import date
    >>> row = {"model": "linear", "channel": "ads", "week": date(2026, 1, 5), "leads": 4.0}
    >>> [each["name"] for each in trend(pl.DataFrame([row]), ["leads"], channel="ads").to_dict()["params"]]
    ['model', 'channel', 'outcome']
    """
    table = frame_of(source)
    period = next(name for name in PERIODS if name in table.columns and name not in outcomes)
    models = table["model"].unique(maintain_order=True).to_list()
    rows = long(table.drop_nulls(period), outcomes, ["model", "channel", period])
    names = channels_of(rows.sort("channel"))
    base = (
        alt.Chart(values(rows.rename({period: "period"})))
        .transform_filter("datum.model == model && datum.channel == channel && datum.outcome == outcome")
        .transform_calculate(day="utcFormat(datum.period, '%Y-%m-%d')")  # no other day west of Greenwich
        .encode(
            x=alt.X(
                "utcyearmonthdate(period):T",
                title=words(period),
                axis=alt.Axis(labelOverlap=True, tickCount=6),
            ),
            tooltip=[
                *tips(("day", words(period), "")),
                *tips(("channel", "Channel", ""), ("model", "Model", ""), ("outcome", "Outcome", "")),
                *tips(("value", "Amount", ",.2f"), ("low", "Interval from", ",.2f"), ("high", "to", ",.2f")),
            ],
        )
    )
    chart = layered(
        reaching(base)
        .mark_area(color=ACCENT, opacity=0.15)
        .encode(y=alt.Y("bottom:Q", title=None), y2="top:Q"),
        base.mark_line(color=ACCENT, point={"filled": True, "size": 30}).encode(
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(format=",~f"))
        ),
    ).add_params(
        choice("model", models, model), choice("channel", names, channel), choice("outcome", outcomes)
    )
    return finished(chart, f"By {period}", 240, ("outcome", "channel", "model"))


def contribution(source: Table, *, model: str | None = None) -> Chart:
    """Return what a change is made of by channel: more leads, another mix, another rate.

    Raises:
        ParameterError: there is no such model.

    >>> row = {"model": "linear", "channel": "ads", "of": "wins", "volume": 1.0, "mix": 0.0, "rate": -1.0}
    >>> contribution(pl.DataFrame([row])).to_dict()["mark"]["type"]
    'bar'
    """
    table = frame_of(source)
    models = table["model"].unique(maintain_order=True).to_list()
    keys = table.columns[1 : table.columns.index("of")]
    by = [pl.col(name).cast(pl.String).fill_null("–") for name in keys]
    own = table.filter(by[0] != TOTAL).with_columns(part_of=pl.concat_str(by, separator=" · "))
    names = own["part_of"].unique(maintain_order=True).to_list()
    rows = own.unpivot(list(PARTS), index=["model", "part_of"], variable_name="part")
    hues = alt.Scale(domain=list(PARTS), range=list(PARTS.values()))
    chart = (
        alt.Chart(values(rows))
        .transform_filter("datum.model == model")
        .mark_bar(height=14)
        .encode(
            x=alt.X("value:Q", title=f"Change in {table['of'][0]}", stack="zero"),
            y=alt.Y(
                "part_of:N",
                sort=names,
                title=None,
                axis=alt.Axis(ticks=False, domain=False),
            ),
            color=alt.Color("part:N", title=None, scale=hues),
            tooltip=tips(
                *(("part_of", words(keys[0]), ""), ("model", "Model", "")),
                *(("part", "From", ""), ("value", "Change", "+,.2f")),
            ),
        )
    ).add_params(choice("model", models, model))
    return finished(chart, "What the change is made of", 28 * len(names), ["model"])
