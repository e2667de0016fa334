"""Origin: a table that was read, from which further columns come by row number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.tables.columns import TABLES
from attribution.tables.gate import check_table
from attribution.tables.reading import Reading
from attribution.tables.sources import Source, read


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the rows of a table came from; ``names`` maps our names to those of the source.

    ``customers`` are the ids as they were read first: rows that come back as another's are refused.
    """

    table: str
    source: Source
    reading: Reading
    names: Mapping[str, str]
    customers: pl.Series  # [rows of the source]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column there is: those we know by our name, all others by their own."""
        theirs = read(self.source, self.table, [], self.reading.delimiter).columns
        ours = {column.name: self.names.get(column.name, column.name) for column in TABLES[self.table]}
        known = [name for name, their in ours.items() if their in theirs]
        return (*known, *(name for name in theirs if name not in ours.values() and name not in known))

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        """Return the named columns of all rows, read again.

        Raises:
            ParameterError: there is no such column.
            TableError: the table is no longer what it was when it was read first.
        """
        for name in names:
            if name not in self.columns:
                raise ParameterError.unknown(f"column of the {self.table}", name, self.columns)
        declared = [column for column in TABLES[self.table] if column.required or column.name in names]
        others = [name for name in names if name not in {column.name for column in declared}]
        wanted = [self.names.get(column.name, column.name) for column in declared]
        source = read(self.source, self.table, [*wanted, *others], self.reading.delimiter)
        mapping = {ours: theirs for ours, theirs in self.names.items() if theirs in wanted}
        typed = check_table(self.table, source, self.reading, mapping)
        if not typed.frame["customer_id"].equals(self.customers):
            raise TableError.of(
                source.where,
                "the table has changed since it was stitched: customers stand in other rows",
                f"the same {len(self.customers):,} rows in the same order",
                "stitch again; collect lazy tables before, and copy files that are still written to",
                column=self.names.get("customer_id", "customer_id"),
            )
        return pl.DataFrame([(source.frame if name in others else typed.frame)[name] for name in names])
