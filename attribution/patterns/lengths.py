"""Lengths: how many touchpoints journeys have, and how many of them convert."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl

from attribution.patterns.adding import binned, of_sums, parts_of
from attribution.stitched import Stitched
from attribution.tables import check_outcome_names

STARTS = (*range(10), 10, 15, 20)
COLUMNS = ("touchpoints_from", "touchpoints_to", "journeys", "conversion_rate", "share")


def path_lengths(journeys: Stitched) -> pl.DataFrame:
    """Return journeys and outcomes by number of touchpoints: 0, 1 to 9, 10-14, 15-19, and 20 or more.

    ``touchpoints_to`` is null where the end is open, ``conversion_rate`` the first outcome a journey, and
    ``share`` its part of all of the first outcome. Every row is there, with journeys or without.

    Raises:
        ParameterError: an outcome is named as a column of the table.

    >>> from attribution import from_paths
    >>> paths = pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [3, 1], "null": [1, 3]})
    >>> path_lengths(from_paths(paths, null="null"))["journeys", "conversions", "share"].rows()[:3]
    [(0.0, 0.0, 0.0), (4.0, 1.0, 0.25), (4.0, 3.0, 0.75)]
    """
    names = journeys.outcome_names
    check_outcome_names(names, COLUMNS)
    batches = (batch.journeys for batch in journeys)
    sums = binned(((each, np.diff(each.offsets)) for each in batches), STARTS, names)
    ends = [*(following - 1 for _, following in pairwise(STARTS)), None]
    bins = {"touchpoints_from": pl.Series(STARTS), "touchpoints_to": pl.Series(ends, dtype=pl.Int64)}
    return pl.DataFrame(bins | of_sums(sums, names)).with_columns(
        conversion_rate=parts_of(sums[:, 1], sums[:, 0]),
        share=parts_of(sums[:, 1], math.fsum(sums[:, 1])),
    )
