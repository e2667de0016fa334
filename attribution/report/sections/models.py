"""Models: their credits side by side, where they differ by more than chance, and who opens and closes."""

from __future__ import annotations

import polars as pl

from attribution.rare_channels import OTHER
from attribution.report import charts
from attribution.report.charts.canvas import words
from attribution.report.charts.compare import MARK
from attribution.report.material import Material, listed
from attribution.report.parts import Cell, Figure, Grid, Number, Row, Section, Sentence, rows_of

SPREAD = ("share_least", "share_most", "disagreement")


def models(material: Material) -> Section:
    """Return the models side by side, and the channels on which they differ."""
    credits = material.shown(material.credits, "model", "channel")
    assert credits is not None
    told = material.disputes
    disputed = [] if told is None else told.filter("disputed")["channel"].to_list()
    alt = "Points: credit of each channel by each model. Lines: intervals. Strong: the chosen model."
    own = credits.filter(pl.col("channel") != OTHER)  # which would dwarf every channel
    shows: list[Figure | Grid] = [
        Figure("compare", charts.compare(own, model=material.model, disputed=disputed), alt),
        *(side_by_side(material, credits, outcome) for outcome in material.outcomes),
    ]
    many = len(material.models)
    shared = f"{many} models share the same outcomes among the channels."
    says = [Sentence((shared if many > 1 else f"One model shares the outcomes: {material.models[0]}.",))]
    if told is not None:
        if told["disputed"].is_not_null().any():  # chance is not known without intervals
            says.append(Sentence((agreement(disputed, len(told)),)))
        rows = rows_of(told, "channel", [*SPREAD, "reason"], SPREAD)
        caption = f"Where models differ in {material.outcomes[0]}, most disputed first"
        shows.append(
            Grid("disputes", caption, material.file("comparison"), "channel", (*SPREAD, "reason"), rows)
        )
    return Section("models", "Models side by side", tuple(says), tuple(shows))


def agreement(disputed: list[str], channels: int) -> str:
    """Return on which channels models differ by more than chance.

    >>> agreement(["ads"], 3)
    'They differ by more than chance on 1 of 3 channels, marked †: ads.'
    """
    if not disputed:
        return "On no channel do they differ by more than chance."
    many = f"{len(disputed)} of {channels} channels, marked {MARK}"
    return f"They differ by more than chance on {many}: {listed(disputed)}."


def side_by_side(material: Material, credits: pl.DataFrame, outcome: str) -> Grid:
    """Return channels down, models across, of an outcome."""
    names = credits["channel"].unique(maintain_order=True).to_list()
    found = {(row["model"], row["channel"]): row for row in credits.to_dicts()}
    rows = []
    for name in sorted(names, key=lambda name: name.startswith("(")):
        there = [(model, found.get((model, name), {})) for model in material.models]
        cells = tuple(
            Cell(outcome, row.get(outcome), row.get(f"{outcome}_low"), row.get(f"{outcome}_high"))
            for _, row in there
        )
        rows.append(Row(name, cells))
    return Grid(
        f"credits-{material.outcomes.index(outcome)}",
        f"{words(outcome)} by channel and model",
        material.file("credits"),
        "channel",
        tuple(material.models),
        tuple(rows),
        outcome=outcome,
        across=outcome,
    )


def roles(material: Material) -> Section | None:
    """Return who opens journeys, who assists and who closes."""
    table = material.disputes
    if table is None:
        return None
    columns = ("opens", "assists", "closes")
    known = table.drop_nulls(columns)
    if known.is_empty():
        return None
    file = material.file("comparison")
    alt = "Bars: how often each channel opens, assists and closes the converting journeys that it is in."
    return Section(
        "roles",
        "Openers, assisters, closers",
        tuple(most(known, role, file) for role in ("opens", "closes")),
        (
            Figure("roles", charts.roles(table), alt),
            Grid(
                "roles-table",
                "Share of the converting journeys of a channel",
                file,
                "channel",
                columns,
                rows_of(known, "channel", columns, columns),
            ),
        ),
    )


def most(table: pl.DataFrame, role: str, file: str) -> Sentence:
    """Return which channel has a role most often."""
    best = table.sort([role, "channel"], descending=[True, False]).row(0, named=True)
    text = f"{best['channel']} {role} the largest part of the converting journeys that it is in: "
    return Sentence((text, Number(best[role], "share", file), "."))
