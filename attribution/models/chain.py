"""The absorbing chain behind the counts: what is lost without a channel, solved and never simulated."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.blas import one_thread
from attribution.errors import ConvergenceError
from attribution.kernels import kernel
from attribution.statistics import TransitionCounts

MOST_CHANNELS = 2_000  # a dense solve of as many states takes 15 s on 2 cores, and grows with the cube
DENSE_STATES = MOST_CHANNELS + 1  # with the start; sparse LU fills in and is never faster
SWEEP_COST = 1_000  # sweeps of the iteration, each cell of which costs about ten of a dense solve
SWEEPS = 20_000
DENSE_QUICKLY, SWEPT_QUICKLY = 10**8, 15_000  # cubed states, and moves x channels, solved in 20 ms
SOLVED_TOGETHER = 128  # states of order 1; with more, the blocks of the linear algebra library are faster
CELLS = 8_000_000  # size of the block of expected visits that is iterated at once


def removal_effects(counts: TransitionCounts) -> tuple[Float64, Float64]:
    """Return outcomes per journey p [m], and removal effects [k, m], NaN where p is 0.

    With Q the moves between states, g the outcomes at once and N = (I - Q)^-1:
    p = (N g)[start] and RE_c = N[s, D] (N[D, D])^-1 (N g)[D] / p, where D holds the states that
    contain channel c: arrivals there become null.

    Source: Anderl, Becker, von Wangenheim, Schumann (2016), "Mapping the customer journey",
    section 3.3; Kemeny & Snell (1960), "Finite Markov Chains", chapter 3.
    """
    if counts.journeys == 0:
        outcomes = len(counts.outcome_names)
        return np.zeros(outcomes), np.full((len(counts.channels), outcomes), np.nan)
    with one_thread():
        per_journey, lost = (solve_dense if is_small(counts) else solve_by_iteration)(counts)
    return per_journey, effects_of(per_journey, lost)


def removal_effects_each(counts: TransitionCounts) -> Float64:
    """Return the removal effects of R weighted sums of one chain that is solved together: [R, k, m]."""
    ends, nulls = np.ascontiguousarray(counts.ends), np.ascontiguousarray(counts.nulls)
    per_journey, arrived = remove_each(
        counts.source, counts.target, np.ascontiguousarray(counts.count), ends, nulls
    )
    lost = np.zeros((len(ends), len(counts.channels), ends.shape[2]))
    lost[:, counts.windows[1:, 0] - 1] = arrived[:, 1:]
    return effects_of(per_journey, lost)


def effects_of(per_journey: Float64, lost: Float64) -> Float64:
    """Return what is lost [..., k, m] as a share of the outcomes [..., m], NaN where there are none."""
    whole = per_journey[..., None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = np.where(whole == 0, np.nan, lost / whole)
    effects[..., 0] = np.clip(effects[..., 0], 0.0, 1.0)  # a probability, up to the last bit
    return effects


def shares(parts: Float64, wholes: Float64) -> Float64:
    """Return parts / wholes, 0 where there is nothing: a resampled state may have lost its visits."""
    return np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)


def is_small(counts: TransitionCounts) -> bool:
    """Return whether one dense solve is cheaper than the iteration."""
    states = len(counts.states)
    sweeping = SWEEP_COST * len(counts.source) * len(counts.channels)
    return states <= DENSE_STATES and states**3 <= sweeping


def is_slow(counts: TransitionCounts) -> bool:
    """Return whether a solve takes longer than about 20 ms, by the numbers that it has to touch."""
    if is_small(counts):
        return len(counts.states) ** 3 > DENSE_QUICKLY
    return len(counts.source) * len(counts.channels) > SWEPT_QUICKLY


def is_solved_together(counts: TransitionCounts) -> bool:
    """Return whether many weighted sums of the chain are solved faster together than one by one."""
    return counts.windows.shape[1] == 1 and len(counts.states) <= SOLVED_TOGETHER


def solve_dense(counts: TransitionCounts) -> tuple[Float64, Float64]:
    """Return p [m] and the outcomes per journey that are lost without each channel [k, m], by one solve."""
    size = len(counts.states)
    moves = np.zeros((size, size))
    moves[counts.source, counts.target] = shares(counts.count, counts.visits[counts.source])
    visits = np.linalg.inv(np.eye(size) - moves)
    worth = visits @ shares(counts.ends, counts.visits[:, None])
    lost = np.zeros((len(counts.channels), worth.shape[1]))
    if counts.windows.shape[1] == 1:  # a channel is one state
        arrived = visits[0, 1:] / np.diagonal(visits)[1:]
        lost[counts.windows[1:, 0] - 1] = arrived[:, None] * worth[1:]
        return np.asarray(worth[0]), lost
    for channel in range(len(counts.channels)):
        held = np.flatnonzero(counts.holds(channel))
        if len(held):
            first = np.linalg.solve(visits[np.ix_(held, held)].T, visits[0, held])
            lost[channel] = first @ worth[held]
    return np.asarray(worth[0]), lost


@kernel
def remove_each(
    source: Int64, target: Int64, count: Float64, ends: Float64, nulls: Float64
) -> tuple[Float64, Float64]:
    """Return p [R, m] and what is lost without each state [R, s, m] of R chains of order 1."""
    replicates, size, outcomes = ends.shape
    per_journey = np.zeros((replicates, outcomes))
    lost = np.zeros((replicates, size, outcomes))
    visits, stays = np.empty(size), np.empty((size, size))
    for r in range(replicates):
        visits[:] = 0.0
        for e in range(source.size):
            visits[target[e]] += count[r, e]
        for s in range(size):
            visits[0] += ends[r, s, 0] + nulls[r, s]
        stays[:] = 0.0
        for s in range(size):
            stays[s, s] = 1.0
        for e in range(source.size):
            if visits[source[e]] > 0.0:
                stays[source[e], target[e]] -= count[r, e] / visits[source[e]]
        invert(stays)
        for s in range(size):
            for end in range(size):
                if visits[end] > 0.0:
                    for i in range(outcomes):
                        lost[r, s, i] += stays[s, end] * (ends[r, end, i] / visits[end])
        for i in range(outcomes):
            per_journey[r, i] = lost[r, 0, i]
        for s in range(size):
            for i in range(outcomes):
                lost[r, s, i] *= stays[0, s] / stays[s, s]
    return per_journey, lost


@kernel
def invert(matrix: Float64) -> None:
    """Put the inverse of I - Q in its place: no row has to be exchanged, its diagonal outweighs the rest."""
    size = matrix.shape[0]
    for k in range(size):
        pivot = 1.0 / matrix[k, k]
        matrix[k, k] = 1.0
        row = matrix[k]
        for c in range(size):
            row[c] *= pivot
        for s in range(size):
            times = matrix[s, k]
            if s == k or times == 0.0:
                continue
            matrix[s, k] = 0.0
            other = matrix[s]
            for c in range(size):
                other[c] -= times * row[c]


def solve_by_iteration(counts: TransitionCounts) -> tuple[Float64, Float64]:
    """Return the same by sending all journeys one step on, until none is left on its way.

    Column c of the block walks the chain in which arrivals at channel c are null; what is still on
    its way bounds the error.
    """
    from scipy.sparse import csr_array

    size, channels = len(counts.states), len(counts.channels)
    share = shares(counts.count, counts.visits[counts.source])
    step = csr_array((share, (counts.target, counts.source)), shape=(size, size))
    at_once = shares(counts.ends, counts.visits[:, None])
    worth = np.zeros((channels + 1, at_once.shape[1]))  # the last row walks with nothing removed
    tolerance = 1e-15 * max(counts.ends[:, 0].sum() / counts.journeys, 1e-15)
    block = max(1, CELLS // size)
    for start in range(0, channels + 1, block):
        walked = range(start, min(start + block, channels + 1))
        allowed = np.column_stack([~counts.holds(channel) for channel in walked])
        moving = np.zeros(allowed.shape)
        moving[0] = 1.0
        visits = moving.copy()
        for _ in range(SWEEPS):
            moving = (step @ moving) * allowed
            visits += moving
            left = moving.sum(axis=0).max()
            if left <= tolerance:
                break
        else:
            raise ConvergenceError.after(SWEEPS, float(left), tolerance)
        worth[walked.start : walked.stop] = visits.T @ at_once
    return worth[-1], worth[-1] - worth[:-1]
