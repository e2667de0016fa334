"""Statistics against plain dicts and counters: interning, tallies, transitions, coalitions, sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import reduce
from itertools import groupby, pairwise, product
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import Row
from strategies import changed, joined, journeys, journeys_of, parts_of, rows_of

from attribution.errors import VocabularyError
from attribution.journeys import Journeys
from attribution.models import FirstTouch, Linear
from attribution.statistics import (
    CoalitionOutcomes,
    Coalitions,
    CreditTotals,
    Totals,
    TransitionCounts,
    Transitions,
    total,
)
from attribution.statistics.interning import distinct, intern
from attribution.statistics.mergeable import places, same_vocabulary, summed
from attribution.statistics.transitions import collapse, digits_per_word, packed, widened

OBSERVERS = {
    "totals": Totals(Linear()),
    "transitions": Transitions(),
    "transitions of order 2": Transitions(2),
    "transitions of order 3, collapsed": Transitions(3, collapse_repeats=True),
    "coalitions": Coalitions(),
}


def read(statistic: object) -> dict[object, object]:
    """Return any statistic as a plain dict, whatever the width of its words and order of its rows."""
    if isinstance(statistic, CreditTotals):
        return {
            "unattributed": statistic.unattributed.tolist(),
            **dict(zip(statistic.channels, statistic.credit.tolist(), strict=True)),
        }
    if isinstance(statistic, CoalitionOutcomes):
        return {
            "unattributed": statistic.unattributed.tolist(),
            **dict(zip(sets_of(statistic), statistic.outcomes.tolist(), strict=True)),
        }
    assert isinstance(statistic, TransitionCounts)
    windows = windows_of(statistic)
    moves = zip(statistic.source, statistic.target, statistic.count.tolist(), strict=True)
    return {
        "order": statistic.order,
        "unattributed": statistic.unattributed.tolist(),
        **{("move", windows[source], windows[target]): count for source, target, count in moves},
        **{("ends", *window): ends for window, ends in zip(windows, statistic.ends.tolist(), strict=True)},
        **{("null", *window): null for window, null in zip(windows, statistic.nulls.tolist(), strict=True)},
    }


def sets_of(statistic: CoalitionOutcomes) -> list[frozenset[str]]:
    """Return the coalitions as sets of names."""
    return [
        frozenset(
            name
            for code, name in enumerate(statistic.channels)
            if (int(words[code // 63]) >> (code % 63)) & 1
        )
        for words in statistic.sets.members
    ]


def windows_of(statistic: TransitionCounts) -> list[tuple[str, ...]]:
    """Return the states as names, oldest first."""
    names = statistic.channels
    return [tuple(names[code - 1] for code in window[::-1] if code) for window in statistic.windows.tolist()]


def assert_equal(ours: dict[object, object], theirs: dict[object, object]) -> None:
    """Compare two plain statistics, which may differ in the last bits of a sum."""
    assert ours.keys() == theirs.keys()
    left, right = (np.concatenate([np.ravel(each[key]) for key in theirs]) for each in (ours, theirs))
    assert (np.abs(left - right) <= 1e-12 * np.abs(right).max()).all(), (ours, theirs)


# Interning.


def interned(rows: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int]]:
    """Return the number of each row in order of first appearance, and those rows: the plain twin."""
    number: dict[tuple[int, ...], int] = {}
    first = []
    for place, row in enumerate(rows):
        if row not in number:
            number[row] = len(number)
            first.append(place)
    return [number[row] for row in rows], first


def assert_interned(words: np.ndarray) -> None:
    """Compare both faces of interning with the twin."""
    rows = [tuple(row) for row in words.tolist()]
    number, first = intern(words)
    assert (number.tolist(), first.tolist()) == interned(rows)
    sets, place = distinct(words)
    assert [tuple(row) for row in sets.tolist()] == sorted(set(rows))
    assert [tuple(row) for row in sets[place].tolist()] == rows


@given(draw=st.data(), width=st.integers(1, 4))
def test_interning_numbers_rows_as_a_dict_does(draw: DataObject, width: int) -> None:
    word = st.sampled_from([0, 1, 2, 63, 2**31, 2**62, 2**63 - 1, -1, -(2**63)])
    rows = draw.draw(st.lists(st.tuples(*[word] * width), max_size=40))
    assert_interned(np.array(rows, dtype=np.int64).reshape(len(rows), width))


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("known", [511, 512, 513, 700])
def test_interning_holds_while_its_table_grows(known: int, width: int) -> None:
    words = np.zeros((3 * known, width), np.int64)
    words[:, -1] = np.arange(3 * known) * 7919 % known
    assert_interned(words)


@pytest.mark.parametrize("step", [1, 1024, 2**20, 2**40, 2**55])
def test_interning_tells_thousands_of_rows_apart_whatever_their_bits(step: int) -> None:
    count = min(20_000, 2**62 // step)
    words = np.concatenate([np.arange(count) * step, np.arange(count)[::-1] * step])[:, None]
    number, first = intern(words)
    assert first.tolist() == list(range(count))
    assert number.tolist() == [*range(count), *reversed(range(count))]


def test_interning_nothing_gives_nothing() -> None:
    for width in (0, 1, 3):
        sets, place = distinct(np.zeros((0, width), np.int64))
        assert sets.shape == (0, width)
        assert place.tolist() == []


# Sums.


@given(values=st.lists(st.text(max_size=2), min_size=1, max_size=40))
def test_the_total_is_the_sum_in_order(values: list[str]) -> None:
    assert total(values) == "".join(values)


def test_the_total_adds_neighbours_first() -> None:
    class Shown(str):
        __slots__ = ()

        def __add__(self, other: str) -> Shown:
            return Shown(f"({self!s}{other!s})")

    assert total([Shown(each) for each in "abcde"]) == "(((ab)(cd))e)"
    assert total([Shown(each) for each in "abcdefg"]) == "(((ab)(cd))((ef)g))"


def test_places_name_the_channels_that_are_missing() -> None:
    assert places(("a", "c"), ("a", "b", "c")).tolist() == [0, 2]
    with pytest.raises(VocabularyError, match="channels differ in 'b'"):
        places(("a", "b"), ("a",))


def test_summing_keeps_the_order_of_rows_and_takes_no_columns() -> None:
    group = np.array([2, 0, 2])
    assert summed(group, np.array([1.0, 2.0, 4.0]), 4).tolist() == [2, 0, 5, 0]
    assert summed(group, np.array([[1.0, 9.0], [2.0, 8.0], [4.0, 7.0]]), 3).tolist() == [
        [2, 8],
        [0, 0],
        [5, 16],
    ]
    assert summed(group, np.zeros((3, 0)), 3).shape == (3, 0)


# What all statistics share.


@pytest.mark.parametrize("name", OBSERVERS)
@given(batch=journeys(), draw=st.data())
def test_observing_parts_and_adding_is_observing_the_whole(
    name: str, batch: Journeys, draw: DataObject
) -> None:
    part = draw.draw(st.lists(st.integers(0, 2), min_size=len(batch), max_size=len(batch)))
    parts = [OBSERVERS[name].observe(each) for each in parts_of(batch, part, 3)]
    whole = read(OBSERVERS[name].observe(batch))
    for order in ((0, 1, 2), (2, 0, 1)):
        assert_equal(read(reduce(add, [parts[i] for i in order])), whole)
    assert_equal(read(parts[0] + (parts[1] + parts[2])), whole)


@pytest.mark.parametrize("name", OBSERVERS)
@given(left=journeys(most=15), more=st.sampled_from([0, 3, 70]), draw=st.data())
def test_bringing_to_a_vocabulary_and_adding_commute(
    name: str, left: Journeys, more: int, draw: DataObject
) -> None:
    right = draw.draw(journeys(vocabularies=[left.channels], most=15))
    wide = tuple(sorted({*left.channels, *(f"c{i:03}" for i in range(more)), "A", "ö"}))
    a, b = OBSERVERS[name].observe(left), OBSERVERS[name].observe(right)
    both = read((a + b).recode(wide))
    assert_equal(read(a.recode(wide) + b.recode(wide)), both)
    assert_equal(read(OBSERVERS[name].observe(joined(left, right).recode(wide))), both)


@pytest.mark.parametrize("name", OBSERVERS)
def test_statistics_of_other_channels_or_outcomes_are_not_added(name: str) -> None:
    row = [Row(("a",), 1.0, (1.0,))]
    one = OBSERVERS[name].observe(journeys_of(row, ("a",), ("leads",)))
    other = OBSERVERS[name].observe(journeys_of(row, ("a", "b"), ("leads",)))
    renamed = OBSERVERS[name].observe(journeys_of(row, ("a",), ("wins",)))
    with pytest.raises(VocabularyError, match=r"channels differ in 'b'; .*recode"):
        one + other
    with pytest.raises(VocabularyError, match="outcomes differ in 'leads', 'wins'"):
        same_vocabulary(one, renamed)
    with pytest.raises(VocabularyError, match="outcomes differ"):
        one + renamed
    with pytest.raises(VocabularyError, match="channels differ in 'b'"):
        other.recode(("a",))


@pytest.mark.parametrize("name", OBSERVERS)
def test_equal_observers_are_one_observer(name: str) -> None:
    again = {
        "totals": Totals(Linear(name="other")),
        "transitions": Transitions(1),
        "transitions of order 2": Transitions(order=2, collapse_repeats=False),
        "transitions of order 3, collapsed": Transitions(3, True),
        "coalitions": Coalitions(),
    }
    assert len({OBSERVERS[name], again[name]}) == 1
    assert len(set(OBSERVERS.values())) == len(OBSERVERS)
    assert Totals(Linear()) != Totals(FirstTouch())


# Transitions.


def counted(rows: Sequence[Row], order: int, collapse_repeats: bool) -> dict[object, object]:
    """Walk every path: the plain twin."""
    outcomes = len(rows[0].outcomes) if rows else 0
    moves: Counter[tuple[object, ...]] = Counter()
    ends: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0] * outcomes)
    nulls: dict[tuple[str, ...], float] = defaultdict(float)
    met: set[tuple[str, ...]] = {()}
    for row in rows:
        if row.path and row.count:
            path = [name for name, _ in groupby(row.path)] if collapse_repeats else row.path
            windows = [(), *(tuple(path[max(0, i + 1 - order) : i + 1]) for i in range(len(path)))]
            met.update(windows)
            for here, there in pairwise(windows):
                moves["move", here, there] += row.count
            ends[windows[-1]] = list(map(add, ends[windows[-1]], row.outcomes))
            nulls[windows[-1]] += row.count - row.outcomes[0]
    unattributed = [sum(row.outcomes[i] for row in rows if not row.path) for i in range(outcomes)]
    return {
        "order": order,
        "unattributed": unattributed,
        **moves,
        **{("ends", *window): ends[window] for window in met},
        **{("null", *window): nulls[window] for window in met},
    }


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@given(batch=journeys(), collapse_repeats=st.booleans())
def test_transitions_equal_a_plain_count(order: int, batch: Journeys, collapse_repeats: bool) -> None:
    batch = joined(batch, journeys_of([Row((), 1.0, (1.0, 0.0, 2.5), ())], batch.channels))
    counts = Transitions(order, collapse_repeats).observe(batch)
    assert_equal(read(counts), counted(rows_of(batch), order, collapse_repeats))
    assert windows_of(counts)[0] == ()
    assert (np.diff(counts.source * len(counts.states) + counts.target) > 0).all()


@pytest.mark.parametrize("order", [1, 2, 3, 4, 9, 1000])
@pytest.mark.parametrize("channels", [2, 40, 300, 5000, 65_535])
def test_transitions_over_many_channels_need_several_words(channels: int, order: int) -> None:
    names = tuple(f"c{i:05}" for i in range(channels))
    chance = np.random.default_rng(channels + order)
    ends = np.array([0, channels - 1])  # the extreme codes stress the digits most
    rows = [
        Row(
            tuple(names[code] for code in chance.choice([*ends, *chance.integers(0, channels, 3)], length)),
            2.0,
            (float(length % 3 == 0), 0.5),
        )
        for length in chance.integers(1, 12, 40)
    ]
    counts = Transitions(order).observe(journeys_of(rows, names, ("leads", "wins")))
    depth = min(order, max(len(row.path) for row in rows))
    assert counts.states.shape[1] == -(-depth // digits_per_word(channels))
    assert_equal(read(counts), counted(rows, order, False))


def test_chains_of_different_order_do_not_add() -> None:
    batch = journeys_of([Row(("a", "b"), 1.0, (1.0,))], ("a", "b"), ("leads",))
    with pytest.raises(ValueError, match="order 1 and 2 do not add"):
        Transitions(1).observe(batch) + Transitions(2).observe(batch)


@given(batch=journeys(), order=st.integers(1, 3))
def test_visits_are_what_arrived_and_all_of_it_leaves(batch: Journeys, order: int) -> None:
    counts = Transitions(order).observe(batch)
    weight = sum(row.count for row in rows_of(batch) if row.path)
    assert counts.journeys == pytest.approx(weight, rel=1e-12)
    assert counts.visits[0] == counts.journeys
    left = summed(counts.source, counts.count, len(counts.states)) + counts.ends[:, 0] + counts.nulls
    assert left == pytest.approx(counts.visits, rel=1e-12, abs=1e-9)


@given(batch=journeys(), order=st.integers(1, 3))
def test_a_state_holds_the_channels_of_its_window(batch: Journeys, order: int) -> None:
    counts = Transitions(order).observe(batch)
    for code, name in enumerate(counts.channels):
        assert counts.holds(code).tolist() == [name in window for window in windows_of(counts)]


def test_journeys_without_touchpoints_or_weight_are_no_part_of_the_chain() -> None:
    rows = [Row((), 2.0, (2.0,)), Row(("a",), 0.0, (0.0,)), Row(("b",), 3.0, (1.0,))]
    counts = Transitions().observe(journeys_of(rows, ("a", "b"), ("leads",)))
    assert windows_of(counts) == [(), ("b",)]
    assert counts.journeys == 3
    assert counts.nulls.tolist() == [0, 2]
    assert counts.unattributed.tolist() == [2]


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 12, 62, 63, 255, 256, 65_534, 65_535])
def test_a_word_holds_as_many_digits_as_fit_into_63_bits(channels: int) -> None:
    base, digits = max(channels, 1) + 1, digits_per_word(channels)
    assert base**digits < 2**63
    assert base ** (digits + 1) >= 2**63


@given(draw=st.data(), channels=st.sampled_from([1, 2, 12, 300, 65_535]))
def test_packed_windows_come_back(draw: DataObject, channels: int) -> None:
    window = st.lists(st.integers(1, channels), max_size=9).map(lambda code: code + [0] * (9 - len(code)))
    windows = np.array(draw.draw(st.lists(window, min_size=1, max_size=9)), dtype=np.int64)
    words = packed(windows, channels)
    assert (words >= 0).all()
    none = np.array([], dtype=np.int64)
    names = tuple(map(str, range(channels)))
    back = TransitionCounts(
        names, (), 9, words, none, none, none.astype(float), np.zeros((len(words), 0)), none, none
    )
    assert back.windows.tolist() == windows.tolist()


def test_rows_are_widened_on_the_right() -> None:
    assert widened(np.array([[1, 2]]), 4).tolist() == [[1, 2, 0, 0]]


# Source: the "exposure" path transform of Snowplow's and Google's fractribution packages.
def test_collapsing_keeps_one_touchpoint_of_each_run() -> None:
    d, a, b, c = range(4)
    offsets = np.array([0, 8, 8, 10])
    channel = np.array([d, a, b, b, c, d, c, c, c, c], dtype=np.uint16)
    shorter, kept = collapse(offsets, channel)
    assert kept.tolist() == [d, a, b, c, d, c, c]
    assert shorter.tolist() == [0, 6, 6, 7]


@given(batch=journeys())
def test_collapsing_equals_grouping_runs(batch: Journeys) -> None:
    offsets, channel = collapse(batch.offsets, batch.channel)
    bounds = pairwise(offsets)
    paths = [tuple(batch.channels[code] for code in channel[start:stop]) for start, stop in bounds]
    assert paths == [tuple(name for name, _ in groupby(row.path)) for row in rows_of(batch)]


# Coalitions.


def grouped(rows: Sequence[Row], outcomes: int) -> dict[object, object]:
    """Add outcomes up by set of channels: the plain twin."""
    sets: dict[object, object] = {}
    for row in rows:
        if row.path and any(row.outcomes):
            before = sets.get(frozenset(row.path), [0.0] * outcomes)
            sets[frozenset(row.path)] = list(map(add, before, row.outcomes))
    return {
        "unattributed": [sum(row.outcomes[i] for row in rows if not row.path) for i in range(outcomes)],
        **sets,
    }


@given(batch=journeys())
def test_coalitions_equal_a_dict_of_sets(batch: Journeys) -> None:
    statistic = Coalitions().observe(batch)
    assert_equal(read(statistic), grouped(rows_of(batch), 3))
    assert len(set(sets_of(statistic))) == len(statistic.sets.members)
    assert (statistic.sets.members >= 0).all()


@pytest.mark.parametrize("channels", [62, 63, 64, 126, 127, 200])
def test_coalitions_of_more_than_63_channels_need_several_words(channels: int) -> None:
    names = tuple(f"c{i:03}" for i in range(channels))
    edges = [code for code in (0, 61, 62, 63, 64, 125, 126, channels - 1) if code < channels]
    pairs = list(product(edges, edges))
    batch = journeys_of([Row((names[i], names[j]), 1.0, (1.0, 3.0)) for i, j in pairs], names, ("l", "w"))
    statistic = Coalitions().observe(batch)
    assert statistic.sets.members.shape[1] == -(-channels // 63)
    assert_equal(read(statistic), grouped(rows_of(batch), 2))
    weights = np.arange(1.0, channels + 1)
    shared = np.zeros((channels, 2))
    for i, j in pairs:
        for code in {i, j}:
            shared[code] += weights[code] / sum(weights[c] for c in {i, j}) * np.array([1.0, 3.0])
    assert statistic.shared(weights) == pytest.approx(shared, rel=1e-12)


def test_members_that_all_weigh_nothing_share_equally() -> None:
    batch = journeys_of([Row(("a", "b", "a"), 1.0, (6.0,)), Row(("b", "c"), 1.0, (1.0,))], "abc", ("leads",))
    statistic = Coalitions().observe(batch)
    assert statistic.shared(np.array([0.0, 0.0, 1.0])).tolist() == [[3.0], [3.0], [1.0]]
    assert statistic.shared(np.array([3.0, 1.0, 0.0])).tolist() == [[4.5], [2.5], [0.0]]


# Totals.


@given(batch=journeys(ages=False))
def test_a_tally_is_the_sum_of_weight_times_outcome(batch: Journeys) -> None:
    statistic = Totals(Linear()).observe(batch)
    credit = {name: np.zeros(3) for name in batch.channels}
    for row in rows_of(batch):
        for name in row.path:
            credit[name] += np.array(row.outcomes) / len(row.path)
    for name, values in zip(statistic.channels, statistic.credit, strict=True):
        assert values == pytest.approx(credit[name], rel=1e-12, abs=1e-9)


@given(batch=journeys())
def test_only_journeys_with_an_outcome_are_tallied(batch: Journeys) -> None:
    nothing = changed(batch, outcomes=lambda row: (0.0,) * len(row.outcomes))
    for observer in (Totals(Linear()), Coalitions()):
        alone, more = observer.observe(batch), observer.observe(joined(nothing, batch))
        assert read(alone) == read(more)
