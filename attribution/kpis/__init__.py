"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.contribution import contribution
from attribution.kpis.currency import converted
from attribution.kpis.dictionary import KPIS, Kpi, ratios_of
from attribution.kpis.forecast import Forecast, forecast
from attribution.kpis.funnel import Funnel, funnel, stage_entries
from attribution.kpis.lead_log import lead_log
from attribution.kpis.measure import Measured, kpi_table, measure
from attribution.kpis.periodic import trend
from attribution.kpis.sales_time import sales_time
from attribution.kpis.seasonality import seasonality
from attribution.kpis.shrinkage import FIGURES
from attribution.kpis.trends import year_over_year
from attribution.kpis.value import CustomerValue, customer_value
from attribution.kpis.velocity import Velocity, velocity
from attribution.kpis.worth import Terms

__all__ = [
    "FIGURES",
    "KPIS",
    "CustomerValue",
    "Forecast",
    "Funnel",
    "Kpi",
    "Measured",
    "Terms",
    "Velocity",
    "contribution",
    "converted",
    "customer_value",
    "forecast",
    "funnel",
    "kpi_table",
    "lead_log",
    "measure",
    "ratios_of",
    "sales_time",
    "seasonality",
    "stage_entries",
    "trend",
    "velocity",
    "year_over_year",
]
