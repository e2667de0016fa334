"""Steps: how many days each lead was on its way from one stage to the next, and how that ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64, Int64
from attribution.errors import ParameterError, TableError
from attribution.journeys import TIME
from attribution.kpis.timing.survival import CENSORED, COMPETING, REACHED

DAY = 86_400_000_000  # microseconds
NEVER = np.iinfo(np.int64).max
ABSENT = -1  # has no time of the first stage: it skipped it, and takes no part in the step
LEFT_OUT = {
    "after_until": "its start lies after the end of observation",
    "undated": "it is known to have got there, but not when",
    "negative_delay": "its end lies before its start",
}
AFTER_UNTIL, UNDATED, NEGATIVE_DELAY = range(COMPETING + 1, COMPETING + 1 + len(LEFT_OUT))


class Step(NamedTuple):
    """A step of n leads: the days of each in it, and the code of how it ended or why it is left out."""

    start: str
    end: str
    days: Float64  # [n]
    ends: Int64  # [n]

    @property
    def at_risk(self) -> Bool:
        """Whether a lead takes part in the step [n]."""
        return (self.ends >= CENSORED) & (self.ends <= COMPETING)


def steps_of(facts: pl.DataFrame, stages: Mapping[str, str], until: int, zone: str) -> Iterator[Step]:
    """Yield the step from leads to wins, then that from each stage to the next, as known at ``until``.

    Formula: days = end - start, as days of the local clock (``days_of``); end = the time of the next
    stage, else of losing, else ``until``. What lies after ``until`` (microseconds UTC) has not happened
    yet. A loss that a stage or a win follows is none, as in the funnel: the lead was reopened.

    Raises:
        TableError: there is no time of winning and no stage.
    """
    never = np.full(len(facts), NEVER)
    lost = microseconds(facts["lost_at"]) if "lost_at" in facts.columns else never
    won_at = microseconds(facts["won_at"]) if "won_at" in facts.columns else never
    won = won_by(facts, won_at, lost, until)
    chain = [("leads", facts["ends_at"]), *((name, facts[column]) for name, column in stages.items())]
    times = [(name, microseconds(time)) for name, time in chain]
    for later in (*(time for _, time in times[1:]), won_at):
        lost = np.where((later <= until) & (later > lost), NEVER, lost)
    if "won_at" in facts.columns:
        taken = np.where(won, won_at, NEVER)  # a win that was taken back is none
        yield step_of(*times[0], "wins", taken, won, lost, until, zone)
    elif not stages:
        raise TableError.of(
            "leads",
            "no time of winning and no stage",
            "won_at, or the time of a stage such as mql_at",
            "pass outcomes with such a column",
        )
    for i, (start, end) in enumerate(pairwise(times), start=2):
        passed = won | (won_at <= until)
        for _, later in times[i:]:
            passed |= later <= until
        yield step_of(*start, *end, passed, lost, until, zone)
    if stages and "won_at" in facts.columns:
        yield step_of(*times[-1], "wins", taken, won, lost, until, zone)


def step_of(
    start: str, begun: Int64, end: str, reached: Int64, passed: Bool, lost: Int64, until: int, zone: str
) -> Step:
    """Return a step from its times; ``passed`` are the leads known to have got there or further [n].

    Example: of three leads of day 0, until day 9: reached on day 2, lost on day 4, still on its way.

    >>> begun, reached, lost = DAY * np.array([[0, 0, 0], [2, 99, 99], [7, 4, 99]])
    >>> step = step_of("leads", begun, "wins", reached, reached < 9, lost, 9 * DAY, "UTC")
    >>> step.days.tolist(), step.ends.tolist() == [REACHED, COMPETING, CENSORED]
    ([2.0, 4.0, 9.0], True)
    """
    is_reached = reached <= until
    is_lost = ~is_reached & (lost <= until)
    ended = np.where(is_reached, reached, np.where(is_lost, lost, until))
    days, is_before = days_of(begun, ended, zone)
    ends = np.select(
        [begun == NEVER, begun > until, ~is_reached & passed, is_before, is_reached, is_lost],
        [ABSENT, AFTER_UNTIL, UNDATED, NEGATIVE_DELAY, REACHED, COMPETING],
        CENSORED,
    )
    return Step(start, end, days, ends)


def days_of(begun: Int64, ended: Int64, zone: str) -> tuple[Float64, Bool]:
    """Return the days of the local clock from one time to another, and whether the end lies before [n].

    Between two local midnights they are whole, also where the clock was changed. An end at local midnight
    may be that of a day: on the day of the start it takes 0 days. Which time is the earlier one is told in
    UTC, as an hour of the local clock may come twice.

    Example: from 25 October 2026, 00:00 in Berlin, to 26 October, 00:00: 25 hours are 1 day.

    >>> midnights = pl.Series([1_792_879_200_000_000, 1_792_969_200_000_000]).to_numpy()
    >>> [each.tolist() for each in days_of(midnights[:1], midnights[1:], "Europe/Berlin")]
    [[1.0], [False]]
    """
    since, then = local(begun, zone), local(ended, zone)
    same_day = then == since - since % DAY
    return np.maximum(then - since, 0) / DAY, (ended < begun) & ~same_day


def won_by(facts: pl.DataFrame, won_at: Int64, lost: Int64, until: int) -> Bool:
    """Return which leads are won at ``until``: as their wins say, else by a win not older than the loss."""
    known = won_at <= until
    if "wins" in facts.columns:
        wins = facts["wins"].fill_null(0.0).to_numpy()
        return np.asarray((wins > 0) & (known | (won_at == NEVER)))
    return known & ~((lost <= until) & (lost > won_at))


def whole_wins(facts: pl.DataFrame, shares: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return facts whose rows are won as a whole or not at all, and their shares.

    A row of 5 leads of which 2 were won becomes one of 2 won leads and, after the last row, one of 3 that
    were not.
    """
    if "wins" not in facts.columns:
        return facts, shares
    both = (
        facts.select((pl.col("wins") > 0) & (pl.col("wins") < pl.col("leads"))).to_series().fill_null(False)
    )
    if not both.any():
        return facts, shares
    place = np.full(len(facts), -1)
    place[both.to_numpy()] = len(facts) + np.arange(int(both.sum()))
    won = facts.with_columns(leads=pl.when(both).then("wins").otherwise("leads"))
    rest = facts.filter(both).with_columns(leads=pl.col("leads") - pl.col("wins"), wins=pl.lit(0.0))
    moved = pl.Series("lead", place[shares["lead"].to_numpy()])
    more = shares.with_columns(moved).filter(pl.col("lead") >= 0).cast({"lead": shares.schema["lead"]})
    return pl.concat([won, rest]), pl.concat([shares, more])


