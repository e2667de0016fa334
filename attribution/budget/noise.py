"""Noise: the outcomes of other customers in other periods, on the spend that there was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attribution.arrays import Float64
from attribution.budget.grid import Grid
from attribution.budget.past import Past

SLIGHT = 0.1  # of the mean outcome
BELOW = 1e-9  # of the mean outcome: a variance that small is the rounding of floats


def dispersion_of(outcome: Float64, mean: Float64, parameters: int) -> Float64:
    """Return the variance of outcomes [.., P] as a multiple of their mean [.., P]: [..]."""
    free = outcome.shape[-1] - parameters
    found = ((outcome - mean) ** 2 / mean).sum(axis=-1) / free
    return np.asarray(np.maximum(found, BELOW * np.maximum(mean.mean(axis=-1), BELOW)))


def fitted_means(grids: Sequence[Grid], outcome: Float64, likelihood: Float64) -> Float64:
    """Return the outcomes that the best curve of each channel expects in every period [C, P]."""
    means = np.empty_like(outcome)
    for c, grid in enumerate(grids):
        curve = grid.curves[np.unravel_index(likelihood[c].argmax(), likelihood[c].shape)]
        means[c] = np.maximum(outcome[c].sum() / curve.sum() * curve, BELOW)
    return means


def straight(outcome: Float64) -> Float64:
    """Return the straight line through outcomes [P], nowhere below a tenth of their mean.

    An outcome where the line is all but zero would be a shock of any size in the other periods.

    >>> straight(np.array([1.0, 3.0, 5.0])).round(6).tolist()
    [1.0, 3.0, 5.0]
    """
    period = np.arange(len(outcome))
    line = np.polyval(np.polyfit(period, outcome, 1), period)
    return np.asarray(np.maximum(line, max(SLIGHT * outcome.mean(), BELOW)))


def by_customers(past: Past, mean: Float64) -> Float64:
    """Return the variance of drawn customers as a multiple of the mean [n, P], of the first n cells: [n]."""
    if past.drawn is None:
        return np.zeros(len(mean))
    drawn = past.drawn[:, : len(mean)]
    return np.asarray((drawn.var(axis=0) / mean).mean(axis=1))


def redrawn(past: Past, mean: Float64, parameters: int, random: np.random.Generator) -> Float64:
    """Return outcomes of the channels and the rest in each replicate, the data first: [1 + R, C + 1, P].

    Formula: y* = y of the drawn customers + sqrt(mean) s r(t*), r(t) = (y(t) - mean(t)) / sqrt(mean(t)) the
    shock of period t, t* a period drawn for all channels at once, and s^2 the share of the shocks'
    variance that customers do not explain. Without replicates of customers shocks explain it all.

    Source: Davison, Hinkley (1997), "Bootstrap methods and their application", sections 3.8 and 7.2.
    """
    outcome = np.vstack([past.outcome, past.rest])
    periods, replicates = outcome.shape[1], past.resampling.replicates
    root = np.sqrt(mean)
    shock = (outcome - mean) / root * np.sqrt(periods / (periods - parameters))
    share = np.ones(len(outcome))
    drawn = np.broadcast_to(outcome, (replicates, *outcome.shape))
    if past.drawn is not None:
        drawn = past.drawn
        explained = by_customers(past, mean) / dispersion_of(outcome, mean, parameters)
        share = np.clip(1 - explained, 0.0, 1.0)
    period = random.integers(periods, size=(replicates, periods))
    shocks = np.moveaxis(shock[:, period], 0, 1) * np.sqrt(share)[:, None] * root
    return np.concatenate([outcome[None], drawn + shocks])
