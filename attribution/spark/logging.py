"""Logging on a cluster: the credit log as a DataFrame of Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from attribution.credit_log import CreditLog, rules_of
from attribution.credits import Result
from attribution.rare_channels import recoded
from attribution.spark.packing import read, unpacked
from attribution.spark.tables import Tables, partitions_of, quoted
from attribution.statistics import Rule
from attribution.statistics.mergeable import places
from attribution.stitched import Stitched
from attribution.stitching import stitch
from attribution.tables import Reading

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

ROWS = ("touchpoint_row", "outcome_row")  # numbers that mean nothing outside a task
WINDOW = ("lookback_days", "restart", "maturity_days", "max_touchpoints", "folds")
TYPES: Mapping[Any, str] = {
    pl.Boolean: "boolean",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Date: "date",
    pl.Datetime("us", "UTC"): "timestamp",
    pl.Datetime("us"): "timestamp_ntz",
    pl.String: "string",
}


def credit_log(
    touchpoints: DataFrame,
    outcomes: DataFrame,
    result: Result,
    *names: str,
    as_of: datetime | str | None = None,
    columns: Mapping[str, Any] | None = None,
    repeated_outcomes: str = "error",
    reading: Reading | None = None,
    partitions: int | None = None,
) -> DataFrame:
    """Return the credit log over tables of Spark, with further columns by name; it runs when it is read.

    It has the columns of ``attribution.credit_log`` but for row numbers. The tables are those that the
    result was learned from, and are cut as they were then; ``as_of``, ``columns``, ``repeated_outcomes``
    and ``reading`` are given as they were.

    Raises:
        ParameterError: a model shares totals and not journeys, or a column is unknown.
        TableError: a table is another than it was.
    """
    further = [name.removeprefix(f"{table}_") for name in names for table in ("", "touchpoint", "outcome")]
    outcome_names = list(result.learned.outcome_names)
    tables = Tables.of(touchpoints, outcomes, columns, outcome_names, further)
    how = {
        **{key: result.learned.settings[key] for key in WINDOW},
        "as_of": as_of,
        "columns": tables.columns,
        "outcome_names": outcome_names,
        "repeated_outcomes": repeated_outcomes,
        "reading": reading,
    }
    task = LogTask(tables.messages(), how, result.learned.channels, rules_of(result.values()), names)
    schema = ", ".join(f"{quoted(name)} {TYPES[kind]}" for name, kind in task.schema().items())
    packed = tables.packed(partitions_of(tables.session, partitions))
    return packed.mapInArrow(task.logged, schema)


@dataclass(frozen=True)
class LogTask:
    """What every task does, as it is sent there."""

    empty: Mapping[str, bytes]
    how: Mapping[str, Any]
    channels: tuple[str, ...]
    rules: Mapping[str, Rule]
    names: tuple[str, ...]

    def log(self, tables: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the log of the customers in some tables, as Spark takes it."""
        stitched = stitch(tables["touchpoints"], tables["outcomes"], **self.how)
        for frame in CreditLog(recoded_to(self.channels, stitched), self.rules).frames(*self.names):
            yield frame.drop(ROWS).select(plain(column) for column in frame.drop(ROWS))

    def schema(self) -> pl.Schema:
        """Return the columns of the log."""
        nobody = {name: read(message) for name, message in self.empty.items()}
        return pl.concat(self.log(nobody)).schema

    def logged(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the log of the customers in a task."""
        mine = unpacked(batches, self.empty)
        if mine is not None:
            for frame in self.log(mine[1]):
                yield from frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()


def recoded_to(channels: tuple[str, ...], journeys: Stitched) -> Stitched:
    """Return the journeys over the vocabulary of all customers."""
    codes = places(journeys.channels, channels).astype(np.uint16)
    return replace(journeys, channels=channels, folds=recoded(channels, codes, journeys.folds))


def plain(column: pl.Series) -> pl.Series:
    """Return a column in one of the types that Spark takes; what is no number, time or flag as text."""
    if column.dtype.is_integer():
        small = column.dtype in (pl.UInt8, pl.Int8, pl.UInt16, pl.Int16, pl.UInt32)
        return column.cast(pl.Int32 if small else pl.Int64)
    if column.dtype.is_float():
        return column.cast(pl.Float64)
    if isinstance(column.dtype, pl.Datetime):
        return column.cast(pl.Datetime("us", None if column.dtype.time_zone is None else "UTC"))
    return column if column.dtype in TYPES else column.cast(pl.String)
