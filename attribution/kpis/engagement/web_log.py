"""The web log: visits and page views as activity: bounces, exits, time, goals, abandonment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.engagement.activity import HASH, OWNER, WHEN, Activity, Grain, drawn_how, owners
from attribution.kpis.engagement.goals import Goal, Predicate, checked_goals, holds
from attribution.kpis.engagement.opened import Opened
from attribution.kpis.engagement.pages import VISIT, WHO, Viewed, by_visit, checked_pages, in_visits
from attribution.kpis.engagement.reached import (
    CODE,
    CONVERTS,
    QUALIFIED,
    counts_of_pages,
    counts_of_visits,
    flag,
    names_in,
    names_of,
    rate_of,
    with_goals,
)
from attribution.kpis.engagement.visits import MANY, checked_visits, matched, visited, visits_of
from attribution.stitched import FOLDS
from attribution.stitching.end_of_data import instant_of
from attribution.tables import Reading, Source


def web_log(
    visits: Source | None = None,
    pages: Source | None = None,
    *,
    goals: Sequence[Goal] = (),
    qualified: Predicate | None = None,
    idle_minutes: float = 30.0,
    as_of: datetime | str | None = None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
    intervals: float | None = None,
    replicates: int = 1000,
    seed: int = 0,
    folds: int = FOLDS,
    reading: Reading | None = None,
) -> Activity:
    """Return visits and page views as activity, whose KPIs ``engagement`` and ``measure`` make.

    ``visits``: timestamp, and where known visit_id, customer_id, channel, page_views, seconds, and any
    column to tell cells by (campaign, landing_page, site, device); a row may stand for many (``visits``,
    bounces, engaged_visits, converting_visits). ``pages``: timestamp, page, and visit_id or customer_id, by
    which they are cut into visits where nothing is viewed for more than ``idle_minutes``. Pages alone make
    their visits. By the columns of the pages (page) visits are those that saw it, each once.

    A visit converts when it reaches any of the ``goals``. What converting_visits says counts without goals,
    and where rows stand for many visits that may have reached several.
    ``qualified`` is a condition on visits (page_views >= 3 AND seconds > 60): those that leave without
    conversion are abandoned. A visit is engaged if it saw two pages, took 10 seconds, or converted. Rows
    later than ``as_of`` are set aside.

    Raises:
        TableError: a table cannot be used.
        ParameterError: a goal or a condition names no column, or a parameter is outside its range.

    >>> from attribution import engagement
    >>> views = {"customer_id": ["a", "a", "b"], "page": ["home", "thanks", "home"]}
    >>> views["timestamp"] = ["2026-03-02 10:00", "2026-03-02 10:02", "2026-03-02 10:00"]
    >>> log = web_log(pages=pl.DataFrame(views), goals=[Goal("signup", "page = 'thanks'")])
    >>> table = engagement(log, by=["landing_page"]).table()
    >>> table.select("landing_page", "visits", "bounce_rate", "signup_rate", "time_on_page").row(0)
    ('home', 2.0, 0.5, 0.5, 120.0)
    """
    if visits is None and pages is None:
        raise ParameterError(
            "parameters 'visits' and 'pages': got neither, expected a table of either or both"
        )
    reading, mapped = reading or Reading(), columns or {}
    if not isinstance(mapped, Mapping) or not all(isinstance(each, Mapping) for each in mapped.values()):
        raise ParameterError.out_of_range("columns", columns, 'names by table, as {"pages": {"page": "url"}}')
    for name in mapped:
        if name not in ("visits", "pages"):
            raise ParameterError.unknown("table in columns=", name, ("visits", "pages"))
    drawn = drawn_how(intervals, replicates, seed, folds)
    told = checked_goals(goals)
    until = None if as_of is None else instant_of(as_of)
    opened: dict[str, Opened] = {}
    if visits is not None:
        opened["visits"] = checked_visits(visits, mapped.get("visits"), reading, until, pages is not None)
    if pages is not None:
        opened["pages"] = checked_pages(pages, mapped.get("pages"), reading, until)
    if len(opened) == 2:
        opened["visits"], opened["pages"] = matched(opened["visits"], opened["pages"])
    viewed = None
    if pages is not None:
        opened["pages"], key = by_visit(opened["pages"])
        viewed = in_visits(opened["pages"], key, idle_minutes)
    if visits is not None:
        seen_visits = visited(opened["visits"], viewed)
    else:
        assert viewed is not None
        seen_visits = visits_of(viewed)
    rows = with_goals(seen_visits, viewed, told)
    seen = tuple(names_in(seen_visits, rows))
    if qualified is not None:
        if CONVERTS not in rows.columns:
            why = "there are no goals, so nobody can tell who left without conversion: pass goals too"
            raise ParameterError(f"parameter 'qualified': {why}")
        is_qualified = holds(qualified, rows.select(seen), "qualified")
        if is_qualified.dtype != pl.Boolean:
            allowed = "a condition that is true or false of each visit, such as page_views >= 3"
            raise ParameterError.out_of_range("qualified", str(qualified), allowed)
        rows = rows.with_columns((is_qualified.cast(pl.Int64) * rows[MANY]).alias(QUALIFIED))
    if can_be_drawn(rows):
        rows = rows.with_columns(owners(rows[WHO], rows[VISIT].fill_null(rows[WHEN].cast(pl.String))))
    rows = rows.with_row_index(CODE)
    grains = [Grain(rows, counts_of_visits(rows, told), seen)]
    warnings = list(seen_visits.warnings)
    if viewed is not None:
        grains.append(page_grain(viewed, rows, seen, told))
        warnings += viewed.warnings
    tables = {name: each.table for name, each in opened.items()}
    zone = reading.timezone or "UTC"
    rates = tuple(rate_of(name) for name in names_of(told))
    return Activity("visits", tuple(grains), tables, zone, tuple(dict.fromkeys(warnings)), drawn, rates)


def can_be_drawn(rows: pl.DataFrame) -> bool:
    """Return whether each row is one visit, and customers are known: the others are drawn by themselves."""
    return bool((rows[MANY] == 1).all() and rows[WHO].is_not_null().any())


def page_grain(viewed: Viewed, rows: pl.DataFrame, seen: Sequence[str], goals: Sequence[Goal]) -> Grain:
    """Return the page views with what their visits tell; visits are counted where they saw a page."""
    own = [name for name in viewed.names if name in viewed.rows.columns]
    of_visit = [name for name in seen if name not in viewed.rows.columns]
    facts = [name for name in (CODE, OWNER, HASH, CONVERTS, QUALIFIED) if name in rows.columns]
    flags = [flag(name) for name in names_of(goals)]
    joined = viewed.rows.join(
        rows.select(VISIT, *of_visit, *facts, *flags), on=VISIT, how="left", maintain_order="left"
    )
    return Grain(joined, counts_of_pages(joined, goals), (*own, *of_visit))
