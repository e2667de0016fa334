"""Ads: what a report of ads counts beside its spend: impressions, clicks, conversions it claims."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from attribution.kpis.engagement.counted import Counted
from attribution.tables import Checked, Reading, check_table
from attribution.tables.sources import Read
from attribution.tables.values import holds_numbers

# Our columns, and what the unified report of ads calls them.
REPORT = {"date": "date_day", "channel": "platform", "campaign": "campaign_name"}
SHOWN, CLAIMED = ("impressions", "clicks"), "conversions"
COUNTS = (*SHOWN, CLAIMED)
AD, NAMES = "{} of the row", {CLAIMED: "platform_conversions"}  # by column of the report
AD_NAMES = ("ad_spend", *(NAMES.get(name, name) for name in COUNTS))


def as_reported(found: Collection[str], columns: Mapping[str, str] | None) -> dict[str, str]:
    """Return how the columns of a spend table are named, where it is a unified report of ads.

    >>> as_reported(["date_day", "platform", "spend"], None)
    {'date': 'date_day', 'channel': 'platform'}
    """
    given = dict(columns or {})
    for ours, theirs in REPORT.items():
        if ours not in given and ours not in found and theirs in found and theirs not in given.values():
            given[ours] = theirs
    return given


def ads_of(
    money: Checked, whole: Read, reading: Reading, columns: Mapping[str, str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the counts of the used rows of a spend table, null where a row is no ad, and warnings.

    A row is an ad where it tells what the table has of impressions and clicks. One with more clicks than
    impressions, or with a count that is none, is no ad, and is told; its spend counts all the same.

    """
    named = {name: columns.get(name, name) for name in COUNTS}
    found = [name for name in COUNTS if named[name] in whole.frame.columns]
    there = [name for name in found if holds_numbers(whole.frame.schema[named[name]])]
    told = [
        f"{money.where}, column {named[name]!r}: {whole.frame.schema[named[name]]} is no count, so not read"
        for name in found
        if name not in there
    ]
    shown = [name for name in SHOWN if name in there]
    if not shown:
        return pl.DataFrame(), tuple(told)
    counts = whole.select([named[name] for name in there])
    table = check_table("ads", counts, reading, {name: named[name] for name in there})
    some, every = (
        table.frame.select(fold(pl.col(shown).is_not_null()))[:, 0]
        for fold in (pl.any_horizontal, pl.all_horizontal)
    )
    broken = {
        "a count that is no number": table.reason.is_not_null(),
        "a negative count": table.frame.select(pl.any_horizontal(pl.col(there) < 0).fill_null(False))[:, 0],
        f"{' or '.join(shown)} but not both": some & ~every,
    }
    if len(shown) == len(SHOWN):
        above = table.frame["clicks"] > table.frame["impressions"]
        broken["more clicks than impressions"] = above.fill_null(False)
    rest = money.reason.is_null() & (some | table.reason.is_not_null())
    for why, rows in broken.items():
        if (rows & rest).any():
            first = ", ".join(f"row {row}" for row in (rows & rest).arg_true().head(5))
            count = (rows & rest).sum()
            told.append(f"{money.where}: {count:,} rows with {why} are no ads; their spend counts: {first}")
        rest &= ~rows
    if CLAIMED in there and (unclaimed := (table.frame[CLAIMED].is_null() & rest).sum()):
        told.append(f"{money.where}: {unclaimed:,} ads tell no conversions, which count as 0")
    numbers = [pl.col(name).cast(pl.Float64).fill_null(0.0) for name in there]
    ads = table.frame.select(pl.when(pl.lit(rest)).then(each) for each in numbers)
    return ads.rename({name: AD.format(name) for name in there}).filter(money.reason.is_null()), tuple(told)


def ads_by(ads: pl.DataFrame, by: Sequence[str], unknown: Sequence[str]) -> Counted | None:
    """Return spend and counts of ads by the dimensions, which are columns beside them; None without ads."""
    columns = {AD.format(name): NAMES.get(name, name) for name in COUNTS if AD.format(name) in ads.columns}
    if not columns:
        return None
    rows = ads.rename({**columns, "spend": "ad_spend"}).filter(
        pl.all_horizontal(pl.col(columns.values()).is_not_null())
    )
    names = ("ad_spend", *columns.values())
    totals = exact_sums(rows, (), names).row(0, named=True)
    unsure = "ads are counted without customers"
    if unknown:
        return Counted(names, None, totals, f"ads are not known by {', '.join(unknown)}", unsure=unsure)
    return Counted(names, exact_sums(rows, by, names), totals, "no ads", unsure=unsure)


def exact_sums(rows: pl.DataFrame, by: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Return the exactly rounded sums of columns by cell, whatever the order of the rows.

    >>> exact_sums(pl.DataFrame({"a": ["x", "x"], "n": [0.5, 1.0]}), ["a"], ["n"]).rows()
    [('x', 1.5)]
    """
    if not by:
        return pl.DataFrame([{name: math.fsum(rows[name]) for name in names}])
    cells = rows.group_by(by).agg(pl.col(name) for name in names).sort(by, nulls_last=True)
    sums = [pl.Series(name, list(map(math.fsum, cells[name])), dtype=pl.Float64) for name in names]
    return cells.select(by).hstack(sums)
