"""Stitch: a table of touchpoints and one of outcomes become journeys, by folds of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.stitched import FOLDS, Progress, Stitched, fold_bits
from attribution.stitching.accounts import accounts_of
from attribution.stitching.end_of_data import check_zones, instant_of, microseconds, until
from attribution.stitching.folds import joined
from attribution.stitching.repeats import STAGES, without_repeated_events, without_repeated_outcomes
from attribution.stitching.touchpoints import scatter_touchpoints
from attribution.stitching.window import FOREVER, Window
from attribution.tables import (
    OURS,
    PIECE,
    TABLES,
    Checked,
    Column,
    Origin,
    Pieces,
    Reading,
    Source,
    check_outcome_names,
    check_pieces,
    check_table,
)
from attribution.tables.currencies import check_currency
from attribution.tables.memory import limited_to
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
    memory_limit: str | int | None = None,
    progress: Progress | None = None,
    piece_rows: int = PIECE,
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

    What does not fit into the memory that is free, or into ``memory_limit`` ("2GB": of the whole process),
    lies in temporary files; ``progress`` is told of parts done, of all, and of rows.

    Raises:
        TableError: a table cannot be used; with every fault, file, column, count and example rows.
        ParameterError: a parameter is outside its range.
        OutputError: the touchpoints fit neither into memory nor on the disk.
    """
    window = Window(lookback_days, restart, maturity_days, max_touchpoints)
    reading, bits = reading or Reading(), fold_bits(folds)
    if repeated_outcomes not in REPEATED:
        allowed = f"one of {', '.join(map(repr, REPEATED))}"
        raise ParameterError.out_of_range("repeated_outcomes", repeated_outcomes, allowed)
    others = {column.name for column in TABLES["outcomes"] if column.kind != "number"}
    check_outcome_names(outcome_names or (), OURS | others)
    mapped = {name: columns_of(columns, name, outcome_names or ()) for name in ("touchpoints", "outcomes")}
    extra = further_outcomes(outcome_names or ())
    with limited_to(memory_limit):
        found = without_stages(outcomes, mapped["outcomes"], extra, reading)
        together = mapped["outcomes"].get("account_id", "account_id") in found.columns
        touched = check_pieces(
            "touchpoints", touchpoints, reading, mapped["touchpoints"], piece_rows, together=together
        )
        ended = check_table("outcomes", found, reading, mapped["outcomes"], extra)
        names = tuple(outcome_names or [name for name in OUTCOMES if name in ended.frame.columns])
        for name in names:
            if name not in ended.frame.columns:
                raise TableError.of(
                    ended.where, f"no column {name!r}", "every column of outcome_names", "correct the name"
                )
        if "revenue" in names:
            check_currency(
                ended, "convert the revenue before: at.converted(outcomes, rates), then stitch that"
            )
        check_zones(touched, ended, reading)
        ended = without_impossible_outcomes(ended, names)
        if as_of is not None:
            future = pl.col("timestamp") > instant_of(as_of)
            touched, ended = touched.set_aside("future_time", future), ended.set_aside("future_time", future)
        origin = Origin(
            "outcomes", outcomes, reading, mapped["outcomes"], ended.columns, ended.frame["customer_id"]
        )
        ended, undecided = without_repeated_outcomes(ended, origin, repeated_outcomes)
        if touched.whole is not None:
            touched = Pieces.of(without_repeated_events(touched.whole), piece_rows)
        known = [touched.whole] if touched.whole is not None else []
        now = FOREVER if as_of is not None else microseconds(datetime.now(UTC))
        scattered = scatter_touchpoints(touched, accounts_of(*known, ended), bits, now, progress)
        latest, later = until(scattered, ended, now)
        stitched = joined(
            scattered,
            ended,
            names,
            window,
            latest if as_of is None else microseconds(instant_of(as_of)),
            (*scattered.warnings, *ended.warnings, *later, *undecided),
            bits,
            {
                "touchpoints": Origin(
                    "touchpoints",
                    touchpoints,
                    reading,
                    mapped["touchpoints"],
                    touched.columns,
                    scattered.customers if scattered.has_rows else None,
                ),
                "outcomes": origin,
            },
        )
        return stitched if as_of is None else replace(stitched, as_of=microseconds(instant_of(as_of)))


def further_outcomes(names: Sequence[str]) -> list[Column]:
    """Return the columns of outcomes beside leads, wins and revenue."""
    return [
        Column(name, "number", "a further outcome", required=True, null=0.0)
        for name in names
        if name not in OUTCOMES
    ]


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
