"""The funnel: counted leads and rates against a naive twin, by hand, and the laws that they keep."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.kpis import KPIS
from attribution.stitched import Stitched

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEPS = {"mqls": "mql_at", "sqls": "sql_at", "opportunities": "opportunity_at"}
TIMES = [*STEPS.values(), "won_at", "lost_at"]
TIME = pl.Datetime("us", "UTC")


def day(number: float | None) -> datetime | None:
    return None if number is None else START + timedelta(days=number)


def leads_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return leads of days after the start: {"mql_at": 3, ...}; customer a, b, ... and owner Ann."""
    full = [
        {
            "customer_id": row.get("customer_id", chr(97 + place)),
            "timestamp": day(row.get("timestamp", 0)),
            "owner": row.get("owner", "Ann"),
            **{name: day(row.get(name)) for name in TIMES},
            **{name: row[name] for name in ("wins", "revenue", "account_id", "amount") if name in row},
        }
        for place, row in enumerate(rows)
    ]
    return pl.DataFrame(full, schema_overrides=dict.fromkeys(["timestamp", *TIMES], TIME))


def counts(leads: pl.DataFrame, **more: Any) -> dict[str, float]:
    """Return the total row of a funnel of leads."""
    return at.funnel(at.lead_log(leads), by=["owner"], **more).table().row(-1, named=True)


def random_leads(seed: int, n: int = 120) -> pl.DataFrame:
    """Return leads whose stages are skipped, come in any order, are lost and reopened."""
    draw = random.Random(seed)
    rows = []
    for _ in range(n):
        now = draw.uniform(0, 80)
        row: dict[str, Any] = {"customer_id": f"c{draw.randrange(60)}", "timestamp": now}
        for name in TIMES:
            if draw.random() < 0.45:
                row[name] = now + draw.choice([1, 2, 3, 5, 5, 8]) * draw.choice([1, 1, 1, 10])
        row |= {"owner": draw.choice(["Ann", "Bo", "Cy"]), "account_id": draw.choice(["x", "y", None])}
        row["wins"] = int(("won_at" in row and draw.random() < 0.9) or draw.random() < 0.05)
        rows.append(row | {"revenue": row["wins"] * draw.uniform(10, 20), "amount": draw.uniform(1, 9)})
    return leads_of(*rows)


def naive(leads: pl.DataFrame) -> list[dict[str, float]]:
    """Return how far each lead came, as plainly as it can be said."""
    found, first = [], {}
    rows = leads.rows(named=True)
    for owner in ("customer_id", "account_id"):
        for place, row in enumerate(rows):
            if row["wins"] and row[owner] is not None:
                key, when = (owner, row[owner]), row["won_at"] or row["timestamp"]
                if key not in first or when < first[key][0]:
                    first[key] = (when, place)
    for place, row in enumerate(rows):
        path = [row["mql_at"], row["sql_at"], row["opportunity_at"], row["won_at"]]
        told = {"leads": 1.0, "wins": float(row["wins"])}
        for step, name in enumerate(STEPS):
            reached = bool(row["wins"]) or any(time is not None for time in path[step:])
            later = [time for time in path[step + 1 :] if time is not None]
            told[name] = float(reached)
            told[f"skipped_{name}"] = float(reached and path[step] is None)
            told[f"reentered_{name}"] = float(
                path[step] is not None and any(path[step] > time for time in later)
            )
        times = [time for time in path if time is not None]
        moved_on = row["lost_at"] is not None and any(time > row["lost_at"] for time in times)
        told["lost"] = float(row["lost_at"] is not None and not moved_on and not row["wins"])
        told["closed"] = told["wins"] + told["lost"]
        told["open"] = 1.0 - told["closed"]
        told["open_opportunities"] = told["open"] * told["opportunities"]
        told["pipeline"] = told["open_opportunities"] * row["amount"]
        told["reopened"] = float(moved_on or (row["won_at"] is not None and not row["wins"]))
        told["customers"] = float(first.get(("customer_id", row["customer_id"]), (0, -1))[1] == place)
        told["accounts"] = float(first.get(("account_id", row["account_id"]), (0, -1))[1] == place)
        found.append(told)
    return found


# The twin.


