"""The cluster: the tables of a job that Spark holds, and what is learned from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution.errors import ParameterError, TableError, shown
from attribution.job.sections import Job
from attribution.job.spark_section import SparkTable
from attribution.learned import Statistics
from attribution.manifest import canonical_sum
from attribution.spark.learning import learn
from attribution.spark.tables import quoted
from attribution.tables import Reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, eq=False)
class Remote:
    """A table of Spark, as a run tells of it."""

    table: str
    path: str  # as the job names it
    frame: DataFrame
    columns: Mapping[str, str]

    @property
    def where(self) -> str:
        """What errors call the table."""
        return f"{self.table} ({self.path}, Spark)"

    @cached_property
    def counted(self) -> tuple[int, str]:
        """The number of rows, and the hash of all rows, whatever their order."""
        from pyspark.sql import functions as F  # noqa: N812

        names = sorted(self.frame.columns)
        cells = [F.concat_ws(":", F.lit(name), F.to_json(F.struct(F.col(quoted(name))))) for name in names]
        lanes = [F.sum(F.xxhash64(F.lit(lane), *cells).cast("decimal(20,0)")) for lane in range(2)]
        rows, *sums = self.frame.agg(F.count("*"), *lanes).collect()[0]
        return rows, canonical_sum([rows, names, list(map(str, sums))])

    @property
    def told(self) -> dict[str, Any]:
        """What the manifest says of it: of its files nothing is known."""
        return {"path": self.path, "rows": self.rows, "rows_sha256": self.fingerprint}

    @property
    def rows(self) -> int:
        """The rows of the table."""
        return self.counted[0]

    @property
    def fingerprint(self) -> str:
        """The hash of the rows."""
        return self.counted[1]


def session_of(job: Job) -> SparkSession:
    """Return the session that exists, or the one that the job describes.

    Raises:
        ParameterError: pyspark or Java is not there.
    """
    assert job.spark is not None
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise ParameterError(
            "key spark: pyspark is not installed: pip install 'attribution-engine[spark]'"
        ) from None
    builder = SparkSession.builder.appName(str(job.name))
    if job.spark.master is not None:
        builder = builder.master(job.spark.master)
    if (job.spark.master or "").startswith("local"):  # its workers are of this machine
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for key, value in job.spark.config.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        told = shown(str(error).splitlines()[0])
        raise ParameterError(f"key spark: no session: {told}; check that Java 17 is there") from error


def remote_tables(job: Job, base: Path) -> dict[str, Remote]:
    """Return the touchpoints and outcomes of Spark; a path without a scheme is relative to ``base``.

    Raises:
        ParameterError: pyspark or Java is not there.
        TableError: Spark does not find a table.
    """
    if job.spark is None:
        return {}
    session = session_of(job)
    named = {"touchpoints": job.spark.touchpoints, "outcomes": job.spark.outcomes}
    return {
        name: Remote(name, each.place, found(session, name, each, base), each.columns)
        for name, each in named.items()
    }


def found(session: SparkSession, name: str, source: SparkTable, base: Path) -> DataFrame:
    """Return a table as Spark finds it."""
    from pyspark.errors import AnalysisException

    try:
        if source.table is not None:
            return session.table(source.table)
        assert source.path is not None
        return session.read.parquet(source.path if "://" in source.path else str(base / source.path))
    except AnalysisException as error:
        raise TableError.of(
            f"{name} ({source.place}, Spark)",
            str(error).splitlines()[0],
            "a table of the catalog, or Parquet files",
            "check the name, and that the session may read it",
        ) from error


def learned_there(job: Job, tables: Mapping[str, Any], reading: Reading) -> Statistics:
    """Return what the job's models learn where the tables are.

    Raises:
        TableError: a table cannot be used.
    """
    assert job.spark is not None
    window = job.window.model_dump()
    if job.intervals is not None:
        window["folds"] = job.intervals.folds
    return learn(
        tables["touchpoints"].frame,
        tables["outcomes"].frame,
        *job.built(),
        as_of=str(job.as_of) if job.as_of is not None else None,
        columns={name: tables[name].columns for name in ("touchpoints", "outcomes")},
        outcome_names=job.spark.outcomes.names,
        repeated_outcomes=job.spark.outcomes.repeated,
        reading=reading,
        apart=job.intervals is not None,
        partitions=job.spark.partitions,
        **window,
    )
