"""Statistics: what a batch of journeys is reduced to; values that add up."""

from attribution.statistics.coalitions import CoalitionOutcomes, Coalitions
from attribution.statistics.mergeable import Observer, Statistic, total
from attribution.statistics.totals import CreditTotals, Rule, Totals
from attribution.statistics.transitions import TransitionCounts, Transitions

__all__ = [
    "CoalitionOutcomes",
    "Coalitions",
    "CreditTotals",
    "Observer",
    "Rule",
    "Statistic",
    "Totals",
    "TransitionCounts",
    "Transitions",
    "total",
]
