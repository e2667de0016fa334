"""Effects: rates and means against published numbers, plain twins, scipy, statsmodels and simulation."""

from __future__ import annotations

import math
from dataclasses import astuple
from itertools import product

import numpy as np
import pytest
from scipy import stats

from attribution.experiments.corrections import holm, simultaneous
from attribution.experiments.effect import UNKNOWN, Effect
from attribution.experiments.means import Mean, effect_on_mean, mean_of
from attribution.experiments.rates import Rate, are_few, difference_ends, effect_on_rate

Z = stats.norm.ppf(0.975)
# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: counts of both, the interval.
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


def rates(x: int, n: int, x_control: int, n_control: int) -> tuple[Rate, Rate]:
    return Rate(n, x), Rate(n_control, x_control)


def figures(effect: Effect) -> list[float]:
    """Return every figure that is known."""
    cells = [cell for each in astuple(effect)[:-1] for cell in (each if isinstance(each, tuple) else (each,))]
    return [cell for cell in cells if cell is not None]


def random_rates(seed: int) -> tuple[Rate, Rate]:
    rng = np.random.default_rng(seed)
    (n, n_0), (p, p_0) = rng.integers(5, 5000, 2).tolist(), (rng.random(2) ** 3).tolist()
    return rates(int(rng.binomial(n, p)), n, int(rng.binomial(n_0, p_0)), n_0)


# Rates.


@pytest.mark.parametrize(("x", "n", "x_control", "n_control", "low", "high"), NEWCOMBE)
def test_the_difference_of_rates_has_the_published_interval(
    x: int, n: int, x_control: int, n_control: int, low: float, high: float
) -> None:
    found = difference_ends(*rates(x, n, x_control, n_control), Z)
    assert [round(end, 4) for end in found] == [low, high]
    turned = difference_ends(*rates(x_control, n_control, x, n), Z)
    assert turned == pytest.approx((-found[1], -found[0]), abs=1e-15)


def plain_wilson(rate: Rate, z: float) -> tuple[float, float]:
    """Return the shares that lie z of their own standard errors from the one that was seen, by halving."""

    def root(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            far = abs(rate.value - middle) > z * math.sqrt(middle * (1 - middle) / rate.users)
            inside, outside = (inside, middle) if far else (middle, outside)
        return (inside + outside) / 2

    p = rate.value
    return (root(p, 0.0) if p > 0 else 0.0), (root(p, 1.0) if p < 1 else 1.0)


@pytest.mark.parametrize("seed", range(40))
def test_a_rate_has_the_effect_of_its_plain_twin(seed: int) -> None:
    variant, control = random_rates(seed)
    found = effect_on_rate(variant, control, 0.9)
    z = stats.norm.ppf(0.95)
    (low, high), (low_0, high_0) = plain_wilson(variant, z), plain_wilson(control, z)
    p, p_0, n, n_0 = variant.value, control.value, variant.users, control.users
    below = ((p - low) ** 2 + (high_0 - p_0) ** 2) ** 0.5
    above = ((high - p) ** 2 + (p_0 - low_0) ** 2) ** 0.5
    assert found.difference == p - p_0
    assert found.difference_ends == pytest.approx((p - p_0 - below, p - p_0 + above), abs=1e-12)
    assert found.standard_error == pytest.approx((p * (1 - p) / n + p_0 * (1 - p_0) / n_0) ** 0.5, rel=1e-12)
    if variant.converted and control.converted:
        width = z * (1 / variant.converted - 1 / n + 1 / control.converted - 1 / n_0) ** 0.5
        assert np.log(found.ratio_ends) == pytest.approx([np.log(p / p_0) - width, np.log(p / p_0) + width])
        cells = [[variant.converted, n - variant.converted], [control.converted, n_0 - control.converted]]
        assert found.p_value == pytest.approx(
            stats.chi2_contingency(cells, correction=False).pvalue, rel=1e-9
        )


def test_a_worked_example_of_two_rates() -> None:
    # 200 of 1,000 against 150 of 1,000: p = 0.175, z = 0.05 / sqrt(0.175 x 0.825 x 0.002) = 2.9424
    found = effect_on_rate(*rates(200, 1000, 150, 1000), 0.95)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.05 / math.sqrt(0.00028875)), rel=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(0.16 / 1000 + 0.1275 / 1000), rel=1e-12)
    assert found.ratio == pytest.approx(4 / 3)
    width = 1.959964 * math.sqrt(0.8 / 200 + 0.85 / 150)  # (1 - p) / x
    assert found.ratio_ends == pytest.approx((4 / 3 / math.exp(width), 4 / 3 * math.exp(width)), rel=1e-6)


