"""Visits: a row a visit with how many pages it saw and for how long, from its table, its pages, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from attribution.errors import TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.kpis.engagement.opened import Opened, opened
from attribution.kpis.engagement.pages import SECOND, SECONDS, VISIT, WHO, Viewed
from attribution.tables import Reading, Source

MANY, VIEWS, TIMED = "visits of the row", "page views of the row", "page views whose end is known"
ENDS = ("landing_page", "exit_page")
OF_VISITS = {  # counts that no row has more of than visits, and the reason if it has
    "bounces": "bounces_above_visits",
    "engaged_visits": "engaged_above_visits",
    "converting_visits": "conversions_above_visits",
}
OF_VIEWS = ("page", "sequence", "seconds", "visits", "page_views", *OF_VISITS, *ENDS)  # of no visit
PLACE = "row of the table"  # no column of any table


@dataclass(frozen=True, eq=False)
class Visited:
    """A row a visit, or several: columns of the table, whose, when, visits, page views, microseconds."""

    rows: pl.DataFrame
    names: tuple[str, ...]
    where: str
    warnings: tuple[str, ...] = ()


def visits_of(viewed: Viewed) -> Visited:
    """Return the visits that page views make; other columns are those of the first page view."""
    rows = of_pages(viewed).with_columns(pl.lit(1).alias(MANY))
    names = [name for name in viewed.names if name not in OF_VIEWS]
    return Visited(with_told(rows), (*names, "page_views", "seconds", *ENDS), viewed.where)


def of_pages(viewed: Viewed) -> pl.DataFrame:
    """Return per visit its first page view, how many there are, its landing and exit page, and its time."""
    others = [name for name in viewed.names if name not in OF_VIEWS]
    return viewed.rows.group_by(VISIT, maintain_order=True).agg(
        pl.col(*others, WHEN).first(),
        pl.col(WHO).drop_nulls().first(),
        pl.len().cast(pl.Int64).alias(VIEWS),
        pl.col(SECONDS).sum(),
        pl.col(SECONDS).count().cast(pl.Int64).alias(TIMED),
        pl.col("page").first().alias(ENDS[0]),
        pl.col("page").last().alias(ENDS[1]),
    )


def checked_visits(
    source: Source,
    columns: Mapping[str, str] | None,
    reading: Reading,
    as_of: datetime | None,
    with_pages: bool,
) -> Opened:
    """Return a table of visits without those that cannot be: none, without a page, bounces above visits, ...

    What their pages tell is not looked at where there is a table of pages.
    Seconds may be empty where a single page was viewed, whose end nobody knows. A row that says the same as
    another is a duplicate; other rows of one visit_id are all set aside.

    Raises:
        TableError: the table cannot be used.
    """
    table = opened("visits", source, columns, reading, as_of)
    has, many = table.has, pl.col("visits") if "visits" in table.has else pl.lit(1)
    if "visits" in has:
        table = table.set_aside("no_visits", many.is_null() | (many <= 0))
    if "page_views" in has and not with_pages:
        few = pl.col("page_views").is_null() | (pl.col("page_views") < many)
        table = table.set_aside("visit_without_pages", few)
    for name, reason in OF_VISITS.items():
        if name in has and not (with_pages and name == "bounces"):
            table = table.set_aside("null_number", pl.col(name).is_null())
            table = table.set_aside(reason, (pl.col(name) > many) | (pl.col(name) < 0))
    if "seconds" in has and not with_pages:
        single = pl.col("page_views") == many if "page_views" in has else pl.lit(False)
        table = table.set_aside("null_number", pl.col("seconds").is_null() & ~single)
        filled = table.table.frame.with_columns(pl.col("seconds").fill_null(0.0))
        table = replace(table, table=replace(table.table, frame=filled))
    return without_repeats(table) if "visit_id" in has else table


def without_repeats(table: Opened) -> Opened:
    """Return the visits with one row a visit_id: the first of equal ones, none where they differ."""
    rows = table.rows.with_columns(table.table.reason.is_null().arg_true().alias(PLACE))
    rows = rows.filter(pl.col("visit_id").is_not_null() & pl.col("visit_id").is_duplicated())
    if not len(rows):
        return table
    others = [name for name in rows.columns if name != PLACE]
    once = rows.unique(others, keep="first", maintain_order=True)
    again = rows.join(once, on=PLACE, how="anti")[PLACE]
    differing = once.filter(pl.col("visit_id").is_duplicated())[PLACE]
    at = pl.int_range(pl.len())
    return table.set_aside("duplicate", at.is_in(again.implode())).set_aside(
        "repeated_visit", at.is_in(differing.implode())
    )


def matched(visits: Opened, pages: Opened) -> tuple[Opened, Opened]:
    """Return visits that have page views, and page views that have a visit; the others are set aside.

    Raises:
        TableError: one of the tables has no visit_id, or a row stands for several visits.
    """
    for table in (visits, pages):
        if "visit_id" not in table.has:
            raise TableError.of(
                table.table.where,
                "no column visit_id, so visits and pages cannot be joined",
                "visit_id in both tables",
                "map it, or pass the pages alone: visits are cut by idle time then",
                column="visit_id",
            )
    if "visits" in visits.has and (visits.table.frame["visits"] > 1).any():
        raise TableError.of(
            visits.table.where,
            "rows that stand for several visits, and a table of pages",
            "a row a visit, which the pages refer to",
            "leave out the pages, or the column visits",
            column="visits",
        )
    ids = pl.col("visit_id").cast(pl.String)
    visits, pages = (each.set_aside("null_visit", ids.is_null()) for each in (visits, pages))
    viewed = pages.rows.select(ids)["visit_id"].unique()
    visits = visits.set_aside("visit_without_pages", ~ids.is_in(viewed.implode()))
    known = visits.rows.select(ids)["visit_id"].unique()
    return visits, pages.set_aside("page_without_visit", ~ids.is_in(known.implode()))


def visited(visits: Opened, viewed: Viewed | None) -> Visited:
    """Return the visits of a table, with what their pages tell: these decide where both tell something."""
    rows, where, warnings = visits.rows, visits.table.where, list(visits.table.warnings)
    told = [name for name in ("bounces", "seconds") if viewed is not None and name in visits.has]
    if told:
        warnings.append(f"{where}: {' and '.join(told)} are not read: the pages tell them")
    names = [name for name in rows.columns if viewed is None or name not in ("page", *told)]
    rows = rows.select(names).with_columns(
        pl.col("timestamp").alias(WHEN),
        (pl.col("customer_id") if "customer_id" in names else pl.lit(None)).cast(pl.String).alias(WHO),
        (pl.col("visits") if "visits" in names else pl.lit(1)).cast(pl.Int64).alias(MANY),
        (pl.col("visit_id") if "visit_id" in names else pl.lit(None)).cast(pl.String).alias(VISIT),
    )
    if viewed is None:
        views = pl.col("page_views") if "page_views" in names else pl.lit(None)
        time = (pl.col("seconds") * SECOND).round() if "seconds" in names else pl.lit(None)
        rows = rows.with_columns(views.cast(pl.Int64).alias(VIEWS), time.cast(pl.Int64).alias(SECONDS))
        single = (pl.col(VIEWS) <= pl.col(MANY)).fill_null(False) & pl.lit("seconds" in names)
        rows = rows.with_columns(
            (pl.col(VIEWS) - pl.col(MANY)).alias(TIMED),
            pl.when(single).then(0).otherwise(SECONDS).alias(SECONDS),
        )
    else:
        facts = of_pages(viewed).select(VISIT, VIEWS, SECONDS, TIMED, *ENDS, pl.col(WHO).alias("of pages"))
        rows = rows.join(facts.drop(set(ENDS) & set(names)), on=VISIT, how="left", maintain_order="left")
        rows = rows.with_columns(pl.coalesce(WHO, "of pages").alias(WHO)).drop("of pages")
        other = (rows["page_views"] != rows[VIEWS]).sum() if "page_views" in names else 0
        if other:
            warnings.append(f"{where}: {other:,} rows tell other page_views than the pages: those count")
        rows = with_told(rows)
    names += [name for name in ("page_views", "seconds", *ENDS) if name in rows.columns]
    return Visited(rows, tuple(dict.fromkeys(names)), where, tuple(warnings))


def with_told(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with page_views and seconds as their pages tell, for a predicate to read."""
    return rows.with_columns(page_views=pl.col(VIEWS), seconds=pl.col(SECONDS) / SECOND)
