"""Carry-over: the spend that still works in a period, of that and of earlier periods."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64


def stock_of(spend: Float64, half_life: Float64, before: float) -> Float64:
    """Return the ad-stock of spend [P], by half-life in periods [H]: [H, P].

    Formula: S(t) = k S(t - 1) + (1 - k) x(t), k = 2^(-1 / half-life), 0 where the half-life is 0; S of the
    period before the first is ``before``. Spend that stays the same is its own stock.

    Units: money a period.

    Source: Broadbent (1979), "One way TV advertisements work", Journal of the Market Research Society 21.

    >>> stock_of(np.array([4.0, 0.0, 2.0]), np.array([0.0, 1.0]), before=2.0).tolist()
    [[4.0, 0.0, 2.0], [3.0, 1.5, 1.75]]
    """
    with np.errstate(divide="ignore"):
        keep = 2.0 ** (-1 / half_life)
    stock = np.empty((len(half_life), len(spend)))
    carried = np.full(len(half_life), before)
    for t, money in enumerate(spend):
        carried = stock[:, t] = keep * carried + (1 - keep) * money
    return stock
