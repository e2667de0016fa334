"""Visits: a row a visit with how many pages it saw and for how long, from its table, its pages, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from attribution.errors import TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.kpis.engagement.pages import (
    IS_ENTRANCE,
    IS_EXIT,
    SECOND,
    SECONDS,
    VISIT,
    WHO,
    Viewed,
    with_extras,
)
from attribution.tables import Checked, Reading, RowCount, Source, check_table
from attribution.tables.sources import read

MANY, VIEWS, TIMED = "visits of the row", "page views of the row", "page views whose end is known"
ENDS = ("landing_page", "exit_page")
OF_VISITS = {  # counts that no row has more of than visits, and the reason if it has
    "bounces": "bounces_above_visits",
    "engaged_visits": "engaged_above_visits",
    "converting_visits": "conversions_above_visits",
}


@dataclass(frozen=True, eq=False)
class Visited:
    """A row a visit, or several: columns of the table, whose, when, visits, page views, microseconds."""

    rows: pl.DataFrame
    names: tuple[str, ...]
    count: RowCount
    where: str
    warnings: tuple[str, ...] = ()


def visits_of(viewed: Viewed) -> Visited:
    """Return the visits that page views make; other columns are those of the first page view."""
    rows = of_pages(viewed).with_columns(pl.lit(1).alias(MANY))
    names = [name for name in viewed.names if name not in ("page", "sequence", "seconds")]
    names += ["page_views", "seconds", *ENDS]
    return Visited(with_told(rows), tuple(names), RowCount(len(rows), len(rows)), viewed.where)


def of_pages(viewed: Viewed) -> pl.DataFrame:
    """Return per visit its first page view, how many there are, its landing and exit page, and its time."""
    rows = viewed.rows.drop("seconds", strict=False)
    page = pl.col("page")
    return rows.group_by(VISIT, maintain_order=True).agg(
        pl.exclude(VISIT, SECONDS, IS_EXIT, IS_ENTRANCE).first(),
        pl.len().cast(pl.Int64).alias(VIEWS),
        pl.col(SECONDS).sum(),
        pl.col(SECONDS).count().cast(pl.Int64).alias(TIMED),
        page.first().alias(ENDS[0]),
        page.last().alias(ENDS[1]),
    )


def visits_table(
    source: Source, columns: Mapping[str, str] | None, reading: Reading, viewed: Viewed | None
) -> tuple[Visited, Viewed | None]:
    """Return the visits of a table, with what their pages tell, and the page views that have a visit.

    A visit without page views and a page view without a visit are set aside.

    Raises:
        TableError: the table cannot be used, or has no visit_id that its pages refer to.
    """
    whole = read(source, "visits", None, reading.delimiter)
    table = check_table("visits", whole, reading, columns)
    table = without_impossible(table)
    has = table.frame.columns
    if viewed is not None:
        table, viewed = matched(table, viewed)
    rows = with_extras(table, whole.frame, columns or {}).filter(table.reason.is_null())
    names = rows.columns
    who = pl.col("customer_id") if "customer_id" in has else pl.lit(None)
    rows = rows.with_columns(
        pl.col("timestamp").alias(WHEN),
        who.cast(pl.String).alias(WHO),
        (pl.col("visits") if "visits" in has else pl.lit(1)).cast(pl.Int64).alias(MANY),
        (pl.col("visit_id") if "visit_id" in has else pl.lit(None)).cast(pl.String).alias(VISIT),
    )
    warnings = list(table.warnings)
    if viewed is not None:
        facts = of_pages(viewed).select(VISIT, VIEWS, SECONDS, TIMED, *ENDS)
        own = [name for name in ENDS if name in rows.columns]
        rows = rows.join(facts.drop(own), on=VISIT, how="left", maintain_order="left")
        other = 0 if "page_views" not in has else (rows["page_views"] != rows[VIEWS]).sum()
        if other:
            warnings.append(
                f"{table.where}: {other:,} rows tell other page_views than the pages: those count"
            )
        rows = with_told(rows)
    else:
        views = pl.col("page_views") if "page_views" in has else pl.lit(None)
        time = (pl.col("seconds") * SECOND).round() if "seconds" in has else pl.lit(None)
        rows = rows.with_columns(views.cast(pl.Int64).alias(VIEWS), time.cast(pl.Int64).alias(SECONDS))
        rows = rows.with_columns((pl.col(VIEWS) - pl.col(MANY)).alias(TIMED))
    names += [name for name in ("page_views", "seconds", *ENDS) if name in rows.columns]
    return Visited(rows, tuple(dict.fromkeys(names)), table.count, table.where, tuple(warnings)), viewed


def with_told(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with page_views and seconds as their pages tell, for a predicate to read."""
    seconds = pl.col(SECONDS) / SECOND
    return rows.with_columns(page_views=pl.col(VIEWS), seconds=seconds)