@pytest.mark.parametrize("seed", range(6))
def test_the_funnel_counts_as_its_twin(seed: int) -> None:
    leads = random_leads(seed)
    ours = at.funnel(at.lead_log(leads), by=["owner"], value="amount").table()
    theirs: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for owner, told in zip(leads["owner"], naive(leads), strict=True):
        for name, value in told.items():
            theirs[owner][name] += value
            theirs["(total)"][name] += value
    assert ours["owner"].to_list() == ["Ann", "Bo", "Cy", "(total)"]
    for row in ours.rows(named=True):
        for name, value in theirs[row["owner"]].items():
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("seed", range(3))
def test_every_rate_is_that_of_the_dictionary_over_the_sums_of_its_cell(seed: int) -> None:
    table = at.funnel(at.lead_log(random_leads(seed)), by=["owner"]).table()
    rates = [kpi for kpi in KPIS if kpi.denominator and kpi.name in table.columns]
    assert {kpi.name for kpi in rates} >= {
        "qualification_rate",
        "win_rate",
        "win_rate_closed",
        "mqls_to_sqls",
    }
    for row in table.rows(named=True):
        for kpi in rates:
            assert row[kpi.name] == pytest.approx(row[kpi.numerator] / row[kpi.denominator], rel=1e-15)


# By hand.


def test_a_lead_conversion_rate_of_35_customers_and_150_leads_is_23_3_percent() -> None:
    rows = [{"wins": int(place < 35), "customer_id": f"c{place}"} for place in range(150)]
    total = counts(leads_of(*rows))
    assert (total["customers"], total["leads"]) == (35, 150)
    assert round(100 * total["lead_conversion_rate"], 1) == 23.3


def test_a_later_stage_stands_for_an_earlier_one_that_was_skipped() -> None:
    total = counts(leads_of({"opportunity_at": 3}, {"mql_at": 1, "sql_at": 2}, {}))
    assert [total[name] for name in ("leads", *STEPS, "wins")] == [3, 2, 2, 1, 0]
    assert [total[f"skipped_{name}"] for name in STEPS] == [1, 1, 0]
    told = at.funnel(at.lead_log(leads_of({"opportunity_at": 3})), by=["owner"]).warnings
    assert told[0] == (
        "funnel: 1 leads reached mqls without a time of it, by a later stage: they count as having reached it"
    )


def test_a_stage_that_is_entered_again_and_a_lead_that_is_reopened_count_once_as_they_stand_at_the_end() -> (
    None
):
    back = {"mql_at": 5, "sql_at": 2}  # sales gave it back to marketing
    lost_and_found = {"mql_at": 1, "lost_at": 3, "sql_at": 9}
    taken_back = {"mql_at": 1, "won_at": 4, "wins": 0, "lost_at": 6}
    rows = [{"wins": 0, **row} for row in (back, lost_and_found, taken_back)]
    total = counts(leads_of(*rows))
    assert (total["mqls"], total["sqls"], total["reentered_mqls"], total["reopened"]) == (3, 3, 1, 2)
    assert (total["wins"], total["lost"], total["open"]) == (0, 1, 2)


def test_without_a_column_of_wins_the_later_of_won_and_lost_counts() -> None:
    total = counts(leads_of({"won_at": 2}, {"won_at": 2, "lost_at": 5}, {"won_at": 5, "lost_at": 2}))
    assert (total["wins"], total["lost"], total["reopened"]) == (2, 1, 2)


def test_a_customer_is_won_once_and_so_is_an_account() -> None:
    same = {"wins": 1, "customer_id": "a", "account_id": "x"}
    leads = leads_of(
        {**same, "won_at": 9, "owner": "Ann"},
        {**same, "won_at": 4, "owner": "Bo"},
        {"wins": 1, "won_at": 2, "account_id": "x", "owner": "Cy", "customer_id": "b"},
    )
    table = at.funnel(at.lead_log(leads), by=["owner"]).table()
    assert table["customers"].to_list() == [0, 1, 1, 2]
    assert table["accounts"].to_list() == [0, 0, 1, 1]


