"""The choice of the order: against its naive twin, by hand, in worlds whose order is known, on real data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import product
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import Row
from strategies import journeys_of

import attribution as at
from attribution.comparison.orders import choose_order
from attribution.stitched import Batch

NAMES = ("a", "b", "c")
README = Path(__file__).parents[1] / "README.md"


def folds_of(*folds: Sequence[Row], channels: Sequence[str] = NAMES) -> at.Stitched:
    """Return journeys whose folds hold these rows."""
    batches = [Batch(journeys_of(rows, channels, ("leads",)), at.StitchReport()) for rows in folds]
    nameless = pl.DataFrame()
    return at.Stitched(
        tuple(channels),
        ("leads",),
        [partial(batches.__getitem__, number) for number in range(len(batches))],
        at.StitchReport(),
        lambda _number, _journeys: nameless,
        has_ages=False,
    )


def row(path: str, conversions: float, nulls: float) -> Row:
    """Return the row of "a > b", conversions, nulls."""
    return Row(tuple(filter(None, path.split(" > "))), conversions + nulls, (conversions,))


# The naive twin: one row after the other, one pair after the other.


def chance(known: Sequence[Row], path: tuple[str, ...], order: int) -> float:
    """Return the chance that a journey with this path converts, as the rows teach it."""
    if order > 0 and len(path) < order - 1:
        return chance(known, path, order - 1)
    alike = [each for each in known if order == 0 or each.path[-order:] == path[-order:]]
    conversions, journeys = sum(each.outcomes[0] for each in alike), sum(each.count for each in alike)
    if order == 0:
        return conversions / journeys
    return (conversions + chance(known, path, order - 1)) / (journeys + 1)


def auc_of(scored: Sequence[tuple[float, Row]]) -> tuple[float, float]:
    """Return how many pairs of a converting and a null journey are in the right order, and of how many."""
    right = pairs = 0.0
    for (score, one), (other_score, other) in product(scored, scored):
        weight = one.outcomes[0] * (other.count - other.outcomes[0])
        right += weight * (1.0 if score > other_score else 0.5 if score == other_score else 0.0)
        pairs += weight
    return right, pairs


def error(parts: Sequence[float], sizes: Sequence[float]) -> float | None:
    """Return the standard error of sum(parts) / sum(sizes) over groups."""
    met = [(part, size) for part, size in zip(parts, sizes, strict=True) if size]
    if len(met) < 2:
        return None
    ratio = sum(part for part, _ in met) / sum(size for _, size in met)
    squares = sum((part - ratio * size) ** 2 for part, size in met)
    return sqrt(len(met) / (len(met) - 1) * squares) / sum(size for _, size in met)


def by_twin(
    trials: Sequence[tuple[Sequence[Row], Sequence[Sequence[Row]]]], orders: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the rows of the table from (rows to learn from, groups of rows to judge by)."""
    logs: dict[int, list[float]] = {order: [] for order in orders}
    table = []
    for order in orders:
        right, pairs, rights, pairings, sizes = 0.0, 0.0, [], [], []
        for known, groups in trials:
            scored = [[(chance(known, each.path, order), each) for each in group] for group in groups]
            for group in scored:
                logs[order].append(
                    sum(
                        each.outcomes[0] * log(p) + (each.count - each.outcomes[0]) * log(1 - p)
                        for p, each in group
                    )
                )
                sizes.append(sum(each.count for _, each in group))
                rights.append(auc_of(group)[0])
                pairings.append(auc_of(group)[1])
            together = auc_of([each for group in scored for each in group])
            right, pairs = right + together[0], pairs + together[1]
        table.append(
            {
                "order": order,
                "log_likelihood": sum(logs[order]) / sum(sizes),
                "log_likelihood_error": error(logs[order], sizes),
                "auc": right / pairs if pairs else None,
                "auc_error": error(rights, pairings),
            }
        )
    best = max(table, key=lambda each: each["log_likelihood"])["order"]
    for each in table:
        behind = [b - a for a, b in zip(logs[each["order"]], logs[best], strict=True)]
        each["shortfall"], each["shortfall_error"] = sum(behind) / sum(sizes), error(behind, sizes)
    return table


def assert_alike(table: pl.DataFrame, twin: list[dict[str, Any]]) -> None:
    """Compare the columns that the twin knows."""
    for ours, theirs in zip(table.to_dicts(), twin, strict=True):
        assert {name: ours[name] for name in theirs} == {
            name: None if value is None else pytest.approx(value, rel=1e-10, abs=1e-12)
            for name, value in theirs.items()
        }


