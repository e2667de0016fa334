"""Means: the difference and the ratio of two means of a number by user, such as spend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attribution.experiments.effect import UNKNOWN, Effect, Ends


@dataclass(frozen=True)
class Mean:
    """The mean of a number over the users (at least 1) and its variance, None for one user."""

    users: int
    value: float
    variance: float | None

    @property
    def error(self) -> float:
        """The squared standard error of the mean (the variance is known)."""
        return (self.variance or 0.0) / self.users


def mean_of(values: Sequence[float]) -> Mean:
    """Return the mean of the values and its variance, the same bits for every order of them.

    Formula: m = sum x / n, s² = sum (x - m)² / (n - 1).

    >>> mean_of([1.0, 2.0, 6.0])
    Mean(users=3, value=3.0, variance=7.0)
    """
    users = len(values)
    if min(values) == max(values):  # a sum divided again may be off by a bit; -0.0 is 0.0
        return Mean(users, values[0] + 0.0, 0.0 if users > 1 else None)
    mean = math.fsum(values) / users
    return Mean(users, mean, math.fsum((each - mean) ** 2 for each in values) / (users - 1))


def freedom(variant: Mean, control: Mean) -> float:
    """Return the degrees of freedom of two means with variances of their own.

    Formula: (e1 + e0)² / (e1² / (n1 - 1) + e0² / (n0 - 1)), e = s² / n, not both 0.

    >>> freedom(Mean(5, 0.0, 10.0), Mean(5, 0.0, 10.0))  # equal ones: n1 + n0 - 2
    8.0

    Source: Welch (1947), "The generalization of 'Student's' problem when several different population
    variances are involved", Biometrika 34, 28-35.
    """
    share = variant.error / (variant.error + control.error)
    return 1 / (share**2 / (variant.users - 1) + (1 - share) ** 2 / (control.users - 1))


def ratio_ends(variant: Mean, control: Mean, t: float) -> Ends:
    """Return Fieller's interval of the ratio of two means, unknown where that of the control may be 0.

    Formula: (r -+ t / |m0| sqrt(e1 (1 - g) + r² e0)) / (1 - g), r = m1 / m0, g = t² e0 / m0² < 1, e = s² / n.

    >>> [round(end, 4) for end in ratio_ends(Mean(4, 12.0, 4.0), Mean(4, 10.0, 4.0), 2.0)]  # g = 0.04
    [0.9273, 1.5727]

    Source: Fieller (1954), "Some problems in interval estimation", JRSS B 16, 175-185.
    """
    if t * t * control.error >= control.value**2:
        return UNKNOWN
    ratio, g = variant.value / control.value, t * t * control.error / control.value**2
    width = t / abs(control.value) * math.sqrt(variant.error * (1 - g) + ratio**2 * control.error)
    return (ratio - width) / (1 - g), (ratio + width) / (1 - g)


def effect_on_mean(variant: Mean, control: Mean, confidence: float) -> Effect:
    """Return what the variant differs by, with intervals of the confidence: Welch's t.

    Formula: d = m1 - m0, s.e. = sqrt(s1² / n1 + s0² / n0), d -+ t s.e.; p = P(|T| >= |d| / s.e.), two-sided.

    >>> found = effect_on_mean(Mean(5, 12.0, 10.0), Mean(5, 8.0, 10.0), 0.95)  # t = 4 / 2 = 2 with 8 degrees
    >>> found.standard_error, round(found.p_value, 4), [round(end, 3) for end in found.difference_ends]
    (2.0, 0.0805, [-0.612, 8.612])
    """
    from scipy.special import stdtr, stdtrit

    difference = variant.value - control.value
    error = math.sqrt(variant.error + control.error)
    alone = variant.variance is None or control.variance is None
    if alone or not error:
        why = "one user in a variant has no variance" if alone else "no user differs from the others"
        reasons = tuple(f"{name}: {why}" for name in ("standard_error", "p_value", "ratio"))
        return Effect(variant.value, control.value, difference, reasons=reasons)
    degrees = freedom(variant, control)
    t = -float(stdtrit(degrees, (1 - confidence) / 2))
    ends = ratio_ends(variant, control, t)
    unsure = "ratio: the mean of the control is not clearly away from 0"
    return Effect(
        variant.value,
        control.value,
        difference,
        (difference - t * error, difference + t * error),
        error,
        None if ends == UNKNOWN else variant.value / control.value,
        ends,
        2 * float(stdtr(degrees, -abs(difference) / error)),
        (unsure,) if ends == UNKNOWN else (),
    )
