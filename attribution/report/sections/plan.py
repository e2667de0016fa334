"""Plan: what spend brings by channel, and how the budget is moved."""

from __future__ import annotations

import polars as pl

from attribution.channels import TOTAL
from attribution.report import charts
from attribution.report.material import Material, number
from attribution.report.parts import Figure, Grid, Section, Sentence, rows_of, told_columns


def plan(material: Material) -> Section | None:
    """Return the response curves, the plan and its reasons."""
    section = material.run.config["budget"]
    if section is None:
        return None
    allocation = material.table(section, "file", "model", "period", "channel")
    if allocation is None:
        return None
    file, shows = section["file"], list[Figure | Grid]()
    curve = material.table(section, "curve")
    if curve is not None:
        alt = "Curves: what spend brings, dashed beyond what was seen. Circle: spend now. Triangle: proposed."
        shows.append(Figure("response", charts.response(curve, allocation), alt))
    alt = "Bars: what each channel loses or gets, on the way from the spend now to the spend proposed."
    shows.append(Figure("waterfall", charts.waterfall(allocation), alt))
    columns = told_columns(allocation)
    caption = f"Spend now and proposed, a {section['period']}"
    shows.append(
        Grid("allocation", caption, file, "channel", tuple(columns), rows_of(allocation, "channel", columns))
    )
    why = allocation.drop_nulls("reason")
    rows = rows_of(why, "channel", ["reason"])
    shows.append(Grid("reasons", "Why, channel by channel", file, "channel", ("reason",), rows))
    response = material.table(section, "response")
    if response is not None:
        columns = told_columns(response)
        rows = rows_of(response, "channel", columns)
        shows.append(
            Grid(
                "response-table",
                "The curves behind the plan",
                section["response"],
                "channel",
                tuple(columns),
                rows,
            )
        )
    return Section("plan", "Moving budget", (promise(allocation, section["period"], file),), tuple(shows))


def promise(allocation: pl.DataFrame, period: str, file: str) -> Sentence:
    """Return what the plan brings."""
    total = allocation.filter(channel=TOTAL).row(0, named=True)
    outcome = next(name for name in allocation.columns if name.endswith("_expected")).removesuffix(
        "_expected"
    )
    now, then = number(total, "spend_now", "money", file), number(total, "spend_proposed", "money", file)
    gain = number(total, "gain", "count", file)
    return Sentence(
        (
            "From ",
            *now,
            " to ",
            *then,
            f" a {period}: {outcome} change by ",
            *gain,
            f" a {period}. A plan is a reason to try, an experiment says whether it was one.",
        )
    )
