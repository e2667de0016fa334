"""Budget: what spend brings by channel, and the way from the spend now to the spend proposed."""

from __future__ import annotations

import altair as alt
import polars as pl

from attribution.budget import Allocation, Response
from attribution.channels import TOTAL
from attribution.report.charts.canvas import (
    BAD,
    GOOD,
    INK,
    Chart,
    Table,
    colour,
    finished,
    frame_of,
    layered,
    long,
    reaching,
    tips,
    values,
    words,
)

STEPS = {"now": "circle", "proposed": "triangle-right"}
MARKED = "circle: now, triangle: proposed, dashed: not seen"


def response(curves: Response | pl.DataFrame, allocation: Allocation | pl.DataFrame | None = None) -> Chart:
    """Return what spend brings by channel, as curves: dashed beyond what was seen; now and proposed on them.

    >>> rows = [{"channel": "ads", "spend": s, "leads": l, "seen": True} for s, l in ((0.0, 0.0), (9.0, 3.0))]
    >>> response(pl.DataFrame(rows)).to_dict()["layer"][1]["mark"]["type"]
    'line'
    """
    table = curves.curve() if isinstance(curves, Response) else curves
    place = table.columns.index("spend") + 1
    outcome, names = table.columns[place], table["channel"].unique(maintain_order=True).to_list()
    rows = long(table, [outcome], ["channel", "spend", "seen"]).drop("outcome")
    hues = colour("channel", names)
    hover = tips(
        *(("channel", "Channel", ""), ("spend", "Spend", ",.2f"), ("value", outcome, ",.2f")),
        *(("low", "Interval from", ",.2f"), ("high", "to", ",.2f")),
    )
    x, y = (
        alt.X("spend:Q", title="Spend", axis=alt.Axis(format=",~f", tickCount=6)),
        alt.Y("value:Q", title=words(outcome)),
    )
    base = alt.Chart(values(rows)).encode(color=hues, tooltip=hover, x=x)
    seen = base.transform_filter("datum.seen").mark_line(strokeWidth=2.5)
    layers = [
        reaching(base).mark_area(opacity=0.09).encode(y=alt.Y("bottom:Q", title=words(outcome)), y2="top:Q"),
        base.mark_line(strokeWidth=1.3, strokeDash=[4, 3]).encode(y=y),
        seen.encode(y=y),
    ]
    if allocation is not None:
        plan = frame_of(allocation).filter(pl.col("channel").is_in(names))
        points = pl.concat(
            plan.select(
                "channel",
                pl.col(spend).alias("spend"),
                pl.col(leads).alias("value"),
                pl.lit(when).alias("when"),
            )
            for when, spend, leads in (
                ("now", "spend_now", f"{outcome}_now"),
                ("proposed", "spend_proposed", f"{outcome}_expected"),
            )
        )
        shape = alt.Shape(
            "when:N", legend=None, scale=alt.Scale(domain=list(STEPS), range=list(STEPS.values()))
        )
        marks = alt.Chart(values(points)).mark_point(filled=True, size=120, opacity=1, stroke="white")
        told = tips(
            ("channel", "Channel", ""),
            ("when", "Spend", ""),
            ("spend", "Amount", ",.2f"),
            ("value", outcome, ",.2f"),
        )
        layers.append(marks.encode(x=x, y=y, color=hues, shape=shape, tooltip=told))
    note = "" if allocation is None else MARKED
    return finished(layered(*layers), "What spend brings", 340, note=note)


def waterfall(allocation: Table) -> Chart:
    """Return the way from the spend now to the spend proposed, channel by channel.

    >>> rows = [{"channel": "ads", "spend_now": 5.0, "spend_proposed": 7.0, "change": 2.0}]
    >>> rows += [{"channel": "(total)", "spend_now": 5.0, "spend_proposed": 7.0, "change": 2.0}]
    >>> len(waterfall(pl.DataFrame(rows)).to_dict()["layer"])
    3
    """
    table = frame_of(allocation)
    total = table.filter(channel=TOTAL).row(0, named=True)
    moved = table.filter((pl.col("channel") != TOTAL) & (pl.col("change") != 0)).sort(["change", "channel"])
    rows = [
        {
            "step": "spend now",
            "start": total["spend_now"],
            "end": total["spend_now"],
            "change": None,
            "kind": "total",
        }
    ]
    for channel, change in moved.select("channel", "change").iter_rows():
        start = rows[-1]["end"]
        kind = "more" if change > 0 else "less"
        rows.append(
            {"step": channel, "start": start, "end": round(start + change, 2), "change": change, "kind": kind}
        )
    end = total["spend_proposed"]
    rows.append({"step": "spend proposed", "start": end, "end": end, "change": None, "kind": "total"})
    told = pl.DataFrame(rows, schema_overrides={"change": pl.Float64}).with_columns(
        text=pl.Series(
            [f"{row['end']:,.2f}" if row["change"] is None else f"{row['change']:+,.2f}" for row in rows]
        )
    )
    hues = alt.Scale(domain=["more", "less", "total"], range=[GOOD, BAD, INK])
    amount = alt.Scale(zero=False, nice=True, padding=78)
    base = alt.Chart(values(told)).encode(
        y=alt.Y("step:N", sort=told["step"].to_list(), title=None, axis=alt.Axis(ticks=False, domain=False)),
        color=alt.Color("kind:N", legend=None, scale=hues),
        tooltip=tips(("step", "Step", ""), ("change", "Change", "+,.2f"), ("end", "Spend after it", ",.2f")),
    )
    low, high = (
        alt.X(
            "start:Q",
            title="Spend (the axis does not begin at 0)",
            scale=amount,
            axis=alt.Axis(format=",~f", tickCount=6),
        ),
        "end:Q",
    )
    chart = layered(
        base.transform_filter("datum.kind != 'total'").mark_bar(height=16).encode(x=low, x2=high),
        base.transform_filter("datum.kind == 'total'")
        .mark_tick(thickness=4, height=22)
        .encode(x=alt.X("end:Q", scale=amount)),
        base.mark_text(align="left", dx=8, fontSize=12)
        .encode(x=alt.X("most:Q", scale=amount), text="text:N")
        .transform_calculate(most="max(datum.start, datum.end)"),
    )
    return finished(chart, "From the spend now to the spend proposed", 32 * len(told))
