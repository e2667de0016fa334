"""Budget: what spend brings, and the spend that brings the most, with what is not known of either."""

from attribution.budget.allocation import Allocation, reallocate
from attribution.budget.backtest import backtest_response
from attribution.budget.response import Response, response_curves
from attribution.budget.scenario import FixedBudget, Scenario, TargetCostPerLead

__all__ = [
    "Allocation",
    "FixedBudget",
    "Response",
    "Scenario",
    "TargetCostPerLead",
    "backtest_response",
    "reallocate",
    "response_curves",
]
