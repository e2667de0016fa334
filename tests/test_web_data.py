"""Web data as it is: the page funnel of a shop with two-digit years and ties, and visits of raw events."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import attribution as at
from attribution.errors import TableError

SHOP = at.Reading(time_format="%m/%d/%y %H:%M", timezone="UTC")
MAPPED = {"customer_id": "user_id", "page": "page_name"}
STAGES = {"carts": "2 - shopping_cart", "checkouts": "3 - checkout", "purchases": "4 - purchase"}
IDLE = timedelta(minutes=30)


@pytest.fixture(scope="module")
def shop(data: Any) -> Path:
    """Return the page views of a shop."""
    path: Path = data.need("codecademy/pages.csv")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, plainly."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_two_digit_years_are_read_once_they_are_declared(shop: Path) -> None:
    with pytest.raises(TableError, match=r"time_format='%m/%d/%y %H:%M'") as refused:
        at.web_log(pages=shop, columns={"pages": MAPPED})
    assert "%Y" not in str(refused.value)
    log = at.web_log(pages=shop, columns={"pages": MAPPED}, reading=SHOP)
    assert log.tables["pages"].used == log.tables["pages"].read == 5_692
    days = at.engagement(log, by=["month"]).table()["month"].drop_nulls()
    assert {day.year for day in days} == {2018}
    assert any("63 page views of one instant" in line for line in log.warnings)


def test_the_page_funnel_is_that_of_a_plain_count(shop: Path) -> None:
    viewed = defaultdict(set)
    for row in rows_of(shop):
        viewed[row["page_name"]].add(row["user_id"])
    leads = at.page_stages(shop, STAGES, columns=MAPPED, reading=SHOP).table()
    log = at.lead_log(leads, intervals=0.95, replicates=200)
    stages = {name: f"{name}_at" for name in STAGES}
    whole = at.funnel(log, by=["landing_page"], stages=stages).table()[-1].row(0, named=True)
    counts = [len(viewed[page]) for page in sorted(viewed)]
    assert counts == [1_979, 1_881, 1_431, 361]
    assert [whole[name] for name in ("leads", *STAGES)] == counts
    assert whole["checkouts_to_purchases"] == 361 / 1_431
    assert whole["checkouts_to_purchases_low"] < 361 / 1_431 < whole["checkouts_to_purchases_high"]


def test_conversion_by_campaign_is_that_of_a_plain_count(shop: Path) -> None:
    views = defaultdict(list)
    for row in rows_of(shop):
        time = datetime.strptime(row["timestamp"], "%m/%d/%y %H:%M")
        views[row["user_id"]].append((time, row["page_name"], row["utm_campaign"]))
    visits, users, bought = Counter[str](), defaultdict(set), Counter[str]()
    for user, each in views.items():
        each.sort()
        begins = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(each)) if b[0] - a[0] > IDLE), len(each)]
        for start, stop in pairwise(begins):
            campaign = each[start][2]
            visits[campaign] += 1
            users[campaign].add(user)
            bought[campaign] += any(page == "4 - purchase" for _, page, _ in each[start:stop])
    goal = at.Goal("purchase", "page = '4 - purchase'", value=20, layer="sales")
    log = at.web_log(pages=shop, columns={"pages": MAPPED}, reading=SHOP, goals=[goal])
    table = at.engagement(log, by=["utm_campaign"]).table()
    for row in table[:-1].iter_rows(named=True):
        campaign = row["utm_campaign"]
        assert (row["visits"], row["users"]) == (visits[campaign], len(users[campaign]))
        assert row["conversion_rate_by_visit"] == bought[campaign] / visits[campaign]
        assert row["conversion_rate_by_user"] == bought[campaign] / len(users[campaign])
        assert row["conversion_rate_value_weighted"] == pytest.approx(
            20 * bought[campaign] / visits[campaign]
        )
    assert table["purchase_visits"][-1] == sum(bought.values()) == 361
    assert table.filter(utm_campaign="weekly-newsletter")["purchase_visits"].item() == 115


def test_raw_events_become_visits_with_channels(data: Any) -> None:
    path = data.need("snowplow_events/events.csv")
    times, channels = defaultdict(list), Counter[str]()
    named = {
        ("(direct)", "(none)"): "Direct",
        ("google", "organic"): "Organic Search",
        ("google", "cpc"): "Paid Search",
        ("Partners", "affiliate"): "Affiliates",
        ("", ""): "Direct",
        ("youtube.com", "referral"): "Organic Video",
        ("quora.com", "referral"): "Organic Social",
    }
    for row in rows_of(path):
        time = datetime.fromisoformat(row["derived_tstamp"].replace("Z", "+00:00"))
        times[row["domain_userid"]].append(time)
        channels[named.get((row["mkt_source"], row["mkt_medium"]), "Referral")] += 1
    mapped = {"source": "mkt_source", "medium": "mkt_medium", "campaign": "mkt_campaign"}
    events = at.with_channels(path, columns=mapped)
    columns = {"customer_id": "domain_userid", "timestamp": "derived_tstamp", "page": "event_name"}
    by_session = at.web_log(pages=events, columns={"pages": columns | {"visit_id": "domain_sessionid"}})
    table = at.engagement(by_session).table()
    assert dict(table[:-1].select("channel", "visits").rows()) == channels
    assert (table["visits"][-1], table["users"][-1]) == (98.0, 67.0)
    bought = at.Goal("bought", "tr_total > 0")  # text, as a CSV file holds it
    by_idle = at.web_log(pages=events, columns={"pages": columns}, goals=[bought])
    cut = sum(1 + sum(b - a > IDLE for a, b in pairwise(sorted(each))) for each in times.values())
    whole = at.engagement(by_idle).table()[-1].row(0, named=True)
    assert (whole["visits"], whole["bought_visits"]) == (cut, 6) == (95, 6)
