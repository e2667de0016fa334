"""Naive twins: every model said as plainly as it can be, in plain Python over lists and dicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, groupby, permutations
from math import factorial


@dataclass(frozen=True)
class Row:
    """Equal journeys: their path, oldest first, how many they are, and their outcomes in total."""

    path: tuple[str, ...]
    count: float
    outcomes: tuple[float, ...]
    ages: tuple[float, ...] | None = None


@dataclass
class Answer:
    """Credit by channel, an entry an outcome; what no channel took; and what a chain learned."""

    credit: dict[str, list[float]]
    unattributed: list[float]
    removal_effects: dict[str, float | None] = field(default_factory=dict)
    base: float = 0.0
    states: int = 0


Shares = Callable[[Row], Sequence[float]]


def shared(rows: Sequence[Row], channels: Sequence[str], outcomes: int, shares: Shares) -> Answer:
    """Give each touchpoint its share of its journey's outcomes."""
    answer = Answer({name: [0.0] * outcomes for name in channels}, [0.0] * outcomes)
    for row in rows:
        for i, outcome in enumerate(row.outcomes):
            if not row.path:
                answer.unattributed[i] += outcome
            elif outcome:
                for name, share in zip(row.path, shares(row), strict=True):
                    answer.credit[name][i] += share * outcome
    return answer


# Rules: one journey at a time.


def first_touch(rows: Sequence[Row], channels: Sequence[str], outcomes: int) -> Answer:
    """Give all to the touchpoint that came first."""
    return shared(rows, channels, outcomes, lambda row: [1.0] + [0.0] * (len(row.path) - 1))


def last_touch(rows: Sequence[Row], channels: Sequence[str], outcomes: int) -> Answer:
    """Give all to the touchpoint that came last."""
    return shared(rows, channels, outcomes, lambda row: [0.0] * (len(row.path) - 1) + [1.0])


def last_non_direct(
    rows: Sequence[Row], channels: Sequence[str], outcomes: int, direct: Sequence[str]
) -> Answer:
    """Give all to the last touchpoint that is not direct; to the last one if all are direct."""
    passed_over = [name.casefold() for name in direct]

    def shares(row: Row) -> list[float]:
        others = [i for i, name in enumerate(row.path) if name.casefold() not in passed_over]
        chosen = others[-1] if others else len(row.path) - 1
        return [1.0 if i == chosen else 0.0 for i in range(len(row.path))]

    return shared(rows, channels, outcomes, shares)


def linear(rows: Sequence[Row], channels: Sequence[str], outcomes: int) -> Answer:
    """Give all touchpoints the same."""
    return shared(rows, channels, outcomes, lambda row: [1.0 / len(row.path)] * len(row.path))


def position_based(
    rows: Sequence[Row], channels: Sequence[str], outcomes: int, first: float, last: float
) -> Answer:
    """Give the first and the last their shares, and the touchpoints between the rest in equal parts."""

    def shares(row: Row) -> list[float]:
        between = len(row.path) - 2
        if between == -1:
            return [1.0]
        if between == 0:
            return [first / (first + last), last / (first + last)]
        return [first, *[(1.0 - first - last) / between] * between, last]

    return shared(rows, channels, outcomes, shares)


def time_decay(rows: Sequence[Row], channels: Sequence[str], outcomes: int, half_life: float) -> Answer:
    """Halve the weight with every half-life that a touchpoint is older than the last one."""

    def shares(row: Row) -> list[float]:
        assert row.ages is not None
        weights = [2.0 ** (-(age - row.ages[-1]) / half_life) for age in row.ages]
        return [weight / sum(weights) for weight in weights]

    return shared(rows, channels, outcomes, shares)


# Shapley: the game itself.


def shapley(rows: Sequence[Row], channels: Sequence[str], outcomes: int, game: str) -> Answer:
    """Give each channel what it adds to a set of others, on average over the orders of arrival."""
    assert game == "conversions"
    answer = shared([row for row in rows if not row.path], channels, outcomes, lambda _: [])
    for i in range(outcomes):

        def worth(members: frozenset[str], i: int = i) -> float:
            return sum(row.outcomes[i] for row in rows if row.path and members.issuperset(row.path))

        for name, value in shapley_by_subsets(channels, worth).items():
            answer.credit[name][i] = value
    return answer


