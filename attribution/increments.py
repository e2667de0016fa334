"""Increments: a later period added to statistics that were kept, with the journeys that were still open.

What is closed never changes: a journey that has ended at an outcome. What a later row can still change is
carried over as rows: the touchpoints after a customer's last outcome (without one, those within the
lookback window of the last), and of what was before just enough to tell why a later outcome has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from attribution.arrays import Bool
from attribution.engine import check_served, defaults, learn
from attribution.errors import StatisticsError, TableError
from attribution.journeys import Journeys
from attribution.learned import Open, Statistics
from attribution.models import Model, named_apart
from attribution.stitched import FOLDS, Batch, Stitched, StitchReport
from attribution.stitching import stitch
from attribution.stitching.end_of_data import at, check_zones
from attribution.stitching.stitch import columns_of, further_outcomes
from attribution.stitching.window import Window
from attribution.tables import PIECE, TABLES, Checked, Pieces, Reading, Source, check_table

END = "end_of_data"
STAGES = [each.name for each in TABLES["outcomes"] if each.kind == "time" and each.name != "timestamp"]
NOT_CARRIED = ("outcome_id", *STAGES)  # what is said once, in the outcome's own period
ACCOUNTS = (
    "{}: account_id is not used: accounts of periods that are added one by one cannot be told apart, "
    "so intervals draw customers"
)


def advance(
    before: Statistics | None,
    touchpoints: Source,
    outcomes: Source,
    *models: Model,
    lookback_days: float = Window.lookback_days,
    restart: bool = Window.restart,
    maturity_days: float | None = Window.maturity_days,
    max_touchpoints: int | None = Window.max_touchpoints,
    as_of: datetime | str | None = None,
    columns: Mapping[str, Any] | None = None,
    outcome_names: Sequence[str] | None = None,
    folds: int = FOLDS,
    reading: Reading | None = None,
    apart: bool = True,
    threads: int | None = None,
) -> Statistics:
    """Return the statistics with the rows of a later period added, as if all had been stitched at once.

    ``before`` is None for the first period, and what this function gave for the last one after that; the
    tables hold the rows since then. Settings have to stay as they were. Counts are exactly those of one
    run over all rows, credits equal to rounding. Without ``apart`` folds are summed, and there are no
    intervals. An outcome counts as it stands in the period of its lead: give a win that comes later as
    a row of its own, or the leads of a period when they are decided.

    Ids of events and outcomes are compared with those of the period and of the rows carried over.

    Raises:
        TableError: a table cannot be used, or has rows of a period that was added before.
        StatisticsError: the settings or the models are others than before.
    """
    window = Window(lookback_days, restart, maturity_days, max_touchpoints)
    new = checked(touchpoints, outcomes, columns, outcome_names, reading or Reading())
    old = before.open if before is not None else None
    if before is not None and old is None:
        raise StatisticsError(
            "statistics without open journeys cannot be gone on with: begin with advance(None, ...), "
            "and save what it gives"
        )
    tables = {name: carried(table, old) for name, table in new.items()}
    known = len(old.outcomes) if old is not None else 0
    how: Any = {**asdict(window), "outcome_names": outcome_names, "folds": folds, "reading": reading}
    together = stitch(tables["touchpoints"], tables["outcomes"], as_of=as_of, **how)
    assert together.until is not None
    until = max(together.until, old.until if old is not None else together.until)
    was_used = partial(used, together.rejected)
    rows = open_rows(was_used("touchpoints", tables), was_used("outcomes", tables), window, until)
    alone = stitch(*rows, as_of=at(until), **how)
    chosen = named_apart(models or (before.models if before is not None else defaults(together)))
    for model in chosen:
        check_served(model, together)
    learned = partial(learn, models=chosen, apart=apart, threads=threads)
    ended = learned(only(together, lambda journeys: newly_ended(journeys, known)))
    going_on = learned(only(alone, is_null))
    aside = StitchReport(
        {name: table.aside for name, table in new.items()},
        warnings=(*new["touchpoints"].warnings, *new["outcomes"].warnings, *without_accounts(new)),
    )
    closed = replace(ended, report=aside + ended.report - going_on.report)
    if before is not None:
        end = {key: value for key, value in closed.settings.items() if key == END}
        closed = replace(before, open=None, settings={**before.settings, **end}) + closed
    going_on = replace(going_on, settings=closed.settings).recode(closed.channels)
    return replace(closed, open=Open(*rows, until, going_on))


def checked(
    touchpoints: Source,
    outcomes: Source,
    columns: Mapping[str, Any] | None,
    outcome_names: Sequence[str] | None,
    reading: Reading,
) -> dict[str, Checked]:
    """Return both tables as they have passed the gate, without the accounts."""
    extra = further_outcomes(outcome_names or ())
    names = outcome_names or ()
    touched = check_table("touchpoints", touchpoints, reading, columns_of(columns, "touchpoints", names))
    ended = check_table("outcomes", outcomes, reading, columns_of(columns, "outcomes", names), extra)
    check_zones(Pieces.of(touched, PIECE), ended, reading)
    return {"touchpoints": touched, "outcomes": ended}


def without_accounts(tables: Mapping[str, Checked]) -> list[str]:
    """Return the warnings of accounts that cannot be used."""
    return [ACCOUNTS.format(table.where) for table in tables.values() if "account_id" in table.used.columns]


def carried(new: Checked, old: Open | None) -> pl.DataFrame:
    """Return the rows that were carried over, and the new ones below them.

    Raises:
        TableError: a new row is not later than all of before, or a column is missing or new.
    """
    rows = new.used.drop("row", "account_id", strict=False)
    rows = rows.with_columns(pl.col("customer_id").cast(pl.String))
    if new.table == "touchpoints":
        rows = rows.with_columns(pl.col("channel").cast(pl.String))
    if old is None:
        return rows
    before: pl.DataFrame = getattr(old, new.table)
    optional = set(rows.columns) & set(NOT_CARRIED)
    if set(before.columns) != set(rows.columns) - optional:
        raise TableError.of(
            new.where,
            f"columns {', '.join(sorted(set(rows.columns) - optional))}",
            f"those of the periods before: {', '.join(sorted(before.columns))}",
            "give every period the same columns, or learn anew from all rows",
        )
    late = rows.filter(pl.col("timestamp").to_physical() <= old.until)
    if len(late):
        raise TableError.of(
            new.where,
            f"rows of a period that was added before (it ended at {at(old.until)})",
            "rows later than that",
            "leave them out, or learn anew from all rows: what was closed does not change",
            column="timestamp",
            count=len(late),
            examples=tuple(str(time) for time in late["timestamp"].head(5)),
        )
    return pl.concat([before, rows], how="diagonal")


def used(rejected: pl.DataFrame, name: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of a table that were stitched."""
    mine = rejected.filter(pl.col("table") == name)
    return tables[name].with_row_index("row").join(mine, on="row", how="anti").drop("row")


