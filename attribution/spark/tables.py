"""Tables of Spark: the columns that are needed, checked before anything runs, packed by customer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.spark.keys import keys_of
from attribution.spark.packing import SCHEMA, Packing, gathered, written
from attribution.stitching.end_of_data import at
from attribution.stitching.stitch import columns_of, further_outcomes, without_impossible_outcomes
from attribution.tables import TABLES, Reading, check_table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

CODED = ("channel", "campaign", "kind")
MOST_PARTITIONS = 1 << 16
LEFT_OUT = ("account_id",)  # accounts are told apart by all rows of all customers


@dataclass(frozen=True, eq=False)
class Tables:
    """Touchpoints and outcomes as Spark has them, with the columns that are asked for."""

    touchpoints: DataFrame
    outcomes: DataFrame
    columns: Mapping[str, Mapping[str, str]]  # by table: our names to theirs
    warnings: tuple[str, ...]

    @staticmethod
    def of(
        touchpoints: DataFrame,
        outcomes: DataFrame,
        columns: Mapping[str, Any] | None,
        outcome_names: Sequence[str] | None,
        further: Collection[str] = (),
    ) -> Tables:
        """Return the tables with the columns that we know, and ``further`` ones where they are.

        Raises:
            TableError: a time is text or a number, a customer neither text nor a whole number, or one
                outcome_id belongs to several customers.
        """
        frames, maps, warnings = {}, {}, list[str]()
        for name, frame in (("touchpoints", touchpoints), ("outcomes", outcomes)):
            mapping = columns_of(columns, name, outcome_names or ())
            known = [column.name for column in TABLES[name]] + [*(outcome_names or ())]
            theirs = [mapping.get(each, each) for each in known if each not in LEFT_OUT]
            wanted = [column for column in frame.columns if column in {*theirs, *further}]
            left_out = {mapping.get(each, each) for each in LEFT_OUT} & set(frame.columns)
            for each in sorted(left_out):
                warnings.append(f"{name} (Spark), column {each!r}: not used: intervals draw customers")
            frames[name], maps[name] = frame.select(*map(quoted, wanted)), mapping
            check_types(name, frames[name], mapping)
        check_outcome_ids(frames["outcomes"], maps["outcomes"])
        return Tables(**frames, columns=maps, warnings=tuple(warnings))

    @property
    def session(self) -> SparkSession:
        """The session that the tables belong to."""
        return self.touchpoints.sparkSession

    @cached_property
    def empty(self) -> dict[str, pl.DataFrame]:
        """Both tables without rows."""
        found = {}
        for name in ("touchpoints", "outcomes"):
            found[name] = pl.DataFrame(getattr(self, name).limit(0).toArrow())
        return found

    def latest(self, outcomes: Sequence[str], reading: Reading | None) -> datetime | None:
        """Return the latest time of the rows that pass the gate, repeated ones included."""
        times = []
        for name in ("touchpoints", "outcomes"):
            mapping, theirs = self.columns[name], getattr(self, name).columns
            gate = Gate(name, mapping, tuple(outcomes), reading or Reading(), theirs)
            found = numbered(getattr(self, name)).mapInArrow(gate.latest, "latest bigint").toArrow()
            times += found["latest"].to_pylist()
        return at(max(times)) if times else None

    def packed(self, partitions: int) -> DataFrame:
        """Return the messages of both tables, those of a place in one task."""
        keys = keys_of(partitions)
        parts = []
        for name in ("touchpoints", "outcomes"):
            customer = self.columns[name].get("customer_id", "customer_id")
            frame: DataFrame = getattr(self, name)
            packing = Packing(name, customer, self.coded(name), keys, frame.columns)
            parts.append(numbered(frame).mapInArrow(packing.pack, SCHEMA))
        return parts[0].unionAll(parts[1]).repartition(partitions, "key")

    def coded(self, name: str) -> list[str]:
        """Return the columns of a table that have few distinct values."""
        theirs = [self.columns[name].get(each, each) for each in CODED]
        return [each for each in theirs if each in self.empty[name].columns]

    def messages(self) -> dict[str, bytes]:
        """Return both tables without rows as messages, coded as packed ones are."""
        return {
            name: written(
                frame.with_columns(
                    pl.col(each).cast(pl.Categorical)
                    for each in self.coded(name)
                    if frame.schema[each] == pl.String
                )
            )
            for name, frame in self.empty.items()
        }


@dataclass(frozen=True)
class Gate:
    """What tells the latest time of a table, as it is sent to tasks."""

    name: str
    columns: Mapping[str, str]
    outcomes: tuple[str, ...]
    reading: Reading
    names: Sequence[str]  # of the columns, which a task is not told

    def latest(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the latest time of the rows that are used, in microseconds."""
        import pyarrow as pa

        ended = self.name == "outcomes"
        for rows in gathered(batches, self.names):
            try:
                extra = further_outcomes(self.outcomes) if ended else ()
                checked = check_table(self.name, rows, self.reading, self.columns, extra)
            except TableError:  # which stitching tells
                continue
            if ended:
                checked = without_impossible_outcomes(checked, self.outcomes)
            latest = checked.used["timestamp"].to_physical().max()
            if latest is not None:
                yield pa.RecordBatch.from_pydict({"latest": pa.array([latest], pa.int64())})


