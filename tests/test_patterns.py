"""Patterns: paths, lengths, lags and moves are those of a plain count, whatever the folds and the names."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Row
from polars.testing import assert_frame_equal
from strategies import OUTCOMES, journeys, journeys_of, rows_of

import attribution as at
from attribution import ParameterError
from attribution.journeys import Journeys
from attribution.stitched import Batch, Stitched, StitchReport

OURS = ("(other)", "(no touchpoints)", "(total)", "(unattributed)")
HOSTILE = [
    ("(other)", "a", "a > b", "b"),
    ("(total)", '"(total)"', "x"),
    ("(no touchpoints)", "(unattributed)", '"'),
    ("(null)", "(start)", ">"),
]
LETTERS = [tuple("ab"), tuple("abc")]


# Journeys with customers.


@st.composite
def owned(draw: st.DrawFn, **limits: Any) -> tuple[Journeys, list[int]]:
    """Draw journeys in order of the customer, and whose each is."""
    batch = draw(journeys(draw(st.sampled_from([LETTERS, HOSTILE])), negative=False, **limits))
    whose = draw(st.lists(st.integers(0, 7), min_size=len(batch), max_size=len(batch)))
    return batch, sorted(whose)


def stitched_of(batch: Journeys, whose: Sequence[int | None], folds: int = 1, **more: Any) -> Stitched:
    """Return the journeys in folds of neighbouring customers, as a hash would deal them."""
    fold = np.array([0 if each is None else each * folds // 8 for each in whose], dtype=np.int64)
    parts = [batch.select(fold == number) for number in range(folds)]
    ids = [None if each is None else f"c{each}" for each in whose]
    names = pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String})

    def name(first: int, journeys: Journeys) -> pl.DataFrame:
        mine = names.filter(pl.Series(fold == first, dtype=pl.Boolean))
        assert len(mine) == len(journeys)
        return mine

    assemble = [lambda part=part: Batch(part, StitchReport()) for part in parts]
    return Stitched(batch.channels, batch.outcome_names, assemble, StitchReport(), name, **more)


def path_tables(batch: Journeys) -> Stitched:
    """Return the same journeys without customers or ages."""
    return stitched_of(batch, [None] * len(batch), has_ages=False)


# Naive twins.


def shown(path: Sequence[str]) -> str:
    """Return a path as it is to be read."""
    special = [">" in name or '"' in name or (len(path) == 1 and name in OURS) for name in path]
    return " > ".join(json.dumps(name) if quote else name for name, quote in zip(path, special, strict=True))


def collapsed(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for place, name in enumerate(path) if place == 0 or path[place - 1] != name)


class Twin:
    """One row of a table: how many journeys, what they brought, and who they were."""

    def __init__(self) -> None:
        self.sums, self.who = [0.0] * (1 + len(OUTCOMES)), set[Any]()

    def add(self, row: Row, who: Any) -> None:
        self.sums = [a + b for a, b in zip(self.sums, (row.count, *row.outcomes), strict=True)]
        self.who.add(who)


def twin_paths(
    rows: Sequence[Row], whose: Sequence[Any], fewest: int, collapse: bool
) -> dict[str, tuple[Any, ...]]:
    """Return touchpoints, customers and sums by path as shown."""
    paths: dict[tuple[str, ...], Twin] = defaultdict(Twin)
    for row, who in zip(rows, whose, strict=True):
        paths[collapsed(row.path) if collapse else row.path].add(row, who)
    known = None not in whose
    kept, rare = {}, []
    for path, twin in paths.items():
        many = len(twin.who) if known else twin.sums[0]
        if not path:
            kept["(no touchpoints)"] = (None, twin.who, twin.sums)
        elif many >= fewest:
            kept[shown(path)] = (len(path), twin.who, twin.sums)
        else:
            rare.append(twin)
    if rare:
        everyone = set().union(*(twin.who for twin in rare))
        kept["(other)"] = (None, everyone, together([twin.sums for twin in rare]))
    sums = together([each[2] for each in kept.values()])
    kept["(total)"] = (None, set(whose), sums)
    return {
        name: (touchpoints, len(who) if known else None, *found)
        for name, (touchpoints, who, found) in kept.items()
    }


def together(sums: Sequence[Sequence[float]]) -> list[float]:
    return [math.fsum(column) for column in zip(*sums, strict=True)] or [0.0] * (1 + len(OUTCOMES))


def binned(rows: Sequence[Row], bins: Sequence[Any], values: Sequence[float]) -> list[list[float]]:
    """Return the sums of rows by the bin [from, to) in which their value lies."""
    sums = [Twin() for _ in bins]
    for row, value in zip(rows, values, strict=True):
        (place,) = [n for n, (low, high) in enumerate(bins) if low <= value < (high or math.inf)]
        sums[place].add(row, None)
    return [each.sums for each in sums]


def rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None


# The table of paths.


@given(
    drawn=owned(ages=False),
    fewest=st.integers(1, 4),
    collapse=st.booleans(),
    folds=st.sampled_from([1, 2, 8]),
)
def test_paths_are_those_of_a_plain_count_in_any_folds(
    drawn: tuple[Journeys, list[int]], fewest: int, collapse: bool, folds: int
) -> None:
    batch, whose = drawn
    table = at.path_table(
        stitched_of(batch, whose, folds), fewest_customers=fewest, collapse_repeats=collapse
    )
    found = {row[0]: row[1:] for row in table.drop("conversion_rate", "share").rows()}
    assert found == twin_paths(rows_of(batch), whose, fewest, collapse)
    assert len(found) == len(table)
    total = table["leads"][-1]
    assert table["conversion_rate"].to_list() == list(map(rate, table["leads"], table["journeys"]))
    assert table["share"].to_list() == [rate(each, total) for each in table["leads"]]


@given(drawn=owned(ages=False), fewest=st.integers(1, 4))
def test_where_no_customer_is_known_journeys_count(drawn: tuple[Journeys, list[int]], fewest: int) -> None:
    batch, _ = drawn
    if not len(batch):
        return
    table = at.path_table(path_tables(batch), fewest_customers=fewest)
    found = {row[0]: row[1:] for row in table.drop("conversion_rate", "share").rows()}
    assert found == twin_paths(rows_of(batch), [None] * len(batch), fewest, True)
    assert table["customers"].null_count() == len(table)


@given(drawn=owned(ages=False), fewest=st.integers(1, 4))
def test_rows_stand_in_their_order_and_sum_to_the_total(
    drawn: tuple[Journeys, list[int]], fewest: int
) -> None:
    batch, whose = drawn
    table = at.path_table(stitched_of(batch, whose, 8), fewest_customers=fewest)
    paths = table.filter(pl.col("touchpoints").is_not_null())
    assert paths.equals(paths.sort("leads", "journeys", "path", descending=[True, True, False]))
    assert (paths["customers"] >= fewest).all()
    below = [name for name in table["path"] if name in OURS]
    assert table["path"].to_list() == [*paths["path"], *below]
    assert below == [name for name in OURS if name in below]
    assert below[-1] == "(total)"
    for place, name in enumerate(OUTCOMES):
        assert math.fsum(table[name][:-1]) == table[name][-1]
        assert table[name][-1] == pytest.approx(math.fsum(batch.outcomes[:, place]), rel=1e-12)
    assert math.fsum(table["journeys"][:-1]) == table["journeys"][-1]


def path_batch(*paths: str) -> Journeys:
    """Return journeys of these paths, "a > b" with a lead and "a > b !" without."""
    rows = []
    for path in paths:
        lead = float(not path.endswith("!"))
        channels = tuple(filter(None, path.removesuffix("!").strip().split(" > ")))
        rows.append(Row(channels, 1.0, (lead, 0.0, 0.0)))
    return journeys_of(rows, sorted({name for row in rows for name in row.path}))


def test_a_customer_of_two_rare_paths_is_one_of_the_others() -> None:
    batch = path_batch("a", "b !", "b", "a > b", "c", "c", "c", "", "")
    table = at.path_table(stitched_of(batch, [0, 0, 1, 1, 1, 2, 3, 4, 4], 4), fewest_customers=3)
    assert table["path", "touchpoints", "customers", "journeys", "leads"].rows() == [
        ("c", 1, 3, 3.0, 3.0),
        ("(other)", None, 2, 4.0, 3.0),  # who travelled a and b, and who travelled b and a > b
        ("(no touchpoints)", None, 1, 2.0, 2.0),
        ("(total)", None, 5, 9.0, 8.0),
    ]


def test_many_journeys_of_one_customer_are_one_customer() -> None:
    batch = path_batch(*["a"] * 9, "b", "b")
    table = at.path_table(stitched_of(batch, [0] * 9 + [1, 2]), fewest_customers=2)
    assert table["path"].to_list() == ["b", "(other)", "(total)"]
    assert table["customers"].to_list() == [2, 1, 3]  # the others may be fewer than asked for
    known = at.path_table(stitched_of(batch, [0] * 9 + [1, 2]), fewest_customers=1)
    assert known["path"].to_list() == ["a", "b", "(total)"]


def test_repeats_are_collapsed_unless_they_are_asked_for() -> None:
    batch = path_batch("a > a > b", "a > b", "a > b > a !")
    once = at.path_table(path_tables(batch), fewest_customers=1)
    assert once["path", "touchpoints", "journeys"].rows()[:-1] == [("a > b", 2, 2.0), ("a > b > a", 3, 1.0)]
    each = at.path_table(path_tables(batch), fewest_customers=1, collapse_repeats=False)
    assert each["path"].to_list() == ["a > a > b", "a > b", "a > b > a", "(total)"]


def test_no_channel_is_taken_for_a_row_or_for_two() -> None:
    names = ("(other)", "(total)", '"(total)"', "(no touchpoints)", "a > b", "a", "b")
    rows = [Row((name,), 1.0, (1.0, 0.0, 0.0)) for name in names]
    rows += [Row(("a", "b"), 1.0, (1.0, 0.0, 0.0)), Row(("(total)", "a"), 1.0, (1.0, 0.0, 0.0))]
    batch = journeys_of(rows, sorted(names))
    table = at.path_table(path_tables(batch), fewest_customers=1)
    expected = [
        '"(other)"',
        '"(total)"',
        r'"\"(total)\""',
        '"(no touchpoints)"',
        '"a > b"',
        "a",
        "b",
        "a > b",
    ]
    assert table["path"].to_list() == [*sorted([*expected, "(total) > a"]), "(total)"]


@pytest.mark.parametrize("fewest", [0, -1, 1.5, 5.0, True, None, "5", math.nan])
def test_a_number_of_customers_that_is_none_is_refused(fewest: Any) -> None:
    with pytest.raises(ParameterError, match=r"'fewest_customers'.* whole number >= 1"):
        at.path_table(path_tables(path_batch("a")), fewest_customers=fewest)


# Lengths and lags.


@given(drawn=owned(ages=False), folds=st.sampled_from([1, 2, 8]))
def test_lengths_are_those_of_a_plain_count(drawn: tuple[Journeys, list[int]], folds: int) -> None:
    batch, whose = drawn
    rows = rows_of(batch)
    table = at.path_lengths(stitched_of(batch, whose, folds))
    ends = table.select("touchpoints_from", "touchpoints_to").rows()
    assert ends == [(n, n) for n in range(10)] + [(10, 14), (15, 19), (20, None)]
    bins = [(low, None if high is None else high + 1) for low, high in ends]
    expected = binned(rows, bins, [len(row.path) for row in rows])
    assert [list(each) for each in table.select("journeys", *OUTCOMES).rows()] == expected
    total = math.fsum(each[1] for each in expected)
    assert table["conversion_rate"].to_list() == [rate(leads, count) for count, leads, *_ in expected]
    assert table["share"].to_list() == [rate(leads, total) for _, leads, *_ in expected]


def test_long_journeys_lie_in_the_wide_bins() -> None:
    batch = path_batch(*(" > ".join("a" * length) for length in (1, 9, 10, 14, 15, 19, 20, 400)))
    table = at.path_lengths(path_tables(batch))
    assert table["journeys"].to_list() == [0, 1, *[0] * 7, 1, 2, 2, 2]
    assert table["touchpoints_from"].to_list()[-4:] == [9, 10, 15, 20]


@given(drawn=owned(), folds=st.sampled_from([1, 2, 8]))
def test_lags_are_those_of_a_plain_count(drawn: tuple[Journeys, list[int]], folds: int) -> None:
    batch, whose = drawn
    rows = [row for row in rows_of(batch) if row.path and any(row.outcomes)]
    table = at.time_lags(stitched_of(batch, whose, folds))
    edges = [*range(8), 14, 21, 30, 60, 90, None]
    assert table.select("days_from", "days_to").rows() == [*pairwise(edges)]
    expected = binned(rows, [*pairwise(edges)], [row.ages[0] for row in rows if row.ages])
    assert [list(each) for each in table.select("journeys", *OUTCOMES).rows()] == expected
    total = 0.0
    reached = [total := total + each[1] for each in expected]
    assert table["share"].to_list() == [rate(each[1], total) for each in expected]
    assert table["cumulative_share"].to_list() == [rate(each, total) for each in reached]


def test_a_lag_of_whole_days_begins_a_bin() -> None:
    touched = pl.DataFrame(
        {"customer_id": range(4), "channel": "ads", "timestamp": ["2026-03-01T08:00:00Z"] * 4}
    )
    ended = ["2026-03-01T08:00:00Z", "2026-03-02T07:59:59Z", "2026-03-02T08:00:00Z", "2026-03-31T08:00:00Z"]
    table = at.time_lags(at.stitch(touched, pl.DataFrame({"customer_id": range(4), "timestamp": ended})))
    assert table.filter(pl.col("leads") > 0)["days_from", "leads"].rows() == [(0, 2.0), (1, 1.0), (30, 1.0)]


def test_without_ages_there_are_no_lags() -> None:
    with pytest.raises(
        ParameterError, match=r"time lags need the ages of touchpoints; .*\(path tables never do\)"
    ):
        at.time_lags(at.from_paths(pl.DataFrame({"path": ["a"], "conversions": [1]})))


# Moves.


@given(drawn=owned(ages=False), collapse=st.booleans())
def test_moves_are_those_of_a_plain_count(drawn: tuple[Journeys, list[int]], collapse: bool) -> None:
    batch, whose = drawn
    counts: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows_of(batch):
        path = collapsed(row.path) if collapse else row.path
        names = [
            json.dumps(name) if name in ("(start)", "(null)") or ">" in name or '"' in name else name
            for name in path
        ]
        for move in pairwise(["(start)", *names] if names else []):
            counts[move] += row.count
        if names:
            counts[names[-1], "(conversion)"] += row.outcomes[0]
            counts[names[-1], "(null)"] += row.count - row.outcomes[0]
    visits: dict[str, float] = defaultdict(float)
    for (source, _), count in counts.items():
        visits[source] += count
    table = at.transition_table(stitched_of(batch, whose, 2), collapse)
    found = {(a, b): (count, share) for a, b, count, share in table.rows()}
    assert len(found) == len(table)
    assert found == {
        move: (pytest.approx(count, rel=1e-12), pytest.approx(count / visits[move[0]], rel=1e-12))
        for move, count in counts.items()
        if count
    }
    assert table.equals(table.sort("count", "source", "target", descending=[True, False, False]))


# Tables that were stitched.


@pytest.fixture(scope="module")
def sample() -> at.sample.Sample:
    return at.sample.load()


def tables_of(stitched: Stitched) -> list[pl.DataFrame]:
    return [
        at.path_table(stitched),
        at.path_lengths(stitched),
        at.time_lags(stitched),
        at.transition_table(stitched),
    ]


def test_neither_the_order_of_rows_nor_the_folds_change_a_bit(sample: at.sample.Sample) -> None:
    expected = tables_of(at.stitch(*sample[:2]))
    shuffled = [table.sample(fraction=1.0, shuffle=True, seed=7) for table in sample[:2]]
    for stitched in (at.stitch(*shuffled), at.stitch(*sample[:2], folds=16)):
        for left, right in zip(tables_of(stitched), expected, strict=True):
            assert_frame_equal(left, right, check_exact=True)


def test_customers_of_a_file_are_looked_up_in_it(sample: at.sample.Sample, tmp_path: Path) -> None:
    touched, leads = sample.touchpoints.drop("event_id"), sample.leads.drop("account_id")
    touched.write_parquet(tmp_path / "touchpoints.parquet", row_group_size=2_000)
    stitched = at.stitch(tmp_path / "touchpoints.parquet", leads, piece_rows=1_000)
    assert stitched.trace is not None
    assert at.path_table(stitched).equals(at.path_table(at.stitch(touched, leads)))


def test_the_sample_is_counted_as_its_journeys_table_says(sample: at.sample.Sample) -> None:
    stitched = at.stitch(sample.touchpoints, sample.leads)
    table = stitched.table()
    rows = [
        Row(tuple(path), count, tuple(outcomes), tuple(ages))
        for path, ages, count, *outcomes in table.select("channel", "age_days", "count", *OUTCOMES).rows()
    ]
    found = {row[0]: row[1:] for row in at.path_table(stitched).drop("conversion_rate", "share").rows()}
    assert found == twin_paths(rows, table["customer_id"].to_list(), 5, True)
    lengths, lags = at.path_lengths(stitched), at.time_lags(stitched)
    won = table.filter(pl.col("leads") > 0)
    touched = won.filter(pl.col("channel").list.len() > 0)
    assert lengths["journeys"].sum() == len(table)
    assert lengths["leads"].sum() == len(won)
    assert lags["journeys"].sum() == lags["leads"].sum() == len(touched)
    assert lags["revenue"].sum() == pytest.approx(touched["revenue"].sum(), rel=1e-12)


def test_a_journeys_table_with_customers_gives_the_same(sample: at.sample.Sample) -> None:
    stitched = at.stitch(sample.touchpoints, sample.leads)
    back = at.from_journeys(stitched.table())
    for left, right in zip(tables_of(back), tables_of(stitched), strict=True):
        assert_frame_equal(left, right)
    nobody = at.path_table(at.from_journeys(stitched.table().drop("customer_id")))
    assert nobody["customers"].null_count() == len(nobody)


def test_grouped_channels_are_grouped_in_paths(sample: at.sample.Sample) -> None:
    grouped = at.group_rare(at.stitch(sample.touchpoints, sample.leads), 2)
    paths = at.path_table(grouped)["path"].to_list()
    assert '"(other)"' in paths
    assert "(other) > Direct" in paths
    assert paths[-3:] == ["(other)", "(no touchpoints)", "(total)"]


@pytest.mark.parametrize("touchpoints", [False, True])
def test_without_leads_every_table_is_there(sample: at.sample.Sample, touchpoints: bool) -> None:
    touched = sample.touchpoints if touchpoints else sample.touchpoints.clear()
    paths, lengths, lags, moves = tables_of(at.stitch(touched, sample.leads.clear()))
    assert paths["path"][-1] == "(total)"
    assert paths["share"].null_count() == len(paths)
    assert (len(paths) > 1, len(moves) > 0) == (touchpoints, touchpoints)
    assert (len(lengths), len(lags)) == (13, 13)
    assert lags["journeys"].sum() == 0
    assert lags["cumulative_share"].null_count() == lengths["share"].null_count() == 13
    full = tables_of(at.stitch(*sample[:2]))
    assert [each.schema for each in (paths, lengths, lags, moves)] == [each.schema for each in full]


@pytest.mark.parametrize(
    ("verb", "name"), [("path_table", "customers"), ("path_lengths", "share"), ("time_lags", "days_to")]
)
def test_an_outcome_named_as_a_column_is_refused(verb: str, name: str) -> None:
    batch = journeys_of([Row(("a",), 1.0, (1.0,), (0.0,))], ("a",), (name,))
    with pytest.raises(ParameterError, match=f"'outcome_names': got '{name}'"):
        getattr(at, verb)(stitched_of(batch, [0]))
