"""Given: the analyst's own table of benchmarks, read and checked, and which of its rows KPIs are held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from attribution.errors import ParameterError, TableError, closest, shown
from attribution.kpis.benchmarks.alike import ENTRIES, kpi_of
from attribution.kpis.benchmarks.cells import MODEL, Cells
from attribution.kpis.benchmarks.files import read_whole
from attribution.kpis.benchmarks.keys import NAMED, ROW, key, meeting
from attribution.kpis.benchmarks.telling import notes, unmatched
from attribution.tables import Checked, Reading, RowCount, Source, check_table
from attribution.tables.frames import Read

OWN = ("kpi", "value")
LEFT = ("value_low", "value_high")  # a benchmark is held to be known


@dataclass(frozen=True, eq=False)
class Benchmarks:
    """The rows that are used, dimensions as text, and how many each names; the count of all, and warnings.

    ``ignored`` are the columns by which nothing is matched, of all rows of the table.
    """

    where: str
    rows: pl.DataFrame
    ignored: tuple[pl.Series, ...]
    count: RowCount
    warnings: tuple[str, ...]


def read_benchmarks(source: Source, columns: Mapping[str, str] | None, reading: Reading) -> Read:
    """Return the table with our names; TableError where a name that is mapped is not there."""
    found = read_whole(source, "benchmarks", reading)
    names = mapped("columns", columns, '{"kpi": "metric", "value": "median"}')
    for ours, theirs in names.items():
        if theirs not in found.columns:
            raise TableError.of(
                found.where,
                f"no column {shown(theirs)}; found {', '.join(map(shown, found.columns[:30]))}",
                f"a column {shown(theirs)}, which columns= says is {ours}",
                f"correct the name{closest(str(theirs), found.columns)}",
                column=ours,
            )
    theirs_of = {theirs: ours for ours, theirs in names.items()}
    if len(theirs_of) < len(names):
        raise ParameterError.out_of_range("columns", names, "each column of the benchmarks once")
    kept = [name for name in found.columns if name not in names or name in theirs_of]
    frame = pl.DataFrame([found.frame[name].alias(theirs_of.get(name, name)) for name in kept])
    return replace(found, frame=frame, columns=tuple(frame.columns))


def mapped(name: str, given: Any, example: str) -> dict[str, Any]:
    """Return a parameter that maps names; ParameterError where it maps none."""
    if given is not None and not isinstance(given, Mapping):
        raise ParameterError.out_of_range(name, given, f"names and what they stand for, as {example}")
    return {str(each): value for each, value in (given or {}).items()}


def dimensions_of(table: Read) -> list[str]:
    """Return the columns that may be dimensions."""
    return [name for name in table.columns if name not in (*OWN, *LEFT)]


def benchmarks_of(table: Read, cells: Cells, where: Mapping[str, str] | None, reading: Reading) -> Benchmarks:
    """Return the benchmarks that cells can be held to; what is of another industry, say, is set aside.

    Raises:
        TableError: a KPI is unknown, or no benchmark matches a cell.
        ParameterError: ``where`` names no column that can be chosen by, or a value that it has not.
    """
    choices = mapped("where", where, '{"industry": "software"}')
    shared = [name for name in dimensions_of(table) if name in (MODEL, *cells.by)]
    others = [name for name in dimensions_of(table) if name not in shared]
    checked = check_table("benchmarks", table, reading)
    keys = [key(table.frame[name]) for name in shared]
    frame = checked.frame.with_columns(pl.col("kpi").str.strip_chars(), *keys).with_row_index(ROW)
    checked = replace(checked, frame=frame).set_aside("null_kpi", pl.col("kpi").is_null())
    checked = of_known_kpis(checked, cells)
    named = [frame[name].is_not_null() for name in shared]
    for name, value in choices.items():
        column = chosen_by(table, name, shared, others)
        checked = chosen(checked, column, value)
        named.append(column.is_not_null())
    met = meeting(cells.keys, used(checked), shared)
    checked = checked.set_aside("no_such_cell", ~pl.col(ROW).is_in(met[ROW].implode()))
    if not len(used(checked)):
        raise unmatched(checked, table, cells, shared)
    count = sum((each.cast(pl.Int64) for each in named), pl.zeros(len(frame), pl.Int64, eager=True))
    rows = used(replace(checked, frame=checked.frame.with_columns(count.alias(NAMED))))
    left = [table.frame[name] for name in others if name not in choices]
    ignored = tuple(key(each) for each in left if can_choose(each))
    told = (*checked.warnings, *notes(checked, table, shared, ignored))
    return Benchmarks(checked.where, rows, ignored, checked.count, told)


def used(checked: Checked) -> pl.DataFrame:
    """Return the rows that are not set aside."""
    return checked.frame.filter(checked.reason.is_null())


def of_known_kpis(checked: Checked, cells: Cells) -> Checked:
    """Return the benchmarks of KPIs that the cells have; TableError where a name is none at all."""
    given = used(checked)["kpi"]
    odd = [name for name in given.unique(maintain_order=True) if not (name in cells.kpis or kpi_of(name))]
    if odd:
        hints = [closest(name, cells.kpis) or closest(name, ENTRIES) for name in odd[:5]]
        raise TableError.of(
            checked.where,
            "names that are no KPI",
            f"one of {', '.join(cells.kpis)}",
            "correct the names",
            column="kpi",
            count=int(given.is_in(odd).sum()),
            examples=tuple(f"{shown(name)}{hint}" for name, hint in zip(odd, hints, strict=False)),
        )
    return checked.set_aside("kpi_not_there", ~pl.col("kpi").is_in(list(cells.kpis)))


def chosen_by(table: Read, name: str, shared: Sequence[str], others: Sequence[str]) -> pl.Series:
    """Return the column that a name in ``where`` stands for, as text; ParameterError where it has none."""
    if name in shared:
        raise ParameterError(
            f"parameter 'where': the KPIs are broken down by {name}, and benchmarks are matched by it; "
            "leave it out"
        )
    if name not in others or not can_choose(table.frame[name]):
        raise ParameterError.unknown("dimension in where=", name, others)
    return key(table.frame[name])


def can_choose(column: pl.Series) -> bool:
    """Return whether a column holds plain values."""
    return not column.dtype.is_nested() and column.dtype not in (pl.Object, pl.Binary)


def chosen(checked: Checked, column: pl.Series, value: Any) -> Checked:
    """Return the benchmarks of one value of a column, and those that leave it open."""
    known = column.filter(checked.reason.is_null()).drop_nulls().unique().sort().to_list()
    try:
        wanted = key(pl.Series([value])).item()
    except (TypeError, ValueError, OverflowError, ParameterError):
        wanted = None
    if wanted not in known:
        raise ParameterError.unknown(f"{column.name} in where=", str(value), known)
    return checked.set_aside("not_chosen", pl.lit((column != wanted).fill_null(False)))
