"""Given: the analyst's own table of benchmarks, read and checked, and which of its rows KPIs are held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from attribution.errors import ParameterError, TableError, closest, shown
from attribution.kpis.benchmarks.cells import MODEL, NAMED, ROW, Cells, key, meeting
from attribution.kpis.dictionary import KPIS
from attribution.tables import Checked, Reading, RowCount, Source, check_table
from attribution.tables.frames import Read
from attribution.tables.sources import read

OWN = ("kpi", "value")
LEFT = ("value_low", "value_high")  # a benchmark is held to be known


@dataclass(frozen=True, eq=False)
class Benchmarks:
    """The rows that are used, dimensions as text, and how many each names; the count of all, and warnings."""

    rows: pl.DataFrame
    count: RowCount
    warnings: tuple[str, ...]


def read_benchmarks(source: Source, columns: Mapping[str, str] | None, reading: Reading) -> Read:
    """Return the table with our names; TableError where a name that is mapped is not there."""
    found = read(source, "benchmarks", None, reading.delimiter)
    names = dict(columns or {})
    for ours, theirs in names.items():
        if theirs not in found.columns:
            raise TableError.of(
                found.where,
                f"no column {shown(theirs)}; found {', '.join(map(shown, found.columns[:30]))}",
                f"a column {shown(theirs)}, which columns= says is {ours}",
                f"correct the name{closest(theirs, found.columns)}",
                column=ours,
            )
    theirs_of = {theirs: ours for ours, theirs in names.items()}
    if len(theirs_of) < len(names):
        raise ParameterError.out_of_range("columns", names, "each column of the benchmarks once")
    kept = [name for name in found.columns if name not in names or name in theirs_of]
    frame = found.frame.select(pl.col(name).alias(theirs_of.get(name, name)) for name in kept)
    return replace(found, frame=frame, columns=tuple(frame.columns))


def dimensions_of(table: Read) -> list[str]:
    """Return the columns that are dimensions."""
    return [name for name in table.columns if name not in (*OWN, *LEFT)]


def benchmarks_of(table: Read, cells: Cells, where: Mapping[str, str] | None, reading: Reading) -> Benchmarks:
    """Return the benchmarks that cells can be held to; what is of another industry, say, is set aside.

    Raises:
        TableError: a KPI is unknown, or a dimension that the cells have not has several values.
        ParameterError: ``where`` names no such dimension, or a value that it has not.
    """
    dimensions, where = dimensions_of(table), dict(where or {})
    checked = check_table("benchmarks", table, reading)
    keys = [key(table.frame[name]) for name in dimensions]
    frame = checked.frame.with_columns(pl.col("kpi").str.strip_chars(), *keys).with_row_index(ROW)
    checked = replace(checked, frame=frame).set_aside("null_kpi", pl.col("kpi").is_null())
    checked = of_known_kpis(checked, cells)
    others = [name for name in dimensions if name not in (MODEL, *cells.by)]
    for name, value in where.items():
        checked = chosen(checked, name, str(value).strip(), others)
    check_chosen(checked, [name for name in others if name not in where])
    shared = [name for name in dimensions if name not in others]
    met = meeting(cells.keys, used(checked), shared)
    checked = checked.set_aside("no_such_cell", ~pl.col(ROW).is_in(met[ROW].implode()))
    named = (pl.col(name).is_not_null().cast(pl.Int64) for name in dimensions)
    rows = used(checked).with_columns(pl.sum_horizontal(pl.lit(0, pl.Int64), *named).alias(NAMED))
    return Benchmarks(rows, checked.count, (*checked.warnings, *notes(checked)))


def used(checked: Checked) -> pl.DataFrame:
    """Return the rows that are not set aside."""
    return checked.frame.filter(checked.reason.is_null())


def of_known_kpis(checked: Checked, cells: Cells) -> Checked:
    """Return the benchmarks of KPIs that the cells have; TableError where a name is none at all."""
    known = list(dict.fromkeys([*cells.kpis, *(kpi.name for kpi in KPIS)]))
    given = used(checked)["kpi"]
    odd = given.filter(~given.is_in(known))
    if len(odd):
        names = odd.unique(maintain_order=True).head(5).to_list()
        hints = [closest(name, cells.kpis) or closest(name, known) for name in names]
        raise TableError.of(
            checked.where,
            "names that are no KPI",
            f"one of {', '.join(cells.kpis)}",
            "correct the names",
            column="kpi",
            count=len(odd),
            examples=tuple(f"{shown(name)}{hint}" for name, hint in zip(names, hints, strict=True)),
        )
    return checked.set_aside("kpi_not_there", ~pl.col("kpi").is_in(list(cells.kpis)))


def chosen(checked: Checked, name: str, value: str, others: Sequence[str]) -> Checked:
    """Return the benchmarks of one value of a dimension, and those that leave it open."""
    if name not in others:
        if name in checked.frame.columns and name not in (*OWN, ROW):
            raise ParameterError(
                f"parameter 'where': the KPIs are broken down by {name}, and benchmarks are matched by it; "
                "leave it out"
            )
        raise ParameterError.unknown("dimension in where=", name, others)
    known = checked.frame[name].drop_nulls().unique().sort().to_list()
    if value not in known:
        raise ParameterError.unknown(f"{name} in where=", value, known)
    return checked.set_aside("not_chosen", pl.col(name) != value)


def check_chosen(checked: Checked, names: Sequence[str]) -> None:
    """Raise TableError where a dimension that the KPIs have not has several values."""
    for name in names:
        values = used(checked)[name].drop_nulls().unique().sort()
        if len(values) > 1:
            raise TableError.of(
                checked.where,
                f"{len(values):,} values of {name}, by which the KPIs are not broken down",
                "one of them, chosen",
                f"choose: where={{{name!r}: {values[0]!r}}} (--where {name}={values[0]}), or measure by it",
                column=name,
                examples=tuple(map(shown, values.head(5))),
            )


def notes(checked: Checked) -> list[str]:
    """Return how many rows were set aside and why, and the shares that look like percent."""
    words = {
        "null_kpi": "they name no KPI",
        "kpi_not_there": "the table has not the KPIs",
        "not_chosen": "they are of other values than those that were chosen",
        "no_such_cell": "the KPIs have no such cell",
    }
    lines = [
        f"{checked.where}: {count:,} rows set aside: {reason} ({words.get(reason, 'no number or text')})"
        for reason, count in checked.count.set_aside.items()
    ]
    shares = [kpi.name for kpi in KPIS if kpi.unit == "share"]
    percent = used(checked).filter(pl.col("kpi").is_in(shares), pl.col("value") > 1)
    if len(percent):
        told = ", ".join(
            f"{kpi} {value:g}" for kpi, value in percent.head(5).select("kpi", "value").iter_rows()
        )
        lines.append(f"{checked.where}: {told}: a share above 1; if it is in percent, 23.3 % is 0.233")
    return lines
