"""The fitted half-life: against its naive twin, in worlds that are known, at the edges, and refusals."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import expm1, inf, log, log2
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom

import attribution as at
from attribution.journeys import DAY, Journeys
from attribution.models.half_life import log_likelihood
from attribution.statistics.ages import HALF_LIVES, AgeCounts, Ages

NIGHTLY = os.environ.get("ATTRIBUTION_PROFILE") == "nightly"
WORLDS = 400 if NIGHTLY else 40
START = 1_750_000_000_000_000
WINDOW, DAYS = 30.0, 120.0
AS_OF = "2025-10-13T15:06:40Z"  # START and 120 days
MOMENT = pl.Datetime("us", "UTC")
START_TIME = pl.lit(START).cast(MOMENT)


# The naive twin: one journey after the other, one touchpoint after the other, no bins.


class Watched(NamedTuple):
    """Journeys of one path: ages, oldest first, and how many days before the end of the data they end."""

    ages: tuple[float, ...]
    conversions: float
    nulls: float
    later: float


def by_twin(journeys: Sequence[Watched], half_life: float, window: float) -> float:
    """Return the log likelihood with the rate at its best, but for what no half-life changes."""
    logs, exposed, conversions = 0.0, 0.0, 0.0
    for each in journeys:
        if each.conversions:
            newest = each.ages[-1] if each.ages else 0.0
            rate = sum(2 ** -((age - newest) / half_life) for age in each.ages)
            if rate:
                logs += each.conversions * (log(rate) - newest / half_life * log(2))
                conversions += each.conversions
        for age in each.ages:
            for weight, days in ((each.conversions, age), (each.nulls, min(window, age + each.later))):
                exposed += weight * half_life * -expm1(-days / half_life * log(2)) / log(2)
    return logs - conversions * log(exposed)


def observed(journeys: Sequence[Watched]) -> Journeys:
    """Return the journeys as arrays, in data that end at START."""
    return Journeys(
        ("ads",),
        ("leads",),
        [0, *accumulate(len(each.ages) for each in journeys)],
        np.zeros(sum(len(each.ages) for each in journeys), dtype=np.uint16),
        [age for each in journeys for age in each.ages],
        [each.conversions + each.nulls for each in journeys],
        np.array([each.conversions for each in journeys]).reshape(-1, 1),
        np.array([START - round(each.later * DAY) for each in journeys], dtype=np.int64),
    )


gaps = st.sampled_from([0.0, 0.001, 0.02, 0.5, 1.0, 3.0, 3.1, 9.0])
counts = st.sampled_from([0.0, 1.0, 1.0, 2.0, 0.25, 40.0])
some_journeys = st.lists(
    st.builds(
        lambda gaps, conversions, nulls, later: Watched(
            tuple(accumulate(gaps))[::-1], conversions, nulls, later
        ),
        st.lists(gaps, max_size=4),
        counts,
        counts,
        st.sampled_from([0.0, 0.25, 2.0, 29.0, 400.0]),
    ),
    min_size=1,
    max_size=6,
)


@given(journeys=some_journeys, window=st.sampled_from([36.0, 60.0, 1e4]))
def test_the_log_likelihood_is_that_of_its_twin(journeys: list[Watched], window: float) -> None:
    counts = Ages(window, START).observe(observed(journeys))
    assert counts.conversions == sum(each.conversions for each in journeys if each.ages)
    assume(counts.conversions and counts.days.sum() > 0)
    ours = log_likelihood(counts, (0.0, 0.0))
    for place in range(0, len(HALF_LIVES), 16):
        theirs = by_twin(journeys, float(HALF_LIVES[place]), window)
        assert ours[place] == pytest.approx(theirs, rel=1e-4, abs=1e-4 * counts.conversions)


@given(journeys=some_journeys, part=st.integers(0, 6))
def test_evidence_adds_up(journeys: list[Watched], part: int) -> None:
    ages = Ages(WINDOW, START)
    parts: list[AgeCounts] = [ages.observe(observed(some)) for some in (journeys[:part], journeys[part:])]
    assert_same(parts[0] + parts[1], ages.observe(observed(journeys)))


@given(journeys=some_journeys)
def test_weight_2_is_two_copies(journeys: list[Watched]) -> None:
    ages = Ages(WINDOW, START)
    heavy = [each._replace(conversions=2 * each.conversions, nulls=2 * each.nulls) for each in journeys]
    assert_same(ages.observe(observed(heavy)), ages.observe(observed([*journeys, *journeys])))


def assert_same(one: AgeCounts, other: AgeCounts) -> None:
    """Compare evidence number by number."""
    assert one.conversions == pytest.approx(other.conversions)
    for name in ("logs", "watched", "days"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12)


# Worlds whose half-life is known.


def world(
    seed: int, half_life: float, customers: int, again: bool = True, used: bool = True
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return touchpoints at random times of 120 days, and the conversions to which they lead.

    Every touchpoint makes conversions at the rate 0.08 x 2^(-age / half_life) for 30 days, until its
    customer converts: it is used up then (``used``). ``again``: a customer may convert again.
    """
    draw = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), draw.poisson(4, customers))
    touched = draw.random(len(customer)) * DAYS
    all_of_it = 1 - 2 ** (-WINDOW / half_life)
    made = draw.poisson(0.08 * half_life / log(2) * all_of_it, len(touched))
    by = np.repeat(np.arange(len(touched)), made)
    when = touched[by] - half_life * np.log2(1 - draw.random(len(by)) * all_of_it)
    last: dict[int, float] = {}
    converted = []
    for place in np.argsort(when):
        who, time = int(customer[by[place]]), float(when[place])
        fresh = who not in last or (again and (not used or touched[by[place]] > last[who]))
        if time < DAYS and fresh:
            last[who] = time
            converted.append((who, time))
    channel = pl.Series(["ads", "mail"]).gather(draw.integers(0, 2, len(touched)))
    return (
        pl.DataFrame({"customer_id": customer, "channel": channel, "timestamp": moments(touched)}),
        pl.DataFrame(
            {
                "customer_id": pl.Series([who for who, _ in converted], dtype=pl.Int64),
                "timestamp": moments([time for _, time in converted]),
            }
        ),
    )


