"""The registry of models: names, equality, models told from text, and the weights of each rule."""

from __future__ import annotations

import doctest
import sys
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import Row
from strategies import credit_of, journeys, journeys_of, learned, models, rows_of

from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.models import (
    MODELS,
    ChannelWeights,
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    Markov,
    Model,
    PositionBased,
    Shapley,
    TimeDecay,
    TouchpointRule,
    named_apart,
    parse_model,
)
from attribution.parameters import parameters


def weights_of(rule: TouchpointRule, *lines: str, ages: list[list[float]] | None = None) -> list[float]:
    """Return the weights of the touchpoints of journeys "a > b", one after the other."""
    paths = [tuple(filter(None, line.split(" > "))) for line in lines]
    rows = [Row(path, 1.0, (1.0,), tuple(ages[j]) if ages else None) for j, path in enumerate(paths)]
    names = sorted({name for path in paths for name in path})
    return rule.weights(journeys_of(rows, names, ("leads",))).tolist()


# Names and equality.


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_registered_by_its_name(name: str) -> None:
    assert MODELS[name]().name == name


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_a_model_but_its_name_is_a_declared_parameter(name: str) -> None:
    assert {each.name for each in fields(MODELS[name])} == {*parameters(MODELS[name]), "name"}
    for key, parameter in parameters(MODELS[name]).items():
        assert getattr(MODELS[name](), key) == parameter.default
        assert parameter.meaning


@pytest.mark.parametrize("name", MODELS)
@given(draw=st.data())
def test_models_of_equal_parameters_are_equal_whatever_they_are_called(name: str, draw: DataObject) -> None:
    model = draw.draw(models(name))
    other = replace(model, name="another name")
    assert model == other
    assert hash(model) == hash(other)
    assert model.observers == other.observers
    assert other.name == "another name"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_a_frozen_value(name: str) -> None:
    model = MODELS[name]()
    with pytest.raises(FrozenInstanceError):
        model.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        MODELS[name](unknown=1)


def test_models_of_different_kinds_are_not_equal() -> None:
    assert len({cls() for cls in MODELS.values()}) == len(MODELS)
    assert len({Markov(), Markov(order=2), Markov(share="global"), Markov(collapse_repeats=True)}) == 4


@pytest.mark.parametrize("name", MODELS)
def test_crediting_leaves_the_model_as_it_was(name: str) -> None:
    model = MODELS[name]()
    before = repr(model), vars(model).copy()
    credit_of(model, journeys_of([Row(("a", "b"), 1.0, (1.0, 0.0, 2.0), (1.0, 0.0))], ("a", "b")))
    assert (repr(model), vars(model)) == before


@pytest.mark.parametrize("name", MODELS)
def test_credits_carry_the_name_the_model_was_given(name: str) -> None:
    batch = journeys_of([Row(("a",), 1.0, (1.0, 0.0, 2.0), (0.0,))], ("a",))
    assert credit_of(MODELS[name](name="mine"), batch).model == "mine"
    assert credit_of(MODELS[name](), batch).model == name


@pytest.mark.parametrize("name", [name for name, cls in MODELS.items() if issubclass(cls, TouchpointRule)])
def test_a_rule_is_its_own_rule(name: str) -> None:
    model = MODELS[name]()
    batch = journeys_of([Row(("a",), 1.0, (1.0, 1.0, 1.0), (0.0,))], ("a",))
    assert model.rule(*learned(model, batch)) is model


@pytest.mark.parametrize("cls", [*MODELS.values(), ChannelWeights])
def test_the_example_in_the_docstring_runs(cls: type[Model]) -> None:
    scope = {**vars(sys.modules[cls.__module__]), "np": np}
    (example,) = doctest.DocTestFinder(recurse=False).find(cls, cls.__name__, globs=scope)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


# Models from text.


@pytest.mark.parametrize("name", MODELS)
@given(draw=st.data())
def test_a_model_comes_back_from_text(name: str, draw: DataObject) -> None:
    model = draw.draw(models(name))
    values = {key: getattr(model, key) for key in parameters(type(model))}
    assume(() not in values.values())  # no text stands for no names
    texts = [f"{key}={'|'.join(v) if isinstance(v, tuple) else v}" for key, v in values.items()]
    assert parse_model(":".join([name, ",".join(texts)])) == model


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("linear", Linear()),
        ("linear:", Linear()),
        ("markov:order=2", Markov(order=2)),
        ("markov:collapse_repeats=TRUE,share=global", Markov(collapse_repeats=True, share="global")),
        ("position_based:first=1,last=0", PositionBased(first=1.0, last=0.0)),
        ("time_decay:half_life=1e-3", TimeDecay(half_life=0.001)),
        ("time_decay:half_life=inf", TimeDecay(half_life=float("inf"))),
        ("last_non_direct:direct=mail", LastNonDirect(direct=("mail",))),
        ("last_non_direct:direct=(direct)|a = b", LastNonDirect(direct=("(direct)", "a = b"))),
    ],
)
def test_a_text_stands_for_a_model(text: str, model: Model) -> None:
    assert parse_model(text) == model


