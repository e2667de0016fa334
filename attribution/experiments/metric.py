"""Metric: the users whose cell of a compared column can be used, whatever their other columns lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from attribution.errors import TableError, shown
from attribution.experiments.means import Mean, mean_of
from attribution.experiments.rates import Rate
from attribution.tables import Checked, Column, Reading, RowCount, check_table, subtracted
from attribution.tables.sources import Read
from attribution.tables.values import FLAGS

MANY = 10  # variants that a message names
WORDS = {word: f"{flag:g}" for word, flag in FLAGS.items() if word}  # an empty cell is not 0
FILL = "null is not 0: fill it with 0 if nobody bought"
CELLS = Column("metric", "number", "what is compared", required=True)


@dataclass(frozen=True, eq=False)
class Metric:
    """The cells of the users of each variant, and the rows that this metric alone leaves out."""

    name: str
    cells: Mapping[str, pl.Series]
    users: Mapping[str, int]
    counted: bool
    rows: RowCount

    @cached_property
    def samples(self) -> dict[str, Rate] | dict[str, Mean]:
        """What is known of each variant: a rate where the metric is counted or 0 or 1, else a mean."""
        if self.counted or all(each.is_in([0.0, 1.0]).all() for each in self.cells.values()):
            return {name: Rate(self.users[name], total(each)) for name, each in self.cells.items()}
        return {name: mean_of(each.to_list()) for name, each in self.cells.items()}


def total(counts: pl.Series) -> int:
    """Return the sum of whole numbers, which has no order."""
    return int(counts.cast(pl.Int64).sum())


def parts_of(table: Checked, variants: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return the used rows of each variant."""
    used = table.frame.filter(table.reason.is_null())
    parts = used.partition_by("variant", as_dict=True)
    return {name: parts.get((name,), used.clear()) for name in variants}


def users_of(parts: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Return the users of each variant, whether a row is one or counts several."""
    counted = {name: "users" in rows.columns for name, rows in parts.items()}
    return {name: total(rows["users"]) if counted[name] else len(rows) for name, rows in parts.items()}


def checked_cells(source: Read, mapping: Mapping[str, str], name: str, reading: Reading | None) -> Checked:
    """Return the table with the cells of one metric, those of true and false as 1 and 0."""
    if name in source.frame.columns:
        source = replace(source, frame=source.frame.with_columns(as_flags(source.frame[name])))
    return check_table("experiment", source, reading, {**mapping, "metric": name}, [CELLS])


def as_flags(raw: pl.Series) -> pl.Series:
    """Return true and yes as 1, false and no as 0, unless other numbers tell that it is no column of flags.

    >>> as_flags(pl.Series(["True", " no", None])).to_list(), as_flags(pl.Series(["yes", "12.5"])).to_list()
    (['1', '0', None], ['yes', '12.5'])
    """
    if raw.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return raw
    words = raw.cast(pl.String).str.strip_chars().str.to_lowercase()
    numbers = words.cast(pl.Float64, strict=False).drop_nulls()
    return words.replace(WORDS) if numbers.fill_nan(0.0).is_in([0.0, 1.0]).all() else raw


def metric_of(name: str, table: Checked, cells: Checked, raw: pl.Series, variants: Sequence[str]) -> Metric:
    """Return a metric of those who were assigned, with the rows that lack it set aside.

    Raises:
        TableError: no user of a variant has a value.
    """
    reason = table.reason.zip_with(table.reason.is_not_null(), cells.reason)
    whole = replace(table, frame=table.frame.with_columns(cells.frame["metric"]), reason=reason)
    counted = "users" in whole.frame.columns
    if counted:
        whole = of_whole_counts(whole, "metric")
        whole = whole.set_aside("conversions_above_users", pl.col("metric") > pl.col("users"))
    parts, count = parts_of(whole, variants), whole.count
    users, aside = users_of(parts), subtracted(count.set_aside, table.count.set_aside)
    unread = raw.filter(reason == "bad_number").cast(pl.String).unique().sort()
    remedy = f"{FILL if 'null_number' in aside else 'correct the cells'}, or leave the metric out"
    check_users(users, table.where, name, aside, remedy, tuple(map(shown, unread.head(5))))
    rows = RowCount(table.count.used, count.used, aside)
    return Metric(name, {each: found["metric"] for each, found in parts.items()}, users, counted, rows)


def of_whole_counts(table: Checked, column: str) -> Checked:
    """Return the counted table without the rows whose counts can be none."""
    counts = pl.col(column)
    return table.set_aside("negative_count", counts < 0).set_aside(
        "fractional_count", counts != counts.floor()
    )


def check_users(
    users: Mapping[str, int],
    where: str,
    column: str,
    aside: Mapping[str, int],
    remedy: str,
    examples: tuple[str, ...] = (),
) -> None:
    """Raise TableError if a variant has no user that can be compared."""
    empty = [name for name, each in users.items() if not each]
    if not empty:
        return
    told = ", ".join(f"{count:,} {reason}" for reason, count in aside.items())
    raise TableError.of(
        where,
        f"no user of {named(empty)}; found {named([*users])}",
        "at least one user of every variant" + (f" (rows set aside: {told})" if told else ""),
        remedy,
        column=column,
        examples=examples,
    )


def named(variants: Sequence[str]) -> str:
    """Return the first of the variants, as a message names them."""
    return ", ".join(map(shown, variants[:MANY]))
