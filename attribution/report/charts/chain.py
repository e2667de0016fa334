"""Chain: the moves that are made most, drawn as a graph from the start to conversion and null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import cos, hypot, pi, sin

import altair as alt
import polars as pl

from attribution.graphs import CONVERSION, NULL, START
from attribution.report.charts.canvas import (
    BAD,
    FAINT,
    GOOD,
    INK,
    Chart,
    Table,
    colour,
    finished,
    frame_of,
    layered,
    tips,
    values,
)
from attribution.report.charts.transitions import by_visits

EDGES = 40  # the moves that are made most
BEND, POINTS = 0.18, 12  # of a line from one circle to the next
ENDS = {START: (0.0, 0.5), CONVERSION: (1.0, 0.72), NULL: (1.0, 0.28)}
SPELLED = {START: "start", CONVERSION: "conversion", NULL: "null"}


def chain(table: Table) -> Chart:
    """Return the moves that are made most as a graph: circles are channels, lines bend to their right.

    >>> row = {"source": "(start)", "target": "ads", "count": 3.0, "probability": 1.0}
    >>> len(chain(pl.DataFrame([row])).to_dict()["layer"])
    5
    """
    moves = frame_of(table).filter(pl.col("source") != pl.col("target"))
    moves = moves.sort(["count", "source", "target"], descending=[True, False, False]).head(EDGES)
    states = dict.fromkeys([*by_visits(frame_of(table)), *moves["target"]])
    names = [name for name in states if name not in ENDS]
    there = placed(names) | ENDS
    lines = pl.DataFrame(list(bent(moves, there)), orient="row") if len(moves) else moves
    left = dict(frame_of(table).group_by("source").agg(pl.col("count").sum()).sort("source").iter_rows())
    circles = [
        {
            "name": f"{place} {name}",
            "number": str(place),
            "x": there[name][0],
            "y": there[name][1],
            "visits": left.get(name, 0.0),
        }
        for place, name in enumerate(names, 1)
    ]
    ends = [{"name": SPELLED[name], "x": x, "y": y} for name, (x, y) in ENDS.items()]
    plain = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    x = alt.X("x:Q", axis=plain, scale=alt.Scale(domain=[-0.08, 1.1]))
    y = alt.Y("y:Q", axis=plain, scale=alt.Scale(domain=[-0.02, 1.04]))
    hover = tips(
        ("move", "Move", ""), ("count", "Journeys", ",.0f"), ("probability", "Of all that leave", ".1%")
    )
    size = alt.Size("visits:Q", legend=None, scale=alt.Scale(range=[280, 1300]))
    moved = alt.Chart(values(lines)).mark_line(opacity=0.5, strokeCap="round")
    dots = alt.Chart(values(pl.DataFrame(circles))).encode(
        x=x, y=y, tooltip=tips(("name", "Channel", ""), ("visits", "Visits", ",.0f"))
    )
    hues = alt.Scale(domain=["channel", "conversion", "null"], range=[FAINT, GOOD, BAD])
    named = colour("name", [each["name"] for each in circles])
    outer = alt.Chart(values(pl.DataFrame(ends))).encode(x=x, y=y)
    chart = layered(
        moved.encode(
            x=x,
            y=y,
            detail="move:N",
            order="step:Q",
            color=alt.Color("to:N", legend=None, scale=hues),
            size=alt.Size("count:Q", legend=None, scale=alt.Scale(range=[0.8, 9])),
            tooltip=hover,
        ),
        dots.mark_circle(opacity=1, stroke="white").encode(size=size, color=named),
        dots.mark_text(fontSize=12, fontWeight="bold", color="white").encode(text="number:N"),
        outer.mark_circle(size=120, color=INK, opacity=1),
        outer.mark_text(fontSize=12, fontWeight="bold", color=INK, dy=-14).encode(text="name:N"),
    ).resolve_scale(size="independent", color="independent")
    return finished(chart, "The moves that are made most", 400)


def placed(names: list[str]) -> dict[str, tuple[float, float]]:
    """Return the places of the channels, around a circle, the first one on top.

    >>> placed(["ads"])
    {'ads': (0.5, 0.9)}
    """
    turns = [2 * pi * place / len(names) for place in range(len(names))]
    return {
        name: (0.5 + 0.34 * sin(turn), 0.5 + 0.4 * cos(turn)) for name, turn in zip(names, turns, strict=True)
    }


def bent(moves: pl.DataFrame, there: Mapping[str, tuple[float, float]]) -> Iterator[dict[str, object]]:
    """Yield the points of each line, which bends so that there and back are two lines."""
    for source, target, count, probability in moves.select(
        "source", "target", "count", "probability"
    ).iter_rows():
        (x0, y0), (x1, y1) = there[source], there[target]
        far = hypot(x1 - x0, y1 - y0) or 1.0
        mid_x = (x0 + x1) / 2 + BEND * (y1 - y0) * far
        mid_y = (y0 + y1) / 2 - BEND * (x1 - x0) * far
        told = {"move": f"{source} → {target}", "count": count, "probability": probability}
        told["to"] = SPELLED.get(target, "channel")
        for step in range(POINTS + 1):
            t = step / POINTS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            point = {"x": round(a * x0 + b * mid_x + c * x1, 4), "y": round(a * y0 + b * mid_y + c * y1, 4)}
            yield told | point | {"step": step}
