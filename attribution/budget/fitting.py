"""Fitting: the curve of each channel that fits what was credited to it, in every replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.budget.grid import LOGITS, Grid, blocks_of
from attribution.budget.pooling import Pooled
from attribution.budget.shapes import SHAPES


@dataclass(frozen=True, eq=False)
class Tried:
    """The best curve of each shape for one channel in each replicate, and what it loses out of sample."""

    elasticity: Float64  # [R, F]
    half_life: Int64  # [R, F] place among those tried
    scale: Float64  # [R, F] coefficient of the shape
    level: Float64  # [R, F]
    loss: Float64  # [R, F] deviance of periods that were left out


def try_shapes(
    grid: Grid, outcome: Float64, dispersion: float, pooled: list[Pooled], before: Float64, spread: Float64
) -> Tried:
    """Return the best curves for outcomes [R, P], drawn to an elasticity ``before`` its data [R, F].

    Each replicate has a prior of its own, so where data say nothing the curves are draws of the prior.

    Source: Bardsley, Solonen, Haario, Laine (2014), "Randomize-then-optimize", SIAM Journal on Scientific
    Computing 36.
    """
    prior = -0.5 * ((LOGITS - before[..., None]) / spread[:, :, None]) ** 2  # [R, F, J]
    prior = prior[..., None] + np.log([each.half_lives for each in pooled])[:, None, :]
    whole = grid.likelihood(outcome)
    loss = np.zeros(whole.shape[:2])
    for block in blocks_of(outcome.shape[1]):
        rest = np.setdiff1d(np.arange(outcome.shape[1]), block)
        place = best(grid.only(rest).likelihood(outcome[:, rest]) / dispersion + prior)
        loss += deviance(grid, outcome, rest, block, place) / dispersion
    score = whole / dispersion + prior
    place = best(score)
    elasticity, half_life = refined(score, place), place % whole.shape[3]
    scale = np.stack([shape.scale(elasticity[:, f]) for f, shape in enumerate(SHAPES)], axis=1)
    return Tried(elasticity, half_life, scale, level_of(grid, outcome, scale, half_life), loss)


def best(score: Float64) -> Int64:
    """Return where in [J, H] each shape is best: [R, F]."""
    return np.asarray(score.reshape(*score.shape[:2], -1).argmax(axis=2))


def deviance(grid: Grid, outcome: Float64, rest: Int64, block: Int64, place: Int64) -> Float64:
    """Return how badly curves, at the level that fits the rest of the periods, foretell a block [R, F].

    Formula: 2 sum of (m - y log m), which differs from the deviance by what no curve changes.
    """
    found = np.empty(place.shape)
    for f in range(place.shape[1]):
        flat = grid.curves[f].reshape(-1, grid.z.shape[1])
        curve = flat[place[:, f]]
        level = np.maximum(outcome[:, rest].sum(axis=1), 1e-9) / curve[:, rest].sum(axis=1)
        mean = level[:, None] * curve[:, block]
        found[:, f] = 2 * (mean - outcome[:, block] * np.log(mean)).sum(axis=1)
    return found


def refined(score: Float64, place: Int64) -> Float64:
    """Return the elasticity at the top of the parabola through the best and its neighbours [R, F]."""
    width = score.shape[3]
    r, f = np.indices(place.shape)
    j, h = np.clip(place // width, 1, len(LOGITS) - 2), place % width
    below, at, above = (score[r, f, j + step, h] for step in (-1, 0, 1))
    bend = below - 2 * at + above
    away = np.divide(0.5 * (below - above), bend, out=np.zeros_like(bend), where=bend < 0)
    logit = LOGITS[j] + np.clip(away, -1, 1) * (LOGITS[1] - LOGITS[0])
    return np.asarray(1 / (1 + np.exp(-logit)))


def level_of(grid: Grid, outcome: Float64, scale: Float64, half_life: Int64) -> Float64:
    """Return the outcomes a period at the usual spend: those that there were, over the curve's sum [R, F]."""
    found = np.empty_like(scale)
    for f, shape in enumerate(SHAPES):
        curve = shape.value(grid.z[half_life[:, f]], scale[:, f, None])
        found[:, f] = outcome.sum(axis=1) / curve.sum(axis=1)
    return np.maximum(found, 0.0)
