"""The ledger: shared costs by hand, three bases, and on random ledgers that every cent is in one place."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution import Credits, Measured, ParameterError, TableError, measure

SCHEMA = {
    "channel": pl.String,
    "spend": pl.Float64,
    "cost_type": pl.String,
    "shared_by": pl.String,
    "campaign": pl.String,
    "date": pl.String,
    "months": pl.Int64,
    "variable": pl.String,
}
BASES = ("spend", "cost_marginal", "cost_fully_loaded")
UNPLACED = "are in the total and in no cell"


def ledger(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Return a ledger of the columns that any of the rows has."""
    names = [name for name in SCHEMA if any(name in row for row in rows) or name == "cost_type"]
    return pl.DataFrame([{name: row.get(name) for name in names} for row in rows], schema_overrides=SCHEMA)


def media(channel: str, spend: float, **more: Any) -> dict[str, Any]:
    return {"channel": channel, "spend": spend, "cost_type": "media", **more}


def tool(
    spend: float, shared_by: str | None = None, channel: str | None = None, **more: Any
) -> dict[str, Any]:
    return {"channel": channel, "spend": spend, "cost_type": "tool", "shared_by": shared_by, **more}


def credits_of(leads: Mapping[str, float], rest: float = 0.0, model: str = "linear") -> Credits:
    return Credits(model, tuple(leads), ("leads",), np.array([[each] for each in leads.values()]), [rest])


def cells(measured: Measured, *names: str, base: str = "cost_fully_loaded") -> dict[Any, Any]:
    """Return a cost base by cell: of the channel, or of what is named."""
    rows = measured.sums.select(*(names or ("channel",)), base).rows()
    return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in rows}


def logged(touched: Sequence[tuple[str, str, str, str]], days: int = 5) -> at.CreditLog:
    """Return a log of a lead a customer, days after its touchpoint (customer, time, channel, campaign)."""
    touchpoints = pl.DataFrame(
        touched, schema=["customer_id", "timestamp", "channel", "campaign"], orient="row"
    )
    ended = touchpoints.select(
        "customer_id",
        timestamp=pl.col("timestamp").str.to_date().dt.offset_by(f"{days}d").cast(pl.String),
    )
    journeys = at.stitch(touchpoints, ended.unique(maintain_order=True), lookback_days=30)
    return at.credit_log(journeys, at.attribute(journeys, at.LastTouch())["last_touch"])


TEN = {f"channel {n}": 1.0 for n in range(10)}
TWO = credits_of({"ads": 3.0, "mail": 1.0})


# By hand.


def test_50_over_ten_campaigns_is_5_each() -> None:
    spend = ledger(*(media(name, 10.0 + n) for n, name in enumerate(TEN)), tool(50.0, "campaigns"))
    measured = measure(credits_of(TEN), spend)
    rows = measured.sums.filter(pl.col("channel") != "(unattributed)")
    assert (rows["cost_fully_loaded"] - rows["spend"]).to_list() == [5.0] * 10
    assert rows["cost_marginal"].equals(rows["spend"], check_names=False)
    assert measured.totals == {"spend": 145.0, "cost_marginal": 145.0, "cost_fully_loaded": 195.0}
    assert not measured.warnings


def test_campaigns_are_those_with_media_spend_whatever_they_spend() -> None:
    spend = ledger(
        media("ads", 1.0, campaign="a"),
        media("ads", 900.0, campaign="b"),
        media("ads", 5.0),  # beside the campaigns
        media("ads", 0.0, campaign="free"),
        media("mail", 4.0),  # a channel without campaigns is one
        tool(30.0, "campaigns"),
        tool(10.0, "campaigns", "ads"),
    )
    assert cells(measure(TWO, spend)) == {"ads": 906.0 + 20 + 10, "mail": 14.0, "(unattributed)": None}
    log = logged([("1", "2026-03-02", "ads", "a"), ("2", "2026-03-02", "mail", "x")])
    found = cells(measure(log, spend, by=["channel", "campaign"]), "channel", "campaign")
    assert found == {
        ("ads", "a"): 16.0, ("ads", "b"): 915.0, ("ads", None): 5.0, ("ads", "free"): 0.0,
        ("mail", "x"): None, ("mail", None): 14.0,
    }  # fmt: skip


