"""Statistics: what a batch of journeys is reduced to; values that add up."""

from attribution.statistics.coalitions import CoalitionOutcomes, Coalitions
from attribution.statistics.mergeable import Observer, Statistic, total
from attribution.statistics.resampling import Resampling
from attribution.statistics.roles import PLAYED, RoleCounts, Roles
from attribution.statistics.stacked import Stacked
from attribution.statistics.sums import OutcomeSums, Sums
from attribution.statistics.totals import CreditTotals, Rule, Totals
from attribution.statistics.transitions import TransitionCounts, Transitions

__all__ = [
    "PLAYED",
    "CoalitionOutcomes",
    "Coalitions",
    "CreditTotals",
    "Observer",
    "OutcomeSums",
    "Resampling",
    "RoleCounts",
    "Roles",
    "Rule",
    "Stacked",
    "Statistic",
    "Sums",
    "Totals",
    "TransitionCounts",
    "Transitions",
    "total",
]
