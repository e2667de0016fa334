"""Rows in = used + set aside, by reason: the count that every table keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Counts: TypeAlias = Mapping[str, int]

# Every reason for which the gate sets a row of touchpoints, outcomes, events or spend aside.
REASONS = (
    *("ragged_row", "null_user", "null_channel", "bad_time", "control_char", "bad_number", "null_number"),
    *(
        "not_finite",
        "bad_flag",
        "null_journey",
        "no_leads",
        "wins_out_of_range",
        "negative_spend",
        "future_time",
    ),
    *("duplicate", "superseded"),
)


def added(left: Counts, right: Counts) -> dict[str, int]:
    """Return the sum of two counts by reason, the reasons in order of name.

    >>> added({"null_user": 1}, {"bad_time": 2, "null_user": 3})
    {'bad_time': 2, 'null_user': 4}
    """
    return {key: left.get(key, 0) + right.get(key, 0) for key in sorted({*left, *right})}


def subtracted(left: Counts, right: Counts) -> dict[str, int]:
    """Return what is left of a count by reason without another, nothing of what is even.

    >>> subtracted({"null_user": 3, "bad_time": 1}, {"null_user": 3})
    {'bad_time': 1}
    """
    negative = {key: -count for key, count in right.items()}
    return {key: count for key, count in added(left, negative).items() if count}


@dataclass(frozen=True)
class RowCount:
    """Rows of one table: read = used + set aside (by reason).

    >>> (RowCount(3, 2, {"bad_time": 1}) + RowCount(1, 1)).lost
    0
    """

    read: int = 0
    used: int = 0
    set_aside: Counts = field(default_factory=dict)

    def __add__(self, other: RowCount) -> RowCount:
        return RowCount(
            self.read + other.read,
            self.used + other.used,
            added(self.set_aside, other.set_aside),
        )

    def __sub__(self, other: RowCount) -> RowCount:
        return RowCount(
            self.read - other.read,
            self.used - other.used,
            subtracted(self.set_aside, other.set_aside),
        )

    @property
    def lost(self) -> int:
        """Rows that are neither used nor set aside: always 0."""
        return self.read - self.used - sum(self.set_aside.values())
