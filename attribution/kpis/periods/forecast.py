"""Forecast: what comes next if the last season repeats, how sure that is, and how it would have fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.dimensions import PERIODS
from attribution.errors import ConvergenceError, ParameterError
from attribution.kpis.dictionary import KPIS
from attribution.kpis.measure import Measured
from attribution.kpis.periods.panel import SEASONS, History, history

TABLE = ("outcome", "value", "value_low", "value_high", "season", "level", "reason")
BACKTEST = (
    "outcome",
    "step",
    "forecasts",
    "mean_absolute_error",
    "mean_absolute_scaled_error",
    "coverage",
    "level",
    "reason",
)


@dataclass(frozen=True, eq=False)
class Forecast:
    """The forecasts, and how forecasts that would have been made earlier turned out."""

    forecasts: pl.DataFrame
    backtest: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return the forecasts: per model, cell and (total) a row a period to come and an outcome."""
        return self.forecasts


@dataclass(frozen=True)
class Ahead:
    """How a forecast is made: so many periods ahead, with a season, an interval of a level."""

    horizon: int
    season: int
    level: float

    @property
    def least(self) -> int:
        """The fewest periods that say how the seasons differ: a season, and two to compare with it."""
        return self.season + 2

    def seasons(self, step: int) -> int:
        """Return k: how many seasons back the last known value of the period is, so many steps ahead."""
        return (step - 1) // self.season + 1

    def interval(self, value: Float64, variance: Float64, step: int, counts: Sequence[bool]) -> Float64:
        """Return the ends [2, ..., m]: NaN where nothing varied, of counts not below 0."""
        away = NormalDist().inv_cdf((1 + self.level) / 2) * np.sqrt(variance * self.seasons(step))
        low = np.where(counts, np.maximum(value - away, 0.0), value - away)
        return np.where(variance > 0, np.stack([low, value + away]), np.nan)


def forecast(
    measured: Measured,
    *,
    horizon: int,
    season: int | None = None,
    level: float = 0.95,
    complete_before: date | None = None,
) -> Forecast:
    """Return each outcome of the periods to come, by cell and in total, if the last season repeats.

    Formula: value(T + h) = y(T + h - m k), k = floor((h - 1) / m) + 1, with a season of m periods;
    value_low, value_high = value -+ z sigma sqrt(k), sigma^2 = the mean of (y(t) - y(t - m))^2, z the
    normal quantile of (1 + level) / 2. Counts (leads, wins, stages) have no value_low below 0.

    Units: those of the outcome.

    A season is 7 days, 52 weeks, 12 months, 4 quarters or 1 year unless ``season`` says so. A period between
    the first and the last in which a cell was not met is 0. Periods that begin on or after
    ``complete_before`` are left out: the last may not be over. The interval is that of a seasonal random
    walk, and with few differences too narrow. ``backtest`` says how it fared: from every period with a season
    and two periods before it, one to ``horizon`` steps ahead: the mean absolute error, the same over the mean
    absolute seasonal difference known at the time (below 1 is better than that), and the share of the
    intervals that held the outcome.

    Raises:
        ParameterError: a parameter is outside its range, or the dimensions do not hold exactly one period.
        ConvergenceError: there are fewer periods than a season and two.

    Source: Hyndman, Athanasopoulos (2021), "Forecasting: principles and practice", 3rd ed., sections 5.2,
    5.5, 5.8 and 5.10.

    >>> from attribution.kpis.measure import Measured
    >>> from attribution.tables import RowCount
    >>> quarters = [date(2025, month, 1) for month in (1, 4, 7, 10)]
    >>> sums = {"model": "m", "quarter": quarters, "spend": 0.0, "leads": [9.0, 4.0, 12.0, 8.0],
    ...         "credited_by": "journey", "no_spend": "no spend"}
    >>> measured = Measured(pl.DataFrame(), pl.DataFrame(sums), RowCount(), (), ("quarter",), ("leads",))
    >>> table = forecast(measured, horizon=2, season=2).table()  # differences of 3 and 4
    >>> table.select("value", pl.col("value_low", "value_high").round(3)).rows()
    [(12.0, 5.07, 18.93), (8.0, 1.07, 14.93)]
    """
    found = history(measured, [*TABLE, *BACKTEST])
    if not isinstance(horizon, int) or isinstance(horizon, bool) or horizon < 1:
        raise ParameterError.out_of_range("horizon", horizon, "a number of periods, 1 or more")
    season = SEASONS[found.unit] if season is None else season
    if not isinstance(season, int) or isinstance(season, bool) or season < 1:
        raise ParameterError.out_of_range("season", season, "a number of periods, 1 or more")
    if not isinstance(level, float) or not 0 < level < 1:
        raise ParameterError.out_of_range("level", level, "a number above 0 and below 1")
    ahead, known = Ahead(horizon, season, level), found.complete(complete_before)
    if known < ahead.least:
        raise ConvergenceError.too_short(
            "too short a history to forecast",
            f"{known} {found.unit}s",
            f"{ahead.least} or more for a season of {season}",
            f"measure a longer time, or set season= (1 repeats the last {found.unit})",
        )
    panels = [found.panel(name) for name in found.models]
    series = [(panel.rows, panel.outcomes[:, :known]) for panel in panels]
    return Forecast(
        pl.concat(forecasts_of(found, *each, ahead) for each in series),
        pl.concat(backtest_of(found, *each, ahead) for each in series),
    )


