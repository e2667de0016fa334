"""Intervals: how sure the figures of a KPI table are, from replicates of the credits that it divides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64
from attribution.errors import ParameterError
from attribution.kpis.costs.sales_time import SALES_COST
from attribution.kpis.dictionary import ratios_of
from attribution.kpis.entries import Kpi
from attribution.kpis.ratios import COSTS, roles_of
from attribution.kpis.replicated import Replicated
from attribution.statistics import Resampling

CELLS = 256  # rows of the KPI table whose replicates are held at once


def with_intervals(
    kpis: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    source: Replicated | str,
    ratios: Sequence[Kpi] | None = None,
) -> pl.DataFrame:
    """Return the KPI table with _low and _high beside every figure that customers decide.

    Spend is known and not drawn. Where there is no interval both are null and ``reason`` says why;
    ``source`` may be a text that says so of all. Without ``ratios``: those that have their columns.
    """
    ratios = ratios_of(kpis.columns) if ratios is None else ratios
    figures = [*outcomes, *(kpi.name for kpi in ratios)]
    for taken in (f"{name}_{end}" for name in figures for end in ("low", "high")):
        if taken in kpis.columns:
            raise ParameterError.out_of_range(
                "by", taken, "dimensions and outcomes that are not named as the end of an interval"
            )
    tables = []
    for model in kpis["model"].unique(maintain_order=True):
        rows = kpis.filter(pl.col("model") == model)
        lacking = source if isinstance(source, str) else source.lacking(model)
        if isinstance(source, str) or lacking:
            known = np.full((len(rows), 2, len(figures)), np.nan)
            why = [[lacking]] * len(rows)
        else:
            known, why = bounds_of(rows, by, outcomes, ratios, source, model)
        ends = {
            f"{name}_{end}": pl.Series(known[:, e, i], nan_to_null=True, dtype=pl.Float64)
            for i, name in enumerate(figures)
            for e, end in enumerate(("low", "high"))
        }
        told = [told_both(old, new) for old, new in zip(rows["reason"], why, strict=True)]
        tables.append(rows.with_columns(**ends, reason=pl.Series(told, dtype=pl.String)))
    ordered = [
        each
        for name in kpis.columns
        for each in ([name, f"{name}_low", f"{name}_high"] if name in figures else [name])
    ]
    return pl.concat(tables).select(ordered)


def told_both(old: str | None, new: Sequence[str]) -> str | None:
    """Return the reasons as one text, or None where there are none."""
    return "; ".join([*([old] if old else []), *new]) or None


def bounds_of(
    rows: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    ratios: Sequence[Kpi],
    source: Replicated,
    model: str,
) -> tuple[Float64, list[list[str]]]:
    """Return the ends of the intervals of one model's rows [n, 2, figures], and why some are not known.

    The last of the rows is the total.
    """
    number = "number" + "_" * max(map(len, by))  # named as no dimension
    cells = source.cells(model).cast({name: rows.schema[name] for name in by}).with_row_index(number)
    found = rows[:-1].select(by).join(cells, on=by, how="left", nulls_equal=True, maintain_order="left")
    places = found[number].cast(pl.Int64).fill_null(-1).to_numpy()
    edges = [*range(0, len(places), CELLS), len(places)]
    known, why = [], []
    for a, b in (*pairwise(edges), (len(places), len(rows))):
        values = source.values(model, places[a:b]) if b <= len(places) else source.total(model)
        ends, lacking = figures_of(rows[a:b], outcomes, ratios, values, source.resampling)
        known.append(ends)
        why += lacking
    return np.concatenate(known), why


def figures_of(
    rows: pl.DataFrame,
    outcomes: Sequence[str],
    ratios: Sequence[Kpi],
    values: Float64,
    resampling: Resampling,
) -> tuple[Float64, list[list[str]]]:
    """Return the ends of the intervals of some rows [n, 2, figures], and why some are not known.

    ``values`` are the outcomes of the rows in each replicate [R, n, m].
    """
    why: list[list[str]] = [[] for _ in range(len(rows))]
    nothing = (values == 0).all(axis=0)
    ends = []
    for i, name in enumerate(outcomes):
        is_told = rows[name].is_not_null().to_numpy()
        ends.append(np.where(nothing[:, i] | ~is_told, np.nan, resampling.bounds(values[:, :, i])))
        tell(why, nothing[:, i] & is_told, f"{name}: no interval without credit")
    drawn: dict[str, Float64] = {name: values[:, :, i] for i, name in enumerate(outcomes)}
    for name in set(COSTS) & set(rows.columns):
        drawn[name] = rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()[None, :]
        if name != "spend" and SALES_COST in drawn:  # which customers decide, and the rest of the cost not
            drawn[name] = drawn[name] - rows[SALES_COST].to_numpy()[None, :] + drawn[SALES_COST]
    counts = {name for kpi in ratios for name in (kpi.numerator, kpi.denominator)} & {*rows.columns} - {
        *drawn
    }
    drawn |= {name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()[None, :] for name in counts}
    roles, undrawn = roles_of(list(drawn), *outcomes[:1]), list[tuple[str, Bool]]()
    for kpi in ratios:
        known = rows[kpi.name].is_not_null().to_numpy()
        bounds = np.full((2, len(rows)), np.nan)
        if kpi.numerator in counts:
            undrawn.append((kpi.name, known))
        elif known.any():
            bounds[:, known] = resampling.bounds(ratio(kpi, roles, drawn, known))
            bounds[:, ~np.isfinite(bounds).all(axis=0)] = np.nan
            none = known & (drawn[roles[kpi.numerator]] == 0).all(axis=0)
            none &= kpi.numerator not in COSTS  # which are known: a KPI of no spend is 0 for certain
            bounds[:, none] = np.nan
            tell(why, none, f"{kpi.name}: no interval without credited {roles[kpi.numerator]}")
            lacking = f"{kpi.name}: no interval, too many replicates lack {roles[kpi.denominator]}"
            tell(why, known & ~none & np.isnan(bounds[0]), lacking)
        ends.append(bounds)
    for row, lines in enumerate(why):
        if names := [name for name, known in undrawn if known[row]]:
            lines.append(f"{', '.join(names)}: no interval, ads and counts without customers are not drawn")
    return np.stack(ends, axis=2).transpose(1, 0, 2), why


@dataclass(frozen=True, eq=False)
class Cut(Mapping[str, Float64]):
    """The columns of some cells by their role, each cut out when it is asked for."""

    roles: Mapping[str, str]
    drawn: Mapping[str, Float64]
    known: Bool

    def __getitem__(self, role: str) -> Float64:
        return self.drawn[self.roles[role]][:, self.known]

    def __iter__(self) -> Iterator[str]:
        return iter(self.roles)

    def __len__(self) -> int:
        return len(self.roles)


def ratio(kpi: Kpi, roles: Mapping[str, str], drawn: Mapping[str, Float64], known: Bool) -> Float64:
    """Return the KPI in each replicate [R, n]: infinite, or NaN, where the denominator is missing."""
    return kpi.value(Cut(roles, drawn, known))


def tell(why: list[list[str]], where: Bool, reason: str) -> None:
    """Add a reason to the rows that it holds for."""
    for row in np.flatnonzero(where):
        why[row].append(reason)
