"""The spend table of the invented company: what its budget plan cost, by day and campaign."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.simulation.campaigns import CAMPAIGNS, PRICES, share_campaigns
from attribution.simulation.company import CHANNELS, START
from attribution.simulation.working_hours import measure_activity


def tabulate_spend(touchpoints: pl.DataFrame, plan: Float64, draws: Callable[[int], Float64]) -> pl.DataFrame:
    """Return one row a day and running campaign: spend in EUR, impressions and clicks.

    Most who click are never identified: the clicks are those in the touchpoints and as many more
    as the spend of the day buys.
    """
    busy = np.diff(measure_activity()[::24])
    shares, names = share_campaigns(), list(CHANNELS)
    frames = []
    for k, campaign in enumerate(CAMPAIGNS):
        days = np.arange(campaign.first, campaign.end)
        price = PRICES[campaign.channel]
        budget = price.daily * plan[days, names.index(campaign.channel)] * busy[days]
        spend = np.round(budget * shares[days, k] * (0.85 + 0.3 * draws(len(days))), 2)
        unknown = np.rint(spend / price.click * (0.8 + 0.4 * draws(len(days))))
        frames.append(
            pl.DataFrame(
                {
                    "date": [START.date() + timedelta(days=day) for day in days.tolist()],
                    "channel": campaign.channel,
                    "campaign": campaign.name,
                    "spend": spend,
                    "unknown": unknown.astype(np.int64),
                    "views_per_click": (0.8 + 0.4 * draws(len(days))) / price.click_rate,
                }
            )
        )
    known = (
        touchpoints.filter(pl.col("kind") == "click")
        .group_by(pl.col("timestamp").dt.date().alias("date"), "campaign")
        .agg(known=pl.len().cast(pl.Int64))
    )
    clicks = pl.col("unknown") + pl.col("known").fill_null(0)
    return (
        pl.concat(frames)
        .join(known, on=["date", "campaign"], how="left")
        .with_columns(clicks=clicks)
        .select(
            "date",
            "channel",
            "campaign",
            "spend",
            impressions=(pl.col("clicks") * pl.col("views_per_click")).round().cast(pl.Int64),
            clicks="clicks",
            currency=pl.lit("EUR"),
        )
        .sort("date", "channel", "campaign")
    )
