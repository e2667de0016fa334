"""Corrections: what several comparisons with one control ask of the p-value and the interval of each."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values adjusted so that one false alarm among all is no more likely than each alone was.

    Formula: of the k in ascending order, the largest of min(1, (k - j + 1) p_j) up to its own place. One that
    is not known is counted in k: it was asked for.

    >>> holm([0.01, 0.04, 0.03])  # 3 x 0.01, then 2 x 0.03, then max(0.06, 1 x 0.04)
    [0.03, 0.06, 0.06]

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 65-70.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[place] = largest
    return adjusted


def simultaneous(confidence: float, comparisons: int) -> float:
    """Return the confidence of each interval, so that all of them hold together (Bonferroni).

    >>> round(simultaneous(0.95, 2), 6)
    0.975
    """
    return confidence if comparisons == 1 else 1 - (1 - confidence) / comparisons