def until_of(facts: pl.DataFrame, until: datetime | None) -> int | None:
    """Return the end of observation in microseconds UTC: as told, else the latest time; None without any.

    Raises:
        ParameterError: it is no time, or has no zone.
    """
    if until is None:
        times = [facts[name].max() for name, dtype in facts.schema.items() if isinstance(dtype, pl.Datetime)]
        until = max((time for time in times if isinstance(time, datetime)), default=None)
    elif not isinstance(until, datetime) or until.utcoffset() is None:
        raise ParameterError.out_of_range("until", str(until), "a time with its zone, such as tzinfo=UTC")
    return None if until is None else int(pl.Series([until]).dt.epoch("us").item())


def microseconds(times: pl.Series) -> Int64:
    """Return times as microseconds UTC, NEVER where there is none."""
    return times.dt.epoch("us").fill_null(NEVER).to_numpy()


def local(times: Int64, zone: str) -> Int64:
    """Return microseconds UTC as those of the wall clock in a zone; NEVER becomes 0."""
    instants = pl.Series(times).set(pl.Series(times == NEVER), None).cast(TIME).dt.convert_time_zone(zone)
    return instants.dt.replace_time_zone(None).dt.epoch("us").fill_null(0).to_numpy()


def warnings_of(steps: Sequence[Step], amounts: Float64) -> Iterator[str]:
    """Yield how many leads are left out of each step, by reason."""
    for step in steps:
        for code, (reason, meaning) in enumerate(LEFT_OUT.items(), start=COMPETING + 1):
            many = math.fsum(amounts[step.ends == code])
            if many:
                leads = "lead" if many == 1 else "leads"
                number = f"{many:,.0f}" if many.is_integer() else f"{many:,.2f}"
                told = f"{number} {leads} left out: {reason} ({meaning})"
                yield f"velocity {step.start} to {step.end}: {told}"
