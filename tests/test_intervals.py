"""Intervals: whatever a fold-wise replicate says, journeys that are really repeated say as well."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import Row
from strategies import changed, credit_of, journeys, journeys_of, parts_of, rows_of

import attribution as at
from attribution.arrays import Float64
from attribution.credits import Credits
from attribution.errors import ConvergenceError, ParameterError
from attribution.journeys import DAY, Journeys
from attribution.models import MODELS, Linear, Markov, Model, PositionBased, TimeDecay, TouchpointRule, chain
from attribution.models.model import rows_of as stacked_rows
from attribution.statistics import (
    PLAYED,
    CoalitionOutcomes,
    Coalitions,
    CreditTotals,
    Observer,
    Resampling,
    RoleCounts,
    Roles,
    Stacked,
    Totals,
    TransitionCounts,
    Transitions,
    total,
)
from attribution.statistics.ages import AgeCounts, Ages
from attribution.statistics.mergeable import summed
from attribution.statistics.resampling import quantile
from attribution.statistics.stacked import full
from attribution.stitched import Batch, Stitched, StitchReport
from attribution.uncertainty import bootstrapped, check_size, jackknifed, too_few

FEW = settings(max_examples=max(15, settings().max_examples // 6), suppress_health_check=[*HealthCheck])
MANY = 1 << 30  # customers: never fewer than folds


# Data.

CHANNELS = ("Ads", "Email", "Search", "Social", "Webinar")
WORTH = np.array([0.1, 0.3, 0.25, 0.05, 0.5])


def world(
    customers: int, seed: int = 0, strangers: int = 25, rate: float = 1.0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return touchpoints and outcomes of independent customers; strangers convert without a touchpoint."""
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), draws.integers(1, 5, customers))
    first = draws.integers(0, 30 * 24 * 60, customers)
    minute = first[who] + draws.integers(0, 12 * 24 * 60, len(who))
    channel = draws.choice(5, len(who), p=[0.35, 0.25, 0.2, 0.15, 0.05])
    worth = np.zeros(customers)
    np.maximum.at(worth, who, rate * WORTH[channel])
    won = np.flatnonzero(draws.random(customers) < worth)
    won = np.concatenate([won, np.arange(customers, customers + strangers)])
    ended = np.append(first, np.full(strangers, 30 * 24 * 60))[won] + 13 * 24 * 60
    wins = (draws.random(len(won)) < 0.4).astype(float)
    start = pl.datetime(2026, 3, 1, time_zone="UTC")
    touchpoints = pl.DataFrame({"customer_id": who, "minute": minute, "code": channel}).select(
        pl.format("c{}", "customer_id").alias("customer_id"),
        (start + pl.duration(minutes="minute")).alias("timestamp"),
        pl.Series("channel", np.array(CHANNELS)[channel]),
    )
    outcomes = pl.DataFrame({"customer_id": won, "minute": ended}).select(
        pl.format("c{}", "customer_id").alias("customer_id"),
        (start + pl.duration(minutes="minute")).alias("timestamp"),
        pl.Series("wins", wins),
        pl.Series("revenue", wins * draws.exponential(1000, len(won)).round(2)),
    )
    return touchpoints, outcomes


def folded(parts: Sequence[Journeys], owners: int = MANY) -> Stitched:
    """Return batches as the folds of a whole."""

    def batch(part: Journeys) -> Batch:
        return Batch(part, StitchReport())

    return Stitched(
        parts[0].channels,
        parts[0].outcome_names,
        [partial(batch, part) for part in parts],
        StitchReport(notes={"customers": owners}),
        lambda _number, _journeys: pl.DataFrame(),
    )


def repeated(parts: Sequence[Journeys], times: Sequence[int]) -> Journeys:
    """Return the journeys of every part as often as it counts, really repeated."""
    rows = [row for part, often in zip(parts, times, strict=True) for row in rows_of(part) * int(often)]
    return journeys_of(rows, parts[0].channels, parts[0].outcome_names)


def bits(result: at.Result) -> dict[str, bytes]:
    """Return the replicates of a result as bytes."""
    found = {name: each.replicates.values.tobytes() for name, each in result.items() if each.replicates}
    assert len(found) == len(result)
    return found | {"roles": result.role_replicates.tobytes()}


# The stacked law: a statistic of a vector, and a vector of a statistic.

UNTIL = 10**15
OBSERVERS: dict[str, tuple[Observer, type]] = {
    "totals": (Totals(Linear()), CreditTotals),
    "totals of a rule with ages": (Totals(TimeDecay(half_life=2.0)), CreditTotals),
    "transitions": (Transitions(), TransitionCounts),
    "transitions of order 2": (Transitions(2), TransitionCounts),
    "transitions of order 4, collapsed": (Transitions(4, collapse_repeats=True), TransitionCounts),
    "transitions of an order beyond every journey": (Transitions(50), TransitionCounts),
    "coalitions": (Coalitions(), CoalitionOutcomes),
    "roles": (Roles(), RoleCounts),
    "ages": (Ages(30.0, UNTIL), AgeCounts),
}


def numbers_of(statistic: Any) -> dict[Any, float]:
    """Return every number of a statistic that is not 0, by what it is about and not by where it stands."""
    found: dict[Any, float] = {}
    match statistic:
        case CreditTotals():
            tables = {"credit": statistic.credit, "rest": statistic.unattributed}
        case TransitionCounts():
            states = [tuple(window[window > 0].tolist()) for window in statistic.windows]
            assert len(set(states)) == len(states)
            moves = zip(statistic.source, statistic.target, statistic.count, strict=True)
            found = {("move", states[a], states[b]): float(n) for a, b, n in moves}
            for state, ends, null in zip(states, statistic.ends, statistic.nulls, strict=True):
                found |= {("end", state, i): float(n) for i, n in enumerate(ends)} | {("null", state): null}
            tables = {"rest": statistic.unattributed}
        case CoalitionOutcomes():
            offsets, channel = statistic.sets.lists
            sets = [tuple(channel[a:b].tolist()) for a, b in pairwise(offsets.tolist())]
            assert len(set(sets)) == len(sets)
            for members, outcomes in zip(sets, statistic.outcomes, strict=True):
                found |= {(members, i): float(n) for i, n in enumerate(outcomes)}
            tables = {"rest": statistic.unattributed}
        case RoleCounts():
            tables = {"roles": statistic.counts}
        case AgeCounts():
            tables = {
                "conversions": np.array([statistic.conversions]),
                "logs": statistic.logs,
                "watched": statistic.watched,
                "days": statistic.days,
            }
        case _:
            raise TypeError(type(statistic))
    for name, table in tables.items():
        found |= {(name, *place): float(n) for place, n in np.ndenumerate(table)}
    return {key: number for key, number in found.items() if number != 0}


