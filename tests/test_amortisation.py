"""Amortisation: parts by hand, and on random amounts that nothing is lost and nobody is treated unequally."""

from __future__ import annotations

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import attribution as at
from attribution import TableError
from attribution.kpis.costs.amortisation import Weights, moved, over_months, shared, spread
from attribution.kpis.costs.currency import converted
from attribution.kpis.costs.sales_time import sales_time

AMOUNTS = st.integers(0, 10**12).map(lambda cents: cents / 100) | st.floats(0, 1e13)
WEIGHTS = st.lists(st.floats(1e-9, 1e9) | st.integers(1, 50).map(float), min_size=1, max_size=40)


# Spreading.


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (50.0, [1] * 10, [5.0] * 10),
        (100.0, [1, 1, 1], [33.34, 33.33, 33.33]),
        (0.02, [1, 1, 1], [0.01, 0.01, 0.0]),
        (0.05, [1, 3], [0.01, 0.04]),
        (10.0, [1, 2, 3], [1.67, 3.33, 5.0]),
        (0.29, [1], [0.29]),
        (0.0, [1, 2], [0.0, 0.0]),
        (26.516000000000002, [1, 1], [13.256000000000002, 13.26]),
    ],
)
def test_parts_are_what_a_hand_computes(amount: float, weights: list[float], parts: list[float]) -> None:
    found = spread(amount, weights)
    assert found == pytest.approx(parts, abs=1e-12)
    assert math.fsum(found) == amount


@given(AMOUNTS, WEIGHTS)
@example(26.516000000000002, [1.0] * 7)
@example(0.004, [1.0, 1.0])
@example(0.1 + 0.2, [1.0, 1.0, 1.0])
def test_parts_add_up_to_the_amount_to_the_last_bit_and_are_within_a_cent_of_their_share(
    amount: float, weights: list[float]
) -> None:
    parts = spread(amount, weights)
    assert math.fsum(parts) == amount
    assert min(parts) >= 0
    whole = sum(map(Fraction, weights))
    ulps = 4 * math.ulp(amount)
    off = [
        abs(Fraction(part) - Fraction(amount) * Fraction(w) / whole)
        for part, w in zip(parts, weights, strict=True)
    ]
    assert max(off) <= Fraction("0.0151") + Fraction(ulps)
    if amount < 1e9:  # all but the largest part are whole cents
        cents = [part * 100 for part in parts]
        assert sum(abs(each - round(each)) > 1e-4 for each in cents) <= 1


@given(st.integers(0, 10**9), st.integers(1, 30))
def test_equal_weights_give_parts_that_differ_by_a_cent_the_first_first(cents: int, parts: int) -> None:
    found = [round(100 * each) for each in spread(cents / 100, [1.0] * parts)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] <= 1
    assert sum(found) == cents


def test_shares_follow_what_a_row_names_and_a_row_of_what_nobody_used_is_told() -> None:
    weights = Weights(
        {("mail", "b", 1): 1.0, ("ads", "a", 1): 3.0, ("ads", "a", 2): 1.0, ("ads", None, 2): 4.0},
        ("channel", "campaign", "week"),
        2,
    )
    rows = [
        ((None, None, 1), 8.0),
        (("ads", None, None), 8.0),
        (("tv", None, None), 8.0),
        ((None, None, 3), 8.0),
    ]
    number, places, parts, none = shared(rows, weights)
    assert list(zip(number, places, parts, strict=True)) == [
        (0, ("ads", "a"), 6.0), (0, ("mail", "b"), 2.0), (1, ("ads", "a"), 4.0), (1, ("ads", None), 4.0)
    ]  # fmt: skip
    assert none == [2, 3]


# Months.


def day(text: str) -> pl.Series:
    return pl.Series([text]).str.to_datetime(time_zone="UTC")


