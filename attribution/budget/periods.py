"""Periods: which of what was measured by period curves are fitted to, and the spend that is called now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.past import Past
from attribution.budget.scenario import money
from attribution.channels import UNATTRIBUTED
from attribution.errors import ConvergenceError, ParameterError, TableError, shown
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import History, Panel, history
from attribution.statistics import Resampling

NOW = {"day": 28, "week": 4}  # periods whose mean is the spend now: four weeks, else the last period
FEWEST = 8  # periods that a curve is fitted to
SLIGHT = 0.5  # of the usual spend of all channels: less in a first or last period looks incomplete
TAKEN = {
    *("model", "period", "channel", "spend", "reason", "gain", "held", "change", "seen", "shape", "periods"),
    *("usual_spend", "lowest_spend", "highest_spend", "elasticity", "incremental_share", "half_life_days"),
    *("spend_before", "error", "error_unchanged"),
}  # columns of the tables, which no outcome may be named as


@dataclass(frozen=True)
class Which:
    """What a curve is to be fitted to: a model, an outcome (the first without a name), and the periods."""

    model: str | None = None
    outcome: str | None = None
    complete_from: date | None = None
    complete_before: date | None = None


def past_of(measured: Measured, which: Which) -> Past:
    """Return spend and credit by channel and period.

    Periods before the first, and after the last, in which there is both spend and an outcome are left out:
    of what one of the tables does not know, nothing can be learned.

    Raises:
        ParameterError: what was measured is not by channel and one period, or lacks the outcome.
        TableError: spend is not known by period, or a credit is below zero.
        ConvergenceError: there are too few periods.
    """
    found = history(measured)
    if found.dimensions != ("channel",):
        by = ["channel", found.period]
        raise ParameterError.out_of_range("by", measured.by, f"{by}: curves are of channels by period")
    name = which.outcome or measured.outcome_names[0]
    if name not in measured.outcome_names:
        raise ParameterError.unknown("outcome", name, measured.outcome_names)
    if name in TAKEN:
        raise ParameterError.out_of_range("outcome", name, "an outcome that is not named as a column here")
    model = which.model or found.models[0]
    if model not in found.models:
        raise ParameterError.unknown("model", model, found.models)
    panel, asked = found.panel(model), asked_for(found, which)
    span, warnings = span_of(found, panel, asked)
    if span.stop - span.start < FEWEST:
        raise ConvergenceError.too_short(
            f"{model}: response of {name}",
            f"{span.stop - span.start} {found.unit}s with spend and outcomes",
            f"at least {FEWEST} periods",
            "wait for more" if found.unit == "day" else "measure by a shorter period (day), or wait for more",
        )
    return cut_out(found, panel, name, span, asked, warnings)


def asked_for(found: History, which: Which) -> slice:
    """Return the periods that are said to be complete."""
    start, after = 0, found.complete(which.complete_before)
    day = which.complete_from
    if day is not None:
        if not isinstance(day, date) or isinstance(day, datetime) or day > found.days[after - 1]:
            allowed = f"a date not after {found.days[after - 1]}, when the last complete {found.unit} begins"
            raise ParameterError.out_of_range("complete_from", day, allowed)
        start = sum(each < day for each in found.days)
    return slice(start, after)


def spent_in(panel: Panel) -> Float64:
    """Return the spend of all channels in each period, 0 where none is known [P]."""
    return np.asarray(np.nansum(panel.spend[:-1], axis=0))


def span_of(found: History, panel: Panel, asked: slice) -> tuple[slice, list[str]]:
    """Return the periods from the first to the last with spend and outcomes, and what to know of the ends."""
    spent, met = spent_in(panel)[asked], panel.outcomes[-1, asked, 0] > 0
    both = np.flatnonzero((spent > 0) & met)
    if not len(both):
        return (slice(0, 0) if spent.any() else asked), []
    span = slice(asked.start + int(both[0]), asked.start + int(both[-1]) + 1)
    days, warnings = found.days, list[str]()
    for start, stop in ((asked.start, span.start), (span.stop, asked.stop)):
        if stop > start:
            warnings.append(
                f"{found.unit}s of {days[start]} to {days[stop - 1]} are left out of the curves: "
                "there is not both spend and an outcome"
            )
    usual = float(np.median(spent[both[0] : both[-1] + 1]))
    for end, remedy in ((span.start, "complete_from"), (span.stop - 1, "complete_before")):
        if spent[end - asked.start] < SLIGHT * usual:
            day = days[end + 1] if end == span.start else days[end]
            warnings.append(
                f"the {found.unit} of {days[end]} has a spend of {money(spent[end - asked.start])} where "
                f"{money(usual)} is usual: if it is not complete, leave it out with {remedy} {day} "
                f"(--{remedy.replace('_', '-')} {day})"
            )
    return span, warnings


def cut_out(found: History, panel: Panel, name: str, span: slice, asked: slice, warnings: list[str]) -> Past:
    """Return the past of a panel's channels: those with spend, and the rest in sum."""
    place = found.measured.outcome_names.index(name)
    names = panel.rows["channel"].to_list()[:-1]
    spend, outcome = np.nan_to_num(panel.spend[:-1]), panel.outcomes[:-1, span, place]
    check_credit(names, outcome, found.days[span], found.unit, name)
    paid = np.array([each != UNATTRIBUTED for each in names]) & (spend[:, span].sum(axis=1) > 0)
    check_known(found, panel, paid, outcome, name)
    drawn, source = None, found.measured.replicated
    resampling = Resampling()
    if source is not None and not isinstance(source, str) and not source.lacking(panel.model):
        resampling = source.resampling
        each = [panel.drawn(source, at)[:, :-1, place] for at in range(span.start, span.stop)]
        by_cell = np.stack(each, axis=2)
        rest = by_cell[:, ~paid].sum(axis=1, keepdims=True)
        drawn = np.concatenate([by_cell[:, paid], rest], axis=1)
    last = asked.start + int(np.flatnonzero(spent_in(panel)[asked])[-1])
    first = max(asked.start, last + 1 - NOW.get(found.unit, 1))
    return Past(
        panel.model,
        name,
        found.unit,
        found.days[span],
        tuple(each for each, is_paid in zip(names, paid, strict=True) if is_paid),
        tuple(
            each for each, is_paid in zip(names, paid, strict=True) if not is_paid and each != UNATTRIBUTED
        ),
        spend[paid, span],
        outcome[paid],
        outcome[~paid].sum(axis=0),
        drawn,
        resampling,
        np.round(spend[paid, first : last + 1].mean(axis=1), 2),
        (found.days[first], found.days[last]),
        tuple(warnings),
    )


