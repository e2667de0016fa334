"""Pages: page views in the order of their visits, cut into visits by idle time, and how long each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.tables import Checked, Reading, RowCount, Source, check_table
from attribution.tables.sources import read
from attribution.tables.values import is_scalar

VISIT, WHO = "visit of the row", "customer of the row"  # no columns of any table, nor are these:
SECONDS, IS_EXIT, IS_ENTRANCE = "microseconds", "is the exit", "is the entrance"
SECOND = 1_000_000  # microseconds
LONGEST_IDLE = 60.0 * 24 * 36_525  # minutes, a hundred years


@dataclass(frozen=True, eq=False)
class Viewed:
    """Page views in the order of their visits: whose, when, how long, and the columns of the table."""

    rows: pl.DataFrame
    names: tuple[str, ...]
    count: RowCount
    where: str
    warnings: tuple[str, ...]


def page_views(
    source: Source, columns: Mapping[str, str] | None, idle_minutes: float, reading: Reading
) -> Viewed:
    """Return the page views of a table by visit, in order of time, sequence and page.

    Without visit_id a customer's visit ends where no page is viewed for more than ``idle_minutes``.
    The seconds of a page last until the next page view of the visit; those of the last one are not known.

    Raises:
        TableError: the table cannot be used, or has neither visits nor customers.
        ParameterError: the idle time is no length of time.
    """
    if not isinstance(idle_minutes, (int, float)) or not 0 < idle_minutes <= LONGEST_IDLE:
        raise ParameterError.out_of_range(
            "idle_minutes", idle_minutes, f"a number above 0, to {LONGEST_IDLE:g}"
        )
    whole = read(source, "pages", None, reading.delimiter)
    table = check_table("pages", whole, reading, columns)
    table = table.set_aside("null_page", pl.col("page").is_null())
    has = table.frame.columns
    key = next((name for name in ("visit_id", "customer_id") if name in has), None)
    if key is None:
        raise TableError.of(
            table.where,
            f"neither visit_id nor customer_id; found {', '.join(table.columns[:30])}",
            "a column that tells the visits apart, or one that tells the customers",
            "map it: columns={'pages': {'visit_id': ...}} (--pages-columns visit_id=...)",
        )
    table = table.set_aside("null_visit" if key == "visit_id" else "null_user", pl.col(key).is_null())
    if "seconds" in has:
        table = table.set_aside("negative_seconds", pl.col("seconds") < 0)
    rows = with_extras(table, whole.frame, columns or {}).filter(table.reason.is_null())
    names = tuple(rows.columns)
    who = pl.col("customer_id") if "customer_id" in has else pl.lit(None)
    rows = rows.with_columns(pl.col("timestamp").alias(WHEN), who.cast(pl.String).alias(WHO))
    first = [WHEN, *(["sequence"] if "sequence" in has else []), "page"]
    order = [*first, *(name for name in names if name not in first and is_scalar(rows.schema[name]))]
    if key == "visit_id":
        rows = rows.with_columns(pl.col("visit_id").cast(pl.String).alias(VISIT)).sort(VISIT, *order)
    else:
        rows = cut(rows.sort(WHO, *order), idle_minutes)
    tied = (
        rows.select(pl.struct(VISIT, WHEN).rle().struct.field("len")).filter(pl.col("len") > 1)["len"].sum()
    )
    warnings = list(table.warnings)
    if tied and "sequence" not in has:
        told = "stand in order of the name of the page (a column sequence tells better)"
        warnings.append(f"{table.where}: {tied:,} page views of one instant {told}")
    return Viewed(timed(rows), names, table.count, table.where, tuple(warnings))


def with_extras(table: Checked, source: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return the columns of ours with all others that the table has."""
    claimed = {*table.frame.columns, *columns.values()}
    return table.frame.hstack([source[name] for name in source.columns if name not in claimed])


def cut(rows: pl.DataFrame, idle_minutes: float) -> pl.DataFrame:
    """Return the page views, in order of customer and time, with the visit each belongs to.

    >>> rows = pl.DataFrame({WHO: ["a", "a", "a"], WHEN: [0, 60, 4000]}).with_columns(
    ...     (pl.col(WHEN) * SECOND).cast(pl.Datetime("us")))
    >>> cut(rows, 30)[VISIT].to_list()
    ['a/1', 'a/1', 'a/2']
    """
    gap = pl.duration(microseconds=round(idle_minutes * 60 * SECOND))
    other = pl.col(WHO).ne_missing(pl.col(WHO).shift(1)) | (pl.int_range(pl.len()) == 0)
    begins = other | (pl.col(WHEN) - pl.col(WHEN).shift(1) > gap).fill_null(False)
    rows = rows.with_columns(begins.cum_sum().alias(VISIT), other.alias(IS_ENTRANCE))
    before = pl.when(pl.col(IS_ENTRANCE)).then(pl.col(VISIT) - 1).forward_fill()
    number = (pl.col(VISIT) - before).cast(pl.String)
    return rows.with_columns(pl.concat_str(WHO, pl.lit("/"), number).alias(VISIT)).drop(IS_ENTRANCE)


def timed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the page views with their microseconds, null where no end is known, first and last marked."""
    is_exit = pl.col(VISIT).ne_missing(pl.col(VISIT).shift(-1)) | (pl.int_range(pl.len()) == pl.len() - 1)
    is_entrance = pl.col(VISIT).ne_missing(pl.col(VISIT).shift(1)) | (pl.int_range(pl.len()) == 0)
    rows = rows.with_columns(is_exit.alias(IS_EXIT), is_entrance.alias(IS_ENTRANCE))
    until = (pl.col(WHEN).shift(-1) - pl.col(WHEN)).dt.total_microseconds()
    if "seconds" in rows.columns:
        until = (pl.col("seconds") * SECOND).round().cast(pl.Int64)
    return rows.with_columns(pl.when(~pl.col(IS_EXIT)).then(until).alias(SECONDS))
