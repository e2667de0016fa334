"""Markets in which what each channel's spend brings is known, and is not what its credit says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
ORGANIC = "Organic"
SHAPES = ("power", "hill", "logarithmic")


@dataclass(frozen=True)
class Paid:
    """A channel whose spend brings leads: f(s) a week, at a spend of s a week that is kept.

    power: size s^bend; hill: size s / (s + bend); logarithmic: size log(1 + s / bend).

    ``added`` is the share of its leads that come on top; the others would come without a touchpoint.
    """

    name: str
    shape: str
    size: float
    bend: float
    spend: float  # money a week, in the mean
    swing: float = 0.5  # standard deviation of the log of a week's spend
    half_life: float = 0.0  # weeks in which the memory of spend halves
    added: float = 1.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ParameterError.out_of_range("shape", self.shape, f"one of {', '.join(SHAPES)}")

    def leads(self, stock: Float64 | float) -> Float64:
        """Return f(s).

        >>> Paid("Ads", "hill", size=40.0, bend=100.0, spend=100.0).leads(300.0).item()
        30.0
        """
        if self.shape == "power":
            return np.asarray(self.size * stock**self.bend)
        if self.shape == "hill":
            return np.asarray(self.size * stock / (stock + self.bend))
        return np.asarray(self.size * np.log1p(stock / self.bend))


@dataclass(frozen=True)
class Market:
    """Paid channels, and the leads a week that come without any of them."""

    channels: tuple[Paid, ...]
    organic: float

    def added(self, spend: Sequence[float] | Float64) -> float:
        """Return the leads a week that a spend by channel adds to the organic ones, if it is kept."""
        return float(sum(each.added * each.leads(s) for each, s in zip(self.channels, spend, strict=True)))


@dataclass(frozen=True, eq=False)
class Weeks:
    """What happened in a market: spend [C, P], and leads by channel, the organic ones last [C + 1, P]."""

    spend: Float64
    leads: Int64


def draw_weeks(market: Market, weeks: int, random: np.random.Generator) -> Weeks:
    """Return the weeks of a market.

    Formula: the budgets of the weeks are lognormal around their mean, the leads Poisson around the curve of
    the ad-stock S(t) = k S(t - 1) + (1 - k) s(t), k = 2^(-1 / half-life), which begins at the mean.

    Raises:
        ParameterError: channels take credit for more leads than come without them.
    """
    spend, leads = [], []
    organic = np.full(weeks, market.organic)
    for each in market.channels:
        log = each.swing * random.standard_normal(weeks) - each.swing**2 / 2
        spend.append(np.round(each.spend * np.exp(log), 2))
        mean = each.leads(stock_of(spend[-1], each))
        leads.append(random.poisson(mean))
        organic = organic - (1 - each.added) * mean
    if (organic < 0).any():
        raise ParameterError.out_of_range("organic", market.organic, "at least what channels take credit for")
    return Weeks(np.stack(spend), np.stack([*leads, random.poisson(organic)]))


def run_market(market: Market, weeks: int, seed: int) -> dict[str, pl.DataFrame]:
    """Return what a company in the market would export: the tables `touchpoints`, `leads` and `spend`.

    Each lead is a customer of its own with one touchpoint in the day before; as many again are touched and
    never convert.
    """
    random = np.random.default_rng(seed)
    drawn = draw_weeks(market, weeks, random)
    names = [each.name for each in market.channels]
    return {
        **events_of(drawn.leads, np.array([*names, ORGANIC]), random),
        "spend": pl.DataFrame(
            {
                "date": [day.date() for _ in names for day in mondays(weeks)],
                "channel": np.repeat(names, weeks),
                "spend": drawn.spend.ravel(),
            }
        ),
    }


def stock_of(spend: Float64, channel: Paid) -> Float64:
    """Return the spend that still works in each week."""
    keep = 2.0 ** (-1 / channel.half_life) if channel.half_life else 0.0
    stock, last = np.empty_like(spend), channel.spend
    for week, money in enumerate(spend):
        last = stock[week] = keep * last + (1 - keep) * money
    return stock


def mondays(weeks: int) -> list[datetime]:
    """Return the first day of every week."""
    return [START + timedelta(weeks=week) for week in range(weeks)]


def events_of(counts: Int64, names: np.ndarray, random: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Return touchpoints and leads from the leads of each channel and week [C, P]."""
    channel, week = (np.repeat(each.ravel(), 2 * counts.ravel()) for each in np.indices(counts.shape))
    hour = 7 * 24 * week + 24 + 143 * random.random(len(channel))  # Tuesday to Sunday: both in one week
    events = pl.DataFrame(
        {
            "customer_id": [f"c{number:07d}" for number in range(len(channel))],
            "timestamp": instants(hour - 23 * random.random(len(channel))),
            "channel": names[channel],
            "converts": instants(hour),
        }
    )
    return {
        "touchpoints": events.drop("converts"),
        "leads": events.gather_every(2).select("customer_id", timestamp="converts"),
    }


def instants(hours: Float64) -> pl.Series:
    """Return hours since the start as times in whole seconds."""
    seconds = int(START.timestamp()) + np.round(3600 * hours).astype(np.int64)
    return pl.Series(1_000_000 * seconds).cast(pl.Datetime("us", "UTC"))
