"""Booked rows: the rows of a spend table that count, in one currency, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from attribution.dimensions import comparable
from attribution.errors import ParameterError, TableError
from attribution.kpis.costs.amortisation import over_months
from attribution.kpis.costs.clock import dated
from attribution.kpis.costs.currency import exchanged
from attribution.kpis.costs.ledger import checked_ledger, is_ledger
from attribution.kpis.costs.sharing import named
from attribution.kpis.engagement.ads import COUNTS, ads_of, as_reported
from attribution.log_rows import quoted
from attribution.tables import Checked, Reading, Source, check_table
from attribution.tables.currencies import check_currency
from attribution.tables.sources import read

MEASURES = ("spend", *COUNTS, "conversions_value")
REPEATED = ("error", "sum")


def booked(
    source: Source,
    by: Sequence[str],
    columns: Mapping[str, str] | None,
    reading: Reading,
    repeated: str,
    rates: Source | None,
) -> tuple[pl.DataFrame, Checked, tuple[str, ...]]:
    """Return the used rows of a spend table in one currency, with what ads count; the table; and warnings.

    Raises:
        TableError: the table cannot be used, or its amounts must not be added.
    """
    if repeated not in REPEATED:
        raise ParameterError.out_of_range(
            "repeated_spend", repeated, f"one of {', '.join(map(repr, REPEATED))}"
        )
    whole = read(source, "spend", None, reading.delimiter)
    mapped = as_reported(whole.columns, columns)
    columns = {ours: theirs for ours, theirs in mapped.items() if ours not in COUNTS}
    money = check_table("spend", whole, reading, columns)
    money = checked_spend(money, whole.frame, mapped, repeated, rates is not None)
    ads, odd = ads_of(money, whole, reading, mapped)
    others = [name for name in by if name in whole.frame.columns and name not in money.frame.columns]
    extra = [quoted(comparable(whole.frame[name])) for name in others if not dated(name)]
    used = named(money.frame).hstack(extra).filter(money.reason.is_null()).hstack(ads)
    if rates is not None and "currency" in used.columns:
        used = used.with_columns(exchanged(used, ["spend"], rates, money.where, reading))
    return used, money, (*money.warnings, *odd)


def amortised(used: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the rows of a ledger with one a month of those that say over how many they are spread."""
    spreads = is_ledger(used) and "months" in used.columns and used["months"].null_count() < len(used)
    return over_months(used, zone) if spreads else used


def checked_spend(
    money: Checked,
    source: pl.DataFrame,
    columns: Mapping[str, str],
    repeated: str,
    has_rates: bool = False,
) -> Checked:
    """Return the spend without what cannot be spent; TableError where its amounts must not be added."""
    money = checked_ledger(money).set_aside("negative_spend", pl.col("spend") < 0)
    if not has_rates:
        check_currency(
            money,
            "convert the amounts to one currency, by a table of rates with rates= (--rates), "
            "or measure each currency by itself",
        )
    if repeated == "error":
        check_repeats(money, source, columns)
    return money


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
