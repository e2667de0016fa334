"""Sales time: the hours of sales as a cost of each outcome, hours x rate, by outcome or by owner."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from attribution.errors import Fault, TableError, shown
from attribution.kpis.costs.amortisation import spread
from attribution.kpis.costs.ledger import check_all_used
from attribution.tables import Checked, Column, Reading, Source, check_table
from attribution.tables.sources import read
from attribution.tables.values import overflow

SALES_COST = "sales_cost"
OWNER = Column("owner", "text", "who works for the outcome")


def sales_time(
    leads: Source,
    hours: Source,
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> pl.DataFrame:
    """Return the outcomes with a column sales_cost (money): what sales worked for each.

    Formula: hours x rate of the rows of ``hours`` that name the outcome_id, plus an equal share, to the
    cent, of those that name the owner alone: the first of the owner's outcomes get the cents that are left.
    Rows of one outcome_id are one outcome, of the owner of the latest, and each carries its cost.
    ``columns`` maps our names to those of the outcomes table. Named as an outcome of ``stitch``, after
    the leads, the cost is shared among channels by every model.

    Raises:
        TableError: a table cannot be used, or hours are those of an outcome or owner that there is not.

    >>> leads = pl.DataFrame({"customer_id": ["a", "b"], "timestamp": ["2026-03-01", "2026-03-02"],
    ...                       "outcome_id": ["x", "y"], "owner": ["Kim", "Kim"]})
    >>> hours = pl.DataFrame({"outcome_id": ["x", None], "owner": [None, "Kim"], "hours": [2, 1],
    ...                       "rate": [40.0, 50.0]})
    >>> sales_time(leads, hours)["sales_cost"].to_list()
    [105.0, 25.0]
    """
    reading = reading or Reading()
    whole = read(leads, "outcomes", None, reading.delimiter)
    if SALES_COST in whole.columns:
        raise TableError.of(
            whole.where, "a column sales_cost", "outcomes without it", "rename it", column=SALES_COST
        )
    ended = check_table("outcomes", whole, reading, columns, [OWNER])
    told = check_table("hours", hours, reading)
    worked = costs_of(told)
    keys = outcomes_of(ended)
    owner_of = latest_owner(ended, keys)
    owned: dict[str, list[str | int]] = defaultdict(list)
    for key, owner in owner_of.items():
        if owner is not None:
            owned[owner].append(key)
    alone = worked.filter(pl.col("outcome_id").is_null())
    direct = worked.filter(pl.col("outcome_id").is_not_null())
    check_known(told.where, {"outcome_id": (direct, set(owner_of)), "owner": (alone, set(owned))})
    costs: dict[str | int, list[float]] = defaultdict(list)
    for key, cost in direct.select("outcome_id", "cost").iter_rows():
        costs[key].append(cost)
    by_owner: dict[str, list[float]] = defaultdict(list)
    for owner, cost in alone.select("owner", "cost").iter_rows():
        by_owner[owner].append(cost)
    for owner, each in by_owner.items():
        parts = spread(math.fsum(each), [1.0] * len(owned[owner]))
        for key, part in zip(owned[owner], parts, strict=True):
            costs[key].append(part)
    found = [math.fsum(costs[key]) if key in costs else 0.0 for key in keys]
    return whole.frame.with_columns(pl.Series(SALES_COST, found, dtype=pl.Float64))


def outcomes_of(ended: Checked) -> list[str | int]:
    """Return which outcome each row is: its outcome_id, or where there is none the number of the row."""
    rows = range(len(ended.frame))
    if "outcome_id" not in ended.frame.columns:
        return list(rows)
    return [row if key is None else key for row, key in zip(rows, ended.frame["outcome_id"], strict=True)]


def latest_owner(ended: Checked, keys: Sequence[str | int]) -> dict[str | int, str | None]:
    """Return the owner of each outcome that is used, by its latest row that names one, in order of rows."""
    used = [row for row, reason in enumerate(ended.reason) if reason is None]
    owners: dict[str | int, str | None] = {keys[row]: None for row in used}
    if "owner" in ended.frame.columns:
        times, names = ended.frame["timestamp"].to_list(), ended.frame["owner"].to_list()
        for row in sorted(used, key=times.__getitem__):
            owners[keys[row]] = names[row] or owners[keys[row]]
    return owners


def costs_of(hours: Checked) -> pl.DataFrame:
    """Return outcome_id, owner and cost of each row; TableError where one is no cost of anybody."""
    names = [name for name in ("outcome_id", "owner") if name in hours.frame.columns]
    rows = hours.frame.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in ("outcome_id", "owner") if name not in names),
        cost=pl.col("hours") * pl.col("rate"),
    )
    odd = rows.select(
        (pl.col("outcome_id").is_null() & pl.col("owner").is_null())
        | (pl.col("hours") < 0)
        | (pl.col("rate") < 0)
    ).to_series()
    bad = rows.with_row_index("row").filter(odd | hours.reason.is_not_null())
    check_all_used(
        hours.where, bad, "an outcome_id or an owner, and hours and a rate from 0 on, in every row"
    )
    if faults := overflow(rows["cost"], hours.where, "hours"):
        raise TableError(faults)
    return rows.select("outcome_id", "owner", "cost")


def check_known(where: str, named: Mapping[str, tuple[pl.DataFrame, Collection[str | int]]]) -> None:
    """Raise TableError where hours are those of an outcome, or an owner, that there is not."""
    faults = []
    for name, (rows, known) in named.items():
        odd = [each for each in rows[name] if each not in known]
        if odd:
            told = tuple(map(shown, sorted(set(odd))[:5]))
            expected, remedy = f"{name}s of the outcomes table", "correct the names, or add the outcomes"
            faults.append(Fault(where, f"unknown {name}s", expected, remedy, name, len(odd), told))
    if faults:
        raise TableError(faults)
