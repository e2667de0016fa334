"""Channels: their KPIs, sortable, and the picture of cheap leads that never buy."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from attribution.kpis import KPIS
from attribution.report import charts
from attribution.report.charts.canvas import ROWS
from attribution.report.material import Material, number
from attribution.report.parts import Figure, Grid, Section, Sentence, rows_of, told_columns

BASIS = {kpi.name: kpi.cost_basis for kpi in KPIS if kpi.cost_basis}


def channels(material: Material) -> Section | None:
    """Return the KPIs of each channel by model."""
    table = material.kpis
    if table is None:
        return None
    shrunken = [name for name in table.columns if name.endswith("_shrunken")]
    ratios = [kpi.name for kpi in KPIS if kpi.verb == "measure" and kpi.denominator]
    first = ["spend", *material.outcomes, *ratios]
    told = told_columns(table, shrunken)
    columns = sorted(told, key=lambda name: first.index(name) if name in first else len(first))
    grid = Grid(
        "kpis",
        "KPIs by channel; the total is a ratio of sums, never a mean of ratios",
        material.file("kpis"),
        "channel",
        tuple(columns),
        rows_of(table, "channel", columns),
        {name: f"{BASIS[name]} cost" for name in columns if name in BASIS},
    )
    shows: tuple[Figure | Grid, ...] = (grid,)
    if priced(table, "cost_per_lead"):
        alt = "Bars: cost per lead of each channel with its interval, cheapest first. Dashed: that of all."
        shows = (Figure("kpis-chart", charts.kpis(table, model=material.chosen(table)), alt), grid)
    return Section("kpis", "Channels", (*cheapest(material, table),), shows)


def win_rates(material: Material) -> Section | None:
    """Return win rate against cost per lead."""
    table = material.kpis
    if table is None or not priced(table, "cost_per_lead") or not priced(table, "win_rate"):
        return None
    alt = "Circles: channels by cost per lead, to the right, and win rate, upwards. Lines: intervals."
    figure = Figure("win-rates", charts.win_rates(table, model=material.chosen(table)), alt)
    return Section("win-rates", "Win rate against cost per lead", (*dear_wins(material, table),), (figure,))


def priced(table: pl.DataFrame, figure: str) -> bool:
    """Return whether a channel has this figure."""
    return (
        figure in table.columns and not table.filter(~pl.col("channel").is_in(ROWS))[figure].is_null().all()
    )


def cheapest(material: Material, table: pl.DataFrame) -> Iterator[Sentence]:
    """Yield, for each model, the lowest and the highest cost per lead."""
    file = material.file("kpis")
    for model in table["model"].unique(maintain_order=True):
        own = table.filter((pl.col("model") == model) & ~pl.col("channel").is_in(ROWS)).drop_nulls(
            "cost_per_lead"
        )
        if own["cost_per_lead"].n_unique() < 2:
            continue
        low, *_, high = own.sort(["cost_per_lead", "channel"]).to_dicts()
        said = number(low, "cost_per_lead", "money", file)
        rest = number(high, "cost_per_lead", "money", file)
        yield Sentence(
            (
                f"By {model}, a lead costs least from {low['channel']}, ",
                *said,
                f", and most from {high['channel']}, ",
                *rest,
                ".",
            ),
            model,
        )


def dear_wins(material: Material, table: pl.DataFrame) -> Iterator[Sentence]:
    """Yield, for each model, the channel whose leads are won least, and what a win costs there."""
    file = material.file("kpis")
    for model in table["model"].unique(maintain_order=True):
        own = table.filter((pl.col("model") == model) & ~pl.col("channel").is_in(ROWS))
        own = own.drop_nulls(["cost_per_lead", "win_rate"])
        if own["win_rate"].n_unique() < 2:
            continue
        least = own.sort(["win_rate", "channel"]).row(0, named=True)
        said = number(least, "win_rate", "share", file)
        cost = number(least, "cost_per_lead", "money", file)
        known = least.get("cost_per_win") is not None
        win = (", a win ", *number(least, "cost_per_win", "money", file)) if known else ()
        yield Sentence(
            (
                f"By {model}, leads of {least['channel']} are won least often, ",
                *said,
                ": a lead costs ",
                *cost,
                *win,
                ".",
            ),
            model,
        )
