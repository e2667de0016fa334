"""Compare: what each model credits each channel with, side by side, and on which channels they differ."""

from __future__ import annotations

from collections.abc import Collection

import altair as alt
import polars as pl

from attribution.channels import UNATTRIBUTED
from attribution.comparison import compare as compared
from attribution.credits import Result
from attribution.report.charts.canvas import (
    Chart,
    Table,
    choice,
    colour,
    finished,
    frame_of,
    layered,
    long,
    outcomes_of,
    reaching,
    tips,
    values,
)

MARK = "†"  # beside the name of a channel on which models differ by more than chance


def compare(
    result: Table,
    *,
    model: str | None = None,
    outcome: str | None = None,
    disputed: Collection[str] | None = None,
) -> Chart:
    """Return the credits of all models by channel, with their intervals; the chosen model stands out.

    Channels on which models differ by more than chance are marked: ``disputed``, which a result of
    ``at.attribute`` knows by itself.

    Raises:
        ParameterError: there is no such model or outcome.

    >>> credits = pl.DataFrame({"model": ["linear"], "channel": ["ads"], "leads": [2.0]})
    >>> compare(credits).to_dict()["params"][0]["value"]
    'linear'
    """
    table = frame_of(result)
    if disputed is None and isinstance(result, Result):
        told = compared(result, outcome=outcome).channels
        disputed = told.filter("disputed")["channel"].to_list()
    models, outcomes = table["model"].unique(maintain_order=True).to_list(), outcomes_of(table)
    marked = pl.col("channel") + pl.when(pl.col("channel").is_in(list(disputed or ()))).then(
        pl.lit(f" {MARK}")
    ).otherwise(pl.lit(""))
    rows = long(table, outcomes, ["model", "channel"]).with_columns(channel=marked)
    order = (
        rows.filter(outcome=outcomes[0]).group_by("channel", maintain_order=True).agg(pl.col("value").max())
    )
    best = order.sort(["value", "channel"], descending=[True, False])["channel"].to_list()
    names = sorted(best, key=lambda name: name == UNATTRIBUTED)
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.outcome == outcome")
        .encode(
            y=alt.Y("channel:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, grid=True)),
            yOffset=alt.YOffset("model:N", sort=models, scale=alt.Scale(paddingInner=0.1, paddingOuter=1)),
            color=colour("model", models),
            opacity=alt.condition("datum.model == model", alt.value(1), alt.value(0.45)),
            tooltip=tips(
                *(("channel", "Channel", ""), ("model", "Model", ""), ("outcome", "Outcome", "")),
                *(("value", "Credit", ",.2f"), ("low", "Interval from", ",.2f"), ("high", "to", ",.2f")),
            ),
        )
    )
    amount = alt.X("value:Q", title=None, axis=alt.Axis(tickCount=6))
    wide = alt.condition("datum.model == model", alt.value(3), alt.value(1.2))
    reach = reaching(base).mark_rule().encode(x=alt.X("bottom:Q", title=None), x2="top:Q", size=wide)
    points = base.mark_point(filled=True, opacity=1).encode(
        x=amount, size=alt.condition("datum.model == model", alt.value(90), alt.value(30))
    )
    height = max(34, 7 * len(models) + 6) * len(names)
    chart = layered(reach, points).add_params(
        choice("model", models, model), choice("outcome", outcomes, outcome)
    )
    note = f"{MARK} models differ by more than chance" if disputed else ""
    return finished(chart, "Credit by channel and model", height, ("outcome", "model"), note)