def test_a_text_may_name_its_model() -> None:
    assert parse_model("markov:name=short,order=2").name == "short"
    assert parse_model("markov:order=2").name == "markov"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown model ''; known: first_touch, last_touch"),
        ("markow", "unknown model 'markow'; did you mean 'markov'?; known: "),
        ("Linear", "unknown model 'Linear'; did you mean 'linear'?"),
        (
            "markov:orders=2",
            "unknown parameter of markov 'orders'; did you mean 'order'?; known: order, share",
        ),
        ("markov:order", "unknown parameter of markov 'order'"),
        ("markov:=2", "unknown parameter of markov ''"),
        ("linear:half_life=7", "unknown parameter of linear 'half_life'; known: name"),
        ("markov:order=0", "parameter 'order': got '0', expected a whole number >= 1"),
        ("markov:order=1.5", "parameter 'order': got '1.5', expected a whole number >= 1"),
        ("markov:order=", "parameter 'order': got '', expected a whole number >= 1"),
        ("markov:share=all", "parameter 'share': got 'all', expected one of 'journey', 'global'"),
        ("markov:collapse_repeats=1", "parameter 'collapse_repeats': got '1', expected true or false"),
        ("time_decay:half_life=0", "parameter 'half_life': got '0', expected a number > 0"),
        ("time_decay:half_life=nan", "parameter 'half_life': got 'nan', expected a number > 0"),
        ("time_decay:half_life=7 days", "parameter 'half_life': got '7 days', expected a number > 0"),
        ("position_based:first=1.01", "parameter 'first': got '1.01', expected a number >= 0 and <= 1"),
        (
            "position_based:first=0.7,last=0.7",
            "parameter 'first + last': got '0.7 + 0.7 = 1.4', expected a sum",
        ),
    ],
)
def test_a_text_that_stands_for_no_model_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ParameterError) as refused:
        parse_model(text)
    assert str(refused.value).startswith(message)
    assert refused.value.exit_code == 2


# Names told apart.


def names(*given: Model) -> list[str]:
    """Return the names of models once they are told apart."""
    return [model.name for model in named_apart(given)]


def test_models_of_one_name_are_told_by_what_differs() -> None:
    assert names(Markov(), Linear(), Markov(order=2)) == ["markov_order_1", "linear", "markov_order_2"]
    assert names(TimeDecay(half_life=1), TimeDecay()) == [
        "time_decay_half_life_1",
        "time_decay_half_life_7.0",
    ]
    both = names(Markov(), Markov(order=2, share="global"))
    assert both == ["markov_order_1_share_journey", "markov_order_2_share_global"]
    assert names(Markov(name="a"), Markov(name="b")) == ["a", "b"]
    assert names(Linear()) == ["linear"]
    assert names() == []


def test_only_the_name_changes_when_models_are_told_apart() -> None:
    given = (Markov(order=2), Markov(order=3), Linear())
    assert named_apart(given) == list(given)


@pytest.mark.parametrize(
    "given",
    [
        (Linear(), Linear()),
        (Markov(), Linear(), Markov()),
        (Linear(name="x"), FirstTouch(name="x")),
        (Markov(), Markov(order=2), Markov(order=3, name="markov_order_2")),
    ],
)
def test_a_model_given_twice_is_refused(given: tuple[Model, ...]) -> None:
    with pytest.raises(ParameterError, match=r"model '.*' is given twice; leave one out, or give it name="):
        named_apart(given)


# The weights of each rule.


def test_first_and_last_touch_weigh_the_ends() -> None:
    assert weights_of(FirstTouch(), "a > b > a", "", "b") == [1, 0, 0, 1]
    assert weights_of(LastTouch(), "a > b > a", "", "b") == [0, 0, 1, 1]


