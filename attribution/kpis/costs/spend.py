"""Spend: money by channel and by what else the spend table knows, in one currency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from attribution.kpis.costs.booked_rows import amortised, booked
from attribution.kpis.costs.clock import check_lag, dated, lag_of, own_clock, placed
from attribution.kpis.costs.ledger import (
    BASES,
    MARGINAL,
    MEDIA,
    added_up,
    is_ledger,
)
from attribution.kpis.costs.sharing import (
    PLACE,
    bases_of,
    counted,
    shared_by_leads,
    spread_out,
)
from attribution.kpis.engagement.ads import ads_by
from attribution.kpis.engagement.counted import Counted
from attribution.tables import Reading, RowCount, Source


@dataclass(frozen=True, eq=False)
class Spend:
    """Costs by those of the dimensions that the table knows, which ``unknown`` leaves over.

    A line has the known dimensions, channel, spend, and whether it is media and marginal. Lines of
    ``by_leads`` are shared in proportion to the leads of a model, over the cells of what they do not name.
    """

    lines: pl.DataFrame
    by_leads: pl.DataFrame
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    totals: Mapping[str, float | None]  # by cost base, None where no row is of it
    is_ledger: bool
    rows: RowCount
    warnings: tuple[str, ...]
    ads: Counted | None = None  # impressions and clicks, where rows tell them

    @cached_property
    def table(self) -> pl.DataFrame:
        """The known dimensions and the cost bases, without what leads share."""
        return added_up(self.lines, self.known)

    def cast(self, name: str, dtype: pl.DataType) -> Spend:
        """Return it with a dimension of another type."""
        return replace(self, lines=self.lines.cast({name: dtype}), by_leads=self.by_leads.cast({name: dtype}))

    def of_model(self, cells: pl.DataFrame, leads: str) -> tuple[pl.DataFrame, list[str]]:
        """Return the table with what the model's leads share, and what of it is in no cell."""
        if self.unknown or not len(self.by_leads):
            return self.table, []
        parts, told = shared_by_leads(self.by_leads, cells, self.known, leads)
        return added_up(pl.concat([self.lines, parts]), self.known), told


def spend_by(
    source: Source | None,
    by: Sequence[str],
    columns: Mapping[str, str] | None,
    reading: Reading,
    repeated: str,
    rates: Source | None,
    touchpoints: Source | None,
    lag_days: float,
) -> Spend:
    """Return the spend by the dimensions: exactly rounded sums, whatever the order of the rows.

    Without a table nothing is known of it.

    Raises:
        TableError: the table cannot be used, holds several currencies and no rates are given, names a
            day of a channel twice, or costs that are shared by touchpoints which are not given.
        ParameterError: the lag is no length of time.
    """
    if source is None:
        return not_spent(by)
    check_lag(lag_days)
    used, money, odd = booked(source, by, columns, reading, repeated, rates)
    zone = reading.timezone or "UTC"
    known = tuple(
        name
        for name in by
        if ("date" in used.columns and own_clock(name, by) if dated(name) else name in used.columns)
    )
    periods = [name for name in known if dated(name)]
    later = lag_of(lag_days, periods)
    unknown = tuple(name for name in by if name not in known)
    shown = ads_by(placed(used, periods, zone, later).filter(pl.col(MEDIA)), by, unknown)
    used = amortised(used, zone)
    warnings = [*odd, *([f"spend is shifted by {lag_days:g} days"] if later else [])]
    used = placed(used, periods, zone, later)
    totals = {base: math.fsum(each) if len(each) else None for base, each in amounts_of(used)}
    follows_leads = pl.lit(False)
    if is_ledger(used) and "shared_by" in used.columns:
        used, told = shared_places(used, known, periods, touchpoints, later, reading, money.where)
        warnings += told
        follows_leads = pl.col("shared_by").eq_missing("leads") & is_open(known)
    of_line = list(dict.fromkeys([*known, "channel", "spend", MEDIA, MARGINAL]))
    return Spend(
        used.filter(~follows_leads).select(of_line),
        used.filter(follows_leads).select(of_line),
        known,
        unknown,
        totals,
        is_ledger(used),
        money.count,
        tuple(warnings),
        shown,
    )


def not_spent(by: Sequence[str]) -> Spend:
    """Return no spend at all, where no table of it is given."""
    kinds = {"channel": pl.String, "spend": pl.Float64, MEDIA: pl.Boolean, MARGINAL: pl.Boolean}
    lines = pl.DataFrame(schema=kinds)
    return Spend(lines, lines, (), tuple(by), dict.fromkeys(BASES), False, RowCount(), ())


def amounts_of(used: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    """Return the amounts of each cost base."""
    return [(base, used.filter(rule)["spend"]) for base, rule in BASES.items()]


def shared_places(
    used: pl.DataFrame,
    known: Sequence[str],
    periods: Sequence[str],
    touchpoints: Source | None,
    later: str,
    reading: Reading,
    where: str,
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with a place for what campaigns, spend or touchpoints share, if one is asked for."""
    if not set(PLACE) & set(known):
        return used, []
    touched: pl.DataFrame | None = None
    warnings: list[str] = []
    if (used["shared_by"] == "touchpoints").any():
        touched, warnings = counted(touchpoints, periods, later, reading, where)
    used, told = spread_out(used, bases_of(used, touched, periods))
    return used, [*warnings, *told]


def is_open(known: Sequence[str]) -> pl.Expr:
    """Return whether a row leaves a dimension open, and its cells can be told by the channel it names."""
    told = pl.lit("channel" in known) | pl.col("channel").is_null()
    return told & pl.any_horizontal(pl.lit(False), *(pl.col(name).is_null() for name in known))
