"""Comparing: how far the credits of a contender lie from ours, model by model."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isnan

Shares = Mapping[str, Mapping[str, float]]
TOLERANCE = 1e-9


def differences(ours: Shares, theirs: Shares) -> dict[str, float]:
    """Return the largest relative difference of any channel, for each model that both have.

    >>> differences({"linear": {"ads": 2.0, "mail": 1.0}}, {"linear": {"ads": 2.0, "mail": 1.5}})
    {'linear': 0.5}
    """
    return {model: largest(ours[model], theirs[model]) for model in ours if model in theirs}


def largest(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """Return the largest difference relative to our credit, or to all credits where we give none."""
    whole = sum(ours.values()) or 1.0
    apart = [
        abs(theirs.get(name, 0.0) - ours.get(name, 0.0)) / abs(ours.get(name, 0.0) or whole)
        for name in {*ours, *theirs}
    ]
    return max((inf if isnan(each) else each for each in apart), default=0.0)
