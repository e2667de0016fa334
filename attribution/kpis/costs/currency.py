"""Currency: amounts of several currencies brought to one, by a table of rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from attribution.errors import TableError, shown
from attribution.kpis.costs.ledger import check_all_used
from attribution.tables import Column, Reading, Source, check_table
from attribution.tables.sources import read
from attribution.tables.values import overflow

RATE = "rate of the currency"  # no column of any table


def converted(
    table: Source,
    rates: Source,
    money: Sequence[str] = ("revenue",),
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> pl.DataFrame:
    """Return the table with its columns of money in the currency of the rates, and no column currency.

    Formula: amount x rate, rounded to the cent; a rate of 1 leaves an amount as it is. ``rates`` has
    currency and rate, and may have date: the rate of the latest day not after the row's timestamp counts.
    ``columns`` maps currency and timestamp to the names that the table has for them.

    Raises:
        TableError: a currency has no rate, a row no currency or no amount, or the rates cannot be used.

    >>> leads = pl.DataFrame({"revenue": [10.0, 10.0], "currency": ["EUR", "USD"]})
    >>> converted(leads, pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.9]}))["revenue"].to_list()
    [10.0, 9.0]
    """
    reading = reading or Reading()
    whole = read(table, "table", None, reading.delimiter)
    extra = [Column(name, "number", "money", required=True, null=0.0) for name in money]
    checked = check_table("amounts", whole, reading, columns, extra)
    check_all_used(checked.where, checked.rejected, "a number in every row")
    rows = checked.frame.rename({"timestamp": "date"}, strict=False)
    amounts = exchanged(rows, money, rates, checked.where, reading)
    return whole.frame.with_columns(amounts).drop((columns or {}).get("currency", "currency"))


def exchanged(
    rows: pl.DataFrame, money: Sequence[str], rates: Source, where: str, reading: Reading
) -> list[pl.Series]:
    """Return the columns of money of rows of currency, and date, in the currency of the rates.

    Raises:
        TableError: a currency has no rate on the day, a row has no currency, or an amount overflows.
    """
    table = rate_table(rates, reading)
    keys = ["currency", *(["date"] if "date" in rows.columns and "date" in table.columns else [])]
    pairs = rows.with_columns(pl.col("currency").str.strip_chars()).select(keys)
    known = pairs.unique().drop_nulls()
    if "date" not in keys:
        dated = "date" in table.columns  # and rows without a day have none of its rates
        known = known.join(table.clear() if dated else table, on="currency", how="left")
    else:
        known = known.sort("date").join_asof(
            table.sort("date"), on="date", by="currency", strategy="backward", check_sortedness=False
        )
    found = pairs.join(known, on=keys, how="left", maintain_order="left")
    lacking = found.filter(pl.col("rate").is_null())
    if len(lacking):
        told = lacking.select(keys).unique().sort(keys).head(5).iter_rows()
        raise TableError.of(
            where,
            "amounts of a currency without a rate",
            "a rate of each currency (1 for that of the report), of no later a day than the amounts",
            "add the rates to the table of rates, and the currency to rows that have none",
            column="currency",
            count=len(lacking),
            examples=tuple(" on ".join(map(shown_cell, each)) for each in told),
        )
    rate = found["rate"].alias(RATE)
    new = [
        rows[name].zip_with(rate == 1, (rows[name] * rate).round(2, mode="half_away_from_zero"))
        for name in money
    ]
    faults = [fault for each in new for fault in overflow(each, where, each.name)]
    if faults:
        raise TableError(faults)
    return new


def shown_cell(cell: object) -> str:
    """Return a currency or a day as it is told."""
    return "(none)" if cell is None else shown(cell) if isinstance(cell, str) else f"{cell:%Y-%m-%d}"


def rate_table(rates: Source, reading: Reading) -> pl.DataFrame:
    """Return the rates by currency, and day where they have one; TableError where one is none, or two."""
    table = check_table("rates", rates, reading)
    frame = table.frame.with_columns(pl.col("currency").str.strip_chars())
    odd = table.reason.is_not_null() | (frame["rate"] <= 0) | frame["currency"].is_null()
    if "date" in frame.columns:
        odd |= frame["date"].is_null()
    odd |= frame.select(name for name in ("currency", "date") if name in frame.columns).is_duplicated()
    rows = frame.with_row_index("row").filter(odd).select("row")
    check_all_used(table.where, rows, "one rate above 0 of each currency, and day")
    return frame
