"""Paths: the paths that customers take, how many touchpoints they have, and how long they last."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.patterns.frequent_paths import NO_TOUCHPOINTS
from attribution.report.charts.canvas import (
    ACCENT,
    INK,
    ROWS,
    Chart,
    Table,
    choice,
    finished,
    frame_of,
    layered,
    tips,
    values,
    words,
)

COUNTED = ("conversion_rate", "share", "cumulative_share")


def outcomes_in(table: pl.DataFrame) -> list[str]:
    """Return the outcomes of a table of paths: the numbers that follow the count of journeys.

    >>> outcomes_in(pl.DataFrame({"path": ["ads"], "journeys": [4.0], "leads": [1.0], "share": [1.0]}))
    ['leads']
    """
    after = table.columns[table.columns.index("journeys") + 1 :]
    return [name for name in after if name not in COUNTED and table.schema[name] == pl.Float64]


def paths(table: Table, *, most: int = 12, outcome: str | None = None) -> Chart:
    """Return the paths with the most of an outcome, and how much it is.

    >>> table = pl.DataFrame({"path": ["ads > mail"], "journeys": [4.0], "leads": [1.0], "share": [1.0]})
    >>> paths(table).to_dict()["params"][0]["value"]
    'leads'
    """
    frame = frame_of(table)
    outcomes = outcomes_in(frame)
    shown = frame.filter(~pl.col("path").is_in([*ROWS, NO_TOUCHPOINTS])).head(most)
    rows = shown.unpivot(outcomes, index=["path", "journeys"], variable_name="outcome")
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.outcome == outcome")
        .encode(
            y=alt.Y("path:N", sort=shown["path"].to_list(), axis=None),
            tooltip=tips(
                *(("path", "Path", ""), ("journeys", "Journeys", ",.0f")),
                *(("outcome", "Outcome", ""), ("value", "Amount", ",.2f")),
            ),
        )
    )
    told = base.transform_calculate(told="datum.path + ' · ' + format(datum.value, ',.0f')")
    chart = layered(
        base.mark_bar(color=ACCENT, opacity=0.75, height=9, yOffset=8).encode(
            x=alt.X("value:Q", title=None, axis=alt.Axis(tickCount=6))
        ),
        told.mark_text(align="left", dy=-7, fontSize=12, color=INK, limit=alt.ExprRef("width")).encode(
            x=alt.value(0), text="told:N"
        ),
    ).add_params(choice("outcome", outcomes, outcome))
    return finished(chart, "Paths that bring the most", 36 * len(shown) + 4, ["outcome"])


def path_lengths(table: Table) -> Chart:
    """Return journeys by their number of touchpoints, and how many of them convert.

    >>> row = {"touchpoints_from": 1, "touchpoints_to": 1, "journeys": 4.0, "conversion_rate": 0.25}
    >>> path_lengths(pl.DataFrame([row])).to_dict()["layer"][0]["mark"]["type"]
    'bar'
    """
    return binned(
        frame_of(table),
        "touchpoints",
        "Journeys by their number of touchpoints",
        "journeys",
        "conversion_rate",
    )


def time_lags(table: Table) -> Chart:
    """Return conversions by the days from the first touchpoint, and the share that came by then.

    >>> row = {"days_from": 0, "days_to": 1, "journeys": 4.0, "leads": 4.0, "cumulative_share": 1.0}
    >>> time_lags(pl.DataFrame([row])).to_dict()["layer"][1]["mark"]["type"]
    'line'
    """
    frame = frame_of(table)
    return binned(
        frame,
        "days",
        "Days from the first touchpoint to the outcome",
        outcomes_in(frame)[0],
        "cumulative_share",
    )


def binned(frame: pl.DataFrame, unit: str, title: str, amount: str, share: str) -> Chart:
    """Return bars of an amount by bins, and a share as a line with its own axis."""
    labels = [
        bin_of(low, high, whole=unit == "touchpoints")
        for low, high in frame.select(f"{unit}_from", f"{unit}_to").iter_rows()
    ]
    rows = frame.select(
        pl.Series("bin", labels, dtype=pl.String),
        pl.col(amount).alias("amount"),
        pl.col(share).alias("share"),
    )
    x = alt.X(
        "bin:N",
        sort=labels,
        title=words(unit),
        axis=alt.Axis(labelAngle=0, labelOverlap=True, labelSeparation=10),
    )
    hover = tips(("bin", words(unit), ""), ("amount", words(amount), ",.0f"), ("share", words(share), ".1%"))
    base = alt.Chart(values(rows)).encode(x=x, tooltip=hover)
    bars = base.mark_bar(color=ACCENT, opacity=0.75).encode(
        y=alt.Y("amount:Q", title=words(amount), axis=alt.Axis(format=",~f", titleColor=ACCENT))
    )
    line = base.mark_line(color="#b3470a", point={"filled": True, "color": "#b3470a", "size": 45}).encode(
        y=alt.Y("share:Q", title=words(share), axis=alt.Axis(format="~p", grid=False, titleColor="#b3470a"))
    )
    known = [] if rows["share"].is_null().all() else [line]
    return finished(layered(bars, *known).resolve_scale(y="independent"), title, 260)


def bin_of(low: float, high: float | None, whole: bool) -> str:
    """Return the words of a bin, whose end belongs to it where it counts ``whole`` things.

    >>> bin_of(1, 1, True), bin_of(10, 14, True), bin_of(7, 14, False), bin_of(90, None, False)
    ('1', '10–14', '7–14', '90+')
    """
    if high is None:
        return f"{low:g}+"
    return f"{low:g}" if low == high or (not whole and high - low == 1) else f"{low:g}–{high:g}"
