"""Leads: what is known of each lead of a log, and how models share it among cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.journeys import TIME
from attribution.kpis.logged import NO_DIMENSIONS, Logged, check_dimensions, open_log
from attribution.kpis.stages import ABOUT, LOST, WON, chosen, name_of
from attribution.tables import Reading
from attribution.tables.times import to_instants
from attribution.uncertainty import Drawn

SHARED = "shared of the lead"  # no column of any table


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
    zone: str = "UTC"  # whose days are meant
    as_of: datetime | None = None  # the end of the data, where it was told


def log_of(credits: Any, by: Sequence[str]) -> Logged:
    """Return the credit log; raise ParameterError where it is none, or ``by`` no list of dimensions."""
    check_dimensions(by)
    log = open_log(credits)
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
    log = log_of(credits, by)
    for name in by:
        if name in (*NO_DIMENSIONS, "lead", "fold", log.key):
            raise ParameterError.out_of_range("by", name, "a dimension: the table has a column of the name")
    steps = chosen(stages, log.known)
    facts = facts_of(log, steps)
    facts = facts.with_columns(leads=pl.col(log.outcome_names[0]))  # whatever their name
    place = facts.select(log.key).with_row_index("lead")
    keys = ["model", *by, log.key, "fold"]
    parts = []
    for frame in log.frames(by):
        weights = (
            frame.select(*keys, "weight").group_by(keys, maintain_order=True).agg(pl.col("weight").sum())
        )
        parts.append(weights.join(place, on=log.key, how="left", maintain_order="left").drop(log.key))
    shares = pl.concat(parts).select("model", *by, "lead", "fold", "weight")
    end = None if log.as_of is None else pl.Series([log.as_of]).cast(TIME).item()
    return Leads(facts, shares, tuple(by), log.models, steps, log.drawn, log.zone, end)


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
    # What is shared by the largest weight is had again by dividing: the last bits of a sum are not.
    most = pl.col([*log.outcome_names, "weight"]).sort_by("weight").last()
    parts = [
        frame.with_columns(pl.col(log.outcome_names) / pl.col("weight"))
        .group_by(log.key, maintain_order=True)
        .agg(first, most, pl.col("weight").sum().alias(SHARED))
        for frame in log.alone(names)
    ]
    whole = pl.concat(parts)
    if log.key == "journey_id":  # a journey may lie in two row groups
        whole = whole.group_by(log.key, maintain_order=True).agg(first, most, pl.col(SHARED).sum())
        check_ids(whole)
    rows = whole.select(log.key, "customer_id", pl.col("ends_at").cast(TIME), *log.outcome_names)
    found = []
    for ours, theirs in wanted.items():
        values = whole[theirs]
        if ours in dated:
            values = as_instants(values, log.reading)
            if log.as_of is not None:
                values = values.set((values.dt.epoch("us") > log.as_of).fill_null(False), None)
        found.append((as_numbers(values) if ours in numbers else values).alias(ours))
    return rows.hstack(found)


def check_ids(leads: pl.DataFrame) -> None:
    """Raise TableError where journeys of one id would be taken for one lead."""
    odd = leads.filter(pl.col(SHARED) > 1 + 1e-6)
    if len(odd):
        raise TableError.of(
            "credit log",
            "journeys of one id",
            "an id of its own for each journey",
            "give the journeys ids that differ",
            column="journey_id",
            count=len(odd),
            examples=tuple(map(str, odd["journey_id"].head(5))),
        )


def as_instants(values: pl.Series, reading: Reading) -> pl.Series:
    """Return times, read as those of the outcomes were."""
    if values.dtype == TIME:
        return values
    found = to_instants(values, "credit log", values.name, reading)
    if found.faults:
        raise TableError(list(found.faults))
    return found.values


def as_numbers(values: pl.Series) -> pl.Series:
    """Return numbers, of which NaN is none; TableError where there is text that is none, or infinity."""
    numbers = values.cast(pl.Float64, strict=False)
    odd = values.filter(values.is_not_null() & (numbers.is_null() | numbers.is_infinite()))
    if len(odd):
        raise TableError.of(
            "credit log",
            f"{len(odd):,} values that are no numbers, or infinite",
            "numbers, or nothing",
            "correct them, or name another column",
            column=values.name,
            count=len(odd),
            examples=tuple(map(str, odd.head(5))),
        )
    return numbers.fill_nan(None)


def shared(
    frames: Iterable[pl.DataFrame], numbers: pl.DataFrame, key: str, names: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a log with numbers of their leads, each times the weight of the row."""
    for frame in frames:
        mine = frame.select(key).join(numbers, on=key, how="left", maintain_order="left").drop(key)
        yield frame.with_columns(mine.with_columns(mine[name] * frame["weight"] for name in names))
