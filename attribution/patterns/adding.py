"""Adding: how many journeys fall to each place and what they brought, added one by one in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.journeys import Journeys
from attribution.statistics.mergeable import summed


def nothing(outcome_names: Sequence[str]) -> Float64:
    """Return the sums of no place at all: [0, 1 + m], journeys first."""
    return np.zeros((0, 1 + len(outcome_names)))


def added(sums: Float64, journeys: Journeys, place: Int64, places: int) -> Float64:
    """Return the sums of so many places with the journeys added one after the other, each to its place.

    Sums go on where they stood, so that no bit depends on where one batch ends and the next begins.

    >>> three = Journeys((), ("leads",), [0, 0, 0, 0], [], None, [1, 1, 1], [[1], [0], [1]])
    >>> added(nothing(["leads"]), three, np.array([0, 1, 0]), 2).tolist()
    [[2.0, 2.0], [1.0, 0.0]]
    """
    values = np.column_stack([journeys.count, journeys.outcomes])
    return summed(np.concatenate([np.arange(len(sums)), place]), np.vstack([sums, values]), places)


def binned(
    parts: Iterable[tuple[Journeys, Float64 | Int64]], starts: Sequence[int], outcome_names: Sequence[str]
) -> Float64:
    """Return the sums of journeys by the bin in which a number of each lies; a bin begins at its start."""
    sums = np.zeros((len(starts), 1 + len(outcome_names)))
    for journeys, values in parts:
        sums = added(sums, journeys, np.searchsorted(starts, values, side="right") - 1, len(starts))
    return sums


def of_sums(sums: Float64, outcome_names: Sequence[str]) -> dict[str, pl.Series]:
    """Return the sums as columns: journeys and the outcomes."""
    return {
        name: pl.Series(sums[:, place], dtype=pl.Float64)
        for place, name in enumerate(["journeys", *outcome_names])
    }


def parts_of(values: Float64, wholes: Float64 | float) -> pl.Series:
    """Return values as parts of wholes, null where there is nothing.

    >>> parts_of(np.array([1.0, 0.0]), np.array([4.0, 0.0])).to_list()
    [0.25, None]
    """
    below = np.broadcast_to(wholes, values.shape)
    parts = np.divide(values, below, out=np.full(values.shape, np.nan), where=below != 0)
    return pl.Series(parts, nan_to_null=True)
