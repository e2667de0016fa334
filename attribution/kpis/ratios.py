"""Ratios: each KPI as a ratio of sums, or null with the reason why it has no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.kpis.costs.ledger import BASES
from attribution.kpis.dictionary import Kpi, ratios_of

COSTS = tuple(BASES)  # columns of money that is known, and not drawn


def with_ratios(
    rows: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str], ratios: Sequence[Kpi] | None = None
) -> pl.DataFrame:
    """Return the KPI table of rows of model, dimensions, costs, outcomes, credited_by and no_spend.

    The first outcome plays the role of leads. Without ``ratios``: those that have their columns.
    """
    costs = [name for name in COSTS if name in rows.columns]
    ratios = ratios_of([*costs, *outcomes]) if ratios is None else ratios
    roles = roles_of([*costs, *outcomes], outcomes[0])
    columns = {role: rows[name].cast(pl.Float64).to_numpy() for role, name in roles.items()}
    figures, why = [], []
    for kpi in ratios:
        known = {kpi.numerator, kpi.denominator} <= set(roles)
        values = kpi.value(columns) if known else np.full(len(rows), np.nan)
        told = rows.with_columns(reason(kpi, roles, values).alias(kpi.name))[kpi.name]
        figures.append(pl.Series(kpi.name, values).set(told.is_not_null(), None))
        why.append(told)
    joined = pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).replace("", None).alias("reason")
    return rows.select("model", *by, *costs, *outcomes).hstack([*figures, *pl.DataFrame(why).select(joined)])


def roles_of(columns: Sequence[str], leads: str) -> dict[str, str]:
    """Return which column plays which role of the dictionary: leads is the first outcome."""
    return {name: name for name in columns} | {"leads": leads}


def reason(kpi: Kpi, roles: Mapping[str, str], values: Float64) -> pl.Expr:
    """Return why the KPI has no value, null where it has one."""
    for role in (kpi.numerator, kpi.denominator):
        if role not in roles:
            return pl.lit(f"{kpi.name}: no column {role}")
    costs = [name for name in (kpi.numerator, kpi.denominator) if name in COSTS]
    lacking = kpi.denominator if kpi.denominator in COSTS else f"credited {roles[kpi.denominator]}"
    shared = pl.lit(kpi.by_journey) & (pl.col("credited_by") == "total")
    no_spend = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_null() for name in costs))
    return (
        pl.when(shared)
        .then(pl.lit(f"{kpi.name}: totals were shared, not journeys"))
        .when(no_spend)
        .then(pl.concat_str(pl.lit(f"{kpi.name}: "), "no_spend"))
        .when(pl.col(roles[kpi.denominator]) == 0)
        .then(pl.lit(f"{kpi.name}: no {lacking}"))
        .when(~pl.lit(pl.Series(values)).is_finite())
        .then(pl.lit(f"{kpi.name}: too little {lacking}"))
    )
