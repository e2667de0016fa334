"""Periods that are added one by one give what one run over all of them gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

import attribution as at
from attribution.learned import Statistics

START = datetime(2026, 3, 1, tzinfo=UTC)
MODELS = (at.TimeDecay(), at.Markov(order=2))
TOUCHED = {
    "customer_id": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "channel": pl.String,
    "campaign": pl.String,
    "event_id": pl.String,
}
ENDED = {
    "customer_id": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "leads": pl.Float64,
    "wins": pl.Float64,
    "revenue": pl.Float64,
}
HOURS = 240


def touchpoint(customer: int, hour: int, channel: int, event: int) -> tuple[Any, ...]:
    """Return a row of the touchpoints."""
    when = START + timedelta(hours=hour)
    return f"c{customer}", when, "abcd"[channel], f"k{channel % 2}", f"e{event}" if event else None


def outcome(customer: int, hour: int, won: int) -> tuple[Any, ...]:
    """Return a row of the outcomes."""
    return f"c{customer}", START + timedelta(hours=hour), 1.0, float(won), 100.0 * won


hours = st.integers(1, HOURS)
touchpoints = st.builds(touchpoint, st.integers(0, 5), hours, st.integers(0, 3), st.just(0))
outcomes = st.builds(outcome, st.integers(0, 5), hours, st.integers(0, 1))


def frames(touched: list[Any], ended: list[Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both tables."""
    return pl.DataFrame(touched, TOUCHED, orient="row"), pl.DataFrame(ended, ENDED, orient="row")


