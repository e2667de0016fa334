"""KPIs: from credits to numbers a marketer reads, each defined once."""

from attribution.kpis.dictionary import KPIS, Kpi, ratios_of
from attribution.kpis.measure import Measured, kpi_table, measure
from attribution.kpis.shrinkage import FIGURES

__all__ = ["FIGURES", "KPIS", "Kpi", "Measured", "kpi_table", "measure", "ratios_of"]