def quoted(name: str) -> str:
    """Return the name of a column as Spark takes it whatever signs are in it.

    >>> quoted("Touch.Medium")
    '`Touch.Medium`'
    """
    return "`" + name.replace("`", "``") + "`"


def numbered(frame: DataFrame) -> DataFrame:
    """Return the frame with numbers for names: mapInArrow does not take a name with a dot."""
    return frame.toDF(*(f"column {number}" for number in range(len(frame.columns))))


def check_types(name: str, frame: DataFrame, mapping: Mapping[str, str]) -> None:
    """Raise TableError where what a column holds could be told by looking at all its rows only."""
    from pyspark.sql import types

    kinds = {field.name: field.dataType for field in frame.schema.fields}
    whole = (types.StringType, types.ByteType, types.ShortType, types.IntegerType, types.LongType)
    moments = (types.TimestampType, types.TimestampNTZType, types.DateType)
    customer = mapping.get("customer_id", "customer_id")
    if customer in kinds and not isinstance(kinds[customer], whole):
        raise TableError.of(
            f"{name} (Spark)",
            f"type {kinds[customer].simpleString()}",
            "text or a whole number",
            f"cast it: {name}.withColumn({customer!r}, col({customer!r}).cast('string'))",
            column=customer,
        )
    for ours in (column.name for column in TABLES[name] if column.kind == "time"):
        theirs = mapping.get(ours, ours)
        if theirs in kinds and not isinstance(kinds[theirs], moments):
            raise TableError.of(
                f"{name} (Spark)",
                f"type {kinds[theirs].simpleString()}",
                "a timestamp or a date: the format of text would have to be told from all rows",
                f"convert it: {name}.withColumn({theirs!r}, to_timestamp({theirs!r}, format))",
                column=theirs,
            )


def check_outcome_ids(outcomes: DataFrame, mapping: Mapping[str, str]) -> None:
    """Raise TableError where one outcome belongs to several customers, who are never in one place."""
    from pyspark.sql import functions as F  # noqa: N812

    name, customer = (mapping.get(each, each) for each in ("outcome_id", "customer_id"))
    if not {name, customer} <= set(outcomes.columns):
        return
    named, owner = F.col(quoted(name)), F.col(quoted(customer))
    owners = outcomes.where(named.isNotNull()).groupBy(named.cast("string").alias("id"))
    ends = owners.agg(F.min(owner).alias("first"), F.max(owner).alias("last"))
    shared = [row["id"] for row in ends.where("first != last").limit(5).collect()]
    if shared:
        raise TableError.of(
            "outcomes (Spark)",
            "outcome ids that belong to several customers",
            "each outcome_id once",
            "keep the row that is right, or leave outcome_id out",
            column=name,
            examples=tuple(map(repr, shared)),
        )


def partitions_of(session: SparkSession, asked: int | None) -> int:
    """Return how many tasks stitch: as asked, or twice as many as run at once, a power of two.

    Raises:
        ParameterError: the number is no power of two up to 65,536.
    """
    if asked is None:
        context = getattr(session, "sparkContext", None)  # a remote session has none
        shuffled = session.conf.get("spark.sql.shuffle.partitions", "200")
        at_once = int(shuffled or 200) if context is None else context.defaultParallelism
        return int(min(MOST_PARTITIONS, 1 << max(0, 2 * at_once - 1).bit_length()))
    if type(asked) is not int or not 1 <= asked <= MOST_PARTITIONS or asked & (asked - 1):
        raise ParameterError.out_of_range("partitions", asked, f"a power of two up to {MOST_PARTITIONS:,}")
    return asked
