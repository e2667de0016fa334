"""Every model keeps every law on random journeys, or names the law it gives up and is shown to break it."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache, reduce
from itertools import chain, combinations, product
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from oracles import Row
from strategies import (
    NAMES,
    changed,
    credit_of,
    invalid,
    joined,
    journeys,
    journeys_of,
    learned,
    models,
    parts_of,
    rows,
    rows_of,
)

from attribution.arrays import Float64
from attribution.credits import Credits
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.models import (
    MODELS,
    FirstTouch,
    LastTouch,
    Linear,
    Model,
    Shapley,
    TimeDecay,
    TouchpointRule,
)
from attribution.parameters import parameters
from attribution.statistics import Totals, total

CASES: dict[str, SearchStrategy[Model]] = {
    **{name: models(name, **({"share": "journey"} if name == "markov" else {})) for name in MODELS},
    "markov of order 2": models("markov", order=2, share="journey"),
    "markov of order 3": models("markov", order=3, share="journey"),
    "markov share=global": models("markov", share="global"),
}
RULES = {name: CASES[name] for name, cls in MODELS.items() if issubclass(cls, TouchpointRule)}


def tolerance(model: Model) -> float:
    """Return what rounding may do: more where a linear system is solved."""
    return 1e-12 if isinstance(model, TouchpointRule) else 1e-9


def assert_close(ours: Float64, theirs: Float64, within: float, batch: Journeys) -> None:
    """Compare outcomes column by column, in relation to what the batch has to share in the column.

    That is its size and not its sum: refunds may cancel revenue to nothing but rounding.
    """
    scale = np.abs(batch.outcomes).sum(axis=0)
    assert (np.abs(ours - theirs) <= within * scale).all(), (ours, theirs)


def assert_same(ours: Credits, theirs: Credits, model: Model, batch: Journeys, factor: float = 1.0) -> None:
    """Compare two credits of the batch, the second one times a factor."""
    stack = [np.vstack([each.values, each.unattributed]) for each in (ours, theirs)]
    assert_close(stack[0], factor * stack[1], tolerance(model), batch)


def batch_for(model: Model, draw: DataObject, **limits: object) -> Journeys:
    """Draw journeys; refunds stay out where totals are shared, which they can make 0 (see test_markov)."""
    if getattr(model, "share", None) == "global":
        limits["negative"] = False
    return draw.draw(journeys(**limits))


# Laws. Each takes a model, journeys, and a way to draw more.


def conserved(model: Model, batch: Journeys, _: DataObject) -> None:
    """Channels and unattributed make the totals, outcome by outcome."""
    credits = credit_of(model, batch)
    assert credits.channels == batch.channels
    assert credits.outcome_names == batch.outcome_names
    within = 1e-12 * np.abs(batch.outcomes).sum(axis=0)
    assert (np.abs(credits.totals - batch.outcomes.sum(axis=0)) <= within).all()
    empty = np.diff(batch.offsets) == 0
    assert (np.abs(credits.unattributed - batch.outcomes[empty].sum(axis=0)) <= within).all()


def tallied(model: Model, batch: Journeys, _: DataObject) -> None:
    """Credit is the tally of shares of single touchpoints, which sum to 1 in each journey."""
    batch = changed(batch, outcomes=lambda row: tuple(abs(outcome) for outcome in row.outcomes))
    statistics = learned(model, batch)
    credits = model.credit(*statistics)
    for members in chain.from_iterable(combinations(batch.channels, k) for k in range(len(batch.channels))):
        met = [row for row in rows_of(batch) if set(row.path) & set(members)]
        most = sum((np.array(row.outcomes) for row in met), np.zeros(len(batch.outcome_names)))
        took = credits.values[[batch.channels.index(name) for name in members]].sum(axis=0)
        assert (took <= most * (1 + 1e-9)).all(), f"{members} took more than their journeys had"
    rule = model.rule(*statistics)
    assert rule is not None
    weights = rule.weights(batch)
    assert (weights >= 0).all()
    touched = np.flatnonzero(np.diff(batch.offsets))
    if len(touched):
        assert np.add.reduceat(weights, batch.offsets[touched]) == pytest.approx(1, abs=1e-14)
    assert_close(Totals(rule).observe(batch).credit, credits.values, 1e-12, batch)


def added_up(model: Model, batch: Journeys, draw: DataObject) -> None:
    """Folds make the whole, in any order and number."""
    part = draw.draw(st.lists(st.integers(0, 4), min_size=len(batch), max_size=len(batch)))
    order = draw.draw(st.permutations(range(5)))
    parts = parts_of(batch, part, 5)
    folds = [learned(model, parts[i]) for i in order]
    whole = credit_of(model, batch)
    assert_same(
        model.credit(*(reduce(add, column) for column in zip(*folds, strict=True))), whole, model, batch
    )
    assert_same(model.credit(*(total(column) for column in zip(*folds, strict=True))), whole, model, batch)


def nothing_is_zero(model: Model, batch: Journeys, _: DataObject) -> None:
    """Nothing observed is no credit, and adds nothing on either side."""
    empty = learned(model, batch.select(np.zeros(len(batch), dtype=np.bool_)))
    nothing = model.credit(*empty)
    assert not nothing.values.any()
    assert not nothing.unattributed.any()
    statistics, whole = learned(model, batch), credit_of(model, batch)
    for left, right in ((empty, statistics), (statistics, empty)):
        credits = model.credit(*map(add, left, right))
        assert credits.values.tolist() == whole.values.tolist()
        assert credits.unattributed.tolist() == whole.unattributed.tolist()


def unmet_is_zero(model: Model, batch: Journeys, _: DataObject) -> None:
    """Channels that no journey met get exactly nothing and take nothing from the others."""
    more = tuple(sorted({*batch.channels, "(never)", "Met nowhere", "zz"}))
    credits = credit_of(model, batch.recode(more))
    place = [more.index(name) for name in batch.channels]
    met = set(batch.channel.tolist())
    for name, values in zip(more, credits.values, strict=True):
        if name not in batch.channels or batch.channels.index(name) not in met:
            assert not values.any(), name
    assert_same(replace(credits, values=credits.values[place]), credit_of(model, batch), model, batch)


def renamed(model: Model, batch: Journeys, draw: DataObject) -> None:
    """Other names for the channels are other names for the credits, wherever they sort."""
    fresh = draw.draw(st.permutations(["Zoo", "a", "m > n", "Ölwerk", "7"]))
    new = dict(zip(batch.channels, fresh, strict=False))
    moved = [replace(row, path=tuple(new[name] for name in row.path)) for row in rows_of(batch)]
    told = model
    for key, parameter in parameters(type(model)).items():
        if parameter.kind is tuple:  # the names that a parameter holds are names of channels
            known = [name.casefold() for name in getattr(model, key)]
            told = replace(told, **{key: tuple(new[name] for name in new if name.casefold() in known)})
    credits = credit_of(told, journeys_of(moved, sorted(new.values())))
    assert credits.channels == tuple(sorted(new.values()))
    back = [credits.channels.index(new[name]) for name in batch.channels]
    assert_same(replace(credits, values=credits.values[back]), credit_of(model, batch), model, batch)


def doubled(model: Model, batch: Journeys, _: DataObject) -> None:
    """All data once more, under new customers, is twice the credit."""
    assert_same(credit_of(model, joined(batch, batch)), credit_of(model, batch), model, batch, factor=2)


def weighted(model: Model, batch: Journeys, _: DataObject) -> None:
    """Rows of weight 2 are two rows each."""
    twice = changed(
        batch, count=lambda row: 2 * row.count, outcomes=lambda row: tuple(2 * each for each in row.outcomes)
    )
    assert_same(credit_of(model, twice), credit_of(model, joined(batch, batch)), model, batch)


def weightless(model: Model, batch: Journeys, draw: DataObject) -> None:
    """Rows of weight 0 are not there, to the bit."""
    extra = journeys_of(draw.draw(rows(batch.channels, most=5)), batch.channels)
    ghosts = changed(extra, count=lambda _: 0.0, outcomes=lambda row: (0.0,) * len(row.outcomes))
    there, absent = credit_of(model, joined(ghosts, batch, ghosts)), credit_of(model, batch)
    assert there.values.tolist() == absent.values.tolist()
    assert there.unattributed.tolist() == absent.unattributed.tolist()
    assert there.details == absent.details


def not_negative(model: Model, batch: Journeys, _: DataObject) -> None:
    """No credit is below 0 where no outcome is."""
    batch = changed(batch, outcomes=lambda row: tuple(abs(outcome) for outcome in row.outcomes))
    credits = credit_of(model, batch)
    assert (credits.values >= 0).all()
    assert (credits.unattributed >= 0).all()


def one_channel_takes_all(model: Model, batch: Journeys, _: DataObject) -> None:
    """Journeys of one channel give it all, whatever the other journeys are."""
    batch = changed(batch, outcomes=lambda row: tuple(abs(outcome) for outcome in row.outcomes))
    alone = np.zeros((len(batch.channels), len(batch.outcome_names)))
    only = [row for row in rows_of(batch) if len(set(row.path)) == 1]
    for row in only:
        alone[batch.channels.index(row.path[0])] += row.outcomes
    assert (credit_of(model, batch).values >= alone * (1 - 1e-12)).all()
    single = journeys_of(only, batch.channels)
    assert_close(credit_of(model, single).values, alone, 1e-12, batch)


def outcomes_apart(model: Model, batch: Journeys, _: DataObject) -> None:
    """Outcomes are columns: their order, and which others there are, changes none of them."""
    leads, wins, revenue = batch.outcome_names
    turned = replace(batch, outcome_names=(leads, revenue, wins), outcomes=batch.outcomes[:, [0, 2, 1]])
    alone = replace(batch, outcome_names=(leads,), outcomes=batch.outcomes[:, :1])
    whole = credit_of(model, batch)
    assert_close(credit_of(model, turned).values[:, [0, 2, 1]], whole.values, tolerance(model), batch)
    assert_close(credit_of(model, alone).values, whole.values[:, :1], tolerance(model), alone)


def pickled(model: Model, batch: Journeys, _: DataObject) -> None:
    """Statistics survive pickling: the same credit, to the bit, and they still add up."""
    statistics = learned(model, batch)
    back = pickle.loads(pickle.dumps(statistics))
    ours, theirs = model.credit(*back), model.credit(*statistics)
    assert ours.values.tolist() == theirs.values.tolist()
    assert ours.unattributed.tolist() == theirs.unattributed.tolist()
    twice = [model.credit(*map(add, left, statistics)) for left in (back, statistics)]
    assert twice[0].values.tolist() == twice[1].values.tolist()


def win_rates(model: Model, batch: Journeys, _: DataObject) -> None:
    """Wins / leads is in [0, 1], and its mean, weighted by leads, is the overall win rate."""
    credits = credit_of(model, batch)
    leads, wins = credits.values[:, 0], credits.values[:, 1]
    assert (wins >= 0).all()
    assert (wins <= leads * (1 + 1e-12)).all()
    met = np.diff(batch.offsets) > 0
    rates = np.divide(wins, leads, out=np.zeros_like(leads), where=leads > 0)
    within = 1e-12 * batch.outcomes[:, 0].sum()
    assert (leads * rates).sum() == pytest.approx(batch.outcomes[met, 1].sum(), rel=0, abs=within)


Law = Callable[[Model, Journeys, DataObject], None]
LAWS: dict[str, Law] = {
    "credit is conserved": conserved,
    "tally of rule equals credit": tallied,
    "folds add up": added_up,
    "an empty batch is zero": nothing_is_zero,
    "a channel never met gets zero": unmet_is_zero,
    "renaming channels renames credits": renamed,
    "doubling the data doubles credits": doubled,
    "weight 2 equals two copies": weighted,
    "weight 0 is absent": weightless,
    "credits are not negative": not_negative,
    "one channel takes all": one_channel_takes_all,
    "outcomes are columns": outcomes_apart,
    "statistics survive pickling": pickled,
    "win rate": win_rates,
}


@cache
def given_up(model: Model) -> frozenset[str]:
    """Return the laws that a model gives up; who shares totals has no win rate, and says so by that."""
    by_journey = credit_of(model, COUNTEREXAMPLES["win rate"]).by_journey
    return model.gives_up if by_journey else model.gives_up | {"win rate"}


def paths(*lines: tuple[str, float, float]) -> Journeys:
    """Return converting journeys of "a > b", leads and wins."""
    each = [Row(tuple(path.split(" > ")), leads, (leads, wins)) for path, leads, wins in lines]
    each = [replace(row, ages=(0.0,) * len(row.path)) for row in each]
    return journeys_of(each, sorted({name for row in each for name in row.path}), ("leads", "wins"))


# They break the law at every order. A is in 8 of 10 journeys, so of a total shared by .8 : .2 : .2 : .2
# it gets less than the 8 it made alone, and B, C, D together more than the 2 that they met. In the
# last one A has 8 of 20 leads but all of the 10 wins.
COUNTEREXAMPLES = {
    "one channel takes all": paths(("A", 8, 0), ("B > C > D", 2, 0)),
    "tally of rule equals credit": paths(("A", 8, 0), ("B > C > D", 2, 0)),
    "win rate": paths(("A", 10, 10), ("A > B > C > D", 10, 0)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("case", CASES)
@settings(max_examples=settings.default.max_examples // 2)  # every model meets many laws
@given(draw=st.data())
def test_a_model_keeps_the_law_or_breaks_the_one_it_names(case: str, law: str, draw: DataObject) -> None:
    model = draw.draw(CASES[case])
    if law in given_up(model):
        with pytest.raises(AssertionError):
            LAWS[law](model, COUNTEREXAMPLES[law], draw)
    else:
        LAWS[law](model, batch_for(model, draw), draw)


@pytest.mark.parametrize("name", MODELS)
def test_a_law_that_is_given_up_has_a_counterexample(name: str) -> None:
    choices = {key: each.choices for key, each in parameters(MODELS[name]).items() if each.choices}
    for values in product(*choices.values()):
        model = MODELS[name](**dict(zip(choices, values, strict=True)))
        assert given_up(model) <= LAWS.keys() & COUNTEREXAMPLES.keys()


# Parameters and words.

OUTSIDE = [
    pytest.param(name, key, value, id=f"{name}:{key}={value!r}")
    for name, cls in MODELS.items()
    for key, parameter in parameters(cls).items()
    for value in invalid(parameter)
]


@pytest.mark.parametrize(("name", "key", "value"), OUTSIDE)
def test_a_value_outside_its_bounds_is_refused_by_its_name(name: str, key: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"parameter '{key}': got .*, expected ") as refused:
        MODELS[name](**{key: value})
    assert parameters(MODELS[name])[key].allowed in str(refused.value)


@pytest.mark.parametrize("name", MODELS)
@given(draw=st.data())
def test_a_value_inside_its_bounds_is_accepted(name: str, draw: DataObject) -> None:
    assert isinstance(draw.draw(models(name)), MODELS[name])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("word", ["\n    Formula: ", "\n    Example: ", "\n    >>> ", "\n    Source: "])
def test_the_docstring_has_formula_example_and_source(name: str, word: str) -> None:
    assert word in (MODELS[name].__doc__ or "")


# Laws of rules only: a chain learns from journeys that do not convert.


@pytest.mark.parametrize("case", RULES)
@given(draw=st.data())
def test_null_journeys_never_change_a_rule(case: str, draw: DataObject) -> None:
    model = draw.draw(RULES[case])
    batch = draw.draw(journeys())
    nulls = journeys_of(draw.draw(rows(batch.channels, most=5)), batch.channels)
    nulls = changed(nulls, outcomes=lambda row: (0.0,) * len(row.outcomes))
    more = credit_of(model, joined(nulls, batch, nulls))
    assert more.values.tolist() == credit_of(model, batch).values.tolist()


@pytest.mark.parametrize("case", RULES)
@given(draw=st.data())
def test_rules_of_disjoint_data_add(case: str, draw: DataObject) -> None:
    model, left = draw.draw(RULES[case]), draw.draw(journeys())
    right = journeys_of(draw.draw(rows(left.channels)), left.channels)
    parts = credit_of(model, left).values, credit_of(model, right).values
    scale = np.abs(joined(left, right).outcomes).sum(axis=0)
    whole = credit_of(model, joined(left, right)).values
    assert (np.abs(whole - parts[0] - parts[1]) <= 1e-12 * scale).all()


# Special journeys, on which models agree.

AGREEING = {case: CASES[case] for case in CASES if case != "markov share=global"}


@pytest.mark.parametrize("case", CASES)
@given(draw=st.data())
def test_a_single_channel_takes_everything(case: str, draw: DataObject) -> None:
    model = draw.draw(CASES[case])
    name = draw.draw(st.sampled_from(NAMES))
    batch = batch_for(model, draw, vocabularies=[(name,)], shortest=1)
    credits = credit_of(model, batch)
    assert not credits.unattributed.any()
    # Refunds may cancel: the scale is what was added up, not what is left of it.
    scale = np.abs(batch.outcomes).sum(axis=0)
    assert (np.abs(credits.values - batch.outcomes.sum(axis=0)) <= 1e-12 * scale).all()


@pytest.mark.parametrize("case", AGREEING)
@given(draw=st.data())
def test_all_models_agree_on_journeys_of_one_touchpoint(case: str, draw: DataObject) -> None:
    model = draw.draw(AGREEING[case])
    batch = draw.draw(journeys(longest=1))
    assert_close(credit_of(model, batch).values, credit_of(FirstTouch(), batch).values, 1e-12, batch)


@pytest.mark.parametrize("name", ["first_touch", "last_touch", "linear", "position_based", "time_decay"])
@given(draw=st.data())
def test_merging_two_labels_sums_their_credits(name: str, draw: DataObject) -> None:
    model = draw.draw(models(name))
    batch = draw.draw(journeys(vocabularies=[("Ads", "Direct", "email")]))
    merged = changed(batch, path=lambda row: tuple("Ads" if c == "email" else c for c in row.path))
    apart = credit_of(model, batch).values
    together = np.vstack([apart[0] + apart[2], apart[1], np.zeros(3)])
    assert (
        np.abs(credit_of(model, merged).values - together) <= 1e-12 * np.abs(batch.outcomes).sum(axis=0)
    ).all()


def reverse(batch: Journeys) -> Journeys:
    """Return every journey backwards."""
    return changed(batch, path=lambda row: row.path[::-1])


@given(batch=journeys(ages=False))
def test_reversing_journeys_swaps_first_and_last(batch: Journeys) -> None:
    backwards = reverse(batch)
    assert credit_of(FirstTouch(), backwards).values.tolist() == credit_of(LastTouch(), batch).values.tolist()
    assert credit_of(LastTouch(), backwards).values.tolist() == credit_of(FirstTouch(), batch).values.tolist()


@given(batch=journeys(ages=False), draw=st.data())
def test_reversing_journeys_swaps_the_shares_by_position(batch: Journeys, draw: DataObject) -> None:
    model = draw.draw(models("position_based"))
    swapped = replace(model, first=model.last, last=model.first)
    assert_close(credit_of(model, reverse(batch)).values, credit_of(swapped, batch).values, 1e-12, batch)


@given(batch=journeys())
def test_an_infinite_half_life_is_linear(batch: Journeys) -> None:
    forever = credit_of(TimeDecay(half_life=math.inf), batch)
    assert forever.values.tolist() == credit_of(Linear(), batch).values.tolist()


@pytest.mark.parametrize("half_life", [5e-324, 1e-300, 1e-9])
@given(batch=journeys())
def test_no_half_life_at_all_is_last_touch(batch: Journeys, half_life: float) -> None:
    apart = changed(batch, ages=lambda row: tuple(float(age) for age in range(len(row.path)))[::-1])
    decayed = credit_of(TimeDecay(half_life=half_life), apart)
    assert decayed.values.tolist() == credit_of(LastTouch(), batch).values.tolist()


@given(batch=journeys(), half_life=st.floats(0.01, 1e6), factor=st.sampled_from([1 / 86_400, 1 / 7, 24, 1e3]))
def test_the_unit_of_time_is_no_matter(batch: Journeys, half_life: float, factor: float) -> None:
    scaled = changed(batch, ages=lambda row: tuple(age * factor for age in row.ages or ()))
    ours = credit_of(TimeDecay(half_life=half_life * factor), scaled)
    assert_close(ours.values, credit_of(TimeDecay(half_life=half_life), batch).values, 1e-9, batch)


@given(batch=journeys(), shift=st.floats(0, 3000), half_life=st.sampled_from([7.0, 0.25]))
def test_decay_sees_ages_only_in_relation_to_each_other(
    batch: Journeys, shift: float, half_life: float
) -> None:
    model = TimeDecay(half_life=half_life)
    later = changed(batch, ages=lambda row: tuple(age + shift for age in row.ages or ()))
    assert_close(credit_of(model, later).values, credit_of(model, batch).values, 1e-9, batch)


@given(batch=journeys(ages=False))
def test_shapley_is_linear_over_distinct_channels(batch: Journeys) -> None:
    distinct = changed(batch, path=lambda row: tuple(dict.fromkeys(row.path)))
    shapley = credit_of(Shapley(), batch)
    assert_close(shapley.values, credit_of(Linear(), distinct).values, 1e-12, batch)


@given(batch=journeys(ages=False, vocabularies=[("Ads", "Direct", "Social", "email")]))
def test_shapley_treats_symmetric_channels_alike(batch: Journeys) -> None:
    swapped = {"Ads": "email", "email": "Ads"}
    mirror = changed(batch, path=lambda row: tuple(swapped.get(name, name) for name in row.path))
    values = credit_of(Shapley(), joined(batch, mirror)).values
    assert (np.abs(values[0] - values[3]) <= 1e-12 * np.abs(batch.outcomes).sum(axis=0)).all()


@given(batch=journeys(ages=False, vocabularies=[("Ads", "Direct", "Social", "email")]))
def test_shapley_gives_a_channel_that_never_helps_what_it_makes_alone(batch: Journeys) -> None:
    others = changed(batch, path=lambda row: tuple(name for name in row.path if name != "Social"))
    alone = changed(batch, path=lambda _: ("Social",))
    values = credit_of(Shapley(), joined(others, alone)).values
    assert_close(values[[2]], batch.outcomes.sum(axis=0, keepdims=True), 1e-12, batch)
