"""Comparison: models side by side, the order of a chain out of sample, and what settings do to shares."""

from attribution.comparison.orders import OrderChoice, choose_order
from attribution.comparison.settings import Sensitivity, sensitivity
from attribution.comparison.side_by_side import Comparison, compare

__all__ = ["Comparison", "OrderChoice", "Sensitivity", "choose_order", "compare", "sensitivity"]