def between(table: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Return the rows of a period: later than its start, up to its end."""
    return table.filter((pl.col("timestamp") > start) & (pl.col("timestamp") <= end))


def advanced(
    touched: pl.DataFrame, ended: pl.DataFrame, ends: list[datetime], *models: at.Model, **how: Any
) -> Statistics:
    """Return the statistics of all periods, added one by one."""
    before, start = None, datetime(1970, 1, 1, tzinfo=UTC)
    for end in ends:
        period = (between(table, start, end) for table in (touched, ended))
        before, start = at.advance(before, *period, *models, as_of=end, **how), end
    assert before is not None
    return before


def without_zeros(report: at.StitchReport) -> dict[str, Any]:
    """Return the counts of a report that are not 0."""
    counts = {
        "unattributed": report.unattributed,
        "notes": report.notes,
        **{
            name: {"read": count.read, "used": count.used, **count.set_aside}
            for name, count in report.tables.items()
        },
    }
    return {what: {key: n for key, n in each.items() if n} for what, each in counts.items()}


def assert_alike(ours: at.Result, theirs: at.Result) -> None:
    """Compare the results: counts exactly, credits and their replicates to 1e-12 of the largest."""
    assert without_zeros(ours.report) == without_zeros(theirs.report)
    assert list(ours) == list(theirs)
    for name, each in theirs.items():
        assert ours[name].channels == each.channels
        for left, right in [(ours[name].values, each.values), (ours[name].totals, each.totals)]:
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12 * np.abs(right).max(initial=1))
        if each.replicates is not None:
            left, right = ours[name].replicates.values, each.replicates.values
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12 * np.abs(right).max())
    np.testing.assert_allclose(ours.roles.counts, theirs.roles.counts, rtol=1e-12, atol=1e-12)


def world(seed: int) -> tuple[pl.DataFrame, pl.DataFrame, list[datetime], dict[str, Any]]:
    """Return crowded tables of few customers, the ends of their periods, and settings."""
    draw = np.random.default_rng(seed)
    customers, grid = draw.integers(1, 5), draw.choice([6, 24])

    def some(most: int) -> list[tuple[int, int, int]]:
        rows = draw.integers(0, [customers, HOURS // grid, 4], (draw.integers(0, most), 3))
        return [(int(customer), int(grid * (1 + hour)), int(what)) for customer, hour, what in rows]

    touched, ended = some(16), some(6)
    tables = frames(
        [touchpoint(*row, 0) for row in touched], [outcome(*row[:2], row[2] % 2) for row in ended]
    )
    cuts = {int(hour) for hour in draw.integers(1, HOURS, draw.integers(1, 4))}
    how = {
        "lookback_days": draw.choice([0.0, 0.5, 1.0, 3.0, 30.0]).item(),
        "restart": bool(draw.integers(2)),
        "maturity_days": [None, 0.0, 2.0][draw.integers(3)],
        "max_touchpoints": [None, None, 1, 2][draw.integers(4)],
        "folds": 16,
    }
    return *tables, [START + timedelta(hours=hour) for hour in sorted({*cuts, HOURS})], how


@pytest.mark.parametrize("start", range(0, 96, 12))
def test_any_periods_give_what_one_run_gives(start: int) -> None:
    for seed in range(start, start + 12):
        touched, ended, ends, how = world(seed)
        parts = advanced(touched, ended, ends, *MODELS, apart=False, **how)
        whole = at.attribute(at.stitch(touched, ended, as_of=ends[-1], **how), *MODELS)
        assert_alike(at.attribute(parts), whole)


@settings(max_examples=10)
@given(data=st.data())
def test_what_is_carried_over_can_be_carried_over_again(data: DataObject) -> None:
    """Cutting a period in two changes nothing but what is closed when."""
    tables = frames(data.draw(st.lists(touchpoints, max_size=20)), data.draw(st.lists(outcomes, max_size=5)))
    middle = START + timedelta(hours=data.draw(hours))
    end = START + timedelta(hours=HOURS)
    one = advanced(*tables, [end], at.Linear(), folds=16)
    two = advanced(*tables, [middle, end], at.Linear(), folds=16)
    assert one.open is not None
    assert two.open is not None
    order = ["customer_id", "timestamp", "channel"]
    assert one.open.touchpoints.sort(order).equals(two.open.touchpoints.sort(order))
    order = ["customer_id", "timestamp", "leads", "wins"]
    assert one.open.outcomes.sort(order).equals(two.open.outcomes.sort(order))


# A month, day by day.


def month(seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return thirty days of some thousand customers, text and integer ids among them, with ties."""
    draw = np.random.default_rng(seed)
    customers = [f"c{n}" if n % 3 else str(n) for n in range(1500)]
    minutes = draw.integers(1, 30 * 24 * 12, 8000) * 5
    touched = pl.DataFrame(
        {
            "customer_id": draw.choice(customers, 8000),
            "timestamp": [START + timedelta(minutes=int(each)) for each in minutes],
            "channel": draw.choice(
                ["ads", "mail", "search", "social", "tv"], 8000, p=[0.4, 0.3, 0.2, 0.09, 0.01]
            ),
            "sequence": draw.integers(0, 2, 8000),
        }
    ).cast({"timestamp": TOUCHED["timestamp"]})
    ended = pl.DataFrame(
        {
            "customer_id": draw.choice(customers, 500),
            "timestamp": [
                START + timedelta(minutes=int(each)) for each in draw.integers(1, 30 * 24 * 60, 500)
            ],
            "leads": np.ones(500),
            "wins": draw.integers(0, 2, 500).astype(float),
            "revenue": draw.lognormal(5, 1, 500),
        }
    ).cast({"timestamp": ENDED["timestamp"]})
    return touched, ended


DAYS = [START + timedelta(days=day) for day in range(1, 31)]
MONTHLY: Any = {"lookback_days": 7, "folds": 64}
FIVE = (at.LastTouch(), at.TimeDecay(), at.PositionBased(), at.Markov(), at.Shapley())


@pytest.fixture(scope="module")
def whole() -> at.Result:
    """Return the one run over the month."""
    return at.attribute(at.stitch(*month(), as_of=DAYS[-1], **MONTHLY), *FIVE, intervals=0.95)


def test_thirty_days_saved_and_loaded_every_night_are_the_month(whole: at.Result, tmp_path: Path) -> None:
    touched, ended = month()
    start, state = START - timedelta(days=1), tmp_path / "state.parquet"
    for day in DAYS:
        before = at.load_statistics(state) if state.exists() else None
        night = (between(table, start, day) for table in (touched, ended))
        today = at.advance(before, *night, *FIVE, **MONTHLY, as_of=day)
        assert today.save(state, force=True)
        start = day
    assert_alike(at.attribute(at.load_statistics(state), intervals=0.95), whole)


@pytest.mark.parametrize("seed", [1, 2])
def test_shards_that_went_on_by_themselves_add_up_in_any_order(seed: int, whole: at.Result) -> None:
    touched, ended = month()
    draw = np.random.default_rng(seed)
    shard = pl.col("customer_id").str.extract(r"(\d+)").cast(pl.Int64) % 3
    ends = [DAYS[9], DAYS[20], DAYS[-1]]
    parts = [
        advanced(touched.filter(shard == n), ended.filter(shard == n), ends, *FIVE, **MONTHLY)
        for n in draw.permutation(3)
    ]
    first, second, third = parts
    assert_alike(at.attribute(first + second + third, intervals=0.95), whole)
    assert_alike(at.attribute(third.now + (first.now + second.now), intervals=0.95), whole)


def test_added_shards_go_on_together(whole: at.Result) -> None:
    touched, ended = month()
    mine = pl.col("customer_id").str.starts_with("c")
    halves = [
        advanced(touched.filter(each), ended.filter(each), DAYS[14:15], *FIVE, **MONTHLY)
        for each in (mine, ~mine)
    ]
    rest = (between(table, DAYS[14], DAYS[-1]) for table in (touched, ended))
    both = at.advance(halves[0] + halves[1], *rest, *FIVE, **MONTHLY, as_of=DAYS[-1])
    assert_alike(at.attribute(both, intervals=0.95), whole)


def test_what_is_carried_over_is_small_where_customers_end() -> None:
    """Of a customer who became a lead the last touchpoint and the lead are carried over, and no more."""
    touched, ended = frames([touchpoint(1, hour, 0, 0) for hour in range(1, 200)], [outcome(1, 200, 1)])
    today = at.advance(None, touched, ended, at.Linear(), folds=16)
    assert today.open is not None
    assert len(today.open.touchpoints) == 1
    assert len(today.open.outcomes) == 1


# What is refused.


@pytest.fixture(scope="module")
def yesterday() -> Statistics:
    """Return the statistics of the first ten days."""
    tables = (between(table, START - timedelta(days=1), DAYS[9]) for table in month())
    return at.advance(None, *tables, at.Linear(), lookback_days=7, as_of=DAYS[9])


def test_rows_of_a_period_that_was_added_are_refused(yesterday: Statistics) -> None:
    touched, ended = month()
    with pytest.raises(
        at.TableError, match=r"touchpoints .* rows of a period that was added before"
    ) as caught:
        at.advance(
            yesterday, between(touched, DAYS[8], DAYS[10]), ended.clear(), at.Linear(), lookback_days=7
        )
    late = len(between(touched, DAYS[8], DAYS[9]))
    assert f"({late:,} rows)" in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lookback_days": 8.0}, "lookback_days: 7 and 8"),
        ({"restart": False}, "restart: True and False"),
        ({"folds": 64}, "folds: 256 and 64"),
        ({"max_touchpoints": 3}, "max_touchpoints: None and 3"),
        ({"apart": False}, "folds kept apart"),
    ],
)
def test_other_settings_than_before_are_refused(
    yesterday: Statistics, changed: dict[str, Any], told: str
) -> None:
    night = (between(table, DAYS[9], DAYS[10]) for table in month())
    with pytest.raises(at.StatisticsError, match=told):
        at.advance(yesterday, *night, at.Linear(), **{"lookback_days": 7.0, **changed})


