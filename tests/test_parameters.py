"""Parameters: what each kind accepts, the words for it, values from text, and what is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from strategies import invalid, valid

from attribution.errors import ParameterError
from attribution.parameters import Parameter, check, param, parameters

KINDS = {
    "a number": Parameter(1.0, "", float),
    "a number > 0": Parameter(7.0, "", float, above=0),
    "a number >= 0 and <= 1": Parameter(0.4, "", float, low=0, high=1),
    "a number > 0.5 and <= 2 or nothing": Parameter(None, "", float, above=0.5, high=2, optional=True),
    "a whole number": Parameter(1, "", int),
    "a whole number >= 1": Parameter(1, "", int, low=1),
    "a whole number >= -3 and <= 1000": Parameter(1, "", int, low=-3, high=1000),
    "true or false": Parameter(False, "", bool),
    "names": Parameter(("direct",), "", tuple),
    "names or nothing": Parameter(None, "", tuple, optional=True),
    "text": Parameter(",", "", str),
    "text or nothing": Parameter(None, "", str, optional=True),
    "one of 'journey', 'global'": Parameter("journey", "", str, choices=("journey", "global")),
    "one of 's', 'ms' or nothing": Parameter(None, "", str, choices=("s", "ms"), optional=True),
}
REFUSED = [
    pytest.param(parameter, value, id=f"{words}: {value!r}")
    for words, parameter in KINDS.items()
    for value in invalid(parameter)
]


@pytest.mark.parametrize("words", KINDS)
def test_what_is_allowed_is_said_in_words(words: str) -> None:
    assert KINDS[words].allowed == words.removesuffix(" or nothing")


@pytest.mark.parametrize("words", KINDS)
def test_the_default_is_allowed(words: str) -> None:
    assert KINDS[words].accepts(KINDS[words].default)


@pytest.mark.parametrize("words", KINDS)
@given(draw=st.data())
def test_a_value_inside_the_bounds_is_accepted(words: str, draw: DataObject) -> None:
    assert KINDS[words].accepts(draw.draw(valid(KINDS[words])))


@pytest.mark.parametrize(("parameter", "value"), REFUSED)
def test_a_value_outside_the_bounds_is_not_accepted(parameter: Parameter, value: object) -> None:
    assert not parameter.accepts(value)


@pytest.mark.parametrize("words", KINDS)
def test_nothing_is_accepted_only_where_it_is_optional(words: str) -> None:
    assert KINDS[words].accepts(None) == words.endswith("or nothing")


@pytest.mark.parametrize("kind", [float, int])
def test_numbers_are_neither_nan_nor_true(kind: type) -> None:
    parameter = Parameter(1, "", kind)
    for value in (math.nan, -math.nan, np.nan, True, False):
        assert not parameter.accepts(value)


def test_infinity_is_a_number_where_no_bound_forbids_it() -> None:
    assert KINDS["a number > 0"].accepts(math.inf)
    assert not KINDS["a number > 0"].accepts(-math.inf)
    assert not KINDS["a number >= 0 and <= 1"].accepts(math.inf)
    assert not KINDS["a whole number >= 1"].accepts(math.inf)


def test_a_whole_number_is_a_number_and_not_the_other_way() -> None:
    assert KINDS["a number > 0"].accepts(7)
    assert KINDS["a number > 0"].accepts(np.float64(7))
    assert not KINDS["a whole number >= 1"].accepts(2.0)


# No float holds it; that is no reason for another error than that of any other value.
@pytest.mark.parametrize("words", ["a number >= 0 and <= 1", "a whole number >= -3 and <= 1000"])
@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["huge", "hugely negative"])
def test_a_huge_whole_number_is_outside_bounds_like_any_other(words: str, value: int) -> None:
    assert not KINDS[words].accepts(value)


# From text.


@pytest.mark.parametrize(
    ("words", "text", "value"),
    [
        ("a number > 0", "7", 7.0),
        ("a number > 0", "1e-3", 0.001),
        ("a number > 0", "inf", math.inf),
        ("a number > 0", " 2.5 ", 2.5),
        ("a whole number >= 1", "3", 3),
        ("true or false", "true", True),
        ("true or false", "FALSE", False),
        ("true or false", "True", True),
        ("names", "a", ("a",)),
        ("names", "a|b = c| d", ("a", "b = c", " d")),
        ("text", ";", ";"),
        ("one of 'journey', 'global'", "global", "global"),
        ("text or nothing", "UTC", "UTC"),
    ],
)
def test_a_text_becomes_the_value(words: str, text: str, value: object) -> None:
    parsed = KINDS[words].parse("p", text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("a number > 0", "0"),
        ("a number > 0", "-0.0"),
        ("a number > 0", "nan"),
        ("a number > 0", "seven"),
        ("a number > 0", ""),
        ("a number > 0", "1,5"),
        ("a number >= 0 and <= 1", "1e400"),
        ("a whole number >= 1", "1.0"),
        ("a whole number >= 1", "0"),
        ("a whole number >= 1", "1e3"),
        ("true or false", "yes"),
        ("true or false", "1"),
        ("true or false", ""),
        ("text", ""),
        ("one of 'journey', 'global'", "Journey"),
        ("one of 'journey', 'global'", ""),
    ],
)
def test_a_text_that_is_no_such_value_is_refused_by_name(words: str, text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        KINDS[words].parse("some_name", text)
    assert str(refused.value) == f"parameter 'some_name': got {text!r}, expected {words}"


@pytest.mark.parametrize("words", ["a number", "a number > 0", "a whole number", "true or false"])
@given(draw=st.data())
def test_a_value_comes_back_from_its_text(words: str, draw: DataObject) -> None:
    value = draw.draw(valid(KINDS[words]))
    assert KINDS[words].parse("p", str(value)) == value


# Declared once.


@dataclass(frozen=True)
class Settings:
    """A dataclass with parameters and another field."""

    order: int = param(1, "how many", low=1)
    label: str = "not declared"
    share: str = param("journey", "what", choices=("journey", "global"))
    zone: str | None = param(None, "where", kind=str, optional=True)

    def __post_init__(self) -> None:
        check(self)


def test_declared_parameters_are_read_in_order() -> None:
    declared = parameters(Settings)
    assert list(declared) == ["order", "share", "zone"]
    assert declared["order"] == Parameter(1, "how many", int, low=1)
    assert declared["share"].kind is str
    assert Settings() == Settings(1, "not declared", "journey", None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"order": 0}, "parameter 'order': got 0, expected a whole number >= 1"),
        ({"order": None}, "parameter 'order': got None, expected a whole number >= 1"),
        ({"order": math.nan}, "parameter 'order': got nan, expected a whole number >= 1"),
        ({"order": math.inf}, "parameter 'order': got inf, expected a whole number >= 1"),
        ({"order": True}, "parameter 'order': got True, expected a whole number >= 1"),
        ({"share": "both"}, "parameter 'share': got 'both', expected one of 'journey', 'global'"),
        ({"share": None}, "parameter 'share': got None, expected one of 'journey', 'global'"),
        ({"share": ["journey"]}, "parameter 'share': got ['journey'], expected one of 'journey', 'global'"),
        ({"zone": ""}, "parameter 'zone': got '', expected text"),
    ],
)
def test_a_value_is_checked_when_it_is_made(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as refused:
        Settings(**values)
    assert str(refused.value) == message


def test_the_first_parameter_that_is_wrong_is_named() -> None:
    with pytest.raises(ParameterError, match="parameter 'order'"):
        Settings(order=0, share="both")


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ParameterError) as refused:
        Settings(share="x" * 10_000)
    assert len(str(refused.value)) < 200
