"""Rates: the difference and the ratio of two shares of users who converted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attribution.experiments.effect import UNKNOWN, Effect, Ends

FEW = 5  # users expected to convert, or not to: below it a normal approximation is rough (Cochran 1954)


@dataclass(frozen=True)
class Rate:
    """How many users converted, of how many (at least 1)."""

    users: int
    converted: int

    @property
    def value(self) -> float:
        """The share who converted."""
        return self.converted / self.users


def wilson(rate: Rate, z: float) -> tuple[float, float]:
    """Return the score interval of a share, ``z`` standard errors to either side.

    Formula: (2 x + z² -+ z sqrt(z² + 4 x (n - x) / n)) / (2 (n + z²)) for x of n users.

    >>> [round(end, 4) for end in wilson(Rate(70, 56), 1.959964)]
    [0.6918, 0.877]

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22,
    209-212.
    """
    n, x = rate.users, rate.converted
    middle, width = 2 * x + z * z, z * math.sqrt(z * z + 4 * x * (n - x) / n)
    low, high = (middle - width) / (2 * (n + z * z)), (middle + width) / (2 * (n + z * z))
    return max(0.0, min(low, rate.value)), min(1.0, max(high, rate.value))  # rounding is kept out


def difference_ends(variant: Rate, control: Rate, z: float) -> tuple[float, float]:
    """Return the hybrid score interval of the difference of two shares (method 10 of Newcombe).

    Formula: d - sqrt((p1 - l1)² + (u0 - p0)²), d + sqrt((u1 - p1)² + (p0 - l0)²), with d = p1 - p0 and l, u
    the ends of the score intervals of p1 and p0. It is inside [-1, 1] and known for every count.

    >>> [round(end, 4) for end in difference_ends(Rate(70, 56), Rate(80, 48), 1.959964)]
    [0.0524, 0.3339]

    Source: Newcombe (1998), "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statistics in Medicine 17, 873-890.
    """
    (low, high), (low_control, high_control) = wilson(variant, z), wilson(control, z)
    p, p_control = variant.value, control.value
    below = math.hypot(p - low, high_control - p_control)
    above = math.hypot(high - p, p_control - low_control)
    return p - p_control - below, p - p_control + above


def standard_error(variant: Rate, control: Rate) -> float:
    """Return the standard error of the difference, each share with its own variance.

    Formula: sqrt(p1 (1 - p1) / n1 + p0 (1 - p0) / n0).
    """
    return math.sqrt(sum(each.value * (1 - each.value) / each.users for each in (variant, control)))


def p_value(variant: Rate, control: Rate) -> float | None:
    """Return how often equal shares differ at least so much, None where nobody or everybody converted.

    Formula: z = (p1 - p0) / sqrt(p (1 - p) (1 / n1 + 1 / n0)), p the share of both together; two-sided.

    >>> round(p_value(Rate(100, 30), Rate(100, 20)), 4)  # z = 0.1 / sqrt(0.25 x 0.75 x 0.02) = 1.633
    0.1025
    """
    users, converted = variant.users + control.users, variant.converted + control.converted
    if converted in (0, users):
        return None
    pooled = converted / users
    error = math.sqrt(pooled * (1 - pooled) * (1 / variant.users + 1 / control.users))
    return math.erfc(abs(variant.value - control.value) / error / math.sqrt(2))


def ratio_ends(variant: Rate, control: Rate, z: float) -> Ends:
    """Return the interval of the ratio of two shares, by the normal approximation of its logarithm.

    Formula: r exp(-+ z sqrt(1 / x1 - 1 / n1 + 1 / x0 - 1 / n0)), r = p1 / p0. It is not known where nobody
    of one of the two converted, or everybody of both.

    >>> [round(end, 3) for end in ratio_ends(Rate(100, 30), Rate(100, 20), 1.959964)]  # 1.5 / and x 1.638
    [0.916, 2.456]

    Source: Katz et al. (1978), "Obtaining confidence intervals for the risk ratio in cohort studies",
    Biometrics 34, 469-474.
    """
    if not (variant.converted and control.converted):
        return UNKNOWN
    parts = [(each.users - each.converted) / (each.users * each.converted) for each in (variant, control)]
    if not any(parts):
        return UNKNOWN
    factor = math.exp(z * math.sqrt(sum(parts)))
    ratio = variant.value / control.value
    return ratio / factor, ratio * factor


def effect_on_rate(variant: Rate, control: Rate, confidence: float) -> Effect:
    """Return what the variant differs by, with intervals of the confidence.

    >>> found = effect_on_rate(Rate(1000, 30), Rate(1000, 20), 0.95)
    >>> round(found.difference, 4), round(found.standard_error, 5), round(found.p_value, 4)
    (0.01, 0.00698, 0.1521)
    """
    from scipy.special import ndtri

    z = -float(ndtri((1 - confidence) / 2))
    error, chance = standard_error(variant, control), p_value(variant, control)
    ends = ratio_ends(variant, control, z)
    reasons = []
    if not error:
        reasons.append("standard_error: in each variant all or none converted")
    if chance is None:
        reasons.append(f"p_value: {'every' if variant.converted else 'no'} user converted")
    if not control.converted:
        reasons.append("ratio: nobody of the control converted")
    elif ends == UNKNOWN:
        who = "everybody of both" if variant.converted else "nobody of the variant"
        reasons.append(f"ratio: no interval, {who} converted")
    return Effect(
        variant.value,
        control.value,
        variant.value - control.value,
        difference_ends(variant, control, z),
        error or None,
        variant.value / control.value if control.converted else None,
        ends,
        chance,
        tuple(reasons),
    )


def are_few(variant: Rate, control: Rate) -> bool:
    """Return whether so few converted, or did not, that the p-value is rough.

    >>> are_few(Rate(1000, 9), Rate(1000, 0)), are_few(Rate(1000, 6), Rate(1000, 6))
    (True, False)
    """
    users, converted = variant.users + control.users, variant.converted + control.converted
    fewest = min(converted, users - converted) * min(variant.users, control.users) / users
    return 0 < converted < users and fewest < FEW
