"""Telling: what benchmarks were set aside and why, what looks mistaken in them, and why none of them fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from attribution.channels import TOTAL
from attribution.errors import TableError, shown
from attribution.kpis.benchmarks.alike import kpi_of
from attribution.kpis.benchmarks.cells import Cells
from attribution.tables import Checked
from attribution.tables.frames import Read

WORDS = {
    "null_kpi": "they name no KPI",
    "kpi_not_there": "the table has not the KPIs",
    "not_chosen": "they are of other values than those that were chosen",
    "no_such_cell": "the KPIs have no such cell",
}
PERCENT = r"^\s*(-?\d+(?:[.,]\d+)?)\s*%\s*$"


def notes(checked: Checked, table: Read, shared: Sequence[str], ignored: Iterable[pl.Series]) -> list[str]:
    """Return how many rows were set aside and why, what is in percent, and the columns that play no part."""
    lines = [
        f"{checked.where}: {count:,} rows set aside: {reason} ({WORDS.get(reason, 'no number or text')})"
        for reason, count in checked.count.set_aside.items()
    ]
    lines += [f"{checked.where}: {line}" for line in advice(checked, table, shared)]
    used = checked.reason.is_null()
    figures = checked.frame.filter(used, pl.col("value") > 1).select("kpi", "value").rows()
    percent = [f"{kpi} {value:g}" for kpi, value in figures if unit_of(kpi) == "share"]
    if percent:
        told = ", ".join(percent[:5])
        lines.append(f"{checked.where}: {told}: a share above 1; if it is in percent, 23.3 % is 0.233")
    several = [each.name for each in ignored if each.filter(used).drop_nulls().n_unique() > 1]
    if several:
        what, are = ("column", "is no dimension") if len(several) == 1 else ("columns", "are no dimensions")
        were = "was" if len(several) == 1 else "were"
        lines.append(
            f"{what} {', '.join(several)} of the benchmarks {are} of the KPIs and {were} not chosen: "
            "where= chooses"
        )
    return lines


def advice(checked: Checked, table: Read, shared: Sequence[str]) -> list[str]:
    """Return what to write instead in rows that are set aside: a number for percent, nothing for a total."""
    lines = []
    raw = table.frame["value"]
    if raw.dtype == pl.String:
        percent = raw.filter((checked.reason == "bad_number").fill_null(False)).str.extract(PERCENT)
        if texts := percent.drop_nulls().to_list():
            share = float(texts[0].replace(",", ".")) / 100
            lines.append(f"{len(texts):,} values are in percent: for {texts[0]} % write {share:.12g}")
    aside = checked.frame.filter((checked.reason == "no_such_cell").fill_null(False))
    total = aside.filter(pl.any_horizontal(False, *(pl.col(name) == TOTAL for name in shared)))
    if len(total):
        lines.append(
            f"{len(total):,} rows name {TOTAL}: a total is held to the benchmarks whose cell is empty there"
        )
    return lines


def unmatched(checked: Checked, table: Read, cells: Cells, shared: Sequence[str]) -> TableError:
    """Return the error of benchmarks of which none matches a cell, with the values on both sides."""
    aside = ", ".join(f"{count:,} {reason}" for reason, count in checked.count.set_aside.items())
    told = [f"value: {some(map(str, table.frame['value'].drop_nulls()))}"]
    if (checked.reason == "no_such_cell").any():
        keys, rows = cells.keys, checked.frame.filter(checked.reason == "no_such_cell")
        told = [both(name, rows[name], keys[name]) for name in shared]
    elif (checked.reason == "kpi_not_there").any():
        told = [both("kpi", checked.frame["kpi"], cells.kpis)]
    advised = [*advice(checked, table, shared), "write names and values as the KPI table has them"]
    return TableError.of(
        checked.where,
        f"no benchmark matches a cell of the KPIs; set aside: {aside or 'nothing, as there are no rows'}",
        "rows of a KPI that the table has, whose dimensions are those of a cell, or empty",
        "; ".join(advised),
        examples=tuple(told),
    )


def both(name: str, theirs: Iterable[str | None], ours: Iterable[str | None]) -> str:
    """Return the values of both sides."""
    return f"{name}: {some(theirs)} in the benchmarks, {some(ours)} in the KPIs"


def some(values: Iterable[str | None]) -> str:
    """Return the first few of the values that are there, in order of their rows.

    >>> some(["b", None, "a", "b"])
    "'b', 'a'"
    """
    known = dict.fromkeys(value for value in values if value is not None)
    return ", ".join(map(shown, list(known)[:3])) + (", ..." if len(known) > 3 else "") or "nothing"


def unit_of(name: str) -> str | None:
    """Return the unit of a KPI, None where the dictionary has none such."""
    entry = kpi_of(name)
    return None if entry is None else entry.unit
