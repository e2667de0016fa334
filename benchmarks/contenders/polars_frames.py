"""Polars: what a good analyst writes with frames, lists by customer, and a removal loop in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contenders import RULES, SIX

if TYPE_CHECKING:
    import polars as pl

REQUIRES = "polars"
EXACT = SIX
LOOKBACK, HALF_LIFE = 30, 7.0  # days


def credits(touchpoints: Path, outcomes: Path) -> dict[str, dict[str, float]]:
    """Cut journeys, count their steps, share the outcomes of the converting ones."""
    import polars as pl

    from benchmarks.contenders.removal_loop import removal_effects

    rows = cut(touchpoints, outcomes)
    first = pl.col("journey") != pl.col("journey").shift(1, fill_value=-1)
    steps = (
        rows.lazy()
        .select(
            pl.when(~first).then(pl.col("channel").shift(1)).alias("before"),
            "channel",
            (pl.col("journey") != pl.col("journey").shift(-1, fill_value=-1)).alias("last"),
            "converts",
        )
        .group_by(pl.all())
        .len()
        .collect()
    )
    effects = removal_effects(steps.with_columns(pl.col("before", "channel").cast(pl.String)).iter_rows())
    converting = rows.filter("converts").with_columns(pl.col("channel").cast(pl.String))
    shared = by_rule(converting)
    return {rule: dict(shared.select("channel", rule).iter_rows()) for rule in RULES} | {
        "markov": dict(by_effect(converting, effects).iter_rows())
    }


def cut(touchpoints: Path, outcomes: Path) -> pl.DataFrame:
    """Return the touchpoints of every journey, oldest first: journey, converts, ended, leads, channel.

    After the conversion the customer's touchpoints are a journey of their own, which ends at the last.
    """
    import polars as pl

    ended = pl.scan_parquet(outcomes).select("customer_id", "leads", ended="timestamp")
    grouped = (
        pl.scan_parquet(touchpoints)
        .with_columns(pl.col("channel").cast(pl.Categorical))
        .sort("timestamp", "channel")
        .join(ended, on="customer_id", how="left", maintain_order="left")
        .with_columns(converts=(pl.col("timestamp") <= pl.col("ended")).fill_null(value=False))
        .group_by("customer_id", "converts")
        .agg("timestamp", "channel", pl.col("ended", "leads").first())
    )
    return (
        grouped.select(
            pl.int_range(pl.len()).alias("journey"),
            "converts",
            "leads",
            pl.when("converts").then("ended").otherwise(pl.col("timestamp").list.last()).alias("ended"),
            "timestamp",
            "channel",
        )
        .explode("timestamp", "channel")
        .filter(pl.col("timestamp") >= pl.col("ended") - pl.duration(days=LOOKBACK))
        .collect()
    )


def by_rule(converting: pl.DataFrame) -> pl.DataFrame:
    """Return the leads of each channel by the five rules."""
    import polars as pl

    place, length = pl.int_range(pl.len()).over("journey"), pl.len().over("journey")
    age = (pl.col("ended") - pl.col("timestamp")).dt.total_microseconds() / 86_400_000_000
    placed = converting.with_columns(place=place, length=length, decay=0.5 ** (age / HALF_LIFE))
    first, last, length = pl.col("place") == 0, pl.col("place") + 1 == pl.col("length"), pl.col("length")
    middle = pl.when(first | last).then(0.4).otherwise(0.2 / (length - 2.0))
    weights = {
        "first_touch": first,
        "last_touch": last,
        "linear": 1 / length,
        "position_based": pl.when(length > 2).then(middle).otherwise(1 / length),
        "time_decay": pl.col("decay") / pl.col("decay").sum().over("journey"),
    }
    shared = placed.select("channel", **{rule: weight * pl.col("leads") for rule, weight in weights.items()})
    return shared.group_by("channel").agg(pl.all().sum())


def by_effect(converting: pl.DataFrame, effects: dict[str, float]) -> pl.DataFrame:
    """Return the leads of each channel, shared inside each journey by the removal effects of its channels."""
    import polars as pl

    met = converting.unique(["journey", "channel"]).with_columns(
        effect=pl.col("channel").replace_strict(effects, return_dtype=pl.Float64)
    )
    whole = pl.col("effect").sum().over("journey")
    weight = pl.when(whole > 0).then(pl.col("effect") / whole).otherwise(1 / pl.len().over("journey"))
    return met.select("channel", leads=weight * pl.col("leads")).group_by("channel").agg(pl.all().sum())
