"""Spend: money by channel and by what else the spend table knows, in one currency."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.channels import label, normalised
from attribution.dimensions import PERIODS, comparable, first_day
from attribution.errors import ParameterError, TableError, shown
from attribution.log_rows import quoted
from attribution.tables import TABLES, Checked, Reading, RowCount, Source, check_table
from attribution.tables.sources import read

MEASURES = ("spend", "impressions", "clicks")
REPEATED = ("error", "sum")


@dataclass(frozen=True, eq=False)
class Spend:
    """Spend by those of the dimensions that the table knows, which ``unknown`` leaves over."""

    table: pl.DataFrame  # the known dimensions, spend
    total: float
    unknown: tuple[str, ...]
    rows: RowCount
    warnings: tuple[str, ...]


def spend_by(
    source: Source, by: Sequence[str], columns: Mapping[str, str] | None, reading: Reading, repeated: str
) -> Spend:
    """Return the spend by the dimensions: exactly rounded sums, whatever the order of the rows.

    Raises:
        TableError: the table cannot be used, holds several currencies, or names a day of a channel twice.
    """
    if repeated not in REPEATED:
        raise ParameterError.out_of_range(
            "repeated_spend", repeated, f"one of {', '.join(map(repr, REPEATED))}"
        )
    whole = read(source, "spend", None, reading.delimiter)
    money = check_table("spend", whole, reading, columns)
    money = checked_spend(money, whole.frame, dict(columns or {}), repeated)
    ours = {column.name for column in TABLES["spend"]}
    others = [name for name in by if name in whole.frame.columns and name not in ours]
    extra = [quoted(comparable(whole.frame[name])) for name in others if not dated(name)]
    used = money.frame.with_columns(quoted(money.frame[name]) for name in money.frame.columns[1:])
    used = used.hstack(extra).filter(money.reason.is_null())
    known = [
        name
        for name in by
        if ("date" in used.columns and own_clock(name, by) if dated(name) else name in used.columns)
    ]
    keys = used.select(known_dimension(name, reading.timezone or "UTC") for name in known)
    amounts = defaultdict(list)
    for key, amount in zip(keys.iter_rows(), used["spend"], strict=bool(known)):
        amounts[
            tuple(label(normalised(v)) if n == "channel" else v for n, v in zip(known, key, strict=True))
        ].append(amount)
    sums = [(*key, math.fsum(each)) for key, each in amounts.items()]
    table = pl.DataFrame(sums, schema={**keys.schema, "spend": pl.Float64}, orient="row")
    table = table.sort(known, nulls_last=True) if known else table
    unknown = tuple(name for name in by if name not in known)
    return Spend(table, math.fsum(used["spend"]), unknown, money.count, money.warnings)


def checked_spend(money: Checked, source: pl.DataFrame, columns: Mapping[str, str], repeated: str) -> Checked:
    """Return the spend without what cannot be spent; TableError where its amounts must not be added."""
    money = money.set_aside("negative_spend", pl.col("spend") < 0)
    check_currency(money)
    if repeated == "error":
        check_repeats(money, source, columns)
    return money


def dated(name: str) -> bool:
    """Return whether a dimension is a period, which the day of the spend decides."""
    return name.removeprefix("touchpoint_") in PERIODS


def own_clock(name: str, by: Sequence[str]) -> bool:
    """Return whether a period is that of the spend, which is the touchpoint's where both are asked for.

    By the lead's week and the touchpoint's at once, money cannot be told apart: it is spent once.
    """
    return name.startswith("touchpoint_") or not any(
        dated(each) and each.startswith("touchpoint_") for each in by
    )


def known_dimension(name: str, zone: str) -> pl.Expr:
    """Return a dimension of the spend table."""
    if not dated(name):
        return pl.col(name)
    return first_day(pl.col("date"), PERIODS[name.removeprefix("touchpoint_")], zone).alias(name)


def check_currency(money: Checked) -> None:
    """Raise TableError where amounts of several currencies would be added."""
    if "currency" not in money.frame.columns:
        return
    found = money.used["currency"].drop_nulls().unique().sort()
    if len(found) > 1:
        raise TableError.of(
            money.where,
            f"{len(found)} currencies",
            "amounts of one currency",
            "convert the amounts to one currency, or measure each currency by itself",
            column="currency",
            count=len(money.used),
            examples=tuple(map(shown, found[:5])),
        )


def check_repeats(money: Checked, source: pl.DataFrame, columns: Mapping[str, str]) -> None:
    """Raise TableError where a day of a channel has several rows that nothing tells apart."""
    if "date" not in money.frame.columns:
        return
    measures = {columns.get(name, name) for name in MEASURES}
    keys = [name for name in source.columns if name not in measures]
    rows = source.filter(money.reason.is_null())
    repeated = rows.filter(pl.struct(keys).is_duplicated())
    if len(repeated):
        first = repeated.select(keys).unique().sort(keys).head(5)
        raise TableError.of(
            money.where,
            f"rows that differ in nothing but {' and '.join(sorted(measures & set(source.columns)))}",
            "one row for a day of a channel, or a column (campaign, account, ad) that tells the rows apart",
            'remove the repeats, or add them up with repeated_spend="sum" (--repeated-spend sum)',
            column=columns.get("date", "date"),
            count=len(repeated),
            examples=tuple(", ".join(map(str, row)) for row in first.iter_rows()),
        )
