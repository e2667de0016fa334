"""Leads: what is known of each lead of a log, and how models share it among cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from attribution.credit_log import Drawn
from attribution.errors import ParameterError, TableError
from attribution.journeys import TIME
from attribution.kpis.logged import Logged, logged
from attribution.kpis.stages import ABOUT, LOST, WON, chosen, name_of
from attribution.tables import Reading
from attribution.tables.times import to_instants


@dataclass(frozen=True, eq=False)
class Leads:
    """The leads of a log: their facts, a row a lead, and the share of each cell in them, by model.

    ``facts`` hold the key, customer_id, ends_at (the lead's time), outcomes and the times of stages;
    ``shares`` model, dimensions, lead (a row of the facts), fold and weight: over the cells of a model
    and lead weights sum to 1.
    """

    facts: pl.DataFrame
    shares: pl.DataFrame
    by: tuple[str, ...]
    models: tuple[str, ...]
    stages: Mapping[str, str]
    drawn: Drawn | None


def log_of(credits: Any) -> Logged:
    """Return the credit log; raise ParameterError where it is none."""
    log = logged(credits)
    if log is None:
        raise ParameterError(
            f"got {type(credits).__name__}, expected a credit log (at.credit_log), its Parquet file, or "
            "leads that are read as one (at.lead_log): a table of credits does not know its leads"
        )
    return log


def leads_of(credits: Any, by: Sequence[str], stages: Mapping[str, str] | None = None) -> Leads:
    """Return the leads of a credit log and their shares by the dimensions.

    Raises:
        ParameterError: the credits are no log, or it does not know a dimension or a stage.
    """
    log = log_of(credits)
    steps = chosen(stages, log.known)
    facts = facts_of(log, steps)
    place = facts.select(log.key).with_row_index("lead")
    keys = ["model", *by, log.key, "fold"]
    parts = []
    for frame in log.frames(by):
        weights = (
            frame.select(*keys, "weight").group_by(keys, maintain_order=True).agg(pl.col("weight").sum())
        )
        parts.append(weights.join(place, on=log.key, how="left", maintain_order="left").drop(log.key))
    shares = pl.concat(parts).select("model", *by, "lead", "fold", "weight")
    return Leads(facts, shares, tuple(by), log.models, steps, log.drawn)


def facts_of(
    log: Logged,
    stages: Mapping[str, str],
    times: Sequence[str] = (),
    numbers: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return a row a lead, in the order of the log: what it is, what came of it, and when.

    ``times`` are further columns of times that may be there, ``numbers`` those of numbers that must be, by
    the name they get.

    Raises:
        ParameterError: there is no such column of numbers.
        TableError: a column holds no times, or no numbers.
    """
    numbers = numbers or {}
    for column in numbers.values():
        if name_of(column, log.known) is None:
            raise ParameterError.unknown("column of the leads", column, log.known)
    dated = {column: name_of(column, log.known) for column in (*stages.values(), WON, LOST, *times)}
    others = {ours: name_of(column, log.known) for ours, column in numbers.items()}
    others |= {column: name_of(column, log.known) for column in ABOUT}
    wanted = {ours: theirs for ours, theirs in (dated | others).items() if theirs}
    names = list(dict.fromkeys(wanted.values()))
    first = pl.col(["customer_id", "ends_at", *names]).first()
    parts = [
        frame.group_by(log.key, maintain_order=True).agg(first, pl.col(log.outcome_names).sum())
        for frame in log.alone(names)
    ]
    whole = pl.concat(parts)
    if log.key == "journey_id":  # a journey may lie in two row groups
        whole = whole.group_by(log.key, maintain_order=True).agg(first, pl.col(log.outcome_names).sum())
    # What was shared is added up again: leads are counted, and noise in the last digits is none.
    known = [pl.col(name).round(9) for name in log.outcome_names]
    rows = whole.select(log.key, "customer_id", pl.col("ends_at").cast(TIME), *known)
    return rows.hstack(
        [
            (
                as_instants(whole[theirs], log.zone)
                if ours in dated
                else as_numbers(whole[theirs])
                if ours in numbers
                else whole[theirs]
            ).alias(ours)
            for ours, theirs in wanted.items()
        ]
    )


def as_instants(values: pl.Series, zone: str) -> pl.Series:
    """Return times; text is read as ISO 8601 where the zone is."""
    if values.dtype == TIME:
        return values
    found = to_instants(values, "credit log", values.name, Reading(timezone=zone))
    if found.faults:
        raise TableError(list(found.faults))
    return found.values


def as_numbers(values: pl.Series) -> pl.Series:
    """Return numbers; TableError where there is text that is none."""
    numbers = values.cast(pl.Float64, strict=False)
    odd = values.filter(numbers.is_null() & values.is_not_null())
    if len(odd):
        raise TableError.of(
            "credit log",
            f"{len(odd):,} values that are no numbers",
            "numbers, or nothing",
            "correct them, or name another column",
            column=values.name,
            count=len(odd),
            examples=tuple(map(str, odd.head(5))),
        )
    return numbers


def shared(
    frames: Iterable[pl.DataFrame], numbers: pl.DataFrame, key: str, names: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a log with further numbers of their leads, each times the weight of the row."""
    for frame in frames:
        rows = frame.join(numbers, on=key, how="left", maintain_order="left")
        yield rows.with_columns(pl.col(name) * pl.col("weight") for name in names)
