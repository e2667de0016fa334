"""The gate: a table is checked once, as a whole; rows that cannot be used are set aside with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from attribution.errors import Fault, TableError, closest, shown
from attribution.tables.columns import TABLES, Column
from attribution.tables.reading import Reading
from attribution.tables.rows import RowCount
from attribution.tables.sources import Read, Source, read
from attribution.tables.times import to_instants

CONTROL = r"[\x00-\x1f\x7f]"
BLANK = {"id": "null_user", "name": "null_channel", "time": "bad_time"}  # kind: reason
TOO_LARGE = 2.0**63 / 100  # money beyond int64 cents
FLAGS = {"1": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "false": 0.0, "no": 0.0, "": 0.0}


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

    @cached_property
    def used(self) -> pl.DataFrame:
        """The rows that are used, with their number in the source as ``row``."""
        return self.frame.with_row_index("row").filter(self.reason.is_null())

    @property
    def rejected(self) -> pl.DataFrame:
        """The rows that are not: table, row in the source, reason."""
        rows = pl.DataFrame(
            {"row": pl.Series(range(len(self.reason)), dtype=pl.UInt32), "reason": self.reason}
        )
        named = rows.filter(pl.col("reason").is_not_null())
        return named.select(pl.lit(self.table).alias("table"), "row", "reason")

    @property
    def count(self) -> RowCount:
        """Rows read, used, and set aside by reason."""
        reasons = self.reason.drop_nulls().value_counts().sort("reason")
        aside = dict(reasons.iter_rows())
        return RowCount(len(self.reason), len(self.reason) - sum(aside.values()), aside)

    def set_aside(self, reason: str, rule: pl.Expr) -> Checked:
        """Return the table with the used rows for which the rule holds set aside as well."""
        broken = self.frame.select(rule.fill_null(False).alias("broken"))["broken"]
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
    unknown = sorted(set(mapping) - {column.name for column in declared})
    names = {column.name: mapping.get(column.name, column.name) for column in declared}
    source_read = read(source, table, names.values(), reading.delimiter)
    faults = [
        Fault(
            source_read.where,
            f"columns= names {shown(name)}, which is no column of the {table} table",
            f"one of {', '.join(names)}",
            f"correct the name{closest(name, names)}",
        )
        for name in unknown
    ]
    faults += mapping_faults(source_read, declared, names, mapping)
    if faults:
        raise TableError(faults)
    return typed(table, source_read, declared, names, reading)


def mapping_faults(
    source: Read, declared: Sequence[Column], names: Mapping[str, str], mapping: Mapping[str, str]
) -> list[Fault]:
    """Return the faults of columns that are missing, or that two names claim."""
    faults = []
    for column in declared:
        name = names[column.name]
        if name not in source.columns and (column.required or column.name in mapping):
            found = ", ".join(map(shown, source.columns[:30]))
            faults.append(
                Fault(
                    source.where,
                    f"no column {shown(name)}; found {found}",
                    f"a column {shown(name)}: {column.meaning}",
                    f"map it with columns={{{column.name!r}: ...}}{closest(name, source.columns)}",
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
    return faults


def typed(
    table: str, source: Read, declared: Sequence[Column], names: Mapping[str, str], reading: Reading
) -> Checked:
    """Return the table with typed columns and a reason for each row that cannot be used."""
    series, rules, faults, naive = [], [], [], False
    warnings = [f"{source.where}: the table has no rows"] * (not len(source.frame))
    for column in declared:
        name = names[column.name]
        if name not in source.frame.columns:
            if column.default is not None:
                series.append(
                    pl.repeat(
                        column.default, len(source.frame), dtype=pl.Float64, eager=True
                    ).alias(column.name)
                )
            continue
        raw = source.frame[name].alias(column.name)
        if column.kind == "time":
            times = to_instants(raw, source.where, name, reading)
            naive, faults = naive or (times.naive and column.required), [*faults, *times.faults]
            if times.naive and reading.timezone is None and raw.dtype != pl.Date:
                warnings.append(
                    f"{source.where}, column {name!r}: times name no zone and are read as UTC; "
                    "declare it with timezone="
                )
            raw = times.values.alias(column.name)
        elif column.kind in ("id", "name", "text"):
            raw = as_text(raw, column, reading)
        elif column.kind != "list":
            raw, found = as_number(raw, column)
            rules += found
            faults += overflow(raw, source.where, name)
        series.append(raw)
        if column.required and column.kind in BLANK:
            rules.append((BLANK[column.kind], raw.is_null()))
        if column.kind in ("id", "name") and raw.dtype == pl.String:
            rules.append(("control_char", raw.str.contains(CONTROL).fill_null(False)))
    if faults:
        raise TableError(faults)
    reason = pl.repeat(None, len(source.frame), dtype=pl.String, eager=True)
    for why, broken in rules:
        if broken.any():
            reason = reason.set(broken & reason.is_null(), why)
    return Checked(
        table, source.where, pl.DataFrame(series), reason.alias("reason"), tuple(warnings), naive
    )


def as_text(raw: pl.Series, column: Column, reading: Reading) -> pl.Series:
    """Return ids as integers or text, everything else as text; blank is null."""
    if column.kind == "id" and raw.dtype.is_integer():
        return raw
    if raw.dtype.is_float() and (raw.drop_nulls() == raw.drop_nulls().round()).all():
        raw = raw.cast(pl.Int64)  # whole numbers that a frame with gaps holds as floats
        if column.kind == "id":
            return raw
    text = raw.cast(pl.String)
    blank = text.str.strip_chars() == ""
    text = text.set(blank.fill_null(False), None)
    if column.kind == "name" and column.name == "channel" and reading.null_channel:
        text = text.fill_null(reading.null_channel)
    return text


def as_number(raw: pl.Series, column: Column) -> tuple[pl.Series, list[tuple[str, pl.Series]]]:
    """Return the column as numbers, with the reasons of the cells that are none."""
    if column.kind == "flag" and raw.dtype in (pl.String, pl.Boolean):
        text = raw.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
        numbers = text.replace_strict(FLAGS, default=None, return_dtype=pl.Float64)
        return numbers.alias(column.name), [("bad_flag", numbers.is_null())]
    given = raw.str.strip_chars() if raw.dtype == pl.String else raw
    empty = (given.is_null() | (given == "")) if raw.dtype == pl.String else given.is_null()
    whole = column.kind == "whole"
    numbers = given.cast(pl.Int64 if whole else pl.Float64, strict=False).alias(column.name)
    rules = [("bad_number", numbers.is_null() & ~empty)]
    if whole:
        return numbers, rules
    infinite = (numbers.is_nan() | numbers.is_infinite()).fill_null(False)
    rules.append(("not_finite", infinite))
    numbers = numbers.set(infinite, 0.0)
    if column.kind == "flag":
        return numbers.fill_null(0.0), [
            *rules,
            ("bad_flag", ~numbers.fill_null(0.0).is_in([0.0, 1.0])),
        ]
    if column.null is None:
        return numbers.fill_null(0.0), [*rules, ("null_number", empty)]
    return numbers.set(numbers.is_null() & empty, column.null).fill_null(0.0), rules


def overflow(numbers: pl.Series, where: str, name: str) -> list[Fault]:
    """Return the fault of numbers beyond what can be summed to the cent."""
    if (
        numbers.dtype != pl.Float64
        or not (large := numbers.filter(numbers.abs() >= TOO_LARGE)).len()
    ):
        return []
    return [
        Fault(
            where,
            "numbers overflow 64-bit cents",
            f"values below {TOO_LARGE:.3g}",
            "check the unit of the column",
            name,
            len(large),
            tuple(f"{value:g}" for value in large.head(5)),
        )
    ]
