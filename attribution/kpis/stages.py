"""Stages: how far each lead came, as numbers that add up: reached, skipped, re-entered, won, lost, open."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from attribution.credit_log import NAMES
from attribution.errors import ParameterError

STAGES = {"mqls": "mql_at", "sqls": "sql_at", "opportunities": "opportunity_at"}
WON, LOST = "won_at", "lost_at"
ENDS = {"wins": WON, "lost": LOST}
IRREGULAR = ("skipped_", "reentered_", "reopened")  # counts of leads that went another way than all
COUNTS = ("leads", *ENDS, "closed", "open", "open_opportunities", "pipeline", "customers", "accounts")
ABOUT = ("account_id",)
VALUE = "value of the lead"  # no column of any table, nor are these:
WON_NOW, LOST_NOW, MOVED_ON, PLACE = "is won", "is lost", "has moved on", "place of the lead"
NEVER = pl.lit(None, pl.Datetime("us", "UTC"))


def name_of(column: str, known: Collection[str]) -> str | None:
    """Return the name under which a log knows a column of the outcomes, None where it does not."""
    return next((name for name in (column, f"outcome_{column}") if name in known), None)


def chosen(
    stages: Mapping[str, str] | None, known: Collection[str], outcome_names: Collection[str] = ()
) -> dict[str, str]:
    """Return the stages in their order: those that were asked for, or the usual ones that are there.

    What is an outcome already is not counted as a stage too.

    Raises:
        ParameterError: a stage that was asked for has no column, or a name that is taken.

    >>> chosen(None, ["sql_at", "owner"])
    {'sqls': 'sql_at'}
    """
    if stages is None:
        there = {name: column for name, column in STAGES.items() if name_of(column, known)}
        return {name: column for name, column in there.items() if name not in outcome_names}
    if not isinstance(stages, Mapping):
        raise ParameterError.out_of_range("stages", stages, 'names and columns, as {"demos": "demo_at"}')
    for name, column in stages.items():
        if name_of(column, known) is None:
            raise ParameterError.unknown("column of the stage times", column, known)
        taken = name in (*COUNTS, *NAMES, *outcome_names) or name.startswith(IRREGULAR)
        if taken or not name.isidentifier():
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
    n, is_told = pl.col(leads), {"wins", WON} & {*facts.columns}
    lost_at = pl.col(LOST) if LOST in facts.columns else NEVER
    won_at = pl.col(WON) if WON in facts.columns else NEVER
    times = [*stages.values(), *([WON] if WON in facts.columns else [])]
    latest = pl.max_horizontal(times) if times else NEVER
    kept = ~(lost_at > won_at).fill_null(False)
    won = pl.col("wins") if "wins" in facts.columns else pl.when(won_at.is_not_null() & kept).then(n)
    rows = facts.with_columns(
        won.fill_null(0.0).alias(WON_NOW), (latest > lost_at).fill_null(False).alias(MOVED_ON)
    )
    is_lost = lost_at.is_not_null() & ~pl.col(MOVED_ON)
    rows = rows.with_columns(pl.when(is_lost).then(n - pl.col(WON_NOW)).otherwise(0.0).alias(LOST_NOW))
    counts, irregular = dict[str, pl.Expr](), dict[str, pl.Expr]()
    for place, (name, time) in enumerate(stages.items()):
        reached = pl.any_horizontal(pl.col(each).is_not_null() for each in times[place:])
        counts[name] = pl.when(reached).then(n).otherwise(WON_NOW)
        irregular[f"skipped_{name}"] = pl.when(pl.col(time).is_null()).then(counts[name]).otherwise(0.0)
        after = times[place + 1 :]
        back = (pl.col(time) > (pl.min_horizontal(after) if after else NEVER)).fill_null(False)
        irregular[f"reentered_{name}"] = pl.when(back).then(n).otherwise(0.0)
    if LOST in facts.columns:
        counts["lost"] = pl.col(LOST_NOW)
    if is_told:  # else it is not known what is open, and who is a customer
        counts["wins"] = pl.col(WON_NOW)
        if LOST in facts.columns:
            counts["closed"] = pl.col(WON_NOW) + pl.col(LOST_NOW)
        counts["open"] = n - pl.col(WON_NOW) - pl.col(LOST_NOW)
        if "opportunities" in stages:
            counts["open_opportunities"] = pl.min_horizontal(counts["opportunities"], counts["open"])
        if VALUE in facts.columns:
            counts["pipeline"] = pl.col(VALUE).fill_null(0.0) * counts["open_opportunities"] / n
        for name, owner in (("customers", "customer_id"), ("accounts", "account_id")):
            if owner in facts.columns:
                counts[name] = pl.lit(first_wins(rows, pl.coalesce(won_at, "ends_at"), owner))
    taken_back = won_at.is_not_null() & (pl.col(WON_NOW) == 0)
    irregular["reopened"] = pl.when(pl.col(MOVED_ON) | taken_back).then(n).otherwise(0.0)
    return rows.select(each.alias(name) for name, each in (counts | irregular).items())


def first_wins(rows: pl.DataFrame, won_time: pl.Expr, owner: str) -> pl.Series:
    """Return 1 for the lead that its owner won first, shared equally where several were won at once."""
    is_won = (pl.col(WON_NOW) > 0) & pl.col(owner).is_not_null()
    won = rows.with_row_index(PLACE).filter(is_won).select(PLACE, owner, won_time.alias(WON))
    earliest = won.group_by(owner).agg(pl.col(WON).min())
    first = won.join(earliest, on=[owner, WON])
    shared = first.join(first.group_by(owner).agg(pl.len().alias("many")), on=owner)
    return pl.zeros(len(rows), pl.Float64, eager=True).scatter(shared[PLACE], 1.0 / shared["many"])
