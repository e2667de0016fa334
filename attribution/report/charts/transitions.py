"""Transitions: the moves between channels, as a map of probabilities."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.graphs import CONVERSION, NULL, START
from attribution.report.charts.canvas import INK, Chart, Table, finished, frame_of, layered, tips, values

READABLE = 34  # pixels of a cell in which a number fits


def transitions(table: Table) -> Chart:
    """Return where journeys go from each channel: the darker the cell, the more of them.

    >>> row = {"source": "(start)", "target": "ads", "count": 3.0, "probability": 1.0}
    >>> transitions(pl.DataFrame([row])).to_dict()["layer"][0]["mark"]["type"]
    'rect'
    """
    rows = frame_of(table)
    names = [name for name in by_visits(rows) if name != START]
    axis = alt.Axis(ticks=False, domain=False, labelLimit=110)
    across = alt.Axis(ticks=False, domain=False, labelLimit=110, labelAngle=-90, orient="top")
    base = alt.Chart(values(rows)).encode(
        x=alt.X("target:N", sort=[*names, CONVERSION, NULL], title="to", axis=across),
        y=alt.Y("source:N", sort=[START, *names], title="from", axis=axis),
        tooltip=tips(
            *(("source", "From", ""), ("target", "To", "")),
            *(("count", "Journeys", ",.0f"), ("probability", "Of all that leave", ".1%")),
        ),
    )
    blues, legend = alt.Scale(scheme="blues", domainMin=0), alt.Legend(format="~p", gradientLength=160)
    shade = alt.Color("probability:Q", title="Probability", scale=blues, legend=legend)
    deep = 0.6 * float(rows["probability"].max() or 0.0)  # type: ignore[arg-type]
    dark = alt.condition(f"datum.probability > {deep}", alt.value("white"), alt.value(INK))
    widest = READABLE * rows["target"].n_unique()
    numbers = base.transform_filter(f"datum.probability >= 0.005 && width > {widest}").mark_text(fontSize=11)
    chart = layered(
        base.mark_rect(stroke="white").encode(color=shade),
        numbers.encode(text=alt.Text("probability:Q", format=".0%"), color=dark),
    )
    return finished(chart, "Where journeys go next", 30 * (len(names) + 1))


def by_visits(rows: pl.DataFrame) -> list[str]:
    """Return the states from which journeys go on, the most visited first."""
    visits = rows.sort("count").group_by("source", maintain_order=True).agg(pl.col("count").sum())
    return visits.sort(["count", "source"], descending=[True, False])["source"].to_list()
