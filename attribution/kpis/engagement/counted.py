"""Counted: what is counted by cell before there is a lead, put beside what is credited, and drawn with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError, TableError
from attribution.kpis.replicated import OfLog, Replicated
from attribution.statistics import Resampling

COUNTS = "counts"  # what stands in the place of a model where counts are drawn
PLACE = "place in the source"  # no column of any table


@dataclass(frozen=True, eq=False)
class Counted:
    """What is counted by cell and in sum; ``lacking`` says why a cell has no counts.

    ``cells`` is None where the dimensions are not known. By fold are the counts of each cell and of all,
    which need not be the sum of the cells; ``unsure`` says why they are not there.
    """

    names: tuple[str, ...]
    cells: pl.DataFrame | None
    totals: Mapping[str, float | None]
    lacking: str
    by_fold: pl.DataFrame | None = None
    whole: pl.DataFrame | None = None
    unsure: str = ""

    def without(self, names: Sequence[str]) -> Counted:
        """Return it without some of the counts."""
        kept = tuple(name for name in self.names if name not in names)
        drop = [name for name in self.names if name in names]
        frames = {
            part: None if frame is None else frame.drop(drop)
            for part, frame in (("cells", self.cells), ("by_fold", self.by_fold), ("whole", self.whole))
        }
        totals = {name: self.totals[name] for name in kept}
        return replace(self, names=kept, totals=totals, **frames)  # type: ignore[arg-type]

    def like(self, by: Sequence[str], schema: Mapping[str, pl.DataType], what: str) -> Counted:
        """Return it with dimensions of the types of the others.

        Raises:
            TableError: a dimension is of another kind.
        """
        if self.cells is None:
            return self
        casts = {}
        for name in by:
            ours, theirs = schema[name], self.cells.schema[name]
            if ours == theirs or pl.Null in (ours, theirs):
                casts[name] = theirs if ours == pl.Null else ours
                continue
            if not (ours.is_integer() and theirs.is_integer()):
                remedy = "convert one of the columns (CSV files hold text)"
                raise TableError.of(what, f"type {theirs}", f"{ours}, as in the credits", remedy, column=name)
            casts[name] = ours
        frames = {
            part: None if frame is None else frame.cast(casts)  # type: ignore[arg-type]
            for part, frame in (("cells", self.cells), ("by_fold", self.by_fold))
        }
        return replace(self, **frames)  # type: ignore[arg-type]


def told_once(parts: Sequence[Counted]) -> tuple[list[Counted], tuple[str, ...]]:
    """Return the parts in which every count stands once, in the first part that has it, and warnings."""
    kept: list[Counted] = []
    warnings = []
    for part in parts:
        taken = [name for name in part.names if any(name in each.names for each in kept)]
        if taken:
            warnings.append(f"{', '.join(taken)} are told by two tables: those of the first are shown")
        kept.append(part.without(taken))
    return kept, tuple(warnings)


def beside(
    rows: pl.DataFrame, parts: Sequence[Counted], by: Sequence[str], alone: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Return one model's cells with their counts, and the cells that have counts alone.

    ``alone`` says what the other columns are where there are counts alone; without it, null.
    """
    for part in parts:
        if part.cells is None:
            rows = rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in part.names)
            continue
        met = rows.join(part.cells, on=by, how="left", nulls_equal=True, maintain_order="left")
        more = part.cells.join(rows, on=by, how="anti", nulls_equal=True, maintain_order="left")
        told = more.with_columns(**alone)
        rows = pl.concat([met, told.cast({name: met.schema[name] for name in told.columns})], how="diagonal")
    return rows


def check_names(parts: Sequence[Counted], taken: Mapping[str, Sequence[str]]) -> None:
    """Raise ParameterError where a count is named as a dimension or an outcome."""
    for part in parts:
        for what, names in taken.items():
            for name in names:
                if name in part.names:
                    allowed = f"another name: {name} is counted beside it, so rename the column"
                    raise ParameterError.out_of_range(what, name, allowed)


@dataclass(frozen=True, eq=False)
class OfCounts:
    """Replicates of counts, drawn by fold of their owners."""

    resampling: Resampling
    folds: int
    by: tuple[str, ...]
    counted: Counted

    def lacking(self, _model: str) -> str:
        """Return nothing: what cannot be drawn is no replicate."""
        return ""

    @cached_property
    def parts(self) -> tuple[OfLog, OfLog]:
        """The cells, and all together as a log of one cell."""
        assert self.counted.by_fold is not None
        assert self.counted.whole is not None
        model = pl.lit(COUNTS).alias("model")
        cells = self.counted.by_fold.with_columns(model)
        whole = self.counted.whole.with_columns(model, pl.lit(0).alias(PLACE))
        names = self.counted.names
        return (
            OfLog(self.resampling, self.folds, self.by, names, cells),
            OfLog(self.resampling, self.folds, (PLACE,), names, whole),
        )

    def cells(self, _model: str) -> pl.DataFrame:
        """Return the dimensions of the cells."""
        return self.parts[0].cells(COUNTS)

    def values(self, _model: str, places: Int64) -> Float64:
        """Return the counts of some cells [R, n, m]."""
        return self.parts[0].values(COUNTS, places)

    def total(self, _model: str) -> Float64:
        """Return the counts of all rows [R, 1, m]."""
        return self.parts[1].values(COUNTS, np.zeros(1, np.int64))


@dataclass(frozen=True, eq=False)
class Beside:
    """Replicates of several sources with the same draws, cell by cell beside one another."""

    sources: tuple[Replicated, ...]
    by: tuple[str, ...]

    @property
    def resampling(self) -> Resampling:
        """How the replicates were drawn."""
        return self.sources[0].resampling

    @property
    def folds(self) -> int:
        """How many folds of customers they were drawn from."""
        return self.sources[0].folds

    def lacking(self, model: str) -> str:
        """Return why a model has no replicates, or nothing."""
        return self.sources[0].lacking(model)

    def cells(self, model: str) -> pl.DataFrame:
        """Return the dimensions of the cells that any source has."""
        frames = [source.cells(model) for source in self.sources]
        schema = frames[0].schema
        return pl.concat([each.cast(schema) for each in frames]).unique(maintain_order=True)

    def values(self, model: str, places: Int64) -> Float64:
        """Return what all sources have of some cells [R, n, m], 0 where a source has no such cell."""
        union = self.cells(model)
        drawn = []
        for source in self.sources:
            own = source.cells(model).cast(union.schema).with_row_index(PLACE)
            met = union.join(own, on=self.by, how="left", nulls_equal=True, maintain_order="left")
            place = met[PLACE].cast(pl.Int64).fill_null(-1).to_numpy()
            drawn.append(source.values(model, np.where(places < 0, -1, place[places])))
        return np.concatenate(drawn, axis=2)

    def total(self, model: str) -> Float64:
        """Return what all sources have in sum [R, 1, m]."""
        return np.concatenate([source.total(model) for source in self.sources], axis=2)
