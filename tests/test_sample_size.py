"""Sample sizes: users and power against statsmodels, numbers by hand, simulation and bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import attribution as at
from attribution.errors import ParameterError
from attribution.experiments.chances import Setting, chance
from attribution.experiments.planning import users_needed
from attribution.experiments.rates import Rate, effect_on_rate

# What statsmodels 0.15.0 gives. Its ratio is users of the control per user of the variant: 1 / shares_ratio.
# power_proportions_2indep: baseline, difference, users of the variant, shares_ratio, alpha, power.
RATE_POWER = [
    (0.02, 0.005, 13809, 1.0, 0.05, 0.8000030909732946),
    (0.02, 0.005, 5000, 1.0, 0.05, 0.39207400114703467),
    (0.3, -0.05, 700, 2.0, 0.05, 0.40965236783177883),
    (0.006, 0.003, 20000, 0.5, 0.025, 0.9633611988671515),
    (0.5, 0.1, 200, 1.0, 0.1, 0.6433401819605873),
    (0.1, 0.001, 100, 1.0, 0.05, 0.05006304319964248),
]
# samplesize_proportions_2indep_onetail: baseline, difference, power, shares_ratio, alpha, users.
RATE_USERS = [
    (0.02, 0.005, 0.8, 1.0, 0.05, 13808.924897180967),
    (0.3, -0.05, 0.9, 2.0, 0.05, 2500.17742322584),
    (0.006, 0.003, 0.8, 0.5, 0.025, 11426.47355212099),
    (0.5, 0.1, 0.5, 1.0, 0.1, 133.92440097772305),
]
# TTestIndPower().power and .solve_power, the difference in standard deviations.
MEAN_POWER = [
    (0.5, 64, 1.0, 0.05, 0.8014595579222542),
    (0.05, 5000, 1.0, 0.05, 0.7053351954242707),
    (-0.3, 100, 2.0, 0.05, 0.4056096657763756),
    (0.01, 20000, 0.5, 0.025, 0.13892067317087334),
    (0.001, 10, 1.0, 0.05, 0.05000051456408619),
    (2.0, 3, 1.0, 0.05, 0.46264081189130635),
]
MEAN_USERS = [
    (0.5, 0.8, 1.0, 0.05, 63.76561058891169),
    (0.05, 0.9, 1.0, 0.05, 8406.896008340045),
    (0.3, 0.8, 2.0, 0.05, 262.915312821909),
    (0.01, 0.8, 0.5, 0.025, 142576.37176737672),
    (0.2, 0.5, 1.0, 0.01, 333.4063166553625),
]
REASON = "statsmodels is in the extra dev: its power and its sample sizes are compared there"


@pytest.mark.parametrize(("baseline", "difference", "users", "ratio", "alpha", "known"), RATE_POWER)
def test_the_power_of_rates_is_the_recorded_one(
    baseline: float, difference: float, users: int, ratio: float, alpha: float, known: float
) -> None:
    found = at.power(baseline, difference, users, confidence=1 - alpha, shares_ratio=ratio)
    assert found == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(("baseline", "difference", "power", "ratio", "alpha", "known"), RATE_USERS)
def test_the_users_of_rates_are_the_recorded_ones(
    baseline: float, difference: float, power: float, ratio: float, alpha: float, known: float
) -> None:
    setting = Setting(confidence=1 - alpha, shares_ratio=ratio)
    assert users_needed(baseline, difference, power, setting) == pytest.approx(known, rel=1e-9)
    plan = at.sample_size(baseline, difference, power=power, confidence=1 - alpha, shares_ratio=ratio)
    assert (plan.users_variant, plan.users_control) == (math.ceil(known), math.ceil(known / ratio))


@pytest.mark.parametrize(("effect", "users", "ratio", "alpha", "known"), MEAN_POWER)
def test_the_power_of_means_is_the_recorded_one(
    effect: float, users: int, ratio: float, alpha: float, known: float
) -> None:
    given = {"confidence": 1 - alpha, "shares_ratio": ratio}
    assert at.power(20, 8 * effect, users, standard_deviation=8, **given) == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(("effect", "power", "ratio", "alpha", "known"), MEAN_USERS)
def test_the_users_of_means_are_the_recorded_ones(
    effect: float, power: float, ratio: float, alpha: float, known: float
) -> None:
    setting = Setting(8.0, 1 - alpha, shares_ratio=ratio)
    assert users_needed(-3.0, 8 * effect, power, setting) == pytest.approx(known, rel=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_they_are_those_of_statsmodels(seed: int) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason=REASON)
    test = pytest.importorskip("statsmodels.stats.power", reason=REASON).TTestIndPower()
    rng = np.random.default_rng(seed)
    baseline, ratio, alpha = rng.uniform(0.01, 0.5), rng.uniform(0.2, 3), rng.choice([0.01, 0.05, 0.1])
    difference, power = baseline * rng.uniform(0.05, 0.5) * rng.choice([-1, 1]), rng.uniform(0.6, 0.95)
    setting = Setting(confidence=float(1 - alpha), shares_ratio=float(ratio))
    found = users_needed(float(baseline), float(difference), float(power), setting)
    theirs = proportion.samplesize_proportions_2indep_onetail(difference, baseline, power, 1 / ratio, alpha)
    assert found == pytest.approx(theirs, rel=1e-6)
    theirs = proportion.power_proportions_2indep(
        difference, baseline, found, 1 / ratio, alpha, return_results=False
    )
    assert chance(float(baseline), float(difference), found, setting) == pytest.approx(theirs, abs=1e-6)
    setting = Setting(2.0, float(1 - alpha), shares_ratio=float(ratio))
    found = users_needed(1.0, float(difference), float(power), setting)
    theirs = test.solve_power(abs(difference) / 2, None, alpha, power, 1 / ratio)
    assert found == pytest.approx(theirs, rel=1e-6)
    theirs = test.power(difference / 2, found, alpha, 1 / ratio)
    assert chance(1.0, float(difference), found, setting) == pytest.approx(theirs, abs=1e-6)


def test_the_examples_of_the_manual_of_r_come_out() -> None:
    # help(power.prop.test): p1 = .50, p2 = .75, power = .90 => n = 76.7
    assert users_needed(0.50, 0.25, 0.90, Setting()) == pytest.approx(76.7, abs=0.05)
    # help(power.t.test): power = .90, delta = 1 => n = 22.02110; it leaves the other tail out as well
    assert users_needed(0.0, 1.0, 0.90, Setting(1.0)) == pytest.approx(22.0211, abs=1e-4)


def test_a_plan_by_hand() -> None:
    # 10 % against 15 %: s0 = sqrt(2 x 0.125 x 0.875), s1 = sqrt(0.09 + 0.1275), z = 1.95996, 0.84162
    root = (1.959964 * math.sqrt(0.21875) + 0.841621 * math.sqrt(0.2175)) / 0.05
    assert users_needed(0.10, 0.05, 0.8, Setting()) == pytest.approx(root**2, rel=1e-5)
    plan = at.sample_size(0.10, 0.05)
    assert (plan.users_control, plan.users_variant, plan.users) == (686, 686, 1372)
    # three variants: each comparison at 1 - 0.05 / 3
    several = at.sample_size(0.10, 0.05, comparisons=3)
    alone = at.sample_size(0.10, 0.05, confidence=1 - 0.05 / 3)
    assert several.users_variant == alone.users_variant > 686
    assert several.users == 4 * several.users_variant
    row = several.table().row(0, named=True)
    assert (row["kind"], row["users"], row["standard_deviation"]) == ("rate", several.users, None)
    assert_frame_equal(several.table(), at.sample_size(0.10, 0.05, comparisons=3).table())


@pytest.mark.parametrize("spread", [None, 0.4])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_the_users_are_just_enough_and_show_just_the_difference(spread: float | None, ratio: float) -> None:
    given: dict[str, Any] = {"standard_deviation": spread, "shares_ratio": ratio, "comparisons": 2}
    found = users_needed(0.1, 0.03, 0.85, Setting(spread, 0.95, 2, ratio))
    setting = Setting(spread, 0.95, 2, ratio)
    assert chance(0.1, 0.03, found, setting) == pytest.approx(0.85, abs=1e-6)
    assert chance(0.1, 0.03, found - 1, setting) < 0.85
    plan = at.sample_size(0.1, 0.03, power=0.85, **given)
    assert 0 <= plan.users_variant - found < 1
    assert 0 <= plan.users_control - found / ratio < 1
    assert plan.power == at.power(0.1, 0.03, found, **given) >= 0.85
    shown = at.detectable(0.1, plan.users_variant, power=0.85, **given)
    assert 0.0299 < shown <= 0.03
    assert at.power(0.1, shown, plan.users_variant, **given) == pytest.approx(0.85, abs=1e-9)
    assert at.power(0.1, -0.03, 500, **given) == pytest.approx(
        at.power(0.9, 0.03, 500, **given)  # a rate that falls is one that rises, seen from the other side
    )


def test_so_many_experiments_show_the_difference_as_it_says() -> None:
    plan = at.sample_size(0.1, 0.05)
    rng, runs = np.random.default_rng(5), 4000
    counts = zip(rng.binomial(686, 0.15, runs), rng.binomial(686, 0.10, runs), strict=True)
    shown = sum(
        (effect_on_rate(Rate(686, int(x)), Rate(686, int(x_0)), 0.95).p_value or 1) < 0.05
        for x, x_0 in counts
    )
    assert abs(shown / runs - plan.power) < 3 * stats.binom.std(runs, 0.8) / runs


@pytest.mark.parametrize(
    ("difference", "users", "spread"),
    [(1.0, 1e6, 0.01), (0.3, 1100.0, 1.0), (0.4, 1e5, 1.0), (1e-9, 1e14, 1.0), (5.0, 2.0, 1.0)],
)
def test_power_is_finite_where_a_tail_vanishes(difference: float, users: float, spread: float) -> None:
    assert 0.05 <= at.power(1.0, difference, users, standard_deviation=spread) <= 1


def test_a_great_difference_needs_two_users_of_each() -> None:
    assert at.sample_size(0.0, 100, standard_deviation=1).users == 4
    assert at.sample_size(0.001, 0.998).users_variant <= 3


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ((0.0, 0.1), {}, "'baseline': got 0.0, expected a number > 0 and < 1"),
        ((2, 0.1), {}, "'baseline': got 2, expected a number > 0 and < 1"),
        ((math.nan, 0.1), {"standard_deviation": 1.0}, "'baseline': got nan"),
        (
            (0.2, 0.8),
            {},
            "'difference': got 0.8, expected a number that is not 0, baseline + difference",
        ),
        ((0.2, 0.0), {}, "'difference': got 0.0"),
        ((0.2, math.inf), {"standard_deviation": 1.0}, "'difference': got inf"),
        ((0.2, 1e-9), {}, "'difference': got 1e-09, expected one that less than 1e+15 users show"),
        ((0.2, 1e-300), {}, "'difference': got 1e-300"),
        ((0.2, 1e-12), {"standard_deviation": 1.0}, "'difference': got 1e-12"),
        ((0.2, 0.1), {"power": 0.4}, "'power': got 0.4, expected a number >= 0.5 and < 1"),
        ((0.2, 0.1), {"power": 1}, "'power': got 1"),
        ((0.2, 0.1), {"confidence": 95}, "'confidence': got 95, expected a number > 0 and < 1"),
        ((0.2, 0.1), {"comparisons": 0}, "'comparisons': got 0, expected a whole number >= 1"),
        ((0.2, 0.1), {"shares_ratio": 0}, "'shares_ratio': got 0, expected a number > 0"),
        ((0.2, 0.1), {"standard_deviation": 0}, "'standard_deviation': got 0, expected a number > 0"),
        (("a", 0.1), {}, "'baseline': got 'a'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(arguments: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        at.sample_size(*arguments, **given)
    assert said in str(caught.value)


def test_users_that_cannot_be_are_refused() -> None:
    few = r"'users': got 1, expected a number >= 2"
    with pytest.raises(ParameterError, match=few):
        at.power(0.1, 0.05, 1)
    with pytest.raises(ParameterError, match=few):
        at.detectable(0.1, 1)
    with pytest.raises(ParameterError, match="'users': got 3, expected more: not even the largest"):
        at.detectable(0.9, 3)


# Both sides of a plan.


@pytest.mark.parametrize("spread", [None, 10.0])
@pytest.mark.parametrize("ratio", [1e-4, 0.01, 1.0, 50.0, 5000.0])
def test_the_control_has_two_users_at_least(spread: float | None, ratio: float) -> None:
    baseline, difference = (0.1, 0.05) if spread is None else (20.0, 5.0)
    given: dict[str, Any] = {"standard_deviation": spread, "shares_ratio": ratio}
    plan = at.sample_size(baseline, difference, **given)
    assert min(plan.users_control, plan.users_variant) >= 2
    assert 0.8 - 1e-9 <= plan.power <= 1
    easy = at.sample_size(0.001 if spread is None else 0.0, 0.998 if spread is None else 1e4, **given)
    assert min(easy.users_control, easy.users_variant) >= 2
    if ratio > 2:
        for call in (at.power, at.detectable):
            arguments = (baseline, difference, ratio) if call is at.power else (baseline, ratio)
            with pytest.raises(
                ParameterError, match=r"expected more: the control has users / shares_ratio = 1"
            ):
                call(*arguments, **given)


def test_a_control_that_is_a_small_share_needs_as_many_as_it_always_does() -> None:
    # s = 10, d = 0.1: of a control beside many more users (z + z)² s² / d² = 7.849 x 10,000 = 78,489
    plan = at.sample_size(20, 0.1, standard_deviation=10, shares_ratio=5000)
    assert plan.users_control == pytest.approx(78_489 * (1 + 1 / 5000), rel=1e-4)
    assert plan.power == pytest.approx(0.8, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_the_power_is_that_of_the_users_that_the_plan_states(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratio, effect = float(rng.uniform(0.2, 6)), float(rng.uniform(0.5, 2))
    plan = at.sample_size(3, effect, standard_deviation=1, shares_ratio=ratio)
    n, n_0 = plan.users_variant, plan.users_control
    t, shift = stats.t.ppf(0.975, n + n_0 - 2), effect / math.sqrt(1 / n + 1 / n_0)
    twin = stats.nct.sf(t, n + n_0 - 2, shift) + stats.nct.cdf(-t, n + n_0 - 2, shift)
    assert plan.power == pytest.approx(twin, abs=1e-9)
    rate = at.sample_size(0.1, 0.3, shares_ratio=ratio)
    n, n_0, p = rate.users_variant, rate.users_control, 0.4
    pooled = (n * p + n_0 * 0.1) / (n + n_0)
    null, own = (pooled * (1 - pooled) * (1 / n + 1 / n_0)) ** 0.5, (p * (1 - p) / n + 0.09 / n_0) ** 0.5
    z = stats.norm.ppf(0.975)
    twin = stats.norm.sf((z * null - 0.3) / own) + stats.norm.sf((z * null + 0.3) / own)
    assert rate.power == pytest.approx(twin, abs=1e-12)
    shown = at.detectable(0.1, 150.5, shares_ratio=ratio)
    assert at.power(0.1, shown, 150.5, shares_ratio=ratio) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "arguments", "given", "said"),
    [
        (at.sample_size, (20, 1e300), {"standard_deviation": 1e-300}, "'difference': got 1e+300"),
        (at.sample_size, (20, 1.0), {"standard_deviation": 1e-300}, "'difference': got 1.0, expected one of"),
        (
            at.power,
            (20, 1e99, 50),
            {"standard_deviation": 1e-250},
            "expected one of fewer standard deviations",
        ),
        (at.detectable, (20, 100), {"standard_deviation": 1e308}, "'standard_deviation': got 1e+308"),
        (at.sample_size, (0.1, 0.1), {"comparisons": 10**400}, "'comparisons': got 1"),
        (at.power, (0.1, 0.1, 10**400), {}, "'users': got 1"),
        (at.sample_size, (0.1, 0.1), {"shares_ratio": 1e300}, "'shares_ratio': got 1e+300, expected"),
        (
            at.sample_size,
            (0.1, 0.1),
            {"shares_ratio": 1e-320},
            "'difference': got 0.1, expected one that less",
        ),
        (at.power, (0.1, 0.1, 50), {"shares_ratio": 1e-320}, "'users': got 50, expected fewer: the control"),
    ],
)
def test_a_figure_that_is_not_finite_is_refused(call: Any, arguments: Any, given: Any, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        call(*arguments, **given)
    assert said in str(caught.value)
