"""Customers: what each brought until the end of observation, and for how long it was watched."""

from __future__ import annotations

import polars as pl

from attribution.journeys import TIME
from attribution.kpis.stages import LOST, WON

MONTH = 365.25 / 12  # days
CHURNED = "churned_at"


def happened(end: pl.Expr) -> pl.Expr:
    """Return whether a lead is not from after the end of observation."""
    return (pl.col("ends_at").cast(TIME) <= end).fill_null(True)


def known_at(facts: pl.DataFrame, end: pl.Expr) -> pl.DataFrame:
    """Return the leads as they were known then: a win from after it is none, nor is what it brought."""
    to_come = (pl.col(WON) > end).fill_null(False) if WON in facts.columns else pl.lit(False)
    won = [pl.when(to_come).then(0.0).otherwise(name).alias(name) for name in ("wins", "revenue")]
    times = [pl.when(pl.col(name) <= end).then(name).alias(name) for name in (WON, LOST, CHURNED)]
    there = [each for each in (*won, *times) if each.meta.output_name() in facts.columns]
    return facts.filter(happened(end)).with_columns(there)


def customers_of(facts: pl.DataFrame, counts: pl.DataFrame, end: pl.Expr) -> tuple[pl.DataFrame, list[str]]:
    """Return what each customer brought, with the leads that won it first, 0 in others; and notes.

    A win after churned_at says that the customer is back, but for one of that day where it is a day alone.
    """
    wanted = [name for name in ("revenue", CHURNED) if name in facts.columns]
    time = pl.coalesce(*([WON] if WON in facts.columns else []), "ends_at")
    rows = facts.select("customer_id", *wanted, time.alias("time")).hstack(counts.select("wins", "customers"))
    won = pl.when(pl.col("wins") > 0).then("time")
    since, last = (each.over("customer_id") for each in (won.min(), won.max()))
    left = pl.col(CHURNED).max().over("customer_id") if CHURNED in wanted else pl.lit(None, TIME)
    is_left = ((left >= last) | (left == last.dt.truncate("1d"))).fill_null(False)
    days = (pl.when(is_left).then(left).otherwise(end) - since).dt.total_microseconds() / 86_400e6
    own = {
        "customers": pl.lit(1.0),
        "orders": pl.col("wins").sum().over("customer_id"),
        "repeats": pl.col("wins").sum().over("customer_id") - 1.0,
        "customer_revenue": pl.col("revenue").sum().over("customer_id") if "revenue" in wanted else None,
        "exposure_months": (days / MONTH).clip(0.0).fill_null(0.0),
        "churned": is_left.cast(pl.Float64) if CHURNED in wanted else None,
        "back": (left.is_not_null() & ~is_left).cast(pl.Float64),
    }
    mine = pl.col("customers")  # 1, or less where several leads of the customer were won at once
    found = rows.select((mine * each).alias(name) for name, each in own.items() if each is not None)
    back = round(found["back"].sum())
    told = f"value: {back:,} customers were won again after their {CHURNED}: they count as still there"
    return found.drop("back"), [told] if back else []


def expected(scores: pl.Series, column: str) -> tuple[pl.Series, list[str]]:
    """Return what a lead is expected to bring, 0 where nobody knows, and how many those are."""
    lacking = scores.null_count()
    note = f"value: {lacking:,} leads have no {column}: they are expected to bring 0"
    return scores.fill_null(0.0), [note] if lacking else []
