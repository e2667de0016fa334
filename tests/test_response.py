"""Response curves: twins in plain Python, histories without noise, pooling, and what totals confirm."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from markets import counted_in, measured_in, weekly
from polars.testing import assert_frame_equal

import attribution as at
from attribution.budget.carry_over import stock_of
from attribution.budget.grid import LOGITS, grid_of
from attribution.budget.incrementality import shares_of
from attribution.budget.noise import redrawn
from attribution.budget.pooling import CENTRES, pool
from attribution.budget.response import HALF_LIVES
from attribution.budget.shapes import SHAPES
from attribution.simulation.market import Market, Paid
from attribution.statistics import Resampling

WEEKS = 80


def plain_curve(shape: str, z: float, elasticity: float) -> float:
    """Return h(z), each shape as it is written in a book."""
    if shape == "power":
        return z**elasticity
    if shape == "hill":
        half = elasticity / (1 - elasticity)
        return (z / (z + half)) / (1 / (1 + half))
    low, high = 1e-12, 1e30  # u, by halving its logarithm
    for _ in range(300):
        u = math.sqrt(low * high)
        low, high = (u, high) if u / ((1 + u) * math.log1p(u)) > elasticity else (low, u)
    return math.log1p(u * z) / math.log1p(u)


def plain_stock(spend: list[float], half_life: float) -> list[float]:
    keep = 0.5 ** (1 / half_life) if half_life else 0.0
    last, stock = sum(spend) / len(spend), []
    for money in spend:
        last = keep * last + (1 - keep) * money
        stock.append(last)
    return stock


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("elasticity", [0.05, 0.3, 0.5, 0.9])
def test_a_shape_is_what_its_book_says_and_its_slope_is_that_of_its_value(shape, elasticity: float) -> None:
    scale = shape.scale(np.array(elasticity))
    for z in (0.01, 0.5, 1.0, 2.7, 10.0):
        assert shape.value(np.array(z), scale).item() == pytest.approx(
            plain_curve(shape.name, z, elasticity), rel=1e-8
        )
        step = 1e-6 * z
        rise = shape.value(np.array(z + step), scale) - shape.value(np.array(z - step), scale)
        assert shape.slope(np.array(z), scale).item() == pytest.approx(rise.item() / (2 * step), rel=1e-6)
    assert shape.value(np.array(0.0), scale).item() == 0.0
    assert shape.value(np.array(1.0), scale).item() == pytest.approx(1.0)
    assert shape.slope(np.array(1.0), scale).item() == pytest.approx(elasticity)  # at h(1) = 1


def test_the_stock_is_that_of_a_loop() -> None:
    random = np.random.default_rng(1)
    spend = random.uniform(0.0, 100.0, 30)
    stock = stock_of(spend, HALF_LIVES, spend.mean())
    for h, half_life in enumerate(HALF_LIVES):
        assert stock[h] == pytest.approx(plain_stock(spend.tolist(), half_life), rel=1e-12)


def test_the_likelihood_of_the_grid_is_that_of_a_poisson_loop() -> None:
    random = np.random.default_rng(2)
    spend, outcome = random.uniform(10.0, 90.0, 12), random.poisson(8, 12).astype(float)
    grid = grid_of(spend, np.array([0.0, 2.0]))
    found = grid.likelihood(outcome[None])[0]
    usual = spend.mean()
    plain = {}
    for f, shape in enumerate(SHAPES):
        for j in (0, 7, 20, 33, 40):
            for h, half_life in enumerate((0.0, 2.0)):
                elasticity = 1 / (1 + math.exp(-LOGITS[j]))
                stock = plain_stock(spend.tolist(), half_life)
                curve = [plain_curve(shape.name, each / usual, elasticity) for each in stock]
                level = sum(outcome) / sum(curve)
                plain[f, j, h] = sum(
                    y * math.log(level * g) - level * g for y, g in zip(outcome, curve, strict=True)
                )
    first = next(iter(plain))
    for place, value in plain.items():  # up to what no curve changes
        assert found[place] - found[first] == pytest.approx(value - plain[first], abs=1e-9)


def without_noise(shape: str, elasticity: float, half_life: float) -> at.Measured:
    """Return a channel whose leads lie on a curve exactly, and others that are not random either."""
    random = np.random.default_rng([7, SHAPES.index(next(s for s in SHAPES if s.name == shape))])
    spend = (800 * np.exp(0.6 * random.standard_normal(WEEKS))).tolist()
    usual = sum(spend) / WEEKS
    stock = plain_stock(spend, half_life)
    leads = [50 * plain_curve(shape, each / usual, elasticity) for each in stock]
    return weekly({"Ads": spend}, {"Ads": leads, "(unattributed)": [10.0] * WEEKS})


@pytest.mark.parametrize("shape", [shape.name for shape in SHAPES])
@pytest.mark.parametrize(("elasticity", "half_life"), [(0.25, 0.0), (0.5, 2.0), (0.75, 4.0)])
def test_a_curve_without_noise_is_found_with_its_shape_and_its_half_life(
    shape: str, elasticity: float, half_life: float
) -> None:
    response = at.response_curves(without_noise(shape, elasticity, half_life))
    row = response.table().row(0, named=True)
    assert row["shape"] == shape
    assert row["half_life_days"] == 7 * half_life
    assert row["elasticity"] == pytest.approx(elasticity, abs=0.01)
    assert row["leads"] == pytest.approx(50.0, rel=0.01)
    assert row["incremental_share"] == pytest.approx(1.0, abs=0.01)
    usual = response.past.usual[0]
    for z in (0.2, 1.0, 2.0):
        found = response.draws.value(np.array([z * usual])).mean()
        assert found == pytest.approx(50 * plain_curve(shape, z, elasticity), rel=0.02)


def test_a_half_life_that_is_given_is_kept() -> None:
    response = at.response_curves(without_noise("hill", 0.5, 2.0), half_life=14.0)
    assert response.table()["half_life_days"].item() == 14.0
    assert response.table()["elasticity"].item() == pytest.approx(0.5, abs=0.01)
    wrong = at.response_curves(without_noise("hill", 0.5, 2.0), half_life=0.0)
    assert wrong.table()["elasticity"].item() < 0.4  # what was spent before is missed


def test_a_channel_whose_spend_never_varied_has_the_curve_of_the_others_and_a_wider_interval() -> None:
    steady = Paid("Steady", "power", 3.0, 0.4, spend=900.0, swing=0.0)
    others = tuple(Paid(name, "power", 4.0, 0.4, spend=1_000.0, swing=0.7) for name in "ABCD")
    measured = counted_in(Market((*others, steady), 100.0), 104, 0, Resampling(0.9, 400, 0))
    response = at.response_curves(measured)
    table = response.table()
    width = dict(zip(table["channel"], table["elasticity_high"] - table["elasticity_low"], strict=True))
    middle = dict(zip(table["channel"], table["elasticity"], strict=True))
    assert width["Steady"] > 1.5 * max(width[name] for name in "ABCD")
    assert middle["Steady"] == pytest.approx(np.mean([middle[name] for name in "ABCD"]), abs=0.1)
    told = dict(zip(table["channel"], table["reason"], strict=True))
    assert "never varied" in told["Steady"]
    assert all(told[name] is None for name in "ABCD")
    alone = at.response_curves(counted_in(Market((steady,), 100.0), 104, 0, Resampling(0.9, 400, 0))).table()
    assert alone["elasticity_low"].item() < 0.2  # nothing is known, and it says so
    assert alone["elasticity_high"].item() > 0.8


def test_pooling_is_the_prior_where_nothing_is_said_and_the_channels_where_they_speak() -> None:
    silent = pool(np.zeros((3, len(LOGITS), 2)))
    assert silent.half_lives.tolist() == [0.5, 0.5]
    centre = (silent.weights.sum(axis=1) * CENTRES).sum()
    assert centre == pytest.approx(0.0, abs=1e-9)
    sharp = np.full((8, len(LOGITS), 2), -50.0)
    sharp[:, 30, 1] = 0.0  # eight channels at one elasticity and the second half-life
    heard = pool(sharp)
    assert (heard.weights.sum(axis=1) * CENTRES).sum() == pytest.approx(LOGITS[30], abs=0.3)
    assert heard.half_lives[1] > 0.9
    drawn, spread = heard.draw(4_000, 2, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(LOGITS[30], abs=0.3)
    assert spread.mean() < 0.6


def test_shares_are_those_of_a_ridge_regression_on_totals_without_their_trend() -> None:
    random = np.random.default_rng(5)
    periods, true = 60, np.array([1.0, 0.4])
    curves = 10 + random.normal(0.0, 3.0, (1, 2, periods))
    total = 200 + 0.7 * np.arange(periods) + true @ curves[0] + random.normal(0.0, 0.5, periods)
    found = shares_of(np.repeat(curves, 2, axis=0), np.repeat(total[None], 2, axis=0), random)
    assert found[0] == pytest.approx(true, abs=0.1)
    # The same by least squares with rows for the prior: D / sqrt(v), 1 / spread, and free level and trend.
    base = np.stack([np.ones(periods), np.arange(periods)], axis=1)
    free = np.linalg.lstsq(np.hstack([curves[0].T, base]), total, rcond=None)
    noise = free[1][0] / (periods - 4)
    shares = [
        np.linalg.lstsq(
            np.vstack(
                [np.hstack([curves[0].T, base]) / math.sqrt(noise), [[1 / s, 0, 0, 0], [0, 1 / s, 0, 0]]]
            ),
            np.append(total / math.sqrt(noise), [1 / s, 1 / s]),
            rcond=None,
        )[0][:2]
        for s in (0.2, 1.0)
    ]
    low, high = np.minimum(*shares) - 1e-6, np.maximum(*shares) + 1e-6
    assert ((low <= found[0]) & (found[0] <= high)).all()  # the spread is between these


def test_noise_is_that_of_customers_and_of_what_they_do_not_explain() -> None:
    market = Market((Paid("Ads", "power", 4.0, 0.4, spend=900.0, swing=0.0),), 100.0)
    past = at.response_curves(counted_in(market, 104, 3, Resampling(0.9, 2_000, 0))).past
    mean = np.vstack([np.full(104, past.outcome.mean()), np.full(104, past.rest.mean())])
    flat = replace(past, outcome=mean[:1] * 1.0, rest=mean[1] * 1.0, drawn=None)
    shocked = flat.outcome + np.where(np.arange(104) % 2, 12.0, -12.0)
    alone = redrawn(replace(flat, outcome=shocked), mean, 2, np.random.default_rng(0))
    assert alone.shape == (2_001, 2, 104)
    assert alone[0, 0] == pytest.approx(shocked[0])
    assert alone[1:, 0].std(axis=0).mean() == pytest.approx(12.0, rel=0.05)  # as the weeks vary, no more
    both = redrawn(past, mean, 2, np.random.default_rng(0))
    by_customers = past.drawn[:, 0].std(axis=0).mean()
    assert by_customers <= both[1:, 0].std(axis=0).mean() < 1.15 * by_customers  # not counted twice
    shift = shocked - flat.outcome
    shaken = replace(past, outcome=past.outcome + shift, drawn=past.drawn + np.vstack([shift, 0 * shift]))
    spread = redrawn(shaken, mean, 2, np.random.default_rng(0))[1:, 0].std(axis=0).mean()
    assert spread == pytest.approx(math.hypot(by_customers, 12.0), rel=0.05)


def test_more_money_units_or_more_customers_change_what_they_must_and_nothing_else() -> None:
    market = Market((Paid("A", "hill", 90.0, 700.0, 800.0), Paid("B", "power", 3.0, 0.5, 900.0)), 60.0)
    one = measured_in(market, 52, 1)
    sums = one.sums
    cents = replace(one, sums=sums.with_columns(pl.col("spend") * 100))
    ours, theirs = (at.response_curves(each).table() for each in (one, cents))
    for name in ("elasticity", "leads", "incremental_share", "half_life_days"):
        assert theirs[name].to_list() == pytest.approx(ours[name].to_list(), rel=1e-6)
    assert theirs["usual_spend"].to_list() == pytest.approx((100 * ours["usual_spend"]).to_list())
    scenario = at.FixedBudget(1_700.0)
    plan, in_cents = at.reallocate(one, scenario), at.reallocate(cents, at.FixedBudget(170_000.0))
    assert in_cents.spend / 100 == pytest.approx(plan.spend, abs=0.02)

    shuffled = replace(one, sums=sums.sample(fraction=1.0, shuffle=True, seed=3))
    assert_frame_equal(at.reallocate(shuffled, scenario).table(), plan.table(), check_exact=True)
    assert_frame_equal(at.reallocate(one, scenario).table(), plan.table(), check_exact=True)


def test_the_curve_table_rises_from_nothing_and_says_what_was_seen() -> None:
    market = Market((Paid("A", "hill", 90.0, 700.0, 800.0), Paid("B", "power", 3.0, 0.5, 900.0)), 60.0)
    response = at.response_curves(counted_in(market, 52, 1, Resampling(0.9, 200, 0)))
    curve = response.curve(points=11)
    assert curve.columns == [
        "model",
        "period",
        *("channel", "spend", "leads", "leads_low", "leads_high", "seen"),
    ]
    for name, each in curve.group_by("channel", maintain_order=True):
        assert len(each) == 11
        assert each["spend"][0] == 0.0
        assert each["leads"][0] == 0.0
        assert (each["leads"].diff().drop_nulls() > 0).all()
        assert (each["leads"].diff().diff().drop_nulls() < 1e-9).all()  # each step brings less
        assert (each["leads_low"] <= each["leads"]).all()
        assert (each["leads"] <= each["leads_high"] + 1e-9).all()
        highest = response.past.spend.max(axis=1)[response.past.channels.index(name[0])]
        assert each["spend"][-1] == pytest.approx(2 * highest)
        lowest = response.past.spend.min(axis=1)[response.past.channels.index(name[0])]
        assert each["seen"].to_list() == [lowest <= money <= highest + 1e-9 for money in each["spend"]]
        assert each["seen"].any()


def test_a_backtest_of_a_curve_that_holds_foretells_and_the_mean_of_before_does_not() -> None:
    market = Market((Paid("A", "hill", 900.0, 700.0, 800.0), Paid("B", "power", 30.0, 0.5, 900.0)), 60.0)
    measured = counted_in(market, 60, 1, Resampling(0.9, 200, 0))
    sums = measured.sums.sort("channel", "week")
    found = at.backtest_response(measured, periods=6)
    assert found["channel"].to_list() == ["A", "B", "(total)"]
    for row in found.iter_rows(named=True):
        names = ["A", "B"] if row["channel"] == "(total)" else [row["channel"]]
        of = sums.filter(pl.col("channel").is_in(names))
        later = of.filter(pl.col("week") > of["week"].unique().sort()[53])
        assert row["leads"] == pytest.approx(later["leads"].sum())
        assert row["spend"] == pytest.approx(later["spend"].sum())
        assert row["leads_expected_low"] <= row["leads"] <= row["leads_expected_high"]
        assert row["error"] == pytest.approx(row["leads_expected"] - row["leads"])
        before = of.filter(pl.col("week") <= of["week"].unique().sort()[53])
        unchanged = before["leads"].sum() / 54 * 6
        assert row["error_unchanged"] == pytest.approx(unchanged - row["leads"])
    total = found.row(-1, named=True)
    assert abs(total["error"]) < abs(total["error_unchanged"])
    for periods in (0, 53, 2.5):
        with pytest.raises(at.ParameterError, match=r"parameter 'periods': got .*, expected 1 to 52"):
            at.backtest_response(measured, periods=periods)  # type: ignore[arg-type]


def test_one_late_lead_of_what_had_ended_changes_no_share() -> None:
    market = Market((Paid("A", "hill", 90.0, 700.0, 800.0), Paid("B", "power", 3.0, 0.5, 900.0)), 60.0)
    one = counted_in(market, 40, 1, Resampling(0.9, 200, 0))
    week = pl.col("week").rank("dense").over("channel")
    ended = pl.when(pl.col("channel") != "organic").then("leads").when(week <= 6).then("leads").otherwise(0.0)
    late = pl.when((pl.col("channel") == "organic") & (week == 40)).then(1.0).otherwise(ended)
    shares = [
        at.response_curves(replace(one, sums=one.sums.with_columns(leads=each), replicated=None)).draws.share
        for each in (ended, late)
    ]
    assert shares[1].mean(axis=0) == pytest.approx(shares[0].mean(axis=0), abs=0.2)
    assert shares[1].max() < 4


def test_a_channel_that_is_never_credited_is_held_and_one_whose_spend_began_late_has_no_backtest() -> None:
    market = Market((Paid("A", "hill", 90.0, 700.0, 800.0), Paid("B", "power", 3.0, 0.5, 900.0)), 60.0)
    one = counted_in(market, 40, 1, Resampling(0.9, 200, 0))
    radio = pl.when(pl.col("channel") == "B").then(0.0).otherwise("leads")
    plan = at.reallocate(
        replace(one, sums=one.sums.with_columns(leads=radio), replicated=None), at.FixedBudget(1_600)
    )
    told = plan.table().filter(channel="B").row(0, named=True)
    assert told["held"]
    assert "nothing was ever credited to it" in told["reason"]
    week = pl.col("week").rank("dense").over("channel")
    late = pl.when((pl.col("channel") == "B") & (week <= 37)).then(0.0).otherwise("spend")
    begun = replace(one, sums=one.sums.with_columns(spend=late), replicated=None)
    with pytest.raises(at.ParameterError, match="expected fewer: 'B' had no spend before them"):
        at.backtest_response(begun, periods=4)


def test_periods_that_are_not_complete_are_told_and_left_out_if_asked() -> None:
    market = Market((Paid("A", "hill", 90.0, 700.0, 800.0), Paid("B", "power", 3.0, 0.5, 900.0)), 60.0)
    one = counted_in(market, 40, 1, Resampling(0.9, 200, 0))
    days = one.sums["week"].unique().sort()
    edge = pl.col("week").is_in([days[0], days[-1]])
    cut = one.sums.with_columns(
        pl.when(edge).then(pl.col("spend", "leads") / 7).otherwise(pl.col("spend", "leads"))
    )
    past = at.response_curves(replace(one, sums=cut)).past
    assert len(past.warnings) == 2
    assert f"leave it out with complete_from {days[1]} (--complete-from {days[1]})" in past.warnings[0]
    assert f"leave it out with complete_before {days[-1]} (--complete-before {days[-1]})" in past.warnings[1]
    whole = at.response_curves(replace(one, sums=cut), complete_from=days[1], complete_before=days[-1]).past
    assert whole.days == tuple(days[1:-1])
    assert whole.warnings == ()
    assert whole.now_days == (days[-5], days[-2])
    with pytest.raises(at.ParameterError, match=r"parameter 'complete_from': .*expected a date not after"):
        at.response_curves(one, complete_from=date(2030, 1, 1))


def test_backtests_hold_a_demand_that_moves_all_channels_at_once() -> None:
    inside = 0
    for seed in range(16):
        market = Market(tuple(Paid(name, "hill", 60.0, 700.0, 800.0) for name in "ABCDE"), 60.0)
        measured = counted_in(market, 52, seed, Resampling(0.9, 120, seed))
        weeks = measured.sums["week"].unique().sort()
        demand = np.exp(0.2 * np.random.default_rng([seed, 7]).standard_normal(len(weeks)))
        by_week = pl.DataFrame({"week": weeks, "demand": demand})
        sums = measured.sums.join(by_week, on="week", how="left", maintain_order="left")
        sums = sums.with_columns(pl.col("leads") * pl.col("demand")).drop("demand")
        found = at.backtest_response(replace(measured, sums=sums, replicated=None), periods=4).row(
            -1, named=True
        )
        inside += found["leads_expected_low"] <= found["leads"] <= found["leads_expected_high"]
    assert inside >= 12  # 95 % of 16 are 15; drawn channel by channel it was half of them


def test_backtests_hold_what_happened_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(40):
        market = Market((Paid("A", "hill", 300.0, 700.0, 800.0), Paid("B", "power", 9.0, 0.5, 900.0)), 60.0)
        measured = counted_in(market, 52, seed, Resampling(0.9, 120, seed))
        row = at.backtest_response(measured, periods=4).row(-1, named=True)
        inside += row["leads_expected_low"] <= row["leads"] <= row["leads_expected_high"]
    assert 31 <= inside < 40  # 90 % of 40 are 36, and three standard deviations 6
