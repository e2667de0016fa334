"""Forecasts and seasonality: by hand, beside naive twins, and in worlds that are seasonal random walks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_trends import OUTCOMES, firsts, made

import attribution as at
from attribution import ConvergenceError, ParameterError
from attribution.kpis import Measured
from attribution.kpis.periods.forecast import forecast
from attribution.kpis.periods.seasonality import seasonality

START = date(2024, 1, 1)
Z = NormalDist().inv_cdf(0.975)


def series(
    values: Sequence[float], unit: str = "month", outcome: str = "leads", start: date = START
) -> Measured:
    """Return what was measured in periods one after the other."""
    rows = [
        {unit: day, outcome: value}
        for day, value in zip(firsts(unit, start, len(values)), values, strict=True)
    ]
    return made(rows, [unit], [outcome])


# By hand.


def test_the_last_season_repeats_and_the_interval_grows_with_each() -> None:
    table = forecast(series([9, 4, 12, 8]), horizon=5, season=2).table()
    assert table.columns == [
        "model",
        "month",
        "outcome",
        "value",
        "value_low",
        "value_high",
        "season",
        "level",
        "reason",
    ]
    assert table["month"].to_list() == [date(2024, month, 1) for month in (5, 6, 7, 8, 9)]
    assert table["value"].to_list() == [12, 8, 12, 8, 12]
    away = Z * math.sqrt((3**2 + 4**2) / 2)
    expected = [12 + away, 8 + away, 12 + away * 2**0.5, 8 + away * 2**0.5, 12 + away * 3**0.5]
    assert table["value_high"].to_list() == pytest.approx(expected)
    lows = [12 - away, 8 - away, 12 - away * 2**0.5, 0, 0]
    assert table["value_low"].to_list() == pytest.approx(lows)
    assert table["reason"].null_count() == 5
    assert set(table["season"]) == {2}


def test_counts_do_not_go_below_nothing_but_money_may() -> None:
    values = [5.0, 0.0, 9.0, 1.0]
    for outcome, low in (("leads", 0.0), ("revenue", None)):
        rows = [
            {"year": day, "leads": 1.0, outcome: value}
            for day, value in zip(firsts("year", START, 4), values, strict=True)
        ]
        names = list(dict.fromkeys(["leads", outcome]))
        table = forecast(made(rows, ["year"], names), horizon=1).table().filter(outcome=outcome)
        expected = 1 - Z * math.sqrt((25 + 81 + 64) / 3) if low is None else low
        assert table["value_low"].to_list() == pytest.approx([expected])


@pytest.mark.parametrize(
    ("unit", "season", "following"),
    [
        ("day", 7, [date(2025, 2, 28), date(2025, 3, 1)]),
        ("week", 52, [date(2026, 2, 9), date(2026, 2, 16)]),
        ("month", 12, [date(2025, 3, 1), date(2025, 4, 1)]),
        ("quarter", 4, [date(2025, 7, 1), date(2025, 10, 1)]),
        ("year", 1, [date(2027, 1, 1), date(2028, 1, 1)]),
    ],
)
def test_a_season_is_a_week_of_days_or_a_year_of_periods(
    unit: str, season: int, following: list[date]
) -> None:
    number = season + 2
    starts = {"day": date(2025, 2, 19), "week": date(2025, 1, 27)}
    start = starts.get(unit, START)
    table = forecast(series([float(n) for n in range(number)], unit, start=start), horizon=2).table()
    assert set(table["season"]) == {season}
    assert table["value"].to_list() == [2.0, 3.0] if season > 1 else [2.0, 2.0]
    assert table[unit].to_list() == following
    with pytest.raises(
        ConvergenceError, match=f"got {number - 1} {unit}s, expected {number} or more"
    ) as caught:
        forecast(series([1.0] * (number - 1), unit, start=start), horizon=2)
    assert "set season=" in str(caught.value)
    assert caught.value.exit_code == 5


def test_a_period_in_which_nothing_was_met_is_zero() -> None:
    rows = [{"month": firsts("month", START, 6)[n], "leads": 5.0} for n in (0, 1, 2, 5)]
    table = forecast(made(rows, ["month"], ["leads"]), horizon=3, season=3).table()
    assert table["value"].to_list() == [0.0, 0.0, 5.0]
    assert table["value_high"].to_list() == pytest.approx(
        [value + Z * math.sqrt(50 / 3) for value in (0, 0, 5)]
    )


def test_a_period_that_is_not_over_is_left_out() -> None:
    whole, more = series([9, 4, 12, 8]), series([9, 4, 12, 8, 1, 0])
    expected = forecast(whole, horizon=4, season=2)
    for day in (date(2024, 5, 1), date(2024, 4, 2)):
        found = forecast(more, horizon=4, season=2, complete_before=day)
        assert found.table().equals(expected.table())
        assert found.backtest.equals(expected.backtest)
    assert not forecast(more, horizon=4, season=2).table().equals(expected.table())


def test_a_history_that_only_repeats_has_no_interval_and_says_so() -> None:
    found = forecast(series([0.1 + 0.2, 4.0, 0.3, 4.0, 0.3]), horizon=2, season=2)
    row = found.table().row(0, named=True)
    assert (row["value"], row["value_low"], row["value_high"]) == (4.0, None, None)
    assert row["reason"] == "value: no interval, no season differed from the one before"
    row = found.backtest.row(0, named=True)
    assert (row["forecasts"], row["mean_absolute_scaled_error"], row["coverage"]) == (1, None, None)
    assert row["reason"] == "no season differed from the one before"


def test_a_backtest_by_hand() -> None:
    found = forecast(series([10, 20, 30, 20, 60, 70]), horizon=3, season=1)
    assert found.backtest.columns == [
        *("model", "outcome", "step", "forecasts", "mean_absolute_error"),
        *("mean_absolute_scaled_error", "coverage", "level", "reason"),
    ]
    one, two, three = found.backtest.iter_rows(named=True)
    # Known are 3, 4 or 5 months; one step ahead comes 20 after 30, 60 after 20, 70 after 60.
    assert [each["forecasts"] for each in (one, two, three)] == [3, 2, 1]
    assert one["mean_absolute_error"] == pytest.approx((10 + 40 + 10) / 3)
    assert one["mean_absolute_scaled_error"] == pytest.approx((10 + 40 + 10) / (10 + 10 + 70 / 4))
    assert one["coverage"] == pytest.approx(2 / 3)  # 40 is beyond 1.96 * 10
    assert two["mean_absolute_error"] == pytest.approx((30 + 50) / 2)
    assert two["coverage"] == 0  # 30 and 50 are beyond 1.96 * 10 * sqrt 2
    assert three["mean_absolute_error"] == 40
    short = forecast(series([10, 20, 30]), horizon=1, season=1).backtest.row(0, named=True)
    assert (short["forecasts"], short["mean_absolute_error"]) == (0, None)
    assert short["reason"] == "too short a history to try so many steps ahead"


# Twins.


def random_rows(seed: int, unit: str, number: int) -> list[dict[str, Any]]:
    """Return cells of which a third lack a period."""
    draws = np.random.default_rng(seed)
    days = firsts(unit, START, number)
    return [
        {"channel": channel, unit: day}
        | {name: draws.poisson(6) * times for name, times in zip(OUTCOMES, (0.5, 0.25, 100.0), strict=True)}
        for day in days
        for channel in ("Ads", "Mail", None)
        if draws.random() < 0.7 or day in (days[0], days[-1])
    ]


def histories(rows: Sequence[dict[str, Any]], unit: str, number: int) -> dict[Any, list[float]]:
    """Return each channel's and the total's outcomes by period."""
    found: dict[Any, list[float]] = defaultdict(lambda: [0.0] * number)
    days = firsts(unit, START, number)
    for row in rows:
        for channel in (row["channel"], "(total)"):
            for outcome in OUTCOMES:
                found[channel, outcome][days.index(row[unit])] += row[outcome]
    return found


def said(known: Sequence[float], step: int, season: int, outcome: str) -> tuple[float, float, float]:
    """Return the forecast of a history, and its ends, plainly."""
    past = list(known)
    seasons = 0
    while len(past) < len(known) + step:
        past.append(past[-season])
    for _ in range(0, step, season):
        seasons += 1
    sigma = math.sqrt(fmean((a - b) ** 2 for a, b in zip(known[season:], known, strict=False)))
    away = Z * sigma * math.sqrt(seasons)
    low = past[-1] - away
    return past[-1], max(low, 0.0) if outcome != "revenue" else low, past[-1] + away


@pytest.mark.parametrize(("unit", "number", "season"), [("month", 31, 12), ("week", 40, 5), ("day", 30, 7)])
def test_forecasts_and_backtest_are_those_of_the_twin(unit: str, number: int, season: int) -> None:
    rows = random_rows(number, unit, number)
    found = forecast(made(rows, ["channel", unit]), horizon=9, season=season)
    past = histories(rows, unit, number)
    steps = {day: n + 1 for n, day in enumerate(firsts(unit, START, number + 9)[number:])}
    table = found.table()
    assert len(table) == 4 * 9 * 3
    for row in table.iter_rows(named=True):
        expected = said(past[row["channel"], row["outcome"]], steps[row[unit]], season, row["outcome"])
        assert [row["value"], row["value_low"], row["value_high"]] == pytest.approx(expected, rel=1e-12)
    assert len(found.backtest) == 4 * 9 * 3
    for row in found.backtest.iter_rows(named=True):
        whole = past[row["channel"], row["outcome"]]
        errors, usual, held = [], [], []
        for origin in range(season + 2, number - row["step"] + 1):
            known, actual = whole[:origin], whole[origin + row["step"] - 1]
            value, low, high = said(known, row["step"], season, row["outcome"])
            errors.append(abs(actual - value))
            usual.append(fmean(abs(a - b) for a, b in zip(known[season:], known, strict=False)))
            held.append(low <= actual <= high)
        assert row["forecasts"] == len(errors)
        expected = [fmean(errors), math.fsum(errors) / math.fsum(usual), fmean(held)]
        figures = [row["mean_absolute_error"], row["mean_absolute_scaled_error"], row["coverage"]]
        assert figures == pytest.approx(expected, rel=1e-9)
    assert 0 < found.backtest["coverage"].min() < 1


def test_the_order_of_the_rows_changes_no_bit() -> None:
    rows = random_rows(8, "week", 40)
    mixed = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    plain, other = (made(each, ["channel", "week"]) for each in (rows, mixed))
    made_of = [forecast(each, horizon=8, season=6) for each in (plain, other)]
    assert made_of[0].table().equals(made_of[1].table())
    assert made_of[0].backtest.equals(made_of[1].backtest)
    assert seasonality(plain).equals(seasonality(other))


# What they promise.


def walks(number: int, length: int, season: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return seasonal random walks: each value is that of a season before and a normal step of 5."""
    draws = np.random.default_rng(seed)
    values = draws.normal(0, 5, (number, length))
    values[:, :season] += draws.uniform(500, 1000, (number, season))
    for at_ in range(season, length):
        values[:, at_] += values[:, at_ - season]
    return values


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_of_seasonal_random_walks_hold_as_often_as_they_say(level: float) -> None:
    number, length, season, horizon = 600, 130, 4, 12
    values = walks(number, length + horizon, season, seed=5)
    days = firsts("quarter", date(1900, 1, 1), length)
    rows = [
        {"channel": f"{name:03}", "quarter": day, "leads": values[name, t]}
        for name in range(number)
        for t, day in enumerate(days)
    ]
    found = forecast(made(rows, ["channel", "quarter"], ["leads"]), horizon=horizon, level=level)
    cells = found.table().filter(pl.col("channel") != "(total)")
    actual = values[:, length:].ravel()  # by channel, then period, as the table
    held = ((cells["value_low"].to_numpy() <= actual) & (actual <= cells["value_high"].to_numpy())).reshape(
        number, -1
    )
    away = 4 * math.sqrt(level * (1 - level) / number)
    for step in range(horizon):
        assert held[:, step].mean() == pytest.approx(level, abs=away), step + 1
    backtest = found.backtest.filter(pl.col("channel") != "(total)")
    assert backtest["coverage"].mean() == pytest.approx(level, abs=0.02)