def test_one_lead_of_two_owners_is_an_error_or_counts_with_the_latest_stage() -> None:
    leads = leads_of(
        {"owner": "Ann", "mql_at": 1}, {"owner": "Bo", "mql_at": 1, "sql_at": 3, "customer_id": "a"}
    )
    leads = leads.with_columns(
        outcome_id=pl.lit("o1"), leads=pl.Series([1, 1]), revenue=pl.Series([1.0, 2.0])
    )
    with pytest.raises(TableError, match="o1"):
        at.lead_log(leads)
    log = at.lead_log(leads, repeated_outcomes="latest")
    table = at.funnel(log, by=["owner"]).table()
    assert table.select("owner", "leads", "sqls").rows() == [("Bo", 1, 1), ("(total)", 1, 1)]
    assert log.journeys.report.tables["outcomes"].set_aside == {"superseded": 1}


def test_stages_of_ones_own_have_their_own_rates() -> None:
    leads = leads_of({"mql_at": 2}, {}, {"sql_at": 3, "mql_at": 1})
    leads = leads.rename({"mql_at": "demo_at", "sql_at": "trial_at"})
    table = at.funnel(
        at.lead_log(leads), by=["owner"], stages={"demos": "demo_at", "trials": "trial_at"}
    ).table()
    total = table.row(-1, named=True)
    assert (total["demos"], total["trials"]) == (2, 1)
    assert (total["leads_to_demos"], total["demos_to_trials"]) == (2 / 3, 1 / 2)
    assert "mqls" not in total


def test_times_of_a_stage_may_be_text_and_what_is_none_is_refused() -> None:
    leads = leads_of({}, {}).with_columns(demo_at=pl.Series(["2026-02-01", None]))
    assert counts(leads, stages={"demos": "demo_at"})["demos"] == 1
    odd = leads.with_columns(demo_at=pl.Series(["01/02/2026", None]))
    with pytest.raises(TableError, match="day and month cannot be told apart"):
        counts(odd, stages={"demos": "demo_at"})


def test_a_newsletter_is_not_a_quote_request() -> None:
    leads = leads_of({"won_at": 20}, {"won_at": 2}, {"won_at": 4}, {}, {})
    asked = leads.with_columns(form=pl.Series(["newsletter", "quote", "quote", "webinar", None]))
    kinds = {"early": ["newsletter"], "middle": ["webinar"], "late": ["quote"]}
    log = at.lead_log(at.with_funnel_position(asked, "form", **kinds))
    table = at.funnel(log, by=["funnel_position"]).table()
    assert table.select("funnel_position", "leads", "win_rate").rows() == [
        *(("early", 1, 1), ("late", 2, 1), ("middle", 1, 0), (None, 1, 0), ("(total)", 5, 0.6)),
    ]
    soon = at.velocity(log, by=["funnel_position"]).table().filter(from_stage="leads", to_stage="wins")
    assert soon["median_days_of_reached"].to_list() == [20, 2, None, None, 4]
    with pytest.raises(TableError, match="values without a position"):
        at.with_funnel_position(asked, "form", early=["newsletter"])
    with pytest.raises(ParameterError, match="each value once"):
        at.with_funnel_position(asked, "form", early=["quote"], late=["quote"])
    with pytest.raises(ParameterError, match="forms"):
        at.with_funnel_position(asked, "forms", early=["quote"])


# Two tables: of cohorts, and of what entered in a period.


def test_a_cohort_is_counted_where_it_began_and_an_entry_when_it_happened() -> None:
    leads = leads_of({"mql_at": 40, "won_at": 70}, {"timestamp": 35, "mql_at": 36}, {})
    log = at.lead_log(leads)
    cohorts = at.funnel(log, by=["month"]).table()
    months = [date(2026, 1, 1), date(2026, 2, 1), None]
    assert cohorts["month"].to_list() == months
    assert cohorts.select("leads", "mqls", "wins").rows() == [(2, 1, 1), (1, 1, 0), (3, 2, 1)]
    entries = at.stage_entries(log, "month", by=["owner"]).table()
    names = ["entered_month", "leads_entered", "mqls_entered", "wins_entered", "lost_entered"]
    assert entries.select(names).rows() == [
        (date(2026, 1, 1), 2, 0, 0, 0),
        (date(2026, 2, 1), 1, 2, 0, 0),
        (date(2026, 3, 1), 0, 0, 1, 0),
        (None, 3, 2, 1, 0),
    ]
    assert not {name for name in entries.columns if "rate" in name or "_to_" in name}