def moments(days: Any) -> pl.Series:
    """Return days from the start as times."""
    return pl.Series(START + (np.asarray(days, dtype=np.float64) * DAY).astype(np.int64)).cast(MOMENT)


def fitted(
    tables: tuple[pl.DataFrame, pl.DataFrame], folds: int = 64, replicates: int = 200, **how: Any
) -> at.HalfLife:
    """Return the half-life that is fitted to the journeys of two tables."""
    journeys = at.stitch(*tables, lookback_days=WINDOW, as_of=AS_OF, folds=folds, **how)
    return at.TimeDecay.fit(journeys, replicates=replicates)


@pytest.mark.parametrize("half_life", [1, 3, 10])
def test_the_half_life_of_a_world_is_found(half_life: float) -> None:
    found = fitted(world(1, half_life, 1500))
    assert found.low is not None
    assert found.high is not None
    assert found.low < half_life < found.high
    assert found.low < found.half_life < found.high
    assert found.half_life == pytest.approx(half_life, rel=0.2)
    assert found.high / found.low < 1.7  # an interval that says something
    assert not found.reason


def test_the_interval_holds_the_half_life_as_often_as_it_says() -> None:
    held = 0
    for seed in range(WORLDS):
        found = fitted(world(seed, 3, 300))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 3 <= found.high
    low, high = binom.ppf([0.0005, 0.9995], WORLDS, 0.95)
    print(f"{held} of {WORLDS}")
    assert low <= held <= high


def test_the_answer_is_the_top_of_the_twins_likelihood() -> None:
    touchpoints, conversions = world(2, 3, 300)
    journeys = at.stitch(touchpoints, conversions, lookback_days=WINDOW, as_of=AS_OF, folds=64)
    rows = [
        Watched(tuple(ages), leads, count - leads, (START + DAYS * DAY - end) / DAY)
        for ages, leads, count, end in journeys.table()
        .select("age_days", "leads", "count", pl.col("ends_at").cast(pl.Int64))
        .rows()
    ]
    outside = journeys.report.tables["touchpoints"].set_aside["outside_window"]
    rows.append(Watched((WINDOW,) * outside, 0.0, 1.0, 0.0))  # they were watched for all of the window
    best = minimize_scalar(lambda bits: -by_twin(rows, 2**bits, WINDOW), bounds=(-3, 8), method="bounded")
    found = at.TimeDecay.fit(journeys, replicates=100)
    assert outside > 100
    assert log2(found.half_life) == pytest.approx(best.x, abs=0.005)
    assert found.conversions == len(conversions)


