"""Kpis: a KPI by channel with its interval, and win rate against cost per lead."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.channels import TOTAL
from attribution.errors import ParameterError
from attribution.kpis.spelling import unit_of
from attribution.report.charts.canvas import (
    ACCENT,
    FAINT,
    INK,
    ROWS,
    Chart,
    Table,
    choice,
    colour,
    finished,
    form_of,
    frame_of,
    layered,
    long,
    reaching,
    tips,
    values,
    words,
)

ALL = "dashed: all channels together"


def kpis(measured: Table, figure: str = "cost_per_lead", *, model: str | None = None) -> Chart:
    """Return a KPI by channel with its interval, and that of the total as a line; lowest first.

    Raises:
        ParameterError: the table has no such KPI or model.

    >>> table = pl.DataFrame({"model": ["linear"], "channel": ["ads"], "cost_per_lead": [12.5]})
    >>> kpis(table).to_dict()["params"][0]["value"]
    'linear'
    """
    table = frame_of(measured)
    if figure not in table.columns:
        raise ParameterError.unknown("KPI", figure, table.columns)
    models = table["model"].unique(maintain_order=True).to_list()
    rows = long(table, [figure], ["model", "channel"]).drop_nulls("value")
    total = rows.filter(channel=TOTAL)
    rows = rows.filter(~pl.col("channel").is_in(ROWS))
    form, title = form_of(unit_of(figure)), words(figure)
    hover = tips(
        *(("channel", "Channel", ""), ("model", "Model", "")),
        *(("value", title, form), ("low", "Interval from", form), ("high", "to", form)),
    )
    order = alt.EncodingSortField("value", op="min", order="ascending")
    axis = alt.Axis(format="~p" if form.endswith("%") else ",~f", tickCount=6)
    bars = alt.Chart(values(rows)).transform_filter("datum.model == model")
    place = alt.Y("channel:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    bars = bars.encode(y=place, tooltip=hover)
    line = (
        alt.Chart(values(total))
        .transform_filter("datum.model == model")
        .mark_rule(strokeDash=[4, 3], color=FAINT)
        .encode(x="value:Q", tooltip=hover)
    )
    chart = layered(
        bars.mark_bar(color=ACCENT, opacity=0.75, height=14).encode(
            x=alt.X("value:Q", title=title, axis=axis)
        ),
        reaching(bars).mark_rule(color=INK, size=1.5).encode(x="bottom:Q", x2="top:Q"),
        line,
    )
    return finished(
        chart.add_params(choice("model", models, model)),
        f"{title} by channel",
        28 * rows["channel"].n_unique() + 4,
    )


def win_rates(measured: Table, *, model: str | None = None) -> Chart:
    """Return win rate against cost per lead: cheap leads that never buy are below, to the left.

    A circle is a channel, its area the spend; crossing lines are intervals, dashed ones the totals.

    Raises:
        ParameterError: the table has no such model.

    >>> row = {"model": "linear", "channel": "ads", "spend": 9.0, "cost_per_lead": 3.0, "win_rate": 0.5}
    >>> len(win_rates(pl.DataFrame([row])).to_dict()["layer"])
    6
    """
    table = frame_of(measured)
    models = table["model"].unique(maintain_order=True).to_list()
    columns = ["model", "channel", "spend", "leads", "cost_per_lead", "win_rate"]
    ends = [f"{name}_{end}" for name in ("cost_per_lead", "win_rate") for end in ("low", "high")]
    lacking = [
        pl.lit(None).cast(pl.Float64).alias(name) for name in (*columns, *ends) if name not in table.columns
    ]
    rows = table.with_columns(lacking).select(*columns, *ends).drop_nulls(["cost_per_lead", "win_rate"])
    total, rows = rows.filter(channel=TOTAL), rows.filter(~pl.col("channel").is_in(ROWS))
    names = rows["channel"].unique(maintain_order=True).to_list()
    numbered = [f"{place} {name}" for place, name in enumerate(names, 1)]
    rows = rows.with_columns(
        pl.col("channel").replace_strict(names, numbered, return_dtype=pl.String),
        number=pl.col("channel").replace_strict(
            names, [str(i) for i in range(1, len(names) + 1)], return_dtype=pl.String
        ),
    )
    hover = tips(
        *(("channel", "Channel", ""), ("model", "Model", ""), ("cost_per_lead", "Cost per lead", ",.2f")),
        *(("cost_per_lead_low", "Interval from", ",.2f"), ("cost_per_lead_high", "to", ",.2f")),
        *(("win_rate", "Win rate", ".1%"), ("win_rate_low", "Interval from ", ".1%")),
        *(("win_rate_high", "to ", ".1%"), ("spend", "Spend", ",.2f"), ("leads", "Leads", ",.2f")),
    )
    money = alt.Axis(format=",~f", tickCount=6)
    x = alt.X(
        "cost_per_lead:Q", title="Cost per lead (cheaper to the left)", axis=money, scale=alt.Scale(zero=True)
    )
    y = alt.Y("win_rate:Q", title="Win rate", axis=alt.Axis(format="~p"), scale=alt.Scale(zero=True))
    base = alt.Chart(values(rows)).transform_filter("datum.model == model")
    base = base.encode(color=colour("channel", numbered), tooltip=hover)
    sums = alt.Chart(values(total)).transform_filter("datum.model == model")
    dashed = sums.mark_rule(strokeDash=[4, 3], color=FAINT)
    chart = layered(
        dashed.encode(x=x, tooltip=hover[1:]),
        dashed.encode(y=y, tooltip=hover[1:]),
        reaching(base, "cost_per_lead").mark_rule(opacity=0.55).encode(x="bottom:Q", x2="top:Q", y=y),
        reaching(base, "win_rate").mark_rule(opacity=0.55).encode(y="bottom:Q", y2="top:Q", x=x),
        base.mark_circle(opacity=0.9, stroke="white").encode(
            x=x, y=y, size=alt.Size("spend:Q", legend=None, scale=alt.Scale(range=[260, 1400]))
        ),
        base.mark_text(fontSize=12, fontWeight="bold").encode(
            x=x, y=y, text="number:N", color=alt.value("white")
        ),
    )
    return finished(
        chart.add_params(choice("model", models, model)),
        "Win rate against cost per lead",
        360,
        ["model"],
        ALL,
    )
