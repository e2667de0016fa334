"""The lead log: leads without touchpoints, as a log in which each lead is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from attribution.credit_log import CreditLog, credit_log
from attribution.engine import attribute
from attribution.errors import TableError
from attribution.models import FirstTouch
from attribution.stitched import FOLDS
from attribution.stitching import stitch
from attribution.tables import Reading, Source
from attribution.tables.sources import read

RECORDED = "recorded"  # what stands in the place of a model: cells are what was recorded with the lead


def lead_log(
    leads: Source,
    *,
    as_of: datetime | str | None = None,
    columns: Mapping[str, str] | None = None,
    outcome_names: list[str] | None = None,
    repeated_outcomes: str = "error",
    intervals: float | None = None,
    replicates: int = 1000,
    seed: int = 0,
    folds: int = FOLDS,
    reading: Reading | None = None,
) -> CreditLog:
    """Return the leads of a table (customer_id, timestamp, leads, wins, stage times) as a credit log.

    Every lead is whole and of no channel: what can be asked of it are its own columns (owner, source,
    product) and its periods. The parameters are those of ``stitch`` and ``attribute``.

    Raises:
        TableError: the table cannot be used.
        ParameterError: a parameter is outside its range.

    >>> leads = {"customer_id": ["a", "b"], "timestamp": ["2026-03-02", "2026-03-05"], "wins": [1, 0]}
    >>> log = lead_log(pl.DataFrame(leads).with_columns(owner=pl.lit("Ann")))
    >>> log.table("owner").select("owner", "leads", "wins").rows()
    [('Ann', 1.0, 1.0), ('Ann', 1.0, 0.0)]
    """
    source = read(leads, "outcomes", None, (reading or Reading()).delimiter)
    if {"journey_id", "weight"} <= {*source.columns}:
        raise TableError.of(
            source.where,
            "a credit log, which has a row a touchpoint",
            "leads, a row each",
            "pass the log itself, or the Parquet file that its write makes",
        )
    nobody: Any = {"customer_id": pl.String, "timestamp": pl.Datetime("us", "UTC"), "channel": pl.String}
    journeys = stitch(
        pl.DataFrame(schema=nobody),
        source,
        as_of=as_of,
        columns={"outcomes": columns or {}},
        outcome_names=outcome_names,
        repeated_outcomes=repeated_outcomes,
        folds=folds,
        reading=reading,
    )
    gate = journeys.gate
    outcomes = {name: rows for name, rows in gate.tables.items() if name != "touchpoints"}
    told = tuple(line for line in gate.warnings if not line.startswith("touchpoints"))
    journeys = replace(journeys, gate=replace(gate, tables=outcomes, warnings=told))
    whole = FirstTouch(name=RECORDED)
    result = attribute(journeys, whole, intervals=intervals, replicates=replicates, seed=seed)
    return credit_log(journeys, result)
