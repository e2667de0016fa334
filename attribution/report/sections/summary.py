"""Summary: what came in, what it cost, and who is credited with most of it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED
from attribution.kpis.spelling import unit_of
from attribution.rare_channels import OTHER
from attribution.report.charts.canvas import words
from attribution.report.material import Material, number
from attribution.report.parts import Cell, Grid, Number, Row, Section, Sentence

FIGURES = ("spend", "cost_per_lead", "win_rate", "cost_per_win", "revenue_per_win", "return_on_spend")
BEST = 3  # channels that are named


def summary(material: Material) -> Section:
    """Return the totals, and for each model and outcome the channels with the most of it."""
    kpis = material.kpis
    says = (*attributed(material), *leaders(material))
    if kpis is None:
        return Section("summary", "Summary", says, ())
    columns = [name for name in (*material.outcomes, *FIGURES) if name in kpis.columns]
    row = material.total(kpis)
    cells = tuple(
        Cell(name, row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
        for name in columns
        if row[name] is not None
    )
    named = tuple(cell.column for cell in cells)
    grid = Grid(
        "totals",
        "Totals, and ratios of totals",
        material.file("kpis"),
        "",
        named,
        (Row(TOTAL, cells, material.chosen(kpis)),),
    )
    return Section("summary", "Summary", says, (grid,))


def attributed(material: Material) -> Iterator[Sentence]:
    """Yield how much of each outcome has a channel, and how many channels are not named."""
    file, outcomes = "manifest.json", material.outcomes
    first = material.models[0]
    for row in material.run.manifest.content["conservation"]:
        if row["model"] == first and row["outcome"] in outcomes:
            name, unit = row["outcome"], unit_of(row["outcome"])
            said = (f"{words(name)}: ", Number(row["outcomes_in"], unit, file), " in all, ")
            rest = (Number(row["unattributed"], unit, file), " of them without a touchpoint in the window.")
            yield Sentence((*said, *rest), outcome=name)
    if material.few:
        named = len({*material.names.values()} - {OTHER})
        yield Sentence((f"{named} channels are named; {material.few} smaller ones are together {OTHER}.",))


def leaders(material: Material) -> Iterator[Sentence]:
    """Yield, for each model and outcome, the channels that are credited with most."""
    shown = material.shown(material.credits)
    if shown is None:
        return
    file = material.file("credits")
    for model in material.models:
        own = shown.filter((pl.col("model") == model) & (pl.col("channel") != UNATTRIBUTED))
        for outcome in material.outcomes:
            some = own.filter(pl.col(outcome) > 0)
            best = some.sort([outcome, "channel"], descending=[True, False]).head(BEST).to_dicts()
            said: list[str | Number] = [f"By {model}, "]
            for place, row in enumerate(best):
                most = f"{row['channel']} is credited with the most {outcome}: "
                said.append(f"; then {row['channel']} with " if place else most)
                said += number(row, outcome, unit_of(outcome), file)
            if best:
                yield Sentence((*said, "."), model, outcome)
