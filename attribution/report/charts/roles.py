"""Roles: which channels open journeys, which assist and which close."""

from __future__ import annotations

import altair as alt

from attribution.report.charts.canvas import (
    ACCENT,
    Chart,
    Table,
    finished,
    frame_of,
    tips,
    values,
)

ROLES = {"opens": "#e69f00", "assists": "#7b8794", "closes": ACCENT}


def roles(table: Table) -> Chart:
    """Return how often each channel opens, assists and closes the converting journeys that it is in.

    >>> import polars as pl
    >>> row = {"channel": "ads", "opens": 0.5, "assists": 0.0, "closes": 1.0}
    >>> roles(pl.DataFrame([row])).to_dict()["mark"]["type"]
    'bar'
    """
    rows = frame_of(table).unique("channel", maintain_order=True).select("channel", *ROLES).drop_nulls()
    order = rows.sort(["opens", "channel"], descending=[True, False])["channel"].to_list()
    told = rows.unpivot(list(ROLES), index="channel", variable_name="role")
    hues = alt.Scale(domain=list(ROLES), range=list(ROLES.values()))
    chart = (
        alt.Chart(values(told))
        .mark_bar()
        .encode(
            x=alt.X(
                "value:Q", title="Share of its converting journeys", axis=alt.Axis(format="~p", tickCount=6)
            ),
            y=alt.Y("channel:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False)),
            yOffset=alt.YOffset("role:N", sort=list(ROLES)),
            color=alt.Color("role:N", title=None, scale=hues),
            tooltip=tips(
                ("channel", "Channel", ""), ("role", "It", ""), ("value", "Share of its journeys", ".1%")
            ),
        )
    )
    return finished(chart, "Who opens, who assists, who closes", 38 * len(order))