def test_three_bases_add_media_what_is_variable_and_everything() -> None:
    spend = ledger(
        media("ads", 100.0),
        media("ads", 7.0, variable="0"),  # a contract that one more lead does not change
        tool(20.0, None, "ads"),
        {"channel": "ads", "spend": 3.0, "cost_type": "labour", "variable": "1"},
        {"channel": "mail", "spend": 4.0, "cost_type": " Content "},
        {"channel": "mail", "spend": 2.0},  # without a type it is media
    )
    measured = measure(TWO, spend)
    assert measured.sums.select("channel", *BASES).rows() == [
        ("ads", 107.0, 103.0, 130.0),
        ("mail", 2.0, 2.0, 6.0),
        ("(unattributed)", None, None, None),
    ]
    assert measured.totals == {"spend": 109.0, "cost_marginal": 105.0, "cost_fully_loaded": 136.0}
    assert measured.table().filter(channel="ads")["cost_per_lead"].item() == 107.0 / 3.0


def test_spend_shares_in_proportion_to_media_money_of_the_period() -> None:
    spend = ledger(
        media("ads", 30.0, date="2026-03-02"),
        media("mail", 10.0, date="2026-03-03"),
        media("mail", 50.0, date="2026-03-09"),
        tool(8.0, "spend", date="2026-03-04"),
        tool(9.0, "spend", date="2026-03-10"),
    )
    assert cells(measure(TWO, spend)) == {  # by channel: of the whole, 30 to 60
        "ads": 30 + 2.67 + 3.0,
        "mail": 60 + 5.33 + 6.0,
        "(unattributed)": None,
    }
    log = logged([("1", "2026-03-02", "ads", "a")])
    found = cells(measure(log, spend, by=["channel", "touchpoint_week"]), "channel", "touchpoint_week")
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    assert found == {("ads", first): 36.0, ("mail", first): 12.0, ("mail", second): 59.0}


def test_touchpoints_share_in_proportion_to_their_number(tmp_path: Path) -> None:
    spend = ledger(media("ads", 30.0), tool(10.0, "touchpoints"), tool(1.0, "touchpoints", "tv"))
    touchpoints = pl.DataFrame(
        {"channel": ["ads", " mail ", "ads", "ads", None], "timestamp": ["2026-03-02"] * 5}
    )
    measured = measure(TWO, spend, touchpoints=touchpoints)
    expected = {"ads": 37.5, "mail": 2.5, "tv": 1.0, "(unattributed)": None}  # tv has none: it keeps its own
    assert cells(measured) == expected
    assert any("1 rows are not counted: null_channel" in warning for warning in measured.warnings)
    touchpoints.write_parquet(tmp_path / "touchpoints.parquet")
    assert cells(measure(TWO, spend, touchpoints=tmp_path / "touchpoints.parquet")) == expected
    with pytest.raises(TableError, match="touchpoints="):
        measure(TWO, spend)


def test_leads_share_in_proportion_to_the_credit_of_each_model() -> None:
    spend = ledger(media("ads", 30.0), media("print", 5.0), tool(10.0, "leads"), tool(2.0, "leads", "print"))
    both = at.Result({"linear": TWO, "markov": credits_of({"ads": 1.0, "mail": 1.0}, 8.0, "markov")})
    measured = measure(both, spend)
    assert measured.sums.select("model", "channel", "cost_fully_loaded").rows() == [
        ("linear", "ads", 37.5),
        ("linear", "mail", 2.5),
        ("linear", "print", 7.0),
        ("linear", "(unattributed)", None),
        ("markov", "ads", 35.0),
        ("markov", "mail", 5.0),
        ("markov", "print", 7.0),
        ("markov", "(unattributed)", None),
    ]


