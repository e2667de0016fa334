"""Pieces: a table that is read and checked piece by piece, where every rule looks at one row alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import polars as pl

from attribution.tables.columns import TABLES, Column
from attribution.tables.gate import Checked, check_mapping, check_table, names_of, typed
from attribution.tables.parquet_files import ParquetFile, open_parquet
from attribution.tables.reading import Reading
from attribution.tables.several import several
from attribution.tables.sources import PARQUET, TORN, Read, Source, damaged, files_of, kind_of, read
from attribution.tables.stamps import Stamp, check_unchanged, stamp

PIECE = 1_000_000  # rows
Part: TypeAlias = Callable[[], Iterator[Checked]]

# What a kind may be so that no rule looks at more than one row: all else is checked as a whole.
TEXT = (pl.String, pl.Categorical, pl.Enum)
WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
ROW_BY_ROW = {
    **dict.fromkeys(("name", "text"), TEXT),
    "id": (*TEXT, *WHOLE),
    "time": (pl.Date, pl.Datetime),
    "whole": WHOLE,
}
TOGETHER = ("event_id", "account_id")  # columns that tell of several rows that they belong together


@dataclass(frozen=True, eq=False)
class Pieces:
    """A checked table as parts, in order of its rows; each yields pieces that need not be kept.

    ``whole`` is the table where it had to be checked as one.
    """

    table: str
    where: str
    columns: tuple[str, ...]  # all that the source has, by its own names
    schema: pl.Schema  # of our columns that it has, as they are read
    rows: int  # of the source
    parts: Sequence[Part]
    in_memory: bool
    whole: Checked | None = None

    @staticmethod
    def of(whole: Checked, rows: int) -> Pieces:
        """Return a table that was checked as one, cut into pieces of so many rows."""
        size = len(whole.frame)
        starts = range(0, max(size, 1), rows)
        parts = [partial(iter, [whole.cut(start, rows)]) for start in starts]
        columns, schema = whole.columns, whole.frame.schema
        return Pieces(whole.table, whole.where, columns, schema, size, parts, True, whole)

    @property
    def naive(self) -> bool:
        """Whether its times name no zone."""
        return (
            getattr(self.schema["timestamp"], "time_zone", None) is None
            if self.whole is None
            else self.whole.naive
        )

    def set_aside(self, reason: str, rule: pl.Expr) -> Pieces:
        """Return the table with the used rows for which the rule holds set aside as well."""

        def without(part: Part) -> Iterator[Checked]:
            return (piece.set_aside(reason, rule) for piece in part())

        whole = None if self.whole is None else self.whole.set_aside(reason, rule)
        return replace(self, parts=[partial(without, part) for part in self.parts], whole=whole)


def check_pieces(
    table: str,
    source: Source,
    reading: Reading,
    mapping: Mapping[str, str],
    rows: int = PIECE,
    together: bool = False,
) -> Pieces:
    """Return the source as the named table of TABLES, in pieces of about so many rows.

    It is checked as a whole where a rule looks at more than one row, or if it is looked at ``together``.

    Raises:
        TableError: the table cannot be used (or a part of it, when that is read).
    """
    declared = TABLES[table]
    names = names_of(declared, mapping)
    pieces = None
    if not together and is_parquet(source, table):
        pieces = parquet_pieces(table, str(source), reading, mapping, rows)
    elif not together and not isinstance(source, (str, Path)):
        source = read(source, table, names.values(), reading.delimiter)
        pieces = frame_pieces(table, source, reading, mapping, rows)
    return pieces or Pieces.of(check_table(table, source, reading, mapping), rows)


def is_parquet(source: Source, table: str) -> bool:
    """Return whether all files of a source are of Parquet."""
    if not isinstance(source, (str, Path)):
        return False
    return all(kind_of(path, f"{table} ({path})") in PARQUET for path in files_of(str(source), table))


def frame_pieces(
    table: str, source: Read, reading: Reading, mapping: Mapping[str, str], rows: int
) -> Pieces | None:
    """Return a frame in pieces, None where it has to be checked as a whole."""
    declared = TABLES[table]
    names = names_of(declared, mapping)
    schema = ours(source.frame.schema, names)
    if source.ragged or not row_by_row(schema, declared):
        return None
    check_mapping(table, source, declared, mapping)
    size = len(source.frame)

    def part(start: int) -> Iterator[Checked]:
        piece = replace(source, frame=source.frame.slice(start, rows))
        yield replace(typed(table, piece, declared, names, reading), start=start)

    parts = [partial(part, start) for start in range(0, max(size, 1), rows)]
    return Pieces(table, source.where, source.columns, schema, size, parts, in_memory=True)


def parquet_pieces(
    table: str, pattern: str, reading: Reading, mapping: Mapping[str, str], rows: int
) -> Pieces | None:
    """Return the row groups of files as parts of one table, None where it has to be checked as a whole."""
    declared = TABLES[table]
    names = names_of(declared, mapping)
    coded = [names[column.name] for column in declared if column.coded]
    paths = files_of(pattern, table)
    files = [opened(path, f"{table} ({path})", set(names.values()), coded) for path in paths]
    first, _ = files[0]
    schema = ours(first.schema, names)
    if not row_by_row(schema, declared) or any(file.schema != first.schema for file, _ in files):
        return None
    where = first.where if len(files) == 1 else several(table, paths, pattern)
    check_mapping(table, Read(pl.DataFrame(), where, first.columns), declared, mapping)

    def part(file: ParquetFile, before: Stamp, groups: range, start: int) -> Iterator[Checked]:
        try:
            for frame in file.batches(groups, rows):
                checked = typed(table, Read(frame, where, file.columns), declared, names, reading)
                yield replace(checked, start=start)
                start += len(frame)
        except TORN as error:
            raise damaged(file.path, file.where, error) from error
        finally:
            check_unchanged(file.path, file.where, before)

    parts, start = list[Part](), 0
    for file, before in files:
        for groups in together_up_to(file.groups, rows):
            size = sum(file.groups[group] for group in groups)
            if size or (file is files[-1][0] and not parts):  # a table has a piece, if an empty one
                parts.append(partial(part, file, before, groups, start))
            start += size
    return Pieces(table, where, first.columns, schema, start, parts, in_memory=False)


def opened(
    path: Path, where: str, wanted: Collection[str], coded: Collection[str]
) -> tuple[ParquetFile, Stamp]:
    """Return a Parquet file, and the stamp that it had before."""
    before = stamp(path)
    try:
        return open_parquet(path, where, wanted, coded), before
    except TORN as error:
        raise damaged(path, where, error) from error


def together_up_to(sizes: Sequence[int], rows: int) -> Iterator[range]:
    """Yield ranges of row groups that have about so many rows together, or are one that has more.

    >>> list(together_up_to([4, 4, 4, 20, 1], 8))
    [range(0, 2), range(2, 3), range(3, 4), range(4, 5)]
    """
    begin, held = 0, 0
    for place, size in enumerate(sizes):
        if held and held + size > rows:
            yield range(begin, place)
            begin, held = place, 0
        held += size
    yield range(begin, len(sizes))


def ours(schema: Mapping[str, pl.DataType], names: Mapping[str, str]) -> pl.Schema:
    """Return the types of our columns, by our names, that a source has."""
    return pl.Schema({name: schema[theirs] for name, theirs in names.items() if theirs in schema})


def row_by_row(schema: pl.Schema, declared: Sequence[Column]) -> bool:
    """Return whether every rule for columns of these types looks at one row alone."""
    return not set(TOGETHER) & set(schema) and all(
        schema[column.name] in ROW_BY_ROW.get(column.kind, ()) for column in declared if column.name in schema
    )
