"""Seasonality: how an outcome is spread over the days of a week, or the weeks and months of a year."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import SEASONS, History, history

POSITION = {"day": "weekday", "week": "week", "month": "month", "quarter": "quarter"}
SHAPE = ("outcome", "season_position", "index", "n", "reason")


def seasonality(measured: Measured, *, complete_before: date | None = None) -> pl.DataFrame:
    """Return how much of each outcome falls on each weekday, ISO week, month or quarter, by cell.

    Formula: index = mean of the outcome in the position / mean of these means over all positions seen,
    so that the indices have mean 1. Growth is not taken out: it makes late positions of an unfinished
    year too high or low.

    Units: a ratio; 1.2 is a fifth more than an average position.

    The position is the weekday (1 is Monday) of days, the ISO week, the month, the quarter; ``n`` is how
    often it was seen. Periods that begin on or after ``complete_before`` are left out. Less than one season
    (7 days, 52 weeks, 12 months, 4 quarters) is null with a ``reason``.

    Raises:
        ParameterError: ``complete_before`` is no date, or the dimensions do not hold exactly one period,
            shorter than a year.
        ConvergenceError: nothing was measured.

    Source: Hyndman, Athanasopoulos (2021), "Forecasting: principles and practice", 3rd ed., section 3.4.

    >>> from attribution.kpis.measure import Measured
    >>> from attribution.tables import RowCount
    >>> quarters = [date(2025, month, 1) for month in (1, 4, 7, 10)]
    >>> sums = {"model": "m", "quarter": quarters, "spend": 0.0, "leads": [9.0, 4.0, 12.0, 15.0],
    ...         "credited_by": "journey", "no_spend": "no spend"}
    >>> measured = Measured(pl.DataFrame(), pl.DataFrame(sums), RowCount(), (), ("quarter",), ("leads",))
    >>> seasonality(measured)["index"].to_list()
    [0.9, 0.4, 1.2, 1.5]
    """
    found = history(measured, SHAPE)
    if found.unit not in POSITION:
        raise ParameterError.out_of_range("by", measured.by, "a period shorter than a year")
    known = found.complete(complete_before)
    days = pl.Series(found.days[:known], dtype=pl.Date)
    place = getattr(days.dt, POSITION[found.unit])().to_numpy()
    panels = [found.panel(name) for name in found.models]
    return pl.concat(shape_of(found, each.rows, each.outcomes[:, :known], place) for each in panels)


def shape_of(found: History, rows: pl.DataFrame, known: Float64, place: Int64) -> pl.DataFrame:
    """Return the indices of one model, by cell, outcome and position, from what is known [n, T, m]."""
    names, (positions, n) = found.measured.outcome_names, np.unique(place, return_counts=True)
    means = np.empty((len(rows), len(names), len(positions)))
    for i, position in enumerate(positions):
        means[:, :, i] = known[:, place == position].mean(axis=1)
    short, total = known.shape[1] < SEASONS[found.unit], means.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.where((total > 0) & (not short), means * len(positions) / total, np.nan)
    less = f"fewer than the {SEASONS[found.unit]} {found.unit}s of a season"
    none = pl.format("no {} above 0 in sum", "outcome")
    table = rows[np.repeat(np.arange(len(rows)), len(names) * len(positions))].with_columns(
        pl.Series("outcome", np.tile(np.repeat(names, len(positions)), len(rows)).tolist(), pl.String),
        pl.Series("season_position", np.tile(positions, len(rows) * len(names)), pl.Int64),
        pl.Series("index", index.ravel(), nan_to_null=True),
        pl.Series("n", np.tile(n, len(rows) * len(names)), pl.Int64),
    )
    told = pl.when(pl.col("index").is_null()).then(pl.lit(less) if short else none)
    return table.with_columns(reason=told).select("model", *found.dimensions, *SHAPE)