# Seasonality.


def test_an_index_is_the_mean_of_a_position_over_that_of_all() -> None:
    table = seasonality(series([10, 20, 30, 20, 30, 20], "quarter"))
    assert table.columns == ["model", "outcome", "season_position", "index", "n", "reason"]
    # Means 20, 20, 30, 20 over 22.5.
    assert table["index"].to_list() == pytest.approx([20 / 22.5, 20 / 22.5, 30 / 22.5, 20 / 22.5])
    assert table["n"].to_list() == [2, 2, 1, 1]
    assert table["season_position"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("unit", "position"),
    [
        ("day", lambda day: day.isoweekday()),
        ("week", lambda day: day.isocalendar().week),
        ("month", lambda day: day.month),
        ("quarter", lambda day: (day.month + 2) // 3),
    ],
)
def test_indices_are_those_of_the_twin_and_have_mean_1(unit: str, position: Any) -> None:
    rows = random_rows(3, unit, 120)
    table = seasonality(made(rows, ["channel", unit]))
    days, found = firsts(unit, START, 120), 0
    for (channel, outcome), values in histories(rows, unit, 120).items():
        seen = defaultdict(list)
        for day, value in zip(days, values, strict=True):
            seen[position(day)].append(value)
        means = {place: fmean(each) for place, each in seen.items()}
        mine = table.filter(pl.col("channel").eq_missing(pl.lit(channel, pl.String)), outcome=outcome)
        assert mine["season_position"].to_list() == sorted(means)
        expected = [means[place] / fmean(means.values()) for place in sorted(means)]
        assert mine["index"].to_list() == pytest.approx(expected)
        assert mine["n"].to_list() == [len(seen[place]) for place in sorted(means)]
        assert mine["index"].mean() == pytest.approx(1.0)
        found += len(mine)
    assert found == len(table) > 40


def test_week_53_is_a_position_where_a_year_has_it() -> None:
    table = seasonality(series([1.0] * 60, "week", start=date(2020, 11, 2)))
    assert table["season_position"].to_list() == list(range(1, 54))
    assert dict(table.select("season_position", "n").iter_rows())[53] == 1
    assert table["index"].to_list() == pytest.approx([1.0] * 53)


def test_less_than_a_season_has_no_index_and_says_so() -> None:
    table = seasonality(series([1.0] * 11))
    assert table["index"].null_count() == len(table) == 11
    assert set(table["reason"]) == {"fewer than the 12 months of a season"}
    whole = series([1.0] * 13)
    assert seasonality(whole)["reason"].null_count() == 12
    cut = seasonality(whole, complete_before=date(2024, 12, 1))
    assert cut.equals(table)


def test_an_outcome_that_never_came_has_no_index_and_says_so() -> None:
    table = seasonality(series([0.0] * 12))
    assert set(table["reason"]) == {"no leads above 0 in sum"}
    assert table["index"].null_count() == 12


# What cannot be, and real data.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizon": 0}, "'horizon': got 0"),
        ({"horizon": 1.5}, "'horizon'"),
        ({"horizon": True}, "'horizon'"),
        ({"season": 0}, "'season': got 0"),
        ({"season": "12"}, "'season'"),
        ({"level": 1.0}, "'level': got 1.0"),
        ({"level": 0.0}, "'level'"),
        ({"level": math.nan}, "'level'"),
        ({"complete_before": "2024-04-01"}, "'complete_before'"),
        ({"complete_before": datetime(2024, 4, 1)}, "'complete_before'"),
        (
            {"complete_before": START},
            "'complete_before': got .* a date after 2024-01-01, when the first month",
        ),
    ],
)
def test_what_cannot_be_forecast_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        forecast(series([9, 4, 12, 8]), **({"horizon": 2, "season": 2} | change))


