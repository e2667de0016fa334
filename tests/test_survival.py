"""Survival: weighted cumulative incidence against scipy, lifelines, a plain twin and hand-worked numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from attribution.arrays import Float64, Int64
from attribution.kpis.timing import survival
from attribution.kpis.timing.survival import (
    CENSORED,
    COMPETING,
    REACHED,
    Incidence,
    incidence,
    incidences,
    naive_mean,
)
from attribution.statistics import Resampling

NOISE = 1e-12
SHARES = (0.25, 0.5, 0.75)
DAYS = (0, 1, 2.5, 4, 7, 9, 12, 40)


class Rows(NamedTuple):
    """Random rows with ties; weights are whole numbers, so that sums of them are exact."""

    days: Float64
    ends: Int64
    weights: Float64
    folds: Int64

    @property
    def incidence(self) -> Incidence:
        return incidence(self.days, self.ends, self.weights)


def random_rows(seed: int, many: int, kinds: int = 3, folds: int = 5) -> Rows:
    rng = np.random.default_rng(seed)
    return Rows(
        rng.integers(0, 12, many) / 1.0,
        rng.integers(0, kinds, many),
        rng.integers(0, 4, many) / 1.0,
        rng.integers(0, folds, many),
    )


class Twin(NamedTuple):
    """The same as plainly as can be, in exact fractions."""

    steps: list[tuple[float, Fraction]]  # days, share reached then
    watched: float

    def at(self, days: float) -> float:
        if days > self.watched:
            return math.nan
        return float(max((share for time, share in self.steps if time <= days), default=Fraction(0)))

    def quantile(self, share: float, of_reached: bool) -> float:
        whole = self.steps[-1][1] if self.steps else Fraction(0)
        wanted = Fraction(share) * (whole if of_reached else 1)
        return next((time for time, reached in self.steps if whole and reached >= wanted), math.nan)

    def figures(self, days: Sequence[float]) -> list[float]:
        found = [self.at(each) for each in days]
        return found + [self.quantile(share, which) for which in (False, True) for share in SHARES]


def twin_of(rows: Sequence[tuple[float, int, float | Fraction]]) -> Twin:
    """Return the cumulative incidence of rows of days, end and weight."""
    used = [(time, end, Fraction(weight)) for time, end, weight in rows if weight > 0]
    survived, reached = Fraction(1), Fraction(0)
    steps = []
    for now in sorted({time for time, end, _ in used if end != CENSORED}):
        at_risk = sum(weight for time, _, weight in used if time >= now)
        ended = {kind: sum(w for t, end, w in used if t == now and end == kind) for kind in (1, 2)}
        reached += survived * ended[REACHED] / at_risk
        survived *= 1 - (ended[REACHED] + ended[COMPETING]) / at_risk
        steps.append((now, reached))
    longest = max((time for time, _, _ in used), default=-math.inf)
    is_open = any(time == longest and end == CENSORED for time, end, _ in used)
    return Twin(steps, longest if is_open or not used else math.inf)


def figures_of(found: Incidence, days: Sequence[float]) -> Float64:
    quartiles = [found.quantiles(SHARES, of_reached=which) for which in (False, True)]
    return np.concatenate([found.at(days), *quartiles], axis=-1)


def same(found: Float64, expected: Sequence[float]) -> bool:
    return bool(found.tolist() == pytest.approx(list(expected), rel=NOISE, abs=NOISE, nan_ok=True))


# Against others.


@pytest.mark.parametrize("seed", range(20))
def test_without_weights_and_competing_ends_it_is_that_of_scipy(seed: int) -> None:
    days, ends, *_ = random_rows(seed, 80, kinds=2)
    theirs = ecdf(CensoredData(uncensored=days[ends == REACHED], right=days[ends == CENSORED])).cdf
    asked = np.arange(0, days.max() + 0.25, 0.25)
    found = incidence(days, ends, np.ones(80)).at(asked.tolist())
    assert len(np.unique(found)) > 5
    assert same(found, theirs.evaluate(asked))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_lifelines_with_competing_ends_and_weights(seed: int) -> None:
    reason = "lifelines is in the extra dev: its Aalen-Johansen estimator is compared there"
    fitter = pytest.importorskip("lifelines", reason=reason).AalenJohansenFitter(calculate_variance=False)
    rng = np.random.default_rng(seed)
    days = rng.permutation(np.arange(1.0, 121.0))  # no ties, which it would move apart at random
    ends, weights = rng.integers(0, 3, 120), rng.integers(1, 4, 120)
    fitter.fit(days, ends, event_of_interest=REACHED, weights=weights)
    theirs = fitter.cumulative_density_.iloc[:, 0]
    found = incidence(days, ends, weights / 1.0).at(theirs.index[theirs.index <= 120].tolist())
    assert same(found, theirs[theirs.index <= 120])


@pytest.mark.parametrize("seed", range(60))
def test_it_is_that_of_the_plain_twin(seed: int) -> None:
    rows = random_rows(seed, many=seed, kinds=2 + seed % 2)
    twin = twin_of(list(zip(*(each.tolist() for each in rows[:3]), strict=True)))
    assert same(figures_of(rows.incidence, DAYS), twin.figures(DAYS))


def test_a_hand_worked_example_of_aalen_and_johansen() -> None:
    # day 2: at risk 10 leads, 2 reached          CIF = 2/10                 S = 8/10
    # day 3: at risk 8, 1 lost, 1 open after it   CIF = 2/10                 S = 8/10 x 7/8 = 7/10
    # day 5: at risk 6, 1 reached, 1 lost         CIF = 2/10 + 7/10 x 1/6    S = 7/10 x 4/6 = 7/15
    # day 8: at risk 4, 1 reached, 3 open         CIF = 19/60 + 7/15 x 1/4   S = 7/15 x 3/4
    days = np.array([2, 2, 3, 3, 5, 5, 8, 8, 8, 8.0])
    ends = np.array([1, 1, 2, 0, 1, 2, 1, 0, 0, 0])
    found = incidence(days, ends, np.ones(10))
    assert same(found.at([1, 2, 3, 5, 8, 9]), [0, 2 / 10, 2 / 10, 19 / 60, 13 / 30, math.nan])
    assert same(found.quantiles([0.2, 0.21, 0.43, 0.44]), [2, 5, 8, math.nan])
    # of the reached: 13/60 is passed on day 5 (19/60), 13/120 on day 2
    assert found.quantiles([0.25, 0.5, 0.75], of_reached=True).tolist() == [2, 5, 8]


# What it must obey.


@pytest.mark.parametrize("seed", range(10))
def test_a_weight_of_two_is_two_copies(seed: int) -> None:
    rows = random_rows(seed, 40)
    copies = np.repeat(np.arange(40), rows.weights.astype(int))
    repeated = incidence(rows.days[copies], rows.ends[copies], np.ones(len(copies)))
    assert rows.incidence.values.tolist() == repeated.values.tolist()
    assert figures_of(rows.incidence, DAYS).tobytes() == figures_of(repeated, DAYS).tobytes()


def test_open_rows_are_not_lost_ones() -> None:
    # 2 of 4 are known for a day only: of those who are watched to day 5 all are won.
    days, weights = np.array([5.0, 5.0, 1.0, 1.0]), np.ones(4)
    assert incidence(days, np.array([1, 1, 0, 0]), weights).at([5]).tolist() == [1.0]
    assert incidence(days, np.array([1, 1, 2, 2]), weights).at([5]).tolist() == [0.5]


def test_ends_come_before_censorings_of_the_same_day() -> None:
    found = incidence(np.array([3.0, 3.0, 6.0]), np.array([0, 1, 0]), np.ones(3))
    assert found.at([3]).tolist() == pytest.approx([1 / 3], abs=NOISE)


def test_a_share_that_is_reached_exactly_is_reached_in_spite_of_rounding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def medians() -> list[float]:
        found = []
        for n in range(2, 40):
            days, ends = np.arange(1.0, 2 * n + 1), np.repeat([1, 0], n)
            found.append(incidence(days, ends, np.full(2 * n, 1 / 3)).quantiles([0.5]).item() - n)
        return found

    assert medians() == [0.0] * 38
    monkeypatch.setattr(survival, "NOISE", 0.0)
    assert medians() != [0.0] * 38


def test_nothing_is_told_beyond_what_was_watched() -> None:
    days = np.array([4.0, 10.0])
    still_open = incidence(days, np.array([1, 0]), np.ones(2)).at([10, 10.001])
    assert still_open.tolist() == pytest.approx([0.5, math.nan], nan_ok=True)
    all_ended = incidence(days, np.array([1, 2]), np.ones(2)).at([10, 1000])  # nobody is left open
    assert all_ended.tolist() == [0.5, 0.5]
    weightless = incidence(days, np.array([1, 0]), np.array([1.0, 0.0])).at([1000])
    assert weightless.tolist() == [1.0]
    nobody = incidence(np.empty(0), np.empty(0, np.int64), np.empty(0))
    assert np.isnan(figures_of(nobody, DAYS)).all()


def test_the_order_of_rows_changes_no_bit() -> None:
    rng = np.random.default_rng(5)
    days, ends, _, folds = random_rows(5, 400)
    weights = rng.random(400)
    drawn = Resampling(replicates=100).weights(5)
    first = incidence(days, ends, weights)
    (drawn_first,) = incidences(days, ends, weights, folds, drawn)
    for _ in range(5):
        order = rng.permutation(400)
        again = incidence(days[order], ends[order], weights[order])
        assert again.values.tobytes() == first.values.tobytes()
        (drawn_again,) = incidences(days[order], ends[order], weights[order], folds[order], drawn)
        assert drawn_again.values.tobytes() == drawn_first.values.tobytes()


def test_the_naive_mean_is_that_of_the_reached() -> None:
    days, ends = np.array([2.0, 8.0, 90.0, 70.0]), np.array([1, 1, 0, 2])
    assert naive_mean(days, ends, np.array([3.0, 1.0, 1.0, 1.0])) == 3.5
    assert math.isnan(naive_mean(days[2:], ends[2:], np.ones(2)))


@pytest.mark.parametrize("seed", range(10))
def test_a_share_is_never_more_than_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for many in range(3, 40):
        values = incidence(rng.random(many), rng.integers(1, 3, many) ** (many % 2), rng.random(many)).values
        assert (np.diff(values) >= 0).all()
        assert 0 <= values.min() <= values.max() <= 1


# Replicates.


@pytest.mark.parametrize("kinds", [2, 3])
@pytest.mark.parametrize("many", [0, 3, 60])
def test_a_replicate_is_what_rows_repeated_as_often_as_their_fold_give(many: int, kinds: int) -> None:
    rows = random_rows(3, many, kinds)
    drawn = Resampling(replicates=100).weights(5)
    (found,) = incidences(*rows, drawn)
    lacking = 0
    for replicate, figures in zip(drawn, figures_of(found, DAYS), strict=True):
        copies = np.repeat(np.arange(many), replicate[rows.folds].astype(int))
        again = incidence(rows.days[copies], rows.ends[copies], rows.weights[copies])
        assert same(figures, figures_of(again, DAYS))
        lacking += bool(np.isnan(figures).all())
    assert (lacking > 0) == (many < 60)  # replicates without a row are met as well


@pytest.mark.parametrize("cells", [1, 7, 64, 1000])
def test_blocks_change_nothing(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(8, 200)
    drawn = Resampling(replicates=100).weights(5)
    (whole,) = incidences(*rows, drawn)
    monkeypatch.setattr(survival, "CELLS", cells)
    blocks = list(incidences(*rows, drawn))
    assert len(blocks) > 1
    assert np.concatenate([each.watched for each in blocks]).tolist() == whole.watched.tolist()
    np.testing.assert_allclose(np.concatenate([each.values for each in blocks]), whole.values, rtol=NOISE)


def test_an_interval_of_95_percent_covers_the_truth_that_often() -> None:
    rng = np.random.default_rng(11)
    resampling = Resampling(replicates=400)
    drawn = resampling.weights(256)
    truth = 0.6 * (1 - math.exp(-60 / 50))  # 60 % are ever won, after 50 days in the mean
    covered = 0
    for _ in range(500):
        won = np.where(rng.random(400) < 0.6, rng.exponential(50, 400), np.inf)
        watched = rng.uniform(20, 150, 400)
        days, ends = np.minimum(won, watched), (won <= watched).astype(np.int64)
        blocks = incidences(days, ends, np.ones(400), rng.integers(0, 256, 400), drawn)
        low, high = resampling.bounds(np.concatenate([each.at([60]) for each in blocks]))
        covered += bool(low[0] <= truth <= high[0])
    spread = math.sqrt(0.95 * 0.05 / 500)
    assert abs(covered / 500 - 0.95) < 3 * spread, covered / 500


def test_replicates_of_very_many_times_are_those_of_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    days, ends = draw.exponential(40, 6_000), draw.choice([0, 1, 2], 6_000, p=[0.4, 0.3, 0.3])
    folds, weights = draw.integers(0, 64, 6_000), np.ones(6_000)
    drawn = draw.multinomial(64, np.full(64, 1 / 64), 200).astype(float)

    def ends_of(most: int) -> np.ndarray:
        monkeypatch.setattr(survival, "MOST", most)
        found = [each.at([30, 90]) for each in survival.incidences(days, ends, weights, folds, drawn)]
        return np.concatenate(found)

    exact, some = ends_of(1 << 20), ends_of(512)
    assert np.abs(exact - some).max() < 1 / 512
    assert np.abs(exact - some).mean() < 0.1 * exact.std(axis=0).min()
    assert (np.abs(some.std(axis=0) / exact.std(axis=0) - 1) < 0.02).all()
