"""Value: what customers are worth by the cell that won them: lifetime value, its cost, payback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import polars as pl

from attribution.errors import ParameterError
from attribution.journeys import TIME
from attribution.kpis.costs.spend import spend_by
from attribution.kpis.credited import of_log
from attribution.kpis.customers import CHURNED, customers_of, expected, happened, known_at
from attribution.kpis.dictionary import KPIS
from attribution.kpis.intervals import with_intervals
from attribution.kpis.leads import facts_of, log_of, shared
from attribution.kpis.measure import beside_spend, totalled
from attribution.kpis.ratios import with_ratios
from attribution.kpis.stages import chosen, counted
from attribution.kpis.timing.steps import until_of
from attribution.kpis.worth import Terms, figures_of
from attribution.tables import Reading, Source


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

    A customer belongs to the lead that it was first won with, and so to the cells which share that, with all
    orders and revenue of its own. What lies after ``until`` (default: the latest time in the leads) has not
    happened yet; spend is taken as it is passed. By order: the first is sure, and more come for
    ``horizon_months`` at the rate of all repeated orders over all months from the first win to ``until``. By
    subscription: revenue is that of a month, and customers leave at the rate of churn over the months to
    their ``churned_at``, or ``until``: who is still there is censored, and so is who was won again after it.
    ``score`` names a column of what each lead is expected to bring, in money. Formulas: ``LifetimeValue``.

    Raises:
        ParameterError: the credits are no log, it lacks a column, a dimension is named as a column of the
            table, ``until`` has no zone, or a term is outside its range.
        TableError: the spend table cannot be used, or a score is no finite number.

    >>> from attribution import lead_log
    >>> orders = {"customer_id": ["a", "a", "b"], "timestamp": ["2025-01-01", "2025-07-02", "2026-01-01"]}
    >>> log = lead_log(pl.DataFrame(orders).with_columns(wins=1, revenue=100.0, shop=pl.lit("web")))
    >>> worth = customer_value(log, by=["shop"], margin=0.5, horizon_months=12).table()
    >>> worth.select("customers", "orders", "customer_revenue", "revenue_per_customer").row(0)
    (2.0, 3.0, 300.0, 150.0)
    >>> round(worth["lifetime_value"][0], 6)  # 0.5 x 100 x (1 + 1 order in 365 days x 12 months)
    100.034247
    """
    terms = Terms(form, margin, horizon_months, discount)
    log = log_of(credits, by)
    leads, others = log.outcome_names[0], list(log.outcome_names[1:])
    stated = {name: each if name == "form" else float(each) for name, each in asdict(terms).items()}
    figures = [kpi.name for kpi in KPIS if kpi.verb == "value"]
    for name in (each for each in by if each in (*stated, "observed_until", *others, *figures)):
        raise ParameterError.out_of_range("by", name, "a dimension: the value table has such a column")
    leaving = [CHURNED] if form == "subscription" else []
    facts = facts_of(
        log,
        chosen(None, log.known, log.outcome_names),
        leaving,
        {"score": score} if score is not None else None,
    )
    if not {*leaving} <= {*facts.columns}:
        raise ParameterError(
            f"parameter 'form': got 'subscription', but the leads have no column {CHURNED!r}: "
            "when each customer left, empty for those who stay"
        )
    end = pl.lit(until_of(facts, until), pl.Int64).cast(TIME)
    facts = known_at(facts, end)
    numbers, notes = customers_of(facts, counted(facts, {}, leads), end)
    if score is not None:
        values, told = expected(facts["score"], score)
        numbers, notes = numbers.with_columns(expected_value=values * facts[leads]), [*notes, *told]
    further = numbers.columns
    known = (frame.filter(happened(end)).drop(others) for frame in log.frames(by))
    frames = shared(known, numbers.with_columns(facts[log.key]), log.key, further)
    what = of_log(frames, by, (leads, *further), log.models, log.channels, log.drawn)
    money = spend_by(spend, by, columns, reading or Reading(), repeated_spend, rates, None, 0.0)
    what, sums, warnings = beside_spend(what, money, by)
    rows = totalled(sums, by, what.outcome_names, what.models, money.totals)
    ratios = figures_of(terms, ["leads", *further, *(["spend"] if spend is not None else [])])
    table = with_ratios(rows, by, what.outcome_names, ratios)
    if what.replicated is not None:
        table = with_intervals(table, by, what.outcome_names, what.replicated, ratios)
    table = table.with_columns(plainly(pl.col("reason")))
    table = table if spend is not None else table.drop("spend")
    ends = [*(pl.lit(each).alias(name) for name, each in stated.items()), end.alias("observed_until")]
    return CustomerValue(table.select(pl.exclude("reason"), *ends, "reason"), (*warnings, *notes))


def plainly(reason: pl.Expr) -> pl.Expr:
    """Return why figures are not known: in their own words where they are no plain ratio of two columns."""
    nobody, unwatched = pl.col("customers") == 0, pl.col("exposure_months") == 0
    for name, otherwise in (
        ("lifetime_value", "not finite"),
        ("lifetime_value_to_cost", "not finite"),
        ("payback_months", "the margin never pays the cost"),
    ):
        why = (
            pl.when(nobody)
            .then(pl.lit(f"{name}: no credited customers"))
            .when(unwatched)
            .then(pl.lit(f"{name}: no credited exposure_months"))
            .otherwise(pl.lit(f"{name}: {otherwise}"))
        )
        reason = reason.str.replace(f"{name}: too little [^;]+", why)
        unsure = f"{name}: no interval, too many replicates"
        reason = reason.str.replace(f"{unsure} lack [^;]+", f"{unsure} have no finite value")
    return reason
