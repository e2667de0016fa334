"""Stages: how far each lead came, as numbers that add up: reached, skipped, re-entered, won, lost, open."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from attribution.errors import ParameterError

STAGES = {"mqls": "mql_at", "sqls": "sql_at", "opportunities": "opportunity_at"}
WON, LOST = "won_at", "lost_at"
ENDS = {"wins": WON, "lost": LOST}
IRREGULAR = ("skipped_", "reentered_", "reopened")  # counts of leads that went another way than all
ABOUT = ("account_id",)


def name_of(column: str, known: Collection[str]) -> str | None:
    """Return the name under which a log knows a column of the outcomes, None where it does not."""
    return next((name for name in (column, f"outcome_{column}") if name in known), None)


def chosen(stages: Mapping[str, str] | None, known: Collection[str]) -> dict[str, str]:
    """Return the stages in their order: those that were asked for, or the usual ones that are there.

    Raises:
        ParameterError: a stage that was asked for has no column, or a name that is taken.

    >>> chosen(None, ["sql_at", "owner"])
    {'sqls': 'sql_at'}
    """
    if stages is None:
        return {name: column for name, column in STAGES.items() if name_of(column, known)}
    for name, column in stages.items():
        if name_of(column, known) is None:
            raise ParameterError.unknown("column of the stage times", column, known)
        if name in ("leads", "closed", "open", *ENDS) or not name.isidentifier():
            raise ParameterError.out_of_range("stages", name, "a name such as demos, that no count has")
    return dict(stages)


def counted(facts: pl.DataFrame, stages: Mapping[str, str], leads: str) -> pl.DataFrame:
    """Return how far each lead came: a row a lead of ``facts``, a column a count.

    A stage is reached with its own time or that of a later stage, so counts never rise along the funnel.
    skipped_X: reached without a time of its own; reentered_X: its time lies after that of a later stage.
    Where wins are counted they decide, else the later of won_at and lost_at. Lost is what was not won and
    has a lost_at that nothing follows; what moved on after it, or after a win that was taken back, is
    ``reopened``. ``customers`` (and ``accounts``) are leads that were the first win of theirs.

    Two leads, of which one became an SQL without ever having been an MQL:

    >>> time = pl.Datetime("us", "UTC")
    >>> leads = pl.DataFrame(
    ...     {"customer_id": ["a", "b"], "leads": [1.0, 1.0], "mql_at": None, "sql_at": [5, None]},
    ...     schema_overrides={"mql_at": time, "sql_at": time},
    ... ).with_columns(ends_at=pl.lit(0).cast(time))
    >>> counts = counted(leads, {"mqls": "mql_at", "sqls": "sql_at"}, "leads")
    >>> counts.select("mqls", "skipped_mqls", "sqls").rows()
    [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0)]
    """
    n, has_lost = pl.col(leads), LOST in facts.columns
    times = [*stages.values(), *([WON] if WON in facts.columns else [])]
    latest = pl.max_horizontal(times) if times else pl.lit(None, pl.Datetime("us", "UTC"))
    lost_at = pl.col(LOST) if has_lost else pl.lit(None, pl.Datetime("us", "UTC"))
    won_at = pl.col(WON) if WON in facts.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    taken_back = (lost_at > won_at).fill_null(False)
    won = pl.col("wins") if "wins" in facts.columns else pl.when(won_at.is_not_null() & ~taken_back).then(n)
    rows = facts.with_columns(
        won=won.fill_null(0.0), moved_on=(latest > lost_at).fill_null(False), latest=latest
    ).with_columns(
        lost=pl.when(lost_at.is_not_null() & ~pl.col("moved_on")).then(n - pl.col("won")).otherwise(0.0)
    )
    counts, irregular = dict[str, pl.Expr](), dict[str, pl.Expr]()
    for place, (name, time) in enumerate(stages.items()):
        after = times[place + 1 :]
        reached = pl.any_horizontal(pl.col(each).is_not_null() for each in times[place:])
        counts[name] = pl.when(reached).then(n).otherwise("won")
        irregular[f"skipped_{name}"] = pl.when(pl.col(time).is_null()).then(counts[name]).otherwise(0.0)
        earlier = pl.min_horizontal(after) if after else pl.lit(None, pl.Datetime("us", "UTC"))
        irregular[f"reentered_{name}"] = (
            pl.when((pl.col(time) > earlier).fill_null(False)).then(n).otherwise(0.0)
        )
    counts["wins"] = pl.col("won")
    if has_lost:
        counts["lost"], counts["closed"] = pl.col("lost"), pl.col("won") + pl.col("lost")
    counts["open"] = n - pl.col("won") - pl.col("lost")
    if "opportunities" in stages:
        counts["open_opportunities"] = pl.min_horizontal(counts["opportunities"], counts["open"])
    if "value" in facts.columns and "opportunities" in stages:
        share = counts["open_opportunities"] / n
        counts["pipeline"] = pl.col("value").fill_null(0.0) * share
    back = won_at.is_not_null() & (pl.col("won") == 0)
    irregular["reopened"] = pl.when(pl.col("moved_on") | back).then(n).otherwise(0.0)
    won_time = pl.coalesce(won_at, "ends_at")
    for name, owner in (("customers", "customer_id"), ("accounts", "account_id")):
        if owner in facts.columns:
            counts[name] = first_win(won_time, owner).cast(pl.Float64)
    return rows.with_row_index("place").select(
        each.alias(name) for name, each in (counts | irregular).items()
    )


def first_win(won_time: pl.Expr, owner: str) -> pl.Expr:
    """Return whether a lead is the first that its owner won; of one instant the first row."""
    is_won = (pl.col("won") > 0) & pl.col(owner).is_not_null()
    time = pl.when(is_won).then(won_time)
    earliest = time == time.min().over(owner)
    row = pl.when(earliest.fill_null(False)).then(pl.col("place"))
    return (row == row.min().over(owner)).fill_null(False)
