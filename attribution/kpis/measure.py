"""Measure: credits and spend become cost per lead, win rate, return on spend: by model and dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED, near_duplicates
from attribution.errors import ParameterError, TableError, shown
from attribution.kpis.credited import Credited, CreditsLike, credited
from attribution.kpis.intervals import with_intervals
from attribution.kpis.ratios import with_ratios
from attribution.kpis.replicated import Replicated
from attribution.kpis.shrinkage import with_shrunken
from attribution.kpis.spend import Spend, spend_by
from attribution.tables import Reading, RowCount, Source


@dataclass(frozen=True, eq=False)
class Measured:
    """The KPI table, the sums that it divides, the count of the spend rows, and warnings.

    ``replicated`` holds the outcomes of the cells in each replicate, or why there are none.
    """

    kpis: pl.DataFrame
    sums: pl.DataFrame
    spend_rows: RowCount
    warnings: tuple[str, ...]
    by: tuple[str, ...]
    outcome_names: tuple[str, ...]
    replicated: Replicated | str | None = None

    def table(self) -> pl.DataFrame:
        """Return the KPI table: per model a row a cell, and (total), a ratio of sums."""
        return self.kpis


def measure(
    credits: CreditsLike,
    spend: Source,
    *,
    by: Sequence[str] = ("channel",),
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    repeated_spend: str = "error",
) -> Measured:
    """Return spend, credited outcomes and their ratios by model and channel, or by what ``by`` names.

    Credits know channels. A credit log, or its Parquet file, knows periods of the lead's time (day,
    week, month, quarter, year), of the touchpoint's (touchpoint_week, ...), and the columns of the
    tables behind it (campaign, owner). A ratio without a denominator is null and the column ``reason``
    says why. Credits with replicates give every figure its _low and _high; in a log learned weights are
    held at their estimate. Win rate and cost per lead have a shrunken twin, drawn to that of all cells as
    far as chance explains the difference. The first outcome plays the role of leads. ``columns`` maps our
    names to those of the spend table.

    Raises:
        TableError: the credits or the spend table cannot be used.
        ParameterError: the credits do not know a dimension.

    >>> from attribution import Credits
    >>> result = Credits("linear", ("ads",), ("leads", "wins"), [[4, 1]], [1, 0])
    >>> spend = pl.DataFrame({"channel": ["ads"], "spend": [10.0]})
    >>> measure(result, spend).table()["cost_per_lead"].to_list()
    [2.5, None, 2.0]
    """
    if (
        not by
        or isinstance(by, str)
        or not all(isinstance(name, str) for name in by)
        or len(set(by)) < len(by)
    ):
        raise ParameterError.out_of_range("by", by, "names of dimensions, each once")
    what = credited(credits, by, reading or Reading())
    money = spend_by(spend, by, columns, reading or Reading(), repeated_spend)
    what, money = comparably(what, money)
    sums = pl.concat([with_spend(name, what, by, money) for name in what.models])
    spent = money.total if money.rows.used else None  # in sum it is known, by whatever it is not
    kpis = kpi_table(sums, by, what.outcome_names, what.models, spent)
    if what.replicated is not None:
        kpis = with_intervals(kpis, by, what.outcome_names, what.replicated)
    warnings = (*money.warnings, *unmatched(what, money))
    return Measured(kpis, sums, money.rows, warnings, tuple(by), what.outcome_names, what.replicated)


def kpi_table(
    sums: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    models: Sequence[str],
    spent: float | None,
) -> pl.DataFrame:
    """Return the KPI table of the sums: their ratios, and per model those of the totals.

    A model without a cell has a total as well. What was ``spent`` is known in sum, if not by cell.
    """
    tables = [with_total(name, sums.filter(model=name), by, outcomes, spent) for name in models]
    return with_shrunken(with_ratios(pl.concat(tables), by, outcomes), by, outcomes)


def comparably(what: Credited, money: Spend) -> tuple[Credited, Spend]:
    """Return both with dimensions of the same types; raise TableError where they differ."""
    for name in money.table.columns[:-1]:
        ours, theirs = what.table.schema[name], money.table.schema[name]
        if ours == theirs:
            continue
        if not (ours.is_integer() and theirs.is_integer()) and pl.Null not in (ours, theirs):
            raise TableError.of(
                "spend",
                f"type {theirs}",
                f"{ours}, as in the credits",
                "convert one of the columns (CSV files hold text)",
                column=name,
            )
        common = (
            pl.Int64() if ours.is_integer() and theirs.is_integer() else theirs if ours == pl.Null else ours
        )
        what = what._replace(table=what.table.cast({name: common}))
        money = replace(money, table=money.table.cast({name: common}))
    return what, money


def with_spend(name: str, what: Credited, by: Sequence[str], money: Spend) -> pl.DataFrame:
    """Return one model's cells with their spend, and those that have spend alone."""
    columns = ["model", *by, "spend", *what.outcome_names, "credited_by"]
    rows = what.table.filter(pl.col("model") == name)
    if money.unknown:
        told = f"spend is not known by {', '.join(money.unknown)}"
        rows = rows.with_columns(spend=pl.lit(None, pl.Float64)).select(columns)
    else:
        told = "no spend"
        met = rows.join(money.table, on=by, how="left", nulls_equal=True, maintain_order="left")
        alone = money.table.join(rows, on=by, how="anti", nulls_equal=True, maintain_order="left")
        same = {"model": name, "credited_by": credited_by(rows)}
        alone = alone.with_columns(pl.lit(value).alias(key) for key, value in same.items())
        alone = alone.with_columns(pl.lit(0.0).alias(each) for each in what.outcome_names)
        rows = pl.concat([met.select(columns), alone.select(columns)])
    rest = pl.col("channel") == UNATTRIBUTED
    order = [part for each in by for part in ([rest, each] if each == "channel" else [each])]
    # By channel alone they stand in order of their credit already.
    rows = rows.sort([rest] if list(by) == ["channel"] else order, nulls_last=True, maintain_order=True)
    return rows.with_columns(no_spend=pl.lit(told))


