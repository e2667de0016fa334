"""Lags: how many days lie between the first touchpoint of a journey and its outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.patterns.adding import binned, of_sums, parts_of
from attribution.stitched import Stitched
from attribution.tables import check_outcome_names

STARTS = (*range(7), 7, 14, 21, 30, 60, 90)
COLUMNS = ("days_from", "days_to", "journeys", "share", "cumulative_share")


def time_lags(journeys: Stitched) -> pl.DataFrame:
    """Return converting journeys with touchpoints by days from the first of them to the outcome.

    A row holds days_from <= days < days_to: each day of a week, then 7-14, 14-21, 21-30, 30-60, 60-90, and
    90 or more (``days_to`` null). Shares are those of the first outcome of these journeys.

    Raises:
        ParameterError: the journeys have no ages, or an outcome is named as a column of the table.

    >>> from attribution import stitch
    >>> touched = pl.DataFrame({"customer_id": [1, 2], "timestamp": ["2026-03-01", "2026-03-03"]})
    >>> ended = pl.DataFrame({"customer_id": [1, 2], "timestamp": ["2026-03-03", "2026-03-03"]})
    >>> journeys = stitch(touched.with_columns(channel=pl.lit("ads")), ended)
    >>> time_lags(journeys)["days_from", "leads", "cumulative_share"].rows()[:3]
    [(0, 1.0, 0.5), (1, 0.0, 0.5), (2, 1.0, 1.0)]
    """
    if not journeys.has_ages:
        raise ParameterError(
            "time lags need the ages of touchpoints; these journeys have none (path tables never do): "
            "leave the table out, or stitch raw touchpoints"
        )
    names = journeys.outcome_names
    check_outcome_names(names, COLUMNS)
    sums = binned(lasting(journeys), STARTS, names)
    reached = np.cumsum(sums[:, 1])
    bins = {"days_from": pl.Series(STARTS), "days_to": pl.Series([*STARTS[1:], None], dtype=pl.Int64)}
    return pl.DataFrame(bins | of_sums(sums, names)).with_columns(
        share=parts_of(sums[:, 1], reached[-1]), cumulative_share=parts_of(reached, reached[-1])
    )


def lasting(journeys: Stitched) -> Iterator[tuple[Journeys, Float64]]:
    """Yield the converting journeys with touchpoints of each fold, and the age of the first of each."""
    for batch in journeys:
        some = batch.journeys.converting
        some = some.select(np.diff(some.offsets) > 0)
        yield some, some.age[some.offsets[:-1]]
