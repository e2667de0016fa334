"""Activity: rows of what happens before there is a lead, and what is counted of them by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from attribution.channels import label, normalised
from attribution.dimensions import PERIODS, comparable, first_day
from attribution.kpis.costs.clock import dated
from attribution.kpis.engagement.counted import Counted
from attribution.kpis.entries import Kpi
from attribution.log_rows import quoted
from attribution.statistics import Resampling
from attribution.stitched import fold_bits
from attribution.stitching.hashing import hashed
from attribution.tables import Checked, RowCount
from attribution.uncertainty import Drawn, too_few

# Columns of the rows that are no dimension: when, whose (code and hash), and what a cell is told by.
WHEN, OWNER, HASH, CELL_FOLD = "time of the row", "code of its owner", "hash of its owner", "fold of the row"


@dataclass(frozen=True, eq=False)
class Grain:
    """Rows, the aggregates that count them in a cell, and the columns that are dimensions."""

    rows: pl.DataFrame
    counts: Mapping[str, pl.Expr]
    dimensions: tuple[str, ...]

    def knows(self, name: str) -> bool:
        """Return whether cells can be told apart by the name."""
        return name in self.dimensions or dated(name)


@dataclass(frozen=True, eq=False)
class Activity:
    """Visits, page views or touches, in one or two grains: the first that knows the dimensions counts.

    Aggregates of a cell are those of all rows in it, so a user is counted once in each cell and once in
    the total. ``tables`` says what was read, used and set aside, ``rejected`` which rows.
    """

    what: str  # visits, or touchpoints
    grains: tuple[Grain, ...]
    checked: Mapping[str, Checked]
    zone: str
    warnings: tuple[str, ...] = ()
    drawn: Drawn | None = None
    rates: tuple[Kpi, ...] = ()  # of the goals, beside those of the dictionary

    @property
    def tables(self) -> dict[str, RowCount]:
        """Rows read, used, and set aside by reason, of each table."""
        return {name: table.count for name, table in self.checked.items()}

    @property
    def columns(self) -> list[str]:
        """What is counted in any grain, and the rates of goals."""
        return [*(name for grain in self.grains for name in grain.counts), *(kpi.name for kpi in self.rates)]

    @property
    def rejected(self) -> pl.DataFrame:
        """The rows that were set aside: table, row, reason."""
        return pl.concat([table.rejected for table in self.checked.values()])

    def grain(self, by: Sequence[str]) -> Grain | None:
        """Return the rows that are counted by the dimensions, None where no grain knows all of them."""
        return next((each for each in self.grains if all(map(each.knows, by))), None)

    def lacking(self, by: Sequence[str]) -> str:
        """Return why nothing is known by the dimensions, or nothing."""
        if self.grain(by) is not None:
            return ""
        told = ", ".join(name for name in by if not any(each.knows(name) for each in self.grains))
        return f"{self.what} are not known by {told or ' and '.join(by)}"

    def counted(self, by: Sequence[str], folds: int = 0) -> Counted:
        """Return what is counted by the dimensions, also by fold of the owners where there are ``folds``."""
        grain = self.grain(by)
        whole = grain or self.grains[0]
        names, totals = tuple(whole.counts), totals_of(whole.rows, whole.counts)
        rows, unsure = whole.rows, ""
        if folds and HASH not in rows.columns:
            unsure = f"{self.what} have no customers, or rows stand for several"
        elif folds:
            unsure = too_few(rows[HASH].n_unique(), "customers", folds)
        if folds and not unsure:
            high = rows[HASH].to_numpy() >> np.uint64(64 - (folds.bit_length() - 1))
            rows = rows.with_columns(pl.Series(CELL_FOLD, high.astype(np.int64)))
        drawn = None if unsure or not folds else by_fold(rows, [], whole.counts)
        if grain is None:
            return Counted(names, None, totals, self.lacking(by), None, drawn, unsure)
        rows = rows.with_columns(dimension(rows, name, self.zone) for name in by)
        cells = sums(rows, by, whole.counts)
        of_cells = None if drawn is None else by_fold(rows, by, whole.counts)
        return Counted(names, cells, totals, f"no {self.what}", of_cells, drawn, unsure)


def by_fold(rows: pl.DataFrame, by: Sequence[str], counts: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return the counts of each cell by fold of the owners."""
    return sums(rows, [*by, CELL_FOLD], counts).rename({CELL_FOLD: "fold"})


def dimension(rows: pl.DataFrame, name: str, zone: str) -> pl.Series:
    """Return a dimension as our tables write it: periods by the time of the row, names without ambiguity."""
    if name not in rows.columns:
        period = first_day(pl.col(WHEN), PERIODS[name.removeprefix("touchpoint_")], zone)
        return rows.select(period.alias(name))[name]
    values = comparable(rows[name])
    if name == "channel":
        clean = {each: label(normalised(each)) for each in values.unique().drop_nulls()}
        return values.replace(clean)
    return quoted(values)


def sums(rows: pl.DataFrame, by: Sequence[str], counts: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return the counts of each cell, in order of the dimensions: of integers, so of any order of rows."""
    made = rows.group_by(by).agg(each.cast(pl.Float64).alias(name) for name, each in counts.items())
    return made.sort(by, nulls_last=True)


def totals_of(rows: pl.DataFrame, counts: Mapping[str, pl.Expr]) -> dict[str, float | None]:
    """Return the counts of all rows together."""
    made = rows.select(each.cast(pl.Float64).alias(name) for name, each in counts.items())
    return made.row(0, named=True)


def owners(customers: pl.Series, instead: pl.Series | None = None) -> list[pl.Series]:
    """Return the code and the hash of each customer; the unknown have no code, and the hash of others."""
    text = customers.cast(pl.String)
    codes = text.cast(pl.Categorical).to_physical().alias(OWNER)
    told = text if instead is None else text.fill_null(instead.cast(pl.String))
    high, _ = hashed(told.fill_null(""))
    return [codes, pl.Series(HASH, high)]


def drawn_how(intervals: float | None, replicates: int, seed: int, folds: int) -> Drawn | None:
    """Return how owners are to be drawn, None without intervals; ParameterError for what cannot be."""
    many = 1 << fold_bits(folds)
    if intervals is None:
        return None
    Resampling(intervals, replicates, seed)
    return Drawn(intervals, replicates, seed, many)
