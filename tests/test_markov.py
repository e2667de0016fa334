"""The chain: both solvers against brute force, its identities, and the chains that degenerate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Chain, Row
from strategies import changed, credit_of, joined, journeys, journeys_of, learned, rows_of

from attribution.arrays import Bool, Float64
from attribution.errors import ConvergenceError
from attribution.journeys import Journeys
from attribution.models import ChannelWeights, Markov, chain
from attribution.models.markov import share_totals
from attribution.statistics import TransitionCounts, Transitions

Solver = Callable[[TransitionCounts], tuple[Float64, Float64]]
SOLVERS: dict[str, Solver] = {"dense": chain.solve_dense, "iteration": chain.solve_by_iteration}


def paths(*lines: tuple[str, float, float]) -> Journeys:
    """Return journeys of "a > b", conversions, nulls; an empty path has no touchpoint."""
    rows = [
        Row(tuple(filter(None, path.split(" > "))), converting + null, (converting,))
        for path, converting, null in lines
    ]
    return journeys_of(rows, sorted({name for row in rows for name in row.path}), ("conversions",))


def touched(batch: Journeys) -> list[Row]:
    """Return the rows that are part of a chain."""
    return [row for row in rows_of(batch) if row.path and row.count]


# Both solvers.


@pytest.mark.parametrize("solver", SOLVERS)
@given(batch=journeys(), order=st.integers(1, 3), collapse_repeats=st.booleans())
def test_a_solver_equals_brute_force(
    solver: str, batch: Journeys, order: int, collapse_repeats: bool
) -> None:
    counts = Transitions(order, collapse_repeats).observe(batch)
    if not counts.journeys:
        return
    per_journey, lost = SOLVERS[solver](counts)
    brute = Chain.of(rows_of(batch), 3, order, collapse_repeats)
    whole = brute.worth(3)
    scale = max(1.0, np.abs(counts.ends / counts.journeys).sum())
    assert per_journey == pytest.approx([float(worth) for worth in whole], rel=0, abs=1e-12 * scale)
    for place, name in enumerate(batch.channels):
        rest = brute.without(name).worth(3)
        loss = [float(before - after) for before, after in zip(whole, rest, strict=True)]
        assert lost[place] == pytest.approx(loss, rel=0, abs=1e-12 * scale)


@given(batch=journeys(), order=st.integers(1, 3))
def test_removal_effects_are_the_same_whichever_solver_is_taken(batch: Journeys, order: int) -> None:
    counts = Transitions(order).observe(batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "is_small", lambda _: True)
        base, effects = chain.removal_effects(counts)
        patch.setattr(chain, "is_small", lambda _: False)
        other_base, other_effects = chain.removal_effects(counts)
    assert other_base == pytest.approx(base, rel=1e-12, abs=1e-12 * np.abs(counts.ends).sum())
    assert other_effects[:, 0] == pytest.approx(effects[:, 0], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("cells", [1, 7, 40])
def test_the_iteration_gives_the_same_in_blocks(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Transitions(2).observe(
        paths(("a > b > c > d", 3, 4), ("b > d", 1, 9), ("d > d > a", 2, 1), ("c", 5, 5))
    )
    whole = chain.solve_by_iteration(counts)
    monkeypatch.setattr(chain, "CELLS", cells)
    blocks = chain.solve_by_iteration(counts)
    assert blocks[0] == pytest.approx(whole[0], rel=1e-15)
    assert blocks[1] == pytest.approx(whole[1], rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(("small", "taken"), [(False, "solve_by_iteration"), (True, "solve_dense")])
def test_a_small_chain_is_solved_at_once_and_a_large_one_step_by_step(
    small: bool, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for name, solve in (("solve_dense", chain.solve_dense), ("solve_by_iteration", chain.solve_by_iteration)):
        monkeypatch.setattr(chain, name, partial(watched, asked, name, solve))
    monkeypatch.setattr(chain, "is_small", lambda _: small)
    chain.removal_effects(Transitions().observe(paths(("a > b", 1, 1))))
    assert asked == [taken]


def watched(asked: list[str], name: str, solve: Solver, counts: TransitionCounts) -> tuple[Float64, Float64]:
    """Write down which solver was taken, and solve."""
    asked.append(name)
    return solve(counts)


def test_only_chains_that_a_dense_solve_can_hold_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Transitions().observe(paths(("a > b > c", 1, 1)))
    assert chain.is_small(counts)
    monkeypatch.setattr(chain, "DENSE_STATES", 3)
    assert not chain.is_small(counts)
    monkeypatch.setattr(chain, "DENSE_STATES", 4)
    assert chain.is_small(counts)
    monkeypatch.setattr(chain, "SWEEP_COST", 1)
    assert not chain.is_small(counts)


def test_an_iteration_that_is_cut_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = paths(("a" + " > a" * 400, 1, 1), ("a > b", 1, 3))
    monkeypatch.setattr(chain, "is_small", lambda _: False)
    credit_of(Markov(), batch)
    monkeypatch.setattr(chain, "SWEEPS", 25)
    with pytest.raises(ConvergenceError, match=r"after 25 sweeps, expected .*; use a lower order") as cut:
        credit_of(Markov(), batch)
    assert cut.value.exit_code == 5


# Identities.


@pytest.mark.parametrize("solver", SOLVERS)
@given(batch=journeys(negative=False), order=st.sampled_from([1, 2, 3, 8]))
def test_base_probability_times_journeys_is_conversions(solver: str, batch: Journeys, order: int) -> None:
    counts = Transitions(order).observe(batch)
    if not counts.journeys:
        return
    per_journey, _ = SOLVERS[solver](counts)
    rows = touched(batch)
    whole = [sum(row.outcomes[i] for row in rows) for i in range(3)]
    assert per_journey * sum(row.count for row in rows) == pytest.approx(whole, rel=1e-12, abs=1e-12)


@given(batch=journeys())
def test_expected_visits_at_order_1_are_touchpoints_per_journey(batch: Journeys) -> None:
    counts = Transitions(1).observe(batch)
    if not counts.journeys:
        return
    moves = np.zeros((len(counts.states), len(counts.states)))
    moves[counts.source, counts.target] = counts.count / counts.visits[counts.source]
    visits = np.linalg.inv(np.eye(len(moves)) - moves)[0]
    rows = touched(batch)
    for state, window in enumerate(counts.windows[1:, 0], start=1):
        touches = sum(row.count * row.path.count(batch.channels[window - 1]) for row in rows)
        assert visits[state] == pytest.approx(touches / sum(row.count for row in rows), rel=1e-12)


@given(batch=journeys(), order=st.integers(1, 4), dense=st.booleans())
def test_removal_effects_are_probabilities(batch: Journeys, order: int, dense: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "is_small", lambda _: dense)
        _, effects = chain.removal_effects(Transitions(order).observe(batch))
    known = effects[~np.isnan(effects[:, 0]), 0]
    assert ((known >= 0) & (known <= 1)).all()


class Nested(TransitionCounts):
    """Counts in which channel c stands for itself and all channels before it."""

    def holds(self, channel: int) -> Bool:
        """Return which states contain any channel up to this one."""
        return np.any([super(Nested, self).holds(c) for c in range(channel + 1)], axis=0)


@pytest.mark.parametrize("solver", SOLVERS)
@given(batch=journeys(negative=False), order=st.integers(1, 3))
def test_taking_out_more_channels_loses_more_and_all_of_them_everything(
    solver: str, batch: Journeys, order: int
) -> None:
    # A dense solve of order 1 takes a channel for one state, which nested ones are not.
    counts = Transitions(order + (solver == "dense")).observe(batch)
    if not counts.journeys:
        return
    nested = Nested(**{each.name: getattr(counts, each.name) for each in fields(counts)})
    per_journey, lost = SOLVERS[solver](nested)
    assert (np.diff(lost[:, 0]) >= -1e-12).all()
    assert lost[-1] == pytest.approx(per_journey, rel=1e-12, abs=1e-12)


@given(batch=journeys(), share=st.sampled_from(["journey", "global"]))
def test_repeats_change_nothing_at_order_1(batch: Journeys, share: str) -> None:
    batch = changed(batch, outcomes=lambda row: tuple(map(abs, row.outcomes)))
    kept = credit_of(Markov(share=share), batch)
    collapsed = credit_of(Markov(share=share, collapse_repeats=True), batch)
    scale = np.abs(batch.outcomes).sum(axis=0)
    assert (np.abs(kept.values - collapsed.values) <= 1e-9 * scale).all()
    for name, effect in kept.details.removal_effects.items():
        assert effect == pytest.approx(collapsed.details.removal_effects[name], abs=1e-12)


def test_repeats_count_at_order_2_unless_they_are_collapsed() -> None:
    batch = paths(("a > a > b", 1, 0), ("a > b > a", 0, 1), ("b > a > a", 1, 0), ("a > a", 0, 3))
    kept, collapsed = Markov(order=2), Markov(order=2, collapse_repeats=True)
    effects = [credit_of(model, batch).details.removal_effects for model in (kept, collapsed)]
    assert abs(effects[0]["b"] - effects[1]["b"]) > 0.1
    once = paths(("a > b", 1, 0), ("a > b > a", 0, 1), ("b > a", 1, 0), ("a", 0, 3))
    assert credit_of(kept, once).details == credit_of(collapsed, batch).details


@given(batch=journeys(), order=st.sampled_from([8, 9, 10**6]))
def test_an_order_above_the_longest_path_gives_the_share_of_conversions_that_met_the_channel(
    batch: Journeys, order: int
) -> None:
    rows = touched(batch)
    conversions = sum(row.outcomes[0] for row in rows)
    effects = credit_of(Markov(order=order), batch).details.removal_effects
    for name in batch.channels:
        met = sum(row.outcomes[0] for row in rows if name in row.path)
        expected = met / conversions if conversions else None
        assert effects[name] == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(batch=journeys(), order=st.integers(1, 3))
def test_the_weights_of_the_rule_are_the_removal_effects(batch: Journeys, order: int) -> None:
    model = Markov(order=order)
    statistics = learned(model, batch)
    rule = model.rule(*statistics)
    assert isinstance(rule, ChannelWeights)
    effects = model.credit(*statistics).details.removal_effects
    assert rule.by_channel.tolist() == [effects[name] or 0.0 for name in batch.channels]


# What null journeys do.


def test_null_journeys_change_a_chain() -> None:
    few = paths(("a > b", 1, 0), ("b", 1, 1), ("a", 0, 2))
    more = joined(few, paths(("a > b", 0, 4)))
    assert credit_of(Markov(), few).values[0, 0] == pytest.approx(0.25)
    assert credit_of(Markov(), more).values[0, 0] > 0.4


def test_a_channel_of_null_journeys_only_may_have_an_effect_but_no_credit() -> None:
    batch = paths(("a", 1, 0), ("c > a", 0, 1))
    credits = credit_of(Markov(), batch)
    assert credits.details.removal_effects == pytest.approx({"a": 1, "c": 0.5})
    assert credits.values.tolist() == [[1.0], [0.0]]
    assert credit_of(Markov(share="global"), batch).values.ravel() == pytest.approx([2 / 3, 1 / 3])


# Chains that degenerate.

SHARES = ["journey", "global"]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_no_conversion_gives_no_credit_and_no_removal_effect(share: str, order: int) -> None:
    credits = credit_of(Markov(order=order, share=share), paths(("a > b", 0, 3), ("b", 0, 1)))
    assert not credits.values.any()
    assert not credits.unattributed.any()
    assert credits.details.removal_effects == {"a": None, "b": None}
    assert credits.details.base_probability == 0
    assert credits.details.status == "no_conversions"
    assert credits.warnings == ("markov: no journey converts: credits are 0 and removal effects unknown",)


@pytest.mark.parametrize("share", SHARES)
def test_no_journey_at_all_is_no_conversion(share: str) -> None:
    for batch in (journeys_of([], ("a", "b")), journeys_of([Row((), 3.0, (1.0, 1.0, 5.0))], ("a", "b"))):
        credits = credit_of(Markov(share=share), batch)
        assert not credits.values.any()
        assert credits.unattributed.tolist() == batch.outcomes.sum(axis=0).tolist()
        assert credits.details.removal_effects == {"a": None, "b": None}
        assert (credits.details.status, credits.details.states) == ("no_conversions", 1)


@pytest.mark.parametrize("share", SHARES)
def test_converting_journeys_alone_carry_a_warning(share: str) -> None:
    credits = credit_of(Markov(share=share, name="mine"), paths(("a > b", 3, 0), ("b", 1, 0)))
    assert credits.details.status == "converting_only"
    assert credits.details.base_probability == pytest.approx(1, abs=1e-15)
    (warning,) = credits.warnings
    assert warning.startswith("mine: every journey converts (converting_only)")


def test_a_chain_with_both_kinds_of_journeys_has_nothing_to_warn_of() -> None:
    credits = credit_of(Markov(), paths(("a > b", 3, 1)))
    assert (credits.details.status, credits.warnings) == ("ok", ())


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_one_channel_has_removal_effect_1(share: str, order: int) -> None:
    credits = credit_of(Markov(order=order, share=share), paths(("a > a > a", 2, 5), ("a", 1, 0)))
    assert credits.details.removal_effects == pytest.approx({"a": 1}, rel=1e-12)
    assert credits.values.tolist() == [[3.0]]


def test_a_run_of_thousands_of_touchpoints_is_solved() -> None:
    batch = paths(("a > b" + " > a" * 5000, 1, 0), ("b > a", 1, 5))
    brute = Chain.of(rows_of(batch), 1, 1, False)
    rest = {name: brute.without(name).worth(1)[0] / brute.worth(1)[0] for name in ("a", "b")}
    effects = credit_of(Markov(), batch).details.removal_effects
    assert effects == pytest.approx({name: float(1 - part) for name, part in rest.items()}, abs=1e-12)


def test_states_are_counted_with_the_start() -> None:
    batch = paths(("a > b > a", 1, 1), ("b", 1, 1))
    assert [credit_of(Markov(order=k), batch).details.states for k in (1, 2, 3)] == [3, 5, 5]


# Totals shared by channel.


def outcomes(batch: Journeys, *columns: tuple[str, Sequence[float]]) -> Journeys:
    """Return the journeys with further outcomes, row by row."""
    return replace(
        batch,
        outcome_names=(*batch.outcome_names, *(name for name, _ in columns)),
        outcomes=np.column_stack([batch.outcomes, *(values for _, values in columns)]),
    )


def test_each_total_is_shared_by_its_own_removal_effects() -> None:
    batch = outcomes(paths(("a", 1, 1), ("b", 3, 0)), ("revenue", [30.0, 10.0]))
    credits = credit_of(Markov(share="global"), batch)
    assert credits.values.tolist() == [
        [pytest.approx(1), pytest.approx(30)],
        [pytest.approx(3), pytest.approx(10)],
    ]
    assert credits.details.removal_effects == pytest.approx({"a": 0.25, "b": 0.75})


def test_an_outcome_of_no_worth_takes_the_effects_of_the_first() -> None:
    effects = np.array([[0.5, np.nan], [1.0, np.nan]])
    assert share_totals(np.array([3.0, 6.0]), effects).tolist() == [[1.0, 2.0], [2.0, 4.0]]


def test_totals_without_any_effect_are_unattributed() -> None:
    batch = outcomes(paths(("a > b", 1, 0), ("c", 1, 0)), ("revenue", [100.0, -200.0]))
    credits = credit_of(Markov(share="global"), batch)
    assert credits.values[:, 1].tolist() == [0, 0, 0]
    assert credits.unattributed.tolist() == [0, -100]


# The removal effects by value of a, b and c sum to 0: +, + and twice -. What is left of the sum is
# the rounding of a few bits, and nothing can be shared in proportion to that.
@pytest.mark.parametrize(("gained", "refunded"), [(100.0, -200.0), (100.1, -200.2), (12.3, -24.6)])
def test_refunds_that_cancel_all_effects_leave_credits_within_what_there_is(
    gained: float, refunded: float
) -> None:
    batch = outcomes(paths(("a > b", 1, 2), ("c", 1, 6)), ("revenue", [gained, refunded]))
    credits = credit_of(Markov(share="global"), batch)
    assert credits.totals[1] == pytest.approx(gained + refunded, rel=1e-9)
    assert np.abs(credits.values[:, 1]).max() <= gained - refunded


# Nearly 0 is a sum like any other, only that credits are large then: they still have to add up.
@pytest.mark.parametrize("left", [1.0, 0.01, 1e-4, 4e-6, 5e-7, 1e-9])
@pytest.mark.parametrize("gained", [100.0, 33.1, 12.3])
def test_refunds_that_nearly_cancel_all_effects_are_conserved(gained: float, left: float) -> None:
    batch = outcomes(paths(("a > b", 1, 2), ("c", 1, 6)), ("revenue", [gained, left - 2 * gained]))
    credits = credit_of(Markov(share="global"), batch)
    whole, size = batch.outcomes[:, 1].sum(), np.abs(batch.outcomes[:, 1]).sum()
    assert abs(credits.totals[1] - whole) <= 1e-9 * size


def test_shared_totals_have_no_rule_and_need_no_coalitions() -> None:
    model = Markov(share="global")
    batch = paths(("a > b", 1, 2))
    assert len(model.observers) == 1
    assert model.rule(*learned(model, batch)) is None
    assert not credit_of(model, batch).by_journey
    assert credit_of(Markov(), batch).by_journey