def test_leads_share_among_the_cells_of_what_a_cost_names() -> None:
    log = logged(
        [
            ("1", "2026-03-02", "ads", "a"),
            ("2", "2026-03-02", "ads", "b"),
            ("3", "2026-03-02", "mail", "x"),
            ("4", "2026-03-09", "ads", "a"),
        ],
        days=0,
    )
    spend = ledger(
        tool(9.0, "leads", date="2026-03-03"),
        tool(8.0, "leads", "ads", date="2026-03-03"),
        tool(4.0, "leads"),
        tool(6.0, "leads", "ads", campaign="a"),
    )
    found = cells(measure(log, spend, by=["channel", "campaign", "week"]), "channel", "campaign", "week")
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    assert found == {
        ("ads", "a", first): 3 + 4 + 1 + 3.0,
        ("ads", "a", second): 1 + 3.0,
        ("ads", "b", first): 3 + 4 + 1.0,
        ("mail", "x", first): 3 + 1.0,
    }


def test_media_that_are_shared_are_no_media_to_share_by() -> None:
    spend = ledger(
        media("ads", 30.0), media("mail", 10.0), media("tv", 60.0, shared_by="spend"), tool(4.0, "spend")
    )
    assert cells(measure(TWO, spend)) == {"ads": 33.0, "mail": 11.0, "tv": 60.0, "(unattributed)": None}


def test_a_cost_that_names_its_cell_or_what_is_no_dimension_is_not_shared_by_leads() -> None:
    log = logged([("1", "2026-03-02", "ads", "a"), ("2", "2026-03-02", "mail", "x")], days=0)
    spend = ledger(tool(9.0, "leads", date="2026-03-10"), tool(4.0, "leads", "ads", date="2026-03-03"))
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    assert cells(measure(log, spend, by=["week"]), "week") == {first: 4.0, second: 9.0}
    spend = ledger(
        tool(8.0, "leads"), tool(4.0, "leads", "ads", campaign=None), tool(1.0, None, "ads", campaign="a")
    )
    assert cells(measure(log, spend, by=["campaign"]), "campaign") == {"a": 5.0, "x": 4.0, None: 4.0}


def test_a_cost_over_months_lies_in_each_of_them() -> None:
    spend = ledger(
        media("ads", 5.0, date="2026-03-10"), tool(100.0, None, "ads", date="2026-01-31", months=3)
    )
    log = logged([("1", "2026-03-02", "ads", "a")])
    assert cells(measure(log, spend, by=["channel", "month"]), "month") == {
        date(2026, 1, 1): 33.34, date(2026, 2, 1): 33.33, date(2026, 3, 1): 38.33
    }  # fmt: skip


@pytest.mark.parametrize("word", ["campaigns", "spend", "touchpoints", "leads"])
def test_what_nobody_used_is_in_the_total_in_no_cell_and_told(word: str) -> None:
    nobody = credits_of({"ads": 0.0}, 4.0)
    touchpoints = pl.DataFrame({"channel": ["ads"], "timestamp": ["2026-03-02"]}).clear()
    measured = measure(
        nobody, ledger(tool(10.0, word), tool(2.5, word), tool(1.0, None, "ads")), touchpoints=touchpoints
    )
    assert cells(measured) == {"ads": 1.0, "(unattributed)": None}
    assert measured.totals == {"spend": None, "cost_marginal": None, "cost_fully_loaded": 13.5}
    (told,) = [warning for warning in measured.warnings if UNPLACED in warning]
    assert "costs of 12.50" in told
    assert told.startswith("linear: ") == (word == "leads")
    assert word.removesuffix("s") in told


