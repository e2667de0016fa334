"""Funnel: how many leads reach each stage, and how many of them are won within so many days."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.report.charts.canvas import (
    ACCENT,
    INK,
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

STAGES = ("leads", "mqls", "sqls", "opportunities", "wins")
WITHIN = ("within_30_days", "within_60_days", "within_90_days", "within_180_days", "within_365_days")


def funnel(source: Table, *, model: str | None = None, channel: str | None = None) -> Chart:
    """Return how many leads of a channel reach each stage, with the share of those before.

    Raises:
        ParameterError: there is no such model or channel.

    >>> row = {"model": "linear", "channel": "(total)", "leads": 4.0, "wins": 1.0}
    >>> [each["name"] for each in funnel(pl.DataFrame([row])).to_dict()["params"]]
    ['model', 'channel']
    """
    table = frame_of(source)
    stages = [name for name in STAGES if name in table.columns]
    cells = table.sort(stages[0]).group_by("model", "channel", maintain_order=True).agg(pl.col(stages).sum())
    models = table["model"].unique(maintain_order=True).to_list()
    names = channels_of(table)
    before = dict(zip(stages[1:], stages[:-1], strict=True))
    rows = pl.concat(
        cells.select(
            *("model", "channel"),
            pl.lit(words(stage)).alias("stage"),
            pl.col(stage).alias("value"),
            (pl.col(stage) / pl.col(before.get(stage, stage))).fill_nan(None).alias("share"),
        )
        for stage in stages
    )
    told = pl.col("value").map_elements(lambda value: f"{value:,.0f}", return_dtype=pl.String)
    part = pl.col("share").map_elements(
        lambda share: f" · {share:.0%} of those before", return_dtype=pl.String
    )
    first = pl.col("stage") == words(stages[0])
    rows = rows.with_columns(text=told + pl.when(first).then(pl.lit("")).otherwise(part.fill_null("")))
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.model == model && datum.channel == channel")
        .encode(
            y=alt.Y("stage:N", sort=[words(stage) for stage in stages], axis=None),
            tooltip=tips(
                *(("stage", "Stage", ""), ("channel", "Channel", ""), ("model", "Model", "")),
                *(("value", "Leads", ",.2f"), ("share", "Of those before", ".1%")),
            ),
        )
    )
    label = base.mark_text(align="left", dy=-11, fontSize=12, color=INK, limit=alt.ExprRef("width"))
    chart = layered(
        base.mark_bar(color=ACCENT, opacity=0.75, height=12, yOffset=6).encode(
            x=alt.X("value:Q", title="Leads")
        ),
        label.transform_calculate(label="datum.stage + ' · ' + datum.text").encode(
            x=alt.value(0), text="label:N"
        ),
    ).add_params(choice("model", models, model), choice("channel", names, channel))
    return finished(chart, "From lead to win", 42 * len(stages), ("channel", "model"))


def velocity(source: Table, *, model: str | None = None, channel: str | None = None) -> Chart:
    """Return the share of leads that are won within so many days, open ones censored.

    Raises:
        ParameterError: there is no such model or channel.

    >>> row = {"model": "linear", "channel": "(total)", "from_stage": "leads", "to_stage": "wins"}
    >>> len(velocity(pl.DataFrame([row | {"within_30_days": 0.5}])).to_dict()["layer"])
    2
    """
    table = frame_of(source).filter(from_stage="leads", to_stage="wins")
    models = table["model"].unique(maintain_order=True).to_list()
    names = channels_of(table)
    rows = long(table, [name for name in WITHIN if name in table.columns], ["model", "channel"], "within")
    rows = rows.drop_nulls("value").with_columns(days=pl.col("within").str.extract(r"(\d+)").cast(pl.Int64))
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.model == model && datum.channel == channel")
        .encode(
            x=alt.X("days:O", title="Days from lead to win", axis=alt.Axis(labelAngle=0)),
            tooltip=tips(
                *(("channel", "Channel", ""), ("days", "Days", ",.0f"), ("value", "Won", ".1%")),
                *(("low", "Interval from", ".1%"), ("high", "to", ".1%")),
            ),
        )
    )
    share = alt.Y(
        "value:Q", title="Share of leads won", axis=alt.Axis(format="~p"), scale=alt.Scale(zero=True)
    )
    chart = layered(
        reaching(base)
        .mark_area(color=ACCENT, opacity=0.15)
        .encode(y=alt.Y("bottom:Q", title="Share of leads won"), y2="top:Q"),
        base.mark_line(color=ACCENT, point={"filled": True, "size": 50}).encode(y=share),
    ).add_params(choice("model", models, model), choice("channel", names, channel))
    return finished(chart, "How soon leads are won", 240, ("channel", "model"))
