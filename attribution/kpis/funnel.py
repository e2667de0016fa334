"""The funnel: from leads to wins by cell: of a cohort of leads, or what entered each stage in a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from attribution.dimensions import PERIODS, first_day
from attribution.errors import ParameterError
from attribution.kpis.credited import Credited, counts_by, of_log
from attribution.kpis.dictionary import KPIS
from attribution.kpis.entries import Kpi, rate
from attribution.kpis.intervals import with_intervals
from attribution.kpis.leads import facts_of, log_of, shared
from attribution.kpis.ratios import with_ratios
from attribution.kpis.stages import ENDS, chosen, counted
from attribution.kpis.totals import in_order, sums_of, with_total


@dataclass(frozen=True, eq=False)
class Funnel:
    """The table of a funnel, warnings, and the dimensions."""

    rows: pl.DataFrame
    warnings: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    def table(self) -> pl.DataFrame:
        """Return per model a row a cell, and (total): sums, and ratios of sums."""
        return self.rows


def funnel(
    credits: Any,
    *,
    by: Sequence[str] = ("channel",),
    stages: Mapping[str, str] | None = None,
    value: str | None = None,
) -> Funnel:
    """Return how far the leads of each cell came until the end of the data, and the rates between stages.

    Leads are counted in the cell and the period in which they became leads (a cohort), whatever happened
    when; ``stage_entries`` counts by when it happened. ``credits`` is a credit log or its Parquet file, or
    leads without touchpoints (``lead_log``). ``stages`` names columns of times, in order, as
    {"demos": "demo_at"}; without it those of mql_at, sql_at, opportunity_at that are there. ``value`` is the
    column of what an open opportunity is worth: the pipeline.

    Formula: a stage is reached by leads with its time or that of a later one; rate = reached / reached
    before, of sums.

    Raises:
        ParameterError: the credits are no log, or it does not know a dimension, a stage or the value.

    >>> from attribution import lead_log
    >>> leads = {"customer_id": ["a", "b"], "timestamp": ["2026-03-02", "2026-03-02"], "owner": "Ann"}
    >>> times = {"mql_at": ["2026-03-03", None], "won_at": ["2026-04-01", None]}
    >>> table = funnel(lead_log(pl.DataFrame(leads | times)), by=["owner"]).table()
    >>> table.select("owner", "leads", "mqls", "wins", "win_rate").row(0)
    ('Ann', 2.0, 1.0, 1.0, 0.5)
    """
    log = log_of(credits, by)
    steps = chosen(stages, log.known, log.outcome_names)
    if value is not None and "opportunities" not in steps:
        raise ParameterError(
            "parameter 'value': the leads have no stage opportunities, so nothing is in the pipeline"
        )
    what = counts_by(log, by, steps, value=value)
    told = {"spend": pl.lit(None, pl.Float64), "no_spend": pl.lit("no spend")}
    ratios = rates_of(steps, what.outcome_names)
    check_free(by, [kpi.name for kpi in ratios])
    table = with_ratios(totalled(what, by).with_columns(**told), by, what.outcome_names, ratios)
    table = table.drop("spend")
    if what.replicated is not None:
        odd = irregular_of(steps)
        regular = [name for name in what.outcome_names if name not in odd]
        table = with_intervals(table, by, regular, what.replicated, ratios)
    return Funnel(table, notes(table, what.models, steps), tuple(by))


def check_free(by: Sequence[str], taken: Sequence[str]) -> None:
    """Raise ParameterError where a dimension is named as a column of the table."""
    for name in by:
        if name in taken:
            raise ParameterError.out_of_range("by", name, "a dimension: the table has a column of the name")


def totalled(what: Credited, by: Sequence[str]) -> pl.DataFrame:
    """Return per model its cells in order, and their total."""
    tables = []
    for name in what.models:
        rows = in_order(what.table.filter(pl.col("model") == name), by)
        sums = {"model": name, "credited_by": "journey", **sums_of(rows, what.outcome_names)}
        tables.append(with_total(rows, by, sums))
    return pl.concat(tables)


def rates_of(steps: Mapping[str, str], columns: Sequence[str]) -> list[Kpi]:
    """Return the rates from each stage to the next, and those of wins and customers, as they are defined."""
    known = [kpi for kpi in KPIS if kpi.denominator and kpi.verb in ("measure", "funnel")]
    there = {*columns, "leads", "wins"}
    defined = {
        (kpi.numerator, kpi.denominator): kpi for kpi in known if {kpi.numerator, kpi.denominator} <= there
    }
    path = ["leads", *steps, "wins"]
    between = [(new, old) for old, new in pairwise(path)]
    rates = [defined.get(pair, rate(f"{pair[1]}_to_{pair[0]}", *pair, verb="funnel")) for pair in between]
    return list(dict.fromkeys([*rates, *defined.values()]))


def irregular_of(steps: Mapping[str, str]) -> dict[str, str]:
    """Return the counts of leads that went another way than from stage to stage, and what they did."""
    words = {
        "skipped": "reached {} without a time of it, by a later stage: they count as having reached it",
        "reentered": "entered {} after a later stage: they count by the furthest stage they reached",
    }
    told = {f"{kind}_{name}": text.format(name) for name in steps for kind, text in words.items()}
    back = "moved on after they were lost, or were won and that was taken back: the latest counts"
    return told | {"reopened": back}


def notes(table: pl.DataFrame, models: Sequence[str], steps: Mapping[str, str]) -> tuple[str, ...]:
    """Return how many leads went another way than from stage to stage, of one model's total."""
    total = table.filter(pl.col("model") == models[0])[-1]
    return tuple(
        f"funnel: {total[name].item():g} leads {told}"
        for name, told in irregular_of(steps).items()
        if name in table.columns and total[name].item()
    )


