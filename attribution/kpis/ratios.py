"""Ratios: each KPI as a ratio of sums, or null with the reason why it has no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from attribution.kpis.dictionary import KPIS, Kpi


def with_ratios(rows: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return the KPI table of rows of model, dimensions, spend, outcomes, credited_by and no_spend.

    The first outcome plays the role of leads.
    """
    roles = roles_of(outcomes)
    ratios = [ratio(kpi, roles) for kpi in KPIS]
    why = pl.concat_str([reason(kpi, roles) for kpi in KPIS], separator="; ", ignore_nulls=True)
    told = pl.when(why != "").then(why).alias("reason")
    return rows.select("model", *by, "spend", *outcomes, *ratios, told)


def roles_of(outcomes: Sequence[str]) -> dict[str, str]:
    """Return which column plays which role of the dictionary."""
    roles = {"spend": "spend", "leads": outcomes[0]}
    return roles | {name: name for name in ("wins", "revenue") if name in outcomes}


def ratio(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return the KPI, null where it has no value."""
    if kpi.numerator not in roles or kpi.denominator not in roles:
        return pl.lit(None, dtype=pl.Float64).alias(kpi.name)
    value = pl.col(roles[kpi.numerator]) / pl.col(roles[kpi.denominator])
    return pl.when(reason(kpi, roles).is_null()).then(value).alias(kpi.name)


def reason(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return why the KPI has no value, null where it has one."""
    for role in (kpi.numerator, kpi.denominator):
        if role not in roles:
            return pl.lit(f"{kpi.name}: no column {role}")
    denominator = pl.col(roles[kpi.denominator])
    lacking = "spend" if kpi.denominator == "spend" else f"credited {roles[kpi.denominator]}"
    shared = pl.lit(kpi.by_journey) & (pl.col("credited_by") == "total")
    no_spend = pl.lit("spend" in (kpi.numerator, kpi.denominator)) & pl.col("spend").is_null()
    return (
        pl.when(shared)
        .then(pl.lit(f"{kpi.name}: totals were shared, not journeys"))
        .when(no_spend)
        .then(pl.concat_str(pl.lit(f"{kpi.name}: "), "no_spend"))
        .when(denominator == 0)
        .then(pl.lit(f"{kpi.name}: no {lacking}"))
        .when(~(pl.col(roles[kpi.numerator]) / denominator).is_finite())
        .then(pl.lit(f"{kpi.name}: too little {lacking}"))
    )
