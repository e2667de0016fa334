"""The dictionary: every KPI is defined once, and its formula holds on numbers that a hand can check."""

from __future__ import annotations

import re

import numpy as np
import pytest

from attribution.kpis.dictionary import KPIS, ratios_of
from attribution.kpis.entries import Kpi
from attribution.kpis.worth import Terms, figures_of

FROM_ALL = ("from all leads", "from all periods", "from all users")
OTHERS = ("that of the metric", "that of the KPI")
UNITS = {"count", "share", "ratio", "money", "seconds", "days", "months", *OTHERS}
VERBS = {"measure", "funnel", "velocity", "value", "trends", "engagement", "experiment", "gap"}

# What 150 leads came to; every ratio of them can be checked by hand.
SUMS = {
    "spend": 3000.0,
    "cost_marginal": 3600.0,
    "cost_fully_loaded": 4500.0,
    "leads": 150.0,
    "mqls": 120.0,
    "sqls": 60.0,
    "opportunities": 50.0,
    "wins": 40.0,
    "closed": 100.0,
    "customers": 35.0,
    "revenue": 9000.0,
    "orders": 50.0,
    "repeats": 15.0,
    "customer_revenue": 10500.0,
    "exposure_months": 300.0,
    "churned": 6.0,
    "expected_value": 7500.0,
    "ad_spend": 2500.0,
    "impressions": 500_000.0,
    "clicks": 5_000.0,
    "platform_conversions": 200.0,
    "users_reached": 40_000.0,
    "users_clicking": 4_000.0,
    "visits": 6_000.0,
    "users": 4_800.0,
    "converting_visits": 240.0,
    "converting_users": 216.0,
    "goal_value": 3_000.0,
    "bounces": 2_400.0,
    "engaged_visits": 3_900.0,
    "page_views": 18_000.0,
    "page_views_timed": 12_000.0,  # 18000 - 6000 exits
    "exits": 6_000.0,
    "seconds_on_page": 540_000.0,
    "qualified_visits": 1_000.0,
    "abandoned_visits": 800.0,
}
BY_HAND = {
    "cost_per_lead": 20.0,  # 3000 / 150
    "cost_per_lead_marginal": 24.0,  # 3600 / 150
    "cost_per_lead_fully_loaded": 30.0,  # 4500 / 150
    "win_rate": 4 / 15,  # 40 / 150
    "cost_per_win": 75.0,  # 3000 / 40
    "cost_per_win_marginal": 90.0,  # 3600 / 40
    "cost_per_win_fully_loaded": 112.5,  # 4500 / 40
    "revenue_per_win": 225.0,  # 9000 / 40
    "return_on_spend": 3.0,  # 9000 / 3000
    "return_on_investment_fully_loaded": 1.0,  # (9000 - 4500) / 4500
    "cost_per_opportunity": 60.0,  # 3000 / 50
    "cost_per_opportunity_marginal": 72.0,  # 3600 / 50
    "cost_per_opportunity_fully_loaded": 90.0,  # 4500 / 50
    "qualification_rate": 0.8,  # 120 / 150
    "mqls_to_sqls": 0.5,  # 60 / 120
    "sqls_to_opportunities": 5 / 6,  # 50 / 60
    "opportunities_to_wins": 0.8,  # 40 / 50
    "sqls_to_wins": 2 / 3,  # 40 / 60
    "leads_to_opportunities": 1 / 3,  # 50 / 150
    "win_rate_closed": 0.4,  # 40 / 100
    "lead_conversion_rate": 35 / 150,  # 23.3 %
    "revenue_per_customer": 300.0,  # 10500 / 35
    "revenue_per_order": 210.0,  # 10500 / 50
    "orders_per_month": 0.05,  # 15 / 300
    "churn_per_month": 0.02,  # 6 / 300
    "lifetime_value": 168.0,  # 0.5 x 210 x (1 + 0.05 x 12)
    "cost_per_customer": 3000 / 35,
    "lifetime_value_to_cost": 1.96,  # 168 / (3000 / 35)
    "payback_months": 0.0,  # the first order leaves 105, more than 85.71
    "return_on_investment": 0.75,  # (0.5 x 10500 - 3000) / 3000
    "expected_value_per_lead": 50.0,  # 7500 / 150
    "click_through_rate": 0.01,  # 5000 / 500000
    "click_through_rate_by_user": 0.1,  # 4000 / 40000
    "cost_per_click": 0.5,  # 2500 / 5000
    "cost_per_thousand_impressions": 5.0,  # 1000 x 2500 / 500000
    "conversion_rate_by_click": 0.04,  # 200 / 5000
    "conversion_rate_by_visit": 0.04,  # 240 / 6000
    "conversion_rate_by_user": 0.045,  # 216 / 4800
    "conversion_rate_value_weighted": 0.5,  # 3000 / 6000
    "bounce_rate": 0.4,  # 2400 / 6000, not 6000 / 2400
    "engagement_rate": 0.65,  # 3900 / 6000
    "bounce_rate_engagement": 0.35,  # 1 - 3900 / 6000
    "exit_rate": 1 / 3,  # 6000 / 18000
    "pages_per_visit": 3.0,  # 18000 / 6000
    "time_on_page": 45.0,  # 540000 / (18000 - 6000)
    "abandonment_rate": 0.8,  # 800 / 1000
    "lead_rate": 0.025,  # 150 / 6000
}
ONCE = ("each visit once", "each user once")
TERMS = Terms(margin=0.5, horizon_months=12)


