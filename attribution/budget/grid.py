"""Grid: every curve that is tried for a channel, and how likely it makes what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.budget.carry_over import stock_of
from attribution.budget.shapes import SHAPES

LOGITS = np.linspace(-4.0, 4.0, 41)  # log odds of the elasticities that are tried: 0.018 to 0.982
LEAST = 0.01  # of the usual spend: where less works, outcomes come from elsewhere
BLOCKS = 5  # of periods, each left out once


@dataclass(frozen=True, eq=False)
class Grid:
    """The curves tried for one channel: of F shapes, J elasticities and H half-lives, at level 1."""

    z: Float64  # [H, P] stock as a multiple of the usual spend
    curves: Float64  # [F, J, H, P]

    def likelihood(self, outcome: Float64) -> Float64:
        """Return the log of the quasi-likelihood of outcomes [R, P], at the best level: [R, F, J, H].

        Formula: sum of y log(g) - Y log(G), with outcomes y that vary in proportion to their mean, the
        curve g and the sums Y and G over the periods; the best level is Y / G.

        Source: McCullagh, Nelder (1989), "Generalized linear models", chapter 9.
        """
        logs = self.curves.reshape(-1, self.z.shape[1])
        found = outcome @ np.log(logs).T - outcome.sum(axis=1)[:, None] * np.log(logs.sum(axis=1))
        return np.asarray(found.reshape(-1, *self.curves.shape[:3]))

    def only(self, periods: Int64) -> Grid:
        """Return the grid of some periods."""
        return Grid(self.z[:, periods], self.curves[..., periods])


def grid_of(spend: Float64, half_lives: Float64) -> Grid:
    """Return what is tried for a channel with the spend [P]; half-lives [H] are in periods."""
    z = np.maximum(stock_of(spend, half_lives, spend.mean()) / spend.mean(), LEAST)
    curves = [
        shape.value(z[None], scale[:, None, None]) for shape, scale in zip(SHAPES, scales(), strict=True)
    ]
    return Grid(z, np.stack(curves))


@cache
def scales() -> list[Float64]:
    """Return the coefficients of each shape for the elasticities that are tried."""
    return [shape.scale(1 / (1 + np.exp(-LOGITS))) for shape in SHAPES]


def blocks_of(periods: int) -> list[Int64]:
    """Return the periods in blocks that follow each other."""
    return np.array_split(np.arange(periods), BLOCKS)