@pytest.mark.parametrize(
    ("start", "zone", "days"),
    [
        ("2024-01-31T00:00:00Z", "UTC", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2025-11-30T12:00:00Z", "UTC", ["2025-11-30", "2025-12-30", "2026-01-30", "2026-02-28"]),
        # midnight where clocks change between the months
        ("2026-02-28T23:00:00Z", "Europe/Berlin", ["2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]),
        ("2026-09-30T22:00:00Z", "Europe/Berlin", ["2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"]),
    ],
)
def test_a_cost_over_months_falls_on_the_same_day_of_each(start: str, zone: str, days: list[str]) -> None:
    rows = pl.DataFrame({"date": day(start), "spend": [10.01], "months": [4]})
    found = over_months(rows, zone)
    assert found["date"].dt.convert_time_zone(zone).dt.date().cast(pl.String).to_list() == days
    assert found["spend"].to_list() == [2.51, 2.5, 2.5, 2.5]


def test_a_row_without_months_stays_as_it_is() -> None:
    rows = pl.DataFrame({"date": day("2026-01-01"), "spend": [26.516000000000002], "months": [None]})
    rows = rows.cast({"months": pl.Int64})
    assert over_months(rows, "UTC").select(rows.columns).equals(rows)


def test_a_length_of_days_is_one_of_the_calendar_and_a_time_that_clocks_leave_out_is_an_hour_later() -> None:
    moves = [
        ("2026-10-19T22:00:00Z", "14d", "2026-11-02T23:00:00Z"),  # midnight stays midnight
        ("2026-03-28T01:30:00Z", "1d", "2026-03-29T01:30:00Z"),  # 02:30 is not there
    ]
    for start, length, end in moves:
        rows = pl.DataFrame({"date": day(start)})
        assert rows.select(moved(pl.col("date"), "Europe/Berlin", length)).item() == day(end)[0]


# Currencies.

RATES = pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.9]})
DATED = pl.DataFrame(
    {
        "currency": ["EUR", "USD", "USD"],
        "rate": [1.0, 0.9, 0.8],
        "date": ["2026-01-01", "2026-01-01", "2026-02-01"],
    }
)


def worth(*rows: tuple[float, str | None, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["revenue", "currency", "timestamp"], orient="row")


def test_amounts_are_converted_to_the_cent_and_those_of_the_report_are_left_alone() -> None:
    table = worth((10.0, "USD", "2026-01-05"), (1 / 3, "EUR", "2026-01-05"), (0.05, " USD ", "2026-03-01"))
    assert converted(table, RATES).to_dict(as_series=False) == {
        "revenue": [9.0, 1 / 3, 0.05],  # 0.045 is a cent of 5
        "timestamp": ["2026-01-05", "2026-01-05", "2026-03-01"],
    }


def test_the_rate_of_the_latest_day_counts() -> None:
    table = worth(
        (10.0, "USD", "2026-01-31"),
        (10.0, "USD", "2026-02-01"),
        (10.0, "EUR", "2026-02-01"),
        (10.0, "USD", "2026-01-01"),
    )
    mixed = DATED.sample(fraction=1, shuffle=True, seed=3)
    assert converted(table, mixed)["revenue"].to_list() == [9.0, 8.0, 10.0, 9.0]
    renamed = table.rename({"currency": "cur", "timestamp": "at"})
    columns = {"currency": "cur", "timestamp": "at"}
    assert converted(renamed, mixed, columns=columns).columns == ["revenue", "at"]


@pytest.mark.parametrize(
    ("row", "rates", "told"),
    [
        ((1.0, "GBP", "2026-01-05"), RATES, "'GBP'"),
        ((1.0, None, "2026-01-05"), RATES, "(none)"),
        ((1.0, "USD", "2025-12-31"), DATED, "'USD' on 2025-12-31"),
        ((1.0, "USD", ""), DATED, "'USD' on (none)"),
    ],
)
def test_row_28_a_currency_without_a_rate_is_refused_by_name(
    row: tuple[float, str | None, str], rates: pl.DataFrame, told: str
) -> None:
    with pytest.raises(TableError) as caught:
        converted(worth((1.0, "EUR", "2026-01-05"), row), rates)
    (fault,) = caught.value.faults
    assert (fault.column, fault.count, fault.examples) == ("currency", 1, (told,))


def test_dated_rates_without_a_date_of_the_row_are_refused() -> None:
    with pytest.raises(TableError, match="without a rate"):
        converted(worth((1.0, "EUR", "2026-01-05")).drop("timestamp"), DATED)


@pytest.mark.parametrize(
    "rates",
    [
        {"currency": ["EUR", "EUR"], "rate": [1.0, 1.1]},
        {"currency": ["EUR", "USD"], "rate": [1.0, 0.0]},
        {"currency": ["EUR", "USD"], "rate": [1.0, -0.9]},
        {"currency": ["EUR", "USD"], "rate": ["1", "much"]},
        {"currency": ["EUR", None], "rate": [1.0, 0.9]},
    ],
)
def test_rates_that_are_none_or_two_are_refused_with_their_rows(rates: dict[str, list[object]]) -> None:
    with pytest.raises(TableError) as caught:
        converted(worth((1.0, "EUR", "2026-01-05")), pl.DataFrame(rates))
    assert caught.value.faults[0].where.startswith("rates")
    assert caught.value.faults[0].examples[-1] == "row 1"


def test_row_27_a_converted_amount_overflows_with_an_error() -> None:
    with pytest.raises(TableError, match="overflow"):
        converted(worth((9e16, "USD", "2026-01-05")), RATES.with_columns(rate=pl.lit(10.0)))


# Sales time.

LEADS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "timestamp": ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"],
        "outcome_id": ["w", "x", "y", "z"],
        "owner": ["Kim", "Kim", "Kim", None],
    }
)


