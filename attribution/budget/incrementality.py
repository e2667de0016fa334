"""Incrementality: how much of what a curve promises the outcomes of all channels together confirm."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64

SPREADS = np.linspace(0.05, 1.0, 20)  # of the channels' shares around 1
USUAL_SPREAD = 0.3  # before any data: half-normal
FREE = 8  # periods beyond the curves; with fewer, what the curves could explain counts as noise as well
EXACT = 1e-12  # of a sum of squares: the rounding of floats


def trendless(values: Float64) -> Float64:
    """Return values [..., P] without their mean and straight trend."""
    periods = values.shape[-1]
    base = np.linalg.qr(np.stack([np.ones(periods), np.arange(periods)], axis=1))[0]
    return np.asarray(values - values @ base @ base.T)


def shares_of(curves: Float64, total: Float64, random: np.random.Generator) -> Float64:
    """Return by how much the total moves when a curve does, as a share of what it moves: [R, C].

    ``curves`` [R, C, P] are what the curves say of each period and ``total`` [R, P] the outcomes of all
    cells, the data first in both.

    Formula: total(t) = a + b t + sum_c share_c curve_c(t) + noise, share_c ~ normal(1, spread) and not
    below 0. The spread is its mean under a half-normal prior, given the totals; each replicate draws
    its own prior shares, so where totals say nothing the shares are draws of the prior.

    A share below 1 says that the channel is credited with outcomes that come without it.

    Source: Gelman et al. (2013), "Bayesian data analysis", third edition, chapter 5.
    """
    moved, z = trendless(curves), trendless(total)
    periods, channels = moved.shape[2], moved.shape[1]
    spread, noise = spread_of(moved[0], z[0] - moved[0].sum(axis=0), periods)
    before = 1 + spread * random.standard_normal((len(moved), channels))
    before[0] = 1.0
    normal = moved @ moved.transpose(0, 2, 1) / noise + np.eye(channels) / spread**2
    wanted = (moved @ z[:, :, None])[:, :, 0] / noise + before / spread**2
    return np.asarray(np.maximum(np.linalg.solve(normal, wanted[:, :, None])[:, :, 0], 0.0))


def spread_of(moved: Float64, left: Float64, periods: int) -> tuple[float, float]:
    """Return how far shares stray from 1, and the variance of a period's noise, given the data.

    Formula: left ~ normal(0, v I + spread^2 D D'), D the curves [P, C] and left what they, as they are,
    leave of the total; v from what they cannot explain even if each is free to count more or less.
    """
    free = periods - 2 - len(moved)
    u, size, _ = np.linalg.svd(moved.T, full_matrices=False)
    along = u.T @ left
    unexplained = (left @ left - along @ along) / free if free >= FREE else left @ left / (periods - 2)
    noise = max(float(unexplained), EXACT * max(1.0, float(left @ left)))
    variance = noise + SPREADS[:, None] ** 2 * size**2
    seen = -0.5 * (np.log(variance) + along**2 / variance).sum(axis=1)
    seen -= 0.5 * (SPREADS / USUAL_SPREAD) ** 2
    weight = np.exp(seen - seen.max())
    return float((SPREADS * weight).sum() / weight.sum()), noise
