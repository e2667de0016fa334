"""Files: KPIs and benchmarks as they are read, and which files of them are for people alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from attribution.errors import TableError
from attribution.tables import Reading, Source
from attribution.tables.frames import Read, as_polars
from attribution.tables.sources import read

FOR_PEOPLE = (".json", ".xlsx")


def read_whole(source: Source, table: str, reading: Reading) -> Read:
    """Return all columns of a table, whatever their names.

    Raises:
        TableError: the table cannot be read, or is a file for people.
    """
    where = f"{table} ({source if isinstance(source, (str, Path)) else type(source).__name__})"
    if not isinstance(source, (str, Path)):
        frame = pl.DataFrame(as_polars(source, where).lazy().collect())
        return Read(frame, where, tuple(frame.columns))
    suffix = Path(source).suffix.casefold()
    if suffix in FOR_PEOPLE:
        raise TableError.of(
            where,
            f"a file {suffix}, which is written for people and not read",
            ".parquet, .csv or .ndjson",
            "write the table as .parquet, or .csv: --out writes both",
        )
    return read(source, table, None, reading.delimiter)


def is_csv(source: Source) -> bool:
    """Return whether a table is a CSV file, in which cells may be escaped.

    >>> is_csv("kpis.csv.gz"), is_csv("kpis.parquet")
    (True, False)
    """
    return isinstance(source, (str, Path)) and ".csv" in Path(source).suffixes
