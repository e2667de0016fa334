"""KPIS: the dictionary of what a marketer reads, one literal entry each; measuring and documents read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64

ROLES = ("spend", "leads", "wins", "revenue")  # KPIs of these stand in every table, null where one is missing
MEDIA, MARGINAL, LOADED = "media", "marginal", "fully loaded"


@dataclass(frozen=True)
class Kpi:
    """What is divided by what, and how it adds up.

    Numerator and denominator are columns (leads is the first outcome); without a denominator the KPI is
    the sum itself. ``aggregation`` says what a total, or a coarser cell, is made of: a sum, a ratio of
    sums, or the figure of the leads behind it; never a mean of ratios.
    """

    name: str
    formula: str
    numerator: str
    denominator: str
    unit: str  # count, share, ratio, money, days, months
    better: str = ""  # lower or higher; empty where neither is
    cost_basis: str = ""
    counting: str = "cohort of the lead"
    aggregation: str = "ratio of sums"
    verb: str = "measure"
    by_journey: bool = False  # makes no sense where totals were shared and not journeys
    minus: float = 0.0  # what is taken from the ratio

    def value(self, columns: Mapping[str, Float64]) -> Float64:
        """Return the ratio of columns: infinite, or NaN, where the denominator is not positive.

        >>> kpi = Kpi("win_rate", "wins / leads", "wins", "leads", "share")
        >>> kpi.value({"wins": np.array([35.0]), "leads": np.array([150.0])}).round(3)
        array([0.233])
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = columns[self.numerator] / np.maximum(columns[self.denominator], 0.0)
        return ratio - self.minus if self.minus else ratio


def count(name: str, formula: str, better: str = "higher", counting: str = "cohort of the lead") -> Kpi:
    """Return the entry of a credited count."""
    return Kpi(name, formula, name, "", "count", better, counting=counting, aggregation="sum", verb="funnel")


def cost(name: str, of: str) -> tuple[Kpi, ...]:
    """Return the cost of one of something on the three bases, each named; spend is media money."""
    return tuple(
        Kpi(name + end, f"{column} / credited {of}", column, of, "money", "lower", basis)
        for end, column, basis in (
            ("", "spend", MEDIA),
            ("_marginal", "cost_marginal", MARGINAL),
            ("_fully_loaded", "cost_fully_loaded", LOADED),
        )
    )


def rate(name: str, numerator: str, denominator: str, formula: str = "", verb: str = "measure") -> Kpi:
    """Return the entry of the share of a cohort that came so far."""
    told = formula or f"credited {numerator} / credited {denominator}"
    return Kpi(name, told, numerator, denominator, "share", "higher", verb=verb, by_journey=True)


def total(name: str, formula: str, basis: str) -> Kpi:
    """Return the entry of a cost in sum."""
    return Kpi(name, formula, name, "", "money", "lower", basis, "day of the cost", "sum")


def worth(
    name: str,
    numerator: str,
    denominator: str,
    unit: str,
    better: str = "higher",
    basis: str = "",
    formula: str = "",
) -> Kpi:
    """Return the entry of what customers are worth, counted with their first win."""
    told, counting = formula or f"{numerator} / {denominator}", "customer, by the first win"
    return Kpi(name, told, numerator, denominator, unit, better, basis, counting, verb="value")


def timed(name: str, formula: str, unit: str = "days", better: str = "lower") -> Kpi:
    """Return the entry of a figure of all leads, those that are open censored."""
    counting = "lead, open ones censored"
    return Kpi(name, formula, "", "", unit, better, "", counting, "from all leads", "velocity")


def trend(name: str, formula: str, unit: str, better: str = "") -> Kpi:
    """Return the entry of a figure of several periods."""
    return Kpi(name, formula, "", "", unit, better, "", "period", "from all periods", "trends")


