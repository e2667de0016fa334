"""Engagement: KPIs before the lead by cell: clicks, bounces, time on page, conversions, abandonment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.costs.spend import spend_by
from attribution.kpis.dictionary import KPIS
from attribution.kpis.engagement.activity import Activity
from attribution.kpis.engagement.ads import AD_NAMES
from attribution.kpis.engagement.alongside import logs_of
from attribution.kpis.engagement.counted import (
    Beside,
    Counted,
    OfCounts,
    alike,
    beside,
    told_once,
)
from attribution.kpis.entries import Kpi
from attribution.kpis.intervals import with_intervals
from attribution.kpis.lead_log import RECORDED
from attribution.kpis.logged import check_dimensions
from attribution.kpis.ratios import with_ratios
from attribution.kpis.totals import with_total
from attribution.statistics import Resampling
from attribution.tables import Reading, RowCount, Source
from attribution.uncertainty import Drawn


@dataclass(frozen=True, eq=False)
class Engagement:
    """The table of KPIs before the lead, what was read for it, and warnings."""

    kpis: pl.DataFrame
    by: tuple[str, ...]
    tables: Mapping[str, RowCount]
    warnings: tuple[str, ...] = ()

    def table(self) -> pl.DataFrame:
        """Return a row a cell, and (total): counts, and ratios of sums."""
        return self.kpis


def engagement(
    *activity: Activity,
    by: Sequence[str] = ("channel",),
    spend: Source | None = None,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    repeated_spend: str = "error",
    rates: Source | None = None,
) -> Engagement:
    """Return what was counted before the lead, and its ratios, by what ``by`` names.

    ``activity`` is a ``web_log`` of visits and pages, an ``ad_log`` of touchpoints, or both; ``spend`` a
    table with impressions and clicks, as a report of ads has (date_day, platform, campaign_name, spend,
    impressions, clicks, conversions), whose columns ``columns`` maps. Periods are those of the visit, or of
    the day of the report. Where the activity was read with ``intervals``, all that customers decide has its
    _low and _high. A total counts every visit and user once, and is a ratio of sums.

    Raises:
        TableError: the spend table or the rates cannot be used.
        ParameterError: nothing was passed, or nothing knows a dimension.

    >>> report = {"date_day": ["2026-03-02"], "platform": ["ads"], "spend": [50.0]}
    >>> report = pl.DataFrame(report | {"impressions": [10_000], "clicks": [100]})
    >>> table = engagement(spend=report).table()
    >>> table.select("click_through_rate", "cost_per_click", "cost_per_thousand_impressions").row(0)
    (0.01, 0.5, 5.0)
    """
    check_dimensions(by)
    logs = logs_of(activity, by, spend)
    if not activity and spend is None:
        raise ParameterError(
            "parameters 'activity' and 'spend': got neither, expected a log or a spend table"
        )
    money = spend_by(spend, by, columns, reading or Reading(), repeated_spend, rates, None, 0.0)
    drawn = drawn_alike(logs)
    parts = [each.counted(by, drawn.folds if drawn else 0) for each in logs]
    parts, warnings = told_once([*([money.ads] if money.ads else []), *parts])
    if not any(part.cells is not None for part in parts):
        told = "; ".join(part.lacking for part in parts) or "the spend table counts no impressions or clicks"
        raise ParameterError(f"parameter 'by': {told}")
    rows = cells_of(parts, by)
    totals = {name: value for part in parts for name, value in part.totals.items()}
    same = {"model": RECORDED, "credited_by": "journey", "no_spend": "no spend"}
    table = with_total(
        rows.with_columns(pl.lit(value).alias(key) for key, value in same.items()), by, same | totals
    )
    names = list(totals)
    of_goals = {kpi.name: kpi for each in logs for kpi in each.rates}
    ratios = ratios_of(names, [*of_goals.values()])
    lacking = {name: part.lacking for part in parts for name in part.names}
    table = with_ratios(table, by, [], ratios, lacking)
    if drawn is not None:
        table = with_drawn(table, parts, by, ratios, drawn.resampling(), drawn.folds)
    tables = {name: count for each in logs for name, count in each.tables.items()}
    tables |= {} if spend is None else {"spend": money.rows}
    notes = (*warnings, *(line for each in logs for line in each.warnings), *money.warnings)
    return Engagement(table, tuple(by), tables, notes)


def cells_of(parts: Sequence[Counted], by: Sequence[str]) -> pl.DataFrame:
    """Return the cells of all parts beside one another, in order of the dimensions."""
    parts = alike(parts, by, {})
    first, *others = sorted(parts, key=lambda part: part.cells is None)
    assert first.cells is not None
    return beside(first.cells, others, by, {}).sort(by, nulls_last=True)


def drawn_alike(logs: Sequence[Activity]) -> Drawn | None:
    """Return how the owners of the logs are drawn; ParameterError where they are drawn differently."""
    drawn = {each.drawn for each in logs if each.drawn is not None}
    if len(drawn) > 1:
        told = " and ".join(sorted(str(each) for each in drawn))
        raise ParameterError.out_of_range("activity", told, "logs with the same intervals")
    return next(iter(drawn), None)


def ratios_of(names: Sequence[str], more: Sequence[Kpi]) -> list[Kpi]:
    """Return the ratios of the dictionary whose counts are there, and those of the goals."""
    known = [kpi for kpi in KPIS if kpi.verb == "engagement" and kpi.denominator]
    return [kpi for kpi in (*known, *more) if {kpi.numerator, kpi.denominator} <= {*names}]


def with_drawn(
    table: pl.DataFrame,
    parts: Sequence[Counted],
    by: Sequence[str],
    ratios: Sequence[Kpi],
    resampling: Resampling,
    folds: int,
) -> pl.DataFrame:
    """Return the table with the intervals of what customers decide."""
    drawn = [part for part in alike(parts, by, table.schema) if part.whole is not None]
    if not drawn:
        why = "; ".join(dict.fromkeys(part.unsure for part in parts if part.unsure))
        names = [name for part in parts for name in part.names if name not in AD_NAMES]
        return with_intervals(table, by, names, f"no intervals: {why.removeprefix('no intervals: ')}", ratios)
    sources = tuple(OfCounts(resampling, folds, tuple(by), part) for part in drawn)
    names = [name for part in drawn for name in part.names]
    return with_intervals(table, by, names, Beside(sources, tuple(by)), ratios)
