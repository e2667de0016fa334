"""Stacked: the statistics of all folds as vectors over one skeleton, so that weighted sums are products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.kernels import kernel


@dataclass(frozen=True, eq=False)
class Stacked:
    """F statistics of one kind as F vectors of ``length`` numbers, of which most may be 0.

    ``restored`` makes a statistic of a vector; the vector of a sum is the sum of the vectors. Chains and
    coalitions are made of many vectors [R, length], too: their numbers have one more axis then.
    """

    length: int
    place: Sequence[Int64]  # a fold: [e] where its numbers stand
    number: Sequence[Float64]  # a fold: [e] what they are
    restored: Callable[[Float64], Any]

    @cached_property
    def flat(self) -> tuple[Int64, Int64, Float64]:
        """All vectors one after the other: where each fold begins, places, numbers."""
        offsets = np.cumsum([0, *map(len, self.place)])
        return offsets, np.concatenate(self.place), np.concatenate(self.number)

    @cached_property
    def whole(self) -> Float64:
        """The sum of all vectors [length]."""
        _, place, number = self.flat
        return np.bincount(place, number, self.length).astype(np.float64, copy=False)

    @cached_property
    def folds(self) -> Float64:
        """In how many folds each number is not 0 [length]."""
        _, place, number = self.flat
        return np.bincount(place, number != 0, self.length).astype(np.float64, copy=False)

    @cached_property
    def by_place(self) -> tuple[Int64, Int64, Float64]:
        """All numbers by place: where each place begins, their folds in order, numbers."""
        return sort_places(*self.flat, self.length)

    def weighted(self, weights: Float64) -> Float64:
        """Return the sums in which fold f counts ``weights[r, f]`` times: [R, length]."""
        return weigh_folds(np.ascontiguousarray(weights), *self.by_place)

    def without(self, fold: int) -> Float64:
        """Return the sum of all vectors but one; exactly 0 where no other has a number."""
        place, number = self.place[fold], self.number[fold]
        rest = self.whole.copy()
        rest[place] = np.where((number != 0) & (self.folds[place] == 1), 0.0, rest[place] - number)
        return rest


@kernel
def sort_places(offsets: Int64, place: Int64, number: Float64, length: int) -> tuple[Int64, Int64, Float64]:
    """Return where each place begins [length + 1], and fold and number of each entry, by place, then fold."""
    starts = np.zeros(length + 1, np.int64)
    for e in range(place.size):
        starts[place[e] + 1] += 1
    for p in range(length):
        starts[p + 1] += starts[p]
    free = starts.copy()
    folds, numbers = np.empty(place.size, np.int64), np.empty(place.size)
    for fold in range(offsets.size - 1):
        for e in range(offsets[fold], offsets[fold + 1]):
            folds[free[place[e]]] = fold
            numbers[free[place[e]]] = number[e]
            free[place[e]] += 1
    return starts, folds, numbers


@kernel
def weigh_folds(weights: Float64, starts: Int64, folds: Int64, numbers: Float64) -> Float64:
    """Return the sums over folds of weight x vector [R, length], added in order of the folds."""
    replicates, length = weights.shape[0], starts.size - 1
    sums = np.empty((replicates, length))
    some = np.empty((weights.shape[1], 128))  # replicates at once: their weights stay in cache
    added = np.empty(128)
    for first in range(0, replicates, 128):
        held = min(128, replicates - first)
        for r in range(held):
            for fold in range(weights.shape[1]):
                some[fold, r] = weights[first + r, fold]
        for p in range(length):
            added[:] = 0.0
            for e in range(starts[p], starts[p + 1]):
                weight, number = some[folds[e]], numbers[e]
                for r in range(held):
                    added[r] += weight[r] * number
            for r in range(held):
                sums[first + r, p] = added[r]
    return sums


def full(rows: Float64, restored: Callable[[Float64], Any]) -> Stacked:
    """Return vectors [F, length] without zeros left out."""
    length = rows.shape[1]
    return Stacked(length, [np.arange(length)] * len(rows), list(rows), restored)


def cells(rows: Int64, columns: int) -> Int64:
    """Return where the cells of the rows of a matrix stand in the flat matrix.

    >>> cells(np.array([2, 0]), 3).tolist()
    [6, 7, 8, 0, 1, 2]
    """
    return np.asarray((rows[:, None] * columns + np.arange(columns)).ravel())
