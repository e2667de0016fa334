"""Entries: what an entry of the dictionary of KPIS is, and the kinds of entries there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64

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
    unit: str  # count, share, ratio, money, seconds, days, months
    better: str = ""  # lower or higher; empty where neither is
    cost_basis: str = ""
    counting: str = "cohort of the lead"
    aggregation: str = "ratio of sums"
    verb: str = "measure"
    by_journey: bool = False  # makes no sense where totals were shared and not journeys
    minus: float = 0.0  # what is taken from the ratio
    per: float = 1.0  # how many of the denominator it is the figure of

    def value(self, columns: Mapping[str, Float64]) -> Float64:
        """Return the ratio of columns: infinite, or NaN, where the denominator is not positive.

        >>> kpi = Kpi("win_rate", "wins / leads", "wins", "leads", "share")
        >>> kpi.value({"wins": np.array([35.0]), "leads": np.array([150.0])}).round(3)
        array([0.233])
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = columns[self.numerator] / np.maximum(columns[self.denominator], 0.0)
        return ratio * self.per - self.minus


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


def visited(
    name: str, numerator: str, denominator: str, formula: str, better: str = "higher", unit: str = "share"
) -> Kpi:
    """Return the entry of a ratio of visits, page views or their users."""
    return Kpi(name, formula, numerator, denominator, unit, better, counting="own time", verb="engagement")


def advertised(
    name: str,
    numerator: str,
    denominator: str,
    formula: str,
    unit: str = "money",
    better: str = "lower",
    basis: str = MEDIA,
    per: float = 1.0,
) -> Kpi:
    """Return the entry of a ratio of what a report of ads counts."""
    counting = "day of the report"
    return Kpi(
        name, formula, numerator, denominator, unit, better, basis, counting, verb="engagement", per=per
    )


def seen(
    name: str, formula: str, counting: str = "own time", aggregation: str = "sum", unit: str = "count"
) -> Kpi:
    """Return the entry of what is counted before there is a lead."""
    return Kpi(name, formula, name, "", unit, "", "", counting, aggregation, "engagement")


def of_visits(name: str, formula: str, unit: str = "count") -> Kpi:
    """Return the entry of visits, each of which counts once in a cell and once in all."""
    return seen(name, formula, aggregation="each visit once", unit=unit)


def of_users(name: str, formula: str) -> Kpi:
    """Return the entry of users, each of whom counts once in a cell and once in all."""
    return seen(name, formula, aggregation="each user once")


def tested(name: str, formula: str, unit: str) -> Kpi:
    """Return the entry of a figure of an experiment."""
    counting = "user, by the variant that was shown"
    return Kpi(name, formula, "", "", unit, "", "", counting, "from all users", "experiment")


def trend(name: str, formula: str, unit: str, better: str = "") -> Kpi:
    """Return the entry of a figure of several periods."""
    return Kpi(name, formula, "", "", unit, better, "", "period", "from all periods", "trends")
