"""Ledger: what each cost is (type, months, what it follows), checked, and the three bases that add it up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from attribution.errors import Fault, TableError, shown
from attribution.tables import Checked

COST_TYPES = ("media", "tool", "content", "agency", "labour", "event", "other")
SHARED_BY = ("campaigns", "spend", "touchpoints", "leads")
VARIABLE = ("0", "1", "no", "yes", "false", "true")
VOCABULARY = {"cost_type": COST_TYPES, "shared_by": SHARED_BY, "variable": VARIABLE}
LONGEST = 1_200  # months
MEDIA, MARGINAL = "is media", "is marginal"  # no columns of any table
# Column of the KPI table: which rows of the ledger it adds up.
BASES = {
    "spend": pl.col(MEDIA),
    "cost_marginal": pl.col(MARGINAL),
    "cost_fully_loaded": pl.lit(True),
}
COSTS = tuple(BASES)[1:]


def is_ledger(rows: pl.DataFrame) -> bool:
    """Return whether a spend table says what its costs are."""
    return "cost_type" in rows.columns


def checked_ledger(money: Checked) -> Checked:
    """Return a spend table with the words of its costs read; one without cost_type as it is.

    Only a cost that is shared and no media may be without a channel: others are set aside.

    Raises:
        TableError: a word is none of those allowed, or months are not from 1 on, or have no date.
    """
    if not is_ledger(money.frame):
        return money
    words = [name for name in VOCABULARY if name in money.frame.columns]
    frame = money.frame.with_columns(pl.col(words).str.strip_chars().str.to_lowercase())
    money = replace(money, frame=frame.with_columns(pl.col("cost_type").fill_null("media")))
    alone = (pl.col("cost_type") == "media") | ("shared_by" not in words or pl.col("shared_by").is_null())
    money = money.set_aside("null_channel", pl.col("channel").is_null() & alone)
    faults = [fault for name in words for fault in unknown_words(money, name)]
    if "months" in frame.columns:
        faults += impossible_months(money)
    if faults:
        raise TableError(faults)
    return money


def unknown_words(money: Checked, name: str) -> list[Fault]:
    """Return the fault of words that the column does not have."""
    odd = money.used.filter(~pl.col(name).is_in(VOCABULARY[name]))
    if not len(odd):
        return []
    told = tuple(map(shown, odd[name].unique().sort().head(5)))
    allowed = f"one of {', '.join(VOCABULARY[name])}"
    remedy = "correct the word, or leave the cell empty"
    return [Fault(money.where, "unknown words", allowed, remedy, name, len(odd), told)]


def impossible_months(money: Checked) -> list[Fault]:
    """Return the fault of costs that are spread over no months, or from no date on."""
    undated = pl.col("date").is_null() if "date" in money.frame.columns else pl.lit(True)
    rule = pl.col("months").is_not_null() & (undated | ~pl.col("months").is_between(1, LONGEST))
    odd = money.used.filter(rule)
    if not len(odd):
        return []
    told = tuple(f"row {row}: {months} months" for row, months in odd.select("row", "months").head(5).rows())
    expected = f"from 1 to {LONGEST:,} months, from a date on"
    remedy = "correct the months, or give the row the date of the first one"
    return [Fault(money.where, "costs over impossible months", expected, remedy, "months", len(odd), told)]


def with_kinds(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with what the bases ask: media, and marginal, which media are unless they say no.

    >>> with_kinds(pl.DataFrame({"cost_type": ["media", "tool"], "variable": [None, "yes"]})).rows()
    [('media', None, True, True), ('tool', 'yes', False, True)]
    """
    if not is_ledger(rows):
        return rows.with_columns(pl.lit(True).alias(name) for name in (MEDIA, MARGINAL))
    media = pl.col("cost_type") == "media"
    said = pl.col("variable").is_in(("1", "yes", "true")) if "variable" in rows.columns else None
    marginal = media if said is None else pl.coalesce(said, media)
    return rows.with_columns(media.alias(MEDIA), marginal.alias(MARGINAL))


def added_up(lines: pl.DataFrame, known: Sequence[str]) -> pl.DataFrame:
    """Return each cost base by the dimensions, exactly rounded sums; null where a cell has no such cost.

    >>> lines = pl.DataFrame({"channel": ["ads", "ads"], "spend": [8.0, 1.0], "cost_type": ["media", "tool"]})
    >>> added_up(with_kinds(lines), ["channel"]).rows()
    [('ads', 8.0, 8.0, 9.0)]
    """
    which = lines.select(rule.alias(name) for name, rule in BASES.items())
    cells: dict[tuple[object, ...], tuple[list[float], ...]] = defaultdict(lambda: tuple([] for _ in BASES))
    keys = lines.select(known).iter_rows() if known else iter([()] * len(lines))
    for key, amount, holds in zip(keys, lines["spend"], which.iter_rows(), strict=True):
        for amounts, counts in zip(cells[key], holds, strict=True):
            if counts:
                amounts.append(amount)
    sums = [(*key, *(math.fsum(each) if each else None for each in cell)) for key, cell in cells.items()]
    schema = {**{name: lines.schema[name] for name in known}, **dict.fromkeys(BASES, pl.Float64())}
    table = pl.DataFrame(sums, schema=schema, orient="row")
    return table.sort(known, nulls_last=True) if known else table


def check_all_used(where: str, rows: pl.DataFrame, expected: str) -> None:
    """Raise TableError where rows of a table, by number, are not what is expected of all."""
    if len(rows):
        raise TableError.of(
            where,
            "rows that cannot be used",
            expected,
            "correct the rows",
            count=len(rows),
            examples=tuple(f"row {row}" for row in rows["row"].head(5)),
        )