def test_linear_weighs_all_alike() -> None:
    assert weights_of(Linear(), "a > b > a > a", "", "b") == [0.25, 0.25, 0.25, 0.25, 1]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0.4, 0.4, [1, 0.5, 0.5, 0.4, 0.2, 0.4]),
        (0.2, 0.6, [1, 0.25, 0.75, 0.2, 0.2, 0.6]),
        (0.0, 0.5, [1, 0, 1, 0, 0.5, 0.5]),
        (1.0, 0.0, [1, 1, 0, 1, 0, 0]),
        (0.0, 1.0, [1, 0, 1, 0, 0, 1]),
        (0.5, 0.5, [1, 0.5, 0.5, 0.5, 0, 0.5]),
        (1e-300, 0.0, [1, 1, 0, 0, 1, 0]),
        (1, 0, [1, 1, 0, 1, 0, 0]),
    ],
)
def test_position_based_has_no_special_case_for_one_and_two(
    first: float, last: float, expected: list[float]
) -> None:
    weights = weights_of(PositionBased(first=first, last=last), "a", "a > b", "", "a > b > a")
    assert weights == pytest.approx(expected, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(("first", "last"), [(0.0, 0.0), (0.6, 0.5), (1.0, 1e-9), (1, 1)])
def test_shares_by_position_that_do_not_leave_a_whole_are_refused(first: float, last: float) -> None:
    with pytest.raises(
        ParameterError, match=r"parameter 'first \+ last': got .* = .*, expected a sum > 0 and <= 1"
    ):
        PositionBased(first=first, last=last)


@given(first=st.floats(0, 1))
def test_shares_by_position_may_sum_to_1_whatever_the_rounding(first: float) -> None:
    for last in (1 - first, 1.0 - first):
        weights = weights_of(PositionBased(first=first, last=last), "a > b > a > b")
        assert sum(weights) == pytest.approx(1, abs=1e-15)
        assert weights[1] == weights[2] == pytest.approx(0, abs=1e-15)


def test_last_non_direct_passes_over_direct_whatever_its_case() -> None:
    rule = LastNonDirect()
    assert weights_of(rule, "a > DIRECT > (Direct)", "(direct) / (NONE) > b") == [1, 0, 0, 0, 1]
    assert weights_of(rule, "direct > Direct", "", "direct") == [0, 1, 1]
    assert weights_of(rule, "a > directly", "a > b > direct") == [0, 1, 0, 1, 0]


def test_last_non_direct_passes_over_the_channels_it_is_given() -> None:
    assert weights_of(LastNonDirect(direct=("Email",)), "direct > email > EMAIL") == [1, 0, 0]
    assert weights_of(LastNonDirect(direct=()), "a > direct") == [0, 1]


def test_decay_halves_with_every_half_life() -> None:
    weights = weights_of(TimeDecay(half_life=2), "a > b > a", "", "b", ages=[[6, 4, 2], [], [900]])
    assert weights == pytest.approx([1 / 7, 2 / 7, 4 / 7, 1], rel=1e-15)


def test_decay_neither_underflows_nor_overflows() -> None:
    assert weights_of(TimeDecay(half_life=1e-3), "a > b", ages=[[36_500.0, 36_500.0]]) == [0.5, 0.5]
    assert weights_of(TimeDecay(half_life=5e-324), "a > b", ages=[[1e300, 1e299]]) == [0, 1]
    assert weights_of(TimeDecay(half_life=1.7e308), "a > b", ages=[[1e280, 0]]) == [0.5, 0.5]


def test_shapley_shares_a_channel_over_its_touchpoints() -> None:
    weights = weights_of(Shapley(), "a > a > b > a", "", "b > b", "a > b > c")
    assert weights == pytest.approx(
        [1 / 6, 1 / 6, 1 / 2, 1 / 6, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], rel=1e-15
    )


def test_channel_weights_share_in_proportion_and_equally_where_all_are_0() -> None:
    rule = ChannelWeights(by_channel=np.array([3.0, 1.0, 0.0, 0.0]))
    assert weights_of(rule, "a > b", "a > a > b > c", "c > d > d", "") == [
        *(0.75, 0.25),
        *(0.375, 0.375, 0.25, 0.0),
        *(0.5, 0.25, 0.25),
    ]


def test_an_age_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="these journeys have no ages"):
        weights_of(TimeDecay(), "a > b")
    assert [name for name, cls in MODELS.items() if cls.needs_ages] == ["time_decay"]


@pytest.mark.parametrize("name", [name for name, cls in MODELS.items() if issubclass(cls, TouchpointRule)])
@given(draw=st.data(), batch=journeys())
def test_weights_are_shares_of_each_journey(name: str, draw: DataObject, batch: Journeys) -> None:
    weights = draw.draw(models(name)).weights(batch)
    assert weights.shape == (batch.touchpoints,)
    assert ((weights >= 0) & (weights <= 1)).all()
    for row, start in zip(rows_of(batch), batch.offsets.tolist(), strict=False):
        if row.path:
            assert sum(weights[start : start + len(row.path)]) == pytest.approx(1, abs=1e-14)
