"""The absorbing chain behind the counts: what is lost without a channel, solved and never simulated."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64
from attribution.blas import one_thread
from attribution.errors import ConvergenceError
from attribution.statistics import TransitionCounts

DENSE_STATES = 2_000  # what a dense solve may hold; sparse LU fills in and is never faster
SWEEP_COST = 1_000  # sweeps of the iteration, each cell of which costs about ten of a dense solve
SWEEPS = 20_000
DENSE_QUICKLY, SWEPT_QUICKLY = 10**8, 15_000  # cubed states, and moves x channels, solved in 20 ms
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
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = np.where(per_journey == 0, np.nan, lost / per_journey)
    effects[:, 0] = np.clip(effects[:, 0], 0.0, 1.0)  # a probability, up to the last bit
    return per_journey, effects


def shares(parts: Float64, wholes: Float64) -> Float64:
    """Return parts / wholes, 0 where there is nothing: a resampled state may have lost its visits."""
    return np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)


def is_small(counts: TransitionCounts) -> bool:
    """Return whether one dense solve is cheaper than the iteration."""
    states = len(counts.states)
    sweeping = SWEEP_COST * len(counts.count) * len(counts.channels)
    return states <= DENSE_STATES and states**3 <= sweeping


def is_slow(counts: TransitionCounts) -> bool:
    """Return whether a solve takes longer than about 20 ms, by the numbers that it has to touch."""
    if is_small(counts):
        return len(counts.states) ** 3 > DENSE_QUICKLY
    return len(counts.count) * len(counts.channels) > SWEPT_QUICKLY


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
