"""Shrinkage: priors by moments and by hand, limits, and an error smaller than that of the raw ratios."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attribution as at
from attribution import Credits, Result, measure
from attribution.kpis.shrinkage import correlated, dispersed, shrunken_costs, shrunken_rates, with_shrunken

OUTCOMES = ("leads", "wins", "revenue")


def rates_of(wins: Sequence[float], leads: Sequence[float]) -> list[float]:
    """Return the shrunken rates of plain lists."""
    return shrunken_rates(np.array(wins, dtype=float), np.array(leads, dtype=float)).tolist()


def costs_of(spend: Sequence[float], leads: Sequence[float]) -> list[float]:
    """Return the shrunken costs of plain lists."""
    return shrunken_costs(np.array(spend, dtype=float), np.array(leads, dtype=float)).tolist()


# Twins, written with the sizes of the priors where the code has their inverses.


def twin_rates(wins: Sequence[float], leads: Sequence[float]) -> list[float]:
    cells = [(w, n) for w, n in zip(wins, leads, strict=True) if n > 0]
    if not cells:
        return [math.nan] * len(leads)
    k, total = len(cells), sum(n for _, n in cells)
    mu = sum(w for w, _ in cells) / total
    spread = sum(n * (w / n - mu) ** 2 for w, n in cells)
    among = total - sum(n**2 for _, n in cells) / total - (k - 1)
    rho = 0.0
    if k > 1 and among > 0 and 0 < mu < 1:
        rho = (spread / (mu * (1 - mu)) - (k - 1)) / among
    if rho <= 0:
        return [mu if n > 0 else math.nan for n in leads]
    size = max(1 / rho - 1, 0.0)
    return [(w + mu * size) / (n + size) if n > 0 else math.nan for w, n in zip(wins, leads, strict=True)]


def twin_costs(spend: Sequence[float], leads: Sequence[float]) -> list[float]:
    cells = [(s, n) for s, n in zip(spend, leads, strict=True) if s > 0]
    if sum(n for _, n in cells) <= 0:
        return [math.nan] * len(spend)
    k, total = len(cells), sum(s for s, _ in cells)
    mu = sum(n for _, n in cells) / total
    spread = sum(s * (n / s - mu) ** 2 for s, n in cells)
    among = total - sum(s**2 for s, _ in cells) / total
    variance = (spread - (k - 1) * mu) / among if k > 1 else 0.0
    if variance <= 0:
        return [1 / mu if s > 0 else math.nan for s in spend]
    alpha, beta = mu**2 / variance, mu / variance
    return [(s + beta) / (n + alpha) if s > 0 else math.nan for s, n in zip(spend, leads, strict=True)]


LEADS = st.just(0.0) | st.integers(1, 40_000).map(lambda hundredths: hundredths / 100)
CELLS = st.lists(st.tuples(st.integers(0, 1_000).map(lambda each: each / 1_000), LEADS), max_size=12)
MONEY = st.lists(st.tuples(st.just(0.0) | st.integers(100, 10**6).map(float), LEADS), max_size=12)


@given(CELLS)
def test_shrunken_rates_equal_the_twin(cells: list[tuple[float, float]]) -> None:
    leads = [n for _, n in cells]
    wins = [share * n for share, n in cells]
    assert rates_of(wins, leads) == pytest.approx(twin_rates(wins, leads), rel=1e-6, abs=1e-9, nan_ok=True)


@given(MONEY)
def test_shrunken_costs_equal_the_twin(cells: list[tuple[float, float]]) -> None:
    spend, leads = [s for s, _ in cells], [n for _, n in cells]
    assert costs_of(spend, leads) == pytest.approx(twin_costs(spend, leads), rel=1e-6, nan_ok=True)


# By hand.


def test_one_of_four_and_three_of_four_become_a_third_and_two_thirds() -> None:
    # mu 1/2, X^2 = 1 + 1, rho = (2 - 1) / (8 - 4 - 1), M = 2.
    assert correlated(np.array([1.0, 3.0]), np.array([4.0, 4.0])) == pytest.approx(1 / 3)
    assert rates_of([1, 3], [4, 4]) == pytest.approx([1 / 3, 2 / 3])


def test_a_small_cell_moves_more_than_a_large_one() -> None:
    # mu 0.3; the same excess of 0.3 over 2 and over 100 leads.
    small, large, _ = rates_of([1.2, 60, 0], [2, 100, 102])
    assert 0.3 < small < large < 0.6


def test_ten_that_brought_one_lead_and_nine_leads() -> None:
    # mu 1/2, X^2 = 3.2 + 3.2, phi = 5.4 / (20 - 10): beta = 1 / 0.54, alpha = 0.5 / 0.54.
    assert dispersed(np.array([10.0, 10.0]), np.array([1.0, 9.0])) == pytest.approx(0.54)
    assert costs_of([10, 10], [1, 9]) == pytest.approx([6.4 / 1.04, 6.4 / 5.36])


def test_money_that_brought_no_lead_costs_more_than_all_money_and_not_infinitely_much() -> None:
    nothing, much = costs_of([100, 100], [0, 30])
    assert math.isfinite(nothing)
    assert nothing > 200 / 30 > much > 100 / 30


# Limits.


def test_equal_rates_stay_and_no_more_spread_than_chance_gives_the_rate_of_all() -> None:
    assert rates_of([2, 20, 40], [4, 40, 80]) == [0.5, 0.5, 0.5]
    assert rates_of([4, 6], [10, 10]) == [0.5, 0.5]  # X^2 = 0.8 < 1
    assert costs_of([10, 20], [5, 10]) == [2.0, 2.0]
    assert costs_of([10, 10], [4, 6]) == [2.0, 2.0]


def test_huge_counts_keep_their_raw_ratios() -> None:
    assert rates_of([1e9, 3e9], [1e10, 1e10]) == pytest.approx([0.1, 0.3], rel=1e-6)
    assert costs_of([1e10, 1e10], [1e9, 4e9]) == pytest.approx([10, 2.5], rel=1e-6)


def test_all_won_or_lost_by_cell_keeps_the_raw_rates() -> None:
    assert rates_of([0, 10], [10, 10]) == [0.0, 1.0]  # rho is clipped at 1


def test_one_cell_has_its_raw_ratio() -> None:
    assert rates_of([1, 0], [4, 0]) == pytest.approx([0.25, math.nan], nan_ok=True)
    assert costs_of([10, 0], [4, 2]) == pytest.approx([2.5, math.nan], nan_ok=True)


def test_nothing_won_and_all_won_stay() -> None:
    assert rates_of([0, 0], [3, 7]) == [0.0, 0.0]
    assert rates_of([3, 7], [3, 7]) == [1.0, 1.0]


def test_cells_of_less_than_a_lead_tell_nothing_apart() -> None:
    assert rates_of([0.5, 0, 0, 0], [0.5] * 4) == [0.25] * 4


def test_nothing_seen_has_no_ratio() -> None:
    for found in (rates_of([0, 0], [0, 0]), costs_of([0, 0], [3, 4]), costs_of([5, 5], [0, 0])):
        assert all(math.isnan(each) for each in found)
    assert rates_of([], []) == costs_of([], []) == []


def test_a_lead_too_small_to_divide_by_gives_no_infinite_cost() -> None:
    for found in (costs_of([100], [5e-324]), costs_of([100, 50], [5e-324, 0]), costs_of([100], [1e-307])):
        assert all(math.isnan(each) for each in found)
    assert rates_of([5e-324, 2], [5e-324, 4]) == pytest.approx([0.5, 0.5])


# Laws.


@given(CELLS)
def test_a_shrunken_rate_lies_between_the_raw_one_and_that_of_all(cells: list[tuple[float, float]]) -> None:
    leads = [n for _, n in cells]
    wins = [share * n for share, n in cells]
    mu = sum(wins) / sum(leads) if sum(leads) else math.nan
    for shrunken, won, n in zip(rates_of(wins, leads), wins, leads, strict=True):
        if n > 0:
            low, high = sorted([won / n, mu])
            assert low - 1e-12 <= shrunken <= high + 1e-12


@given(CELLS)
def test_weighted_by_leads_and_prior_the_mean_is_the_rate_of_all(cells: list[tuple[float, float]]) -> None:
    cells = [(share, n) for share, n in cells if n > 0]
    leads = np.array([n for _, n in cells])
    wins = np.array([share * n for share, n in cells])
    rho = correlated(wins, leads) if cells else 0.0
    if rho > 0:
        weight = leads + (1 / rho - 1)
        mean = (weight * shrunken_rates(wins, leads)).sum() / weight.sum()
        assert mean == pytest.approx(wins.sum() / leads.sum(), rel=1e-9)


@given(MONEY)
def test_weighted_by_leads_and_prior_the_mean_is_the_cost_of_all(cells: list[tuple[float, float]]) -> None:
    cells = [(s, n) for s, n in cells if s > 0]
    spend, leads = np.array([s for s, _ in cells]), np.array([n for _, n in cells])
    phi = dispersed(spend, leads) if leads.sum() else 0.0
    if phi > 0:
        weight = leads + leads.sum() / spend.sum() / phi
        mean = (weight * shrunken_costs(spend, leads)).sum() / weight.sum()
        assert mean == pytest.approx(spend.sum() / leads.sum(), rel=1e-9)


@given(CELLS, MONEY, st.randoms(use_true_random=False))
def test_the_order_of_the_cells_changes_no_bit(
    cells: list[tuple[float, float]], money: list[tuple[float, float]], chance: random.Random
) -> None:
    for rows, shrink in ((cells, rates_of), (money, costs_of)):
        place = list(range(len(rows)))
        chance.shuffle(place)
        first, second = ([each[i] for each in rows] for i in (0, 1))
        if shrink is rates_of:
            first = [share * n for share, n in zip(first, second, strict=True)]
        mixed = shrink([first[p] for p in place], [second[p] for p in place])
        assert repr(mixed) == repr([shrink(first, second)[p] for p in place])


@given(MONEY, st.sampled_from([0.01, 100.0]))
def test_the_unit_of_the_money_is_that_of_the_cost(cells: list[tuple[float, float]], unit: float) -> None:
    spend, leads = [s for s, _ in cells], [n for _, n in cells]
    scaled = costs_of([unit * s for s in spend], leads)
    assert scaled == pytest.approx([unit * each for each in costs_of(spend, leads)], rel=1e-6, nan_ok=True)


# Against a known truth.


def test_the_moments_find_the_correlation_that_made_the_rates() -> None:
    chance, leads = np.random.default_rng(1), np.random.default_rng(2).integers(5, 400, 200).astype(float)
    for rho in (0.02, 0.1, 0.3):
        size = 1 / rho - 1
        drawn = [
            chance.binomial(leads.astype(int), chance.beta(0.3 * size, 0.7 * size, 200)) for _ in range(60)
        ]
        found = [correlated(wins.astype(float), leads) for wins in drawn]
        assert np.mean(found) == pytest.approx(rho, rel=0.1)


def test_the_moments_find_the_variance_that_made_the_costs() -> None:
    chance, spend = np.random.default_rng(3), np.random.default_rng(4).uniform(100, 5_000, 200)
    for phi in (0.001, 0.01):
        drawn = [chance.poisson(chance.gamma(0.02 / phi, phi, 200) * spend) for _ in range(60)]
        found = [dispersed(spend, leads.astype(float)) for leads in drawn]
        assert np.mean(found) == pytest.approx(phi, rel=0.1)


def test_shrunken_rates_miss_the_truth_by_less_than_raw_ones() -> None:
    chance, raw, shrunken = np.random.default_rng(5), 0.0, 0.0
    for _ in range(300):
        leads = chance.integers(2, 80, 10).astype(float)
        truth = chance.beta(6, 14, 10)
        wins = chance.binomial(leads.astype(int), truth).astype(float)
        raw += float(((wins / leads - truth) ** 2).sum())
        shrunken += float(((shrunken_rates(wins, leads) - truth) ** 2).sum())
    assert shrunken < 0.7 * raw


def test_shrunken_costs_miss_the_truth_by_less_than_raw_ones() -> None:
    chance, raw, shrunken = np.random.default_rng(6), 0.0, 0.0
    for _ in range(300):
        spend = chance.uniform(50, 2_000, 10)
        truth = chance.gamma(8, 0.02 / 8, 10)  # leads per unit of money
        leads = chance.poisson(truth * spend).astype(float)
        if leads.sum():
            raw += float(((leads / spend - truth) ** 2).sum())
            shrunken += float(((1 / shrunken_costs(spend, leads) - truth) ** 2).sum())
    assert shrunken < 0.7 * raw


# In the KPI table.

CREDITS = Credits(
    "linear",
    ("ads", "mail", "fairs", "direct"),
    OUTCOMES,
    np.array([[40.0, 10.5, 5_000], [20, 10, 1_000], [0, 0, 0], [30, 0, 0]]),
    np.array([10.0, 4.5, 400]),
)
SPEND = pl.DataFrame({"channel": ["ads", "mail", "fairs", "print"], "spend": [800.0, 100.0, 500.0, 0.0]})


def shrunken_table(credits: at.Credits | at.Result, names: Sequence[str] = OUTCOMES) -> pl.DataFrame:
    """Return the KPI table with the shrunken ratios."""
    table = measure(credits, SPEND).table()
    return with_shrunken(
        table.drop(["win_rate_shrunken", "cost_per_lead_shrunken"], strict=False), ["channel"], names
    )


def test_each_shrunken_ratio_stands_after_its_raw_one_and_nothing_else_changes() -> None:
    table = shrunken_table(CREDITS)
    names = table.columns
    for raw in ("win_rate", "cost_per_lead"):
        assert names.index(f"{raw}_shrunken") == names.index(raw) + 1
        assert names.count(raw) == 1
    plain = measure(CREDITS, SPEND).table()
    assert table.select(plain.columns).equals(plain)


def test_cells_have_the_shrunken_ratios_and_the_total_its_raw_ones() -> None:
    rows = {row["channel"]: row for row in shrunken_table(CREDITS).iter_rows(named=True)}
    rates = dict(zip(["ads", "mail", "direct"], rates_of([10.5, 10, 0], [40, 20, 30]), strict=True))
    costs = dict(zip(["ads", "mail", "fairs"], costs_of([800, 100, 500], [40, 20, 0]), strict=True))
    for channel, row in rows.items():
        if channel != "(total)":
            assert row["win_rate_shrunken"] == rates.get(channel), channel
            assert row["cost_per_lead_shrunken"] == costs.get(channel), channel
    assert rows["fairs"]["cost_per_lead"] is None
    assert rows["fairs"]["cost_per_lead_shrunken"] > rows["ads"]["cost_per_lead_shrunken"]
    assert rows["(unattributed)"]["win_rate"] is not None
    for name in ("win_rate", "cost_per_lead"):
        assert rows["(total)"][f"{name}_shrunken"] == rows["(total)"][name] is not None


def test_every_model_has_its_own_prior() -> None:
    other = Credits("other", ("ads", "mail"), OUTCOMES, [[60, 30, 0], [30, 3, 0]], [10, 0, 0])
    both = shrunken_table(Result({"linear": CREDITS, "other": other}))
    for credits in (CREDITS, other):
        assert both.filter(model=credits.model).equals(shrunken_table(credits))


def test_totals_that_were_shared_have_a_cost_and_no_win_rate() -> None:
    shared = Credits(
        "markov", CREDITS.channels, OUTCOMES, CREDITS.values, CREDITS.unattributed, by_journey=False
    )
    table = shrunken_table(shared)
    assert table["win_rate_shrunken"].null_count() == len(table)
    assert table["cost_per_lead_shrunken"].drop_nulls().len() == 4


def test_without_wins_there_is_no_win_rate() -> None:
    credits = Credits("linear", ("ads", "mail"), ("leads",), [[4], [6]], [0])
    table = shrunken_table(credits, ["leads"])
    assert table["win_rate_shrunken"].null_count() == len(table)
    assert table.schema["win_rate_shrunken"] == pl.Float64


def test_without_spend_there_is_no_cost() -> None:
    table = measure(CREDITS, SPEND.clear()).table()
    assert table["cost_per_lead_shrunken"].head(-1).null_count() == len(table) - 1
    assert table["win_rate_shrunken"].drop_nulls().len() == 4


@pytest.mark.parametrize(
    "by", [["channel"], ["channel", "month"], ["month"], ["owner"], ["touchpoint_month"]]
)
def test_the_sample_by_any_dimension_has_shrunken_ratios_where_it_has_raw_ones(by: list[str]) -> None:
    sample = at.sample.load()
    journeys = at.stitch(sample.touchpoints, sample.leads)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear(), at.LastTouch()))
    table = measure(log, sample.spend, by=by).table()
    for rows in table.partition_by("model"):
        cells, total = rows.head(-1), rows.tail(1).row(0, named=True)
        if "channel" in by:
            rest = cells.filter(channel="(unattributed)")
            assert rest["win_rate_shrunken"].null_count() == len(rest) > 0
            cells = cells.filter(pl.col("channel") != "(unattributed)")
        assert cells["win_rate"].is_null().equals(cells["win_rate_shrunken"].is_null(), check_names=False)
        bought = cells["spend"].fill_null(0) > 0
        assert bought.equals(cells["cost_per_lead_shrunken"].is_not_null(), check_names=False)
        assert total["win_rate_shrunken"] == total["win_rate"]
        assert total["cost_per_lead_shrunken"] == total["cost_per_lead"]
        assert rows.select(pl.selectors.float().is_not_nan().all()).row(0).count(False) == 0