@pytest.mark.parametrize("seed", range(3))
def test_entries_add_up_to_the_leads_that_have_a_time_of_their_own(seed: int) -> None:
    leads = random_leads(seed)
    entries = at.stage_entries(at.lead_log(leads), "week", by=["owner"]).table().row(-1, named=True)
    assert entries["leads_entered"] == len(leads)
    for name, time in STEPS.items():
        assert entries[f"{name}_entered"] == leads[time].count()


# Of a log with touchpoints.


@cache
def sample() -> tuple[Stitched, at.Result]:
    touchpoints, leads, _ = at.sample.load()
    journeys = at.stitch(touchpoints, leads, lookback_days=30)
    return journeys, at.attribute(journeys, at.LastTouch(), at.Markov(), intervals=0.9, replicates=200)


@cache
def by_channel() -> pl.DataFrame:
    return at.funnel(at.credit_log(*sample())).table()


def test_channels_share_what_leads_alone_count() -> None:
    whole = at.funnel(at.lead_log(at.sample.load().leads), by=["owner"]).table().row(-1, named=True)
    for (_model,), rows in by_channel().group_by("model"):
        for name in ("leads", *STEPS, "wins", "lost", "open", "closed", "customers", "accounts", "revenue"):
            assert math.fsum(rows[name][:-1]) == pytest.approx(whole[name], rel=1e-12)
            assert rows[name][-1] == pytest.approx(whole[name], rel=1e-12)


def test_counts_never_rise_along_the_funnel_and_rates_are_shares() -> None:
    table = by_channel()
    path = ["leads", *STEPS, "wins"]
    for before, after in pairwise(path):
        assert (table[before] - table[after]).min() > -1e-9  # type: ignore[operator]
    for kpi in KPIS:
        if kpi.unit == "share" and kpi.name in table.columns:
            assert table[kpi.name].is_between(0, 1 + 1e-12).all()


@pytest.mark.parametrize("rate", ["win_rate", "qualification_rate", "mqls_to_sqls", "win_rate_closed"])
def test_the_weighted_mean_of_a_rate_is_the_overall_rate_and_the_total_is_no_mean_of_ratios(
    rate: str,
) -> None:
    kpi = next(each for each in KPIS if each.name == rate)
    for (_model,), rows in by_channel().group_by("model"):
        cells, total = rows[:-1], rows.row(-1, named=True)
        weighted = math.fsum(cells[rate] * cells[kpi.denominator]) / math.fsum(cells[kpi.denominator])
        assert total[rate] == pytest.approx(weighted, rel=1e-12)
        assert abs(total[rate] - cells[rate].mean()) > 1e-4  # type: ignore[operator]


def test_what_measure_tells_the_funnel_tells_with_the_same_intervals() -> None:
    log, spend = at.credit_log(*sample()), at.sample.load().spend
    measured = at.measure(log, spend).table().sort("model", "channel")
    same = [name for name in measured.columns if name in by_channel().columns and name != "reason"]
    assert {"win_rate_low", "opportunities_high", "qualification_rate_low"} <= set(same)
    assert_frame_equal(
        measured.select(same), by_channel().select(same).sort("model", "channel"), check_exact=True
    )


def test_a_cost_per_opportunity_times_opportunities_is_the_spend() -> None:
    measured = at.measure(at.credit_log(*sample()), at.sample.load().spend).table()
    priced = measured.filter(pl.col("cost_per_opportunity").is_not_null())
    assert len(priced) >= 12
    assert_frame_equal(
        priced.select(pl.col("cost_per_opportunity") * pl.col("opportunities")),
        priced.select(pl.col("spend").alias("cost_per_opportunity")),
    )


def test_the_file_of_a_log_gives_the_funnel_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attribution.tables.files.ROW_GROUP", 700)  # journeys and folds lie in two groups
    log = at.credit_log(*sample())
    log.write(tmp_path / "log.parquet", "owner")
    for by in (["channel"], ["owner", "month"]):
        ours, theirs = (at.funnel(each, by=by).table() for each in (tmp_path / "log.parquet", log))
        assert_frame_equal(ours, theirs, rel_tol=1e-12, abs_tol=1e-9)
    ours, theirs = (at.stage_entries(each, "month").table() for each in (tmp_path / "log.parquet", log))
    assert_frame_equal(ours, theirs, rel_tol=1e-12, abs_tol=1e-9)


