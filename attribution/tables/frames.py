"""Frames: a table of any dataframe library as one of polars, and a table as it was read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import polars as pl

from attribution.errors import TableError

Source: TypeAlias = Any  # polars, pandas, pyarrow, DuckDB, anything with an Arrow stream, or a path


@dataclass(frozen=True, eq=False)
class Read:
    """A table as it was read: its frame, and where it came from in words."""

    frame: pl.DataFrame
    where: str
    columns: tuple[str, ...]  # all that the source has, read or not
    ragged: tuple[int, ...] = ()  # rows of the frame that are null because their cells do not fit the header
    warnings: tuple[str, ...] = ()

    def select(self, wanted: Collection[str]) -> Read:
        """Return the table with the wanted ones of its columns."""
        return replace(self, frame=self.frame.select(name for name in self.frame.columns if name in wanted))


def as_polars(source: Source, where: str) -> pl.DataFrame | pl.LazyFrame:
    """Return a polars frame over any frame, without a copy where Arrow allows it."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return source
    import narwhals.stable.v2 as nw

    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect(backend="polars")
    if isinstance(frame, nw.DataFrame):
        return frame.to_polars()
    if hasattr(source, "__arrow_c_stream__"):
        try:
            return pl.DataFrame(source)
        except pl.exceptions.PolarsError:
            pass  # a stream of single values is no table
    raise TableError.of(
        where,
        f"got {type(source).__name__}",
        "a polars, pandas or pyarrow table, a DuckDB relation, or a path",
        "pass a dataframe or the path of a Parquet, CSV or NDJSON file",
    )
