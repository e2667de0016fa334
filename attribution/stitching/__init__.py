"""Stitching: touchpoints and outcomes become journeys, by hash of the customer and without a global sort."""

from attribution.stitching.events import SplitEvents, split_events
from attribution.stitching.reread import from_journeys
from attribution.stitching.stitch import stitch
from attribution.stitching.window import Window

__all__ = ["SplitEvents", "Window", "from_journeys", "split_events", "stitch"]
