"""Apart: which of many quantities differ by more than chance, all pairs of them looked at together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attribution.arrays import Bool, Float64

EXACT = 1e-12  # differences below this part of the quantities are rounding


def tell_apart(values: Float64, drawn: Float64, level: float, least: Float64 | None = None) -> Bool:
    """Return which pairs of k quantities can be told apart [k, k].

    Formula: with d the difference of a pair, s the standard deviation of its replicates d_r, and q the
    quantile ``level`` over replicates of the maximum over pairs of |d_r - d| / s, those with
    |d| > q s. The chance that any pair is told apart although none differs is about 1 - level (6 % for
    0.95 and 256 folds): looking at many pairs does not raise it. Quantities that are NaN are never told
    apart. With ``least`` of each quantity [k], those of a pair and s are added as squares before |d| is
    judged: where nothing happened in a few journeys nothing varies, and that is no proof.

    Source: Romano, Wolf (2005), "Stepwise multiple testing as formalized data snooping",
    Econometrica 73(4), section 4 (studentised maximum, single step).

    >>> replicates = np.random.default_rng(1).normal([10, 10.5, 99], 1, (500, 3))
    >>> tell_apart(np.array([10, 10.5, 99]), replicates, 0.95)[0].tolist()
    [False, False, True]
    """
    known = np.flatnonzero(~np.isnan(values) & ~np.isnan(drawn).any(axis=0))
    found = values[known]
    moved = drawn[:, known] - found
    spread = np.zeros((len(known), len(known)))
    largest = np.zeros(len(drawn))
    exact = EXACT * np.abs(found).max(initial=0.0)
    for place in range(len(known)):
        pairs = moved[:, place : place + 1] - moved[:, place + 1 :]
        spread[place, place + 1 :] = pairs.std(axis=0)
        varying = spread[place, place + 1 :] > exact
        if varying.any():
            scaled = np.abs(pairs[:, varying]) / spread[place, place + 1 :][varying]
            largest = np.maximum(largest, scaled.max(axis=1))
    spread = spread + spread.T
    if least is not None:
        more = least[known] ** 2
        spread = np.sqrt(spread**2 + more[:, None] + more)
    apart = np.zeros((len(values), len(values)), dtype=np.bool_)
    far = np.abs(found[:, None] - found) > np.maximum(np.quantile(largest, level) * spread, exact)
    apart[np.ix_(known, known)] = far
    return apart


def name_alike(names: Sequence[str], apart: Bool) -> list[str]:
    """Return for each quantity the names of those it cannot be told apart from.

    >>> name_alike(["a", "b", "c"], np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], dtype=bool))
    ['b', 'a', '']
    """
    return [
        ", ".join(name for other, name in enumerate(names) if other != place and not apart[place, other])
        for place in range(len(names))
    ]
