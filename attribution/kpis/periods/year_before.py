"""Trends: every period beside the same period of the year before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError
from attribution.kpis.dictionary import KPIS
from attribution.kpis.intervals import told_both
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import History, Panel, ends_of, history, with_ends, year_before
from attribution.kpis.ratios import roles_of, with_ratios

ALIGNED = ("iso_week", "date")
COMPARED = tuple(kpi for kpi in KPIS if kpi.name in ("cost_per_lead", "win_rate"))
SUFFIXES = ("", "_year_before", "_change", "_growth")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which rows of a panel are compared, in which period and in that of the year before, -1 if in none."""

    row: Int64
    now: Int64
    before: Int64
    compared_with: pl.Series
    lacking: list[str | None]


def year_over_year(measured: Measured, *, align: str) -> pl.DataFrame:
    """Return spend, outcomes, cost per lead and win rate beside those of the same period a year before.

    Formula: change = now - year_before; growth = now / year_before - 1, null unless the year before is
    above 0. The rows (total) are sums, and ratios of sums, over all cells of a period.

    Units: those of the outcome, of money, of the ratio; growth is a share.

    ``align`` names what is the same. By iso_week it is the ISO week, or the weekday in it, and week 53 has
    none; by date it is the same date, 29 February has none, and a week is compared with that which begins
    364 days before, most of whose dates are the same. Months, quarters and years go by date. A cell that
    one of the periods lacks is 0 in it. A year before the first period measured is not known: null. The
    first and the last period may be incomplete. Credits with replicates give every change that customers
    decide its _low and _high, both periods drawn together; spend is known. Every null has its ``reason``.
    What has no period (leads without a touchpoint, by that of the touchpoint) is left out.

    Raises:
        ParameterError: ``align`` is neither, or does not fit the period, or the dimensions do not hold
            exactly one period.
        ConvergenceError: nothing was measured.

    Source: ISO 8601 for the weeks.

    >>> from attribution.kpis.measure import Measured
    >>> from attribution.tables import RowCount
    >>> from datetime import date
    >>> sums = {"model": ["m"] * 2, "month": [date(2025, 3, 1), date(2026, 3, 1)], "spend": [10.0, 12.0],
    ...         "leads": [5.0, 4.0], "credited_by": ["journey"] * 2, "no_spend": ["no spend"] * 2}
    >>> measured = Measured(pl.DataFrame(), pl.DataFrame(sums), RowCount(), (), ("month",), ("leads",))
    >>> table = year_over_year(measured, align="date")
    >>> table.select("month", "leads", "leads_change", "leads_growth", "cost_per_lead_change").row(1)
    (datetime.date(2026, 3, 1), 4.0, -1.0, -0.19999999999999996, 1.0)
    """
    sums = ("spend", *measured.outcome_names)
    taken = [f"{name}{suffix}" for name in (*sums, *(kpi.name for kpi in COMPARED)) for suffix in SUFFIXES]
    ends = [f"{name}_{end}" for name in taken for end in ("low", "high")]
    found = history(measured, ["aligned_by", "compared_with", "reason", *taken, *ends])
    if align not in ALIGNED:
        raise ParameterError.out_of_range("align", align, " or ".join(ALIGNED))
    if align == "iso_week" and found.unit not in ("day", "week"):
        raise ParameterError.out_of_range("align", align, f"date: a {found.unit} has no ISO week")
    return pl.concat([of_model(found, name, align) for name in found.models])


def of_model(found: History, model: str, align: str) -> pl.DataFrame:
    """Return the comparisons of one model, by period, its cells and their total."""
    panel, names = found.panel(model), found.measured.outcome_names
    pairs = paired(found, panel, align)
    now = figures_of(panel, pairs.row, pairs.now, names, "")
    before = figures_of(panel, pairs.row, pairs.before, names, "_year_before")
    table = panel.rows[pairs.row].with_columns(
        pl.Series(found.period, found.days, pl.Date)[pairs.now],
        pl.lit(align).alias("aligned_by"),
        pairs.compared_with,
    )
    table = table.select("model", *found.measured.by, "aligned_by", "compared_with")
    why = [pairs.lacking]
    for name in now.columns[:-1]:
        pair = (now[name], before[name])
        columns = [each.alias(name + suffix) for each, suffix in zip(pair, SUFFIXES, strict=False)]
        columns.append((pair[0] - pair[1]).alias(f"{name}_change"))
        if name in ("spend", *names):
            growth = pl.when(pair[1] > 0).then(pair[0] / pair[1] - 1).alias(f"{name}_growth")
            columns.append(pl.select(growth).to_series())
            told = pl.when(pair[1] <= 0).then(pl.lit(f"{name}_growth: not above 0 the year before"))
            why.append(pl.select(told).to_series().to_list())
        table = table.hstack(columns)
    why += [now["reason"].to_list(), before["reason"].to_list()]
    texts = [told_both(None, [each for each in row if each]) for row in zip(*why, strict=True)]
    table = table.with_columns(pl.Series("reason", texts, pl.String))
    return with_intervals_of(table, found, panel, pairs) if found.measured.replicated is not None else table


