"""Planning: how many users an experiment needs before it begins, and what so many would show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from attribution.errors import ParameterError
from attribution.experiments.chances import Setting, chance, deviations
from attribution.parameters import Parameter

POWER = Parameter(0.8, "", float, low=0.5, below=1)
FEWEST, MOST = 2.0, 1e15  # users of a variant, and of the control
ENOUGH = Parameter(None, "", float, low=FEWEST, below=MOST)
CLOSE = 1e-12  # relative: how near a root is sought


@dataclass(frozen=True)
class Plan:
    """Users of the control and of each variant, and how often they show the difference."""

    baseline: float
    difference: float
    users_control: int
    users_variant: int
    power: float
    setting: Setting

    @property
    def users(self) -> int:
        """The users of the control and of all variants."""
        return self.users_control + self.setting.comparisons * self.users_variant

    def table(self) -> pl.DataFrame:
        """Return the plan as one row."""
        row: dict[str, Any] = {
            "kind": "rate" if self.setting.standard_deviation is None else "mean",
            "baseline": self.baseline,
            "difference": self.difference,
            "standard_deviation": self.setting.standard_deviation,
            "power": self.power,
            "confidence": self.setting.confidence,
            "comparisons": self.setting.comparisons,
            "users_control": self.users_control,
            "users_variant": self.users_variant,
            "users": self.users,
        }
        floats = ("baseline", "difference", "standard_deviation")
        return pl.DataFrame([row], schema_overrides=dict.fromkeys(floats, pl.Float64))


def sample_size(
    baseline: float,
    difference: float,
    *,
    standard_deviation: float | None = None,
    power: float = POWER.default,
    confidence: float = Setting.confidence,
    comparisons: int = Setting.comparisons,
    shares_ratio: float = Setting.shares_ratio,
) -> Plan:
    """Return how many users the control and each variant need to show a difference with so much power.

    ``baseline`` is the rate of the control, or its mean where ``standard_deviation`` is given.

    Formula: rates: n = ((z(1 - alpha / 2) s0 + z(power) s1) / d)² users of a variant, alpha =
    (1 - confidence) / comparisons, s0 and s1 the standard deviations of the difference without and with it.
    It leaves a significant result of the wrong sign out, which ``power`` counts: 1 in a million at 0.8.
    Means: the least n that has the power. The control has n / shares_ratio, neither less than 2. Users are
    rounded up, and the power is that of these.

    Raises:
        ParameterError: a parameter is out of range.

    >>> plan = sample_size(0.02, 0.005)
    >>> plan.users_control, plan.users_variant, round(plan.power, 4)
    (13809, 13809, 0.8)

    Source: Fleiss, Levin, Paik (2003), "Statistical methods for rates and proportions", 3rd edition, ch. 4.
    """
    setting = Setting(standard_deviation, confidence, comparisons, shares_ratio)
    return plan_of(baseline, difference, users_needed(baseline, difference, power, setting), setting)


def power(
    baseline: float,
    difference: float,
    users: float,
    *,
    standard_deviation: float | None = None,
    confidence: float = Setting.confidence,
    comparisons: int = Setting.comparisons,
    shares_ratio: float = Setting.shares_ratio,
) -> float:
    """Return how often so many users of each variant show a difference that is there.

    The control has users / shares_ratio, both rounded up. A significant result of either sign counts: of the
    pooled z test of rates, or of the t test of means where ``standard_deviation`` is given.

    Raises:
        ParameterError: a parameter is out of range.

    >>> round(power(0.02, 0.005, 13_809), 4), round(power(20, 5, 64, standard_deviation=10), 4)
    (0.8, 0.8015)
    """
    setting = Setting(standard_deviation, confidence, comparisons, shares_ratio)
    return plan_of(baseline, difference, users, setting).power


def detectable(
    baseline: float,
    users: float,
    *,
    standard_deviation: float | None = None,
    power: float = POWER.default,
    confidence: float = Setting.confidence,
    comparisons: int = Setting.comparisons,
    shares_ratio: float = Setting.shares_ratio,
) -> float:
    """Return the least increase that so many users of each variant show with so much power.

    Raises:
        ParameterError: a parameter is out of range, or not even a rate of 1 is shown.

    >>> round(detectable(0.02, 13_809), 4)
    0.005
    """
    setting = Setting(standard_deviation, confidence, comparisons, shares_ratio)
    setting.check_effect(baseline)
    allowed("power", power, POWER)
    users, control = rounded(users, setting)
    setting = replace(setting, shares_ratio=users / control)
    most = (1 - baseline) * (1 - CLOSE) if standard_deviation is None else 100 * standard_deviation
    if chance(baseline, most, users, setting) < power:
        raise ParameterError.out_of_range("users", users, "more: not even the largest difference is shown")
    return least(lambda difference: chance(baseline, difference, users, setting) >= power, 0.0, most)


def users_needed(baseline: float, difference: float, power: float, setting: Setting) -> float:
    """Return the users of a variant that have the power, not rounded."""
    from scipy.special import ndtri

    setting.check_effect(baseline, difference)
    allowed("power", power, POWER)
    fewest = FEWEST * max(1.0, setting.shares_ratio)
    if fewest >= MOST:
        raise ParameterError.out_of_range(
            "shares_ratio", setting.shares_ratio, f"a number < {MOST / FEWEST:g}"
        )
    if setting.standard_deviation is None:
        null, own = deviations(baseline, difference, setting.shares_ratio)
        root = float(-ndtri(setting.alpha / 2) * null + ndtri(power) * own) / abs(difference)
        found = max(fewest, root * root)
    else:
        high = fewest
        while chance(baseline, difference, high, setting) < power and high < MOST:
            high *= 2
        found = least(lambda users: chance(baseline, difference, users, setting) >= power, fewest, high)
    if max(found, found / setting.shares_ratio) >= MOST:
        raise ParameterError.out_of_range("difference", difference, f"one that less than {MOST:g} users show")
    return found


def plan_of(baseline: float, difference: float, users: float, setting: Setting) -> Plan:
    """Return the plan of so many users of each variant and their share of the control, and its power.

    Raises:
        ParameterError: a number is out of range.
    """
    setting.check_effect(baseline, difference)
    variant, control = rounded(users, setting)
    shown = chance(baseline, difference, variant, replace(setting, shares_ratio=variant / control))
    return Plan(baseline, difference, control, variant, shown, setting)


def rounded(users: float, setting: Setting) -> tuple[int, int]:
    """Return the users of a variant and of the control, both rounded up.

    >>> rounded(9.5, Setting(shares_ratio=3.0))
    (10, 4)

    Raises:
        ParameterError: either has fewer than two users, or very many.
    """
    allowed("users", users, ENOUGH)
    control = users / setting.shares_ratio
    if control >= MOST or math.ceil(control) < FEWEST:
        expected = (
            f"{'fewer' if control >= MOST else 'more'}: the control has users / shares_ratio = {control:g}"
        )
        raise ParameterError.out_of_range(
            "users", users, f"{expected}, which is to be >= {FEWEST:g} and < {MOST:g}"
        )
    return math.ceil(users), math.ceil(control)


def least(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least number for which a condition holds that holds from there on, by halving.

    >>> round(least(lambda x: x * x >= 2, 0.0, 2.0), 9)
    1.414213562
    """
    if holds(low):
        return low
    while high - low > CLOSE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def allowed(name: str, value: float, parameter: Parameter) -> None:
    """Raise ParameterError unless the value is one that the parameter may have."""
    if not parameter.accepts(value):
        raise ParameterError.out_of_range(name, value, parameter.allowed)