def assert_alike(ours: Any, theirs: Any, size: float) -> None:
    """Compare two statistics, number by number, in relation to the size of what went into them."""
    left, right = numbers_of(ours), numbers_of(theirs)
    for key in left.keys() | right.keys():
        assert left.get(key, 0.0) == pytest.approx(right.get(key, 0.0), rel=1e-9, abs=1e-10 * size), key


def size_of(parts: Sequence[Any], times: Sequence[float]) -> float:
    """Return the sum of all numbers that are added."""
    sums = (sum(map(abs, numbers_of(part).values())) for part in parts)
    return sum(each * often for each, often in zip(sums, times, strict=True))


def ended(batch: Journeys) -> Journeys:
    """Return the journeys with ends, which only the ages need."""
    ends = UNTIL - DAY * (np.arange(len(batch)) % 7)
    return replace(batch, ends_at=ends.astype(np.int64))


@st.composite
def dealt(draw: st.DrawFn) -> tuple[list[Journeys], list[int]]:
    """Draw journeys dealt to folds, some of which may be empty, and how often each fold counts."""
    batch = draw(journeys())
    folds = draw(st.integers(1, 6))
    part = draw(st.lists(st.integers(0, folds - 1), min_size=len(batch), max_size=len(batch)))
    times = draw(st.lists(st.integers(0, 3), min_size=folds, max_size=folds))
    return parts_of(batch, part, folds), times


def stack_of(observer: Observer, cls: type, parts: Sequence[Journeys]) -> tuple[list[Any], Stacked]:
    """Return the statistics of the parts, and all as vectors."""
    aged = [ended(part) if isinstance(observer, Ages) else part for part in parts]
    learned = [observer.observe(part) for part in aged]
    assert {type(each) for each in learned} == {cls}
    return learned, cls.stacked(learned)


def check_stack(observer: Observer, cls: type, parts: Sequence[Journeys], times: Sequence[int]) -> None:
    """Check every law of the vectors of some parts."""
    learned, stack = stack_of(observer, cls, parts)
    ones, weights = np.ones(len(parts)), np.array(times, dtype=np.float64)
    size = size_of(learned, ones)
    sums = stack.weighted(np.stack([ones, weights, 0 * ones]))
    assert sums.shape == (3, stack.length)
    assert_alike(stack.restored(sums[0]), total(learned), size)
    assert_alike(stack.restored(stack.whole), total(learned), size)
    assert not sums[2].any()
    often = [part for part, n in zip(learned, times, strict=True) for _ in range(n)]
    if often:
        assert_alike(stack.restored(sums[1]), total(often), 3 * size)
    if not isinstance(observer, Ages):  # whose ends stand by row
        assert_alike(stack.restored(sums[1]), observer.observe(repeated(parts, times)), 3 * size)
    rows = np.stack([np.bincount(p, n, stack.length) for p, n in zip(stack.place, stack.number, strict=True)])
    for fold in range(len(parts)):
        others = [each for number, each in enumerate(learned) if number != fold]
        rest = stack.without(fold)
        lonely = ~(np.delete(rows, fold, axis=0) != 0).any(axis=0)
        assert not rest[lonely].any()
        if others:
            assert_alike(stack.restored(rest), total(others), size)


@pytest.mark.parametrize("name", OBSERVERS)
@FEW
@given(drawn=dealt())
def test_vectors_of_folds_add_up_and_weigh_as_journeys_do(
    name: str, drawn: tuple[list[Journeys], list[int]]
) -> None:
    check_stack(*OBSERVERS[name], *drawn)


def wide_parts(channels: int, folds: int = 5) -> list[Journeys]:
    """Return folds of journeys over many channels; the last fold is empty, the others differ in length."""
    draws = np.random.default_rng(channels)
    names = tuple(f"ch{code:03}" for code in range(channels))
    made = [
        Row(tuple(draws.choice(names, 1 + j % 7)), 2.0, (float(j % 3), float(j % 2), j / 4), None)
        for j in range(60)
    ]
    parts = [journeys_of(made[fold :: folds - 1], names) for fold in range(folds - 1)]
    return [*parts, parts[0].select(np.zeros(len(parts[0]), dtype=np.bool_))]


@pytest.mark.parametrize("channels", [63, 64, 127, 300])
@pytest.mark.parametrize("name", ["totals", "transitions", "transitions of order 4, collapsed", "coalitions"])
def test_vectors_hold_more_channels_than_a_word_has_bits(channels: int, name: str) -> None:
    parts = wide_parts(channels)
    assert max(int(part.channel.max(initial=0)) for part in parts) > channels - 8
    check_stack(*OBSERVERS[name], parts, [2, 0, 1, 3, 5])


def test_a_number_that_no_other_fold_has_leaves_nothing_behind() -> None:
    third = [Row(("b",), 1 / 3, (1 / 3,), None)]
    parts = [journeys_of(rows, ("a", "b"), ("leads",)) for rows in ([Row(("a",), 0.1, (0.1,), None)], third)]
    for observer in (Transitions(), Coalitions()):
        learned = [observer.observe(part) for part in parts]
        stack = type(learned[0]).stacked(learned)
        assert numbers_of(stack.restored(stack.without(0))) == numbers_of(learned[1])


def roles_twin(rows: Sequence[Row], channels: Sequence[str]) -> dict[str, list[Fraction]]:
    """Return what each channel does, as plainly as it can be said."""
    counts = {name: [Fraction(0)] * PLAYED for name in channels}
    edges = [Fraction(0), Fraction(1, 4), Fraction(3, 4), Fraction(1)]
    for row in rows:
        won, n = Fraction(row.outcomes[0]), len(row.path)
        for name in set(row.path):
            mine = counts[name]
            mine[0] += Fraction(row.count)
            mine[1] += won
            mine[2] += won * (row.path[0] == name)
            mine[3] += won * (row.path[-1] == name)
            mine[4] += won * (name not in (row.path[0], row.path[-1]))
        for i, name in enumerate(row.path):
            for part, (start, stop) in enumerate(pairwise(edges)):
                inside = min(Fraction(i + 1, n), stop) - max(Fraction(i, n), start)
                counts[name][5 + part] += won * max(Fraction(0), inside)
    return counts


