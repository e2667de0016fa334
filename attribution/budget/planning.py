"""Planning: a scenario and the curves of one model become the best spend by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.bounds import Bounds, bounds_of
from attribution.budget.holding import GivenUp, held
from attribution.budget.optimum import Optimum, best_split, in_cents, most_within, to_total, whole_cents
from attribution.budget.response import Response
from attribution.budget.scenario import FixedBudget, Scenario, TargetCostPerLead
from attribution.errors import ConvergenceError, ParameterError


@dataclass(frozen=True, eq=False)
class Planning:
    """The curves, the scenario, its bounds, and the spend that moves are counted from [C].

    Of a fixed budget that is the spend now, brought to the total in proportion.
    """

    response: Response
    scenario: Scenario
    bounds: Bounds
    start: Float64

    def best(self, stays: Bool) -> Optimum:
        """Return the optimum where some channels [C] stay at the start, its price that of all money."""
        bounds = self.bounds.held(self.start, stays)
        if isinstance(self.scenario, FixedBudget):
            return best_split(self.slope, bounds, self.scenario.total)
        assert isinstance(self.scenario, TargetCostPerLead)
        return most_within(self.slope, self.outcomes, bounds, self.scenario.value)

    def best_surely(self, always: Bool) -> tuple[Optimum, Bool, dict[int, GivenUp]]:
        """Return the optimum whose moves can be told from zero, which channels it holds [C], and why.

        Raises:
            ConvergenceError: the target can only be reached by moves that cannot be told from zero.
        """
        try:
            return held(self.response, self.start, always, self.best)
        except ConvergenceError as error:
            self.best(np.zeros_like(always))  # which says so itself where every move is not enough
            raise ConvergenceError(
                f"{error}; channels whose moves cannot be told from zero stay as they are: "
                "move them as well with hold_unsure=False (--move-unsure)"
            ) from None

    def slope(self, spend: Float64) -> Float64:
        """Return what one more unit of money brings [C]."""
        return self.response.draws.slope(spend)

    def outcomes(self, spend: Float64) -> float:
        """Return the outcomes a period to expect: those credited now, and what the change adds."""
        draws, now = self.response.draws, self.response.past.now
        return float((draws.value(now) + draws.gained(spend) - draws.gained(now)).mean(axis=0).sum())

    def in_cents(self, best: Optimum) -> Optimum:
        """Return the plan in whole cents: its total that of the scenario, or not above the target."""
        total = float(whole_cents(best.spend).sum() / 100)
        if isinstance(self.scenario, FixedBudget):
            total = self.scenario.total
        return Optimum(in_cents(best.spend, self.bounds, total), best.price)


def planning_of(response: Response, scenario: Scenario) -> Planning:
    """Return what is needed to plan.

    Raises:
        ParameterError: the scenario names a channel that is not there, or its bounds contradict each other.
    """
    past = response.past
    if not isinstance(scenario, (FixedBudget, TargetCostPerLead)):
        raise ParameterError.out_of_range("scenario", scenario, "FixedBudget or TargetCostPerLead")
    scenario.check_channels(past.channels, past.without_spend)
    bounds = bounds_of(scenario, past.channels, past.now, past.seen)
    start = np.clip(past.now, bounds.low, bounds.high)
    if isinstance(scenario, FixedBudget) and abs(math.fsum(start) - scenario.total) >= 0.005:
        start = in_cents(to_total(past.now, bounds, scenario.total), bounds, scenario.total)
    return Planning(response, scenario, bounds, start)