def test_spend_of_a_day_counts_for_leads_of_a_later_one() -> None:
    log = logged([("1", "2026-03-02", "ads", "a"), ("2", "2026-03-09", "ads", "a")], days=7)
    spend = ledger(
        media("ads", 4.0, date="2026-03-02"),
        tool(3.0, "spend", date="2026-03-09"),
        media("ads", 1.0, date="2026-03-09"),
    )
    told = measure(log, spend, by=["week"], spend_lag_days=7)
    assert cells(told, "week") == {date(2026, 3, 9): 4.0, date(2026, 3, 16): 4.0}
    assert "spend is shifted by 7 days" in told.warnings
    assert told.table()["cost_per_lead"].to_list() == [4.0, 1.0, 2.5]
    at_once = measure(log, spend, by=["week"])
    assert cells(at_once, "week") == {date(2026, 3, 2): 4.0, date(2026, 3, 9): 4.0, date(2026, 3, 16): None}
    for by in (["channel"], ["channel", "touchpoint_week"]):  # money of the touchpoint's week is not late
        early, late = (measure(log, spend, by=by, spend_lag_days=lag) for lag in (0, 7))
        assert_frame_equal(early.sums, late.sums)
        assert early.warnings == late.warnings


def test_touchpoints_move_with_the_spend_that_follows_them() -> None:
    log = logged([("1", "2026-03-02", "ads", "a"), ("2", "2026-03-02", "mail", "x")], days=7)
    touchpoints = pl.DataFrame(
        {"channel": ["ads", "mail", "mail"], "timestamp": ["2026-03-02", "2026-03-02", "2026-03-09"]}
    )
    spend = ledger(tool(3.0, "touchpoints", date="2026-03-02"))
    measured = measure(log, spend, by=["channel", "week"], touchpoints=touchpoints, spend_lag_days=7)
    assert cells(measured) == {"ads": 1.5, "mail": 1.5}


@pytest.mark.parametrize("lag", [-1, math.nan, math.inf, "7", None])
def test_a_lag_that_is_no_length_of_time_is_refused(lag: Any) -> None:
    with pytest.raises(ParameterError, match="spend_lag_days"):
        measure(TWO, ledger(media("ads", 1.0)), spend_lag_days=lag)


def test_sales_time_is_in_the_marginal_and_the_loaded_cost_of_cells_and_total() -> None:
    result = Credits("linear", ("ads", "mail"), ("leads", "sales_cost"), [[3, 9.0], [1, 0.0]], [1, 2.5])
    measured = measure(result, ledger(media("ads", 5.0), tool(4.0, None, "ads")))
    assert measured.sums.select("channel", *BASES).rows() == [
        ("ads", 5.0, 14.0, 18.0),
        ("mail", None, None, None),
        ("(unattributed)", None, 2.5, 2.5),
    ]
    assert measured.table().select(BASES).row(-1) == (5.0, 5.0 + 11.5, 9.0 + 11.5)
    assert measured.table()["cost_per_lead_marginal"][-1] == (5.0 + 11.5) / 5


def test_a_dimension_that_the_ledger_does_not_know_has_no_cost_by_cell() -> None:
    log = logged([("1", "2026-03-02", "ads", "a")])
    measured = measure(log, ledger(media("ads", 5.0), tool(4.0, "leads")), by=["channel", "week"])
    assert measured.sums.select(BASES).row(0) == (None, None, None)
    assert measured.totals["cost_fully_loaded"] == 9.0


# Currencies.


def test_row_28_revenue_of_several_currencies_is_refused_until_it_is_converted() -> None:
    orders = {"customer_id": ["a", "b"], "timestamp": ["2026-03-01"] * 2, "revenue": [10.0, 30.0]}
    leads = pl.DataFrame(orders | {"currency": ["EUR", "USD"]})
    with pytest.raises(TableError, match=r"2 currencies(.|\n)*at\.converted"):
        at.lead_log(leads)
    rates = pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.5]})
    assert at.lead_log(at.converted(leads, rates)).table()["revenue"].sum() == 25


