"""Pages: page views in the order of their visits, cut into visits by idle time, and how long each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.kpis.engagement.opened import Opened, opened
from attribution.tables import Reading, Source

VISIT, WHO = "visit of the row", "customer of the row"  # no columns of any table, nor are these:
SECONDS, IS_EXIT, IS_ENTRANCE = "microseconds of the view", "is the exit", "is the entrance"
SECOND = 1_000_000  # microseconds
LONGEST_IDLE = 60.0 * 24 * 36_525  # minutes, a hundred years


@dataclass(frozen=True, eq=False)
class Viewed:
    """Page views in the order of their visits: whose, when, how long, and the columns of the table."""

    rows: pl.DataFrame
    names: tuple[str, ...]
    where: str
    warnings: tuple[str, ...]


def checked_pages(
    source: Source, columns: Mapping[str, str] | None, reading: Reading, as_of: datetime | None = None
) -> Opened:
    """Return a table of page views, those without a page set aside; TableError if it cannot be used."""
    return opened("pages", source, columns, reading, as_of).set_aside("null_page", pl.col("page").is_null())


def by_visit(pages: Opened) -> tuple[Opened, str]:
    """Return the page views that have a visit, or a customer where no column tells visits, and its column.

    Raises:
        TableError: the table has neither.
    """
    key = next((name for name in ("visit_id", "customer_id") if name in pages.has), None)
    if key is None:
        raise TableError.of(
            pages.table.where,
            f"neither visit_id nor customer_id; found {', '.join(pages.table.columns[:30])}",
            "a column that tells the visits apart, or one that tells the customers",
            "map it: columns={'pages': {'visit_id': ...}} (--pages-columns visit_id=...)",
        )
    return pages.set_aside("null_visit" if key == "visit_id" else "null_user", pl.col(key).is_null()), key


def in_visits(pages: Opened, key: str, idle_minutes: float) -> Viewed:
    """Return page views by visit, in order of time, sequence and page.

    By customer, a visit ends where no page is viewed for more than ``idle_minutes``. The seconds of a page
    last until the next page view of the visit; those of the last one are not known.

    Raises:
        ParameterError: the idle time is no length of time.
    """
    if not isinstance(idle_minutes, (int, float)) or not 0 < idle_minutes <= LONGEST_IDLE:
        raise ParameterError.out_of_range(
            "idle_minutes", idle_minutes, f"a number above 0, to {LONGEST_IDLE:g}"
        )
    rows, where, warnings = pages.rows, pages.table.where, list(pages.table.warnings)
    names = tuple(rows.columns)
    who = pl.col("customer_id") if "customer_id" in names else pl.lit(None)
    rows = rows.with_columns(pl.col("timestamp").alias(WHEN), who.cast(pl.String).alias(WHO))
    first = [WHEN, *(["sequence"] if "sequence" in names else []), "page"]
    placed = {*first, "timestamp", key}
    order = [*first, *(name for name in names if name not in placed and sortable(rows.schema[name]))]
    if key == "visit_id":
        rows = rows.with_columns(pl.col("visit_id").cast(pl.String).alias(VISIT)).sort(VISIT, *order)
    else:
        rows = cut(rows.sort(WHO, *order), idle_minutes)
    runs = rows.select(pl.struct(VISIT, WHEN).rle().struct.field("len"))["len"]
    if (tied := runs.filter(runs > 1).sum()) and "sequence" not in names:
        told = "stand in order of the name of the page (a column sequence tells better)"
        warnings.append(f"{where}: {tied:,} page views of one instant {told}")
    return Viewed(timed(rows), names, where, tuple(warnings))


def sortable(dtype: pl.DataType) -> bool:
    """Return whether rows can be put in order by a column of the type."""
    return not dtype.is_nested() and dtype not in (pl.Object, pl.Binary)


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