paths = st.lists(st.sampled_from(NAMES), max_size=5).map(tuple)
counts = st.sampled_from([0.0, 1.0, 1.0, 2.0, 7.0, 0.25])
random_rows = st.builds(
    lambda path, conversions, nulls: Row(path, conversions + nulls, (conversions,)), paths, counts, counts
)
folds = st.lists(st.lists(random_rows, max_size=6), min_size=2, max_size=5)
some_orders = st.lists(st.integers(1, 7), min_size=1, max_size=4)


def has_both(rows: Sequence[Row]) -> bool:
    return 0 < sum(each.outcomes[0] for each in rows) < sum(each.count for each in rows)


def touched(folds: Sequence[Sequence[Row]], groups: int) -> list[list[Row]]:
    """Return the rows with touchpoints by group."""
    return [
        [each for fold in folds[group::groups] for each in fold if each.path and each.count]
        for group in range(groups)
    ]


@given(folds=folds, orders=some_orders, groups=st.integers(2, 3))
def test_the_choice_by_groups_of_customers_equals_its_twin(
    folds: list[list[Row]], orders: list[int], groups: int
) -> None:
    dealt = touched(folds, groups)
    trials = [
        ([each for other in range(groups) if other != group for each in dealt[other]], [dealt[group]])
        for group in range(groups)
    ]
    assume(all(dealt) and all(has_both(known) for known, _ in trials))
    choice = choose_order(folds_of(*folds), orders, groups=groups)
    assert_alike(choice.table(), by_twin(trials, sorted(set(orders))))


@given(folds=folds, judges=folds, orders=some_orders, groups=st.integers(2, 3))
def test_the_choice_by_journeys_held_out_equals_its_twin(
    folds: list[list[Row]], judges: list[list[Row]], orders: list[int], groups: int
) -> None:
    known = [each for group in touched(folds, 1) for each in group]
    judging = [group for group in touched(judges, groups) if group]
    assume(has_both(known) and has_both([each for group in judging for each in group]))
    choice = choose_order(folds_of(*folds), orders, held_out=folds_of(*judges), groups=groups)
    assert_alike(choice.table(), by_twin([(known, judging)], sorted(set(orders))))


# By hand.


def test_two_groups_by_hand() -> None:
    choice = choose_order(folds_of([row("a", 1, 1)], [row("a", 1, 3)]), [1], groups=2)
    (found,) = choice.table().to_dicts()
    first, second = log(1 / 4) + log(3 / 4), 4 * log(1 / 2)  # each by the rate of the other
    mean = (first + second) / 6
    assert found == {
        "order": 1,
        "states": 2,
        "log_likelihood": pytest.approx(mean),
        "log_likelihood_error": pytest.approx(
            sqrt(2 * ((first - 2 * mean) ** 2 + (second - 4 * mean) ** 2)) / 6
        ),
        "shortfall": 0.0,
        "shortfall_error": 0.0,
        "auc": 0.5,
        "auc_error": 0.0,
        "auc_in_sample": 0.5,
        "chosen": True,
    }


def test_a_window_never_met_falls_back_on_the_shorter_one() -> None:
    known = folds_of([row("a", 3, 1), row("b", 1, 3)])
    judged = folds_of([row("c > a", 1, 0), row("d", 0, 1)], channels=("a", "c", "d"))
    found = choose_order(known, [1, 2, 9], held_out=judged).table()
    after_a = (3 + 1 / 2) / 5
    assert found["log_likelihood"].to_list() == pytest.approx([(log(after_a) + log(1 / 2)) / 2] * 3)
    assert found["auc"].to_list() == [1.0] * 3


def test_orders_beyond_the_longest_journey_are_equal_to_the_bit() -> None:
    known = folds_of([row("a > b > c", 3, 1), row("b", 1, 3)], [row("c > b", 2, 5), row("a", 1, 1)])
    table = choose_order(known, [4, 5, 60, 10**4], groups=2).table()
    assert table["log_likelihood"].n_unique() == table["auc"].n_unique() == 1
    assert table["chosen"].to_list() == [True, False, False, False]


def test_one_group_held_out_has_no_error_and_the_best_order_is_taken() -> None:
    known = folds_of([row("a > b", 9, 1), row("b", 1, 9), row("a > b > b", 2, 2)])
    choice = choose_order(known, [1, 2, 3], held_out=known)
    errors = choice.table().select("log_likelihood_error", "shortfall_error", "auc_error")
    assert errors.null_count().row(0) == (3, 3, 3)
    assert choice.order == choice.best == 3


def test_pairs_of_different_groups_are_no_pairs() -> None:
    apart = folds_of([row("a", 1, 0)], [row("b", 0, 1)], [row("a", 1, 0)], [row("b", 0, 1)])
    (found,) = choose_order(apart, [1], groups=4).table().to_dicts()
    assert (found["auc"], found["auc_error"], found["auc_in_sample"]) == (None, None, 1.0)