def test_row_28_several_currencies_are_added_with_rates_only() -> None:
    spend = ledger(media("ads", 10.0), tool(8.0, None, "ads"), media("mail", 3.0))
    spend = spend.with_columns(currency=pl.Series(["USD", "EUR", "EUR"]))
    with pytest.raises(TableError, match="2 currencies") as caught:
        measure(TWO, spend)
    assert "rates= (--rates)" in caught.value.faults[0].remedy
    rates = pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.5]})
    assert cells(measure(TWO, spend, rates=rates)) == {"ads": 13.0, "mail": 3.0, "(unattributed)": None}
    plain = spend.drop("cost_type")
    assert cells(measure(TWO, plain, rates=rates), base="spend")["ads"] == 13.0
    with pytest.raises(TableError, match="'USD'"):
        measure(TWO, spend, rates=rates.head(1))


# What a ledger cannot be.


@pytest.mark.parametrize(
    ("row", "column", "example"),
    [
        ({"channel": "ads", "spend": 1.0, "cost_type": "toool"}, "cost_type", "'toool'"),
        (tool(1.0, "lead"), "shared_by", "'lead'"),
        (media("ads", 1.0, variable="maybe"), "variable", "'maybe'"),
        (media("ads", 1.0, date="2026-03-01", months=0), "months", "row 1: 0 months"),
        (media("ads", 1.0, date="2026-03-01", months=1_201), "months", "row 1: 1201 months"),
        (media("ads", 1.0, months=3), "months", "row 1: 3 months"),
    ],
)
def test_a_row_that_cannot_be_understood_is_refused_by_name(
    row: dict[str, Any], column: str, example: str
) -> None:
    with pytest.raises(TableError) as caught:
        measure(TWO, ledger(media("ads", 1.0), row))
    (fault,) = caught.value.faults
    assert (fault.column, fault.count, fault.examples) == (column, 1, (example,))
    words = {"cost_type": "media, tool, content", "shared_by": "campaigns, spend, touchpoints, leads"}
    assert words.get(column, "") in fault.expected


def test_all_faults_of_a_ledger_are_told_at_once() -> None:
    with pytest.raises(TableError) as caught:
        measure(TWO, ledger({"channel": "ads", "spend": 1.0, "cost_type": "x", "variable": "y", "months": 0}))
    assert [fault.column for fault in caught.value.faults] == ["cost_type", "variable", "months"]


def test_only_a_shared_cost_that_is_no_media_may_lack_a_channel() -> None:
    spend = ledger(media("ads", 5.0), media("", 1.0, shared_by="spend"), tool(2.0), tool(3.0, "spend"))
    measured = measure(TWO, spend)
    assert measured.spend_rows.set_aside == {"null_channel": 2}
    assert measured.totals == {"spend": 5.0, "cost_marginal": 5.0, "cost_fully_loaded": 8.0}


def test_row_26_a_negative_cost_and_what_is_no_number_are_set_aside() -> None:
    spend = ledger(media("ads", 5.0), tool(-2.0, "spend"), tool(math.nan, "spend"), tool(1.0, "spend"))
    measured = measure(TWO, spend)
    assert measured.spend_rows.set_aside == {"negative_spend": 1, "not_finite": 1}
    assert cells(measured)["ads"] == 6.0


def test_row_27_a_cost_beyond_cents_is_refused() -> None:
    with pytest.raises(TableError, match="overflow"):
        measure(TWO, ledger(media("ads", 5.0), tool(1e18, "spend")))


def test_row_60_costs_without_touches_are_listed() -> None:
    measured = measure(TWO, ledger(media("ads", 5.0), tool(2.0, None, "fairs"), tool(2.0, "leads")))
    assert "spend without touchpoints: 'fairs'" in measured.warnings
    assert "touchpoints without spend: 'mail'" in measured.warnings


def test_row_61_repeated_rows_are_refused_unless_their_type_tells_them_apart() -> None:
    same = {"date": "2026-03-01"}
    measure(TWO, ledger(media("ads", 5.0, **same), tool(2.0, None, "ads", **same)))
    with pytest.raises(TableError, match="repeated_spend"):
        measure(TWO, ledger(tool(3.0, "spend", **same), tool(2.0, "spend", **same)))


# A table without cost_type.


