"""The naive twin of stitching: journeys said as plainly as they can be, in dicts, lists and datetimes."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MICROSECOND = timedelta(microseconds=1)
DAY = 86_400_000_000  # microseconds
UNATTRIBUTED = ("no_touchpoints", "all_after", "all_outside_window", "used_by_earlier_outcome")


@dataclass(frozen=True)
class Touchpoint:
    """One row of the touchpoints table; None is an empty cell, or a column that is not there."""

    customer: int | str | None
    time: datetime | None
    channel: str | None
    campaign: str | None = None
    kind: str | None = None
    sequence: int | None = None
    event: str | None = None


@dataclass(frozen=True)
class Outcome:
    """One row of the outcomes table: leads; or leads, wins and revenue."""

    customer: int | str | None
    time: datetime | None
    values: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Journey:
    """One journey: its channels oldest first, and their ages in days at its end."""

    customer: str
    ends_at: datetime
    channels: tuple[str, ...]
    ages: tuple[float, ...]
    values: tuple[float, ...]
    count: float


@dataclass
class Stitched:
    """All journeys, and the counts of the rows they were made from."""

    journeys: list[Journey] = field(default_factory=list)
    touchpoints: Counter[str] = field(default_factory=Counter)  # used, and set aside by reason
    outcomes: Counter[str] = field(default_factory=Counter)
    unattributed: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


def stitched(
    touchpoints: Sequence[Touchpoint],
    outcomes: Sequence[Outcome],
    lookback_days: float = 30.0,
    restart: bool = True,
    maturity_days: float | None = None,
    as_of: datetime | None = None,
    width: int = 1,
) -> Stitched:
    """Return the journeys of two tables; an outcome has so many values."""
    answer = Stitched()
    touched = usable(touchpoints, [*TOUCHPOINT_FAULTS, later_than(as_of)], answer.touchpoints)
    ended = usable(outcomes, [*OUTCOME_FAULTS, later_than(as_of)], answer.outcomes)
    answer.outcomes["used"] = len(ended)
    end_of_data = as_of or max((row.time for row in [*touched, *ended]), default=None)
    touched = distinct_events(touched, answer.touchpoints)

    mine: dict[str, list[Touchpoint]] = defaultdict(list)
    theirs: dict[str, list[Outcome]] = defaultdict(list)
    for touchpoint in touched:
        mine[str(touchpoint.customer)].append(touchpoint)
    for outcome in ended:
        theirs[str(outcome.customer)].append(outcome)

    for customer in sorted({*mine, *theirs}):
        stitch_customer(
            customer,
            distinct(sorted(mine[customer], key=whole_order), answer),
            sorted(theirs[customer], key=lambda outcome: outcome.time),
            microseconds(lookback_days),
            restart,
            None if maturity_days is None else microseconds(maturity_days),
            end_of_data,
            width,
            answer,
        )
    return answer


def stitch_customer(
    customer: str,
    touched: list[Touchpoint],
    ended: list[Outcome],
    lookback: int,
    restart: bool,
    maturity: int | None,
    end_of_data: datetime | None,
    width: int,
    answer: Stitched,
) -> None:
    """Add the journeys of one customer, whose touchpoints are in order, to the answer."""
    used: set[int] = set()
    before_them = len(answer.journeys)

    def journey(places: list[int], end: datetime, values: tuple[float, ...], count: float) -> None:
        used.update(places)
        mine = [touched[place] for place in places]
        channels = tuple(normalised(each.channel) for each in mine)
        ages = tuple(elapsed(each.time, end) / DAY for each in mine)
        answer.journeys.append(Journey(customer, end, channels, ages, values, count))
        answer.notes["journeys"] += 1
        answer.notes["decided_ties"] += decided_by_tie(mine)

    for outcome in ended:
        end = outcome.time
        earlier = [other.time for other in ended if other.time < end]
        before = [place for place, each in enumerate(touched) if each.time <= end]
        inside = [place for place in before if elapsed(touched[place].time, end) <= lookback]
        fresh = [p for p in inside if not (restart and earlier) or touched[p].time > max(earlier)]
        if not fresh:
            why = UNATTRIBUTED[(not touched, not before, not inside, True).index(True)]
            answer.unattributed[why] += 1
        journey(fresh, end, outcome.values, outcome.values[0])
        answer.notes["converting_journeys"] += 1

    rest = [place for place, each in enumerate(touched) if not ended or each.time > ended[-1].time]
    answer.notes["touchpoints_after_last_outcome"] += len(rest) if ended else 0
    if rest:
        end = touched[rest[-1]].time
        inside = [place for place in rest if elapsed(touched[place].time, end) <= lookback]
        if maturity is not None and elapsed(end, end_of_data) < maturity:
            answer.touchpoints["immature"] += len(inside)
            used.update(inside)
            answer.touchpoints["used"] -= len(inside)
        else:
            journey(inside, end, (0.0,) * width, 1.0)
            answer.notes["null_journeys"] += 1
    answer.notes["customers"] += len(answer.journeys) > before_them
    answer.touchpoints["used"] += len(used)
    answer.touchpoints["outside_window"] += len(touched) - len(used)


def decided_by_tie(mine: list[Touchpoint]) -> bool:
    """Whether the first or the last touchpoint shares its instant, and its sequence, with its neighbour."""
    instants = [(each.time, each.sequence) for each in mine]
    return len(mine) > 1 and (instants[0] == instants[1] or instants[-1] == instants[-2])


# What is set aside.


def empty(text: str | None) -> bool:
    return text is None or not text.strip()


TOUCHPOINT_FAULTS: list[tuple[str, Callable[[Any], bool]]] = [
    ("null_user", lambda row: empty(None if row.customer is None else str(row.customer))),
    ("bad_time", lambda row: row.time is None),
    ("null_channel", lambda row: empty(row.channel)),
]
OUTCOME_FAULTS: list[tuple[str, Callable[[Any], bool]]] = [
    ("null_user", lambda row: empty(None if row.customer is None else str(row.customer))),
    ("bad_time", lambda row: row.time is None),
    ("no_leads", lambda row: row.values[0] <= 0),
    ("wins_out_of_range", lambda row: len(row.values) > 1 and not 0 <= row.values[1] <= row.values[0]),
]


def later_than(as_of: datetime | None) -> tuple[str, Callable[[Any], bool]]:
    """Return the fault of rows after the end of the data."""
    return "future_time", lambda row: as_of is not None and row.time > as_of


def usable(rows: Iterable[Any], faults: Any, counts: Counter[str]) -> list[Any]:
    """Return the rows without a fault; the first fault of each other one is counted."""
    kept = []
    for row in rows:
        why = next((reason for reason, broken in faults if broken(row)), None)
        if why:
            counts[why] += 1
        else:
            kept.append(row)
    return kept


def distinct_events(rows: list[Touchpoint], counts: Counter[str]) -> list[Touchpoint]:
    """Return the rows with each event id once, the earliest of those that share one."""
    seen: set[str] = set()
    kept = []
    for row in sorted(rows, key=lambda row: (*whole_order(row), str(row.customer))):
        if row.event is not None and row.event in seen:
            counts["duplicate"] += 1
        else:
            kept.append(row)
            seen.add(row.event or "")
    return kept


def distinct(rows: list[Touchpoint], answer: Stitched) -> list[Touchpoint]:
    """Return one customer's ordered rows with equal ones once; those equal but for the event are retries."""
    kept: list[Touchpoint] = []
    for row in rows:
        if kept and whole_order(row) == whole_order(kept[-1]):
            answer.touchpoints["duplicate"] += 1
            continue
        if kept and whole_order(row)[:-1] == whole_order(kept[-1])[:-1]:
            answer.notes["retries"] += 1
        kept.append(row)
    return kept


# Order.


def whole_order(row: Touchpoint) -> tuple[Any, ...]:
    """Return the order of touchpoints: by time, then by what is written in the row, never by its place."""
    names = (row.campaign, row.kind, row.event)
    return (row.time, nulls_first(row.sequence), normalised(row.channel), *map(nulls_first, names))


def nulls_first(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)


def normalised(name: str | None) -> str:
    return unicodedata.normalize("NFC", (name or "").strip())


def elapsed(since: datetime, until: datetime) -> int:
    """Return the microseconds from one instant to another."""
    return (until - since) // MICROSECOND


def microseconds(days: float) -> int:
    """Return days in microseconds, at most 2^61 of them: longer than any data."""
    return round(min(days * DAY, 2.0**61))