def shapley_by_subsets(players: Sequence[str], worth: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Return each player's mean contribution, set of others by set of others."""
    n = len(players)
    value = dict.fromkeys(players, 0.0)
    worths = {frozenset(s): worth(frozenset(s)) for size in range(n + 1) for s in combinations(players, size)}
    for player in players:
        for others, before in worths.items():
            if player not in others:
                orders = factorial(len(others)) * factorial(n - len(others) - 1)
                value[player] += orders / factorial(n) * (worths[others | {player}] - before)
    return value


def shapley_by_orders(players: Sequence[str], worth: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Return each player's mean contribution, order of arrival by order of arrival."""
    value = dict.fromkeys(players, 0.0)
    for order in permutations(players):
        for place, player in enumerate(order):
            before = worth(frozenset(order[:place]))
            value[player] += (worth(frozenset(order[: place + 1])) - before) / factorial(len(players))
    return value


# Markov: a chain of windows, and what it loses when a channel is taken out.

Window = tuple[str, ...]
START: Window = ()


@dataclass
class Chain:
    """Weights that move from window to window, that stop there, and the outcomes of those that stop.

    Fractions, not floats: nothing is rounded, so a removal effect of 0 is 0.
    """

    moves: dict[Window, dict[Window, Fraction]]
    stops: dict[Window, Fraction]
    gains: dict[Window, list[Fraction]]

    @classmethod
    def of(cls, rows: Sequence[Row], outcomes: int, order: int, collapse_repeats: bool) -> Chain:
        """Walk every path that has a weight; a window holds its last ``order`` channels."""
        chain = cls(
            defaultdict(lambda: defaultdict(Fraction)),
            defaultdict(Fraction),
            defaultdict(lambda: [Fraction(0)] * outcomes),
        )
        for row in rows:
            if row.path and row.count > 0:
                path = [name for name, _ in groupby(row.path)] if collapse_repeats else row.path
                here = START
                for name in path:
                    there = (*here, name)[-order:]
                    chain.moves[here][there] += Fraction(row.count)
                    here = there
                chain.stops[here] += Fraction(row.count)
                gained = zip(chain.gains[here], map(Fraction, row.outcomes), strict=True)
                chain.gains[here] = [before + more for before, more in gained]
        return chain

    @property
    def states(self) -> list[Window]:
        """The start and every window that was met."""
        return list(dict.fromkeys([START, *(there for to in self.moves.values() for there in to)]))

    def without(self, channel: str) -> Chain:
        """Return the chain in which whoever arrives at a window with the channel is lost."""
        lost = {
            here: sum((weight for there, weight in to.items() if channel in there), Fraction(0))
            for here, to in self.moves.items()
        }
        return Chain(
            {
                here: {there: weight for there, weight in to.items() if channel not in there}
                for here, to in self.moves.items()
            },
            {here: self.stops.get(here, Fraction(0)) + lost.get(here, Fraction(0)) for here in self.states},
            dict(self.gains),
        )

    def worth(self, outcomes: int) -> list[Fraction]:
        """Return the expected outcomes of one journey from the start: Gaussian elimination.

        Window after window is taken out of the chain: whoever came there goes on in the shares in
        which those who were there moved on, stopped and gained. Nothing is ever subtracted.
        """
        moves = {here: dict(self.moves.get(here, {})) for here in self.states}
        stops = {here: self.stops.get(here, Fraction(0)) for here in self.states}
        gains = {here: list(self.gains.get(here, [Fraction(0)] * outcomes)) for here in self.states}
        comes_from: dict[Window, set[Window]] = defaultdict(set)
        for here, to in moves.items():
            for there in to:
                comes_from[there].add(here)
        for gone in reversed([state for state in self.states if state != START]):
            onward = {there: weight for there, weight in moves.pop(gone).items() if there != gone}
            leaving = stops[gone] + sum(onward.values(), Fraction(0))
            for here in comes_from.pop(gone, set()) - {gone}:
                part = moves[here].pop(gone) / leaving
                stops[here] += part * stops[gone]
                gains[here] = [a + part * b for a, b in zip(gains[here], gains[gone], strict=True)]
                for there, weight in onward.items():
                    moves[here][there] = moves[here].get(there, Fraction(0)) + part * weight
                    comes_from[there].add(here)
            for there in onward:
                comes_from[there].discard(gone)
        return [gain / (stops[START] or 1) for gain in gains[START]]


def removal_effects(
    chain: Chain, channels: Sequence[str], outcomes: int
) -> tuple[list[Fraction], dict[str, list[Fraction | None]]]:
    """Return the worth of a journey, and 1 - (worth without the channel) / worth; None where worth is 0."""
    whole = chain.worth(outcomes)
    effects: dict[str, list[Fraction | None]] = {}
    for name in channels:
        rest = chain.without(name).worth(outcomes)
        effects[name] = [1 - r / w if w != 0 else None for r, w in zip(rest, whole, strict=True)]
    return whole, effects


def markov(
    rows: Sequence[Row],
    channels: Sequence[str],
    outcomes: int,
    order: int,
    share: str,
    collapse_repeats: bool,
) -> Answer:
    """Share by removal effects: inside each journey, or each outcome's total by its own effects."""
    chain = Chain.of(rows, outcomes, order, collapse_repeats)
    whole, effects = removal_effects(chain, channels, outcomes)

    def shares(row: Row) -> list[float]:
        weight = {name: effects[name][0] or Fraction(0) for name in row.path}
        if sum(weight.values()) == 0:
            weight = dict.fromkeys(row.path, Fraction(1))
        return [float(weight[name] / sum(weight.values()) / row.path.count(name)) for name in row.path]

    answer = shared(rows, channels, outcomes, shares)
    if share == "global":
        for i in range(outcomes):
            total = sum((Fraction(row.outcomes[i]) for row in rows if row.path), Fraction(0))
            own = {name: effects[name][i if whole[i] else 0] or Fraction(0) for name in channels}
            everything = sum(own.values(), Fraction(0))
            for name in channels:
                answer.credit[name][i] = float(total * own[name] / everything) if everything else 0.0
            answer.unattributed[i] += 0.0 if everything else float(total)
    known = {name: effects[name][0] for name in channels}
    answer.removal_effects = {name: None if known[name] is None else float(known[name]) for name in channels}
    answer.base, answer.states = float(whole[0]), len(chain.states)
    return answer


ORACLES: dict[str, Callable[..., Answer]] = {
    "first_touch": first_touch,
    "last_touch": last_touch,
    "last_non_direct": last_non_direct,
    "linear": linear,
    "position_based": position_based,
    "time_decay": time_decay,
    "markov": markov,
    "shapley": shapley,
}
