"""Allocation: the spend by channel that a scenario asks for, and what it is expected to bring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64
from attribution.budget.direction import disagreements
from attribution.budget.holding import GivenUp
from attribution.budget.optimum import Optimum
from attribution.budget.periods import Which, past_of
from attribution.budget.planning import Planning, planning_of
from attribution.budget.reasons import in_words, reasons_of
from attribution.budget.response import fit_response
from attribution.budget.scenario import Scenario
from attribution.channels import TOTAL
from attribution.errors import TableError
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import history

ROUGHLY = 100  # replicates that tell the direction in which another model moves money


@dataclass(frozen=True, eq=False)
class Allocation:
    """A plan: spend a period by channel, what holds it, and where other models disagree."""

    planning: Planning
    found: Optimum  # in cents
    held: Bool  # [C]
    given_up: Mapping[int, GivenUp]  # by place of the channel
    disagree: tuple[str | None, ...]
    warnings: tuple[str, ...]

    @property
    def spend(self) -> Float64:
        """The spend a period that is proposed [C], in cents."""
        return self.found.spend

    @property
    def gain(self) -> tuple[float, float, float]:
        """The outcomes a period that the plan adds to those of now: expected, and the interval's ends."""
        return self.gain_over(self.planning.response.past.now)

    @property
    def gain_of_mix(self) -> tuple[float, float, float]:
        """The same beside the spend that moves are counted from: of a budget the total, shared as now."""
        return self.gain_over(self.planning.start)

    def gain_over(self, spend: Float64) -> tuple[float, float, float]:
        """Return the outcomes a period that the plan adds to those of another spend [C]."""
        draws = self.planning.response.draws
        added = (draws.gained(self.spend) - draws.gained(spend)).sum(axis=1)
        low, high = self.planning.response.past.resampling.bounds(added[:, None])
        return float(added.mean()), float(low[0]), float(high[0])

    def table(self) -> pl.DataFrame:
        """Return the plan: a row a channel, the largest spend first, those without spend, and (total)."""
        response = self.planning.response
        past, draws = response.past, response.draws
        now, added = draws.value(past.now), draws.gained(self.spend) - draws.gained(past.now)
        costs = self.marginal_costs()
        lines = reasons_of(self.planning, self.found, self.held, self.given_up, costs)
        moved = pl.DataFrame(
            {
                "channel": past.channels,
                "spend_now": past.now,
                "spend_proposed": self.spend,
                "change": np.round(self.spend - past.now, 2),
                **self.figures(now, added, np.maximum(now + added, 0.0)),
                "marginal_cost_now": costs[0],
                "marginal_cost_proposed": costs[1],
                "held": self.held,
                "models_disagree": pl.Series(self.disagree, dtype=pl.String),
                "reason": lines,
            }
        ).sort("spend_now", "channel", descending=[True, False])
        still = {"channel": past.without_spend, "reason": "no spend: not moved"}
        zero = {"spend_now": 0.0, "spend_proposed": 0.0, "change": 0.0, "held": True}
        others = pl.DataFrame(still | zero, schema_overrides={"channel": pl.String})
        then = np.maximum(now + added, 0.0)
        sums = self.figures(*(each.sum(axis=1, keepdims=True) for each in (now, added, then)))
        spend = [math.fsum(past.now), math.fsum(self.spend)]
        total = pl.DataFrame(
            {
                "channel": TOTAL,
                "spend_now": round(spend[0], 2),
                "spend_proposed": round(spend[1], 2),
                "change": round(spend[1] - spend[0], 2),
                **sums,
                "reason": in_words(self.planning, self.gain, self.gain_of_mix, math.fsum(self.spend)),
            }
        )
        table = pl.concat([moved, others, total], how="diagonal")
        costly = pl.col("marginal_cost_now", "marginal_cost_proposed")
        return past.named(table.with_columns(pl.when(costly.is_finite()).then(costly)))

    def figures(self, now: Float64, added: Float64, then: Float64) -> dict[str, Float64]:
        """Return what is credited now, added and expected then, with intervals, from draws [R, n]."""
        past = self.planning.response.past
        expected, gain = past.resampling.bounds(then), past.resampling.bounds(added)
        return {
            f"{past.outcome_name}_now": now.mean(axis=0),
            f"{past.outcome_name}_expected": then.mean(axis=0),
            f"{past.outcome_name}_expected_low": expected[0],
            f"{past.outcome_name}_expected_high": expected[1],
            "gain": added.mean(axis=0),
            "gain_low": gain[0],
            "gain_high": gain[1],
        }

    def marginal_costs(self) -> tuple[Float64, Float64]:
        """Return what one more outcome costs now, and under the plan [C]; infinite where none comes.

        NaN where nothing is spent: the slope of a curve at no spend may be any number.
        """
        with np.errstate(divide="ignore"):
            now, then = (
                np.where(spend > 0, 1 / self.planning.slope(spend), np.nan)
                for spend in (self.planning.response.past.now, self.spend)
            )
        return now, then


def reallocate(
    measured: Measured,
    scenario: Scenario,
    *,
    model: str | None = None,
    outcome: str | None = None,
    half_life: float | None = None,
    complete_from: date | None = None,
    complete_before: date | None = None,
    hold_unsure: bool = True,
) -> Allocation:
    """Return the spend a period by channel that brings the most outcomes in a scenario.

    Formula: max sum_c gained_c(x_c) within the bounds, sum_c x_c = total, or sum_c x_c <= target times the
    outcomes; gained_c is the mean over the draws of the channel's curve (``response_curves``), times the
    share of it that the outcomes of all channels together confirm. At the optimum one more outcome costs
    the same in every channel between its bounds.

    Units: money and outcomes a period: that of ``measured``, which is by channel and one period. The spend
    now is the mean of the last four weeks, or of the last month, quarter or year.

    A channel stays as it is (at its share of another total) where its spend never varied, where nothing was
    ever credited to it, or where what its move is worth cannot be told from zero, unless ``hold_unsure`` is
    false; one without spend always does. The plan is of ``model`` (the
    first without it); the others tell where they would move money the other way. Curves hold for a spend
    that is kept, once carry-over has settled; what season moves together with spend is read as response.

    Raises:
        ParameterError: a bound is no amount, is of an unknown channel, or contradicts another or the total.
        ConvergenceError: there are too few periods, or the target is not reachable.
        TableError: spend is not known by period, or a credit is below zero.

    Source: Koopman (1953), "The optimum distribution of effort", Operations Research 1.
    """
    which = Which(model, outcome, complete_from, complete_before)
    response = fit_response(past_of(measured, which), half_life)
    planning = planning_of(response, scenario)
    if hold_unsure:
        found, stays, given_up = planning.best_surely(response.steady | response.uncredited)
    else:
        stays, given_up = np.zeros(len(planning.start), np.bool_), dict[int, GivenUp]()
        found = planning.best(stays)
    plans, warnings = dict[str, Planning](), list(response.past.warnings)
    for name in history(measured).models:
        if name != response.past.model:
            try:
                past = past_of(measured, replace(which, model=name)).with_few(ROUGHLY)
            except TableError as error:
                warnings.append(f"{name} is not compared: {error}")
            else:
                plans[name] = planning_of(fit_response(past, half_life), scenario)
    disagree = tuple(disagreements(planning, found.spend, plans))
    return Allocation(planning, planning.in_cents(found), stays, given_up, disagree, tuple(warnings))
