"""Velocity: how long leads take from stage to stage, while many of them are still on their way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.channels import UNATTRIBUTED
from attribution.errors import ParameterError
from attribution.kpis.leads import Leads, leads_of
from attribution.kpis.timing.cells import COUNTS, Asked, Cell, Draws, row_of, schema_of
from attribution.kpis.timing.steps import steps_of, until_of, warnings_of, whole_wins
from attribution.kpis.totals import with_total


@dataclass(frozen=True, eq=False)
class Velocity:
    """The velocity table, and warnings that count what was left out of it."""

    steps: pl.DataFrame
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return the velocity table: per model, cell and (total) a row a step."""
        return self.steps


def velocity(
    credits: Any,
    *,
    by: Sequence[str] = ("channel",),
    stages: Mapping[str, str] | None = None,
    until: datetime | None = None,
    naive: bool = False,
    horizons: Sequence[int] = (30, 60, 90, 180, 365),
) -> Velocity:
    """Return how soon leads are won, and reach each stage, by model and cell: ``velocity_of`` of a log.

    ``credits`` is a credit log or its Parquet file, or leads without touchpoints (``lead_log``).

    Raises:
        ParameterError: the credits are no log, or it does not know a dimension or a stage.
        TableError: the leads have no time of winning and no stage.
    """
    leads = leads_of(credits, by, stages)
    return velocity_of(leads, until=until, naive=naive, horizons=horizons)


def velocity_of(
    leads: Leads,
    *,
    until: datetime | None = None,
    naive: bool = False,
    horizons: Sequence[int] = (30, 60, 90, 180, 365),
) -> Velocity:
    """Return how soon leads are won, and reach each stage from the one before, by model and cell.

    Formula: the cumulative incidence of ``attribution.kpis.timing.survival`` over the leads of a cell, each
    weighted by its share; its values at the horizons, and its quartiles in days. A lead that is on its
    way is open at ``until`` (default: the latest time in the leads) and not lost. Where leads have a time
    of losing, it competes (Aalen-Johansen); otherwise nothing does (Kaplan-Meier). A lead that moved on
    after it was lost is not lost, as in the funnel. Days are those of the local clock (``leads.zone``).

    Columns: ``leads`` are those at risk in the step: reached + competing + open. ``left_out`` are none of
    them; the warnings say why. A lead without a time of the first stage skipped it, and takes no part.
    The quartiles ``of_reached`` are of those who get there as far as anybody was observed, and grow with
    that; ``mean_days_naive`` leaves out open leads and is too short. The row (total) is that of all
    leads, and no mean of cells. What is not known is null and ``reason`` says why; so are intervals of
    which too many replicates know nothing.

    Raises:
        ParameterError: ``until`` is no time with a zone, a horizon is no whole number of days or there
            twice, or a dimension is named as a column of the table.
        TableError: the leads have no time of winning and no stage.

    Example: two leads of 1 March: one won after 10 days, one still open after 40.

    >>> times = {"ends_at": ["2026-03-01", "2026-03-01"], "won_at": ["2026-03-11", None]}
    >>> facts = pl.DataFrame(times).with_columns(pl.all().str.to_datetime("%F", time_zone="UTC"), leads=1.0)
    >>> shares = {"model": "linear", "channel": "ads", "lead": [0, 1], "fold": 0, "weight": 1.0}
    >>> leads = Leads(facts, pl.DataFrame(shares), ("channel",), ("linear",), {}, None)
    >>> from datetime import UTC
    >>> told = velocity_of(leads, until=datetime(2026, 4, 10, tzinfo=UTC)).table()
    >>> told.select("channel", "leads", "reached", "within_30_days", "median_days").rows()
    [('ads', 2.0, 1.0, 0.5, 10.0), ('(total)', 2.0, 1.0, 0.5, 10.0)]

    Source: Klein, Moeschberger (2003), "Survival analysis", sections 4.2, 4.5 and 4.7.
    """
    asked = asked_of(leads, naive, horizons)
    facts, shares = whole_wins(leads.facts, leads.shares)
    end = until_of(facts, until or leads.as_of)
    steps = list(steps_of(facts, leads.stages, end or 0, leads.zone))
    amounts, folds = facts["leads"].to_numpy(), np.zeros(len(facts), np.int64)
    folds[shares["lead"].to_numpy()] = shares["fold"].to_numpy()
    everyone = Cell(np.arange(len(facts)), amounts, folds)
    total = [row_of(step, everyone, asked) for step in steps]
    about = {
        "method": pl.lit("Aalen-Johansen" if "lost_at" in facts.columns else "Kaplan-Meier"),
        "observed_until": pl.lit(end, pl.Int64).cast(pl.Datetime("us", "UTC")),
    }
    tables = []
    for model in leads.models:
        keys, cells = cells_of(shares.filter(pl.col("model") == model), leads.by, amounts)
        keys = with_total(keys, leads.by, {})
        rows = [row_of(step, cell, asked) for cell in cells for step in steps] + total
        figures = pl.DataFrame(rows, schema=schema_of(asked)).with_columns(model=pl.lit(model), **about)
        tables.append(keys[np.repeat(np.arange(len(keys)), len(steps))].hstack(figures))
    names = ("model", *leads.by, "from_stage", "to_stage", "method", *COUNTS, *asked.columns)
    table = pl.concat(tables).select(*names, "observed_until", "reason")
    return Velocity(table, tuple(warnings_of(steps, amounts)))


def asked_of(leads: Leads, naive: bool, horizons: Sequence[int]) -> Asked:
    """Return what is asked for; ParameterError where it cannot be told."""
    whole = all(isinstance(days, int) and days > 0 for days in horizons)
    if not whole or len(set(horizons)) < len(horizons):
        raise ParameterError.out_of_range("horizons", horizons, "whole days, at least 1, each once")
    drawn, unsure, draws = leads.drawn, "", None
    if drawn is not None:
        unsure, resampling = drawn.unsure, drawn.resampling()
        draws = None if unsure else Draws(resampling, resampling.weights(drawn.folds))
    asked = Asked(tuple(horizons), naive, drawn is not None, unsure, draws)
    ours = {"model", "from_stage", "to_stage", "method", *COUNTS, *asked.columns, "observed_until", "reason"}
    for name in leads.by:
        if name in ours:
            raise ParameterError.out_of_range("by", name, "a dimension: the velocity table has such a column")
    return asked


def cells_of(shares: pl.DataFrame, by: Sequence[str], amounts: Float64) -> tuple[pl.DataFrame, list[Cell]]:
    """Return the cells of a model's shares in order, with their dimensions: channels by their leads."""
    rest = pl.col("channel") == UNATTRIBUTED
    order = [part for each in by for part in ([rest, each] if each == "channel" else [each])]
    rows = shares.sort(order, nulls_last=True, maintain_order=True)
    starts = np.flatnonzero(np.diff(rows.select(pl.struct(by).rle_id()).to_series(), prepend=-1))
    lead, fold = (rows[name].cast(pl.Int64).to_numpy() for name in ("lead", "fold"))
    weights = rows["weight"].to_numpy() * amounts[lead]
    cuts = (np.split(each, starts[1:]) for each in (lead, weights, fold))
    cells = [Cell(*each) for each in zip(*cuts, strict=True)] if len(rows) else []
    keys = rows.select(by)[starts]
    if list(by) == ["channel"]:
        last, sums = keys.select(rest).to_series(), [math.fsum(cell.weights) for cell in cells]
        places = sorted(range(len(cells)), key=lambda i: (bool(last[i]), -sums[i]))
        keys, cells = keys[places], [cells[i] for i in places]
    return keys, cells
