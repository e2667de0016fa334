"""ChannelAttribution: paths prepared with polars, its heuristics, and its Markov chain by simulation.

Its Markov shares the total by removal effects, so it stands beside our ``share="global"``. It imports
matplotlib without asking for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

REQUIRES = "ChannelAttribution"
EXACT = ("first_touch", "last_touch", "linear")
HEURISTICS = {"first_touch": "first_touch", "last_touch": "last_touch", "linear_touch": "linear"}


def credits(touchpoints: Path, outcomes: Path, **options: Any) -> dict[str, dict[str, float]]:
    """Prepare paths, share."""
    return share(prepare(touchpoints, outcomes), **options)


def prepare(touchpoints: Path, outcomes: Path, **_: Any) -> Any:
    """Return the table that it takes: path, conversions, nulls; equal paths are one row."""
    import polars as pl

    from benchmarks.contenders.polars_frames import cut

    paths = cut(touchpoints, outcomes).group_by("journey").agg(pl.col("channel"), pl.col("converts").first())
    counted = paths.group_by(path=pl.col("channel").cast(pl.List(pl.String)).list.join(">")).agg(
        conversions=pl.col("converts").sum(), nulls=(~pl.col("converts")).sum()
    )
    return counted.to_pandas()


def share(
    paths: Any, *, orders: tuple[int, ...] = (1,), heuristics: bool = True
) -> dict[str, dict[str, float]]:
    """Call the ChannelAttribution."""
    import ChannelAttribution

    found = {}
    if heuristics:
        table = ChannelAttribution.heuristic_models(paths, "path", "conversions", sep=">", flg_pro=False)
        for column, rule in HEURISTICS.items():
            found[rule] = dict(zip(table["channel_name"], map(float, table[column]), strict=True))
    for order in orders:
        table = ChannelAttribution.markov_model(
            paths,
            "path",
            "conversions",
            var_null="nulls",
            order=order,
            sep=">",
            ncore=os.cpu_count() or 1,
            seed=1,
            verbose=False,
            flg_pro=False,
        )
        found[f"markov_global_{order}"] = dict(
            zip(table["channel_name"], map(float, table["total_conversions"]), strict=True)
        )
    return found