def test_entries_are_drawn_as_the_cohorts_are_where_all_happens_at_once() -> None:
    leads = leads_of(*({"customer_id": f"c{place}", "mql_at": 1, "won_at": 2} for place in range(400)))
    log = at.lead_log(leads, intervals=0.9)
    cohort = at.funnel(log, by=["owner"]).table().row(0, named=True)
    entries = at.stage_entries(log, "year", by=["owner"]).table().row(0, named=True)
    for name in ("leads", "mqls", "wins"):
        for end in ("", "_low", "_high"):
            assert entries[f"{name}_entered{end}"] == cohort[f"{name}{end}"]


def test_the_order_of_the_rows_changes_no_bit() -> None:
    leads = random_leads(3)
    tables = [
        at.funnel(at.lead_log(each, intervals=0.9, folds=32), by=["owner", "month"], value="amount").table()
        for each in (leads, leads.sample(fraction=1, shuffle=True, seed=1))
    ]
    assert_frame_equal(*tables, check_exact=True)


# Names that meet.


@pytest.mark.parametrize(
    "name", ["customers", "reopened", "open", "skipped_mqls", "leads", "1st", "weight", "fold"]
)
def test_a_stage_named_as_a_count_or_a_column_of_the_log_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="a name such as demos"):
        at.funnel(at.lead_log(leads_of({})), by=["owner"], stages={name: "mql_at"})


@pytest.mark.parametrize("column", ["won", "lost", "moved_on", "place", "latest", "value"])
def test_a_column_of_times_may_have_any_name(column: str) -> None:
    leads = leads_of({"mql_at": 1}, {"mql_at": 2}, {}).rename({"mql_at": column})
    assert counts(leads, stages={"demos": column})["demos"] == 2


def test_an_outcome_of_the_name_stands_in_place_of_the_count() -> None:
    leads = leads_of({"mql_at": 1}, {}).with_columns(leads=pl.lit(1), mqls=pl.lit(3))
    log = at.lead_log(leads, outcome_names=["leads", "mqls"])
    assert at.funnel(log, by=["owner"]).table()["mqls"][-1] == 6
    with pytest.raises(ParameterError, match="a name such as demos"):
        at.funnel(log, by=["owner"], stages={"mqls": "mql_at"})


OF_ALL = ([], "owner", ["owner", "owner"], ["win_rate"], ["weight"])


@pytest.mark.parametrize(
    ("verb", "by"),
    [(verb, by) for verb in (at.funnel, at.velocity, at.customer_value) for by in OF_ALL]
    + [(at.funnel, ["open"])],
)
def test_dimensions_are_named_once_and_as_no_column_of_the_table(verb: Any, by: Any) -> None:
    own = {name: pl.lit("a") for name in ("win_rate", "weight", "open")}
    leads = leads_of({"won_at": 3, "wins": 1}).with_columns(**own)
    with pytest.raises(ParameterError, match="by"):
        verb(at.lead_log(leads), by=by)


def test_leads_may_have_another_name() -> None:
    leads = leads_of({"mql_at": 1, "won_at": 4}, {}).with_columns(demos=pl.Series([2, 3]))
    log = at.lead_log(leads, outcome_names=["demos"])
    total = at.funnel(log, by=["owner"]).table().row(-1, named=True)
    assert (total["demos"], total["mqls"], total["wins"]) == (5, 2, 2)
    for names in (["demos"], ["demos", "leads"]):
        log = at.lead_log(leads.with_columns(leads=pl.lit(7)), outcome_names=names)
        assert at.velocity(log, by=["owner"]).table().filter(to_stage="wins")["leads"][0] == 5


# What is not known.


def test_where_nobody_tells_of_wins_there_are_none_and_no_rate_of_them() -> None:
    leads = leads_of({"mql_at": 1}, {}).drop("won_at", "lost_at")
    table = at.funnel(at.lead_log(leads), by=["owner"]).table()
    assert not {"wins", "open", "customers"} & set(table.columns)
    assert table["win_rate"].to_list() == [None, None]
    assert "win_rate: no column wins" in table["reason"][0]
    measured = at.measure(at.lead_log(leads), by=["owner"]).table()
    assert measured["win_rate"].to_list() == [None, None]


