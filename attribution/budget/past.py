"""Past: what was spent on each channel in each period, and what was credited to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.channels import UNATTRIBUTED
from attribution.errors import ConvergenceError, ParameterError, TableError, shown
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import History, Panel, history
from attribution.statistics import Resampling

PERIOD_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
NOW = {"day": 28, "week": 4}  # periods whose mean is the spend now: four weeks, else the last period
FEWEST = 8  # periods that a curve is fitted to


@dataclass(frozen=True, eq=False)
class Past:
    """Spend and outcomes of C channels in P periods; ``rest`` is what other cells were credited.

    ``drawn`` holds the outcomes of the channels, and of the rest below them, of other customers.
    """

    model: str
    outcome_name: str
    unit: str
    days: tuple[date, ...]
    channels: tuple[str, ...]  # with spend
    without_spend: tuple[str, ...]
    spend: Float64  # [C, P]
    outcome: Float64  # [C, P]
    rest: Float64  # [P]
    drawn: Float64 | None  # [R, C + 1, P]
    resampling: Resampling

    @property
    def period_days(self) -> float:
        """The mean length of a period in days."""
        return PERIOD_DAYS[self.unit]

    @property
    def usual(self) -> Float64:
        """The mean spend of a channel in all periods [C]."""
        mean: Float64 = self.spend.mean(axis=1)
        return mean

    @property
    def now(self) -> Float64:
        """The spend of a channel in cents, in the mean of the last periods [C]."""
        mean: Float64 = np.round(self.spend[:, -NOW.get(self.unit, 1) :].mean(axis=1), 2)
        return mean

    @property
    def seen(self) -> Float64:
        """The lowest and the highest spend of a channel in a period [2, C]."""
        return np.stack([self.spend.min(axis=1), self.spend.max(axis=1)])

    def named(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table of this past with the model and the period that it is of."""
        return table.with_columns(model=pl.lit(self.model), period=pl.lit(self.unit)).select(
            "model", "period", *table.columns
        )

    def until(self, periods: int) -> Past:
        """Return the first of the periods."""
        drawn = None if self.drawn is None else self.drawn[:, :, :periods]
        return replace(
            self,
            days=self.days[:periods],
            spend=self.spend[:, :periods],
            outcome=self.outcome[:, :periods],
            rest=self.rest[:periods],
            drawn=drawn,
        )

    def with_few(self, replicates: int) -> Past:
        """Return it with so many replicates at most, for what needs no interval."""
        few = min(replicates, self.resampling.replicates)
        drawn = None if self.drawn is None else self.drawn[:few]
        return replace(self, drawn=drawn, resampling=replace(self.resampling, replicates=few))


def past_of(measured: Measured, model: str | None, outcome: str | None, complete_before: date | None) -> Past:
    """Return spend and credit by channel and period, of one model and one outcome.

    Without a name that is the first.

    Raises:
        ParameterError: what was measured is not by channel and one period, or lacks the outcome.
        TableError: spend is not known by period, or a credit is below zero.
        ConvergenceError: there are too few periods.
    """
    found = history(measured)
    if found.dimensions != ("channel",):
        by = ["channel", found.period]
        raise ParameterError.out_of_range("by", measured.by, f"{by}: curves are of channels by period")
    name = outcome or measured.outcome_names[0]
    if name not in measured.outcome_names:
        raise ParameterError.unknown("outcome", name, measured.outcome_names)
    model = model or found.models[0]
    if model not in found.models:
        raise ParameterError.unknown("model", model, found.models)
    panel, periods = found.panel(model), found.complete(complete_before)
    if periods < FEWEST:
        raise ConvergenceError.too_short(
            f"{model}: response of {name}",
            f"{periods} {found.unit}s",
            f"at least {FEWEST} periods",
            "measure by a shorter period (day), or wait for more",
        )
    return cut_out(found, panel, name, periods)


def cut_out(found: History, panel: Panel, name: str, periods: int) -> Past:
    """Return the past of a panel's channels: those with spend, and the rest in sum."""
    place = found.measured.outcome_names.index(name)
    names = panel.rows["channel"].to_list()[:-1]
    spend = np.nan_to_num(panel.spend[:-1, :periods])
    outcome = panel.outcomes[:-1, :periods, place]
    check_credit(names, outcome, found, name)
    paid = np.array([each != UNATTRIBUTED for each in names]) & (spend.sum(axis=1) > 0)
    if not paid.any():
        told = panel.no_spend if np.isnan(panel.spend[panel.met]).all() else "no channel with spend"
        raise TableError.of(
            "measured", told, "spend by channel and period", "measure with a spend table that has dates"
        )
    drawn, source = None, found.measured.replicated
    resampling = Resampling()
    if source is not None and not isinstance(source, str) and not source.lacking(panel.model):
        resampling = source.resampling
        each = [panel.drawn(source, at)[:, :-1, place] for at in range(periods)]
        by_cell = np.stack(each, axis=2)
        rest = by_cell[:, ~paid].sum(axis=1, keepdims=True)
        drawn = np.concatenate([by_cell[:, paid], rest], axis=1)
    return Past(
        panel.model,
        name,
        found.unit,
        found.days[:periods],
        tuple(each for each, is_paid in zip(names, paid, strict=True) if is_paid),
        tuple(
            each for each, is_paid in zip(names, paid, strict=True) if not is_paid and each != UNATTRIBUTED
        ),
        spend[paid],
        outcome[paid],
        outcome[~paid].sum(axis=0),
        drawn,
        resampling,
    )


def check_credit(names: list[str], outcome: Float64, found: History, name: str) -> None:
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
                f"{shown(names[c])} in the {found.unit} of {found.days[t]}: {outcome[c, t]:g}"
                for c, t in below[:5]
            ),
        )
