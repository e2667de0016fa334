"""Thinning: the journeys of a path table dealt out to folds by chance, as customers would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys, touchpoints_of
from attribution.stitched import FOLDS, Batch, StitchReport

ROWS = 1 << 14  # paths that are dealt out at once
STREAM = 1  # of the seed's random numbers: those that weigh the folds are not drawn twice


def thin(journeys: Journeys, seed: int) -> list[Callable[[], Batch]]:
    """Return folds of the journeys that rows stand for.

    Formula: the conversions of a row, and its null journeys, fall to the F folds as multinomial(1/F)
    counts, a fraction of a journey to one fold whole. Outcomes follow the conversions, or the null
    journeys of a row without any.
    """
    draws = np.random.default_rng([seed, STREAM])
    parts = [deal(draws, journeys, start) for start in range(0, len(journeys), ROWS)]
    row, fold, count, share = (
        (np.concatenate(each) for each in zip(*parts, strict=True)) if parts else NOTHING
    )
    order = np.argsort(fold, kind="stable")
    edges = np.searchsorted(fold[order], np.arange(FOLDS + 1))

    def assemble(number: int) -> Batch:
        mine = order[edges[number] : edges[number + 1]]
        some = rows_of(journeys, row[mine])
        outcomes = journeys.outcomes[row[mine]] * share[mine][:, None]
        return Batch(replace(some, count=count[mine], outcomes=outcomes), StitchReport())

    return [partial(assemble, number) for number in range(FOLDS)]


NOTHING = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def deal(
    draws: np.random.Generator, journeys: Journeys, start: int
) -> tuple[np.ndarray, np.ndarray, Float64, Float64]:
    """Return some rows in the folds that they fall to: row, fold, count, and share of their outcomes."""
    some = slice(start, start + ROWS)
    conversions = journeys.outcomes[some, 0]
    nulls = np.maximum(journeys.count[some] - conversions, 0.0)
    won, lost = thrown(draws, conversions), thrown(draws, nulls)
    row, fold = np.nonzero(won + lost)
    basis = np.where(conversions[row] > 0, won[row, fold], lost[row, fold])
    whole = np.where(conversions[row] > 0, conversions[row], nulls[row])
    return row + start, fold, (won + lost)[row, fold], basis / whole


def thrown(draws: np.random.Generator, counts: Float64) -> Float64:
    """Return counts dealt out to the folds by chance [n, F]; a fraction falls to one of them whole."""
    whole = np.floor(counts)
    folds = draws.multinomial(whole.astype(np.int64), np.full(FOLDS, 1 / FOLDS)).astype(np.float64)
    folds[np.arange(len(counts)), draws.integers(0, FOLDS, len(counts))] += counts - whole
    return folds


def rows_of(journeys: Journeys, rows: np.ndarray) -> Journeys:
    """Return the journeys of the rows, in their order."""
    offsets, touchpoint = touchpoints_of(journeys.offsets, rows)
    return Journeys(
        journeys.channels,
        journeys.outcome_names,
        offsets,
        journeys.channel[touchpoint],
        None,
        journeys.count[rows],
        journeys.outcomes[rows],
    )