@FEW
@given(batch=journeys())
def test_roles_are_those_of_the_naive_twin(batch: Journeys) -> None:
    twin = roles_twin(rows_of(batch), batch.channels)
    counts = Roles().observe(batch).counts
    assert counts.shape == (len(batch.channels), PLAYED)
    for name, ours in zip(batch.channels, counts.tolist(), strict=True):
        assert ours == pytest.approx(list(map(float, twin[name])), rel=1e-12, abs=1e-9), name


def test_roles_of_a_journey_that_comes_back_to_a_channel_count_it_once() -> None:
    batch = journeys_of([Row(("a", "b", "a", "c"), 3.0, (2.0,), None)], ("a", "b", "c"), ("leads",))
    assert Roles().observe(batch).counts.tolist() == [
        [3, 2, 2, 0, 0, 0.5, 0.5, 0],
        [3, 2, 0, 0, 2, 0, 0.5, 0],
        [3, 2, 0, 2, 0, 0, 0, 0.5],
    ]


# Models. Some are of no registry: what they are given, they have without a line of their own.


@dataclass(frozen=True)
class Rising(TouchpointRule):
    """A rule: the i-th touchpoint weighs i squared."""

    name: str = field(default="rising", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        starts = np.repeat(journeys.offsets[:-1], np.diff(journeys.offsets))
        return (1.0 + np.arange(journeys.touchpoints) - starts) ** 2


def squared(credits: Credits) -> Float64:
    """Return the outcomes shared in proportion to the squares of credits: nothing that adds up."""
    squares = credits.values**2
    sums = squares.sum(axis=0)
    return squares * np.divide(credits.values.sum(axis=0), sums, out=np.zeros(len(sums)), where=sums > 0)


@dataclass(frozen=True)
class Greedy(TouchpointRule):
    """A rule whose credit is more than its tally: who has much is given more."""

    name: str = field(default="greedy", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        return np.ones(journeys.touchpoints)

    def credit(self, *statistics: CreditTotals) -> Credits:
        tallied = super().credit(*statistics)
        return replace(tallied, values=squared(tallied), by_journey=False)

    def rule(self, *_: CreditTotals) -> TouchpointRule | None:
        return None


@dataclass(frozen=True, eq=False)
class Closed:
    """A statistic of the test's own: outcomes by last channel."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    by_last: Float64  # [k + 1, m], the last row without touchpoints

    def __add__(self, other: Closed) -> Closed:
        return replace(self, by_last=self.by_last + other.by_last)

    @staticmethod
    def stacked(parts: Sequence[Closed]) -> Stacked:
        shape = parts[0].by_last.shape
        rows = np.stack([part.by_last.ravel() for part in parts])
        return full(rows, lambda vector: replace(parts[0], by_last=vector.reshape(shape)))


@dataclass(frozen=True)
class Closings:
    """An observer of the test's own."""

    def observe(self, journeys: Journeys) -> Closed:
        empty = np.diff(journeys.offsets) == 0
        last = np.full(len(journeys), len(journeys.channels))
        last[~empty] = journeys.channel[journeys.offsets[1:][~empty] - 1]
        sums = summed(last, journeys.outcomes, len(journeys.channels) + 1)
        return Closed(journeys.channels, journeys.outcome_names, sums)


@dataclass(frozen=True)
class Closers(Model):
    """A model that is no rule: the last channel takes all."""

    name: str = field(default="closers", kw_only=True, compare=False)

    @property
    def observers(self) -> tuple[Observer, ...]:
        return (Closings(),)

    def credit(self, *statistics: Any) -> Credits:
        (closed,) = statistics
        rows = closed.by_last
        return Credits(self.name, closed.channels, closed.outcome_names, rows[:-1], rows[-1])

    def rule(self, *_: Any) -> TouchpointRule | None:
        return at.LastTouch()


@dataclass(frozen=True)
class Winners(Closers):
    """A model that is no rule, and whose credit does not add up."""

    name: str = field(default="winners", kw_only=True, compare=False)

    def credit(self, *statistics: Any) -> Credits:
        credits = super().credit(*statistics)
        return replace(credits, values=squared(credits), by_journey=False)

    def rule(self, *_: Any) -> TouchpointRule | None:
        return None


OWN = (Rising(), Greedy(), Closers(), Winners())
CASES: dict[str, Model] = {
    **{name: cls() for name, cls in MODELS.items()},
    "markov of order 2": Markov(order=2),
    "markov of order 3, collapsed": Markov(order=3, collapse_repeats=True),
    "markov share=global": Markov(share="global"),
    "markov of order 2 share=global": Markov(order=2, share="global"),
    "position based, first only": PositionBased(first=1.0, last=0.0),
    "fast decay": TimeDecay(half_life=0.5),
    **{model.name: model for model in OWN},
}
FOLDS = 16


@pytest.mark.parametrize("name", CASES)
@settings(FEW, max_examples=max(8, settings().max_examples // 12))
@given(draw=st.data())
def test_every_replicate_is_the_credit_of_journeys_repeated_as_often_as_drawn(
    name: str, draw: DataObject
) -> None:
    model = CASES[name]
    batch = draw.draw(journeys(negative=False))
    part = draw.draw(st.lists(st.integers(0, FOLDS - 1), min_size=len(batch), max_size=len(batch)))
    seed = draw.draw(st.integers(0, 2**40))
    parts = parts_of(batch, part, FOLDS)
    stitched = folded(parts)
    plain = at.attribute(stitched, model)[model.name]
    credits = at.attribute(stitched, model, intervals=0.95, replicates=100, seed=seed)[model.name]
    assert credits.values.tobytes() == plain.values.tobytes()
    assert credits.unattributed.tobytes() == plain.unattributed.tobytes()
    assert not plain.has_intervals
    made = credits.replicates
    assert made is not None
    assert made.method == "bootstrap"
    assert made.values.shape == (100, len(batch.channels) + 1, len(batch.outcome_names))
    weights = Resampling(0.95, 100, seed).weights(FOLDS)
    sums = np.stack([each.outcomes.sum(axis=0) for each in parts])
    within = 1e-9 * FOLDS * np.abs(batch.outcomes).sum(axis=0)
    assert (np.abs(made.values.sum(axis=1) - weights @ sums) <= within).all()
    for r in (0, 1, 99):
        expected = stacked_rows(credit_of(model, repeated(parts, weights[r])))
        assert (np.abs(made.values[r] - expected) <= within).all(), (r, made.values[r], expected)


def sums_of(model: Model, parts: Sequence[Journeys], draws: int) -> tuple[list[Stacked], list[Float64]]:
    """Return the vectors that a model learns from some folds, and their weighted sums."""
    learned = [[observer.observe(part) for part in parts] for observer in model.observers]
    stacks = [type(each[0]).stacked(each) for each in learned]
    weights = Resampling(replicates=draws).weights(len(parts))
    return stacks, [stack.weighted(weights) for stack in stacks]


@pytest.mark.parametrize("share", ["journey", "global"])
@FEW
@given(drawn=dealt())
def test_chains_that_are_solved_together_give_what_each_gives(
    share: str, drawn: tuple[list[Journeys], list[int]]
) -> None:
    model = Markov(share=share)
    parts = [changed(part, outcomes=lambda row: tuple(map(abs, row.outcomes))) for part in drawn[0]]
    stacks, sums = sums_of(model, parts, 100)
    together, each = model.credit_each(stacks, sums), Model.credit_each(model, stacks, sums)
    size = np.abs(each).sum(axis=1, keepdims=True)
    assert together.shape == each.shape
    assert (np.abs(together - each) <= 1e-12 * size).all()


def test_chains_of_many_channels_are_solved_as_they_are_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, parts = Markov(), wide_parts(120)
    stacks, sums = sums_of(model, parts, 100)
    assert chain.is_solved_together(stacks[0].restored(stacks[0].whole))
    together, each = model.credit_each(stacks, sums), Model.credit_each(model, stacks, sums)
    assert together == pytest.approx(each, rel=1e-12, abs=1e-12 * each.sum())
    monkeypatch.setattr(chain, "SOLVED_TOGETHER", 1)
    assert model.credit_each(stacks, sums).tobytes() == each.tobytes()


def test_only_chains_of_order_1_are_solved_together() -> None:
    batch = wide_parts(63)[0]
    assert [chain.is_solved_together(Transitions(order).observe(batch)) for order in (1, 2)] == [True, False]


@dataclass(frozen=True)
class Doubled(Markov):
    """A chain with a credit of its own."""

    name: str = field(default="doubled", kw_only=True, compare=False)

    def credit(self, *statistics: Any) -> Credits:
        credits = super().credit(*statistics)
        return replace(credits, values=2 * credits.values)


def test_a_chain_with_a_credit_of_its_own_is_drawn_by_it() -> None:
    parts = wide_parts(63)
    stacks, sums = sums_of(Markov(), parts, 100)
    one, two = (model.credit_each(stacks, sums) for model in (Markov(), Doubled()))
    assert two[:, :-1] == pytest.approx(2 * one[:, :-1], rel=1e-12)


@pytest.mark.parametrize("draws", [1, 127, 128, 300])
def test_vectors_are_added_in_order_of_the_folds_whatever_is_drawn_at_once(draws: int) -> None:
    learned = [Transitions().observe(part) for part in wide_parts(63)]
    stack = TransitionCounts.stacked(learned)
    weights = np.random.default_rng(draws).random((draws, len(learned)))
    plain = np.zeros((draws, stack.length))
    for fold, (place, number) in enumerate(zip(stack.place, stack.number, strict=True)):
        plain[:, place] += weights[:, fold, None] * number
    assert stack.weighted(weights).tobytes() == plain.tobytes()
    assert stack.weighted(weights[::-1])[::-1].tobytes() == plain.tobytes()


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    return world(900)


@pytest.fixture(scope="module")
def stitched(tables: tuple[pl.DataFrame, pl.DataFrame]) -> Stitched:
    return at.stitch(*tables)


@pytest.fixture(scope="module")
def drawn(stitched: Stitched) -> at.Result:
    return at.attribute(stitched, *CASES_APART, intervals=0.95, replicates=200)


CASES_APART = [
    model if model.name == name else replace(model, name=name.replace(" ", "_"))
    for name, model in CASES.items()
]


def test_no_digit_depends_on_intervals(stitched: Stitched, drawn: at.Result) -> None:
    plain = at.attribute(stitched, *CASES_APART)
    assert list(plain) == list(drawn)
    for name, each in plain.items():
        assert each.values.any()
        assert drawn[name].values.tobytes() == each.values.tobytes()
        assert drawn[name].unattributed.tobytes() == each.unattributed.tobytes()
        assert each.table().equals(drawn[name].table().select(each.table().columns))
        assert each.details == drawn[name].details
    assert plain.report == drawn.report


def test_a_rule_is_drawn_as_any_other_model_would_be(stitched: Stitched, drawn: at.Result) -> None:
    weights = Resampling(0.95, 200).weights(256)
    batches = [batch.journeys for batch in stitched]
    tallies = [model for model in CASES_APART if isinstance(model, TouchpointRule)]
    assert len(tallies) > len(OWN)
    for model in tallies:
        stack = CreditTotals.stacked([Totals(model).observe(batch) for batch in batches])
        generic = bootstrapped(model, [stack], weights)
        assert drawn[model.name].replicates.values == pytest.approx(generic, rel=1e-12, abs=1e-9)


def test_replicates_of_every_model_share_their_customers(drawn: at.Result) -> None:
    totals = [each.replicates.values.sum(axis=1) for each in drawn.values()]
    for each in totals[1:]:
        assert each == pytest.approx(totals[0], rel=1e-9)
    assert totals[0][:, 0].std() > 0


def test_a_model_of_no_registry_has_intervals_kpis_and_a_comparison(stitched: Stitched) -> None:
    result = at.attribute(stitched, *OWN, intervals=0.9, replicates=100)
    assert not {type(model) for model in OWN} & set(MODELS.values())
    spend = pl.DataFrame({"channel": CHANNELS, "spend": [100.0] * 5})
    kpis = at.measure(result, spend).table()
    compared = at.compare(result, reference="rising").table()
    for model in OWN:
        table = result[model.name].table().filter(pl.col("channel") != "(unattributed)")
        assert (table["leads_low"] < table["leads"]).all()
        assert (table["leads"] < table["leads_high"]).all()
        rows = kpis.filter(pl.col("model") == model.name, pl.col("channel").is_in(CHANNELS))
        assert (rows["cost_per_lead_low"] < rows["cost_per_lead"]).all()
        assert (rows["cost_per_lead"] < rows["cost_per_lead_high"]).all()
        side = compared.filter(pl.col("model") == model.name)
        assert (side["share_low"] < side["share_high"]).all()
        assert side["rank_low"].null_count() == 0


def test_a_rule_with_a_credit_of_its_own_is_not_drawn_as_its_tally(drawn: at.Result) -> None:
    greedy, linear = (drawn[name].replicates.values for name in ("greedy", "linear"))
    assert np.abs(greedy - linear).max() > 1
    middle = np.median(greedy[:, :-1, 0], axis=0)
    assert middle == pytest.approx(drawn["greedy"].values[:, 0], rel=0.2)


@dataclass(frozen=True)
class Fickle(Closers):
    """A model that has an answer for the data and none for a replicate of them."""

    leads: float = 0.0
    name: str = field(default="fickle", kw_only=True, compare=False)

    def credit(self, *statistics: Any) -> Credits:
        credits = super().credit(*statistics)
        if credits.totals[0] != self.leads:
            raise ConvergenceError.after(7, 0.1, 0.01)
        return credits


def test_a_model_without_replicates_leaves_the_others_theirs(stitched: Stitched) -> None:
    leads = at.attribute(stitched, Linear())["linear"].totals[0]
    result = at.attribute(stitched, Fickle(leads), Linear(), intervals=0.95, replicates=100)
    assert result["fickle"].replicates is None
    assert result["fickle"].unsure.startswith(
        "no intervals: in a replicate, removal effects did not converge"
    )
    assert result.warnings == (result["fickle"].unsure,)
    kpis = at.measure(result, pl.DataFrame({"channel": CHANNELS, "spend": [1.0] * 5})).table()
    for table in (result.table(), kpis):
        fickle, linear = (table.filter(model=name) for name in ("fickle", "linear"))
        assert fickle["leads_low"].null_count() == len(fickle)
        assert fickle["reason"].str.contains("in a replicate").all()
        assert linear["leads_low"].null_count() == 0
        assert not linear["reason"].fill_null("").str.contains("in a replicate").any()


# Jackknife.


def slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every model slow."""
    for cls in (Model, Markov):
        monkeypatch.setattr(cls, "slow", lambda *_: True)


def test_the_jackknife_of_credits_that_add_up_is_the_bootstrap(
    stitched: Stitched, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = at.attribute(stitched, Closers(), intervals=0.95)["closers"]
    slowed(monkeypatch)
    slow = at.attribute(stitched, Closers(), intervals=0.95)["closers"]
    assert (quick.replicates.method, slow.replicates.method) == ("bootstrap", "jackknife")
    size = np.abs(quick.replicates.values).max()
    assert np.abs(slow.replicates.values - quick.replicates.values).max() <= 1e-9 * size
    assert slow.replicates.values.std(axis=0)[:-1, 0].min() > 0


def test_a_rule_is_tallied_and_says_so_however_slow(
    stitched: Stitched, drawn: at.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed(monkeypatch)
    slow = at.attribute(stitched, Linear(), intervals=0.95, replicates=200)["linear"].replicates
    assert slow.method == "bootstrap"
    assert slow.values.tobytes() == drawn["linear"].replicates.values.tobytes()
    parts = [Totals(Linear()).observe(batch.journeys) for batch in stitched]
    weights = Resampling(0.95, 200).weights(256)
    credits = Linear().credit(total(parts))
    by_hand = jackknifed(Linear(), credits, [CreditTotals.stacked(parts)], weights)
    assert by_hand == pytest.approx(slow.values, rel=1e-9, abs=1e-9 * np.abs(slow.values).max())


def test_the_jackknife_of_a_chain_has_the_standard_errors_of_its_bootstrap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journeys = at.stitch(*world(3000, seed=1))
    quick = at.attribute(journeys, Markov(), intervals=0.95)["markov"]
    slowed(monkeypatch)
    slow = at.attribute(journeys, Markov(), intervals=0.95)["markov"]
    assert (quick.replicates.method, slow.replicates.method) == ("bootstrap", "jackknife")
    ratio = slow.replicates.values.std(axis=0) / quick.replicates.values.std(axis=0)
    assert ratio.shape == (6, 3)
    assert ((ratio > 0.9) & (ratio < 1.1)).all(), ratio
    low, high = slow.bounds()
    assert (low[:-1] < slow.values).all()
    assert (slow.values < high[:-1]).all()


@pytest.fixture(scope="module")
def tangled() -> Journeys:
    """Return long journeys in which nearly every window of four channels is another one."""
    draws = np.random.default_rng(5)
    offsets = np.arange(0, 16 * 320 + 1, 16)
    return Journeys(
        tuple(f"ch{code:02}" for code in range(25)),
        ("leads",),
        offsets,
        draws.integers(0, 25, offsets[-1]).astype(np.uint16),
        None,
        np.ones(320),
        (draws.random((320, 1)) < 0.3).astype(float),
    )


def test_a_chain_of_thousands_of_states_is_slow_and_told_so_from_sizes(
    tangled: Journeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clock in ("time", "perf_counter", "monotonic", "process_time"):
        monkeypatch.setattr(f"time.{clock}", lambda: pytest.fail("a clock was asked"))
    again = journeys_of(rows_of(tangled)[::-1], tangled.channels, tangled.outcome_names)
    for model, slow in ((Markov(order=4), True), (Markov(order=4, share="global"), True), (Markov(), False)):
        answers = [
            model.slow(*(observer.observe(batch) for observer in model.observers))
            for batch in (tangled, tangled, again)
        ]
        assert answers == [slow] * 3
    assert len(Transitions(4).observe(tangled).states) > 3000
    assert not any(model().slow(None, None) for name, model in MODELS.items() if name != "markov")


def test_a_slow_chain_leaves_out_each_fold_once(tangled: Journeys, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(tangled, np.arange(len(tangled)) % 16, 16)
    credited = []
    credit = Markov.credit

    def counted(self: Markov, *statistics: Any) -> Credits:
        credited.append(statistics[0].journeys)
        return credit(self, *statistics)

    monkeypatch.setattr(Markov, "credit", counted)
    made = at.attribute(folded(parts), Markov(order=4), intervals=0.95)["markov"]
    assert made.replicates.method == "jackknife"
    assert credited == [320.0, *(320.0 - len(part) for part in parts)]
    spread = made.replicates.values[:, :, 0].std(axis=0)
    assert (spread[:-1] > 0).all()
    assert made.replicates.values.sum(axis=1).mean() == pytest.approx(made.totals[0], rel=0.05)


# The same seed, the same bits.

DRAWN_MODELS = (at.LastTouch(), TimeDecay(), Markov(), Markov(order=2, share="global", name="global"))


def drawn_bits(*tables: Any, seed: int = 7, threads: int | None = None, **more: Any) -> dict[str, bytes]:
    """Return the replicates of some models over tables."""
    made = at.attribute(
        at.stitch(*tables, **more), *DRAWN_MODELS, intervals=0.95, replicates=100, seed=seed, threads=threads
    )
    return bits(made)


@pytest.fixture(scope="module")
def expected(tables: tuple[pl.DataFrame, pl.DataFrame]) -> dict[str, bytes]:
    return drawn_bits(*tables)


def test_another_seed_is_another_draw_and_the_same_the_same(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes]
) -> None:
    assert drawn_bits(*tables) == expected
    other = drawn_bits(*tables, seed=8)
    assert all(other[name] != expected[name] for name in expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_replicates_do_not_depend_on_the_order_of_rows(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes], seed: int
) -> None:
    shuffled = [table.sample(fraction=1, shuffle=True, seed=seed) for table in tables]
    assert not shuffled[0].equals(tables[0])
    assert drawn_bits(*shuffled) == expected


@pytest.mark.parametrize("piece_rows", [101, 10**6])
def test_replicates_do_not_depend_on_the_pieces(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes], piece_rows: int
) -> None:
    assert drawn_bits(*tables, piece_rows=piece_rows) == expected


@pytest.mark.parametrize("threads", [1, 5])
def test_replicates_do_not_depend_on_threads(
    tables: tuple[pl.DataFrame, pl.DataFrame],
    expected: Mapping[str, bytes],
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("attribution.statistics.observing.SMALL_FOLD", 0)
    assert drawn_bits(*tables, threads=threads) == expected


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_replicates_do_not_depend_on_the_kind_of_file(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes], suffix: str, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in ("touchpoints", "outcomes")]
    for path, table in zip(paths, tables, strict=True):
        getattr(table, f"write_{suffix}")(path)
    assert drawn_bits(*paths) == expected


def test_replicates_do_not_depend_on_the_other_models(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes]
) -> None:
    alone = at.attribute(at.stitch(*tables), Markov(), intervals=0.5, replicates=100, seed=7)
    assert alone["markov"].replicates.values.tobytes() == expected["markov"]


def test_replicates_do_not_depend_on_how_many_are_made_at_once(
    tables: tuple[pl.DataFrame, pl.DataFrame], expected: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attribution.uncertainty.AT_ONCE", 1)
    assert drawn_bits(*tables) == expected


# Agreement with the bootstrap of single customers, drawn one by one.

DRAWS = 2000


def by_customer(table: pl.DataFrame, key: str = "customer_id") -> tuple[list[list[Any]], int]:
    """Return the journeys of each owner as (path, leads, wins, revenue)."""
    table = table.with_columns(pl.col("channel").cast(pl.List(pl.String)))
    owned = defaultdict(list)
    for row in table.select(key, "channel", "leads", "wins", "revenue").rows():
        owned[row[0]].append(row[1:])
    return list(owned.values()), len(owned)


def drawn_owners(owners: int, draws: np.random.Generator) -> Any:
    """Yield how often each owner is drawn, some hundred draws at a time."""
    for _ in range(DRAWS // 200):
        yield np.stack([np.bincount(draws.integers(0, owners, owners), minlength=owners) for _ in range(200)])


def linear_twin(owned: Sequence[Sequence[Any]], channels: Sequence[str]) -> Float64:
    """Return the linear credit of each owner [n, (k + 1) m]."""
    credit = np.zeros((len(owned), len(channels) + 1, 3))
    for n, mine in enumerate(owned):
        for path, *outcomes in mine:
            for name in path:
                credit[n, channels.index(name)] += np.array(outcomes) / len(path)
            if not path:
                credit[n, -1] += outcomes
    return credit.reshape(len(owned), -1)


def standard_errors(per_owner: Float64, credited: Callable[[Float64], Float64], seed: int = 99) -> Float64:
    """Return the standard errors of a function of sums over owners, drawn one by one."""
    found = []
    for weights in drawn_owners(len(per_owner), np.random.default_rng(seed)):
        found += [credited(sums) for sums in weights.astype(float) @ per_owner]
    return np.std(found, axis=0)


def assert_errors_agree(credits: Credits, twin: Float64, leads: float = 50) -> None:
    """Compare standard errors of what has more than some leads; the unattributed come last."""
    ours = credits.replicates.values.std(axis=0)
    much = np.append(credits.values[:, 0], credits.unattributed[0]) > leads
    assert much.sum() >= 4
    ratio = (ours / twin.reshape(ours.shape))[much]
    assert ((ratio > 0.9) & (ratio < 1.1)).all(), ratio


@pytest.fixture(scope="module")
def finely() -> Stitched:
    return at.stitch(*world(8000, seed=3, strangers=60, rate=0.2), folds=1024)


@pytest.fixture(scope="module")
def finely_drawn(finely: Stitched) -> at.Result:
    return at.attribute(finely, Linear(), Markov(), intervals=0.95, replicates=DRAWS)


def test_folds_give_a_rule_the_standard_errors_of_single_customers(
    finely: Stitched, finely_drawn: at.Result
) -> None:
    owned, customers = by_customer(finely.table())
    assert customers == finely.report.notes["customers"] > 8000
    per_owner = linear_twin(owned, finely.channels)
    whole = per_owner.sum(axis=0)
    credits = finely_drawn["linear"]
    assert whole == pytest.approx(np.vstack([credits.values, credits.unattributed]).ravel(), rel=1e-9)
    assert_errors_agree(credits, standard_errors(per_owner, lambda sums: sums))


def chain_twin(owned: Sequence[Sequence[Any]], channels: Sequence[str]) -> tuple[Float64, Any]:
    """Return the moves and coalitions of each owner, and what makes Markov credits of their sums."""
    k = len(channels)
    size = (k + 1) * (k + 2)  # from the start and each channel: to each channel, converted, lost
    sets = sorted({tuple(sorted(set(path))) for journeys in owned for path, *_ in journeys if path})
    place = {members: number for number, members in enumerate(sets)}
    per_owner = np.zeros((len(owned), size + 3 * len(sets) + 3))
    for n, mine in enumerate(owned):
        moves = per_owner[n, :size].reshape(k + 1, k + 2)
        shared = per_owner[n, size:].reshape(-1, 3)
        for path, *outcomes in mine:
            if not path:
                shared[-1] += outcomes
                continue
            here = k
            for name in path:
                there = channels.index(name)
                moves[here, there] += 1
                here = there
            moves[here, k if outcomes[0] else k + 1] += 1
            shared[place[tuple(sorted(set(path)))]] += outcomes
    held = np.array([[name in members for name in channels] for members in sets], dtype=float)

    def worth(share: Float64) -> float:
        return float(np.linalg.solve(np.eye(k + 1) - np.pad(share[:, :k], ((0, 0), (0, 1))), share[:, k])[k])

    def credited(sums: Float64) -> Float64:
        moves, shared = sums[:size].reshape(k + 1, k + 2), sums[size:].reshape(-1, 3)
        share = moves / np.maximum(moves.sum(axis=1, keepdims=True), 1e-300)
        lost = np.zeros(k)
        for c in range(k):
            without = share.copy()
            without[:, c] = 0.0
            lost[c] = 1 - worth(without) / worth(share)
        weight = held * lost
        return np.vstack([(weight / weight.sum(axis=1, keepdims=True)).T @ shared[:-1], shared[-1]])

    return per_owner, credited


def test_folds_give_a_chain_the_standard_errors_of_single_customers(
    finely: Stitched, finely_drawn: at.Result
) -> None:
    per_owner, credited = chain_twin(by_customer(finely.table())[0], finely.channels)
    credits = finely_drawn["markov"]
    whole = credited(per_owner.sum(axis=0))
    assert whole == pytest.approx(np.vstack([credits.values, credits.unattributed]), rel=1e-9)
    assert_errors_agree(credits, standard_errors(per_owner, credited))


def test_a_total_of_5000_leads_varies_as_counting_says_and_not_as_poisson_weights_would() -> None:
    customers, leads = 120_000, 5000
    ids = pl.DataFrame({"customer_id": np.arange(customers)})
    when = pl.datetime(2026, 3, 1, time_zone="UTC")
    touchpoints = ids.with_columns(
        timestamp=when,
        channel=pl.when(pl.col("customer_id") % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b")),
    )
    outcomes = ids.sample(leads, seed=4).with_columns(timestamp=when + pl.duration(days=1))
    journeys = at.stitch(touchpoints, outcomes)
    made = at.attribute(journeys, at.LastTouch(), intervals=0.95, replicates=DRAWS)["last_touch"]
    assert made.totals.tolist() == [leads]
    truth = math.sqrt(leads * (1 - leads / customers))
    ours = made.replicates.values.sum(axis=1)[:, 0].std()
    assert ours == pytest.approx(truth, rel=0.1)
    by_fold = np.array([batch.journeys.outcomes[:, 0].sum() for batch in journeys])
    poisson = np.random.default_rng(0).poisson(1.0, (DRAWS, len(by_fold))) @ by_fold
    assert poisson.std() > 4 * truth


# Weights and quantiles.


@given(folds=st.sampled_from([16, 256, 1024]), seed=st.integers(0, 10**12))
@settings(FEW, max_examples=20)
def test_folds_are_drawn_as_often_as_there_are_folds(folds: int, seed: int) -> None:
    weights = Resampling(replicates=100, seed=seed).weights(folds)
    assert weights.shape == (100, folds)
    assert (weights.sum(axis=1) == folds).all()
    assert (weights >= 0).all()
    assert weights.std() == pytest.approx(1.0, rel=0.1)


@FEW
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=40),
    level=st.floats(0.01, 0.99),
)
def test_bounds_are_the_quantiles_of_what_is_known(values: list[float], level: float) -> None:
    known = [value for value in values if not math.isnan(value)]
    low, high = Resampling(level).bounds(np.array(values)[:, None])
    if not known:
        assert math.isnan(low[0])
        assert math.isnan(high[0])
        return
    expected = np.quantile(known, [(1 - level) / 2, 1 - (1 - level) / 2])
    assert [low[0], high[0]] == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-6)


def test_an_infinite_value_is_a_value() -> None:
    values = np.array([1.0, 2.0, math.inf, math.inf, math.nan])
    assert quantile(values, np.array(4), 0.25) == 1.75
    assert not np.isfinite(quantile(values, np.array(4), 0.9))


# What cannot be.


@pytest.mark.parametrize("level", [0, 1, -1, 1.5, math.nan, math.inf, True, "0.95"])
def test_a_level_outside_0_and_1_is_refused_by_name(stitched: Stitched, level: Any) -> None:
    with pytest.raises(ParameterError, match=r"'intervals': got .*, expected a number > 0 and < 1"):
        at.attribute(stitched, Linear(), intervals=level)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"replicates": 99}, "'replicates': got 99, expected a whole number >= 100"),
        ({"replicates": 100.0}, "'replicates': got 100.0, expected a whole number"),
        ({"seed": -1}, "'seed': got -1, expected a whole number >= 0"),
        ({"seed": None}, "'seed': got None, expected a whole number"),
    ],
)
def test_draws_that_cannot_be_are_refused_by_name(
    stitched: Stitched, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(ParameterError, match=told):
        at.attribute(stitched, Linear(), intervals=0.95, **given)


@pytest.mark.parametrize("folds", [100, 8, 2048, True, "256", 256.0, 0, -16, None])
def test_folds_that_cannot_be_are_refused_by_name(
    tables: tuple[pl.DataFrame, pl.DataFrame], stitched: Stitched, folds: Any
) -> None:
    told = r"'folds': got .*, expected one of 16, 32, 64, 128, 256, 512, 1024"
    with pytest.raises(ParameterError, match=told):
        at.stitch(*tables, folds=folds)
    with pytest.raises(ParameterError, match=told):
        at.from_journeys(stitched.table(), folds=folds)


@pytest.mark.parametrize("folds", [16, 64, 512])
def test_credits_are_the_same_whatever_the_folds_and_intervals_there(
    tables: tuple[pl.DataFrame, pl.DataFrame], drawn: at.Result, folds: int
) -> None:
    result = at.attribute(at.stitch(*tables, folds=folds), Markov(), intervals=0.95, replicates=100)
    markov = result["markov"]
    assert markov.values == pytest.approx(drawn["markov"].values, rel=1e-9)
    ratio = markov.replicates.values.std(axis=0) / drawn["markov"].replicates.values.std(axis=0)
    assert ((ratio > 0.4) & (ratio < 2.5)).all()


def test_an_outcome_named_as_the_end_of_an_interval_is_refused(
    tables: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    outcomes = tables[1].with_columns(leads=1.0, leads_high=2.0)
    journeys = at.stitch(tables[0], outcomes, outcome_names=["leads", "leads_high"])
    assert at.attribute(journeys, Linear())["linear"].totals[1] == 2 * len(outcomes)
    with pytest.raises(ParameterError, match="'outcome_names': got 'leads_high'"):
        at.attribute(journeys, Linear(), intervals=0.95)


def test_replicates_beyond_memory_are_refused_before_anything_is_read(stitched: Stitched) -> None:
    def read(_done: int, _folds: int) -> None:
        pytest.fail("a fold was read")

    with pytest.raises(ParameterError, match=r"100,000,000 replicates .* GiB, expected at most 2"):
        at.attribute(stitched, Linear(), intervals=0.95, replicates=10**8, progress=read)
    check_size(Resampling(), 8, 100, 3)


def small(customers: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return few customers, each with a touchpoint and a lead."""
    return world(customers, seed=2, strangers=1)


@pytest.mark.parametrize(
    ("customers", "remedy"), [(200, "folds=128"), (31, "folds=32"), (14, "too few for any"), (1, "too few")]
)
def test_fewer_customers_than_folds_are_told_with_number_and_remedy(customers: int, remedy: str) -> None:
    result = at.attribute(at.stitch(*small(customers)), Linear(), Markov(), intervals=0.95)
    (warning,) = [line for line in result.warnings if line.startswith("no intervals")]
    known = result.report.notes["customers"]
    assert f"{known:,} customers are fewer than the 256 folds" in warning
    assert remedy in warning
    table = result.table()
    assert table.select(pl.selectors.ends_with("_low", "_high")).null_count().row(0) == (len(table),) * 6
    assert set(table["reason"]) == {warning}
    for each in result.values():
        assert np.isnan(each.bounds()).all()
        assert each.has_intervals


def test_the_remedy_for_few_customers_helps() -> None:
    tables = small(200)
    told = at.attribute(at.stitch(*tables), Linear(), intervals=0.95)["linear"].unsure
    folds = int(told.rpartition("folds=")[2])
    better = at.attribute(at.stitch(*tables, folds=folds), Linear(), intervals=0.95)["linear"]
    assert better.replicates is not None
    assert too_few(folds, "customers", folds) == ""
    assert too_few(folds - 1, "customers", folds)


def test_data_without_a_conversion_have_no_intervals_and_a_reason() -> None:
    touchpoints, outcomes = world(400)
    result = at.attribute(
        at.stitch(touchpoints, outcomes.clear()), *CASES_APART, intervals=0.95, replicates=100
    )
    table = result.table()
    assert (table["leads"] == 0).all()
    assert table["leads_low"].null_count() == len(table)
    assert table["reason"].str.contains("leads: no interval without credit").all()


def test_a_channel_without_credit_is_told_beside_those_that_have_it() -> None:
    touchpoints, outcomes = world(600)
    shown = touchpoints.head(400).with_columns(
        channel=pl.lit("Banner"), customer_id="customer_id" + pl.lit("x")
    )
    result = at.attribute(
        at.stitch(pl.concat([touchpoints, shown]), outcomes),
        Linear(),
        Markov(),
        intervals=0.95,
        replicates=100,
    )
    for each in result.values():
        banner = each.table().filter(channel="Banner")
        assert banner.select("leads", "leads_low", "leads_high").row(0) == (0.0, None, None)
        assert banner["reason"].item() == "; ".join(
            f"{name}: no interval without credit" for name in ("leads", "wins", "revenue")
        )
        others = each.table().filter(pl.col("channel") != "Banner")
        assert others["reason"].null_count() == len(others)


def test_empty_tables_have_no_intervals_and_no_error() -> None:
    touchpoints, outcomes = world(50)
    result = at.attribute(at.stitch(touchpoints.clear(), outcomes.clear()), intervals=0.95, replicates=100)
    assert len(result) == len(MODELS)
    assert set(result.table()["reason"]) == {
        "no intervals: 0 customers are fewer than the 256 folds that are drawn from: too few for any"
    }
    strangers = at.attribute(at.stitch(touchpoints.clear(), outcomes), Linear(), intervals=0.95)["linear"]
    assert strangers.unattributed[0] == len(outcomes)
    assert strangers.table()["leads_low"].to_list() == [None]


def test_a_data_set_in_which_all_convert_has_intervals() -> None:
    touchpoints, _ = world(600)
    ends = touchpoints.group_by("customer_id", maintain_order=True).agg(pl.col("timestamp").max())
    result = at.attribute(
        at.stitch(touchpoints, ends, folds=16), *CASES_APART, intervals=0.95, replicates=100
    )
    assert {each.replicates.values.shape[0] for each in result.values()} == {100}
    sums = result["linear"].replicates.values.sum(axis=1)
    for each in result.values():
        assert each.replicates.values.sum(axis=1) == pytest.approx(sums, rel=1e-9)