def test_other_models_or_columns_than_before_are_refused(yesterday: Statistics) -> None:
    touched, ended = (between(table, DAYS[9], DAYS[10]) for table in month())
    with pytest.raises(at.StatisticsError, match="models"):
        at.advance(yesterday, touched, ended, at.Markov(), lookback_days=7)
    with pytest.raises(at.TableError, match=r"those of the periods before: .*sequence"):
        at.advance(yesterday, touched.drop("sequence"), ended, lookback_days=7)


def test_statistics_without_open_journeys_cannot_go_on(yesterday: Statistics) -> None:
    night = (between(table, DAYS[9], DAYS[10]) for table in month())
    with pytest.raises(at.StatisticsError, match="without open journeys"):
        at.advance(yesterday.now, *night, lookback_days=7)
    with pytest.raises(at.StatisticsError, match="open journeys until"):
        yesterday + yesterday.now


def test_a_period_without_rows_changes_nothing_but_its_end(yesterday: Statistics) -> None:
    tables = (table.clear() for table in month())
    later = at.advance(yesterday, *tables, lookback_days=7, as_of=DAYS[11])
    assert later.open is not None
    assert later.open.until == int(DAYS[11].timestamp() * 1e6)
    assert_alike(at.attribute(later), at.attribute(yesterday))


def test_accounts_are_told_to_be_left_out() -> None:
    touched, ended = month()
    named = touched.with_columns(account_id=pl.lit("a"))
    today = at.advance(None, named, ended, at.Linear())
    assert any("account_id is not used" in line for line in today.report.warnings)
    assert (
        at.attribute(today).report.notes["customers"]
        == at.attribute(at.stitch(touched, ended), at.Linear()).report.notes["customers"]
    )
