"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.dictionary import KPIS, Kpi, ratios_of
from attribution.kpis.funnel import Funnel, funnel, stage_entries
from attribution.kpis.lead_log import lead_log
from attribution.kpis.measure import Measured, kpi_table, measure
from attribution.kpis.shrinkage import FIGURES
from attribution.kpis.velocity import Velocity, velocity

__all__ = [
    "FIGURES",
    "KPIS",
    "Funnel",
    "Kpi",
    "Measured",
    "Velocity",
    "funnel",
    "kpi_table",
    "lead_log",
    "measure",
    "ratios_of",
    "stage_entries",
    "velocity",
]