def test_what_is_after_as_of_has_not_happened() -> None:
    leads = leads_of({"mql_at": 2, "won_at": 9}, {"mql_at": 8})
    log = at.lead_log(leads, as_of=day(5))
    total = at.funnel(log, by=["owner"]).table().row(-1, named=True)
    assert (total["leads"], total["mqls"], total["wins"]) == (2, 1, 0)


def test_a_share_of_a_lead_keeps_its_rates_exact() -> None:
    for leads in (2 / 3, 1e-10, 0.1):
        table = leads_of({"mql_at": 1}, {"mql_at": 2}).with_columns(leads=pl.lit(leads))
        total = counts(table)
        assert total["qualification_rate"] == 1
        assert total["mqls"] == total["leads"] == pytest.approx(2 * leads, rel=1e-15)


def test_leads_won_at_once_share_their_customer_whatever_the_order_of_the_rows() -> None:
    same = {"won_at": 3, "customer_id": "a", "wins": 1}
    leads = leads_of(same | {"owner": "Ann"}, same | {"owner": "Bo"})
    for rows in (leads, leads.reverse()):
        table = at.funnel(at.lead_log(rows), by=["owner"]).table()
        assert table.select("owner", "customers").rows() == [("Ann", 0.5), ("Bo", 0.5), ("(total)", 1)]


def test_no_number_that_is_none_comes_out_of_a_value() -> None:
    leads = leads_of({"opportunity_at": 1, "amount": math.nan}, {"opportunity_at": 1, "amount": 4.0})
    assert counts(leads, value="amount")["pipeline"] == 4
    with pytest.raises(TableError, match="infinite"):
        counts(leads.with_columns(amount=pl.lit(math.inf)), value="amount")
    with pytest.raises(ParameterError, match="pipeline"):
        counts(leads, value="amount", stages={"mqls": "mql_at"})


def test_a_column_of_the_touchpoints_is_no_stage_of_the_leads(tmp_path: Path) -> None:
    touchpoints, leads, _ = at.sample.load()
    touched = touchpoints.with_columns(sql_at=pl.col("timestamp"))
    journeys = at.stitch(touched, leads.drop("sql_at"))
    log = at.credit_log(journeys, at.attribute(journeys, at.LastTouch()))
    log.write(tmp_path / "log.parquet", "sql_at")
    ours, theirs = (at.funnel(each).table() for each in (tmp_path / "log.parquet", log))
    assert "sqls" not in theirs.columns
    assert_frame_equal(ours, theirs, rel_tol=1e-12)


def test_times_of_ones_own_are_read_in_the_declared_format() -> None:
    leads = leads_of({}, {}).with_columns(
        pl.col("timestamp").dt.strftime("%m/%d/%Y"), demo_at=pl.Series(["02/01/2026", None])
    )
    log = at.lead_log(leads, reading=at.Reading(time_format="%m/%d/%Y", timezone="UTC"))
    assert at.funnel(log, by=["owner"], stages={"demos": "demo_at"}).table()["demos"][-1] == 1


def test_paths_and_journeys_of_one_id_have_no_entries() -> None:
    paths = at.from_paths(pl.DataFrame({"path": ["ads"], "conversions": [3]}))
    log = at.credit_log(paths, at.attribute(paths, at.LastTouch()))
    with pytest.raises(ParameterError, match="paths have none"):
        at.stage_entries(log, "month")


# What cannot be had.


def test_what_is_no_log_or_not_known_is_refused_with_what_there_is() -> None:
    log = at.lead_log(leads_of({}))
    with pytest.raises(ParameterError, match="expected a credit log"):
        at.funnel(sample()[1])
    with pytest.raises(ParameterError, match="demo_at"):
        at.funnel(log, by=["owner"], stages={"demos": "demo_at"})
    with pytest.raises(ParameterError, match="a name such as demos"):
        at.funnel(log, by=["owner"], stages={"wins": "mql_at"})
    with pytest.raises(ParameterError, match="fortnight"):
        at.stage_entries(log, "fortnight")
    with pytest.raises(ParameterError, match="amount"):
        at.funnel(log, by=["owner"], value="amount")
    odd = at.lead_log(leads_of({}).with_columns(amount=pl.lit("much")))
    with pytest.raises(TableError, match="no numbers"):
        at.funnel(odd, by=["owner"], value="amount")
    with pytest.raises(ParameterError, match="device"):
        at.funnel(log, by=["device"])