def test_time_in_another_unit_is_a_half_life_in_that_unit() -> None:
    tables = world(3, 1, 600)
    slower = [
        table.with_columns(timestamp=START_TIME + (pl.col("timestamp") - START_TIME) * 2) for table in tables
    ]
    one = at.TimeDecay.fit(at.stitch(*tables, lookback_days=30, folds=64), replicates=100)
    two = at.TimeDecay.fit(at.stitch(*slower, lookback_days=60, folds=64), replicates=100)
    for name in ("half_life", "low", "high"):
        assert getattr(two, name) == pytest.approx(2 * getattr(one, name), rel=0.005)


def test_no_digit_depends_on_threads_or_the_order_of_the_rows() -> None:
    touchpoints, conversions = world(4, 3, 400)

    def fit(touched: pl.DataFrame, ended: pl.DataFrame, threads: int) -> at.HalfLife:
        journeys = at.stitch(touched, ended, lookback_days=WINDOW, as_of=AS_OF, folds=64)
        return at.TimeDecay.fit(journeys, replicates=100, threads=threads)

    whole = fit(touchpoints, conversions, 1)
    assert whole.low is not None
    assert fit(touchpoints.reverse(), conversions.reverse(), 3) == whole
    shuffled = [table.sample(fraction=1.0, shuffle=True, seed=3) for table in (touchpoints, conversions)]
    assert fit(*shuffled, 2) == whole


def test_another_seed_moves_the_interval_and_not_the_half_life() -> None:
    journeys = at.stitch(*world(4, 3, 400), lookback_days=WINDOW, as_of=AS_OF, folds=64)
    one, two = (at.TimeDecay.fit(journeys, replicates=100, seed=seed) for seed in (0, 1))
    assert one.half_life == two.half_life
    assert (one.low, one.high) != (two.low, two.high)
    wide, narrow = (at.TimeDecay.fit(journeys, replicates=100, intervals=level) for level in (0.99, 0.5))
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low < narrow.low < one.half_life < narrow.high < wide.high


def test_the_sample_has_a_half_life() -> None:
    journeys = at.stitch(*at.sample.load()[:2], lookback_days=30)
    found = at.TimeDecay.fit(journeys)
    assert found.low is not None
    assert found.high is not None
    assert 3 < found.low < found.half_life < found.high < 8
    assert found.conversions == 998 - sum(journeys.report.unattributed.values())
    assert at.attribute(journeys, at.TimeDecay(half_life=found.half_life))["time_decay"].totals[
        0
    ] == pytest.approx(998)


# Other journeys.


def test_null_journeys_that_are_left_out_as_immature_do_not_move_it_far() -> None:
    found = fitted(world(1, 3, 1500), maturity_days=30)
    assert (found.low or inf) < 3 < (found.high or 0)


def test_outcomes_without_touchpoints_do_not_count() -> None:
    touchpoints, conversions = world(7, 3, 400)
    strangers = pl.DataFrame(
        {"customer_id": pl.Series(range(10_000, 10_050)), "timestamp": moments([60.0] * 50)}
    )
    found = fitted((touchpoints, pl.concat([conversions, strangers])), replicates=100)
    assert found.half_life == fitted((touchpoints, conversions), replicates=100).half_life
    assert found.conversions == len(conversions)


# The edges.


def at_times(touched: Sequence[float], converted: Sequence[float], customers: int = 100) -> at.HalfLife:
    """Return the fit to customers who are touched at these days; every second converts at those."""
    ids = list(range(customers))
    return fitted(
        (
            pl.DataFrame(
                {
                    "customer_id": [each for each in ids for _ in touched],
                    "channel": "ads",
                    "timestamp": moments(list(touched) * customers),
                }
            ),
            pl.DataFrame(
                {
                    "customer_id": [each for each in ids[::2] for _ in converted],
                    "timestamp": moments(list(converted) * len(ids[::2])),
                }
            ),
        ),
        replicates=100,
    )


def test_conversions_at_age_0_are_the_shortest_half_life_without_an_interval() -> None:
    found = at_times([10], [10])
    assert found == at.HalfLife(HALF_LIVES[0], None, None, 50.0, "no interval: as short as can be told")


def test_conversions_at_age_0_of_everybody_are_the_shortest_half_life_too() -> None:
    touched = pl.DataFrame({"customer_id": range(100), "channel": "ads", "timestamp": moments([10] * 100)})
    found = fitted((touched, touched.drop("channel")), replicates=100)
    assert (found.half_life, found.low, found.conversions) == (HALF_LIVES[0], None, 100.0)


