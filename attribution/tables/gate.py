"""The gate: a table is checked once, as a whole; rows that cannot be used are set aside with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from attribution.errors import Fault, TableError, closest, option, shown
from attribution.tables.columns import TABLES, Column, mapping_hint
from attribution.tables.letters import is_plain
from attribution.tables.reading import Reading
from attribution.tables.rows import RowCount
from attribution.tables.sources import Read, Source, read
from attribution.tables.times import to_instants
from attribution.tables.values import CONTROL, as_number, as_text, holds_numbers, is_scalar, overflow

EXPECTED = {
    "list": "lists (Parquet keeps them)",
    **dict.fromkeys(("id", "name", "path", "text"), "text"),
    **dict.fromkeys(("whole", "number", "flag"), "numbers"),
}
NO_ROWS = "the table has no rows"
BLANK = {"id": "null_user", "name": "null_channel", "time": "bad_time"}  # kind: reason


@dataclass(frozen=True, eq=False)
class Checked:
    """A table that has passed the gate: all its rows, typed, and why some are not used.

    Row i of ``frame`` is row i of the source. ``naive`` tells that its times named no zone.
    """

    table: str
    where: str
    frame: pl.DataFrame
    reason: pl.Series  # null where the row is used
    warnings: tuple[str, ...] = ()
    naive: bool = False
    columns: tuple[str, ...] = ()  # all that the source has, by its own names
    start: int = 0  # row of the source that is row 0 here

    @cached_property
    def used(self) -> pl.DataFrame:
        """The rows that are used, with their number in the source as ``row``."""
        numbered = self.frame.with_row_index("row", self.start)
        all_used = self.reason.null_count() == len(self.reason)
        return numbered if all_used else numbered.filter(self.reason.is_null())

    def cut(self, start: int, rows: int) -> Checked:
        """Return some of the rows, not copied."""
        part, reason = self.frame.slice(start, rows), self.reason.slice(start, rows)
        return replace(self, frame=part, reason=reason, start=self.start + start)

    @property
    def rejected(self) -> pl.DataFrame:
        """The rows that are not: table, row in the source, reason."""
        rows = self.reason.is_not_null().arg_true().cast(pl.UInt32)
        reasons = {"row": rows + self.start, "reason": self.reason.gather(rows)}
        return pl.DataFrame(reasons).select(pl.lit(self.table).alias("table"), "row", "reason")

    @property
    def count(self) -> RowCount:
        """Rows read, used, and set aside by reason."""
        reasons = self.reason.drop_nulls().value_counts().sort("reason")
        aside = dict(reasons.iter_rows())
        return RowCount(len(self.reason), len(self.reason) - sum(aside.values()), aside)

    @property
    def aside(self) -> RowCount:
        """Of the count, the rows that are set aside."""
        count = self.count
        return RowCount(count.read - count.used, 0, count.set_aside)

    def set_aside(self, reason: str, rule: pl.Expr) -> Checked:
        """Return the table with the used rows for which the rule holds set aside as well."""
        broken = self.frame.with_columns(rule.fill_null(False).alias("broken"))["broken"]  # a row each
        return replace(self, reason=self.reason.set(broken & self.reason.is_null(), reason))


def check_table(
    table: str,
    source: Source,
    reading: Reading | None = None,
    columns: Mapping[str, str] | None = None,
    extra: Sequence[Column] = (),
) -> Checked:
    """Return the source as the named table of TABLES, with ``extra`` columns.

    ``columns`` maps our names to those of the source. Columns of another name are not read.

    Raises:
        TableError: with every fault that concerns the table as a whole.
    """
    reading, mapping = reading or Reading(), dict(columns or {})
    declared = (*TABLES[table], *extra)
    names = names_of(declared, mapping)
    if isinstance(source, Read):
        source_read = source
    else:
        ids = [names[column.name] for column in declared if column.kind == "id"]
        coded = [names[column.name] for column in declared if column.coded]
        source_read = read(source, table, names.values(), reading.delimiter, ids, coded)
    check_mapping(table, source_read, declared, mapping)
    return typed(table, source_read, declared, names, reading)


def names_of(declared: Sequence[Column], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the source's name of each column."""
    return {column.name: mapping.get(column.name, column.name) for column in declared}


