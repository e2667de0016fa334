"""Shapes: how outcomes grow with spend when each further amount brings less, by one elasticity."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from attribution.arrays import Float64

STEEPEST = 60.0  # log of the scale of a logarithm that is all but flat


class Shape(Protocol):
    """A concave function h of z, the spend as a multiple of the usual, with h(0) = 0 and h(1) = 1.

    Its elasticity at z = 1 is e: one more percent of the usual spend brings e percent more outcomes.
    """

    name: ClassVar[str]

    def scale(self, elasticity: Float64) -> Float64:
        """Return the coefficient that gives the elasticity."""

    def value(self, z: Float64, scale: Float64) -> Float64:
        """Return h(z)."""

    def slope(self, z: Float64, scale: Float64) -> Float64:
        """Return dh / dz."""


class Power(Shape):
    """h(z) = z^e.

    >>> shape = Power()
    >>> shape.value(np.array(4.0), shape.scale(np.array(0.5))).item()
    2.0
    """

    name = "power"

    def scale(self, elasticity: Float64) -> Float64:
        """Return the exponent."""
        return elasticity

    def value(self, z: Float64, scale: Float64) -> Float64:
        """Return h(z)."""
        return np.asarray(z**scale)

    def slope(self, z: Float64, scale: Float64) -> Float64:
        """Return dh / dz."""
        with np.errstate(divide="ignore"):
            return np.asarray(scale * z ** (scale - 1))


class Hill(Shape):
    """h(z) = z (1 + k) / (z + k), half of its limit 1 + k at z = k = e / (1 - e).

    >>> shape = Hill()
    >>> shape.value(np.array(3.0), shape.scale(np.array(0.5))).item()
    1.5
    """

    name = "hill"

    def scale(self, elasticity: Float64) -> Float64:
        """Return k."""
        return np.asarray(elasticity / (1 - elasticity))

    def value(self, z: Float64, scale: Float64) -> Float64:
        """Return h(z)."""
        return np.asarray(z * (1 + scale) / (z + scale))

    def slope(self, z: Float64, scale: Float64) -> Float64:
        """Return dh / dz."""
        return np.asarray(scale * (1 + scale) / (z + scale) ** 2)


class Logarithmic(Shape):
    """h(z) = log(1 + u z) / log(1 + u), with u so that u / ((1 + u) log(1 + u)) = e.

    >>> shape = Logarithmic()
    >>> scale = shape.scale(np.array(0.5 / np.log(2)))  # u = 1
    >>> round(shape.value(np.array(3.0), scale).item(), 9)
    2.0
    """

    name = "logarithmic"

    def scale(self, elasticity: Float64) -> Float64:
        """Return log u."""
        from scipy.optimize import elementwise

        def missed(log_u: Float64, wanted: Float64) -> Float64:
            return np.asarray(1 / ((1 + np.exp(-log_u)) * np.logaddexp(0, log_u)) - wanted)

        ends = np.full_like(elasticity, -STEEPEST / 2), np.full_like(elasticity, STEEPEST)
        return np.asarray(elementwise.find_root(missed, ends, args=(elasticity,)).x)

    def value(self, z: Float64, scale: Float64) -> Float64:
        """Return h(z)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.logaddexp(0, scale + np.log(z)) / np.logaddexp(0, scale))

    def slope(self, z: Float64, scale: Float64) -> Float64:
        """Return dh / dz."""
        return np.asarray(1 / ((z + np.exp(-scale)) * np.logaddexp(0, scale)))


SHAPES: tuple[Shape, ...] = (Power(), Hill(), Logarithmic())
