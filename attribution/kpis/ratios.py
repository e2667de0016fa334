"""Ratios: each KPI as a ratio of sums, or null with the reason why it has no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.kpis.costs.ledger import BASES
from attribution.kpis.dictionary import ratios_of
from attribution.kpis.entries import Kpi

COSTS = tuple(BASES)  # columns of money that is known, and not drawn


def with_ratios(
    rows: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    ratios: Sequence[Kpi] | None = None,
    beside: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return the KPI table of rows of model, dimensions, costs, outcomes, credited_by and no_spend.

    The first outcome plays the role of leads. Without ``ratios``: those that have their columns. ``beside``
    are columns of counts that are not credited, and why a row has none.
    """
    counts = dict(beside or {})
    costs = [*(name for name in COSTS if name in rows.columns), *counts]
    ratios = ratios_of([*costs, *outcomes]) if ratios is None else ratios
    roles = roles_of([*costs, *outcomes], *outcomes[:1])
    columns = {role: rows[name].cast(pl.Float64).to_numpy() for role, name in roles.items()}
    figures, why = [], [pl.Series("nothing", [None] * len(rows), dtype=pl.String)]
    for kpi in ratios:
        known = {kpi.numerator, kpi.denominator} <= set(roles)
        values = kpi.value(columns) if known else np.full(len(rows), np.nan)
        lacking = rows.with_columns(reason(kpi, roles, values, counts).alias(kpi.name))[kpi.name]
        figures.append(pl.Series(kpi.name, values).set(lacking.is_not_null(), None))
        why.append(lacking)
    joined = pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).replace("", None).alias("reason")
    return rows.select("model", *by, *costs, *outcomes).hstack([*figures, *pl.DataFrame(why).select(joined)])


def roles_of(columns: Sequence[str], leads: str = "") -> dict[str, str]:
    """Return which column plays which role of the dictionary: leads is the first outcome, if there is one."""
    return {name: name for name in columns} | ({"leads": leads} if leads else {})


def reason(kpi: Kpi, roles: Mapping[str, str], values: Float64, counts: Mapping[str, str]) -> pl.Expr:
    """Return why the KPI has no value, null where it has one."""
    for role in (kpi.numerator, kpi.denominator):
        if role not in roles:
            return pl.lit(f"{kpi.name}: no column {role}")
    costs = [name for name in (kpi.numerator, kpi.denominator) if name in COSTS]
    known = kpi.denominator in COSTS or kpi.denominator in counts
    lacking = kpi.denominator if known else f"credited {roles[kpi.denominator]}"
    absent = [(name, why) for name, why in counts.items() if name in (kpi.numerator, kpi.denominator)]
    shared = pl.lit(kpi.by_journey) & (pl.col("credited_by") == "total")
    no_spend = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_null() for name in costs))
    no_counts = pl.coalesce(
        pl.lit(None, pl.String), *(pl.when(pl.col(name).is_null()).then(pl.lit(why)) for name, why in absent)
    )
    return (
        pl.when(shared)
        .then(pl.lit(f"{kpi.name}: totals were shared, not journeys"))
        .when(no_counts.is_not_null())
        .then(pl.concat_str(pl.lit(f"{kpi.name}: "), no_counts))
        .when(no_spend)
        .then(pl.concat_str(pl.lit(f"{kpi.name}: "), "no_spend"))
        .when(pl.col(roles[kpi.denominator]) == 0)
        .then(pl.lit(f"{kpi.name}: no {lacking}"))
        .when(~pl.lit(pl.Series(values)).is_finite())
        .then(pl.lit(f"{kpi.name}: too little {lacking}"))
    )
