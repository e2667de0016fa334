"""The campaigns of the invented company: when they run, what they cost, how budgets move."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from attribution.arrays import Float64
from attribution.simulation.company import CHANNELS, DAYS


class Campaign(NamedTuple):
    """A campaign: its share of the channel's budget, and the days from `first` to `end` it ran."""

    channel: str
    name: str
    share: float
    first: int = 0
    end: int = DAYS


CAMPAIGNS = (
    Campaign("Paid Search", "search-brand", 0.25),
    Campaign("Paid Search", "search-product", 0.50),
    Campaign("Paid Search", "search-competitor", 0.25, first=45),
    Campaign("Paid Social", "social-prospecting", 0.45),
    Campaign("Paid Social", "social-lookalike", 0.30),
    Campaign("Paid Social", "social-guide", 0.35, first=60, end=150),
    Campaign("Paid Social", "social-retargeting", 0.15),
    Campaign("Display", "display-awareness", 0.60),
    Campaign("Display", "display-retargeting", 0.40),
    Campaign("Email", "email-newsletter", 0.50),
    Campaign("Email", "email-nurture", 0.50),
    Campaign("Email", "email-launch", 0.60, first=95, end=125),
    Campaign("Webinar", "webinar-basics", 0.55),
    Campaign("Webinar", "webinar-customer-story", 0.45),
    Campaign("Webinar", "webinar-roadmap", 0.40, first=90),
)


class Price(NamedTuple):
    """What a paid channel costs: EUR a day, EUR a click, clicks per impression."""

    daily: float
    click: float
    click_rate: float


PRICES = {
    "Paid Search": Price(500.0, 5.20, 0.045),
    "Paid Social": Price(240.0, 2.30, 0.009),
    "Display": Price(250.0, 1.40, 0.0022),
    "Email": Price(40.0, 0.25, 0.030),
    "Webinar": Price(230.0, 11.0, 0.020),
}


def plan_budget(draws: Float64) -> Float64:
    """Return the budget as a multiple of the usual, [DAYS, channel], from draws [week, channel].

    Paid channels get 0.4 to 1.6 times the usual, changed every Thursday; the others stay at 1.
    """
    paid = np.array([name in PRICES for name in CHANNELS])
    weekly = np.where(paid, 0.4 + 1.2 * draws, 1.0)
    return np.repeat(weekly, 7, axis=0)[:DAYS]


def share_campaigns() -> Float64:
    """Return the share of each campaign in the budget of its channel, [DAYS, campaign]."""
    channel = np.array([campaign.channel for campaign in CAMPAIGNS])
    day = np.arange(DAYS)[:, None]
    running = (day >= [campaign.first for campaign in CAMPAIGNS]) & (
        day < [campaign.end for campaign in CAMPAIGNS]
    )
    asked = running * np.array([campaign.share for campaign in CAMPAIGNS])
    shares: Float64 = asked / (asked @ (channel[:, None] == channel))
    return shares