def entries() -> dict[str, Kpi]:
    """Return every ratio, those of values with their terms."""
    plain = {kpi.name: kpi for kpi in KPIS if kpi.denominator}
    return plain | {kpi.name: kpi for kpi in figures_of(TERMS, SUMS)}


def test_every_entry_says_what_it_is() -> None:
    names = [kpi.name for kpi in KPIS]
    assert len(set(names)) == len(names)
    for kpi in KPIS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kpi.name)
        assert kpi.formula
        assert kpi.counting
        assert kpi.unit in UNITS
        assert kpi.verb in VERBS
        assert kpi.better in ("lower", "higher", "")
        assert kpi.aggregation in (
            "ratio of sums",
            "sum",
            "from all leads",
            "from all periods",
            "from all users",
            OTHERS[1],
            *ONCE,
        )
        assert bool(kpi.denominator) == (kpi.aggregation == "ratio of sums")


def test_a_cost_names_its_basis_and_is_better_where_it_is_lower() -> None:
    for kpi in KPIS:
        money = {
            "spend": "media",
            "ad_spend": "media",
            "cost_marginal": "marginal",
            "cost_fully_loaded": "fully loaded",
        }
        bases = [basis for column, basis in money.items() if column in (kpi.numerator, kpi.denominator)]
        assert ([kpi.cost_basis] if kpi.cost_basis else []) == bases
        if kpi.cost_basis in ("marginal", "fully loaded"):
            assert kpi.name.endswith(kpi.cost_basis.replace(" ", "_"))
        if kpi.numerator in money:
            assert kpi.better == "lower"


@pytest.mark.parametrize("name", list(BY_HAND))
def test_the_formula_holds_by_hand(name: str) -> None:
    columns = {column: np.array([value]) for column, value in SUMS.items()}
    assert entries()[name].value(columns).item() == pytest.approx(BY_HAND[name], rel=1e-12)


def test_every_ratio_was_checked_by_hand() -> None:
    assert set(BY_HAND) == set(entries())


def test_a_subscription_is_worth_what_is_paid_until_it_ends() -> None:
    terms = Terms("subscription", margin=0.5, horizon_months=1e6)
    columns = {column: np.array([value]) for column, value in SUMS.items()}
    worth = {kpi.name: kpi.value(columns).item() for kpi in figures_of(terms, SUMS)}
    assert worth["lifetime_value"] == pytest.approx(0.5 * 300 / 0.02)  # margin x monthly revenue / churn
    assert worth["payback_months"] == pytest.approx(3000 / 35 / 150)


def test_a_discount_and_a_horizon_make_a_customer_worth_less() -> None:
    assert Terms(horizon_months=12).months() == 12
    year = Terms(horizon_months=12, discount=0.19).months()
    by_steps = np.mean([0.81 ** ((month + 0.5) / 12_000) for month in range(12_000)]) * 12
    assert year == pytest.approx(by_steps, rel=1e-9)
    assert Terms(horizon_months=24, discount=0.19).months() == pytest.approx(year * 1.81)


def test_a_ratio_of_other_columns_stands_where_they_are_there() -> None:
    assert [kpi.name for kpi in ratios_of([])] == [
        *("cost_per_lead", "win_rate", "cost_per_win", "revenue_per_win", "return_on_spend"),
    ]
    assert {kpi.name for kpi in ratios_of(["mqls", "sqls"])} - {kpi.name for kpi in ratios_of([])} == {
        *("qualification_rate", "mqls_to_sqls", "sqls_to_wins"),
    }
