"""Origin: a table that was read, from which further columns come by row number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.tables.columns import TABLES
from attribution.tables.gate import check_table
from attribution.tables.reading import Reading
from attribution.tables.sources import Source, matching, read
from attribution.tables.stamps import Stamp, stamp


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the rows of a table came from; ``names`` maps our names to those of the source.

    ``customers`` are the ids as they were read first, ``stamps`` those of the files: rows that come back
    as another's are refused, and files that were written to.
    """

    table: str
    source: Source
    reading: Reading
    names: Mapping[str, str]
    found: tuple[str, ...]  # every column of the source, by its own name
    customers: pl.Series | None  # [rows of the source]; None: not kept, of files
    stamps: Mapping[Path, Stamp] = field(init=False)  # of no files where the source is a frame

    def __post_init__(self) -> None:
        object.__setattr__(self, "stamps", stamps(self.source))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column there is: those we know by our name, all others by their own."""
        ours = {column.name: self.names.get(column.name, column.name) for column in TABLES[self.table]}
        known = [name for name, their in ours.items() if their in self.found]
        return (*known, *(name for name in self.found if name not in ours.values() and name not in known))

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        """Return the named columns of all rows, read again.

        Raises:
            ParameterError: there is no such column.
            TableError: the table is no longer what it was when it was read first.
        """
        for name in names:
            if name not in self.columns:
                raise ParameterError.unknown(f"column of the {self.table}", name, self.columns)
        if stamps(self.source) != self.stamps:
            raise self.changed("files were written to")
        declared = [column for column in TABLES[self.table] if column.required or column.name in names]
        others = [name for name in names if name not in {column.name for column in declared}]
        wanted = [self.names.get(column.name, column.name) for column in declared]
        source = read(self.source, self.table, [*wanted, *others], self.reading.delimiter)
        mapping = {ours: theirs for ours, theirs in self.names.items() if theirs in wanted}
        typed = check_table(self.table, source, self.reading, mapping)
        if self.customers is not None and not typed.frame["customer_id"].equals(self.customers):
            raise self.changed("customers stand in other rows")
        found = pl.DataFrame([(source.frame if name in others else typed.frame)[name] for name in names])
        return found.cast({pl.Categorical: pl.String})

    def changed(self, how: str) -> TableError:
        """Return the error of a table that is no longer what it was."""
        what = self.source if isinstance(self.source, (str, Path)) else type(self.source).__name__
        return TableError.of(
            f"{self.table} ({what})",
            f"the table has changed since it was stitched: {how}",
            "the same rows in the same order",
            "stitch again; collect lazy tables before, and copy files that are still written to",
        )


def stamps(source: Source) -> dict[Path, Stamp]:
    """Return what tells whether the files of a source were written to."""
    if not isinstance(source, (str, Path)):
        return {}
    return {path: stamp(path) for path in matching(str(source))}
