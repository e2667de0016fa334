"""KPIS: the dictionary of what a marketer reads, one literal entry each; measuring and documents read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kpi:
    """A ratio of sums: over channels or periods its sums are added before they are divided.

    Numerator and denominator are roles: spend, leads (the first outcome), wins, revenue.
    """

    name: str
    formula: str
    numerator: str
    denominator: str
    unit: str
    better: str  # lower or higher
    cost_basis: str = ""
    by_journey: bool = False  # makes no sense where totals were shared and not journeys


KPIS: tuple[Kpi, ...] = (
    Kpi("cost_per_lead", "spend / credited leads", "spend", "leads", "money", "lower", "media"),
    Kpi("win_rate", "credited wins / credited leads", "wins", "leads", "share", "higher", by_journey=True),
    Kpi("cost_per_win", "spend / credited wins", "spend", "wins", "money", "lower", "media"),
    Kpi(
        "revenue_per_win",
        "credited revenue / credited wins",
        "revenue",
        "wins",
        "money",
        "higher",
        by_journey=True,
    ),
    Kpi("return_on_spend", "credited revenue / spend", "revenue", "spend", "ratio", "higher", "media"),
)
