"""Survival: the share that reaches an end within a time, while others are still open or ended otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.blas import one_thread

CENSORED, REACHED, COMPETING = 0, 1, 2  # how a row ends
NOISE = 1e-9  # relative: a share that is reached exactly must not be missed by a last bit
CELLS = 1 << 20  # numbers of an array that are held at once: 8 MB
MOST = 1 << 11  # times of ends that replicates tell apart


@dataclass(frozen=True, eq=False)
class Incidence:
    """The cumulative incidence of an end, a step function of the days: [T], or [R, T] for R replicates.

    ``times`` are the T days of any end, ``values`` the share reached at and after each, ``watched`` the
    days up to which it is known: the longest duration, or infinite where nobody is left open at it.
    """

    times: Float64
    values: Float64
    watched: Float64

    def at(self, days: Sequence[float]) -> Float64:
        """Return the share that reached the end within H days [..., H], NaN beyond what was watched.

        >>> incidence(np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.ones(3)).at([0, 1, 3, 5]).round(3)
        array([0.   , 0.333, 0.667,   nan])
        """
        asked = np.asarray(days, dtype=np.float64)
        started = np.concatenate(
            [np.zeros_like(self.values[..., :1], shape=(*self.shape, 1)), self.values], -1
        )
        found = started[..., np.searchsorted(self.times, asked, side="right")]
        return np.where(asked <= self.watched[..., None], found, np.nan)

    def quantiles(self, shares: Sequence[float], of_reached: bool = False) -> Float64:
        """Return the first day at which a share has reached the end [..., Q], NaN where it never has.

        Formula: min {t: CIF(t) >= q}; ``of_reached``: min {t: CIF(t) >= q CIF(last)}.

        >>> half = incidence(np.array([1.0, 2.0, 4.0, 4.0]), np.array([1, 1, 0, 0]), np.ones(4))
        >>> half.quantiles([0.5, 0.75]).tolist(), half.quantiles([0.5, 0.75], of_reached=True).tolist()
        ([2.0, nan], [1.0, 2.0])
        """
        last = self.values[..., -1] if len(self.times) else np.zeros(self.shape)
        whole = np.asarray(last if of_reached else np.ones(self.shape))
        days = np.append(self.times, np.nan)
        found = []
        for share in shares:
            before = (self.values < (share * whole * (1 - NOISE))[..., None]).sum(axis=-1)
            found.append(days[np.where(last > 0, before, len(self.times))])
        return np.stack(found, axis=-1)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without the days: () or (R,)."""
        return self.values.shape[:-1]


def incidence(days: Float64, ends: Int64, weights: Float64) -> Incidence:
    """Return the cumulative incidence of the end REACHED over n weighted rows.

    Formula: over the distinct days t of an end, with n(t) the weight of the rows with days >= t and d_k(t)
    the weight of those that end so at t: S(t) = prod over s <= t of (1 - (d_1(s) + d_2(s)) / n(s)),
    CIF(t) = sum over s <= t of S(s-) d_1(s) / n(s) (Aalen-Johansen). Without competing ends it is 1 - S
    (Kaplan-Meier). Ends come before censorings of the same day.

    ``days`` [n] >= 0, ``ends`` [n] is CENSORED, REACHED or COMPETING, ``weights`` [n] >= 0. Rows are put in
    order of days, end and weight before they are added: their own order changes no bit.

    Example: of 4 one is reached on day 1 (1/4), one lost on day 2 (S = 3/4 x 2/3 = 1/2), one reached on
    day 3 (1/4 + 1/2 x 1/2), one still open on day 4.

    >>> incidence(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 0]), np.ones(4)).at([1, 2, 3]).tolist()
    [0.25, 0.25, 0.5]

    Source: Kaplan, Meier (1958), "Nonparametric estimation from incomplete observations", JASA 53, 457-481;
    Aalen, Johansen (1978), "An empirical transition matrix for non-homogeneous Markov chains based on
    censored observations", Scandinavian Journal of Statistics 5, 141-150.
    """
    (one,) = incidences(days, ends, weights, np.zeros(len(days), np.int64), np.ones((1, 1)))
    return Incidence(one.times, one.values[0], one.watched[0])


