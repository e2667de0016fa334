"""Cost lines: what was spent by day, channel and campaign, in one currency, as the KPIs add it up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from attribution.kpis.costs.booked_rows import amortised, booked
from attribution.kpis.costs.ledger import MEDIA, is_ledger, with_kinds
from attribution.kpis.costs.sharing import PLACE, in_period
from attribution.kpis.costs.spend import shared_places
from attribution.kpis.engagement.ads import AD, SHOWN
from attribution.tables import Reading, Source

ROW = "row of the spend table"  # no column of any table


def cost_table(
    spend: Source,
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    repeated_spend: str = "error",
    rates: Source | None = None,
    touchpoints: Source | None = None,
) -> pl.DataFrame:
    """Return the costs by date, channel and campaign and, of a ledger, cost_type, as far as they are known.

    Costs are spread over months and by what they follow, as for KPIs by channel: the media of a channel are
    its ``spend`` there. ``channel`` is null where costs follow the leads, which each model credits in its own
    way, and where nobody used what they follow. ``impressions`` and ``clicks`` are of media, where told.

    Raises:
        TableError: the table cannot be used, holds several currencies and no rates are given, names a
            day of a channel twice, or costs that are shared by touchpoints which are not given.

    >>> costs = {"channel": ["ads", "mail", None], "spend": [30.0, 10.0, 8.0]}
    >>> ledger = pl.DataFrame(costs | {"cost_type": [None, None, "tool"], "shared_by": [None, None, "spend"]})
    >>> cost_table(ledger)["channel", "cost_type", "spend"].rows()
    [('ads', 'media', 30.0), ('ads', 'tool', 6.0), ('mail', 'media', 10.0), ('mail', 'tool', 2.0)]
    """
    reading = reading or Reading()
    used, money, _ = booked(spend, (), columns, reading, repeated_spend, rates)
    zone = reading.timezone or "UTC"
    rows = with_kinds(amortised(used.with_row_index(ROW), zone))
    if is_ledger(rows) and "shared_by" in rows.columns:
        placed, _ = shared_places(rows, PLACE, (), touchpoints, "", reading, money.where)
        rows = pl.concat([placed, rows.join(placed, on=ROW, how="anti")])
    shown = {name: AD.format(name) for name in SHOWN if AD.format(name) in rows.columns}
    once = pl.col(MEDIA) & pl.col(ROW).is_first_distinct()  # an ad whose money is spread was shown once
    day = in_period(pl.col("date"), "day", zone) if "date" in rows.columns else pl.lit(None, pl.Date)
    keys = ["date", *(name for name in (*PLACE, "cost_type") if name in rows.columns)]
    cells = (
        rows.with_columns(pl.when(once).then(column).alias(name) for name, column in shown.items())
        .with_columns(day.alias("date"))
        .group_by(keys)
        .agg("spend", *shown)
        .sort(keys, nulls_last=True)
    )
    return cells.with_columns(added(cells[name]) for name in ("spend", *shown))


def added(parts: pl.Series) -> pl.Series:
    """Return the exactly rounded sum of each list, null where all of it is.

    >>> added(pl.Series([[0.5, 1.0, None], [None]])).to_list()
    [1.5, None]
    """
    known = [[each for each in part if each is not None] for part in parts]
    return pl.Series(parts.name, [math.fsum(each) if each else None for each in known], dtype=pl.Float64)
