"""Contribution: how much of a change between two periods comes from volume, from the mix, from the rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.dimensions import PERIODS
from attribution.errors import ParameterError
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import History, ends_of, history, with_ends
from attribution.kpis.ratios import roles_of

RATIOS = {"win_rate": "wins", "cost_per_lead": "spend"}  # each over leads
PARTS = ("volume", "mix", "rate")
FIGURES = ("change", *PARTS, "contribution")
COLUMNS = ("of", "before", "now", *FIGURES, "reason")


@dataclass(frozen=True)
class Question:
    """What is taken apart: a sum, or its ratio to the leads, in two periods."""

    of: str
    role: str  # of the sum
    before: int
    now: int

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio, which has no volume."""
        return self.of in RATIOS

    @property
    def certain(self) -> tuple[str, ...]:
        """The figures that other customers would not change."""
        return ("volume",) if self.is_ratio else ("change", "contribution") if self.of == "spend" else ()


def contribution(measured: Measured, *, before: date, now: date, of: str = "wins") -> pl.DataFrame:
    """Return how much of a change comes from more leads, other leads and better leads, by cell.

    Formula: N = sum_c L_c R_c with leads L_c, rate R_c = N_c / L_c (wins, spend or revenue per lead) and
    m_c = L_c / L. volume_c = (L1 - L0) m0_c R0_c, mix_c = L1 (m1_c - m0_c) R0_c and
    rate_c = L1 m1_c (R1_c - R0_c) sum to the cell's change, and over the cells to that of (total). Of a ratio
    R = sum_c m_c R_c:
    mix_c = (m1_c - m0_c) (R0_c - R0), rate_c = m1_c (R1_c - R0_c), volume 0; they sum over the cells to the
    change of the ratio of all, so a cell better than all that gains share raises it. In both, contribution =
    volume + mix + rate is what the cell adds to the change of (total); of a sum that is its own change.

    Units: those of ``of``: outcomes, money, share, money a lead.

    ``of`` is wins, spend, revenue, win_rate or cost_per_lead; ``before`` and ``now`` are days in the two
    periods. What a period lacks is taken from the other: the rate of a cell without leads (so that it came
    or left is mix), the mix of a period without any lead. Spend of a cell without leads is all rate. A cell
    without spend spent nothing. Credits with replicates give each figure its _low and _high; spend is known.

    Raises:
        ParameterError: ``of`` is not known, the periods were not measured or are not in order, or the
            dimensions do not hold exactly one period.
        ConvergenceError: nothing was measured.

    Source: Kitagawa (1955), "Components of a difference between two rates", Journal of the American
    Statistical Association 50, 1168-1194; here with the old rates and the new mix, so that nothing is left.

    >>> from attribution.kpis.measure import Measured
    >>> from attribution.tables import RowCount
    >>> months = [date(2026, 1, 1), date(2026, 2, 1)]
    >>> sums = {"model": "m", "month": months, "spend": 0.0, "leads": [10.0, 20.0], "wins": [5.0, 6.0],
    ...         "credited_by": "journey", "no_spend": "no spend"}
    >>> measured = Measured(pl.DataFrame(), pl.DataFrame(sums), RowCount(), (), ("month",), ("leads", "wins"))
    >>> table = contribution(measured, before=months[0], now=months[1])
    >>> table.select("change", "volume", "mix", "rate").row(0)
    (1.0, 5.0, 0.0, -4.0)
    """
    found = history(measured, [*COLUMNS, *(f"{name}_{end}" for name in FIGURES for end in ("low", "high"))])
    roles = roles_of(["spend", *measured.outcome_names], measured.outcome_names[0])
    known = [name for name in ("wins", "spend", "revenue", *RATIOS) if RATIOS.get(name, name) in roles]
    if of not in known:
        raise ParameterError.unknown("quantity", of, known)
    places = [place(found, "before", before), place(found, "now", now)]
    if places[0] >= places[1]:
        raise ParameterError.out_of_range("before", before, f"a day in a {found.unit} before that of {now}")
    asked = Question(of, RATIOS.get(of, of), *places)
    return pl.concat([of_model(found, name, asked) for name in found.models])


def place(found: History, name: str, day: date) -> int:
    """Return the number of the period that holds a day."""
    if isinstance(day, date) and not isinstance(day, datetime):
        first = pl.Series([day]).dt.truncate(PERIODS[found.unit]).item()
        if first in found.days:
            return found.days.index(first)
    allowed = f"a date in one of the {found.unit}s that begin from {found.days[0]} to {found.days[-1]}"
    raise ParameterError.out_of_range(name, day, allowed)