def hours(*rows: tuple[str | None, str | None, float, float]) -> pl.DataFrame:
    schema = {"outcome_id": pl.String, "owner": pl.String, "hours": pl.Float64, "rate": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_sales_time_is_hours_times_rate_by_opportunity_and_in_equal_parts_by_owner() -> None:
    told = hours(
        ("x", None, 2.0, 40.0), ("x", "Lee", 1.0, 60.0), ("z", None, 1.0, 0.5), (None, "Kim", 2.0, 50.0)
    )
    found = sales_time(LEADS, told)
    assert found["sales_cost"].to_list() == [33.34, 80.0 + 60.0 + 33.33, 33.33, 0.5]
    assert found.drop("sales_cost").equals(LEADS)
    without_owner = sales_time(LEADS.drop("owner"), told.filter(pl.col("outcome_id").is_not_null()))
    assert without_owner["sales_cost"].to_list() == [0.0, 140.0, 0.0, 0.5]


def test_a_lead_told_twice_is_one_and_belongs_to_the_owner_of_its_latest_row() -> None:
    again = LEADS[[0]].with_columns(timestamp=pl.lit("2026-03-09"), owner=pl.lit("Lee"))
    told = hours((None, "Kim", 1.0, 50.0), (None, "Lee", 1.0, 7.0))
    found = sales_time(pl.concat([again, LEADS]), told)["sales_cost"].to_list()
    assert found == [7.0, 7.0, 25.0, 25.0, 0.0]


@given(st.lists(st.tuples(st.sampled_from("KLM"), st.integers(0, 10**6), st.integers(0, 500)), max_size=8))
def test_sales_time_adds_up_to_the_cent(rows: list[tuple[str, int, int]]) -> None:
    leads = pl.DataFrame(
        {"customer_id": range(10), "timestamp": ["2026-03-01"] * 10, "owner": list("KKKLLLLLLM")}
    )
    told = hours(*((None, owner, minutes / 60, float(rate)) for owner, minutes, rate in rows))
    found = sales_time(leads, told)
    for owner in "KLM":
        costs = [minutes / 60 * rate for name, minutes, rate in rows if name == owner]
        mine = found.filter(owner=owner)["sales_cost"]
        assert math.fsum(mine) == pytest.approx(math.fsum(costs), rel=1e-15)
        assert mine.max() - mine.min() < 0.0151


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("q", None, 1.0, 1.0), "unknown outcome_ids"),
        ((None, "Nobody", 1.0, 1.0), "unknown owners"),
        ((None, None, 1.0, 1.0), "row 1"),
        (("x", None, -1.0, 1.0), "row 1"),
        (("x", None, 1.0, -1.0), "row 1"),
        (("x", None, math.nan, 1.0), "row 1"),
        (("x", None, 1e12, 1e12), "overflow"),
    ],
)
def test_hours_of_nobody_and_hours_that_are_none_are_refused(
    row: tuple[str | None, str | None, float, float], says: str
) -> None:
    with pytest.raises(TableError, match=says):
        sales_time(LEADS, hours(("x", None, 1.0, 1.0), row))


def test_sales_cost_flows_through_the_models_as_an_outcome() -> None:
    touchpoints = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "timestamp": ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"],
            "channel": ["ads", "mail", "ads", "mail"],
        }
    )
    leads = sales_time(LEADS, hours((None, "Kim", 3.0, 50.0), ("z", None, 1.0, 8.0)))
    journeys = at.stitch(touchpoints, leads, outcome_names=["leads", "sales_cost"])
    result = at.attribute(journeys, at.Linear(), at.LastTouch())
    for each in result.values():
        assert each.totals.tolist() == [4.0, 158.0]
    assert dict(result["linear"].table().select("channel", "sales_cost").rows()) == {
        "ads": 75.0, "mail": 75.0, "(unattributed)": 8.0
    }  # fmt: skip
    spend = pl.DataFrame({"channel": ["ads", "tv"], "spend": [10.0, 2.0]})
    sums = at.measure(result["linear"], spend).sums
    bases = sums.select("channel", "spend", "cost_marginal", "cost_fully_loaded").rows()
    assert bases == [
        ("ads", 10.0, 85.0, 85.0),
        ("mail", None, 75.0, 75.0),
        ("tv", 2.0, 2.0, 2.0),
        ("(unattributed)", None, 8.0, 8.0),
    ]