def paired(found: History, panel: Panel, align: str) -> Pairs:
    """Return what is compared: every row that was met in a period or in that of the year before."""
    number = {day: at for at, day in enumerate(found.days)}
    rows, now, before = [], [], []
    days: list[date | None] = []
    lacking: list[str | None] = []
    for at, day in enumerate(found.days):
        partner = year_before(day, found.unit, align)
        there = number.get(partner, -1) if partner else -1
        met = panel.met[:, at] | (panel.met[:, there] & (there >= 0))
        rows.append(np.flatnonzero(met))
        now.append(np.full(len(rows[-1]), at))
        before.append(np.full(len(rows[-1]), there))
        days += [partner] * len(rows[-1])
        none = "week 53" if align == "iso_week" else "29 February"
        told = f"before the first {found.unit} measured" if partner else f"no {none} the year before"
        lacking += [None if there >= 0 else told] * len(rows[-1])
    compared_with = pl.Series("compared_with", days, pl.Date)
    return Pairs(np.concatenate(rows), np.concatenate(now), np.concatenate(before), compared_with, lacking)


def figures_of(panel: Panel, row: Int64, at: Int64, names: tuple[str, ...], suffix: str) -> pl.DataFrame:
    """Return the sums and ratios of rows in periods, null where there is no period, and why one is null."""
    missing = at < 0
    columns = {"spend": panel.spend[row, at]}
    columns |= {name: panel.outcomes[row, at, i] for i, name in enumerate(names)}
    sums = pl.DataFrame(
        [pl.Series(name, np.where(missing, np.nan, v), nan_to_null=True) for name, v in columns.items()]
    ).with_columns(
        model=pl.lit(panel.model), no_spend=pl.lit(panel.no_spend), credited_by=pl.lit(panel.credited_by)
    )
    table = with_ratios(sums, [], names, COMPARED)
    why: list[pl.Expr] = [
        pl.when(pl.col("spend").is_null()).then(pl.lit(f"spend{suffix}: {panel.no_spend}")),
        pl.col("reason").str.replace_many(
            [f"{kpi.name}:" for kpi in COMPARED], [f"{kpi.name}{suffix}:" for kpi in COMPARED]
        ),
    ]
    told = pl.when(pl.Series(~missing)).then(pl.concat_str(why, separator="; ", ignore_nulls=True))
    return table.drop("model").with_columns(reason=told)


def with_intervals_of(table: pl.DataFrame, found: History, panel: Panel, pairs: Pairs) -> pl.DataFrame:
    """Return the table with the ends of every change that customers decide."""
    names, source = found.measured.outcome_names, found.measured.replicated
    figures = [f"{name}_{kind}" for name in names for kind in ("change", "growth")]
    figures += [f"{kpi.name}_change" for kpi in COMPARED]
    ends, why = np.full((len(table), 2, len(figures)), np.nan), [[found.lacking(panel.model)]] * len(table)
    if source is None or isinstance(source, str) or source.lacking(panel.model):
        return with_ends(table, figures, ends, why)
    why = [[] for _ in range(len(table))]
    edges = np.flatnonzero(np.diff(pairs.now, prepend=-1, append=-1))
    for a, b in pairwise(edges):
        if pairs.before[a] < 0:
            continue
        row = pairs.row[a:b]
        known = {name: table[name][a:b].is_not_null().to_numpy() for name in figures}
        pair = [panel.drawn(source, at)[:, row] for at in (int(pairs.now[a]), int(pairs.before[a]))]
        spend = [panel.spend[row, at] for at in (pairs.now[a], pairs.before[a])]
        ends[a:b], why[a:b] = ends_of(changes(names, pair, spend), known, source.resampling)
    return with_ends(table, figures, ends, why)


def changes(names: tuple[str, ...], pair: list[Float64], spend: list[Float64]) -> Mapping[str, Float64]:
    """Return every change in each replicate [R, n], from the outcomes of both periods [R, n, m]."""
    found: dict[str, Float64] = {}
    for i, name in enumerate(names):
        now, before = (each[:, :, i] for each in pair)
        with np.errstate(divide="ignore", invalid="ignore"):
            found |= {f"{name}_change": now - before, f"{name}_growth": now / np.maximum(before, 0.0) - 1}
    roles = roles_of(["spend", *names], names[0])
    drawn = [
        {"spend": money[None, :], **{name: each[:, :, i] for i, name in enumerate(names)}}
        for each, money in zip(pair, spend, strict=True)
    ]
    for kpi in COMPARED:
        if kpi.numerator not in roles:
            found[f"{kpi.name}_change"] = np.full(pair[0].shape[:2], np.nan)
            continue
        now, before = (kpi.value({role: each[name] for role, name in roles.items()}) for each in drawn)
        with np.errstate(invalid="ignore"):
            found[f"{kpi.name}_change"] = now - before
    return found
