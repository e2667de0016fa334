"""Stitched: journeys as folds of customers, assembled where they are observed, and the report of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any, NamedTuple

import polars as pl

from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.tables import Counts, Origin, RowCount, added, subtracted

OUTSIDE_WINDOW, BEYOND_MOST = "outside_window", "beyond_max_touchpoints"
FOLDS, FEWEST_FOLDS, MOST_FOLDS = 256, 16, 1024  # powers of two: the first bits of a hash
Progress = Callable[[int, int, int], None]  # parts done, parts in all, touchpoints in those that are done


@dataclass(frozen=True)
class StitchReport:
    """What was used and set aside, by reason; reports add up.

    ``unattributed`` counts outcome rows without an eligible touchpoint, by reason. ``notes`` holds
    customers, journeys, converting_journeys, null_journeys, decided_ties (journeys whose first or last
    touchpoint was decided by a tie), touchpoints_after_last_outcome, retries (rows that agree in all
    but the event id) and, where there are any, negative_delay (outcomes won before their time).

    >>> one = StitchReport({"outcomes": RowCount(3, 2, {"bad_time": 1})})
    >>> (one + one).tables["outcomes"].read
    6
    """

    tables: Mapping[str, RowCount] = field(default_factory=dict)
    unattributed: Counts = field(default_factory=dict)
    notes: Counts = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __add__(self, other: StitchReport) -> StitchReport:
        names = dict.fromkeys([*self.tables, *other.tables])
        return StitchReport(
            {name: self.tables.get(name, RowCount()) + other.tables.get(name, RowCount()) for name in names},
            added(self.unattributed, other.unattributed),
            added(self.notes, other.notes),
            tuple(dict.fromkeys([*self.warnings, *other.warnings])),
        )

    def __sub__(self, other: StitchReport) -> StitchReport:
        return StitchReport(
            {name: count - other.tables.get(name, RowCount()) for name, count in self.tables.items()},
            subtracted(self.unattributed, other.unattributed),
            subtracted(self.notes, other.notes),
            self.warnings,
        )

    def check(self) -> StitchReport:
        """Return itself; raise RuntimeError if a row was lost: read = used + set aside."""
        for name, rows in self.tables.items():
            if rows.lost:
                raise RuntimeError(f"{name}: rows do not add up: {rows}")
        return self

    @property
    def messages(self) -> tuple[str, ...]:
        """The warnings, and what the notes give reason to look at."""
        found = {
            "touchpoints: {:,} rows agree with another in all but the event id (retries?); all are counted": (
                self.notes.get("retries", 0)
            ),
            "touchpoints: {:,} rows are older than the max_touchpoints newest of their journey, no credit": (
                self.tables.get("touchpoints", RowCount()).set_aside.get(BEYOND_MOST, 0)
            ),
            "outcomes: {:,} rows were won before their timestamp (negative_delay); leads and wins count": (
                self.notes.get("negative_delay", 0)
            ),
        }
        return (*self.warnings, *(told.format(count) for told, count in found.items() if count))

    def table(self) -> pl.DataFrame:
        """Return the counts as a table: table, what, rows."""
        rows = [
            (name, what, count)
            for name, rows in self.tables.items()
            for what, count in [
                ("read", rows.read),
                ("used", rows.used),
                *((f"set aside: {reason}", count) for reason, count in rows.set_aside.items()),
            ]
        ]
        rows += [("outcomes", f"unattributed: {why}", n) for why, n in self.unattributed.items()]
        rows += [("journeys", what.replace("_", " "), n) for what, n in self.notes.items()]
        schema = {"table": pl.String, "what": pl.String, "rows": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def fold_bits(folds: int) -> int:
    """Return how many bits of a hash make the folds.

    Raises:
        ParameterError: the number is no power of two from 16 to 1,024.

    >>> fold_bits(256)
    8
    """
    allowed = [1 << bits for bits in range(FEWEST_FOLDS.bit_length() - 1, MOST_FOLDS.bit_length())]
    if type(folds) is not int or folds not in allowed:
        raise ParameterError.out_of_range("folds", folds, f"one of {', '.join(map(str, allowed))}")
    return folds.bit_length() - 1


class Batch(NamedTuple):
    """The journeys of one fold of customers, and the report of its rows."""

    journeys: Journeys
    report: StitchReport


@dataclass(frozen=True, eq=False)
class Stitched:
    """All journeys of a run: a frozen value that can be iterated many times, fold by fold.

    ``folds[i]()`` assembles the journeys of fold i of the customers; ``gate`` counts the rows that
    never reached a fold; ``name`` gives journey_id and customer_id for the journeys of a range of
    folds, by the first of them; ``origins`` are the tables into which the row numbers point.
    ``owners`` are what the folds are made of, a note of the report that counts them; where there are
    none, ``thinned`` deals the journeys out to folds by chance, with a seed. ``lookback_days`` and
    ``until`` (microseconds UTC) tell how long a touchpoint was watched, where every one that was used is
    in one journey. ``settings`` say how the journeys were made: statistics of equal ones add up. Row
    numbers, and ``name``, are known to ``traced``: where the tables are not in memory they are read
    again for them.
    """

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    folds: Sequence[Callable[[], Batch]]
    gate: StitchReport
    name: Callable[[int, Journeys], pl.DataFrame]
    has_ages: bool = True
    origins: Mapping[str, Origin] = field(default_factory=dict)  # by table: touchpoints, outcomes
    rejected: pl.DataFrame = field(default_factory=pl.DataFrame)  # table, row, reason: set aside at the gate
    owners: str = "customers"
    thinned: Callable[[int], Sequence[Callable[[], Batch]]] | None = None
    lookback_days: float | None = None
    until: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    trace: Callable[[], Stitched] | None = None  # where row numbers have to be found first
    as_of: int | None = None  # microseconds UTC: what is later has not happened, where that was told

    @cached_property
    def traced(self) -> Stitched:
        """The same journeys, whose touchpoints know their rows in the table."""
        return self if self.trace is None else self.trace()

    def __iter__(self) -> Iterator[Batch]:
        return (fold() for fold in self.folds)

    @cached_property
    def report(self) -> StitchReport:
        """What was used and set aside, by reason (one pass over the folds, then kept)."""
        return reduce(StitchReport.__add__, (batch.report for batch in self), self.gate).check()

    def table(self) -> pl.DataFrame:
        """Return the journeys table, in order of the customer's hash, then time."""
        traced = self.traced
        journeys = Journeys.joined([batch.journeys for batch in traced])
        return pl.concat([traced.name(0, journeys), journeys.to_table()], how="horizontal")
