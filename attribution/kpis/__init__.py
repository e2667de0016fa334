"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.benchmark_gap import BenchmarkGap, benchmark_gap
from attribution.kpis.costs.currency import converted
from attribution.kpis.costs.sales_time import sales_time
from attribution.kpis.dictionary import KPIS, ratios_of
from attribution.kpis.engagement.activity import Activity
from attribution.kpis.engagement.ad_log import ad_log
from attribution.kpis.engagement.engagement import Engagement, engagement
from attribution.kpis.engagement.goals import Goal
from attribution.kpis.engagement.page_stages import PageStages, page_stages
from attribution.kpis.engagement.web_log import web_log
from attribution.kpis.entries import Kpi
from attribution.kpis.funnel import Funnel, funnel, stage_entries
from attribution.kpis.lead_log import lead_log
from attribution.kpis.measure import Measured, kpi_table, measure
from attribution.kpis.periods.contribution import contribution
from attribution.kpis.periods.forecast import Forecast, forecast
from attribution.kpis.periods.seasonality import seasonality
from attribution.kpis.periods.trend import trend
from attribution.kpis.periods.year_before import year_over_year
from attribution.kpis.positions import with_funnel_position
from attribution.kpis.shrinkage import FIGURES
from attribution.kpis.timing.velocity import Velocity, velocity
from attribution.kpis.value import CustomerValue, customer_value
from attribution.kpis.worth import Terms

__all__ = [
    "FIGURES",
    "KPIS",
    "Activity",
    "BenchmarkGap",
    "CustomerValue",
    "Engagement",
    "Forecast",
    "Funnel",
    "Goal",
    "Kpi",
    "Measured",
    "PageStages",
    "Terms",
    "Velocity",
    "ad_log",
    "benchmark_gap",
    "contribution",
    "converted",
    "customer_value",
    "engagement",
    "forecast",
    "funnel",
    "kpi_table",
    "lead_log",
    "measure",
    "page_stages",
    "ratios_of",
    "sales_time",
    "seasonality",
    "stage_entries",
    "trend",
    "velocity",
    "web_log",
    "with_funnel_position",
    "year_over_year",
]