def incidences(
    days: Float64, ends: Int64, weights: Float64, folds: Int64, drawn: Float64
) -> Iterator[Incidence]:
    """Yield the cumulative incidence in R replicates, in blocks of some of them, in their order.

    Formula: that of ``incidence`` with each weight times how often the row's fold counts: ``drawn`` [R, F].
    Where nobody is at risk in a replicate, nobody ends. Sums by fold are made once for a block and weighted
    by a product of matrices; memory is bounded by CELLS, whatever R, F and T are. Of more than MOST times of
    ends the replicates know MOST, to which ends are moved up: far less than what is drawn differs.

    >>> (two,) = incidences(np.array([1.0, 2.0]), np.array([1, 0]), np.ones(2), np.array([0, 1]),
    ...                     np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]))
    >>> two.at([1]).ravel().tolist()
    [0.5, 1.0, 0.0]
    """
    kept = np.flatnonzero(weights > 0)
    if len(drawn) > 1:
        days = coarse(days, ends)
    kept = kept[np.lexsort((weights[kept], folds[kept], ends[kept], days[kept]))]
    days, ends, weights, folds = days[kept], ends[kept], weights[kept], folds[kept]
    present, folds = np.unique(folds, return_inverse=True)
    drawn = np.ascontiguousarray(drawn[:, present])
    times = np.unique(days[ends != CENSORED])
    last = np.searchsorted(times, days, side="right") - 1  # place of the last time at which a row is at risk
    many = max(1, CELLS // max(len(times), 1))
    for first in range(0, len(drawn), many):
        block = drawn[first : first + many]
        values = np.zeros((len(block), len(times)))
        survived, reached = np.ones(len(block)), np.zeros(len(block))
        wide = max(1, CELLS // max(len(present), len(block), 1))
        for start in range(0, len(times), wide):
            stop = min(start + wide, len(times))
            hazards = hazards_of(last, ends, weights, folds, block, start, stop)
            left = survived[:, None] * np.cumprod(1 - hazards[0], axis=1)
            before = np.concatenate([survived[:, None], left[:, :-1]], axis=1)
            sums = reached[:, None] + np.cumsum(before * hazards[1], axis=1)
            values[:, start:stop] = np.minimum(sums, 1.0)  # rounding may make it more
            survived, reached = left[:, -1], values[:, stop - 1]
        yield Incidence(times, values, watched_of(days, ends, folds, block))


def coarse(days: Float64, ends: Int64) -> Float64:
    """Return the days, those of ends moved up to the next of at most MOST times that ends have.

    >>> coarse(np.array([3.0, 1.0]), np.array([1, 0])).tolist()
    [3.0, 1.0]
    """
    times = np.unique(days[ends != CENSORED])
    if len(times) <= MOST:
        return days
    grid = times[np.linspace(0, len(times) - 1, MOST).round().astype(np.int64)]
    return np.where(ends == CENSORED, days, grid[np.minimum(np.searchsorted(grid, days), MOST - 1)])


def hazards_of(
    last: Int64, ends: Int64, weights: Float64, folds: Int64, drawn: Float64, start: int, stop: int
) -> tuple[Float64, Float64]:
    """Return the shares of those at risk that end at some times, and that are REACHED: two [R, times].

    Rows stand in order of ``last``, the place of the last time at which they are at risk.
    """
    a, b = np.searchsorted(last, [start, stop])
    many, wide = drawn.shape[1], stop - start

    def by_fold(chosen: Int64) -> Float64:
        cell = folds[chosen] * wide + (last[chosen] - start)
        sums = np.bincount(cell, weights[chosen], minlength=many * wide)
        return np.asarray(sums, np.float64).reshape(many, wide)

    rows = np.arange(a, b)
    later = np.bincount(folds[b:], weights[b:], minlength=many)
    at_risk = np.cumsum(by_fold(rows)[:, ::-1], axis=1)[:, ::-1] + later[:, None]
    ended = by_fold(rows[ends[a:b] != CENSORED])
    with one_thread():
        risk = drawn @ at_risk
        of_all = shares_of(drawn @ ended, risk)
        if not (ends == COMPETING).any():
            return of_all, of_all
        return of_all, shares_of(drawn @ by_fold(rows[ends[a:b] == REACHED]), risk)


def shares_of(part: Float64, whole: Float64) -> Float64:
    """Return part / whole, 0 where there is no whole, 1 where rounding would make it more."""
    return np.minimum(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0), 1.0)


def watched_of(days: Float64, ends: Int64, folds: Int64, drawn: Float64) -> Float64:
    """Return the days up to which each replicate is known [R]: infinite where the longest row is an end.

    >>> watched_of(np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 1]), np.array([[1.0, 0.0], [1, 1]]))
    array([ 1., inf])
    """
    longest = np.full((2, drawn.shape[1]), -np.inf)
    np.maximum.at(longest[0], folds, days)
    np.maximum.at(longest[1], folds[ends == CENSORED], days[ends == CENSORED])
    of_all, of_open = (np.where(drawn > 0, each, -np.inf).max(axis=1, initial=-np.inf) for each in longest)
    return np.where(of_open < of_all, np.inf, of_all)


def naive_mean(days: Float64, ends: Int64, weights: Float64) -> float:
    """Return the weighted mean of the days of those that REACHED the end, NaN where there is none.

    It leaves out who is still open, and so is too short: for comparison with other tools only.

    >>> naive_mean(np.array([2.0, 4.0, 90.0]), np.array([1, 1, 0]), np.ones(3))
    3.0
    """
    reached = ends == REACHED
    whole = math.fsum(weights[reached])
    return math.fsum(weights[reached] * days[reached]) / whole if whole > 0 else math.nan
