"""Coverage: in seeded worlds intervals hold the truth, and alarms are false, as often as they say."""

from __future__ import annotations

import numpy as np

from attribution.experiments.corrections import holm, simultaneous
from attribution.experiments.means import Mean, effect_on_mean
from attribution.experiments.rates import Rate, effect_on_rate


def test_intervals_of_rates_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20260301)
    all_hits, runs = np.zeros(2), 2500
    settings = [
        (0.006, 0.009, 20_000, 20_000), (0.02, 0.02, 3_000, 3_000), (0.02, 0.03, 9_000, 1_000),
        (0.1, 0.15, 400, 400), (0.3, 0.35, 60, 60), (0.5, 0.5, 100, 900),
    ]  # fmt: skip
    for p_0, p, n_0, n in settings:
        hits = np.zeros(2)
        for x, x_0 in zip(rng.binomial(n, p, runs), rng.binomial(n_0, p_0, runs), strict=True):
            found = effect_on_rate(Rate(n, int(x)), Rate(n_0, int(x_0)), 0.95)
            low, high = found.ratio_ends
            hits += (
                found.difference_ends[0] <= p - p_0 <= found.difference_ends[1],  # type: ignore[operator]
                low is None or high is None or low <= p / p_0 <= high,
            )
        assert ((hits / runs > 0.93) & (hits / runs < 0.97)).all(), (p_0, p, n_0, n, hits / runs)
        all_hits += hits / runs / len(settings)
    assert ((all_hits > 0.943) & (all_hits < 0.957)).all(), all_hits


def test_intervals_of_means_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20260302)
    runs = 1500
    buying = rng.random((runs, 3000)) < 0.1  # one in ten spends, as much as they do: a long tail
    draws = [
        (rng.normal(10, 1, (runs, 8)), rng.normal(10, 5, (runs, 30)), 10.0, 10.0),
        (rng.exponential(2, (runs, 300)), rng.exponential(3, (runs, 200)), 2.0, 3.0),
        (buying * rng.gamma(2, 30, buying.shape), rng.exponential(5, (runs, 500)), 6.0, 5.0),
    ]
    for a, b, mean, mean_0 in draws:
        hits = np.zeros(2)
        for i in range(runs):
            pair = [Mean(len(each), float(each.mean()), float(each.var(ddof=1))) for each in (a[i], b[i])]
            found = effect_on_mean(*pair, 0.95)
            (low, high), (less, more) = found.difference_ends, found.ratio_ends
            hits += (low <= mean - mean_0 <= high, less is None or less <= mean / mean_0 <= more)  # type: ignore[operator]
        assert ((hits / runs > 0.93) & (hits / runs < 0.97)).all(), hits / runs


def test_variants_that_do_nothing_raise_an_alarm_as_seldom_as_they_say() -> None:
    rng, runs, n = np.random.default_rng(20260303), 2000, 5000
    counts = rng.binomial(n, 0.05, (runs, 4))
    alone, corrected, held = 0, 0, 0
    for control, *others in counts.tolist():
        effects = [effect_on_rate(Rate(n, x), Rate(n, control), simultaneous(0.95, 3)) for x in others]
        p_values = [each.p_value for each in effects]
        alone += min(p_values) < 0.05  # type: ignore[type-var]
        corrected += min(holm(p_values)) < 0.05  # type: ignore[type-var]
        held += all(each.difference_ends[0] <= 0 <= each.difference_ends[1] for each in effects)  # type: ignore[operator]
    assert alone / runs > 0.08  # what the correction is for
    assert 0.025 < corrected / runs < 0.06
    assert 0.94 < held / runs < 0.975