def test_dimensions_that_cannot_be_are_refused() -> None:
    with pytest.raises(ParameterError, match="one period among them"):
        forecast(made([{"channel": "Ads"}], ["channel"]), horizon=1)
    with pytest.raises(ParameterError, match="'by': got 'value'"):
        forecast(made([{"value": "a", "week": START}], ["value", "week"]), horizon=1)
    with pytest.raises(ParameterError, match="'by': got 'index'"):
        seasonality(made([{"index": "a", "week": START}], ["index", "week"]))
    with pytest.raises(ParameterError, match="a period shorter than a year"):
        seasonality(series([1.0, 2.0], "year"))
    with pytest.raises(ConvergenceError, match="nothing was measured by touchpoint_day"):
        forecast(made([{"touchpoint_day": None}], ["touchpoint_day"]), horizon=1)


def test_a_month_of_real_days_is_forecast_by_its_weeks(data: Any) -> None:
    columns = {"timestamp": "time", "revenue": "conversion_value"}
    split = at.split_events(data.need("july2018/touchpoints_and_conversions.csv"), columns=columns)
    stitched = at.stitch(split.touchpoints, split.outcomes, lookback_days=30)
    log = at.credit_log(stitched, at.attribute(stitched, at.Linear()))
    spend = pl.DataFrame({"channel": ["Facebook"], "spend": [0.0], "day": [date(2018, 7, 1)]})
    measured = at.measure(log, spend, by=["channel", "day"])
    table = measured.table()
    found = forecast(measured, horizon=14)
    leads = measured.outcome_names[0]
    totals = table.filter(pl.col("day").is_not_null()).group_by("day").agg(pl.col(leads).sum())
    by_day = dict(totals.iter_rows())
    last = max(by_day)
    ahead = found.table().filter(channel="(total)", outcome=leads)
    expected = [by_day.get(last - timedelta(days=6 - n % 7), 0.0) for n in range(14)]
    assert ahead["value"].to_list() == pytest.approx(expected)
    assert (ahead["value_low"] >= 0).all()
    tested = found.backtest.filter(channel="(total)", outcome=leads, step=1).row(0, named=True)
    assert tested["forecasts"] == (last - min(by_day)).days + 1 - 9
    assert 0.5 < tested["coverage"] <= 1
    shape = seasonality(measured).filter(channel="(total)", outcome=leads)
    assert shape["index"].mean() == pytest.approx(1.0)
    assert len(shape) == 7
