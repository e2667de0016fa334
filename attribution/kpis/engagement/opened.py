"""Opened: a table that has passed the gate with all further columns of its own, for cells to be told by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from attribution.tables import Checked, Reading, Source, check_table
from attribution.tables.sources import read

LONGEST = 366 * 86_400  # seconds: what is longer than a year is no time on a page
MOST = 10**12  # visits or views that a row may stand for
IDS = ("customer_id", "visit_id", "sequence")


@dataclass(frozen=True, eq=False)
class Opened:
    """A checked table and its further columns, row by row."""

    table: Checked
    extras: pl.DataFrame

    @property
    def has(self) -> list[str]:
        """The columns of ours that it has."""
        return self.table.frame.columns

    @property
    def rows(self) -> pl.DataFrame:
        """The rows that are used, with all columns."""
        return self.table.frame.hstack(self.extras.get_columns()).filter(self.table.reason.is_null())

    def set_aside(self, reason: str, rule: pl.Expr) -> Opened:
        """Return it with the used rows for which the rule holds set aside as well."""
        return replace(self, table=self.table.set_aside(reason, rule))


def opened(
    name: str,
    source: Source,
    columns: Mapping[str, str] | None,
    reading: Reading,
    as_of: datetime | None = None,
) -> Opened:
    """Return a table with all its columns; rows later than ``as_of`` are set aside.

    Raises:
        TableError: the table cannot be used.
    """
    whole = read(source, name, None, reading.delimiter)
    table = check_table(name, whole, reading, columns)
    if as_of is not None:
        table = table.set_aside("future_time", pl.col("timestamp") > as_of)
    counts = [each for each, kind in table.frame.schema.items() if kind == pl.Int64 and each not in IDS]
    for each in counts:
        table = table.set_aside("bad_number", pl.col(each).abs() > MOST)
    if "seconds" in table.frame.columns:
        table = table.set_aside("negative_seconds", pl.col("seconds") < 0)
        table = table.set_aside("bad_number", pl.col("seconds") > LONGEST)
    claimed = {*table.frame.columns, *(columns or {}).values()}
    return Opened(table, pl.DataFrame([each for each in whole.frame if each.name not in claimed]))
