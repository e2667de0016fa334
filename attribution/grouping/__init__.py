"""Grouping: source, medium and campaign of raw web events become channels, by rules in a versioned file."""

from attribution.grouping.events import Grouped, channels_of, with_channels

__all__ = ["Grouped", "channels_of", "with_channels"]