KPIS: tuple[Kpi, ...] = (
    *cost("cost_per_lead", "leads"),
    rate("win_rate", "wins", "leads"),
    *cost("cost_per_win", "wins"),
    Kpi(
        "revenue_per_win",
        "credited revenue / credited wins",
        "revenue",
        "wins",
        "money",
        "higher",
        by_journey=True,
    ),
    Kpi("return_on_spend", "credited revenue / spend", "revenue", "spend", "ratio", "higher", MEDIA),
    Kpi(
        "return_on_investment_fully_loaded",
        "(credited revenue - cost_fully_loaded) / cost_fully_loaded",
        "revenue",
        "cost_fully_loaded",
        "ratio",
        "higher",
        LOADED,
        minus=1.0,
    ),
    *cost("cost_per_opportunity", "opportunities"),
    rate("qualification_rate", "mqls", "leads"),
    rate("mqls_to_sqls", "sqls", "mqls"),
    rate("sqls_to_opportunities", "opportunities", "sqls"),
    rate("opportunities_to_wins", "wins", "opportunities"),
    rate("sqls_to_wins", "wins", "sqls"),
    rate("leads_to_opportunities", "opportunities", "leads"),
    rate("win_rate_closed", "wins", "closed", "credited wins / credited (wins + lost)"),
    rate("lead_conversion_rate", "customers", "leads", verb="funnel"),
    total("spend", "what media cost", MEDIA),
    total("cost_marginal", "media, what else is variable, and sales time", MARGINAL),
    total("cost_fully_loaded", "all costs: spread over months and shared to the cent", LOADED),
    count("leads", "sum of the shares of leads"),
    count("mqls", "leads that reached mql_at, or a later stage"),
    count("sqls", "leads that reached sql_at, or a later stage"),
    count("opportunities", "leads that reached opportunity_at, or were won"),
    count("wins", "leads that were won"),
    count("lost", "leads that were lost, and not reopened since", "lower"),
    count("closed", "wins + lost", ""),
    count("open", "leads - wins - lost: neither won nor lost at the end of the data", ""),
    count("open_opportunities", "opportunities that are open: the pipeline", ""),
    count("pipeline", "value of the open opportunities, where a column has it"),
    count("customers", "leads that were the first win of their customer", counting="first win of a customer"),
    count("accounts", "leads that were the first win of their account", counting="first win of an account"),
    count("reopened", "leads that were lost or won, and moved on after it", ""),
    count("mqls_entered", "leads by the period of their own mql_at (alike: sqls, ...)", counting="period"),
    trend("change", "now - the same period a year before, by ISO week or by date", "count"),
    trend("growth", "now / the same period a year before - 1", "share"),
    trend("volume", "contribution to change: (L1 - L0) m0 R0; m = L / all leads, R = rate", "count"),
    trend("mix", "contribution to change: L1 (m1 - m0) R0", "count"),
    trend("rate", "contribution to change: L1 m1 (R1 - R0)", "count"),
    trend("index", "mean of a season's position / mean of all positions", "ratio"),
    trend("mean_absolute_scaled_error", "error of forecasts / seasonal differences", "ratio", "lower"),
    trend("coverage", "share of forecasts whose interval held what came", "share"),
    worth("revenue_per_customer", "customer_revenue", "customers", "money"),
    worth("revenue_per_order", "customer_revenue", "orders", "money"),
    worth(
        "orders_per_month",
        "repeats",
        "exposure_months",
        "ratio",
        formula="(orders - customers) / exposure_months, open customers censored",
    ),
    worth(
        "churn_per_month",
        "churned",
        "exposure_months",
        "share",
        "lower",
        formula="churned / exposure_months, open customers censored",
    ),
    worth(
        "lifetime_value",
        "customer_revenue",
        "customers",
        "money",
        formula="margin x revenue_per_order x (1 + orders_per_month x months), or by subscription",
    ),
    worth("cost_per_customer", "spend", "customers", "money", "lower", MEDIA),
    worth(
        "lifetime_value_to_cost",
        "customers",
        "spend",
        "ratio",
        basis=MEDIA,
        formula="lifetime_value / cost_per_customer (LTV : CAC)",
    ),
    worth(
        "payback_months",
        "spend",
        "customers",
        "months",
        "lower",
        MEDIA,
        "months until margin has paid cost_per_customer",
    ),
    worth(
        "return_on_investment",
        "customer_revenue",
        "spend",
        "ratio",
        basis=MEDIA,
        formula="(margin x customer_revenue - spend) / spend",
    ),
    Kpi(
        "expected_value_per_lead",
        "expected_value / leads: the user's score of each lead",
        "expected_value",
        "leads",
        "money",
        "higher",
        verb="value",
    ),
    timed("within_90_days", "P(won within 90 days); alike 30, 60, 180, 365", "share", "higher"),
    timed("median_days", "days by which half of all leads are won; alike quartiles"),
    timed("median_days_of_reached", "days by which half of those that are won are"),
    timed("mean_days_naive", "mean days of the won alone: too short while leads are open"),
)


def ratios_of(columns: Collection[str]) -> tuple[Kpi, ...]:
    """Return the ratios of a KPI table: those of spend, leads, wins, revenue, and of what else has a column.

    >>> [kpi.name for kpi in ratios_of(["mqls"])][-1]
    'qualification_rate'
    """
    there = {*ROLES, *columns}
    ratios = [kpi for kpi in KPIS if kpi.verb == "measure" and kpi.denominator]
    return tuple(kpi for kpi in ratios if {kpi.numerator, kpi.denominator} <= there)