def test_a_table_without_cost_type_knows_nothing_of_a_ledger() -> None:
    plain = pl.DataFrame({"channel": ["ads", "ads", "mail", None], "spend": [1.5, 2.0, 4.0, 8.0]})
    odd = plain.with_columns(
        months=pl.Series(["January", "-1", "", "2"]),
        shared_by=pl.Series(["nobody", "spend", "leads", "leads"]),
        variable=pl.lit("perhaps"),
    )
    first, second = measure(TWO, plain), measure(TWO, odd)
    assert_frame_equal(first.table(), second.table(), check_exact=True)
    assert first.sums.columns == ["model", "channel", "spend", "leads", "credited_by", "no_spend"]
    assert second.spend_rows == at.tables.RowCount(4, 3, {"null_channel": 1})
    assert first.warnings == second.warnings


def test_columns_of_a_ledger_are_plain_dimensions_of_a_table_without_cost_type() -> None:
    names = ("months", "shared_by", "variable")
    told = {"months": ["2", "2"], "shared_by": ["touchpoints", "leads"], "variable": ["x", "y"]}
    touchpoints = pl.DataFrame(
        {"customer_id": [1, 2], "timestamp": ["2026-03-02"] * 2, "channel": ["ads", "mail"], **told}
    )
    journeys = at.stitch(touchpoints, touchpoints.select("customer_id", "timestamp"))
    log = at.credit_log(journeys, at.attribute(journeys, at.LastTouch()))
    spend = pl.DataFrame({"channel": ["ads", "mail"], "spend": [1.0, 2.0], **told})
    measured = measure(log, spend, by=["channel", *names])
    assert measured.sums.select("channel", *names, "spend").rows() == [
        ("ads", "2", "touchpoints", "x", 1.0),
        ("mail", "2", "leads", "y", 2.0),
    ]


def test_a_ledger_of_media_alone_gives_the_table_of_a_spend_table() -> None:
    sample = at.sample.load()
    journeys = at.stitch(sample.touchpoints, sample.leads)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear()))
    for by in (["channel"], ["channel", "week"], ["channel", "campaign"], ["touchpoint_month"]):
        plain = measure(log, sample.spend, by=by)
        media_alone = measure(log, sample.spend.with_columns(cost_type=pl.lit("media")), by=by)
        assert_frame_equal(plain.sums, media_alone.sums.drop(BASES[1:]), check_exact=True)
        assert plain.warnings == media_alone.warnings
        for base in BASES:
            assert media_alone.sums[base].equals(plain.sums["spend"], check_names=False)


# Laws on random ledgers.


def random_ledger(chance: random.Random, rows: int = 60) -> pl.DataFrame:
    """Return a ledger of costs of every kind in which no two rows are alike."""
    costs = []
    for number in range(rows):
        day = date(2026, 1, 1) + timedelta(chance.randrange(120))
        cost = {
            "channel": chance.choice(["ads", "mail", "tv", "print"]),
            "spend": chance.choice([chance.randrange(10**7) / 100, chance.uniform(0, 1e4), 0.0, 0.01]),
            "cost_type": chance.choice(["media", "media", None, "tool", "agency", "labour"]),
            "shared_by": chance.choice([None, None, "campaigns", "spend", "touchpoints", "leads"]),
            "campaign": chance.choice([None, "a", "b", "c"]),
            "date": chance.choice([day.isoformat(), day.isoformat(), None]),
            "variable": chance.choice([None, None, "0", "1"]),
            "number": number,
        }
        cost["months"] = chance.choice([None, 1, 3, 12]) if cost["date"] else None
        if cost["cost_type"] in ("tool", "agency", "labour") and cost["shared_by"]:
            cost["channel"] = chance.choice([None, cost["channel"]])
        costs.append(cost)
    return pl.DataFrame(costs, schema={**SCHEMA, "number": pl.Int64}, strict=False)


def base_totals(spend: pl.DataFrame) -> dict[str, float]:
    """Return the bases of a ledger by definition, row by row."""
    sums: dict[str, list[float]] = {base: [] for base in BASES}
    for row in spend.iter_rows(named=True):
        is_media = row["cost_type"] in (None, "media")
        is_marginal = is_media if row["variable"] is None else row["variable"] == "1"
        for base, counts in zip(BASES, (is_media, is_marginal, True), strict=True):
            if counts:
                sums[base].append(row["spend"])
    return {base: math.fsum(each) for base, each in sums.items()}


