"""Ours on Spark: the package over the DataFrames of a session of two cores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contenders import SIX
from benchmarks.contenders.ours import by_channel
from benchmarks.contenders.spark_sql import session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

REQUIRES = "pyspark"
EXACT = SIX


def prepare(touchpoints: Path, outcomes: Path) -> tuple[DataFrame, DataFrame]:
    """Return the tables of a session, the package at hand."""
    import attribution.spark  # noqa: F401

    spark = session()
    return spark.read.parquet(str(touchpoints)), spark.read.parquet(str(outcomes))


def share(tables: tuple[DataFrame, DataFrame]) -> dict[str, dict[str, float]]:
    """Stitch and attribute where the rows are."""
    import attribution as at

    return by_channel(at.spark.attribute(*tables, *map(at.parse_model, SIX)))


def credits(touchpoints: Path, outcomes: Path) -> dict[str, dict[str, float]]:
    """Start the session, stitch and attribute."""
    return share(prepare(touchpoints, outcomes))
