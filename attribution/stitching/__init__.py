"""Stitching: touchpoints and outcomes become journeys, by hash partition of the customer, without a global sort."""

from attribution.stitching.stitch import Layout, stitch

__all__ = ["Layout", "stitch"]
