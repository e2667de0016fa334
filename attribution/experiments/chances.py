"""Chances: the power of an experiment: how often its users show a difference that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attribution.errors import ParameterError
from attribution.parameters import Parameter, check, param

LARGEST = 1e100  # of a mean and its spread: what is made of them stays finite
NUMBER = Parameter(None, "", float, low=-LARGEST, high=LARGEST)
RATE = Parameter(None, "", float, above=0, below=1)


@dataclass(frozen=True)
class Setting:
    """What is compared, and how sure the result is to be."""

    standard_deviation: float | None = param(
        None,
        "that of a mean such as spend; a rate has its own",
        kind=float,
        above=0,
        high=LARGEST,
        optional=True,
    )
    confidence: float = param(0.95, "1 - the share of false alarms where nothing differs", above=0, below=1)
    comparisons: int = param(1, "variants that are compared with the control (Bonferroni)", low=1, high=1e6)
    shares_ratio: float = param(1.0, "users of a variant per user of the control", above=0, below=math.inf)

    def __post_init__(self) -> None:
        check(self)

    @property
    def alpha(self) -> float:
        """The share of false alarms of one comparison."""
        return (1 - self.confidence) / self.comparisons

    def check_effect(self, baseline: float, difference: float | None = None) -> None:
        """Raise ParameterError unless the control can have the baseline, and a variant the difference."""
        kind = NUMBER if self.standard_deviation is not None else RATE
        if not kind.accepts(baseline):
            raise ParameterError.out_of_range("baseline", baseline, kind.allowed)
        if difference is None:
            return
        if not NUMBER.accepts(difference) or difference == 0 or not kind.accepts(baseline + difference):
            allowed = f"a number that is not 0, baseline + difference being {kind.allowed}"
            raise ParameterError.out_of_range("difference", difference, allowed)


def chance(baseline: float, difference: float, users: float, setting: Setting) -> float:
    """Return the power of so many users of a variant; the control has users / shares_ratio.

    Raises:
        ParameterError: the difference is so great that its power cannot be computed.
    """
    if setting.standard_deviation is None:
        return chance_of_rate(baseline, difference, users, setting)
    found = chance_of_mean(difference / setting.standard_deviation, users, setting)
    if not math.isfinite(found):
        expected = "one of fewer standard deviations: its power cannot be computed"
        raise ParameterError.out_of_range("difference", difference, expected)
    return found


def deviations(baseline: float, difference: float, shares_ratio: float) -> tuple[float, float]:
    """Return the standard deviations of a difference of rates, times sqrt(users): pooled, and each its own.

    Formula: with k = shares_ratio users of the variant per user of the control, p1 = p0 + d,
    p = (k p1 + p0) / (k + 1): sqrt(p (1 - p) (1 + k)) and sqrt(p1 (1 - p1) + k p0 (1 - p0)).
    """
    rate = baseline + difference
    pooled = (shares_ratio * rate + baseline) / (shares_ratio + 1)
    null = math.sqrt(pooled * (1 - pooled) * (1 + shares_ratio))
    return null, math.sqrt(rate * (1 - rate) + shares_ratio * baseline * (1 - baseline))


def chance_of_rate(baseline: float, difference: float, users: float, setting: Setting) -> float:
    """Return the power of the pooled z test of two rates; a significant result of either sign counts.

    Formula: P(Z > (z s0 - |d| sqrt(n)) / s1) + P(Z > (z s0 + |d| sqrt(n)) / s1), z the quantile of
    1 - alpha / 2, n the users of the variant, s0 and s1 the ``deviations``.

    Source: Fleiss, Levin, Paik (2003), "Statistical methods for rates and proportions", 3rd edition, ch. 4.
    """
    from scipy.special import ndtr, ndtri

    null, own = deviations(baseline, difference, setting.shares_ratio)
    z, far = -float(ndtri(setting.alpha / 2)), abs(difference) * math.sqrt(users)
    return float(ndtr((far - z * null) / own) + ndtr((-far - z * null) / own))


def chance_of_mean(effect: float, users: float, setting: Setting) -> float:
    """Return the power of the t test of two means; a significant result of either sign counts.

    Formula: P(|T| > t), T noncentral with n1 + n0 - 2 degrees and noncentrality effect / sqrt(1/n1 + 1/n0),
    t the central quantile of 1 - alpha / 2; the effect is the difference in standard deviations.

    Source: Cohen (1988), "Statistical power analysis for the behavioral sciences", 2nd edition, ch. 2.
    """
    from scipy.special import nctdtr, stdtrit

    control = users / setting.shares_ratio
    degrees, shift = users + control - 2, abs(effect) / math.sqrt(1 / users + 1 / control)
    t = -float(stdtrit(degrees, setting.alpha / 2))
    other = float(nctdtr(degrees, shift, -t))
    return 1 - float(nctdtr(degrees, shift, t)) + (0.0 if math.isnan(other) else other)  # NaN: below 1e-20
