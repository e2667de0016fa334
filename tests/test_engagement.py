"""Engagement: visits and page views against a plain twin, the laws of their sums, and what cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.stitching.hashing import hashed

PAGES = ("home", "prices", "form", "thanks")
DEVICES = ("mobile", "desktop")
START = datetime(2026, 3, 2)
LEAD = at.Goal("form_sent", "page = 'thanks'", value=5, layer="leads_made")
PRICED = at.Goal("priced", "page = 'prices'", value=0.5, layer="awareness")
Row = dict[str, Any]


def views(seed: int, customers: int = 40) -> list[Row]:
    """Return random page views, some of them in one instant."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        time = START + timedelta(minutes=int(rng.integers(0, 4_000)))
        for _ in range(rng.integers(1, 9)):
            page = PAGES[rng.integers(0, len(PAGES))]
            device = DEVICES[rng.integers(0, 2)]
            rows.append({"customer_id": f"c{customer}", "timestamp": time, "page": page, "device": device})
            time += timedelta(seconds=int(rng.choice([0, 20, 300, 1800, 1801, 90_000])))
    order = rng.permutation(len(rows))
    return [rows[place] for place in order]


def cut(rows: Sequence[Row], idle: timedelta) -> list[list[Row]]:
    """Return the visits, plainly: a longer pause begins another."""
    visits = []
    for _, mine in groupby(sorted(rows, key=lambda row: row["customer_id"]), lambda row: row["customer_id"]):
        last: list[Row] = []
        for row in sorted(mine, key=lambda row: (row["timestamp"], row["page"], row["device"])):
            if last and row["timestamp"] - last[-1]["timestamp"] <= idle:
                last.append(row)
            else:
                last = [row]
                visits.append(last)
    return visits


def told(visits: Sequence[list[Row]]) -> dict[str, float]:
    """Return what is counted of visits, plainly."""
    seconds = [[(b["timestamp"] - a["timestamp"]).total_seconds() for a, b in pairwise(v)] for v in visits]
    reached = [{row["page"] for row in visit} for visit in visits]
    converts = [bool({"thanks", "prices"} & pages) for pages in reached]
    qualifies = [len(visit) >= 3 and sum(times) > 60 for visit, times in zip(visits, seconds, strict=True)]
    return {
        "visits": len(visits),
        "users": len({visit[0]["customer_id"] for visit in visits}),
        "page_views": sum(map(len, visits)),
        "exits": len(visits),
        "bounces": sum(len(visit) == 1 for visit in visits),
        "engaged_visits": sum(
            len(v) > 1 or sum(s) >= 10 or c for v, s, c in zip(visits, seconds, converts, strict=True)
        ),
        "page_views_timed": sum(map(len, seconds)),
        "seconds_on_page": sum(map(sum, seconds)),
        "converting_visits": sum(converts),
        "converting_users": len({v[0]["customer_id"] for v, c in zip(visits, converts, strict=True) if c}),
        "form_sent_visits": sum("thanks" in pages for pages in reached),
        "priced_visits": sum("prices" in pages for pages in reached),
        "leads_made_visits": sum("thanks" in pages for pages in reached),
        "goal_value": sum(5 * ("thanks" in pages) + 0.5 * ("prices" in pages) for pages in reached),
        "qualified_visits": sum(qualifies),
        "abandoned_visits": sum(q and not c for q, c in zip(qualifies, converts, strict=True)),
    }


