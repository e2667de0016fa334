"""Stitch: a table of touchpoints and one of outcomes become journeys, by folds of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.stitched import FOLDS, Stitched, fold_bits
from attribution.stitching.end_of_data import until, zones_differ
from attribution.stitching.folds import Layout, joined
from attribution.stitching.repeats import STAGES, without_repeated_events, without_repeated_outcomes
from attribution.stitching.window import Window
from attribution.tables import (
    OURS,
    TABLES,
    Checked,
    Column,
    Origin,
    Reading,
    Source,
    check_outcome_names,
    check_table,
)
from attribution.tables.sources import Read, read

OUTCOMES = ("leads", "wins", "revenue")
REPEATED = ("error", "latest")


def stitch(
    touchpoints: Source,
    outcomes: Source,
    *,
    lookback_days: float = 30.0,
    restart: bool = True,
    maturity_days: float | None = None,
    max_touchpoints: int | None = None,
    as_of: datetime | str | None = None,
    columns: Mapping[str, Any] | None = None,
    outcome_names: Sequence[str] | None = None,
    repeated_outcomes: str = "error",
    folds: int = FOLDS,
    reading: Reading | None = None,
    layout: Layout | None = None,
) -> Stitched:
    """Return the journeys that end at an outcome, or at a customer's last touchpoint (null journeys).

    A journey that ends at T holds its customer's touchpoints with T - lookback <= t <= T, after the
    previous outcome if ``restart``, and of these the newest ``max_touchpoints``. ``as_of`` is the end
    of the data: rows after it are set aside. ``columns`` maps our names to the tables' (for both
    tables, or a mapping for each under "touchpoints" and "outcomes"). Outcomes are leads, wins and
    revenue where the table has them, or the named numeric columns, of which the first is what a model
    learns from. Rows of one outcome_id that differ are an error; with ``repeated_outcomes="latest"``
    the one with the latest timestamp or stage counts. Intervals draw from the ``folds`` into which
    customers are dealt, or accounts where a column account_id names them.

    Raises:
        TableError: a table cannot be used; with every fault, file, column, count and example rows.
        ParameterError: a parameter is outside its range.
    """
    window = Window(lookback_days, restart, maturity_days, max_touchpoints)
    reading, bits = reading or Reading(), fold_bits(folds)
    if repeated_outcomes not in REPEATED:
        allowed = f"one of {', '.join(map(repr, REPEATED))}"
        raise ParameterError.out_of_range("repeated_outcomes", repeated_outcomes, allowed)
    others = {column.name for column in TABLES["outcomes"] if column.kind != "number"}
    check_outcome_names(outcome_names or (), OURS | others)
    mapped = {name: columns_of(columns, name, outcome_names or ()) for name in ("touchpoints", "outcomes")}
    extra = [Column(name, "number", "a further outcome", required=True, null=0.0)
             for name in outcome_names or () if name not in OUTCOMES]  # fmt: skip
    touched = check_table("touchpoints", touchpoints, reading, mapped["touchpoints"])
    ended = check_table(
        "outcomes",
        without_stages(outcomes, mapped["outcomes"], extra, reading),
        reading,
        mapped["outcomes"],
        extra,
    )
    names = tuple(outcome_names or [name for name in OUTCOMES if name in ended.frame.columns])
    for name in names:
        if name not in ended.frame.columns:
            raise TableError.of(
                ended.where, f"no column {name!r}", "every column of outcome_names", "correct the name"
            )
    if touched.naive != ended.naive and len(touched.used) and len(ended.used) and not reading.timezone:
        raise zones_differ(touched, ended)
    ended = without_impossible_outcomes(ended, names)
    touched, ended, end_of_data, warnings = until(touched, ended, as_of)
    origins = {
        name: Origin(name, source, reading, mapped[name], table.columns, table.frame["customer_id"])
        for name, source, table in (("touchpoints", touchpoints, touched), ("outcomes", outcomes, ended))
    }
    ended, undecided = without_repeated_outcomes(ended, origins["outcomes"], repeated_outcomes)
    return joined(
        without_repeated_events(touched),
        ended,
        names,
        window,
        end_of_data,
        (*warnings, *undecided),
        layout or Layout(),
        bits,
        origins,
    )


def without_stages(
    outcomes: Source, mapping: Mapping[str, str], extra: Sequence[Column], reading: Reading
) -> Read:
    """Return the outcomes as they are read, without the stage times that only repeated ids need."""
    needed = [column for column in (*TABLES["outcomes"], *extra) if column.name not in STAGES]
    names = {column.name: mapping.get(column.name, column.name) for column in needed}
    return read(outcomes, "outcomes", names.values(), reading.delimiter, [names["customer_id"]])


def columns_of(
    columns: Mapping[str, Any] | None, table: str, outcome_names: Sequence[str]
) -> Mapping[str, str]:
    """Return the mapping for one of the two tables."""
    if columns is None:
        return {}
    names = {each: [column.name for column in TABLES[each]] for each in ("touchpoints", "outcomes")}
    names["outcomes"] += outcome_names
    nested = set(columns) & set(names)
    known = list(names) if nested else [*names["touchpoints"], *names["outcomes"], *names]
    for ours, theirs in columns.items():
        if ours not in known or isinstance(theirs, str) == bool(nested):
            raise ParameterError.unknown("name in columns=", ours, dict.fromkeys(known))
    if nested:
        return dict(columns.get(table, {}))
    return {ours: theirs for ours, theirs in columns.items() if ours in names[table]}


def without_impossible_outcomes(table: Checked, names: Sequence[str]) -> Checked:
    """Return the outcomes without rows that stand for no lead, or for more wins than leads."""
    table = table.set_aside("no_leads", pl.col(names[0]) <= 0)
    if "wins" in names and names[0] != "wins":
        table = table.set_aside("wins_out_of_range", ~pl.col("wins").is_between(0, pl.col(names[0])))
    return table
