"""Counted: what is counted by cell before there is a lead, put beside what is credited, and drawn with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.goals import first_line
from attribution.kpis.logged import NO_DIMENSIONS
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

    def cast(self, types: Mapping[str, pl.DataType]) -> Counted:
        """Return it with dimensions of other types."""
        if self.cells is None:
            return self
        by_fold = None if self.by_fold is None else self.by_fold.cast(types)  # type: ignore[arg-type]
        return replace(self, cells=self.cells.cast(types), by_fold=by_fold)  # type: ignore[arg-type]


def alike(parts: Sequence[Counted], by: Sequence[str], first: Mapping[str, pl.DataType]) -> list[Counted]:
    """Return the parts with dimensions of one type each: that of ``first`` where it has any.

    Raises:
        TableError: a dimension is of two kinds.
    """
    types = dict[str, pl.DataType]()
    for name in by:
        found = [part.cells.schema[name] for part in parts if part.cells is not None]
        found = [kind for kind in (*([first[name]] if name in first else []), *found) if kind != pl.Null]
        ours = types[name] = found[0] if found else pl.Null()
        for theirs in found:
            if ours != theirs and not (ours.is_integer() and theirs.is_integer()):
                remedy = "convert one of the columns (CSV files hold text)"
                raise TableError.of("activity", f"type {theirs}", f"{ours}", remedy, column=name)
    try:
        return [part.cast(types) for part in parts]
    except pl.exceptions.InvalidOperationError as error:
        remedy = "convert the column to text"
        raise TableError.of("activity", first_line(error), "numbers of 64 bits", remedy) from None


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
        rows = rows.cast({name: part.cells.schema[name] for name in by if rows.schema[name] == pl.Null})
        met = rows.join(part.cells, on=by, how="left", nulls_equal=True, maintain_order="left")
        more = part.cells.join(rows, on=by, how="anti", nulls_equal=True, maintain_order="left")
        told = more.with_columns(**alone)
        rows = pl.concat([met, told.cast({name: met.schema[name] for name in told.columns})], how="diagonal")
    return rows


def check_free(by: Sequence[str], names: Iterable[str]) -> None:
    """Raise ParameterError where a dimension is named as a column of the table that is made."""
    for name in by:
        if name in {*NO_DIMENSIONS, *names}:
            allowed = "a dimension: the table has a column of the name, so rename that of yours"
            raise ParameterError.out_of_range("by", name, allowed)


@dataclass(frozen=True, eq=False)
class OfCounts:
    """Replicates of counts, drawn by fold of their owners."""

    resampling: Resampling
    folds: int
    by: tuple[str, ...]
    counted: Counted
    owners: str = "customers"

    def lacking(self, _model: str) -> str:
        """Return nothing: what cannot be drawn is no replicate."""
        return ""

    @cached_property
    def parts(self) -> tuple[OfLog, OfLog]:
        """The cells, and all together as a log of one cell."""
        assert self.counted.whole is not None
        model = pl.lit(COUNTS).alias("model")
        whole = self.counted.whole.with_columns(model, pl.lit(0).alias(PLACE))
        none = whole.clear().with_columns(pl.lit(None).alias(name) for name in self.by)
        cells = none if self.counted.by_fold is None else self.counted.by_fold.with_columns(model)
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
        """How many folds they were drawn from."""
        return self.sources[0].folds

    @property
    def owners(self) -> str:
        """What the folds consist of."""
        return self.sources[0].owners

    def lacking(self, model: str) -> str:
        """Return why a model has no replicates, or nothing."""
        return self.sources[0].lacking(model)

    @cached_property
    def met(self) -> dict[str, tuple[pl.DataFrame, list[Int64]]]:
        """The cells of a model that was asked for, and the place of each in every source."""
        return {}

    def cells(self, model: str) -> pl.DataFrame:
        """Return the dimensions of the cells that any source has."""
        return self.places(model)[0]

    def places(self, model: str) -> tuple[pl.DataFrame, list[Int64]]:
        """Return the cells of all sources, and the place of each in every source, -1 where it has none."""
        if model not in self.met:
            frames = [source.cells(model) for source in self.sources]
            schema = next((each.schema for each in frames if len(each)), frames[0].schema)
            frames = [each.cast(schema) for each in frames]
            union = pl.concat(frames).unique(maintain_order=True)
            met = [
                union.join(
                    each.with_row_index(PLACE),
                    on=self.by,
                    how="left",
                    nulls_equal=True,
                    maintain_order="left",
                )[PLACE]
                .cast(pl.Int64)
                .fill_null(-1)
                .to_numpy()
                for each in frames
            ]
            self.met[model] = union, met
        return self.met[model]

    def values(self, model: str, places: Int64) -> Float64:
        """Return what all sources have of some cells [R, n, m], 0 where a source has no such cell."""
        drawn = [
            source.values(model, np.where(places < 0, -1, own[places]) if len(own) else places)
            for source, own in zip(self.sources, self.places(model)[1], strict=True)
        ]
        return np.concatenate(drawn, axis=2)

    def total(self, model: str) -> Float64:
        """Return what all sources have in sum [R, 1, m]."""
        return np.concatenate([source.total(model) for source in self.sources], axis=2)
