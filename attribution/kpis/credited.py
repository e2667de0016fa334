"""Credited: the outcomes that KPIs divide, by the dimensions asked for, from credits, a log or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from attribution.channels import UNATTRIBUTED
from attribution.credit_log import CreditLog
from attribution.credits import Credits, Result
from attribution.dimensions import summed
from attribution.errors import ParameterError, TableError
from attribution.kpis.leads import facts_of, shared
from attribution.kpis.logged import NO_DIMENSIONS, Logged, open_log
from attribution.kpis.replicated import OfLog, Replicated, source_of
from attribution.kpis.shrinkage import FIGURES
from attribution.kpis.stages import ENDS, VALUE, chosen, counted, name_of
from attribution.tables import (
    OURS,
    TABLES,
    Column,
    Reading,
    Source,
    check_outcome_names,
    check_table,
    unescaped,
)
from attribution.tables.sources import read
from attribution.uncertainty import Drawn

CreditsLike: TypeAlias = Result | Credits | CreditLog | Source
TAKEN = OURS | set(FIGURES)  # columns of the KPI table, which no outcome may be named as


class Credited(NamedTuple):
    """model, the dimensions, the outcomes, credited_by; models in order, channels by their credit."""

    table: pl.DataFrame
    outcome_names: tuple[str, ...]
    models: tuple[str, ...]
    replicated: Replicated | str | None = None  # or why there are no intervals; None: not asked for
    zone: str = ""  # whose days make the periods of a log


def credited(credits: CreditsLike, by: Sequence[str], reading: Reading) -> Credited:
    """Return what is credited by the dimensions.

    Raises:
        ParameterError: the credits do not know a dimension.
        TableError: a file holds no credits, or is not as it was written.
    """
    log = open_log(credits)
    if log is not None:
        steps = chosen(None, log.known, log.outcome_names)
        found = counts_by(log, by, steps, ("wins", "closed", "open_opportunities"))
        return found._replace(zone=log.zone)
    if list(by) != ["channel"]:
        raise ParameterError(
            f"parameter 'by': got {', '.join(by)}, but credits know channels only; "
            "for other dimensions pass the credit log: at.credit_log(journeys, credits), or its Parquet file"
        )
    if isinstance(credits, (Result, Credits)):
        each = list(credits.values()) if isinstance(credits, Result) else [credits]
        check_outcome_names(each[0].outcome_names, TAKEN)
        names = each[0].outcome_names
        table = pl.concat([one.table() for one in each]).select("model", "channel", *names, "credited_by")
        replicated = source_of({one.model: one for one in each})
        return Credited(table, names, tuple(one.model for one in each), replicated)
    return of_table(credits, reading)


def counts_by(
    log: Logged,
    by: Sequence[str],
    steps: Mapping[str, str],
    only: Sequence[str] = (),
    value: str | None = None,
) -> Credited:
    """Return the sums of a credit log, and where it knows the times of stages how far the leads came.

    ``only`` names the counts beside the stages; without it all are there. An outcome that is named as one
    of the counts stands in its place.

    Raises:
        ParameterError: the log does not know a dimension, a stage or the value.
    """
    names = log.outcome_names
    if not steps and not any(name_of(time, log.known) for time in ENDS.values()):
        return of_log(log.frames(by), by, names, log.models, log.channels, log.drawn)
    facts = facts_of(log, steps, numbers={VALUE: value} if value else None)
    counts = counted(facts, steps, names[0])
    further = [name for name in counts.columns if name not in names]
    further = [name for name in further if not only or name in only or name in steps]
    numbers = counts.select(further).with_columns(facts[log.key])
    first = [name for name in (*steps, "wins") if name in (*names, *further)]
    ordered = tuple(dict.fromkeys([names[0], *first, *names, *further]))
    frames = shared(log.frames(by), numbers, log.key, further)
    return of_log(frames, by, ordered, log.models, log.channels, log.drawn)


def of_log(
    frames: Iterable[pl.DataFrame],
    by: Sequence[str],
    outcome_names: tuple[str, ...],
    models: tuple[str, ...],
    channels: Sequence[str],
    drawn: Drawn | None,
) -> Credited:
    """Return the sums of a credit log; its parts are added in their order.

    Raises:
        ParameterError: an outcome, or a dimension, is named as another column of the KPI table.
    """
    check_outcome_names(outcome_names, TAKEN)
    for name in by:
        if name in NO_DIMENSIONS or name in outcome_names:
            expected = (
                "a dimension: the KPI table has a column of the name (touchpoint_ or outcome_ before it?)"
            )
            raise ParameterError.out_of_range("by", name, expected)
    keys = ["model", *by]
    parts, by_fold = [], []
    for frame in frames:
        parts.append(summed(frame, keys, outcome_names))
        if drawn is not None and not drawn.unsure:
            by_fold.append(summed(frame, list(dict.fromkeys([*keys, "fold"])), outcome_names))
    if list(by) == ["channel"]:  # channels without credit have a row as well
        every = pl.DataFrame({"channel": [*channels, UNATTRIBUTED]}, schema={"channel": pl.String})
        zeros = every.with_columns(pl.lit(0.0).alias(name) for name in outcome_names)
        parts += [zeros.select(pl.lit(model).alias("model"), *zeros.columns) for model in models]
    rows = summed(pl.concat(parts), keys, outcome_names)
    place = {name: place for place, name in enumerate(models)}
    first = pl.col("model").replace_strict(place, return_dtype=pl.Int64)
    order = [-pl.col(outcome_names[0]), *by] if list(by) == ["channel"] else by
    rows = rows.sort(first, *order, nulls_last=True, maintain_order=True)
    replicated: Replicated | str | None = None
    if drawn is not None:
        replicated = drawn.unsure or OfLog(
            drawn.resampling(),
            drawn.folds,
            tuple(by),
            outcome_names,
            summed(pl.concat(by_fold), list(dict.fromkeys([*keys, "fold"])), outcome_names),
            drawn.owners,
        )
    return Credited(rows.with_columns(credited_by=pl.lit("journey")), outcome_names, models, replicated)


def of_table(credits: Any, reading: Reading) -> Credited:
    """Return the credits of a credits table."""
    source = read(credits, "credits", None, reading.delimiter)
    if {"journey_id", "weight"} <= set(source.columns):
        raise TableError.of(
            source.where,
            "a credit log, which has a row a touchpoint",
            "credits, a row a channel",
            "pass the log itself, or the Parquet file that its write makes",
        )
    known = {column.name for column in TABLES["credits"]} | {"run_id"}
    pairs = [{f"{name}_low", f"{name}_high"} for name in source.columns]
    ends = {end for pair in pairs if pair <= set(source.columns) for end in pair}
    names = [name for name in source.columns if name not in known | ends]
    if not names:
        raise TableError.of(
            source.where, "no outcome column", "a column such as leads", "pass a credits table"
        )
    check_outcome_names(names, TAKEN)
    extra = [Column(name, "number", "an outcome", required=True, null=0.0) for name in names]
    table = check_table("credits", source, reading, None, extra)
    if table.count.set_aside:
        raise TableError.of(
            source.where,
            f"rows that are no credits: {dict(table.count.set_aside)}",
            "model, channel and numbers in every row",
            "write the table anew with attribute",
            count=len(table.rejected),
            examples=tuple(f"row {row}" for row in table.rejected["row"].head(5)),
        )
    if not len(table.frame):
        raise TableError.of(source.where, "no rows", "a row a model and channel", "write the table anew")
    names_of = [pl.col("model"), pl.col("channel")]
    if isinstance(credits, (str, Path)) and ".csv" in Path(credits).suffixes:
        names_of = [unescaped(name) for name in names_of]
    by = pl.col("credited_by") if "credited_by" in table.frame.columns else pl.lit("journey")
    rows = table.frame.select(*names_of, *names, by.alias("credited_by"))
    replicated = "no intervals: a credits file has no replicates; measure the result itself" if ends else None
    return Credited(rows, tuple(names), tuple(rows["model"].unique(maintain_order=True)), replicated)
