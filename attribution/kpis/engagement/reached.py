"""Reached: which visits reached which goal and layer, and what is counted of visits and of page views."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.activity import OWNER
from attribution.kpis.engagement.goals import Goal, columns_of, holds
from attribution.kpis.engagement.pages import IS_ENTRANCE, IS_EXIT, SECOND, SECONDS, VISIT, Viewed
from attribution.kpis.engagement.visits import MANY, TIMED, VIEWS, Visited
from attribution.kpis.entries import Kpi, visited

CONVERTS, QUALIFIED, CODE = "visits that convert", "visits that qualify", "number of the visit"
ENGAGED_SECONDS = 10  # from which a visit of one page is engaged


def flag(name: str) -> str:
    """Return the column of the rows that tells how many of their visits reached a goal or a layer."""
    return f"visits that reached {name}"


def names_of(goals: Sequence[Goal]) -> list[str]:
    """Return the names of goals and of their layers."""
    return [*(goal.name for goal in goals), *dict.fromkeys(goal.layer for goal in goals if goal.layer)]


def rate_of(name: str) -> Kpi:
    """Return the conversion rate of a goal or a layer."""
    return visited(f"{name}_rate", f"{name}_visits", "visits", f"visits that reached {name} / visits")


def with_goals(seen: Visited, viewed: Viewed | None, goals: Sequence[Goal]) -> pl.DataFrame:
    """Return the visits with how many reached each goal and layer, and how many converted at all.

    Raises:
        ParameterError: a goal names no column of the visits or of the pages.
        TableError: rows that stand for several visits do not tell how many reached any of several goals.
    """
    rows = seen.rows
    for goal in goals:
        rows = rows.with_columns(
            reached(goal, rows.select(names_in(seen, rows)), rows, viewed).alias(flag(goal.name))
        )
        odd = (rows[flag(goal.name)] > rows[MANY]) | (rows[flag(goal.name)] < 0)
        if odd.any():
            raise TableError.of(
                seen.where,
                f"visits that reached {goal.name}: below 0, or above the visits of the row",
                "a count of visits, each once",
                "correct the column, or write a condition instead of it",
                column=goal.name,
                count=int(odd.sum()),
                examples=tuple(f"row {row}" for row in odd.arg_true().head(5)),
            )
    layers = {goal.layer: [each.name for each in goals if each.layer == goal.layer] for goal in goals}
    for layer, names in layers.items():
        if layer:
            rows = rows.with_columns(any_of(rows, names, seen.where, layer).alias(flag(layer)))
    several = len(goals) > 1 and (rows[MANY] > 1).any()
    if "converting_visits" in rows.columns and (several or not goals):
        return rows.with_columns(pl.col("converting_visits").alias(CONVERTS))
    if not goals:
        return rows
    names = [goal.name for goal in goals]
    return rows.with_columns(any_of(rows, names, seen.where, "converting_visits").alias(CONVERTS))


def names_in(seen: Visited, rows: pl.DataFrame) -> list[str]:
    """Return the columns that the tables tell of visits, and no number of ours."""
    return list(dict.fromkeys(name for name in seen.names if name in rows.columns))


def reached(goal: Goal, told: pl.DataFrame, rows: pl.DataFrame, viewed: Viewed | None) -> pl.Series:
    """Return how many visits of each row reached a goal: by themselves, or by one of their page views."""
    what = f"goal {goal.name}"
    wanted = columns_of(goal.when, what)
    known = [] if viewed is None else [name for name in viewed.names if name in viewed.rows.columns]
    if viewed is None or not wanted <= {*known}:
        unknown = sorted(wanted - {*told.columns})
        if unknown and {*unknown} <= {*known}:
            allowed = "columns of the page views alone, or of the visits alone"
            raise ParameterError.out_of_range(what, ", ".join(sorted(wanted)), allowed)
        if unknown:
            raise ParameterError.unknown(
                f"column in {what}", unknown[0], dict.fromkeys([*known, *told.columns])
            )
        found = holds(goal.when, told, what)
        return found.cast(pl.Int64) * rows[MANY] if found.dtype == pl.Boolean else found.cast(pl.Int64)
    visits = viewed.rows.filter(holds(goal.when, viewed.rows.select(known), what).cast(pl.Boolean))[VISIT]
    return rows[VISIT].is_in(visits.unique().implode()).cast(pl.Int64)


def any_of(rows: pl.DataFrame, names: Sequence[str], where: str, what: str) -> pl.Series:
    """Return how many visits of each row reached any of the goals."""
    if len(names) == 1:
        return rows[flag(names[0])]
    if (rows[MANY] > 1).any():
        raise TableError.of(
            where,
            f"rows that stand for several visits, and {len(names)} goals: a visit may have reached both",
            "how many visits reached any of them",
            f"add a column converting_visits, or name one goal ({what})",
            column=what,
        )
    return rows.select(pl.max_horizontal(flag(name) for name in names).alias(what))[what]


def counts_of_visits(rows: pl.DataFrame, goals: Sequence[Goal]) -> dict[str, pl.Expr]:
    """Return what is counted of a row a visit (or several), as far as it is known."""
    single = (rows[MANY] == 1).all()
    has_views, has_time = (rows[name].null_count() < max(len(rows), 1) for name in (VIEWS, SECONDS))
    lasted = "seconds" in rows.columns and rows["seconds"].dtype.is_numeric()
    many = pl.col(MANY)
    counts = {"visits": many.sum()}
    if OWNER in rows.columns:
        counts["users"] = pl.col(OWNER).drop_nulls().n_unique()
    if has_views:
        counts |= {"page_views": pl.col(VIEWS).sum(), "exits": many.sum()}
    if "bounces" in rows.columns:
        counts["bounces"] = pl.col("bounces").sum()
    elif has_views and single:
        counts["bounces"] = (pl.col(VIEWS) == 1).sum()
    if "engaged_visits" in rows.columns:
        counts["engaged_visits"] = pl.col("engaged_visits").sum()
    elif single and (has_views or lasted):
        converts = pl.col(CONVERTS) > 0 if CONVERTS in rows.columns else pl.lit(False)
        long = (pl.col("seconds") >= ENGAGED_SECONDS).fill_null(False) if lasted else pl.lit(False)
        counts["engaged_visits"] = ((pl.col(VIEWS) >= 2).fill_null(False) | long | converts).sum()
    if has_views and has_time:
        counts |= {"page_views_timed": pl.col(TIMED).sum(), "seconds_on_page": pl.col(SECONDS).sum() / SECOND}
    if CONVERTS in rows.columns:
        counts["converting_visits"] = pl.col(CONVERTS).sum()
        if "users" in counts:
            counts["converting_users"] = pl.col(OWNER).filter(pl.col(CONVERTS) > 0).drop_nulls().n_unique()
    counts |= {f"{name}_visits": pl.col(flag(name)).sum() for name in names_of(goals)}
    counts |= valued(goals, {goal.name: pl.col(flag(goal.name)).sum() for goal in goals})
    if QUALIFIED in rows.columns:
        left = pl.col(MANY) - pl.col(CONVERTS)
        counts["qualified_visits"] = pl.col(QUALIFIED).sum()
        counts["abandoned_visits"] = left.filter(pl.col(QUALIFIED) > 0).sum()
    return counts


def counts_of_pages(rows: pl.DataFrame, goals: Sequence[Goal]) -> dict[str, pl.Expr]:
    """Return what is counted of a row a page view: its visits and their users each once."""

    def visits(of: pl.Expr) -> pl.Expr:
        return pl.col(CODE).filter(of).n_unique()

    counts = {
        "page_views": pl.len(),
        "entrances": pl.col(IS_ENTRANCE).sum(),
        "exits": pl.col(IS_EXIT).sum(),
        "page_views_timed": pl.col(SECONDS).count(),
        "seconds_on_page": pl.col(SECONDS).sum() / SECOND,
        "visits": pl.col(CODE).n_unique(),
    }
    if OWNER in rows.columns:
        counts["users"] = pl.col(OWNER).drop_nulls().n_unique()
    if CONVERTS in rows.columns:
        counts["converting_visits"] = visits(pl.col(CONVERTS) > 0)
        if OWNER in rows.columns:
            counts["converting_users"] = pl.col(OWNER).filter(pl.col(CONVERTS) > 0).drop_nulls().n_unique()
    of_goal = {name: visits(pl.col(flag(name)) > 0) for name in names_of(goals)}
    counts |= {f"{name}_visits": each for name, each in of_goal.items()}
    counts |= valued(goals, of_goal)
    if QUALIFIED in rows.columns:
        qualifies = pl.col(QUALIFIED) > 0
        left = qualifies & (pl.col(CONVERTS) == 0)
        counts |= {"qualified_visits": visits(qualifies), "abandoned_visits": visits(left)}
    return counts


def valued(goals: Sequence[Goal], counts: dict[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return the value of the goals that were reached, where they have any: of counts, so without order."""
    values = [(goal.name, goal.value) for goal in goals if goal.value is not None]
    if not values:
        return {}
    value = pl.lit(0.0)
    for name, each in values:
        value = value + counts[name].cast(pl.Float64) * each
    return {"goal_value": value}