def log_of(rows: Sequence[Row], **more: Any) -> at.Activity:
    """Return the page views as a web log with goals and a condition."""
    return at.web_log(
        pages=pl.DataFrame(rows),
        goals=[LEAD, PRICED],
        qualified="page_views >= 3 AND seconds > 60",
        reading=at.Reading(timezone="UTC"),
        **more,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", [("landing_page",), ("device",), ("day",), ("week", "exit_page")])
def test_visits_are_those_of_the_plain_twin(seed: int, by: tuple[str, ...]) -> None:
    rows = views(seed)
    keys: dict[str, Callable[[list[Row]], Any]] = {
        "landing_page": lambda visit: visit[0]["page"],
        "exit_page": lambda visit: visit[-1]["page"],
        "device": lambda visit: visit[0]["device"],
        "day": lambda visit: visit[0]["timestamp"].date(),
        "week": lambda visit: visit[0]["timestamp"].date() - timedelta(visit[0]["timestamp"].weekday()),
    }
    cells: dict[tuple[Any, ...], list[list[Row]]] = defaultdict(list)
    visits = cut(rows, timedelta(minutes=30))
    for visit in visits:
        cells[tuple(keys[name](visit) for name in by)].append(visit)
    table = at.engagement(log_of(rows), by=by).table()
    expected = {key: told(each) for key, each in cells.items()}
    names = list(told(visits))
    found = {
        row[: len(by)]: dict(zip(names, row[len(by) :], strict=True))
        for row in table[:-1].select(*by, *names).rows()
    }
    assert found == expected
    assert table[-1].select(names).row(0, named=True) == told(visits)


@pytest.mark.parametrize("seed", range(6))
def test_page_views_are_those_of_the_plain_twin(seed: int) -> None:
    rows = views(seed)
    visits = cut(rows, timedelta(minutes=30))
    table = at.engagement(log_of(rows), by=["page"]).table()
    for page in PAGES:
        seen = [visit for visit in visits if any(row["page"] == page for row in visit)]
        times = [
            (b["timestamp"] - a["timestamp"]).total_seconds()
            for visit in visits
            for a, b in pairwise(visit)
            if a["page"] == page
        ]
        expected = {
            "page_views": sum(row["page"] == page for row in rows),
            "entrances": sum(visit[0]["page"] == page for visit in visits),
            "exits": sum(visit[-1]["page"] == page for visit in visits),
            "page_views_timed": len(times),
            "seconds_on_page": sum(times),
        }
        of_visits = ("visits", "users", "converting_visits", "converting_users", "goal_value")
        expected |= {name: told(seen)[name] for name in (*of_visits, "qualified_visits", "abandoned_visits")}
        assert table.filter(page=page).select(*expected).row(0, named=True) == expected
    whole = table[-1].row(0, named=True)
    assert whole["page_views"] == len(rows)
    assert whole["visits"] == len(visits)


ADD_UP = ["visits", "page_views", "exits", "bounces", "seconds_on_page", "converting_visits", "goal_value"]
RATIOS = {
    "bounce_rate": ("bounces", "visits"),
    "engagement_rate": ("engaged_visits", "visits"),
    "exit_rate": ("exits", "page_views"),
    "time_on_page": ("seconds_on_page", "page_views_timed"),
    "conversion_rate_by_visit": ("converting_visits", "visits"),
    "conversion_rate_by_user": ("converting_users", "users"),
    "conversion_rate_value_weighted": ("goal_value", "visits"),
    "abandonment_rate": ("abandoned_visits", "qualified_visits"),
    "pages_per_visit": ("page_views", "visits"),
    "form_sent_rate": ("form_sent_visits", "visits"),
    "awareness_rate": ("awareness_visits", "visits"),
}


@pytest.mark.parametrize("by", ["landing_page", "device", "day", "page"])
def test_totals_are_ratios_of_sums_and_no_means_of_ratios(by: str) -> None:
    table = at.engagement(log_of(views(3, 200)), by=[by]).table()
    cells, total = table[:-1], table[-1]
    for name in ADD_UP if by != "page" else ["page_views", "exits", "seconds_on_page", "entrances"]:
        assert cells[name].sum() == pytest.approx(total[name].item(), rel=1e-12)
    for name, (numerator, denominator) in RATIOS.items():
        if name not in table.columns:
            assert by == "page"
            continue
        expected = table[numerator] / table[denominator]
        assert table[name].to_list() == pytest.approx(expected.to_list(), rel=1e-12)
        if cells[name].n_unique() > 1:
            assert cells[name].mean() != pytest.approx(total[name].item(), rel=1e-9)


def test_no_digit_depends_on_the_order_of_the_rows() -> None:
    rows = views(5, 300)
    one = at.engagement(log_of(rows, intervals=0.9, folds=64), by=["device", "day"]).table()
    two = at.engagement(log_of(rows[::-1], intervals=0.9, folds=64), by=["device", "day"]).table()
    assert one.equals(two)


def test_intervals_draw_the_folds_of_the_customers() -> None:
    rows = views(8, 400)
    table = at.engagement(log_of(rows, intervals=0.9, replicates=300, folds=64), by=["device"]).table()
    weights = np.random.default_rng(0).multinomial(64, np.full(64, 1 / 64), size=300)
    visits = cut(rows, timedelta(minutes=30))
    fold = [int(hashed(pl.Series([visit[0]["customer_id"]]))[0][0] >> np.uint64(58)) for visit in visits]
    for device in (*DEVICES, "(total)"):
        of_fold = np.zeros((2, 64))
        for number in range(64):
            mine = [
                visit
                for visit, place in zip(visits, fold, strict=True)
                if place == number and device in ("(total)", visit[0]["device"])
            ]
            of_fold[:, number] = told(mine)["converting_users"], told(mine)["users"]
        drawn = (weights @ of_fold[0]) / (weights @ of_fold[1])
        row = table.filter(device=device)
        ends = row["conversion_rate_by_user_low"].item(), row["conversion_rate_by_user_high"].item()
        assert ends == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), rel=1e-12)