def forecasts_of(found: History, rows: pl.DataFrame, known: Float64, ahead: Ahead) -> pl.DataFrame:
    """Return the forecasts of one model from what is known [n, T, m]."""
    names, (cells, past, _) = found.measured.outcome_names, known.shape
    steps = range(1, ahead.horizon + 1)
    variance = (apart(known, ahead.season) ** 2).mean(axis=1)
    values = np.stack([known[:, past + h - 1 - ahead.season * ahead.seasons(h)] for h in steps], axis=1)
    ends = np.stack(
        [ahead.interval(values[:, h - 1], variance, h, counts(names)) for h in steps], axis=2
    )  # [2, n, H, m]
    last = pl.lit(found.days[past - 1])
    unit = PERIODS[found.unit][1:]
    days = pl.select(pl.concat_list([last.dt.offset_by(f"{h}{unit}") for h in steps]).explode()).to_series()
    table = long(rows, len(steps), len(names)).with_columns(
        pl.Series(found.period, days)[np.tile(np.repeat(np.arange(len(steps)), len(names)), cells)],
        pl.Series("outcome", names * (cells * len(steps)), pl.String),
        pl.Series("value", values.ravel()),
        *(
            pl.Series(f"value_{end}", ends[e].ravel(), nan_to_null=True)
            for e, end in enumerate(("low", "high"))
        ),
        season=pl.lit(ahead.season, pl.Int64),
        level=pl.lit(ahead.level),
        reason=pl.when(pl.Series(np.isnan(ends[0]).ravel())).then(
            pl.lit("value: no interval, no season differed from the one before")
        ),
    )
    return table.select("model", *found.dimensions, found.period, *TABLE)


def backtest_of(found: History, rows: pl.DataFrame, known: Float64, ahead: Ahead) -> pl.DataFrame:
    """Return how forecasts from earlier origins turned out, by cell, steps ahead and outcome."""
    names, (cells, past, _) = found.measured.outcome_names, known.shape
    differences = apart(known, ahead.season)
    seen = np.arange(1, differences.shape[1] + 1)[:, None]
    variance, scale = (np.cumsum(each, axis=1) / seen for each in (differences**2, np.abs(differences)))
    figures = np.full((4, cells, ahead.horizon, len(names)), np.nan)
    for h in range(1, ahead.horizon + 1):
        origins = np.arange(ahead.least, past - h + 1)  # how many periods were known
        figures[0, :, h - 1] = len(origins)
        if not len(origins):
            continue
        actual = known[:, origins + h - 1]
        value = known[:, origins + h - 1 - ahead.season * ahead.seasons(h)]
        told, usual = (each[:, origins - ahead.season - 1] for each in (variance, scale))
        low, high = ahead.interval(value, told, h, counts(names))
        error, usual = np.abs(actual - value).mean(axis=1), usual.mean(axis=1)
        inside, given = ((low <= actual) & (actual <= high)).sum(axis=1), (told > 0).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(usual > 0, error / usual, np.nan)
            figures[1:, :, h - 1] = error, scaled, inside / given
    made, error, scaled, coverage = (each.ravel() for each in figures)
    short = pl.lit("too short a history to try so many steps ahead")
    table = long(rows, ahead.horizon, len(names)).with_columns(
        pl.Series("outcome", names * (cells * ahead.horizon), pl.String),
        pl.Series("step", np.tile(np.repeat(np.arange(1, ahead.horizon + 1), len(names)), cells)),
        pl.Series("forecasts", made.astype(np.int64)),
        pl.Series("mean_absolute_error", error, nan_to_null=True),
        pl.Series("mean_absolute_scaled_error", scaled, nan_to_null=True),
        pl.Series("coverage", coverage, nan_to_null=True),
        level=pl.lit(ahead.level),
    )
    differed = pl.lit("no season differed from the one before")
    lacking = pl.any_horizontal(pl.col("mean_absolute_scaled_error", "coverage").is_null())
    why = pl.when(pl.col("forecasts") == 0).then(short).when(lacking).then(differed)
    return table.with_columns(reason=why).select("model", *found.dimensions, *BACKTEST)


def apart(known: Float64, season: int) -> Float64:
    """Return the seasonal differences [n, T - m, m]: none where only the last bits of a sum differ."""
    now, before = known[:, season:], known[:, :-season]
    return np.where(np.isclose(now, before, rtol=1e-9, atol=0.0), 0.0, now - before)


def counts(names: Sequence[str]) -> list[bool]:
    """Return which outcomes are never below 0: the first, which plays the role of leads, and all counts."""
    counted = {names[0], *(kpi.name for kpi in KPIS if kpi.unit == "count")}
    return [name in counted for name in names]


def long(rows: pl.DataFrame, first: int, second: int) -> pl.DataFrame:
    """Return each row as often as there are pairs of two numbers."""
    return rows[np.repeat(np.arange(len(rows)), first * second)]
