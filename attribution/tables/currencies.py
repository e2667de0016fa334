"""Currencies: amounts of several are never added."""

from __future__ import annotations

from attribution.errors import TableError, shown
from attribution.tables.gate import Checked


def check_currency(money: Checked, remedy: str) -> None:
    """Raise TableError, with what to do, where amounts of several currencies would be added."""
    if "currency" not in money.frame.columns:
        return
    found = money.used["currency"].drop_nulls().unique().sort()
    if len(found) > 1:
        raise TableError.of(
            money.where,
            f"{len(found)} currencies",
            "amounts of one currency",
            remedy,
            column="currency",
            count=len(money.used),
            examples=tuple(map(shown, found[:5])),
        )