def test_a_table_of_visits_alone_tells_what_it_knows() -> None:
    visits = pl.DataFrame(
        {
            "timestamp": ["2026-03-02T10:00Z", "2026-03-02T11:00Z", "2026-03-03T10:00Z"],
            "channel": ["ads", "ads", "mail"],
            "page_views": [1, 3, 2],
            "seconds": [None, 90, 30],
            "orders": [0, 1, 1],
        }
    )
    log = at.web_log(visits, goals=[at.Goal("order", "orders")])
    table = at.engagement(log).table()
    names = ["visits", "bounce_rate", "time_on_page", "order_rate", "exit_rate"]
    assert table.filter(channel="ads").select(names).row(0) == (2.0, 0.5, 45.0, 0.5, 0.5)
    assert table[-1].select(names).row(0) == (3.0, 1 / 3, 40.0, 2 / 3, 0.5)
    assert "users" not in table.columns


def test_rows_may_stand_for_many_visits() -> None:
    table = {
        "timestamp": ["2026-03-02", "2026-03-03"],
        "channel": ["ads", "ads"],
        "visits": [100, 50],
        "bounces": [40, 35],
        "engaged_visits": [55, 20],
        "converting_visits": [5, 4],
    }
    log = at.web_log(pl.DataFrame(table), qualified=pl.col("channel") == "ads", intervals=0.9)
    row = at.engagement(log).table().row(0, named=True)
    assert (row["bounce_rate"], row["bounce_rate_engagement"]) == (0.5, 0.5)
    assert (row["conversion_rate_by_visit"], row["abandonment_rate"]) == (0.06, 141 / 150)
    assert row["bounce_rate_low"] is None
    assert "visits have no customers" in row["reason"]


def test_pages_decide_where_visits_and_pages_are_given() -> None:
    visits = {
        "visit_id": ["v1", "v2", "v3"],
        "timestamp": ["2026-03-02T10:00Z"] * 3,
        "channel": ["ads", None, "ads"],
        "page_views": [2, 7, 1],
    }
    pages = {
        "visit_id": ["v1", "v1", "v2", "v9"],
        "timestamp": ["2026-03-02T10:00Z", "2026-03-02T10:01Z", "2026-03-02T10:00Z", "2026-03-02T10:00Z"],
        "page": ["home", "thanks", "home", "home"],
    }
    log = at.web_log(pl.DataFrame(visits), pl.DataFrame(pages), goals=[LEAD])
    made = at.engagement(log)
    assert dict(made.tables["visits"].set_aside) == {"visit_without_pages": 1}
    assert dict(made.tables["pages"].set_aside) == {"page_without_visit": 1}
    assert [each.lost for each in made.tables.values()] == [0, 0]
    assert any("1 rows tell other page_views than the pages" in line for line in made.warnings)
    rows = made.table().select("channel", "visits", "page_views", "form_sent_rate").rows()
    assert rows == [("ads", 1.0, 2.0, 1.0), (None, 1.0, 1.0, 0.0), ("(total)", 2.0, 3.0, 0.5)]
    by_page = at.engagement(log, by=["page", "channel"]).table()
    assert by_page.filter(page="home", channel="ads")["time_on_page"].item() == 60.0


def visit(**more: Any) -> dict[str, Any]:
    """Return one visit, a row of a table."""
    return {"timestamp": "2026-03-02T10:00Z", "channel": "ads"} | more


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (visit(page_views=0), "visit_without_pages"),
        (visit(page_views=None), "visit_without_pages"),
        (visit(visits=10, bounces=11), "bounces_above_visits"),
        (visit(visits=10, bounces=-1), "bounces_above_visits"),
        (visit(visits=10, bounces=None), "null_number"),
        (visit(visits=10, engaged_visits=11), "engaged_above_visits"),
        (visit(visits=10, converting_visits=11), "conversions_above_visits"),
        (visit(visits=0), "no_visits"),
        (visit(visits=-2), "no_visits"),
        (visit(visits="ten"), "bad_number"),
        (visit(page_views=2, seconds=-1.0), "negative_seconds"),
        (visit(page_views=2, seconds=None), "null_number"),
        (visit(timestamp=None), "bad_time"),
    ],
)
def test_a_visit_that_cannot_be_is_set_aside(row: dict[str, Any], reason: str) -> None:
    good = {name: {"visits": 10, "bounces": 1, "page_views": 2, "seconds": 5.0}.get(name, 1) for name in row}
    good |= {"timestamp": "2026-03-02T10:00Z", "channel": "ads"}
    frame = pl.DataFrame([good, row], strict=False)
    log = at.web_log(frame)
    assert dict(log.tables["visits"].set_aside) == {reason: 1}
    assert log.tables["visits"].used == 1
    assert at.engagement(log).table()["visits"][-1] == good.get("visits", 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"page": None}, "null_page"),
        ({"customer_id": None}, "null_user"),
        ({"seconds": -3.0}, "negative_seconds"),
        ({"seconds": float("inf")}, "not_finite"),
        ({"timestamp": "soon"}, "bad_time"),
    ],
)
def test_a_page_view_that_cannot_be_is_set_aside(row: dict[str, Any], reason: str) -> None:
    good = {"customer_id": "a", "timestamp": "2026-03-02T10:00Z", "page": "home", "seconds": 4.0}
    log = at.web_log(pages=pl.DataFrame([good, good | row]))
    assert dict(log.tables["pages"].set_aside) == {reason: 1}
    assert at.engagement(log, by=["page"]).table()["page_views"][-1] == 1.0