def test_counts_of_any_kind_give_no_infinite_figure_and_say_what_they_lack() -> None:
    sizes = [(x, n) for n in (1, 2, 5) for x in range(n + 1)]
    for (x, n), (x_0, n_0) in product(sizes, sizes):
        found = effect_on_rate(*rates(x, n, x_0, n_0), 0.95)
        assert np.isfinite(figures(found)).all()
        low, high = found.difference_ends
        assert -1 <= low <= found.difference <= high <= 1  # type: ignore[operator]
        known = (found.standard_error, found.p_value, found.ratio_ends[0])
        named = ("standard_error", "p_value", "ratio")
        assert [each.partition(":")[0] for each in found.reasons] == [
            name for name, value in zip(named, known, strict=True) if value is None
        ]


NO_ERROR = "standard_error: in each variant all or none converted"


@pytest.mark.parametrize(
    ("counts", "reasons"),
    [
        ((0, 9, 0, 20), (NO_ERROR, "p_value: no user converted", "ratio: nobody of the control converted")),
        (
            (9, 9, 20, 20),
            (NO_ERROR, "p_value: every user converted", "ratio: no interval, everybody of both converted"),
        ),
        ((9, 9, 0, 20), (NO_ERROR, "ratio: nobody of the control converted")),
        ((0, 9, 5, 20), ("ratio: no interval, nobody of the variant converted",)),
        ((5, 9, 0, 20), ("ratio: nobody of the control converted",)),
        ((5, 9, 5, 20), ()),
    ],
)
def test_a_rate_says_why_a_figure_is_not_known(
    counts: tuple[int, int, int, int], reasons: tuple[str, ...]
) -> None:
    assert effect_on_rate(*rates(*counts), 0.95).reasons == reasons


def test_few_conversions_are_told() -> None:
    # expected of the smaller variant: 12 x 100 / 300 = 4, and 15 x 100 / 300 = 5
    assert are_few(*rates(6, 100, 6, 200))
    assert are_few(*rates(94, 100, 194, 200))
    assert not are_few(*rates(7, 100, 8, 200))
    assert not are_few(*rates(0, 100, 0, 200))  # no p-value at all


# Means.


@pytest.mark.parametrize("seed", range(40))
def test_a_mean_has_the_effect_of_its_plain_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.gamma(2, 5, int(rng.integers(2, 60)))
    b = rng.gamma(2, rng.uniform(1, 9), int(rng.integers(5, 60)))
    variant, control = mean_of(a.tolist()), mean_of(b.tolist())
    assert (variant.value, variant.variance) == pytest.approx((a.mean(), a.var(ddof=1)))
    found = effect_on_mean(variant, control, 0.9)
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found.difference_ends == pytest.approx(tuple(theirs.confidence_interval(0.9)), rel=1e-9)
    t, e, e_0 = stats.t.ppf(0.95, theirs.df), a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    # r is inside where (m1 - r m0)² <= t² (e1 + r² e0): between the roots, where these enclose it
    parts = (b.mean() ** 2 - t * t * e_0, -2 * a.mean() * b.mean(), a.mean() ** 2 - t * t * e)
    if parts[0] > 0:
        assert found.ratio_ends == pytest.approx(sorted(np.roots(parts)), rel=1e-9)
    else:
        assert found.ratio_ends == UNKNOWN


