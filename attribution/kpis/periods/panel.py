"""Periods: what was measured, laid out by cell and period without gaps, and the ends of its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64, Int64
from attribution.channels import TOTAL, UNATTRIBUTED
from attribution.dimensions import PERIODS, TIMES
from attribution.errors import ConvergenceError, ParameterError
from attribution.kpis.intervals import tell, told_both
from attribution.kpis.measure import Measured
from attribution.kpis.replicated import Replicated
from attribution.statistics import Resampling

SEASONS = {"day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}  # how many make a week, or a year


@dataclass(frozen=True, eq=False)
class Panel:
    """The sums of one model: a row a cell, the last of them the total, and a column a period.

    A cell that was not met in a period has zero of everything; spend that is not known is NaN. Without
    another dimension than the period the only row is the total.
    """

    model: str
    rows: pl.DataFrame  # model and dimensions [n]
    met: Bool  # [n, P]
    spend: Float64  # [n, P]
    outcomes: Float64  # [n, P, m]
    places: Int64  # [cells, P] of the replicates, -1 where there are none
    no_spend: str
    credited_by: str

    def drawn(self, source: Replicated, at: int) -> Float64:
        """Return the outcomes of every row in a period in each replicate [R, n, m]."""
        cells = source.values(self.model, self.places[:, at])
        both = np.concatenate([cells, cells.sum(axis=1, keepdims=True)], axis=1)
        return np.asarray(both[:, : len(self.rows)])


@dataclass(frozen=True, eq=False)
class History:
    """What was measured by a period and other dimensions, its periods in order and without gaps."""

    measured: Measured
    period: str

    @property
    def unit(self) -> str:
        """The length of a period: day, week, month, quarter or year."""
        return next(unit for prefix in TIMES for unit in PERIODS if self.period == prefix + unit)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions beside the period."""
        return tuple(name for name in self.measured.by if name != self.period)

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The first day of every period from the first to the last that was measured."""
        seen = self.measured.sums[self.period].drop_nulls()
        if not len(seen):
            raise ConvergenceError.too_short(
                f"nothing was measured by {self.period}",
                "no leads and no spend",
                f"at least one {self.unit}",
                "look at the period of the tables",
            )
        whole = pl.date_range(pl.col(self.period).min(), pl.col(self.period).max(), PERIODS[self.unit])
        return tuple(seen.to_frame().select(whole).to_series())

    @property
    def models(self) -> list[str]:
        """The models, in the order in which they were measured; ConvergenceError where nothing was."""
        return self.measured.sums["model"].unique(maintain_order=True).to_list() if self.days else []

    def lacking(self, model: str) -> str:
        """Return why a model has no replicates, or nothing."""
        source = self.measured.replicated
        return source if isinstance(source, str) else "" if source is None else source.lacking(model)

    def panel(self, model: str) -> Panel:
        """Return the sums of one model; what has no period, as leads without a touchpoint, is left out."""
        keys = ["model", *self.dimensions]
        rows = self.measured.sums.filter(pl.col("model") == model, pl.col(self.period).is_not_null())
        rest = [pl.col("channel") == UNATTRIBUTED] if "channel" in keys else []
        cells = rows.select(keys).unique().sort(*rest, *keys, nulls_last=True)
        where = (places(rows, cells, keys), self.at(rows))
        shape = (len(cells), len(self.days))
        met, spend = np.zeros(shape, np.bool_), np.zeros(shape)
        outcomes = np.zeros((*shape, len(self.measured.outcome_names)))
        met[where] = True
        spend[where] = rows["spend"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        outcomes[where] = rows.select(self.measured.outcome_names).to_numpy()
        drawn = np.full(shape, -1)
        source = self.measured.replicated
        if source is not None and not isinstance(source, str) and not source.lacking(model):
            known = source.cells(model).cast({name: rows.schema[name] for name in self.measured.by})
            known = known.with_columns(model=pl.lit(model)).with_row_index("row" + "_" * max(map(len, keys)))
            known = known.filter(pl.col(self.period).is_not_null())
            drawn[places(known, cells, keys), self.at(known)] = known[:, 0]
        if self.dimensions:
            named = next((each for each in self.dimensions if rows.schema[each] == pl.String), None)
            total = {"model": model, **({named: TOTAL} if named else {})}
            cells = pl.concat([cells, pl.DataFrame([total], schema=cells.schema)])
            # Spend of a period is known in sum if it is known of any cell.
            unknown = (met & np.isnan(spend)).any(axis=0) & ~(met & ~np.isnan(spend)).any(axis=0)
            sums: Float64 = np.where(unknown, np.nan, np.nansum(spend, axis=0))
            spend = np.concatenate([spend, sums[None, :]])
            met = np.concatenate([met, met.any(axis=0, keepdims=True)])
            outcomes = np.concatenate([outcomes, outcomes.sum(axis=0, keepdims=True)])
        told = {name: str(rows[name][0]) if len(rows) else "" for name in ("no_spend", "credited_by")}
        return Panel(model, cells, met, spend, outcomes, drawn, **told)

    def complete(self, before: date | None) -> int:
        """Return how many of the periods begin before a date, all if there is none."""
        if before is None:
            return len(self.days)
        if not isinstance(before, date) or isinstance(before, datetime) or before <= self.days[0]:
            allowed = f"a date after {self.days[0]}, when the first {self.unit} measured begins"
            raise ParameterError.out_of_range("complete_before", before, allowed)
        return sum(day < before for day in self.days)

    def at(self, rows: pl.DataFrame) -> Int64:
        """Return the number of the period of each row."""
        return places(rows, pl.DataFrame({self.period: self.days}), [self.period])


def history(measured: Measured, columns: Sequence[str] = ()) -> History:
    """Return what was measured by its one period.

    Raises:
        ParameterError: there is no period among the dimensions, or several, or one of the dimensions is
            named as one of the columns that the table is to have.
    """
    known = [prefix + unit for prefix in TIMES for unit in PERIODS]
    found = [name for name in measured.by if name in known]
    if len(found) != 1:
        raise ParameterError.out_of_range("by", measured.by, f"one period among them: {', '.join(known)}")
    for name in measured.by:
        if name in columns:
            raise ParameterError.out_of_range("by", name, "a dimension that is not named as a column here")
    return History(measured, found[0])


def places(rows: pl.DataFrame, table: pl.DataFrame, keys: Sequence[str]) -> Int64:
    """Return in which row of the table the keys of each row are, -1 where in none.

    >>> places(pl.DataFrame({"a": ["y", "z"]}), pl.DataFrame({"a": ["x", "y"]}), ["a"]).tolist()
    [1, -1]
    """
    number = "number" + "_" * max(map(len, keys))  # named as no key
    numbered = table.select(keys).with_row_index(number)
    found = rows.select(keys).join(numbered, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return found[number].cast(pl.Int64).fill_null(-1).to_numpy()


def year_before(day: date, unit: str, align: str) -> date | None:
    """Return the first day of the period a year before, or None where that year has no such one.

    ISO week: the same week, and weekday, of the ISO year before. Date: the same date of the year before;
    a week is compared with that which begins 364 days before, whose dates are those of the week but one or
    two. (That which holds the date of its Monday a year before would share only one or two.)

    >>> year_before(date(2020, 12, 28), "week", "iso_week") is None  # week 53
    True
    >>> year_before(date(2021, 1, 4), "week", "iso_week").isoformat()
    '2019-12-30'
    """
    try:
        if align == "iso_week":
            year, week, weekday = day.isocalendar()
            return date.fromisocalendar(year - 1, week, weekday)
        return day - timedelta(days=364) if unit == "week" else day.replace(year=day.year - 1)
    except ValueError:
        return None


def ends_of(
    drawn: Mapping[str, Float64], known: Mapping[str, Bool], resampling: Resampling
) -> tuple[Float64, list[list[str]]]:
    """Return the ends of the interval of each figure [n, 2, figures], and why some are not known.

    ``drawn`` holds a figure of some rows in each replicate [R, n], ``known`` which of them have a value.
    """
    why: list[list[str]] = [[] for _ in range(len(next(iter(known.values()))))]
    found = []
    for name, values in drawn.items():
        same = np.asarray((values == values[0]).all(axis=0))
        ends = np.stack(resampling.bounds(values))
        open_ended = ~np.isfinite(ends).all(axis=0)
        ends[:, same | open_ended | ~known[name]] = np.nan
        tell(why, known[name] & same, f"{name}: no interval, all replicates agree")
        lacking = f"{name}: no interval, too many replicates lack the denominator"
        tell(why, known[name] & open_ended & ~same, lacking)
        found.append(ends)
    return np.stack(found, axis=2).transpose(1, 0, 2), why


def with_ends(
    table: pl.DataFrame, figures: Sequence[str], ends: Float64, why: Sequence[Sequence[str]]
) -> pl.DataFrame:
    """Return the table with _low and _high after each of the figures, and the reasons of what lacks."""
    columns = {
        f"{name}_{end}": pl.Series(ends[:, e, i], dtype=pl.Float64, nan_to_null=True)
        for i, name in enumerate(figures)
        for e, end in enumerate(("low", "high"))
    }
    told = [told_both(old, new) for old, new in zip(table["reason"], why, strict=True)]
    order = [
        each
        for name in table.columns
        for each in ([name, f"{name}_low", f"{name}_high"] if name in figures else [name])
    ]
    return table.with_columns(**columns, reason=pl.Series(told, dtype=pl.String)).select(order)