def credited_by(rows: pl.DataFrame) -> str:
    """Return what was shared: journeys or totals; a model without a cell comes from a log, of journeys."""
    return str(rows["credited_by"][0]) if len(rows) else "journey"


def with_total(
    name: str, rows: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str], spent: float | None
) -> pl.DataFrame:
    """Return one model's cells and their total, named in the first dimension that is text."""
    named = next((each for each in by if rows.schema[each] == pl.String), None)
    sums = {"spend": spent, **{each: math.fsum(rows[each]) for each in outcomes}}
    told = rows["no_spend"][0] if len(rows) else "no spend"
    same = {"model": name, "credited_by": credited_by(rows), "no_spend": told}
    total = {**dict.fromkeys(by), **({named: TOTAL} if named else {}), **sums, **same}
    return pl.concat([rows, pl.DataFrame([total], schema=rows.schema)])


def unmatched(what: Credited, money: Spend) -> list[str]:
    """Return which channels have spend but no touchpoint, and touchpoints but no spend."""
    if "channel" not in money.table.columns:
        return []
    met, spent = set(what.table["channel"]) - {UNATTRIBUTED}, set(money.table["channel"])
    lines = []
    if only_spend := sorted(spent - met):
        alike = [group for group in near_duplicates({*only_spend, *met}) if set(group) & set(only_spend)]
        hint = "".join(f"; {' and '.join(map(shown, group))} look alike" for group in alike)
        lines.append(f"spend without touchpoints: {', '.join(map(shown, only_spend))}{hint}")
    if only_met := sorted(met - spent):
        lines.append(f"touchpoints without spend: {', '.join(map(shown, only_met))}")
    return lines