def test_a_worked_example_of_two_means() -> None:
    # 1 2 6 (mean 3, variance 7) and 2 4 (mean 3, variance 2); e = 7/3 and 1
    found = effect_on_mean(mean_of([1.0, 2.0, 6.0]), mean_of([2.0, 4.0]), 0.95)
    assert (found.difference, found.standard_error, found.p_value) == (0, math.sqrt(10 / 3), 1)
    degrees = (10 / 3) ** 2 / ((7 / 3) ** 2 / 2 + 1**2 / 1)
    assert found.difference_ends[1] == pytest.approx(stats.t.ppf(0.975, degrees) * math.sqrt(10 / 3))


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ([5.0], [1.0, 2.0], "one user in a variant has no variance"),
        ([5.0, 6.0], [1.0], "one user in a variant has no variance"),
        ([0.1] * 7, [0.2] * 3, "no user differs from the others"),
    ],
)
def test_a_mean_without_variance_has_no_interval(a: list[float], b: list[float], why: str) -> None:
    found = effect_on_mean(mean_of(a), mean_of(b), 0.95)
    assert found.reasons == tuple(f"{name}: {why}" for name in ("standard_error", "p_value", "ratio"))
    assert len(figures(found)) == 3
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b), rel=1e-15)


@pytest.mark.parametrize("control", [[-1.0, 1.0, 0.5], [0.0, 0.0, 0.0], [-4.0, 5.0, -2.0]])
def test_a_control_that_may_be_0_has_no_ratio(control: list[float]) -> None:
    found = effect_on_mean(mean_of([3.0, 4.0, 5.0]), mean_of(control), 0.95)
    assert (found.ratio, found.ratio_ends) == (None, UNKNOWN)
    assert found.reasons == ("ratio: the mean of the control is not clearly away from 0",)
    assert found.p_value is not None


def test_a_mean_has_the_same_bits_in_every_order() -> None:
    rng = np.random.default_rng(7)
    values = (rng.lognormal(0, 4, 2000) * rng.choice([-1, 1], 2000)).tolist()
    assert len({mean_of(rng.permutation(values).tolist()) for _ in range(20)}) == 1
    assert mean_of([0.1] * 10) == Mean(10, 0.1, 0.0)
    assert math.copysign(1, mean_of([-0.0, 0.0]).value) == 1


# Several comparisons.


def test_holm_is_that_of_a_hand_worked_example() -> None:
    # in order 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04 -> 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([None, 0.02, None]) == [None, pytest.approx(0.06), None]
    assert holm([]) == []
    assert simultaneous(0.9, 1) == 0.9
    assert simultaneous(0.9, 4) == pytest.approx(0.975)


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_statsmodels(seed: int) -> None:
    reason = "statsmodels is in the extra dev: its interval, test and correction are compared there"
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason=reason)
    several = pytest.importorskip("statsmodels.stats.multitest", reason=reason)
    variant, control = random_rates(100 + seed)
    counts = (variant.converted, variant.users, control.converted, control.users)
    theirs = proportion.confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    found = effect_on_rate(variant, control, 0.95)
    assert found.difference_ends == pytest.approx(theirs, abs=1e-12)
    chance = proportion.proportions_ztest(counts[::2], counts[1::2])[1]
    assert found.p_value == pytest.approx(chance, rel=1e-9)
    ends = proportion.confint_proportions_2indep(*counts, method="log", compare="ratio")
    assert found.ratio_ends == pytest.approx(ends, rel=1e-9)
    p_values = np.random.default_rng(seed).random(6) ** 3
    assert holm(p_values.tolist()) == pytest.approx(several.multipletests(p_values, method="holm")[1])