def open_rows(
    touchpoints: pl.DataFrame, outcomes: pl.DataFrame, window: Window, until: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that a later row can still make a difference to.

    With all rows stitched, and with these alone, a later row changes journeys and counts alike.
    """
    time, mine = pl.col("timestamp").to_physical(), "customer_id"
    last = outcomes.group_by(mine).agg(time.max().alias("ended"))
    touched = touchpoints.join(last, on=mine, how="left", maintain_order="left")
    after = (time > pl.col("ended")) | pl.col("ended").is_null()
    recent = time >= time.max().over(mine) - window.lookback
    before = pl.when(~after).then(time)
    trail = after & (pl.col("ended").is_not_null() | recent)  # those after a lead are counted, however old
    again = pl.lit(not window.restart) & (time >= until - window.lookback)
    last_before = ~after & (time == before.max().over(mine))
    kept = touched.filter(trail | again | last_before).drop("ended")
    met = touchpoints.select(mine).unique()
    ended = outcomes.filter((time == time.max().over(mine)) | ~pl.col(mine).is_in(met[mine].implode()))
    return kept, ended.drop(NOT_CARRIED, strict=False)


def only(journeys: Stitched, which: Callable[[Journeys], Bool]) -> Stitched:
    """Return some of the journeys, with the report of all."""

    def assemble(fold: Callable[[], Batch]) -> Batch:
        batch = fold()
        return batch._replace(journeys=batch.journeys.select(which(batch.journeys)))

    return replace(journeys, folds=[partial(assemble, fold) for fold in journeys.folds])


def newly_ended(journeys: Journeys, known: int) -> Bool:
    """Return which journeys ended at an outcome that was not among the ``known`` first."""
    assert journeys.outcome_row is not None
    return np.asarray(journeys.outcome_row >= known)


def is_null(journeys: Journeys) -> Bool:
    """Return which journeys ended without an outcome."""
    assert journeys.outcome_row is not None
    return np.asarray(journeys.outcome_row < 0)
