"""Journeys: the paths that customers take, how long they are, and where they go next."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from attribution.channels import TOTAL, unlabelled
from attribution.graphs import CONVERSION, NULL, START, node
from attribution.patterns.frequent_paths import NO_TOUCHPOINTS
from attribution.rare_channels import OTHER
from attribution.report import charts
from attribution.report.charts.paths import bin_of, outcomes_in
from attribution.report.material import Material
from attribution.report.names import named, shown_names
from attribution.report.parts import Figure, Grid, Number, Section, Sentence, rows_of

TOP = 25  # paths of the table
LONGEST = 160  # signs of a path
BINNED = {
    "touchpoints": "Journeys by number of touchpoints",
    "days": "Conversions by days from the first touchpoint",
}
SHARES = ("share", "conversion_rate", "cumulative_share", "probability")


def paths(material: Material) -> Section | None:
    """Return the paths that bring the most, how long they are, and how long they last."""
    shows: list[Figure | Grid] = []
    says: list[Sentence] = []
    table = material.output("paths")
    if table is not None:
        file = material.file("paths")
        short = named(table, shown_names(table["path"], LONGEST), "path")
        rest = [OTHER, NO_TOUCHPOINTS, TOTAL]
        top = short.filter(~pl.col("path").is_in(rest)).head(TOP)
        columns = ["touchpoints", "customers", "journeys", *outcomes_in(table), "conversion_rate", "share"]
        rows = rows_of(pl.concat([top, short.filter(pl.col("path").is_in(rest))]), "path", columns, SHARES)
        alt = "Bars: the chosen outcome of the paths that bring the most, repeats in a row counted once."
        shows.append(Figure("paths-chart", charts.paths(short), alt))
        fewest = material.run.config["outputs"]["fewest_customers"]
        caption = f"Paths, the first {len(top)}; those of fewer than {fewest} customers are together {OTHER}"
        shows.append(Grid("paths", caption, file, "path", tuple(columns), rows))
        if len(top) and top["share"][0]:
            best, outcome = top.row(0, named=True), outcomes_in(table)[0]
            share = Number(best["share"], "share", file)
            says.append(Sentence((f"The path {best['path']} brings the most {outcome}, ", share, " of all.")))
    for key, drawn, title, alt in (
        (
            "path_lengths",
            charts.path_lengths,
            "touchpoints",
            "Bars: journeys by number of touchpoints. Line: the share that converts.",
        ),
        (
            "time_lags",
            charts.time_lags,
            "days",
            "Bars: conversions by days since the first touchpoint. Line: the share that came by then.",
        ),
    ):
        table = material.output(key)
        if table is not None:
            shows.append(Figure(key.replace("_", "-"), drawn(table), alt))
            shows.append(bin_grid(material, table, key, title))
    return Section("paths", "Paths", tuple(says), tuple(shows)) if shows else None


def bin_grid(material: Material, table: pl.DataFrame, key: str, unit: str) -> Grid:
    """Return a table by bins."""
    ends = table.select(f"{unit}_from", f"{unit}_to").iter_rows()
    labels = [bin_of(low, high, whole=unit == "touchpoints") for low, high in ends]
    columns = [name for name in table.columns if name not in (f"{unit}_from", f"{unit}_to", "run_id")]
    rows = rows_of(table.with_columns(pl.Series(unit, labels, dtype=pl.String)), unit, columns, SHARES)
    place = f"{key.replace('_', '-')}-table"
    return Grid(place, BINNED[unit], material.file(key), unit, tuple(columns), rows, folded=True)


def transitions(material: Material) -> Section | None:
    """Return where journeys go from each channel, as a map and as a graph."""
    table = material.output("transitions")
    if table is None:
        return None
    names = {
        node(unlabelled(name)): f'"{shown}"' if shown in (START, CONVERSION, NULL) else shown
        for name, shown in material.names.items()
    }
    moved = table.with_columns(pl.col("source", "target").replace(names))
    summed = moved.sort("count").group_by("source", "target", maintain_order=True).agg(pl.col("count").sum())
    leaving = pl.col("count") / pl.col("count").sort().sum().over("source")
    shown = (
        summed.with_columns(probability=leaving)
        if material.few
        else moved.select("source", "target", "count", "probability")
    )
    shown = shown.sort(["count", "source", "target"], descending=[True, False, False])
    file = material.file("transitions")
    begins = shown.filter(pl.col("source") == START)
    ends = shown.filter(pl.col("target") == CONVERSION).sort(
        ["probability", "source"], descending=[True, False]
    )
    says = [
        *most("Journeys begin most often with", begins, "target", "of all with a touchpoint", file),
        *most("A conversion follows most often on", ends, "source", "of its visits", file),
    ]
    columns = ("target", "count", "probability")
    grid = Grid(
        "transitions-table",
        "The moves that are made most",
        file,
        "source",
        columns,
        rows_of(shown.head(TOP), "source", columns, SHARES),
        folded=True,
    )
    map_alt = "Map: the share of journeys that goes on from each channel (rows) to each other (columns)."
    graph_alt = "Graph: circles are channels; the thicker a line, the more journeys go that way."
    return Section(
        "transitions",
        "Transitions",
        tuple(says),
        (
            Figure("transitions", charts.transitions(shown), map_alt),
            Figure("chain", charts.chain(shown), graph_alt),
            grid,
        ),
    )


def most(text: str, moves: pl.DataFrame, end: str, of: str, file: str) -> Iterator[Sentence]:
    """Yield a sentence on the first of some moves, none where there is no move."""
    for row in moves.head(1).to_dicts():
        yield Sentence((f"{text} {row[end]}, ", Number(row["probability"], "share", file), f" {of}."))
