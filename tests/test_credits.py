"""Credits: totals, order, the credits table, and several models side by side."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from attribution.channels import UNATTRIBUTED
from attribution.credits import Credits, Result
from attribution.errors import ParameterError

THREE = Credits(
    "linear",
    ("ads", "mail", "shop"),
    ("leads", "revenue"),
    np.array([[1.0, 50.0], [4.0, -8.0], [1.0, 0.0]]),
    np.array([2.0, 7.0]),
)


def test_totals_hold_what_is_credited_and_what_is_not() -> None:
    assert THREE.totals.tolist() == [8, 49]


def test_channels_are_ordered_by_the_first_outcome_then_by_name() -> None:
    assert THREE.order() == [1, 0, 2]
    assert replace(THREE, channels=("z", "b", "a")).order() == [1, 2, 0]


@given(values=st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0]), max_size=8))
def test_the_order_is_descending_and_complete(values: list[float]) -> None:
    names = tuple(f"c{9 - i}" for i in range(len(values)))
    credits = Credits("m", names, ("leads",), np.array(values).reshape(-1, 1), np.zeros(1))
    order = credits.order()
    assert sorted(order) == list(range(len(values)))
    assert [(-values[c], names[c]) for c in order] == sorted((-values[c], names[c]) for c in order)


def test_the_table_has_a_row_a_channel_and_the_unattributed_last() -> None:
    expected = pl.DataFrame(
        {
            "model": ["linear"] * 4,
            "channel": ["mail", "ads", "shop", UNATTRIBUTED],
            "leads": [4.0, 1.0, 1.0, 2.0],
            "revenue": [-8.0, 50.0, 0.0, 7.0],
            "credited_by": ["journey"] * 4,
        }
    )
    assert_frame_equal(THREE.table(), expected, check_exact=True)
    assert replace(THREE, by_journey=False).table()["credited_by"].unique().to_list() == ["total"]


def test_a_channel_named_as_a_row_of_ours_is_quoted() -> None:
    named = replace(THREE, channels=(UNATTRIBUTED, "(total)", "ads"))
    assert named.table()["channel"].to_list() == ['"(total)"', '"(unattributed)"', "ads", UNATTRIBUTED]
    assert named.channels == (UNATTRIBUTED, "(total)", "ads")


def test_the_table_of_no_channel_holds_the_unattributed() -> None:
    none = Credits("m", (), ("leads",), np.zeros((0, 1)), np.array([3.0]))
    assert none.table().rows() == [("m", UNATTRIBUTED, 3.0, "journey")]
    assert none.totals.tolist() == [3]


def test_credits_are_frozen() -> None:
    for array in (THREE.values, THREE.unattributed):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(FrozenInstanceError):
        THREE.model = "other"  # type: ignore[misc]


RESULT = Result({"linear": THREE, "last": replace(THREE, model="last", warnings=("a", "b"))}, report="counts")


def test_a_result_is_a_mapping_of_credits_by_model() -> None:
    assert list(RESULT) == ["linear", "last"]
    assert len(RESULT) == 2
    assert RESULT["linear"] is THREE
    assert dict(RESULT.items()) == dict(RESULT.credits)
    assert RESULT.report == "counts"


def test_a_model_that_is_not_there_is_named_with_the_closest() -> None:
    with pytest.raises(
        ParameterError, match=r"unknown model 'linaer'; did you mean 'linear'[?]; known: linear, last"
    ):
        RESULT["linaer"]


def test_a_result_can_be_asked_whether_it_holds_a_model() -> None:
    assert "linear" in RESULT
    assert "markov" not in RESULT
    assert RESULT.get("markov") is None


def test_the_table_of_a_result_is_those_of_its_models_one_below_the_other() -> None:
    assert_frame_equal(RESULT.table(), pl.concat([RESULT["linear"].table(), RESULT["last"].table()]))


def test_the_warnings_of_a_result_are_told_once() -> None:
    more = {"x": replace(THREE, warnings=("b", "c")), **RESULT.credits}
    assert Result(more).warnings == ("b", "c", "a")
    assert Result({"linear": THREE}).warnings == ()
