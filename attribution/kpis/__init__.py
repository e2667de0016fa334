"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.dictionary import KPIS, Kpi
from attribution.kpis.measure import Measured, kpi_table, measure

__all__ = ["KPIS", "Kpi", "Measured", "kpi_table", "measure"]
