"""The removal loop: Markov order 1 as an analyst writes it, the chain solved without each channel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def removal_effects(steps: Iterable[tuple[str | None, str, bool, bool, int]]) -> dict[str, float]:
    """Return the removal effect of each channel.

    A step is the channel before (None at the start), the channel, whether it is the journey's last, whether
    the journey converts, and how often that happened.
    """
    steps = list(steps)
    channels = sorted({channel for _, channel, *_ in steps})
    state = {None: 0} | {channel: place for place, channel in enumerate(channels, start=1)}
    moves = np.zeros((len(state), len(state)))
    conversions, nulls = np.zeros(len(state)), np.zeros(len(state))
    for before, channel, last, converts, times in steps:
        moves[state[before], state[channel]] += times
        if last:
            (conversions if converts else nulls)[state[channel]] += times
    leaving = moves.sum(axis=1) + conversions + nulls
    chance, at_once = moves / leaving[:, None], conversions / leaving
    whole = probability(chance, at_once)
    effects = {}
    for channel in channels:
        without = chance.copy()
        without[:, state[channel]] = 0.0
        effects[channel] = 1 - probability(without, at_once) / whole if whole else 0.0
    return effects


def probability(chance: np.ndarray, at_once: np.ndarray) -> float:
    """Return how probable a conversion is from the start."""
    return float(np.linalg.solve(np.eye(len(chance)) - chance, at_once)[0])