def without_impossible(table: Checked) -> Checked:
    """Return the visits without those that cannot be: none, without a page, bounces above visits, ...

    Seconds may be empty where a single page was viewed, whose end nobody knows.
    """
    has = table.frame.columns
    many = pl.col("visits") if "visits" in has else pl.lit(1)
    table = table.set_aside("no_visits", many.is_null() | (many <= 0))
    if "page_views" in has:
        table = table.set_aside(
            "visit_without_pages", pl.col("page_views").is_null() | (pl.col("page_views") < many)
        )
    for name, reason in OF_VISITS.items():
        if name in has:
            table = table.set_aside("null_number", pl.col(name).is_null())
            table = table.set_aside(reason, (pl.col(name) > many) | (pl.col(name) < 0))
    if "seconds" in has:
        table = table.set_aside("negative_seconds", pl.col("seconds") < 0)
        single = pl.col("page_views") == many if "page_views" in has else pl.lit(False)
        table = table.set_aside("null_number", pl.col("seconds").is_null() & ~single)
        table = replace(table, frame=table.frame.with_columns(pl.col("seconds").fill_null(0.0)))
    if "visit_id" in has:
        repeated = pl.col("visit_id").is_not_null() & pl.col("visit_id").is_duplicated()
        table = table.set_aside("repeated_visit", repeated)
    return table


def matched(table: Checked, viewed: Viewed) -> tuple[Checked, Viewed]:
    """Return visits that have pages, and page views that have a visit; the others are set aside.

    Raises:
        TableError: one of the tables has no visit_id, or a row stands for several visits.
    """
    if "visit_id" not in table.frame.columns or "visit_id" not in viewed.rows.columns:
        lacking = table.where if "visit_id" not in table.frame.columns else viewed.where
        raise TableError.of(
            lacking,
            "no column visit_id, so visits and pages cannot be joined",
            "visit_id in both tables",
            "map it, or pass the pages alone: visits are cut by idle time then",
            column="visit_id",
        )
    if "visits" in table.frame.columns and (table.frame["visits"] > 1).any():
        raise TableError.of(
            table.where,
            "rows that stand for several visits, and a table of pages",
            "a row a visit, which the pages refer to",
            "leave out the pages, or the column visits",
            column="visits",
        )
    ids = pl.col("visit_id").cast(pl.String)
    table = table.set_aside("null_visit", ids.is_null())
    table = table.set_aside("visit_without_pages", ~ids.is_in(viewed.rows[VISIT].unique().to_list()))
    known = table.frame.filter(table.reason.is_null()).select(ids)["visit_id"]
    inside = viewed.rows[VISIT].is_in(known.to_list())
    count, lost = viewed.count, int((~inside).sum())
    if lost:
        aside = {**count.set_aside, "page_without_visit": lost}
        count = RowCount(count.read, count.used - lost, dict(sorted(aside.items())))
    return table, replace(viewed, rows=viewed.rows.filter(inside), count=count)