def stage_entries(
    credits: Any,
    period: str,
    *,
    by: Sequence[str] = ("channel",),
    stages: Mapping[str, str] | None = None,
) -> Funnel:
    """Return what entered each stage in each period, by the time of the entry and not of the lead.

    The period is a column entered_PERIOD, the counts are leads_entered, mqls_entered, ..., wins_entered,
    lost_entered. They are of different leads, so there are no rates between them: those are the funnel's.
    A stage that was skipped has no time and is in no period; wins and losses are those that stand at the end.

    Raises:
        ParameterError: there is no such period, or the credits are no log.
    """
    if period not in PERIODS:
        raise ParameterError.unknown("period", period, PERIODS)
    log = log_of(credits, by)
    steps = chosen(stages, log.known, log.outcome_names)
    facts = facts_of(log, steps)
    if len(facts) and not facts["ends_at"].count():
        raise ParameterError("parameter 'period': these leads have no times (paths have none)")
    counts = counted(facts, steps, log.outcome_names[0])
    entered = {"leads": "ends_at", **steps, **ENDS}
    counts = counts.with_columns(leads=facts[log.outcome_names[0]])
    entered = {
        name: time for name, time in entered.items() if {time, name} <= {*facts.columns, *counts.columns}
    }
    numbers = pl.DataFrame(
        [
            facts[log.key],
            *(
                facts.select(
                    first_day(pl.col(time), PERIODS[period], log.zone).alias(f"{name} in")
                ).to_series()
                for name, time in entered.items()
            ),
            *(counts[name].alias(f"{name}_entered") for name in entered),
        ]
    )
    when, names = f"entered_{period}", [f"{name}_entered" for name in entered]
    check_free(by, [when])

    def entries() -> Iterator[pl.DataFrame]:
        for frame in shared(log.frames(by), numbers, log.key, names):
            for name in entered:
                others = [pl.lit(0.0).alias(each) for each in names if each != f"{name}_entered"]
                own = frame.filter(pl.col(f"{name} in").is_not_null(), pl.col(f"{name}_entered") != 0)
                yield own.with_columns(pl.col(f"{name} in").alias(when), *others)

    keys = [*by, when]
    what = of_log(entries(), keys, tuple(names), log.models, log.channels, log.drawn)
    table = totalled(what, keys).select("model", *keys, *names)
    if what.replicated is not None:
        table = with_intervals(
            table.with_columns(reason=pl.lit(None, pl.String)), keys, names, what.replicated, ()
        )
    return Funnel(table, by=tuple(keys))