def check_mapping(table: str, source: Read, declared: Sequence[Column], mapping: Mapping[str, str]) -> None:
    """Raise TableError where columns are unknown or missing, or where two names claim one."""
    names = names_of(declared, mapping)
    faults = [
        Fault(
            source.where,
            f"columns= names {shown(name)}, which is no column of the {table} table",
            f"one of {', '.join(names)}",
            f"correct the name{closest(name, names)}",
        )
        for name in sorted(set(mapping) - set(names))
    ]
    for column in declared:
        name = names[column.name]
        if name not in source.columns and (column.required or column.name in mapping):
            found = ", ".join(map(shown, source.columns[:30]))
            faults.append(
                Fault(
                    source.where,
                    f"no column {shown(name)}; found {found}",
                    f"a column {shown(name)}: {column.meaning}",
                    f"map it: {mapping_hint(table, column.name)}{closest(name, source.columns)}",
                    column.name,
                )
            )
    for name in sorted(set(mapping.values())):
        claims = [ours for ours, theirs in mapping.items() if theirs == name]
        if len(claims) > 1 and set(claims) != {"customer_id", "journey"}:
            faults.append(
                Fault(
                    source.where,
                    f"column {shown(name)} is mapped to {' and '.join(claims)}",
                    "one name for each column",
                    "map each name to its own column",
                    claims[0],
                )
            )
    if faults:
        raise TableError(faults)


def typed(
    table: str, source: Read, declared: Sequence[Column], names: Mapping[str, str], reading: Reading
) -> Checked:
    """Return the table with typed columns and a reason for each row that cannot be used."""
    series: list[pl.Series] = []
    is_ragged = pl.repeat(False, len(source.frame), dtype=pl.Boolean, eager=True)
    rules: list[tuple[str, pl.Series]] = [("ragged_row", is_ragged.scatter(source.ragged, True))]
    faults: list[Fault] = []
    naive = False
    warnings = [*source.warnings, *[f"{source.where}: {NO_ROWS}"] * (not len(source.frame))]
    for column in declared:
        name = names[column.name]
        if not is_there(column, source, names):
            if column.default is not None:
                series.append(
                    pl.repeat(column.default, len(source.frame), dtype=pl.Float64, eager=True).alias(
                        column.name
                    )
                )
            continue
        raw = source.frame[name].alias(column.name)
        if not readable(raw.dtype, column):
            expected = EXPECTED[column.kind]
            faults.append(
                Fault(source.where, f"type {raw.dtype}", expected, "convert it, or map another column", name)
            )
            continue
        if column.kind == "time":
            times = to_instants(raw, source.where, name, reading)
            naive, faults = naive or (times.naive and column.required), [*faults, *times.faults]
            if times.naive and column.required and reading.timezone is None and raw.dtype != pl.Date:
                warnings.append(
                    f"{source.where}, column {name!r}: times name no zone and are read as UTC; "
                    f"declare it with {option('timezone', 'UTC')}"
                )
            raw = times.values.alias(column.name)
        elif column.kind in ("id", "name", "path", "text"):
            raw = as_text(raw, column, reading)
        elif column.kind != "list":
            raw, found = as_number(raw, column)
            rules += found
            faults += overflow(raw, source.where, name)
        series.append(raw)
        if column.required and column.kind in BLANK:
            blank = raw.is_null()
            if column.unless:
                blank &= ~made_up_for(column, source, declared, names)
            rules.append((BLANK[column.kind], blank))
        if column.kind in ("id", "name") and raw.dtype == pl.String and not is_plain(raw):
            rules.append(("control_char", raw.str.contains(CONTROL).fill_null(False)))
    if faults:
        raise TableError(faults)
    reason = pl.repeat(None, len(source.frame), dtype=pl.String, eager=True)
    for why, broken in rules:
        if broken.any():
            reason = reason.set(broken & reason.is_null(), why)
    return Checked(
        table,
        source.where,
        pl.DataFrame(series),
        reason.alias("reason"),
        tuple(warnings),
        naive,
        source.columns,
    )


def is_there(column: Column, source: Read, names: Mapping[str, str]) -> bool:
    """Return whether a column is to be read: the source has it, and the one that it stands beside."""
    beside = names.get(column.beside)
    return names[column.name] in source.frame.columns and (beside is None or beside in source.frame.columns)


def made_up_for(
    column: Column, source: Read, declared: Sequence[Column], names: Mapping[str, str]
) -> pl.Series:
    """Return whether the row has a value of the column that makes up for an empty cell of this one."""
    for other in declared:
        if other.name == column.unless and is_there(other, source, names):
            return as_text(source.frame[names[other.name]], other, Reading()).is_not_null()
    return pl.repeat(False, len(source.frame), dtype=pl.Boolean, eager=True)


def readable(dtype: pl.DataType, column: Column) -> bool:
    """Return whether a column of the type can hold what the kind asks for."""
    if column.kind == "time":
        return True  # it has words of its own for what it cannot read
    if column.kind == "list":
        return isinstance(dtype, pl.List)
    return is_scalar(dtype) if EXPECTED[column.kind] == "text" else holds_numbers(dtype)
