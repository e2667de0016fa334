"""The law of every statistic: observe(a) + observe(b) == observe(a and b)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.errors import VocabularyError
from attribution.journeys import Journeys
from attribution.statistics.stacked import Stacked


class Statistic(Protocol):
    """What was learned from a batch: a value with a commutative, associative sum over one vocabulary."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The vocabulary."""

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """The outcomes, column by column."""

    def __add__(self, other: Self) -> Self: ...

    def recode(self, channels: Sequence[str]) -> Self:
        """Return the same statistic over another vocabulary that holds all its channels."""

    @staticmethod
    def stacked(parts: Sequence[Any]) -> Stacked:
        """Return the statistics of several folds as vectors that can be weighed and added."""


class Observer(Protocol):
    """Reduces a batch of journeys to a statistic; frozen and hashable, so that equal ones observe once."""

    def observe(self, journeys: Journeys) -> Any:
        """Return the statistic of the journeys."""


S = TypeVar("S", bound=Statistic)


class Sum(Generic[S]):
    """A sum to which parts are added one by one, neighbours first: of n parts it holds log n sums at most."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, S]] = []  # sums of 2^k neighbours, by k

    def add(self, part: S) -> None:
        """Add the next part."""
        level = 0
        while self._parts and self._parts[-1][0] == level:
            level, part = level + 1, self._parts.pop()[1] + part
        self._parts.append((level, part))

    def total(self) -> S:
        """Return the sum of the parts."""
        return reduce(lambda right, left: left + right, (part for _, part in reversed(self._parts)))


def total(statistics: Iterable[S]) -> S:
    """Return the sum, neighbours first and always in the same order: no bit depends on threads.

    >>> total([1.0, 2.0, 3.0])
    6.0
    """
    sums = Sum[S]()
    for each in statistics:
        sums.add(each)
    return sums.total()


def same_vocabulary(left: Statistic, right: Statistic) -> None:
    """Raise VocabularyError unless both statistics speak of the same channels and outcomes."""
    if left.channels != right.channels:
        raise VocabularyError.differ("channels", left.channels, right.channels)
    if left.outcome_names != right.outcome_names:
        raise VocabularyError.differ("outcomes", left.outcome_names, right.outcome_names)


def places(old: Sequence[str], new: Sequence[str]) -> Int64:
    """Return where each old channel stands among the new ones; VocabularyError if one is missing.

    >>> places(["b"], ["a", "b"]).tolist()
    [1]
    """
    if not set(old) <= set(new):
        raise VocabularyError.differ("channels", old, new)
    place = {name: code for code, name in enumerate(new)}
    return np.array([place[name] for name in old], dtype=np.int64)


def summed(group: Int64, values: Float64, groups: int) -> Float64:
    """Return sums of the values' rows by group, added in row order: [groups] or [groups, m].

    >>> summed(np.array([0, 1, 0]), np.array([1.0, 2.0, 3.0]), 2).tolist()
    [4.0, 2.0]
    """
    if values.ndim == 1:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64, copy=False)
    sums = np.empty((groups, values.shape[1]))
    for place, column in enumerate(values.T):
        sums[:, place] = np.bincount(group, weights=column, minlength=groups)
    return sums