def test_seconds_of_the_analyst_count_but_never_those_of_an_exit() -> None:
    pages = {
        "visit_id": ["v", "v", "v"],
        "timestamp": ["2026-03-02T10:00Z", "2026-03-02T10:01Z", "2026-03-02T10:02Z"],
        "page": ["home", "prices", "thanks"],
        "seconds": [30.0, None, 500.0],
    }
    table = at.engagement(at.web_log(pages=pl.DataFrame(pages)), by=["page"]).table()
    assert table["time_on_page"].to_list() == [30.0, None, None, 30.0]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({}, "got neither"),
        (
            {"pages": views(1), "goals": [at.Goal("signup", "pagge = 'x'")]},
            "unknown column in goal signup 'pagge'",
        ),
        ({"pages": views(1), "goals": [at.Goal("signup", "page = ")]}, "a condition in SQL"),
        ({"pages": views(1), "goals": [at.Goal("signup", "page")]}, "a condition that is true or false"),
        ({"pages": views(1), "goals": [at.Goal("a", "1=1"), at.Goal("a", "1=1")]}, "each name of a goal"),
        ({"pages": views(1), "goals": [at.Goal("a", "1=1", 5), at.Goal("b", "1=1")]}, "b lack one"),
        ({"pages": views(1), "qualified": "page_views > 2"}, "there are no goals"),
        ({"pages": views(1), "idle_minutes": 0}, "idle_minutes"),
        ({"pages": views(1), "columns": {"page": {}}}, "unknown table in columns="),
        ({"pages": views(1), "intervals": 2.0}, "intervals"),
        ({"pages": views(1), "intervals": 0.9, "folds": 100}, "folds"),
    ],
)
def test_what_makes_no_sense_is_refused(how: dict[str, Any], told: str) -> None:
    frames = {name: pl.DataFrame(rows) for name, rows in how.items() if name == "pages"}
    with pytest.raises(ParameterError, match=told):
        at.web_log(**how | frames)


@pytest.mark.parametrize(
    ("visits", "pages", "goals", "told"),
    [
        ([visit()], views(1), [], "no column visit_id"),
        ([visit(visit_id="v", visits=2)], [{**views(1)[0], "visit_id": "v"}], [], "stand for several visits"),
        (None, [{"timestamp": START, "page": "home"}], [], "neither visit_id nor customer_id"),
        ([visit(visits=9, n=10)], None, [at.Goal("order", "n")], "above the visits of the row"),
        ([visit(visits=9, n=1, m=1)], None, [at.Goal("a", "n"), at.Goal("b", "m")], "may have reached both"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    visits: list[Row] | None, pages: list[Row] | None, goals: list[at.Goal], told: str
) -> None:
    frames = [None if rows is None else pl.DataFrame(rows) for rows in (visits, pages)]
    with pytest.raises(TableError, match=told):
        at.web_log(*frames, goals=goals)


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("Sign up", {}, "a word such as signup"),
        ("lead", {}, "lead_rate is a KPI of another meaning"),
        ("converting", {}, "converting_visits is a KPI"),
        ("signup", {"layer": "Lead generation"}, "goal layer"),
        ("signup", {"value": -1}, "a number >= 0"),
        ("signup", {"value": float("nan")}, "a number >= 0"),
    ],
)
def test_a_goal_is_named_plainly(name: str, more: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        at.Goal(name, "1 = 1", **more)


def test_a_dimension_that_nothing_knows_is_refused() -> None:
    log = log_of(views(1))
    with pytest.raises(ParameterError, match="visits are not known by owner"):
        at.engagement(log, by=["owner"])
    with pytest.raises(ParameterError, match="got neither"):
        at.engagement()
