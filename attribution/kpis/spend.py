"""Spend: money by channel and by what else the spend table knows, in one currency."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.channels import label, normalised
from attribution.dimensions import PERIODS
from attribution.errors import ParameterError, TableError, shown
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
    money = money.set_aside("negative_spend", pl.col("spend") < 0)
    check_currency(money)
    if repeated == "error":
        check_repeats(money, whole.frame, dict(columns or {}))
    ours = {column.name for column in TABLES["spend"]}
    others = [name for name in by if name in whole.frame.columns and name not in ours]
    used = money.frame.hstack(whole.frame.select(others)).filter(money.reason.is_null())
    known = [name for name in by if name in used.columns or (dated(name) and "date" in used.columns)]
    keys = used.select(known_dimension(name) for name in known)
    amounts = defaultdict(list)
    for key, amount in zip(keys.iter_rows(), used["spend"], strict=True):
        amounts[
            tuple(label(normalised(v)) if n == "channel" else v for n, v in zip(known, key, strict=True))
        ].append(amount)
    sums = [(*key, math.fsum(each)) for key, each in amounts.items()]
    table = pl.DataFrame(sums, schema={**keys.schema, "spend": pl.Float64}, orient="row")
    table = table.sort(known, nulls_last=True) if known else table
    unknown = tuple(name for name in by if name not in known)
    return Spend(table, math.fsum(used["spend"]), unknown, money.count, money.warnings)


def dated(name: str) -> bool:
    """Return whether a dimension is a period, which the day of the spend decides."""
    return name.removeprefix("touchpoint_") in PERIODS


def known_dimension(name: str) -> pl.Expr:
    """Return a dimension of the spend table."""
    if not dated(name):
        return pl.col(name)
    return pl.col("date").dt.truncate(PERIODS[name.removeprefix("touchpoint_")]).dt.date().alias(name)


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
