"""Value: what customers are worth by the cell that won them: lifetime value, its cost, payback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from attribution.errors import ParameterError
from attribution.journeys import TIME
from attribution.kpis.costs.spend import spend_by
from attribution.kpis.credited import of_log
from attribution.kpis.intervals import with_intervals
from attribution.kpis.leads import facts_of, log_of, shared
from attribution.kpis.measure import beside_spend, totalled
from attribution.kpis.ratios import with_ratios
from attribution.kpis.stages import WON, counted
from attribution.kpis.worth import Terms, figures_of
from attribution.tables import Reading, Source

MONTH = 365.25 / 12  # days
CHURNED = "churned_at"


@dataclass(frozen=True, eq=False)
class CustomerValue:
    """The table of values, and warnings."""

    rows: pl.DataFrame
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return per model a row a cell, and (total): figures of sums over all customers."""
        return self.rows


def customer_value(
    credits: Any,
    spend: Source | None = None,
    *,
    by: Sequence[str] = ("channel",),
    form: str = Terms.form,
    margin: float = Terms.margin,
    horizon_months: float = Terms.horizon_months,
    discount: float = Terms.discount,
    score: str | None = None,
    until: datetime | None = None,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    repeated_spend: str = "error",
    rates: Source | None = None,
) -> CustomerValue:
    """Return what the customers of each cell are worth, and what the leads of each may become.

    A customer belongs to the lead that it was won with, and so to the cells which share that; it is watched
    from there to its ``churned_at``, or else to the end of the data (``until``): customers who are still
    there are censored. By order: the first order is sure, and more come at the rate of all repeated orders
    over all months watched, for ``horizon_months``. By subscription: revenue is that of a month, customers
    leave at the rate of churn over months watched. ``score`` names a column of the leads: what each is
    expected to bring, in money, by the user's own reckoning.

    Raises:
        ParameterError: the credits are no log, it lacks a column, or a term is outside its range.
        TableError: the spend table cannot be used.

    >>> from attribution import lead_log
    >>> orders = {"customer_id": ["a", "a", "b"], "timestamp": ["2025-01-01", "2025-07-02", "2025-01-01"]}
    >>> log = lead_log(pl.DataFrame(orders).with_columns(wins=1, revenue=100.0, shop=pl.lit("web")))
    >>> worth = customer_value(log, by=["shop"], margin=0.5, until=datetime(2026, 1, 1, tzinfo=UTC)).table()
    >>> worth.select("customers", "orders", "customer_revenue", "revenue_per_customer").row(0)
    (2.0, 3.0, 300.0, 150.0)
    """
    terms = Terms(form, margin, horizon_months, discount)
    log = log_of(credits)
    facts = facts_of(log, {}, [CHURNED], {"score": score} if score else None)
    if form == "subscription" and CHURNED not in facts.columns:
        raise ParameterError(
            f"parameter 'form': got 'subscription', but the leads have no column {CHURNED!r}: "
            "when each customer left, empty for those who stay"
        )
    times = facts.select(pl.max_horizontal(pl.selectors.by_dtype(TIME)).max()).item()
    end = until or times or datetime.now(UTC)
    numbers = customers_of(facts, counted(facts, {}, log.outcome_names[0]), end)
    if score:
        numbers = numbers.with_columns(expected_value=facts["score"].fill_null(0.0))
    leads, further = log.outcome_names[0], numbers.columns
    frames = shared(log.frames(by), numbers.with_columns(facts[log.key]), log.key, further)
    what = of_log(frames, by, (leads, *further), log.models, log.channels, log.drawn)
    money = spend_by(spend, by, columns, reading or Reading(), repeated_spend, rates, None, 0.0)
    what, sums, warnings = beside_spend(what, money, by)
    rows = totalled(sums, by, what.outcome_names, what.models, money.totals)
    ratios = figures_of(terms, ["leads", *further, *(["spend"] if spend is not None else [])])
    table = with_ratios(rows, by, what.outcome_names, ratios)
    if what.replicated is not None:
        table = with_intervals(table, by, what.outcome_names, what.replicated, ratios)
    table = table if spend is not None else table.drop("spend")
    stated = {"form": form, "margin": margin, "horizon_months": horizon_months, "discount": discount}
    stated["observed_until"] = end
    ends = [pl.lit(each).alias(name) for name, each in stated.items()]
    return CustomerValue(table.select(pl.exclude("reason"), *ends, "reason"), warnings)


def customers_of(facts: pl.DataFrame, counts: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Return what each customer brought until now, in the row of the lead that won it, 0 in all others.

    A customer is watched from its first win to its churn or the end of the data: it is censored, not lost.
    """
    time = pl.coalesce(*([WON] if WON in facts.columns else []), "ends_at")
    rows = facts.select(
        "customer_id",
        pl.lit(0.0).alias("revenue") if "revenue" not in facts.columns else "revenue",
        time.alias("time"),
        *([CHURNED] if CHURNED in facts.columns else []),
    )
    rows = rows.with_columns(counts.select("wins", "customers"))
    is_first = pl.col("customers") > 0
    since = pl.when(is_first).then("time").max().over("customer_id")
    ended = (
        pl.col(CHURNED).max().over("customer_id")
        if CHURNED in facts.columns
        else pl.lit(None, pl.Datetime("us", "UTC"))
    )
    ended = pl.when(ended <= until).then(ended)
    days = (
        pl.min_horizontal(pl.coalesce(ended, pl.lit(until)), pl.lit(until)) - since
    ).dt.total_microseconds()
    months = (days / 86_400e6 / MONTH).clip(0.0)
    orders = pl.col("wins").sum().over("customer_id")
    own = {
        "customers": pl.lit(1.0),
        "orders": orders,
        "repeats": orders - 1.0,
        "customer_revenue": pl.col("revenue").sum().over("customer_id"),
        "exposure_months": months,
        **({"churned": ended.is_not_null().cast(pl.Float64)} if CHURNED in facts.columns else {}),
    }
    return rows.select(pl.when(is_first).then(each).otherwise(0.0).alias(name) for name, each in own.items())
