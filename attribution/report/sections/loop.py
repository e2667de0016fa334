"""Loop: what became of the leads: how far they came, how soon, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from attribution.channels import TOTAL
from attribution.kpis.spelling import BETWEEN
from attribution.report import charts
from attribution.report.charts.funnel import STAGES
from attribution.report.material import Material, number
from attribution.report.names import summed
from attribution.report.parts import Figure, Grid, Number, Section, Sentence, rows_of, told_columns

REACHED = (
    "leads",
    "reached",
    "within_30_days",
    "within_90_days",
    "within_365_days",
    "median_days_of_reached",
)
WORTH = (
    "spend",
    "customers",
    "revenue_per_customer",
    "lifetime_value",
    "cost_per_customer",
    "lifetime_value_to_cost",
)


def funnel(material: Material) -> Section | None:
    """Return how far leads come, and how soon they are won."""
    says: list[Sentence] = []
    shows: list[Figure | Grid] = []
    for place, section in enumerate(material.run.sections("funnels")):
        table = material.table(section, "file", "model", *section["by"])
        if table is not None and "channel" in section["by"] and not section["entries"]:
            alt = "Bars: leads of the chosen channel that reach each stage, from lead to win."
            shows.append(Figure(f"funnel-{place}", charts.funnel(table), alt))
            shows.append(stage_grid(table, section, f"funnel-table-{place}"))
            says += how_far(material, table, section["file"])
    for place, section in enumerate(material.run.sections("velocities")):
        table = material.table(section)
        if table is None or section["by"] != ["channel"] or section["naive"]:
            continue
        won = table.filter(from_stage="leads", to_stage="wins")
        if won.is_empty():
            continue
        alt = (
            "Line: share of the leads of the chosen channel won within so many days; open leads are censored."
        )
        columns = [name for name in REACHED if name in won.columns]
        shows.append(Figure(f"velocity-{place}", charts.velocity(table), alt))
        caption = "From lead to win: share won within so many days, open leads censored"
        rows = rows_of(won, "channel", columns)
        shows.append(
            Grid(f"velocity-table-{place}", caption, section["file"], "channel", tuple(columns), rows)
        )
        total = material.total(won)
        if total.get("within_90_days") is not None:
            said = number(total, "within_90_days", "share", section["file"])
            says.append(Sentence((*said, " of all leads are won within 90 days.")))
    return Section("funnel", "Funnel and velocity", tuple(says), tuple(shows)) if shows else None


def stage_grid(table: pl.DataFrame, section: Mapping[str, Any], key: str) -> Grid:
    """Return a funnel by channel, over all of its other dimensions."""
    cells, total = table.filter(pl.col("channel") != TOTAL), table.filter(channel=TOTAL)
    if section["by"] != ["channel"]:
        cells = summed(cells, ["model", "channel"])
    whole = pl.concat([cells.sort("leads", "channel", descending=[True, False]), total], how="diagonal")
    told = told_columns(whole)
    columns = [name for name in told if name in STAGES or BETWEEN in name or name.endswith("_rate")]
    caption = "Leads that reach each stage, and rates from stage to stage"
    rows = rows_of(whole, "channel", columns)
    return Grid(key, caption, section["file"], "channel", tuple(columns), rows)


def how_far(material: Material, table: pl.DataFrame, file: str) -> Iterator[Sentence]:
    """Yield how many of all leads were won."""
    total = material.total(table)
    if total and total.get("wins") is not None:
        first, last = Number(total["leads"], "count", file), Number(total["wins"], "count", file)
        yield Sentence(
            ("Of ", first, " leads ", last, " were won, ", *number(total, "win_rate", "share", file), ".")
        )


def value(material: Material) -> Section | None:
    """Return what customers are worth."""
    shows = []
    says: list[Sentence] = []
    for place, section in enumerate(material.run.sections("values")):
        table = material.table(section)
        if table is None or section["by"] != ["channel"]:
            continue
        columns = [name for name in WORTH if name in told_columns(table)]
        rows = rows_of(table, "channel", columns)
        caption = f"What a customer is worth over {section['horizon_months']:g} months"
        shows.append(Grid(f"value-{place}", caption, section["file"], "channel", tuple(columns), rows))
        total = material.total(table)
        if total.get("lifetime_value") is not None:
            worth = number(total, "lifetime_value", "money", section["file"])
            says.append(Sentence(("A customer is worth ", *worth, ".")))
    return Section("value", "What customers are worth", tuple(says), tuple(shows)) if shows else None
