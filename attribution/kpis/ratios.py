"""Ratios: each KPI as a ratio of sums, or null with the reason why it has no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from attribution.kpis.dictionary import Kpi, ratios_of

COSTS = ("spend", "cost_marginal", "cost_fully_loaded")


def with_ratios(
    rows: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str], ratios: Sequence[Kpi] | None = None
) -> pl.DataFrame:
    """Return the KPI table of rows of model, dimensions, costs, outcomes, credited_by and no_spend.

    The first outcome plays the role of leads. Without ``ratios``: those that have their columns.
    """
    costs = [name for name in COSTS if name in rows.columns]
    ratios = ratios_of([*costs, *outcomes]) if ratios is None else ratios
    roles = roles_of([*costs, *outcomes], outcomes[0])
    values = [ratio(kpi, roles) for kpi in ratios]
    why = pl.concat_str([reason(kpi, roles) for kpi in ratios], separator="; ", ignore_nulls=True)
    told = pl.when(why != "").then(why).alias("reason")
    return rows.select("model", *by, *costs, *outcomes, *values, told)


def roles_of(columns: Sequence[str], leads: str) -> dict[str, str]:
    """Return which column plays which role of the dictionary: leads is the first outcome."""
    return {name: name for name in columns} | {"leads": leads}


def ratio(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return the KPI, null where it has no value."""
    if kpi.numerator not in roles or kpi.denominator not in roles:
        return pl.lit(None, dtype=pl.Float64).alias(kpi.name)
    value = pl.col(roles[kpi.numerator]) / pl.col(roles[kpi.denominator]) - kpi.minus
    return pl.when(reason(kpi, roles).is_null()).then(value).alias(kpi.name)


def reason(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return why the KPI has no value, null where it has one."""
    for role in (kpi.numerator, kpi.denominator):
        if role not in roles:
            return pl.lit(f"{kpi.name}: no column {role}")
    denominator = pl.col(roles[kpi.denominator])
    costs = [name for name in (kpi.numerator, kpi.denominator) if name in COSTS]
    lacking = kpi.denominator if kpi.denominator in COSTS else f"credited {roles[kpi.denominator]}"
    shared = pl.lit(kpi.by_journey) & (pl.col("credited_by") == "total")
    no_spend = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_null() for name in costs))
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
