"""Patterns: what journeys look like: the paths that they take, how long these are, and how long it takes."""

from attribution.patterns.frequent_paths import FEWEST, path_table
from attribution.patterns.lags import time_lags
from attribution.patterns.lengths import path_lengths

__all__ = ["FEWEST", "path_lengths", "path_table", "time_lags"]