def test_states_are_those_of_the_chain() -> None:
    journeys = at.stitch(*at.sample.load()[:2])
    table = choose_order(journeys, [1, 2, 4]).table()
    credits = at.attribute(journeys, *(at.Markov(order=order, name=f"m{order}") for order in (1, 2, 4)))
    assert table["states"].to_list() == [each.details.states for each in credits.values()]


# Worlds whose order is known: 20,000 customers, four channels, 1 to 6 touchpoints, 14 % of them convert.


def world(seed: int, order: int, customers: int = 20_000) -> pl.DataFrame:
    """Return journeys that convert by their last channel; at order 2, more so after a certain other."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 7, customers)
    channel = draw.integers(0, 4, lengths.sum())
    last = lengths.cumsum() - 1
    before = np.where(lengths > 1, channel[last - 1], channel[last])
    factor = np.where(before == (channel[last] + 1) % 4, 1.3, 0.9) if order == 2 else 1.0
    converting = draw.random(customers) < np.array([0.08, 0.12, 0.16, 0.20])[channel[last]] * factor
    listed = pl.Series(np.array(list("abcd"))[channel]).implode().list.gather(range(len(channel)))
    return (
        pl.DataFrame({"customer_id": np.repeat(np.arange(customers), lengths), "channel": listed.explode()})
        .group_by("customer_id", maintain_order=True)
        .agg("channel")
        .with_columns(
            journey_id=pl.col("customer_id").cast(pl.String),
            leads=pl.Series(converting.astype(np.float64)),
            count=pl.lit(1.0),
        )
    )


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_a_simulated_world_is_found(seed: int, order: int) -> None:
    assert choose_order(at.from_journeys(world(seed, order))).order == order


@pytest.mark.parametrize("order", [1, 2])
def test_no_digit_depends_on_threads_or_the_order_of_the_rows(order: int) -> None:
    rows = world(0, order, 3_000)
    whole = choose_order(at.from_journeys(rows), threads=1).table()
    for again in (rows, rows.reverse(), rows.sample(fraction=1.0, shuffle=True, seed=3)):
        assert choose_order(at.from_journeys(again), threads=3).table().equals(whole)


# What cannot be answered.


@pytest.mark.parametrize("orders", [[], [0], [1.0], [True], ["1"], [2, None], 3, "12", iter([1])])
def test_orders_are_whole_numbers_from_1(orders: Any) -> None:
    with pytest.raises(at.ParameterError, match=r"'orders': got .*, expected whole numbers >= 1"):
        choose_order(folds_of([row("a", 1, 1)]), orders)


@pytest.mark.parametrize("groups", [1, 0, 2.0, True, None])
def test_there_are_two_groups_or_more(groups: Any) -> None:
    with pytest.raises(at.ParameterError, match=r"'groups': got .*, expected a whole number >= 2"):
        choose_order(folds_of([row("a", 1, 1)]), groups=groups)


@pytest.mark.parametrize("empty", [[], [[]], [[row("", 1, 1)]], [[], [], []]])
def test_a_group_without_journeys_is_one_too_many(empty: list[list[Row]]) -> None:
    some = [[row("a", 1, 1)], [row("a", 1, 1)]]
    with pytest.raises(at.ParameterError, match=r"have no journeys .* use fewer groups, or pass held_out="):
        choose_order(folds_of(*some, *empty), groups=3)


def test_the_journeys_of_a_path_table_are_dealt_out_to_groups_by_chance() -> None:
    table = pl.DataFrame({"path": ["a", "b"], "conversions": [300, 100], "null": [100, 300]})
    (row,) = choose_order(at.from_paths(table, null="null"), [1]).table().to_dicts()
    assert row["auc"] == pytest.approx(0.75, abs=0.03)
    assert row["log_likelihood"] == pytest.approx((3 * math.log(0.75) + math.log(0.25)) / 4, abs=0.01)
    assert row["log_likelihood_error"] > 0
    few = table.with_columns(conversions=1, null=1)
    with pytest.raises(at.ParameterError, match=r"got 10, of which \d have no .*: use fewer groups"):
        choose_order(at.from_paths(few, null="null"))


@pytest.mark.parametrize(
    ("folds", "got"),
    [
        ([[row("a", 0, 2)], [row("b", 0, 1)]], "^journeys: no conversion"),
        ([[row("a", 2, 0)], [row("b", 1, 0)]], "^journeys: no null journey"),
        ([[row("a", 2, 2)], [row("b", 0, 3)]], "^journeys to learn from: no conversion"),
        ([[row("a", 0, 0), row("", 1, 1)], []], "^journeys: no journey has a touchpoint"),
    ],
)
def test_both_kinds_of_journeys_are_needed(folds: list[list[Row]], got: str) -> None:
    with pytest.raises(at.TableError, match=got) as refused:
        choose_order(folds_of(*folds), groups=2)
    assert "what to do: " in str(refused.value)


def test_both_kinds_of_journeys_are_needed_to_judge_by() -> None:
    known = folds_of([row("a", 1, 1)])
    with pytest.raises(at.TableError, match=r"^held_out: no conversion"):
        choose_order(known, held_out=folds_of([row("a", 0, 1)]))
    with pytest.raises(at.TableError, match=r"^held_out: no journey has a touchpoint"):
        choose_order(known, held_out=folds_of([row("", 1, 1)]))
    with pytest.raises(at.TableError, match=r"^journeys to learn from: no conversion"):
        choose_order(folds_of([row("a", 0, 1)]), held_out=known)


def test_the_outcomes_held_out_have_the_same_names() -> None:
    known = folds_of([row("a", 1, 1)])
    table = pl.DataFrame({"path": ["a"], "conversions": [1], "null": [1]})
    with pytest.raises(at.VocabularyError, match="outcomes differ in 'conversions', 'leads'"):
        choose_order(known, held_out=at.from_paths(table, null="null"))


# Real data.

PATHDATA = [0.50867, 0.517376, 0.527848, 0.542849, 0.553812, 0.558917, 0.561891, 0.563227]


def test_auc_in_sample_on_pathdata_agrees_with_channel_attribution(data: Any) -> None:
    source = data.need("pathdata/paths.csv")
    journeys = at.from_paths(
        source, conversions="total_conversions", null="total_null", reading=at.Reading(delimiter=";")
    )
    found = choose_order(journeys, range(1, 9), held_out=journeys).table()["auc_in_sample"]
    assert found[:3].to_list() == pytest.approx(PATHDATA[:3], rel=0, abs=1e-4)
    # The rest of the gap: its ROC has 100 thresholds, at equal steps from the lowest score to the highest.
    table = pl.read_csv(source, separator=";")
    ends = [tuple(path.split(" > ")) for path in table["path"]]
    conversions, nulls = (table[name].to_numpy() for name in ("total_conversions", "total_null"))
    for order, published in enumerate(PATHDATA, start=1):
        _, state = np.unique([" > ".join(path[-order:]) for path in ends], return_inverse=True)
        score = (np.bincount(state, conversions) / np.bincount(state, conversions + nulls))[state]
        above = score >= np.linspace(score.min(), score.max(), 100)[:, None]
        hits, alarms = ((above * each).sum(axis=1) / each.sum() for each in (conversions, nulls))
        hits, alarms = np.append(hits, 0), np.append(alarms, 0)
        assert -np.trapezoid(hits, alarms) == pytest.approx(published, rel=0, abs=1e-6)


@pytest.fixture(scope="module")
def touches(data: Any) -> pl.DataFrame:
    return pl.read_parquet(data.need("criteo_journeys/touches.parquet"))


def criteo(touches: pl.DataFrame, split: str) -> at.Stitched:
    """Return the journeys of one part of the file."""
    return at.from_journeys(
        touches.filter(split=split)
        .sort("seq_id", "step")
        .group_by(journey_id=pl.col("seq_id").cast(pl.String), customer_id="user_id", maintain_order=True)
        .agg(
            pl.col("campaign").cast(pl.String).alias("channel"),
            pl.col("converted").last().cast(pl.Float64).alias("conversions"),
            count=pl.lit(1.0),
        )
    )


def test_the_orders_of_criteo_are_those_of_the_readme(touches: pl.DataFrame) -> None:
    choice = choose_order(criteo(touches, "train"), held_out=criteo(touches, "test"))
    lines = [
        f"| {r['order']} | {r['states']} | {r['log_likelihood']:.4f} ± {r['log_likelihood_error']:.4f} "
        f"| {r['shortfall']:.4f} ± {r['shortfall_error']:.4f} | {r['auc']:.4f} ± {r['auc_error']:.4f} "
        f"| {r['auc_in_sample']:.4f} | {'yes' if r['chosen'] else ''} |\n"
        for r in choice.table().to_dicts()
    ]
    assert len(lines) == 5
    assert "".join(lines) in README.read_text(encoding="utf-8"), "".join(lines)


def test_what_the_readme_says_of_criteo_is_so(touches: pl.DataFrame) -> None:
    choice = choose_order(criteo(touches, "train"))
    by_customer = f"the choice is order {choice.order}, too, with an AUC of {choice.table()['auc'][-1]:.4f}"
    assert by_customer in " ".join(README.read_text(encoding="utf-8").split())
    customers = {split: set(touches.filter(split=split)["user_id"]) for split in ("train", "test")}
    assert customers["test"] < customers["train"]
    lengths = touches.group_by("split", "seq_id").agg(length=pl.len(), converted=pl.col("converted").max())
    rates = lengths.group_by("length").agg(pl.col("converted").mean()).sort("length")["converted"]
    assert lengths["length"].min() == 3
    assert rates[:6].is_sorted()