def test_conversions_at_the_end_of_the_window_are_no_decay() -> None:
    found = at_times([10], [39.5])
    assert (found.half_life, found.low, found.high) == (HALF_LIVES[-1], None, None)
    assert found.reason == "no interval: no decay inside the lookback window"


def test_an_interval_that_reaches_no_decay_has_no_upper_end() -> None:
    found = fitted(world(0, 1_000, 1500))
    assert found.low is not None
    assert 50 < found.low < found.half_life < HALF_LIVES[-1]
    assert found.high is None
    assert found.reason == "no upper end: it may be that nothing decays inside the lookback window"


def test_fewer_customers_than_folds_have_no_interval_and_a_reason() -> None:
    tables = world(8, 3, 100)
    touched = tables[0]["customer_id"].n_unique()
    few, many = fitted(tables, folds=128), fitted(tables, folds=64)
    assert touched < 128
    assert (few.low, few.high) == (None, None)
    assert few.reason == f"no interval: {touched} customers are fewer than the 128 folds"
    assert many.low is not None
    assert few.half_life == pytest.approx(many.half_life, rel=1e-12)


def test_accounts_are_what_is_drawn_where_they_are_known() -> None:
    touchpoints, conversions = world(9, 3, 400)
    joint = touchpoints.with_columns(account_id=pl.col("customer_id") // 10)
    alone, together = fitted((touchpoints, conversions)), fitted((joint, conversions), folds=32)
    assert together.half_life == pytest.approx(alone.half_life, rel=1e-12)
    assert (together.low, together.high) != (alone.low, alone.high)
    assert fitted((joint, conversions), folds=64).reason == (
        "no interval: 40 accounts are fewer than the 64 folds"
    )


def test_draws_without_a_conversion_tell_nothing_about_the_half_life() -> None:
    touched = pl.DataFrame({"customer_id": range(100), "channel": "ads", "timestamp": moments([10] * 100)})
    two = pl.DataFrame({"customer_id": [0, 1], "timestamp": moments([11, 14])})
    found = fitted((touched, two))
    assert found.low is not None
    assert found.low > 10 * HALF_LIVES[0]


# What cannot be fitted.


def test_no_conversion_is_refused() -> None:
    touchpoints, conversions = world(8, 3, 100)
    with pytest.raises(at.TableError, match="no conversion with touchpoints"):
        fitted((touchpoints, conversions.clear()))
    strangers = conversions.with_columns(customer_id=pl.col("customer_id") + 10_000)
    with pytest.raises(at.TableError, match="no conversion with touchpoints"):
        fitted((touchpoints, strangers))


@pytest.fixture(scope="module")
def journeys() -> at.Stitched:
    return at.stitch(*world(8, 3, 100), lookback_days=WINDOW, as_of=AS_OF, folds=64)


@pytest.mark.parametrize(
    "told",
    [
        lambda _: at.from_paths(pl.DataFrame({"path": ["ads > mail"], "conversions": [2]})),
        lambda tables: at.from_journeys(at.stitch(*tables, lookback_days=WINDOW).table()),
        lambda tables: at.stitch(*tables, lookback_days=WINDOW, restart=False),
        lambda tables: at.stitch(*tables, lookback_days=WINDOW, max_touchpoints=2),
    ],
    ids=["paths", "journeys table", "no restart", "max_touchpoints"],
)
def test_journeys_that_do_not_tell_how_long_touchpoints_were_watched_are_refused(
    told: Callable[[Any], at.Stitched],
) -> None:
    with pytest.raises(at.ParameterError, match="do not tell how long every touchpoint was watched"):
        at.TimeDecay.fit(told(world(8, 3, 100)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("intervals", 0), ("intervals", 1), ("replicates", 99), ("replicates", 100.5), ("seed", -1)],
)
def test_parameters_of_the_interval_are_checked(journeys: at.Stitched, name: str, value: Any) -> None:
    with pytest.raises(at.ParameterError, match=f"'{name}': got {value}"):
        at.TimeDecay.fit(journeys, **{name: value})


def test_threads_are_checked(journeys: at.Stitched) -> None:
    with pytest.raises(at.ParameterError, match="threads"):
        at.TimeDecay.fit(journeys, threads=0)
