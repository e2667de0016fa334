"""Worth: the formulas of lifetime value, payback and return, on sums over customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal

import numpy as np

from attribution.arrays import Float64
from attribution.kpis.dictionary import KPIS
from attribution.kpis.entries import Kpi
from attribution.parameters import check, param

FORMS = ("transactional", "subscription")


@dataclass(frozen=True)
class Terms:
    """What lifetime value is to be reckoned with: margin, horizon and discount.

    Raises:
        ParameterError: a parameter is outside its range.

    >>> Terms(horizon_months=12, discount=0.0).months()
    12.0
    """

    form: str = param(
        "transactional", "how customers pay: by order, or by the month", kind=str, choices=FORMS
    )
    margin: float = param(1.0, "share of revenue that is left", above=0, high=1)
    horizon_months: float = param(36.0, "months of a customer that are counted", above=0)
    discount: float = param(0.0, "share that money loses in a year", low=0, below=1)

    def __post_init__(self) -> None:
        check(self)

    def months(self) -> float:
        """Return the months of the horizon, each discounted.

        Formula: integral of (1 - discount)^(t / 12) over t from 0 to the horizon.
        """
        return float(self.present(np.zeros(1))[0])

    def present(self, churn: Float64) -> Float64:
        """Return the discounted months that a customer stays within the horizon, leaving at a monthly rate.

        Formula: (1 - e^(-k H)) / k with k = churn + discount force, and H where k is 0.

        >>> round(Terms(horizon_months=1000).present(np.array([0.05])).item(), 6)
        20.0
        """
        rate = np.asarray(churn - np.log1p(-self.discount) / 12)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = -np.expm1(-rate * self.horizon_months) / rate
        return np.where(rate == 0, self.horizon_months, found)


@dataclass(frozen=True)
class LifetimeValue(Kpi):
    """Lifetime value of a customer, what it is to its cost, or when it has paid for it."""

    terms: Terms = Terms()
    figure: Literal["value", "to_cost", "payback"] = "value"

    def value(self, columns: Mapping[str, Float64]) -> Float64:
        """Return the figure of sums over customers; not finite where there is none.

        Formula: transactional: margin x order value x (1 + orders a month x months of the horizon), the
        first order being sure; subscription: margin x monthly revenue of a customer x the months it stays.
        LTV : CAC is that over spend / customers; payback the months until the margin of a customer who stays
        has paid spend / customers, without discount: infinite where it never does.

        Example: one customer in 10 left in 200 months, and paid 30 a month: 0.5 x 30 / (1 / 200).

        >>> sums = {"customers": 10.0, "customer_revenue": 300.0, "churned": 1.0, "exposure_months": 200.0}
        >>> terms = Terms("subscription", margin=0.5, horizon_months=1e6)
        >>> worth = LifetimeValue("lifetime_value", "", "", "", "money", terms=terms)
        >>> round(worth.value({name: np.array([each]) for name, each in sums.items()}).item(), 6)
        3000.0

        Source: Gupta, Lehmann (2003), "Customers as assets", Journal of Interactive Marketing 17 (1).
        """
        margin, watched = self.terms.margin, columns["exposure_months"]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            each = {name: values / columns["customers"] for name, values in columns.items()}
            if self.terms.form == "subscription":
                at_once, monthly = np.zeros_like(each["customer_revenue"]), margin * each["customer_revenue"]
                churn = np.where(watched > 0, columns["churned"] / watched, np.nan)
                months = self.terms.present(churn)
            else:
                order = columns["customer_revenue"] / columns["orders"]
                again = (columns["orders"] - columns["customers"]) / watched
                at_once, monthly = margin * order, margin * order * again
                months = np.full_like(order, self.terms.months())
            lifetime = at_once + monthly * months
            if self.figure == "value":
                return lifetime
            if self.figure == "to_cost":
                return lifetime / np.maximum(each["spend"], 0.0)
            left = np.maximum(each["spend"] - at_once, 0.0)
            return np.where(left == 0, 0.0, np.where(monthly <= 0, np.inf, left / monthly))


@dataclass(frozen=True)
class ReturnOnInvestment(Kpi):
    """What is left of revenue after its costs and the spend, over the spend."""

    margin: float = 1.0

    def value(self, columns: Mapping[str, Float64]) -> Float64:
        """Return (margin x revenue - spend) / spend."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.margin * columns["customer_revenue"] / np.maximum(columns["spend"], 0.0) - 1.0


def figures_of(terms: Terms, columns: Collection[str]) -> list[Kpi]:
    """Return the KPIs of a value table that have their columns, as the dictionary defines them."""
    special: dict[str, Callable[..., Kpi]] = {
        "lifetime_value": partial(LifetimeValue, terms=terms),
        "lifetime_value_to_cost": partial(LifetimeValue, terms=terms, figure="to_cost"),
        "payback_months": partial(LifetimeValue, terms=terms, figure="payback"),
        "return_on_investment": partial(ReturnOnInvestment, margin=terms.margin),
    }
    needs = {name: {"customer_revenue"} for name in special}
    values = [kpi for kpi in KPIS if kpi.verb == "value"]
    known = [
        kpi for kpi in values if {kpi.numerator, kpi.denominator} | needs.get(kpi.name, set()) <= {*columns}
    ]
    return [special.get(kpi.name, Kpi)(**asdict(kpi)) for kpi in known]
