"""Journeys and event logs by size and shape, seeded: the same case is the same bytes everywhere."""

import numpy as np
import polars as pl

from attribution import Journeys

DAYS = 90
MICROSECONDS = 86_400_000_000
START = 1_767_225_600_000_000  # 2026-01-01 UTC


def draw(journeys: int, channels: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lengths (geometric, mean 4, at most 50), channels (Zipf 1.1) and who converts (4 %)."""
    random = np.random.Generator(np.random.PCG64(seed))
    lengths = np.minimum(1 + np.floor(np.log(random.random(journeys)) / np.log(0.75)), 50).astype(np.int64)
    odds = np.arange(1, channels + 1) ** -1.1
    steps = np.cumsum(odds / odds.sum())
    channel = np.searchsorted(steps, random.random(int(lengths.sum()))).clip(max=channels - 1)
    return lengths, channel, random.random(journeys) < 0.04


def coded_journeys(journeys: int, channels: int = 12, seed: int = 1) -> Journeys:
    """Return one batch of journeys, as the kernels take them."""
    lengths, channel, converts = draw(journeys, channels, seed)
    random = np.random.Generator(np.random.PCG64(seed + 1))
    leads = converts.astype(float)
    return Journeys(
        tuple(f"channel {place:03}" for place in range(channels)),
        ("leads", "revenue"),
        np.concatenate([[0], np.cumsum(lengths)]),
        channel,
        random.random(len(channel)) * 30,
        np.ones(journeys),
        np.column_stack([leads, leads * random.random(journeys) * 100]),
    )


def event_log(journeys: int, channels: int = 12, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return touchpoints in order of time with scrambled integer customers, and outcomes."""
    lengths, channel, converts = draw(journeys, channels, seed)
    random = np.random.Generator(np.random.PCG64(seed + 1))
    customers = random.permutation(np.arange(journeys) * 7_919 + 13)
    time = START + (random.random(len(channel)) * (DAYS - 1) * MICROSECONDS).astype(np.int64)
    names = pl.Series([f"channel {place:03}" for place in range(channels)], dtype=pl.Categorical)
    instant = pl.Datetime("us", "UTC")
    touchpoints = pl.DataFrame(
        {
            "customer_id": np.repeat(customers, lengths),
            "timestamp": pl.Series(time).cast(instant),
            "channel": names.gather(channel),
        }
    ).sort("timestamp", maintain_order=True)
    ended = START + (random.random(int(converts.sum())) * DAYS * MICROSECONDS).astype(np.int64)
    outcomes = pl.DataFrame(
        {
            "customer_id": customers[converts],
            "timestamp": pl.Series(ended).cast(instant),
            "leads": np.ones(int(converts.sum())),
            "revenue": np.round(np.exp(3 + 0.6 * random.standard_normal(int(converts.sum()))), 2),
        }
    )
    return touchpoints, outcomes
