"""Trends: outcomes by period, beside the year before, by season, foretold, and what a change is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from attribution.channels import TOTAL
from attribution.dimensions import PERIODS
from attribution.report import charts
from attribution.report.charts.canvas import words
from attribution.report.charts.periods import BEFORE
from attribution.report.material import Material, listed, number
from attribution.report.parts import Figure, Grid, Section, Sentence, rows_of, told_columns

DRAWN: Mapping[str, tuple[Callable[[pl.DataFrame], Any], str]] = {
    "year_over_year": (charts.year_over_year, "Line: the chosen outcome by period. Dashed: a year before."),
    "seasonality": (charts.seasonality, "Bars: the mean of each season as a part of the mean of all."),
    "forecast": (
        charts.forecast,
        "Points: what a seasonal naive forecast expects. Lines: its intervals.",
    ),
}


def trends(material: Material) -> Section | None:
    """Return outcomes by period, and what has changed and why."""
    says: list[Sentence] = []
    shows: list[Figure | Grid] = []
    for place, section in enumerate(material.run.sections("breakdowns")):
        if sorted(section["by"]) in [sorted(["channel", period]) for period in PERIODS]:
            table = material.table(section, "file", "model", *section["by"])
            period = next(name for name in section["by"] if name != "channel")
            if table is not None and table[period].is_not_null().any():
                alt = f"Line: the chosen outcome of the chosen channel by {period}, with its interval."
                whole = with_total(table, period, material.outcomes)
                shows.append(Figure(f"trend-{place}", charts.trend(whole, material.outcomes), alt))
    for place, section in enumerate(material.run.sections("trends")):
        table = material.table(section)
        if table is not None:
            key = f"{section['table'].replace('_', '-')}-{place}"
            shows += [*figures(material, table, section, key), change_grid(table, section, f"{key}-table")]
            says += changed(material, table, section)
    return Section("trends", "Trend", tuple(says), tuple(shows)) if shows else None


def figures(
    material: Material, table: pl.DataFrame, section: Mapping[str, Any], key: str
) -> Iterator[Figure]:
    """Yield the chart of a table of trends, where it has what the chart is of."""
    if section["table"] == "contribution":
        alt = f"Bars: what each {listed(section['by'])} adds to the change, by volume, mix and rate."
        yield Figure(key, charts.contribution(table, model=material.chosen(table)), alt)
    elif section["by"] == ["channel"]:
        draw, alt = DRAWN[section["table"]]
        yield Figure(key, draw(table), alt)


def with_total(table: pl.DataFrame, period: str, outcomes: list[str]) -> pl.DataFrame:
    """Return a table by channel and period with the sum of all channels in each period."""
    cells = table.filter(pl.col("channel") != TOTAL).sort(*outcomes)
    total = cells.group_by("model", period, maintain_order=True).agg(pl.col(outcomes).sum())
    whole = pl.concat([cells, total.with_columns(channel=pl.lit(TOTAL))], how="diagonal")
    return whole.sort(period, "model", "channel")


def changed(material: Material, table: pl.DataFrame, section: Mapping[str, Any]) -> list[Sentence]:
    """Return what a table of trends says, in a sentence."""
    file, outcome = section["file"], material.outcomes[0]
    if section["table"] == "contribution":
        said = number(material.total(table, section["by"][0]), "change", "count", file)
        span = f"from {section['before']} to {section['now']} ({section['period']}s)"
        return [Sentence((f"{words(section['of'])} {span}: a change of ", *said, "."))]
    if section["table"] == "year_over_year" and f"{outcome}_growth" in table.columns:
        compared = table.drop_nulls(f"{outcome}_growth").filter(
            pl.col(section["by"][0]).cast(pl.String) == TOTAL
        )
        for row in compared.sort(section["period"]).tail(1).to_dicts():
            grown = number(row, f"{outcome}_growth", "share", file)
            span = f"{section['period']} of {row[section['period']]} against that of {row['compared_with']}"
            return [Sentence((f"{words(outcome)}, {span}: ", *grown, "."))]
    return []


def change_grid(table: pl.DataFrame, section: Mapping[str, Any], key: str) -> Grid:
    """Return the table of a change, a season or a forecast; of years, the last period that is compared."""
    shown, (head, *others) = table, section["by"]
    if section["table"] == "year_over_year":
        compared = table.filter(pl.any_horizontal(pl.col(f"^.*{BEFORE}$").is_not_null()))
        shown = compared.filter(pl.col(section["period"]) == pl.col(section["period"]).max())
    days = [name for name, kind in shown.schema.items() if kind == pl.Date and name not in section["by"]]
    keys = [*others, *({"outcome"} & {*shown.columns}), *days]
    columns = (*keys, *told_columns(shown, section["by"]))
    caption = f"{words(section['table'])} by {section['period']}"
    return Grid(key, caption, section["file"], head, columns, rows_of(shown, head, columns), folded=True)
