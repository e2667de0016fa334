"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.contribution import contribution
from attribution.kpis.dictionary import KPIS, Kpi, ratios_of
from attribution.kpis.forecast import Forecast, forecast
from attribution.kpis.funnel import Funnel, funnel, stage_entries
from attribution.kpis.lead_log import lead_log
from attribution.kpis.measure import Measured, kpi_table, measure
from attribution.kpis.seasonality import seasonality
from attribution.kpis.shrinkage import FIGURES
from attribution.kpis.trends import year_over_year
from attribution.kpis.velocity import Velocity, velocity

__all__ = [
    "FIGURES",
    "KPIS",
    "Forecast",
    "Funnel",
    "Kpi",
    "Measured",
    "Velocity",
    "contribution",
    "forecast",
    "funnel",
    "kpi_table",
    "lead_log",
    "measure",
    "ratios_of",
    "seasonality",
    "stage_entries",
    "velocity",
    "year_over_year",
]