def of_model(found: History, model: str, asked: Question) -> pl.DataFrame:
    """Return the parts of one model's change: by cell, and in total."""
    panel, names = found.panel(model), found.measured.outcome_names
    cells, rows, at = len(panel.places), len(panel.rows), [asked.before, asked.now]
    spent = panel.spend[:cells, at].T[:, None]  # [2, 1, cells]
    outcomes = panel.outcomes[:cells, at].transpose(1, 0, 2)[:, None]
    parts = parts_of(*leads_and_sums(outcomes, spent, names, asked), asked.is_ratio)
    no_spend = asked.role == "spend" and np.isnan(panel.spend[panel.met]).all()
    table = panel.rows.select("model", *found.dimensions, of=pl.lit(asked.of)).with_columns(
        pl.Series(name, np.where(np.isfinite(each) & ~no_spend, each, np.nan)[0, :rows], nan_to_null=True)
        for name, each in parts.items()
    )
    told = f"{asked.of}: {panel.no_spend}" if no_spend else "no credited leads in one of the periods"
    table = table.with_columns(reason=pl.when(pl.any_horizontal(pl.col(*parts).is_null())).then(pl.lit(told)))
    source = found.measured.replicated
    if source is None:
        return table
    if isinstance(source, str) or source.lacking(model):
        return with_ends(
            table, FIGURES, np.full((rows, 2, len(FIGURES)), np.nan), [[found.lacking(model)]] * rows
        )
    outcomes = np.stack([panel.drawn(source, each)[:, :cells] for each in at])  # [2, R, cells, m]
    drawn = parts_of(*leads_and_sums(outcomes, spent, names, asked), asked.is_ratio)
    figures = {name: drawn[name][:, :rows] for name in FIGURES}
    known = {name: table[name].is_not_null().to_numpy() for name in FIGURES}
    for name in asked.certain:
        known[name][:] = False
    return with_ends(table, FIGURES, *ends_of(figures, known, source.resampling))


def leads_and_sums(
    outcomes: Float64, spent: Float64, names: Sequence[str], asked: Question
) -> tuple[Float64, Float64]:
    """Return the leads and what is taken apart, by period, replicate and cell [2, R, cells]."""
    leads = outcomes[..., 0]
    if asked.role == "spend":
        return leads, np.broadcast_to(np.nan_to_num(spent), leads.shape)
    return leads, outcomes[..., list(names).index(asked.role)]


@np.errstate(divide="ignore", invalid="ignore")
def parts_of(leads: Float64, sums: Float64, is_ratio: bool) -> dict[str, Float64]:
    """Return what the columns hold of every cell, and of all, from both periods [2, R, cells].

    >>> leads, wins = np.array([[[16.0, 16.0]], [[16.0, 48.0]]]), np.array([[[8.0, 8.0]], [[4.0, 24.0]]])
    >>> found = parts_of(leads, wins, is_ratio=False)
    >>> [found[name][0].tolist() for name in ("change", "volume", "mix", "rate")]
    [[-4.0, 16.0, 12.0], [8.0, 8.0, 16.0], [-8.0, 8.0, 0.0], [-4.0, 0.0, -4.0]]
    """
    total, all_sums = leads.sum(axis=-1, keepdims=True), sums.sum(axis=-1, keepdims=True)
    values = np.concatenate([sums, all_sums], axis=-1)
    ratio: Float64 | float = 0.0
    if is_ratio:
        values = values / np.concatenate([leads, total], axis=-1)
        ratio = all_sums[0] / total[0]
        leads, sums, total = leads / total, sums / total, total / total
    share_before, share_now = np.where(total > 0, leads / total, (leads / total)[::-1])
    (old, new), (rate_before, rate_now) = leads > 0, sums / np.where(leads > 0, leads, np.inf)
    old_rate = np.where(old, rate_before, rate_now)
    moved = np.where(old | new, share_now - share_before, 0.0)
    volume = np.where(old | new, (total[1] - total[0]) * share_before * old_rate, 0.0)
    mix = total[1] * moved * (old_rate - ratio) + 0.0  # no -0.0
    bought = np.where(new, 0.0, sums[1]) - np.where(old, 0.0, sums[0])  # by no lead: all rate
    rate = np.where(old & new, leads[1] * (rate_now - rate_before), bought)
    cells = {"volume": volume, "mix": mix, "rate": rate}
    found = {name: np.append(each, each.sum(axis=-1, keepdims=True), axis=-1) for name, each in cells.items()}
    known = np.isfinite(values[:, :, -1:]).all(axis=0)  # a ratio of all may have no leads
    found = {name: np.where(known, each, np.nan) for name, each in found.items()}
    change = {"before": values[0], "now": values[1], "change": values[1] - values[0]}
    adds = found["mix"] + found["rate"] if is_ratio else change["change"]
    return change | found | {"contribution": adds}