def check_known(found: History, panel: Panel, paid: Bool, outcome: Float64, name: str) -> None:
    """Raise TableError where no channel has spend, or none of those with spend has any credit."""
    if not paid.any():
        told = panel.no_spend if np.isnan(panel.spend[panel.met]).all() else "no channel with spend"
        aside = ", ".join(f"{n:,} {why}" for why, n in found.measured.spend_rows.set_aside.items())
        told += f"; rows of the spend table set aside: {aside}" if aside else ""
        remedy = "measure with a spend table that has dates, and amounts above zero"
        raise TableError.of("measured", told, "spend by channel and period", remedy)
    if not outcome[paid].any():
        raise TableError.of(
            "measured",
            f"no {name} of a channel that has spend",
            "credits of the channels of the spend table",
            "name the channels alike in both tables",
        )


def check_credit(names: list[str], outcome: Float64, days: tuple[date, ...], unit: str, name: str) -> None:
    """Raise TableError where a channel has a credit below zero in a period."""
    below = np.argwhere(outcome < 0)
    if len(below):
        raise TableError.of(
            "measured",
            f"credit below zero ({name})",
            "credits of at least zero in every period",
            "choose an outcome without refunds, as leads or wins",
            column=name,
            count=len(below),
            examples=tuple(
                f"{shown(names[c])} in the {unit} of {days[t]}: {outcome[c, t]:g}" for c, t in below[:5]
            ),
        )
