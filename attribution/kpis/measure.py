"""Measure: credits and spend become cost per lead, win rate, return on spend: by model and dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from attribution.channels import UNATTRIBUTED, near_duplicates
from attribution.errors import TableError, shown
from attribution.kpis.costs.ledger import BASES, COSTS
from attribution.kpis.costs.sales_time import SALES_COST
from attribution.kpis.costs.spend import Spend, spend_by
from attribution.kpis.credited import Credited, CreditsLike, credited
from attribution.kpis.dictionary import ratios_of
from attribution.kpis.engagement.activity import Activity
from attribution.kpis.engagement.alongside import Alongside, alongside, logs_of, more_leads_than_visits
from attribution.kpis.entries import Kpi
from attribution.kpis.intervals import with_intervals
from attribution.kpis.logged import check_dimensions
from attribution.kpis.ratios import with_ratios
from attribution.kpis.replicated import Replicated
from attribution.kpis.shrinkage import with_shrunken
from attribution.kpis.totals import in_order, sums_of, with_total
from attribution.tables import Reading, RowCount, Source


@dataclass(frozen=True, eq=False)
class Measured:
    """The KPI table, the sums that it divides, the count of the spend rows, and warnings.

    ``replicated`` holds the outcomes of the cells in each replicate, or why there are none; ``totals``
    what the spend table and the activity have in sum, in a cell or not; ``counts`` what was counted before
    the lead.
    """

    kpis: pl.DataFrame
    sums: pl.DataFrame
    spend_rows: RowCount
    warnings: tuple[str, ...]
    by: tuple[str, ...]
    outcome_names: tuple[str, ...]
    replicated: Replicated | str | None = None
    totals: Mapping[str, float | None] = field(default_factory=dict)
    counts: Alongside = field(default_factory=Alongside)

    def table(self) -> pl.DataFrame:
        """Return the KPI table: per model a row a cell, and (total), a ratio of sums."""
        return self.kpis


def measure(
    credits: CreditsLike,
    spend: Source | None = None,
    *,
    by: Sequence[str] = ("channel",),
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    repeated_spend: str = "error",
    rates: Source | None = None,
    touchpoints: Source | None = None,
    spend_lag_days: float = 0.0,
    activity: Activity | Sequence[Activity] = (),
) -> Measured:
    """Return spend, credited outcomes and their ratios by model and channel, or by what ``by`` names.

    Without ``spend`` there are no costs. A log that knows the times of stages (mql_at, ...) counts them too.

    Credits know channels. A credit log, or its Parquet file, knows periods of the lead's time (day,
    week, month, quarter, year), of the touchpoint's (touchpoint_week, ...), and the columns of the
    tables behind it (campaign, owner). A ratio without a denominator is null and the column ``reason``
    says why. Credits with replicates give every figure its _low and _high; in a log learned weights are
    held at their estimate. Win rate and cost per lead have a shrunken twin, drawn to that of all cells as
    far as chance explains the difference. The first outcome plays the role of leads. ``columns`` maps our
    names to those of the spend table.

    Spend is media. A spend table with cost_type, or an outcome sales_cost, gives two further bases:
    cost_marginal adds costs that are variable, cost_fully_loaded all, and both sales_cost. Costs are spread
    over months and by what they follow to the cent; what follows leads is held at its estimate.
    ``rates`` (currency, rate, perhaps date) bring amounts to one currency, ``touchpoints`` (channel,
    timestamp, perhaps campaign) are what costs may follow, and by period the spend of a day counts for
    the leads of ``spend_lag_days`` later.

    ``activity`` (a ``web_log`` of visits, an ``ad_log`` of touchpoints) stands beside it cell by cell, by
    its own time: visits, bounce rate, lead rate. So do impressions and clicks of the spend table. Customers
    of the activity are drawn together with those of the credits; where these were drawn by account, visits
    are held as spend is.

    Raises:
        TableError: the credits, the spend table, the rates or the touchpoints cannot be used.
        ParameterError: the credits do not know a dimension, or the lag is no length of time.

    >>> from attribution import Credits
    >>> result = Credits("linear", ("ads",), ("leads", "wins"), [[4, 1]], [1, 0])
    >>> spend = pl.DataFrame({"channel": ["ads"], "spend": [10.0]})
    >>> measure(result, spend).table()["cost_per_lead"].to_list()
    [2.5, None, 2.0]
    """
    check_dimensions(by)
    logs = logs_of(activity, by, spend)
    what = credited(credits, by, reading or Reading())
    money = spend_by(
        spend, by, columns, reading or Reading(), repeated_spend, rates, touchpoints, spend_lag_days
    )
    what, sums, warnings = beside_spend(what, money, by)
    counts = alongside(money.ads, logs, what, by)
    sums = counts.beside(sums, what, by)
    totals = {**money.totals, **counts.totals}
    names = what.outcome_names
    kpis = kpi_table(sums, by, names, what.models, totals, counts)
    if what.replicated is not None:
        source, drawn = counts.drawn(what.replicated, by)
        ratios = ratios_in(kpis.columns, counts.rates)
        kpis = with_intervals(kpis, by, [*names, *drawn], source, ratios)
    told = (*warnings, *counts.warnings, *more_leads_than_visits(kpis))
    return Measured(kpis, sums, money.rows, told, tuple(by), names, what.replicated, totals, counts)


def kpi_table(
    sums: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    models: Sequence[str],
    totals: Mapping[str, float | None],
    counts: Alongside,
) -> pl.DataFrame:
    """Return the KPI table of the sums: their ratios, and per model those of the totals."""
    rows = totalled(sums, by, outcomes, models, totals)
    ratios = ratios_in(rows.columns, counts.rates)
    return with_shrunken(with_ratios(rows, by, outcomes, ratios, counts.lacking), by, outcomes)


def ratios_in(columns: Sequence[str], rates: Sequence[Kpi]) -> list[Kpi]:
    """Return the ratios of a KPI table: those of the dictionary, and of the goals."""
    return [*ratios_of(columns), *rates]


def beside_spend(
    what: Credited, money: Spend, by: Sequence[str]
) -> tuple[Credited, pl.DataFrame, tuple[str, ...]]:
    """Return what is credited, its cells beside their costs, and warnings."""
    what, money = comparably(what, money)
    cells, told = zip(*(with_spend(name, what, by, money) for name in what.models), strict=True)
    lost = (line for lines in told for line in lines)
    return what, pl.concat(cells), (*money.warnings, *lost, *unmatched(what, money))


def totalled(
    sums: pl.DataFrame,
    by: Sequence[str],
    outcomes: Sequence[str],
    models: Sequence[str],
    totals: Mapping[str, float | None],
) -> pl.DataFrame:
    """Return the cells of each model and their total; a model without a cell has one as well.

    The ``totals`` of cost bases and counts are known in sum, if not by cell.
    """
    tables = []
    for model in models:
        rows = sums.filter(model=model)
        found = sums_of(rows, outcomes)
        sales = found.get(SALES_COST, 0.0)
        costs = {"spend": totals.get("spend")}
        for base in (each for each in COSTS if each in rows.columns):
            known = totals.get(base)
            costs[base] = known if not sales else math.fsum([known or 0.0, sales])
        costs |= {name: totals[name] for name in totals if name not in BASES}
        told = rows["no_spend"][0] if len(rows) else "no spend"
        same = {"model": model, "credited_by": credited_by(rows), "no_spend": told}
        tables.append(with_total(rows, by, {**costs, **found, **same}))
    return pl.concat(tables)


def comparably(what: Credited, money: Spend) -> tuple[Credited, Spend]:
    """Return both with dimensions of the same types; raise TableError where they differ."""
    for name in money.known:
        ours, theirs = what.table.schema[name], money.lines.schema[name]
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
        money = money.cast(name, common)
    return what, money


def with_spend(name: str, what: Credited, by: Sequence[str], money: Spend) -> tuple[pl.DataFrame, list[str]]:
    """Return one model's cells with their costs and those that have costs alone, and what has no cell."""
    has_sales = SALES_COST in what.outcome_names
    costs = ["spend", *(COSTS if money.is_ledger or has_sales else ())]
    columns = ["model", *by, *costs, *what.outcome_names, "credited_by"]
    rows = what.table.filter(pl.col("model") == name)
    warnings: list[str] = []
    if money.unknown:
        told = "no spend" if not money.rows.read else f"spend is not known by {', '.join(money.unknown)}"
        rows = rows.with_columns(pl.lit(None, pl.Float64).alias(base) for base in costs).select(columns)
    else:
        told = "no spend"
        table, lost = money.of_model(rows, what.outcome_names[0])
        warnings = [f"{name}: {line}" for line in lost]
        met = rows.join(table, on=by, how="left", nulls_equal=True, maintain_order="left")
        alone = table.join(rows, on=by, how="anti", nulls_equal=True, maintain_order="left")
        same = {"model": name, "credited_by": credited_by(rows)}
        alone = alone.with_columns(pl.lit(value).alias(key) for key, value in same.items())
        alone = alone.with_columns(pl.lit(0.0).alias(each) for each in what.outcome_names)
        rows = pl.concat([met.select(columns), alone.select(columns)])
        if has_sales:
            rows = rows.with_columns(plus_sales(base) for base in COSTS)
    rows = in_order(rows, by)
    return rows.with_columns(no_spend=pl.lit(told)), warnings


def plus_sales(base: str) -> pl.Expr:
    """Return a cost base with the cost of sales time, null where there is neither."""
    sales = pl.col(SALES_COST)
    return pl.when(pl.col(base).is_not_null() | (sales != 0)).then(pl.col(base).fill_null(0.0) + sales)


def credited_by(rows: pl.DataFrame) -> str:
    """Return what was shared: journeys or totals; a model without a cell comes from a log, of journeys."""
    return str(rows["credited_by"][0]) if len(rows) else "journey"


def unmatched(what: Credited, money: Spend) -> list[str]:
    """Return which channels have spend but no touchpoint, and touchpoints but no spend."""
    if "channel" not in money.known:
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
