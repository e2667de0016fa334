"""marketing-attribution-models: its session table prepared with polars, its heuristics and Markov chain.

Its time decay counts whole seconds, and its Markov weighs every touchpoint of a journey and not every
distinct channel: near to ours, and not the same.
"""

from __future__ import annotations

from pathlib import Path

REQUIRES = "mam"
EXACT = ("first_touch", "last_touch", "linear", "position_based")


def credits(touchpoints: Path, outcomes: Path) -> dict[str, dict[str, float]]:
    """Prepare sessions, run its models."""
    import polars as pl
    from mam import MAM

    from benchmarks.contenders.polars_frames import cut

    sessions = cut(touchpoints, outcomes).select(
        "journey", "timestamp", pl.col("channel").cast(pl.String), "converts"
    )
    library = MAM(
        sessions,
        "session",
        channels_colname="channel",
        journey_with_conv_colname="converts",
        datetime_colname="timestamp",
        user_id_colname="journey",
    )
    results = {
        "first_touch": library.run_first_click(),
        "last_touch": library.run_last_click(),
        "linear": library.run_linear(),
        "position_based": library.run_position_based(),
        "time_decay": library.run_time_decay(half_life_hours=7 * 24),
        "markov": library.run_markov(transition_to_same_state=True),
    }
    return {model: dict(each.to_polars().iter_rows()) for model, each in results.items()}
