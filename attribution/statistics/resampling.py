"""Resampling: how often each fold of customers counts in each replicate, drawn once for everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.parameters import check, param


@dataclass(frozen=True)
class Resampling:
    """Intervals by drawing F folds of customers out of F, again and again.

    Formula: weights of the folds in a replicate ~ multinomial(F; 1/F, ..., 1/F); a quantity of the
    replicate is the quantity of the weighted sums; its interval lies between the quantiles
    (1 - level) / 2 and (1 + level) / 2 over the replicates. Multinomial and not Poisson weights:
    the folds that count sum to F in every replicate, so a total varies as counting says. Customers are
    dealt to folds by hash, so their number varies as well: what is estimated is the error of data in
    which as many customers came by chance.

    Raises:
        ParameterError: a parameter is outside its range.

    Source: Efron, Tibshirani (1993), "An introduction to the bootstrap", sections 13.3 and 8.

    >>> Resampling(replicates=100).weights(256).sum(axis=1).tolist() == [256.0] * 100
    True
    """

    intervals: float = param(0.95, "confidence level of the intervals", above=0, below=1)
    replicates: int = param(1000, "how often the customers are drawn anew", low=100)
    seed: int = param(0, "seed of the draws", low=0)

    def __post_init__(self) -> None:
        check(self)

    def weights(self, folds: int) -> Float64:
        """Return how often each fold counts in each replicate [R, F]."""
        drawn = np.random.default_rng(self.seed).multinomial(
            folds, np.full(folds, 1 / folds), size=self.replicates
        )
        return drawn.astype(np.float64)

    def bounds(self, values: Float64) -> tuple[Float64, Float64]:
        """Return the ends of the interval of replicated values [R, ...], of those that are no NaN.

        Infinite values count; an end among them is infinite, or NaN.
        """
        tail = (1 - self.intervals) / 2
        ordered = np.sort(values, axis=0)
        known = values.shape[0] - np.isnan(values).sum(axis=0)
        low, high = (quantile(ordered, known, share) for share in (tail, 1 - tail))
        return low, high


def quantile(ordered: Float64, known: Int64, share: float) -> Float64:
    """Return the quantile of the first ``known`` of ordered values [R, ...], linear between neighbours.

    >>> quantile(np.array([1.0, 2.0, 4.0, np.nan]), np.array(3), 0.75).item()
    3.0
    """
    at = np.maximum(known - 1, 0) * share
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    low, high = (np.take_along_axis(ordered, each[None], axis=0)[0] for each in (below, above))
    with np.errstate(invalid="ignore"):
        return np.asarray(low + (high - low) * (at - below))
