"""Measure: credits and spend become cost per lead, win rate, return on spend: by model and dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED, near_duplicates
from attribution.credits import Credits, Result
from attribution.errors import ParameterError, shown
from attribution.kpis.credited import Credited, CreditsLike, credited
from attribution.kpis.dictionary import KPIS
from attribution.kpis.ratios import with_ratios
from attribution.kpis.spend import Spend, spend_by
from attribution.tables import OURS, Reading, RowCount, Source, check_outcome_names


@dataclass(frozen=True, eq=False)
class Measured:
    """The KPI table, the sums that it divides, the count of the spend rows, and warnings."""

    kpis: pl.DataFrame
    sums: pl.DataFrame
    spend_rows: RowCount
    warnings: tuple[str, ...]

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
    says why. The first outcome plays the role of leads. ``columns`` maps our names to those of the
    spend table.

    Raises:
        TableError: the credits or the spend table cannot be used.
        ParameterError: the credits do not know a dimension.

    >>> result = Credits("linear", ("ads",), ("leads", "wins"), [[4, 1]], [1, 0])
    >>> spend = pl.DataFrame({"channel": ["ads"], "spend": [10.0]})
    >>> measure(result, spend).table()["cost_per_lead"].to_list()
    [2.5, None, 2.0]
    """
    if not by or isinstance(by, str) or len(set(by)) < len(by):
        raise ParameterError.out_of_range("by", by, "names of dimensions, each once")
    taken = OURS | {kpi.name for kpi in KPIS}
    for each in credits.values() if isinstance(credits, Result) else [credits]:
        if isinstance(each, Credits):
            check_outcome_names(each.outcome_names, taken)
    what = credited(credits, by, reading or Reading())
    money = spend_by(spend, by, columns, reading or Reading(), repeated_spend)
    sums = pl.concat(
        [
            with_spend(model, by, what.outcome_names, money)
            for model in what.table.partition_by("model", maintain_order=True)
        ]
    )
    warnings = (*money.warnings, *unmatched(what, money))
    return Measured(kpi_table(sums, by, what.outcome_names), sums, money.rows, warnings)


def kpi_table(sums: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return the KPI table of the sums: their ratios, and per model those of the totals."""
    models = sums.partition_by("model", maintain_order=True)
    return with_ratios(pl.concat([with_total(model, by, outcomes) for model in models]), by, outcomes)


def with_spend(model: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str], money: Spend) -> pl.DataFrame:
    """Return one model's cells with their spend, and those that have spend alone."""
    columns = ["model", *by, "spend", *outcomes, "credited_by", "no_spend"]
    if money.unknown:
        told = pl.lit(f"spend is not known by {', '.join(money.unknown)}")
        return model.with_columns(spend=pl.lit(None, pl.Float64), no_spend=told).select(columns)
    met = model.join(money.table, on=by, how="left", nulls_equal=True, maintain_order="left")
    alone = money.table.join(model, on=by, how="anti", nulls_equal=True, maintain_order="left")
    same = [pl.lit(model[name][0]).alias(name) for name in ("model", "credited_by")]
    alone = alone.with_columns(*same, *(pl.lit(0.0).alias(name) for name in outcomes))
    rows = pl.concat([met.select(columns[:-1]), alone.select(columns[:-1])])
    rest = pl.col("channel") == UNATTRIBUTED if "channel" in by else pl.lit(False)
    order = [rest] if list(by) == ["channel"] else [*by[:-1], rest, by[-1]]
    return rows.with_columns(no_spend=pl.lit("no spend")).sort(order, nulls_last=True, maintain_order=True)


def with_total(model: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return one model's cells and their total, named in the first dimension that is text."""
    named = next((name for name in by if model.schema[name] == pl.String), None)
    sums = {
        name: None if model[name].null_count() == len(model) else math.fsum(model[name].drop_nulls())
        for name in ("spend", *outcomes)
    }
    same = {name: model[name][0] for name in ("model", "credited_by", "no_spend")}
    total = {**dict.fromkeys(by), **({named: TOTAL} if named else {}), **sums, **same}
    return pl.concat([model, pl.DataFrame([total], schema=model.schema)])


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
