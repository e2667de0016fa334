"""Visits as analysts have them: in pieces, with gaps, twice, with columns that meet ours, and drawn."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.stitching.hashing import hashed

TIMES = ["2026-03-02T10:00Z", "2026-03-02T10:01Z", "2026-03-02T10:00Z", "2026-03-03T10:00Z"]
THANKS = at.Goal("signup", "page = 'thanks'")


def pages(**more: Any) -> pl.DataFrame:
    """Return four page views of three customers."""
    views = {
        "customer_id": ["a", "a", "b", "c"],
        "timestamp": TIMES,
        "page": ["home", "thanks", "home", "home"],
    }
    return pl.DataFrame(views | more)


def visits(**more: Any) -> pl.DataFrame:
    """Return four visits of three customers."""
    given = {
        "visit_id": ["v1", "v2", "v3", "v4"],
        "customer_id": ["a", "a", "b", "c"],
        "timestamp": TIMES,
        "channel": ["ads", "ads", "mail", "mail"],
        "page_views": [1, 2, 3, 1],
        "seconds": [0.0, 10.0, 60.0, 0.0],
    }
    return pl.DataFrame(given | more)


def table(log: at.Activity, *by: str) -> pl.DataFrame:
    """Return the table of engagement."""
    return at.engagement(log, by=by or ["channel"]).table()


def test_a_table_in_pieces_is_one_table(tmp_path: Path) -> None:
    both = pl.concat([visits(), visits(visit_id=list("pqrs"))])
    assert both.n_chunks() == 2
    whole = table(at.web_log(both))
    assert whole["visits"].to_list() == [4.0, 4.0, 8.0]
    for number, part in enumerate((visits(), visits(visit_id=list("pqrs")))):
        part.write_csv(tmp_path / f"{number}.csv")
    assert table(at.web_log(str(tmp_path / "*.csv"))).equals(whole)


def test_equal_rows_of_a_visit_are_one_and_differing_ones_none() -> None:
    given = pl.concat([visits(), visits()[:1], visits(channel=["q"] * 4)[1:2]])
    log = at.web_log(given)
    assert dict(log.tables["visits"].set_aside) == {"duplicate": 1, "repeated_visit": 2}
    assert log.rejected.rows() == [
        ("visits", 1, "repeated_visit"),
        ("visits", 4, "duplicate"),
        ("visits", 5, "repeated_visit"),
    ]


def test_counts_with_gaps_are_read_as_pandas_writes_them() -> None:
    log = at.web_log(visits(visits=["2.0", "1", None, "2.5"], page_views=["2.0", "2", "3", "4"]))
    assert dict(log.tables["visits"].set_aside) == {"bad_number": 1, "no_visits": 1}
    assert log.tables["visits"].used == 2


def test_absurd_numbers_are_set_aside() -> None:
    log = at.web_log(visits(seconds=[1e16, 10.0, 1.0, 0.0], visits=[1, 2**62, 1, 1]))
    assert dict(log.tables["visits"].set_aside) == {"bad_number": 2}


def test_time_of_a_single_page_is_no_time_on_page_but_engages() -> None:
    log = at.web_log(visits(page_views=[1, 1, 1, 2], seconds=[100.0, 9.0, 10.0, 20.0]))
    row = table(log)[-1].row(0, named=True)
    assert (row["time_on_page"], row["bounces"], row["engaged_visits"]) == (20.0, 3.0, 3.0)


def test_goals_decide_what_converts_and_a_column_only_without_them() -> None:
    given = visits(converting_visits=[0, 0, 0, 1])
    assert table(at.web_log(given))["converting_visits"].to_list() == [0.0, 1.0, 1.0]
    goals = [at.Goal("deep", "page_views >= 2")]
    assert table(at.web_log(given, goals=goals))["converting_visits"].to_list() == [1.0, 1.0, 2.0]
    many = pl.DataFrame(
        {"timestamp": TIMES[:1], "channel": ["ads"], "visits": [10], "converting_visits": [7]}
    )
    both = [at.Goal("x", pl.lit(4)), at.Goal("y", pl.lit(5))]
    assert table(at.web_log(many, goals=both))["converting_visits"].to_list() == [7.0, 7.0]
    every = table(at.web_log(many, goals=[at.Goal("mine", "channel = 'ads'")]))
    assert every["mine_visits"].to_list() == [10.0, 10.0]


def test_a_condition_is_true_or_false_and_holds_for_all_visits_of_a_row() -> None:
    with pytest.raises(ParameterError, match="true or false of each visit"):
        at.web_log(visits(), goals=[at.Goal("deep", "page_views > 1")], qualified="page_views")
    goal = at.Goal("mixed", "page = 'home' AND page_views > 1")
    with pytest.raises(ParameterError, match="columns of the page views alone, or of the visits alone"):
        at.web_log(visits(), pages(visit_id=["v1", "v2", "v3", "v4"]), goals=[goal])


def test_columns_of_pages_that_are_named_as_counts_are_none() -> None:
    log = at.web_log(pages=pages(bounces=[7] * 4, converting_visits=list("abcd"), visits=[9] * 4))
    assert table(log, "landing_page").select("visits", "bounces").rows() == [(3.0, 2.0), (3.0, 2.0)]
    own = at.web_log(pages=pages(landing_page=list("pqrs"), exit_page=list("pqrs")))
    assert table(own, "landing_page", "exit_page").select("landing_page", "exit_page", "visits").rows() == [
        ("home", "home", 2.0),
        ("home", "thanks", 1.0),
        ("(total)", None, 3.0),
    ]


def test_a_page_is_that_of_the_page_views() -> None:
    log = at.web_log(visits(page=["L1", "L2", "L1", "L1"]), pages(visit_id=["v1", "v2", "v3", "v4"]))
    assert table(log, "page").select("page", "page_views").rows()[:2] == [("home", 3.0), ("thanks", 1.0)]
    told = at.engagement(log).warnings
    assert any("seconds are not read: the pages tell them" in line for line in told)


@pytest.mark.parametrize(
    "name", ["model", "reason", "spend", "visits", "users", "bounce_rate", "signup_rate", "fold", "no_spend"]
)
def test_a_dimension_that_meets_a_column_of_ours_is_refused(name: str) -> None:
    log = at.web_log(pages=pages(**{name: list("pqrs")}), goals=[THANKS])
    with pytest.raises(ParameterError, match="rename that of yours"):
        table(log, name)


def test_customers_of_the_pages_are_those_of_their_visits() -> None:
    given = visits(customer_id=[None, None, "b", None])
    log = at.web_log(given, pages(visit_id=["v1", "v2", "v3", "v4"], customer_id=["a", "a", None, "c"]))
    assert table(log)["users"].to_list() == [1.0, 2.0, 3.0]
    assert table(at.web_log(given))["users"].to_list() == [0.0, 1.0, 1.0]


def test_who_is_unknown_is_drawn_as_a_customer_of_its_own() -> None:
    many = pl.DataFrame(
        {
            "customer_id": [None, *(f"c{number}" for number in range(299))],
            "visit_id": [f"v{number}" for number in range(300)],
            "timestamp": "2026-03-02T10:00Z",
            "channel": "ads",
            "page_views": [1, 2, 3] * 100,
        }
    )
    row = table(at.web_log(many, intervals=0.9, replicates=200, folds=64)).row(0, named=True)
    assert (row["users"], row["visits"]) == (299.0, 300.0)
    names = many["customer_id"].fill_null(many["visit_id"])
    fold = (hashed(names)[0] >> np.uint64(58)).astype(int)
    of_fold = np.bincount(fold, minlength=64)
    weights = np.random.default_rng(0).multinomial(64, np.full(64, 1 / 64), size=200)
    ends = tuple(np.quantile(weights @ of_fold, [0.05, 0.95]))
    assert (row["visits_low"], row["visits_high"]) == pytest.approx(ends)
    nobody = table(at.web_log(many.drop("customer_id"), intervals=0.9, folds=64))
    assert nobody["visits_low"].null_count() == len(nobody)
    assert "visits have no customers, or rows stand for several" in nobody["reason"][0]


def test_names_and_days_are_those_of_our_tables() -> None:
    late = ["2026-03-02T23:30Z"] * 4
    given = visits(channel=[" ads", "ads", "(total)", None], timestamp=late)
    channels = table(at.web_log(given))["channel"].to_list()
    assert channels == ['"(total)"', "ads", None, "(total)"]
    named = at.web_log(given, reading=at.Reading(null_channel="Direct", timezone="Europe/Berlin"))
    assert table(named)["channel"].to_list() == ['"(total)"', "Direct", "ads", "(total)"]
    assert table(named, "day")["day"].to_list() == [date(2026, 3, 3), None]


def test_sequence_orders_one_instant_and_any_column_the_rest() -> None:
    given = {"customer_id": ["a"] * 2, "timestamp": TIMES[:1] * 2, "page": ["z", "b"], "sequence": [1, 2]}
    log = at.web_log(pages=pl.DataFrame(given))
    assert table(log, "landing_page")["landing_page"][0] == "z"
    assert not [line for line in log.warnings if "one instant" in line]
    days = {"customer_id": ["a"] * 2, "timestamp": TIMES[:1] * 2, "page": ["h"] * 2}
    rows = pl.DataFrame(days | {"camp": [date(2026, 1, 2), date(2026, 1, 1)]})
    one, two = (table(at.web_log(pages=each), "camp") for each in (rows, rows[::-1]))
    assert one.equals(two)


def test_two_logs_stand_beside_one_another() -> None:
    logs = [at.web_log(pages=pages(), goals=[THANKS], intervals=each) for each in (None, 0.9)]
    both = at.engagement(*logs, by=["day"])
    assert both.table()["signup_visits"].to_list() == [1.0, 0.0, 1.0]
    with pytest.raises(ParameterError, match="logs with the same intervals"):
        at.engagement(logs[1], at.web_log(pages=pages(), intervals=0.5), by=["day"])
    touches = {"customer_id": ["a"], "timestamp": TIMES[:1], "channel": ["ads"], "kind": ["click"]}
    ads = at.ad_log(pl.DataFrame(touches | {"utm": ["x"]}), columns={"campaign": "utm"})
    empty = at.engagement(at.web_log(pages=pages(campaign=[None] * 4)), ads, by=["campaign"]).table()
    assert empty.select("campaign", "visits", "clicks").rows() == [
        ("x", None, 1.0),
        (None, 3.0, None),
        ("(total)", 3.0, 1.0),
    ]
    assert any("more clicks than impressions" in line for line in ads.warnings)
    with pytest.raises(TableError, match="column 'campaign': type String"):
        at.engagement(at.web_log(pages=pages(campaign=[1] * 4)), ads, by=["campaign"])


def test_activity_is_what_a_log_returns() -> None:
    credits = at.Credits("linear", ("ads",), ("leads",), [[4]], [0])
    calls: list[Any] = [
        lambda: at.engagement([at.web_log(pages=pages())]),  # type: ignore[arg-type]
        lambda: at.engagement(pages()),  # type: ignore[arg-type]
        lambda: at.measure(credits, activity=None),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(ParameterError, match="what web_log or ad_log returns"):
            call()
    for goals in (THANKS, [("signup", "1 = 1")]):
        with pytest.raises(ParameterError, match=r"a list of at\.Goal"):
            at.web_log(pages=pages(), goals=goals)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="each name of a goal"):
        at.web_log(pages=pages(), goals=[at.Goal("a", "1 = 1"), at.Goal("b", "1 = 1", layer="a")])


def test_days_of_two_zones_are_not_put_beside_one_another() -> None:
    leads = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-01T00:00Z"], "owner": ["Ann"]})
    log = at.lead_log(leads, reading=at.Reading(timezone="Asia/Tokyo"))
    with pytest.raises(ParameterError, match="days of Asia/Tokyo, as the credits have"):
        at.measure(log, by=["day"], activity=at.web_log(pages=pages()))
    assert at.measure(log, by=["owner"], activity=at.web_log(pages=pages())).table()["visits"][-1] == 3.0


def test_rows_after_the_end_of_the_data_are_set_aside() -> None:
    log = at.web_log(visits(), as_of="2026-03-02T10:00:30Z")
    assert dict(log.tables["visits"].set_aside) == {"future_time": 2}


def test_page_stages_count_what_they_leave_out() -> None:
    made = at.page_stages(
        pages(customer_id=["a", None, None, "c"], visit_id=[None, "v", "v", "w"]), {"t": "home"}
    )
    assert dict(made.rows.set_aside) == {"null_user": 2}
    assert made.table().select("customer_id", "landing_page").rows() == [("a", "home"), ("c", "home")]
    for stages in (["thanks"], {"t": 2}, {"t": None}):
        with pytest.raises(ParameterError, match="names and pages"):
            at.page_stages(pages(), stages)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="of no column carts_at"):
        at.page_stages(pages(carts_at=[1] * 4), {"carts": "home"})
    with pytest.raises(TableError, match="no column customer_id"):
        at.page_stages(pages().drop("customer_id"), {"carts": "home"})


def test_credits_without_a_cell_have_reasons_and_no_nan() -> None:
    none = pl.DataFrame({"customer_id": ["a"], "timestamp": TIMES[:1]}).clear()
    measured = at.measure(at.lead_log(none), activity=at.web_log(visits()), by=["week"]).table()
    assert measured["cost_per_lead"].null_count() == len(measured)
    assert all("cost_per_lead: no spend" in why for why in measured["reason"])


def test_models_that_share_totals_have_no_lead_rate_in_any_cell() -> None:
    touched = pl.DataFrame(
        {"customer_id": ["a", "b"], "timestamp": TIMES[:1] * 2, "channel": ["ads", "mail"]}
    )
    leads = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-04T00:00Z"]})
    web = at.web_log(visits(channel=["ads", "mail", "radio", "radio"]))
    for models in ([at.Linear(), at.Markov(share="global")], [at.Markov(share="global"), at.Linear()]):
        result = at.attribute(at.stitch(touched, leads), *models)
        rows = at.measure(result, activity=web).table().filter(channel="radio")
        rates = dict(rows.select("model", "lead_rate").rows())
        assert rates == {"linear": 0.0, "markov": None}


def test_visits_are_held_where_credits_are_drawn_by_account() -> None:
    names = [f"c{number}" for number in range(600)]
    accounts = [f"a{number // 2}" for number in range(600)]
    touched = pl.DataFrame(
        {"customer_id": names, "timestamp": TIMES[:1] * 600, "channel": "ads", "account_id": accounts}
    )
    leads = touched.filter(pl.int_range(pl.len()) % 3 == 0).with_columns(
        timestamp=pl.lit("2026-03-05T00:00Z")
    )
    result = at.attribute(at.stitch(touched, leads, folds=64), at.Linear(), intervals=0.9, replicates=200)
    web = at.web_log(touched.select("customer_id", "timestamp", "channel"))
    measured = at.measure(result, activity=web)
    row = measured.table().row(0, named=True)
    assert row["lead_rate_low"] == pytest.approx(row["leads_low"] / 600)
    assert "visits_low" not in row
    assert any("credits are drawn by accounts, and not by customer" in line for line in measured.warnings)


def test_conditions_read_numbers_in_columns_of_text(tmp_path: Path) -> None:
    visits(orders=[0, 1, 2, 0], share=[0.5, 1.5, None, 2.0], device=["1", "tv", "1", "1"]).write_csv(
        tmp_path / "visits.csv"
    )
    goals = [
        at.Goal("order", "orders > 0"),
        at.Goal("share", "share > 1 AND orders < 2"),
        at.Goal("device", "device = '1'"),
    ]
    whole = table(at.web_log(str(tmp_path / "visits.csv"), goals=goals))[-1]
    assert whole.select("order_visits", "share_visits", "device_visits").row(0) == (2.0, 2.0, 3.0)
    counted = visits(orders=["0", "1", "1", "0"], visits=[1, 1, 1, 1])
    assert table(at.web_log(counted, goals=[at.Goal("order", "orders")]))["order_visits"][-1] == 2.0
    with pytest.raises(ParameterError, match="true or false of each row"):
        at.web_log(str(tmp_path / "visits.csv"), goals=[at.Goal("odd", "device > 0")])


def test_time_that_nobody_measured_is_not_0() -> None:
    log = at.web_log(pl.DataFrame({"timestamp": TIMES[:3], "channel": "ads", "page_views": [1, 3, 5]}))
    assert {"time_on_page", "seconds_on_page"}.isdisjoint(table(log).columns)


def test_what_the_pages_tell_is_not_asked_of_the_visits() -> None:
    given = visits(seconds=[None] * 4, page_views=[None, 0, 1, 1], bounces=[None, 9, 0, 0])
    log = at.web_log(given, pages(visit_id=["v1", "v2", "v3", "v4"]))
    assert [rows.used for rows in log.tables.values()] == [4, 4]
    assert table(log)["bounces"].to_list() == [2.0, 2.0, 4.0]


def test_who_logs_in_during_a_visit_is_known_from_its_beginning() -> None:
    views = pages(customer_id=[None, "u1", "u2", "u2"], visit_id=["1", "1", "2", "2"])
    assert table(at.web_log(pages=views), "landing_page")["users"].to_list() == [2.0, 2.0]


def test_a_bad_number_takes_no_digit_from_the_others() -> None:
    first = 1_767_225_600_000_000_001
    views = {
        "visit_id": ["1"] * 4 + ["2"],
        "timestamp": TIMES[:1] * 5,
        "page": list("dcbaz"),
        "sequence": [*(str(first + place) for place in range(4)), "n/a"],
    }
    assert table(at.web_log(pages=pl.DataFrame(views)), "landing_page")["landing_page"][0] == "d"


def test_a_condition_on_all_rows_together_and_arguments_of_another_kind_are_refused() -> None:
    with pytest.raises(ParameterError, match="not on all together"):
        at.web_log(pages=pages(), goals=[at.Goal("many", "COUNT(page) > 2")])
    for columns in (["x"], {"pages": "x"}):
        with pytest.raises(ParameterError, match="names by table"):
            at.web_log(pages=pages(), columns=columns)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="names and pages"):
        at.page_stages(pages(), {1: "home"})  # type: ignore[dict-item]
