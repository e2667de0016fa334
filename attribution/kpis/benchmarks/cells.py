"""Cells: the figures of a KPI table, a row a model, cell and KPI, and the dimensions of its cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from attribution.channels import TOTAL
from attribution.errors import TableError, shown
from attribution.kpis.benchmarks.alike import kpi_of
from attribution.kpis.benchmarks.files import is_csv, read_whole
from attribution.kpis.benchmarks.keys import CELL, check_dimensions, key
from attribution.tables import Reading, unescaped

MODEL, REASON = "model", "reason"
NO_KPIS = frozenset({MODEL, REASON, "credited_by", "run_id", "method"})
ENDS = ("_low", "_high")
FIGURES = ("value", "value_low", "value_high")
ROWS = {CELL: pl.UInt32, "kpi": pl.String, **dict.fromkeys(FIGURES, pl.Float64), "why": pl.String}


@dataclass(frozen=True, eq=False)
class Cells:
    """A KPI table, its dimensions, and the names of its KPIs in their order."""

    where: str
    table: pl.DataFrame
    by: tuple[str, ...]
    kpis: tuple[str, ...]

    @property
    def keys(self) -> pl.DataFrame:
        """The number of each cell, its model and dimensions as text, null where the row is a total."""
        columns = [key(self.table[name]) for name in (MODEL, *self.by)]
        return pl.DataFrame([each.set(each == TOTAL, None) for each in columns]).with_row_index(CELL)

    def figures(self, names: Sequence[str]) -> pl.DataFrame:
        """Return a row a cell and KPI: kpi, value, value_low, value_high, and why there is no value."""
        parts = [
            pl.DataFrame(
                {
                    CELL: pl.int_range(len(self.table), dtype=pl.UInt32, eager=True),
                    "kpi": pl.repeat(name, len(self.table), dtype=pl.String, eager=True),
                    **{f"value{end}": self.number(f"{name}{end}") for end in ("", *ENDS)},
                    "why": self.reason(name),
                }
            )
            for name in names
        ]
        order = {name: place for place, name in enumerate(self.kpis)}
        place = pl.col("kpi").replace_strict(order, return_dtype=pl.Int64)
        return pl.concat([pl.DataFrame(schema=ROWS), *parts]).sort(CELL, place, maintain_order=True)

    def number(self, name: str) -> pl.Series:
        """Return a column as numbers, nulls where there is none; TableError where a cell is no number."""
        if name not in self.table.columns:
            return pl.repeat(None, len(self.table), dtype=pl.Float64, eager=True)
        given = filled(self.table[name])
        numbers = given.cast(pl.Float64, strict=False)
        odd = given.is_not_null() & ~numbers.is_finite().fill_null(False)
        if odd.any():
            examples = tuple(map(shown, given.filter(odd).head(5)))
            raise TableError.of(
                self.where,
                "cells that are no finite number",
                "numbers, or nothing where a KPI is not known",
                "write the table anew with measure",
                column=name,
                count=int(odd.sum()),
                examples=examples,
            )
        return numbers

    def reason(self, name: str) -> pl.Series:
        """Return what the table says of why a KPI is null."""
        if REASON not in self.table.columns:
            return pl.repeat("no value", len(self.table), dtype=pl.String, eager=True)
        text = pl.col(REASON).cast(pl.String)
        own = text.str.extract(rf"(?:^|; ){re.escape(name)}: ([^;]*)")
        others = rf"(?:^|; )(?:{'|'.join(map(re.escape, self.kpis))}): [^;]*"
        rest = text.str.replace_all(others, "").str.strip_chars("; ").replace("", None)
        return self.table.select(pl.coalesce(own, rest, pl.lit("no value")).alias("why"))["why"]


def cells_of(kpis: Any, shared: Collection[str], taken: Collection[str], reading: Reading) -> Cells:
    """Return the cells of a KPI table, or of what has one.

    Of a file the dimensions are channel, and those of its columns that ``shared`` names as well.

    Raises:
        TableError: the table cannot be used, or several of its rows are of one model and cell.
        ParameterError: a dimension is named as one of the columns that are ``taken``.
    """
    if callable(getattr(kpis, "table", None)):
        table, where, by = kpis.table(), type(kpis).__name__, getattr(kpis, "by", None)
    else:
        source = read_whole(kpis, "kpis", reading)
        table, where, by = source.frame, source.where, None
    if MODEL not in table.columns or not len(table):
        raise TableError.of(
            where,
            f"{len(table):,} rows of columns {', '.join(map(shown, table.columns[:30]))}",
            "a KPI table: model, dimensions and KPIs",
            "pass what measure returns, or a file that it wrote",
        )
    if by is None:
        may_be = {"channel", *shared} - NO_KPIS
        by = [name for name in table.columns if name in may_be and kpi_of(name) is None]
    check_dimensions(by, (MODEL, *taken))
    if is_csv(kpis):
        table = table.with_columns(unescaped(pl.col(name)) for name in (MODEL, *by))
    check_one_row(table, by, where)
    ends = {f"{name}{end}" for name in table.columns for end in ENDS}
    names = [name for name in table.columns if name not in {*NO_KPIS, *by, *ends}]
    return Cells(where, table, tuple(by), tuple(name for name in names if is_kpi(table[name])))


def is_kpi(column: pl.Series) -> bool:
    """Return whether a column that is no dimension can be a KPI: text is one only if it is numbers.

    >>> is_kpi(pl.Series("owner", ["Ann"])), is_kpi(pl.Series("demos", ["2", " "]))
    (False, True)
    """
    if column.dtype != pl.String:
        return column.dtype == pl.Null or column.dtype.is_numeric()
    known = filled(column).drop_nulls()
    return kpi_of(column.name) is not None or known.cast(pl.Float64, strict=False).null_count() == 0


def filled(column: pl.Series) -> pl.Series:
    """Return a column in which text without a sign in it is null."""
    if column.dtype != pl.String:
        return column
    text = column.str.strip_chars()
    return text.set((text == "").fill_null(False), None)


def check_one_row(table: pl.DataFrame, by: Sequence[str], where: str) -> None:
    """Raise TableError where rows of one model are told apart by no dimension."""
    twice = table.filter(table.select(MODEL, *by).is_duplicated())
    if len(twice):
        told = twice.select(MODEL, *by).unique(maintain_order=True).head(5)
        raise TableError.of(
            where,
            f"several rows of one model and {', '.join(by) or 'cell'}",
            "one row a model and cell",
            "name the other dimensions as columns of the benchmarks, left empty where any will do",
            count=len(twice),
            examples=tuple(" / ".join(map(shown, row)) for row in told.iter_rows()),
        )
