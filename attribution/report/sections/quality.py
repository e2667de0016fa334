"""Quality: what was used and set aside, what has no channel, and what the run warns of."""

from __future__ import annotations

import polars as pl

from attribution.report.material import Material
from attribution.report.names import clean
from attribution.report.parts import Cell, Grid, Number, Row, Section, Sentence, rows_of

LONGEST = 400  # signs of a warning


def quality(material: Material) -> Section | None:
    """Return the counts of the run, and its warnings."""
    content = material.run.manifest.content
    says = []
    for table, rows in content["rows"].items():
        read, used = (Number(float(rows[name]), "count", "manifest.json") for name in ("read", "used"))
        aside = [
            part
            for why, count in rows["set_aside"].items()
            for part in (
                ", ",
                Number(float(count), "count", "manifest.json"),
                f" set aside ({why.replace('_', ' ')})",
            )
        ]
        says.append(Sentence((f"{table}: ", read, " rows read, ", used, " used", *aside, ".")))
    shows: list[Grid] = []
    report = material.output("report")
    if report is not None:
        named = report.with_columns(pl.col("rows").cast(pl.Float64))
        columns = ("what", "rows")
        grid = rows_of(named, "table", columns)
        shows.append(
            Grid(
                "counts",
                "Rows in = used + set aside, by reason",
                material.file("report"),
                "table",
                columns,
                grid,
            )
        )
    warnings = [
        Row(str(place), (Cell("warning", clean(text, LONGEST)),))
        for place, text in enumerate(content["warnings"], 1)
    ]
    if warnings:
        shows.append(
            Grid(
                "warnings",
                "What to know before these numbers are used",
                "manifest.json",
                "number",
                ("warning",),
                tuple(warnings),
            )
        )
    return Section("quality", "Data quality", tuple(says), tuple(shows))