@pytest.fixture(scope="module")
def touched() -> list[tuple[str, str, str, str]]:
    chance = random.Random(5)
    return [
        (
            str(n),
            (date(2026, 1, 5) + timedelta(chance.randrange(100))).isoformat(),
            chance.choice(["ads", "mail", "tv", "web"]),
            chance.choice(["a", "b", "c"]),
        )
        for n in range(80)
    ]


BY = (["channel"], ["channel", "campaign"], ["channel", "month"], ["campaign", "touchpoint_week"], ["month"])


@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_a_ledger_is_lost_whatever_the_order_of_its_rows(
    seed: int, touched: list[tuple[str, str, str, str]]
) -> None:
    chance = random.Random(seed)
    spend = random_ledger(chance)
    log = logged(touched)
    touchpoints = pl.DataFrame(touched, schema=["id", "timestamp", "channel", "campaign"], orient="row")
    lag = chance.choice([0.0, 14.0, 0.5])
    mixed = spend.sample(fraction=1, shuffle=True, seed=seed)
    for by in BY:
        told, again = (
            measure(log, each, by=by, touchpoints=touchpoints, spend_lag_days=lag) for each in (spend, mixed)
        )
        assert told.totals == base_totals(spend)
        assert_frame_equal(told.sums, again.sums, check_exact=True)
        assert told.warnings == again.warnings
        unplaced = math.fsum(
            float(line.split("costs of ")[1].split(" are")[0].replace(",", ""))
            for line in told.warnings
            if UNPLACED in line
        )
        placed = {base: math.fsum(told.sums[base].drop_nulls()) for base in BASES}
        assert placed["cost_fully_loaded"] + unplaced == pytest.approx(
            told.totals["cost_fully_loaded"], abs=0.006
        )
        if not unplaced:
            assert placed == pytest.approx(told.totals, abs=1e-9)
        for row in told.sums.iter_rows(named=True):
            bases = [row[base] or 0.0 for base in BASES]
            assert min(bases) >= 0
            assert max(bases) == bases[-1]


@pytest.mark.parametrize("seed", range(3))
def test_campaigns_of_a_channel_add_up_to_the_channel(
    seed: int, touched: list[tuple[str, str, str, str]]
) -> None:
    spend = random_ledger(random.Random(seed)).with_columns(pl.col("shared_by").replace("leads", "spend"))
    touchpoints = pl.DataFrame(touched, schema=["id", "timestamp", "channel", "campaign"], orient="row")
    log = logged(touched)
    coarse = measure(log, spend, by=["channel"], touchpoints=touchpoints).sums
    fine = measure(log, spend, by=["channel", "campaign"], touchpoints=touchpoints).sums
    for name, *bases in coarse.select("channel", *BASES).iter_rows():
        parts = [math.fsum(fine.filter(channel=name)[base].drop_nulls()) for base in BASES]
        assert parts == pytest.approx([each or 0.0 for each in bases], abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_cost_per_lead_times_leads_is_the_spend(seed: int, touched: list[tuple[str, str, str, str]]) -> None:
    spend = random_ledger(random.Random(seed)).with_columns(
        pl.when(pl.col("shared_by") == "touchpoints").then(None).otherwise("shared_by").alias("shared_by")
    )
    spend = spend.filter(pl.col("channel").is_not_null() | pl.col("shared_by").is_not_null())
    measured = measure(logged(touched), spend)
    with_cost = measured.table().drop_nulls("cost_per_lead")
    assert len(with_cost) > 1
    product = (with_cost["cost_per_lead"] * with_cost["leads"]).to_list()
    assert product == pytest.approx(with_cost["spend"].to_list(), rel=1e-12)
    total = measured.table().row(-1, named=True)
    assert total["spend"] == measured.totals["spend"]
