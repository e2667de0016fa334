"""Transitions: counts of moves between start, windows of the last k channels, conversion and null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from attribution.arrays import Bool, Float64, Int64
from attribution.journeys import Journeys
from attribution.statistics.interning import distinct
from attribution.statistics.mergeable import places, same_vocabulary, summed
from attribution.statistics.pairs import count_pairs, fits
from attribution.statistics.stacked import Stacked, cells
from attribution.statistics.windows import collapse, digits_per_word, pack_windows, packed, widened


@dataclass(frozen=True, eq=False)
class TransitionCounts:
    """Weighted counts of a chain of order k with s states and e moves; state 0 is the start.

    A state is a window of the last k channels (shorter while the journey is), packed into words of
    digits: channel code + 1 in base K + 1, the newest channel first, 0 where there is none.
    """

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    order: int
    states: Int64  # [s, w] words, in lexical order
    source: Int64  # [e]
    target: Int64  # [e]
    count: Float64  # [e] journeys (by weight) that made the move
    ends: Float64  # [s, m] outcomes of the journeys that ended in the state
    nulls: Float64  # [s] weight that ended in the state without a conversion
    unattributed: Float64  # [m] outcomes of journeys without touchpoints: no part of the chain

    @property
    def journeys(self) -> float:
        """Weight of the journeys with touchpoints."""
        return float(self.ends[:, 0].sum() + self.nulls.sum())

    @cached_property
    def visits(self) -> Float64:
        """Weight that arrived in each state; at the start, all journeys: [s]."""
        arrivals = summed(self.target, self.count, len(self.states))
        arrivals[0] = self.journeys
        return arrivals

    @cached_property
    def windows(self) -> Int64:
        """The channels of each state as code + 1, newest first, 0 where there is none: [s, depth]."""
        base, per_word = len(self.channels) + 1, digits_per_word(len(self.channels))
        powers = base ** np.arange(per_word, dtype=np.int64)
        digits = (self.states[:, :, None] // powers) % base
        return digits.reshape(len(self.states), -1)[:, : self.order]

    def holds(self, channel: int) -> Bool:
        """Return which states contain a channel: [s]."""
        return np.asarray((self.windows == channel + 1).any(axis=1))

    def __add__(self, other: TransitionCounts) -> TransitionCounts:
        same_vocabulary(self, other)
        if self.order != other.order:
            raise ValueError(f"chains of order {self.order} and {other.order} do not add up")
        shift, width = len(self.states), max(self.states.shape[1], other.states.shape[1])
        return collect(
            self.channels,
            self.outcome_names,
            self.order,
            np.vstack([widened(self.states, width), widened(other.states, width)]),
            np.concatenate([self.source, other.source + shift]),
            np.concatenate([self.target, other.target + shift]),
            np.concatenate([self.count, other.count]),
            np.arange(shift + len(other.states)),
            np.vstack([self.ends, other.ends]),
            np.concatenate([self.nulls, other.nulls]),
            self.unattributed + other.unattributed,
        )

    def recode(self, channels: Sequence[str]) -> TransitionCounts:
        """Return the same counts over another vocabulary that holds all channels."""
        digit = np.concatenate([[0], places(self.channels, channels) + 1])
        return collect(
            tuple(channels),
            self.outcome_names,
            self.order,
            packed(digit[self.windows], len(channels)),
            self.source,
            self.target,
            self.count,
            np.arange(len(self.states)),
            self.ends,
            self.nulls,
            self.unattributed,
        )

    @staticmethod
    def stacked(parts: Sequence[TransitionCounts]) -> Stacked:
        """Return the vectors [count of every move, ends and nulls of every state, unattributed]."""
        one, m = parts[0], len(parts[0].outcome_names)
        width = max(part.states.shape[1] for part in parts)
        states, state = distinct(np.vstack([widened(part.states, width) for part in parts]))
        edges = np.cumsum([0, *(len(part.states) for part in parts)])
        own = [state[a:b] for a, b in pairwise(edges)]  # a part: where its states stand
        moved = zip(own, parts, strict=True)
        moves, move = distinct(
            np.concatenate([at[part.source] * len(states) + at[part.target] for at, part in moved])[:, None]
        )
        source, target = moves[:, 0] // len(states), moves[:, 0] % len(states)
        starts = np.cumsum([len(moves), len(states) * m, len(states)])
        rest = starts[2] + np.arange(m)

        skeleton = replace(one, states=states, source=source, target=target)
        a, b, c = starts

        def restored(vector: Float64) -> TransitionCounts:
            counts = replace(
                skeleton,
                count=vector[..., :a],
                ends=vector[..., a:b].reshape(*vector.shape[:-1], len(states), m),
                nulls=vector[..., b:c],
                unattributed=vector[..., c:],
            )
            counts.__dict__["windows"] = skeleton.windows  # of the same states: worked out once
            return counts

        bounds = np.cumsum([0, *(len(part.count) for part in parts)])
        return Stacked(
            int(starts[2]) + m,
            [
                np.concatenate([move[a:b], starts[0] + cells(at, m), starts[1] + at, rest])
                for (a, b), at in zip(pairwise(bounds), own, strict=True)
            ],
            [np.concatenate([p.count, p.ends.ravel(), p.nulls, p.unattributed]) for p in parts],
            restored,
        )


@dataclass(frozen=True)
class Transitions:
    """Observes the moves of a chain whose states are the last ``order`` channels."""

    order: int = 1
    collapse_repeats: bool = False

    def observe(self, journeys: Journeys) -> TransitionCounts:
        """Return the counts; journeys without touchpoints are unattributed, weight 0 is absent."""
        empty = journeys.offsets[:-1] == journeys.offsets[1:]
        if self.order == 1 and not self.collapse_repeats and fits(len(journeys.channels)):
            return pairs_of(journeys, journeys.outcomes[empty].sum(axis=0))
        chain = journeys.select(~empty & (journeys.count > 0))
        offsets, channel = chain.offsets, chain.channel
        if self.collapse_repeats:
            offsets, channel = collapse(offsets, channel)
        lengths = np.diff(offsets)
        depth = min(self.order, int(lengths.max(initial=1)))
        per_word = digits_per_word(len(journeys.channels))
        words = pack_windows(
            offsets, channel, depth, len(journeys.channels) + 1, per_word, -(-depth // per_word)
        )
        target = np.arange(1, len(channel) + 1)
        source = target - 1
        source[offsets[:-1]] = 0
        return collect(
            journeys.channels,
            journeys.outcome_names,
            self.order,
            words,
            source,
            target,
            np.repeat(chain.count, lengths),
            offsets[1:],
            chain.outcomes,
            chain.count - chain.outcomes[:, 0],
            journeys.outcomes[empty].sum(axis=0),
        )


def pairs_of(journeys: Journeys, unattributed: Float64) -> TransitionCounts:
    """Return the counts of order 1."""
    channels, outcomes = len(journeys.channels), np.ascontiguousarray(journeys.outcomes)
    moves, ends, nulls = count_pairs(journeys.offsets, journeys.channel, journeys.count, outcomes, channels)
    met = np.append(True, moves.any(axis=0))
    place = np.cumsum(met) - 1
    source, target = np.nonzero(moves)
    return TransitionCounts(
        journeys.channels,
        journeys.outcome_names,
        1,
        np.flatnonzero(met)[:, None],
        place[source],
        place[target + 1],
        moves[source, target],
        ends[met],
        nulls[met],
        unattributed,
    )


def collect(
    channels: tuple[str, ...],
    outcome_names: tuple[str, ...],
    order: int,
    words: Int64,
    source: Int64,
    target: Int64,
    count: Float64,
    end: Int64,
    ends: Float64,
    nulls: Float64,
    unattributed: Float64,
) -> TransitionCounts:
    """Return counts over distinct states and moves; row 0 of ``words`` is the start.

    source, target and end are rows of ``words``; ends and nulls belong to the rows in ``end``.
    """
    states, place = distinct(words)
    moves, move = distinct((place[source] * len(states) + place[target])[:, None])
    return TransitionCounts(
        channels,
        outcome_names,
        order,
        states,
        moves[:, 0] // len(states),
        moves[:, 0] % len(states),
        summed(move, count, len(moves)),
        summed(place[end], ends, len(states)),
        summed(place[end], nulls, len(states)),
        unattributed,
    )
