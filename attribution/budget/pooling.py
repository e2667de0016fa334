"""Pooling: what the channels together say of the elasticity and the half-life of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64
from attribution.budget.grid import LOGITS

CENTRES = np.linspace(-3.0, 3.0, 25)  # of the log odds of the channels' elasticities
SPREADS = np.array([0.25, 0.5, 0.75, 1.0, 1.5])  # of the channels around it
USUAL_CENTRE = (0.0, 1.0)  # before any data: mean and standard deviation of the centre
USUAL_SPREAD = 1.0  # before any data: half-normal


@dataclass(frozen=True, eq=False)
class Pooled:
    """How likely each centre and spread of the elasticities is, and each half-life, given all channels."""

    weights: Float64  # [centres, spreads], sum 1
    half_lives: Float64  # [H], sum 1

    def draw(self, replicates: int, channels: int, random: np.random.Generator) -> tuple[Float64, Float64]:
        """Return an elasticity (log odds) before its own data for each channel [R, C], and the spread [R].

        The first replicate, which is that of the data themselves, has the mean of both.
        """
        place = random.choice(self.weights.size, size=replicates, p=self.weights.ravel())
        centre, spread = CENTRES[place // len(SPREADS)], SPREADS[place % len(SPREADS)]
        drawn = centre[:, None] + spread[:, None] * random.standard_normal((replicates, channels))
        drawn[0] = self.weights.sum(axis=1) @ CENTRES
        spread[0] = self.weights.sum(axis=0) @ SPREADS
        return drawn, spread


def pool(likelihood: Float64) -> Pooled:
    """Return what channels have in common, from the log-likelihood of their curves [C, J, H].

    Formula: log odds of the elasticity ~ normal(centre, spread), half-life ~ the mean over the channels of
    its probability, with one channel's worth of all being alike. Centre and spread have a prior of their
    own, so a single channel, or many that never varied, are told what is usual and how little that says.

    Source: Efron, Morris (1975), "Data analysis using Stein's estimator and its generalizations",
    Journal of the American Statistical Association 70.
    """
    each = np.exp(likelihood - likelihood.max(axis=(1, 2), keepdims=True))
    by_half_life = each.sum(axis=1) / each.sum(axis=(1, 2))[:, None]
    half_lives = by_half_life.sum(axis=0) + 1 / likelihood.shape[2]
    half_lives /= half_lives.sum()
    of_elasticity = each @ half_lives  # [C, J]
    away = (LOGITS - CENTRES[:, None, None]) / SPREADS[:, None]
    density = np.exp(-0.5 * away**2)
    density /= density.sum(axis=2, keepdims=True)  # [centres, spreads, J]
    seen = np.log(np.einsum("mtj,cj->cmt", density, of_elasticity)).sum(axis=0)
    mean, deviation = USUAL_CENTRE
    usual = -0.5 * ((CENTRES - mean) / deviation)[:, None] ** 2 - 0.5 * (SPREADS / USUAL_SPREAD) ** 2
    weights = np.exp(seen + usual - (seen + usual).max())
    return Pooled(weights / weights.sum(), half_lives)
