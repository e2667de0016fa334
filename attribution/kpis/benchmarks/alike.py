"""Alike: the entry of the dictionary that tells of a column, as within_90_days does of within_30_days."""

from __future__ import annotations

import re
from dataclasses import replace

from attribution.kpis.dictionary import KPIS
from attribution.kpis.entries import Kpi

ENTRIES = {kpi.name: kpi for kpi in KPIS}
WITHIN, QUARTILE = re.compile(r"within_[1-9]\d*_days"), re.compile(r"quartile_[13](_days(?:_of_reached)?)")
SHRUNKEN, ENTERED = "_shrunken", "_entered"


def kpi_of(column: str) -> Kpi | None:
    """Return what the dictionary says of a column of a KPI table, None where it says nothing.

    A share within other days, a quartile, a shrunken ratio and the entries into a stage have no entry
    of their own: unit and what is better are those of the KPI that they are like.

    >>> [kpi_of(name).better for name in ("within_30_days", "quartile_1_days", "lost_entered")]
    ['higher', 'lower', 'lower']
    >>> kpi_of("cost_per_lead_shrunken").unit, kpi_of("channel")
    ('money', None)
    """
    found = ENTRIES.get(like(column))
    if found is None or (column.endswith(ENTERED) and found.unit != "count"):
        return None
    return replace(found, name=column)


def like(column: str) -> str:
    """Return the name of the entry that would tell of a column."""
    if column in ENTRIES:
        return column
    if WITHIN.fullmatch(column):
        return "within_90_days"
    if quartile := QUARTILE.fullmatch(column):
        return f"median{quartile[1]}"
    return column.removesuffix(SHRUNKEN).removesuffix(ENTERED)
