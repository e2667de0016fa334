"""Curves: what each channel would bring at any spend, in every draw of what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.budget.shapes import SHAPES, Shape

FIRST = 1e-200  # of the usual spend: the first unit of money, whose slope is a number


@dataclass(frozen=True, eq=False)
class Curves:
    """Outcomes a period as functions of spend a period, of C channels in R draws.

    Formula: value(x) = level * h(x / usual; elasticity), gained(x) = share * value(x), h of the draw's shape.

    ``share`` is how much of what the curve adds comes on top of everything else.
    """

    usual: Float64  # [C] money a period, > 0
    level: Float64  # [R, C] outcomes a period at the usual spend
    elasticity: Float64  # [R, C]
    shape: Int64  # [R] place in SHAPES
    share: Float64  # [R, C]
    scale: Float64  # [R, C] coefficient of the shape

    def drawn(self) -> Curves:
        """Return the curves without the first, which is that of the data themselves."""
        cut = (self.level[1:], self.elasticity[1:], self.shape[1:], self.share[1:], self.scale[1:])
        return Curves(self.usual, *cut)

    def value(self, spend: Float64) -> Float64:
        """Return the credited outcomes a period at a spend [C]: [R, C]."""
        z = spend / self.usual
        found = np.empty_like(self.level)
        for place, shape in enumerate(SHAPES):
            mine = self.shape == place
            found[mine] = self.level[mine] * shape.value(z, self.scale[mine])
        return found

    def gained(self, spend: Float64) -> Float64:
        """Return what the spend [C] adds to all outcomes: [R, C]."""
        return self.share * self.value(spend)

    def slope(self, spend: Float64) -> Float64:
        """Return the outcomes that one more unit of money adds at a spend, in the mean of the draws [C]."""
        z = np.maximum(spend / self.usual, FIRST)
        parts = [(weight * shape.slope(z, scale)).sum(axis=0) for shape, scale, weight in self.by_shape]
        return np.asarray(np.sum(parts, axis=0) / len(self.shape))

    @cached_property
    def by_shape(self) -> list[tuple[Shape, Float64, Float64]]:
        """Each shape with the coefficients of its draws, and what their slopes are multiplied by."""
        weight = self.share * self.level / self.usual
        places = [(shape, self.shape == place) for place, shape in enumerate(SHAPES)]
        return [(shape, self.scale[mine], weight[mine]) for shape, mine in places if mine.any()]
