"""Channels: names are made equal where they are, and those that only look alike are reported."""

from __future__ import annotations

import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import TableError
from attribution.channels import (
    MOST,
    local_codes,
    near_duplicates,
    normalised,
    renamed,
    skeleton,
    skeletons,
    vocabulary,
)

NAMES = st.text(max_size=8) | st.sampled_from(
    ["Paid Search", "paid-search", "e\u0301", "\u00e9", " ads", "ads\u00a0"]
)


@given(name=NAMES)
def test_a_normalised_name_is_trimmed_composed_and_stays_as_it_is(name: str) -> None:
    clean = normalised(name)
    assert clean == clean.strip()
    assert unicodedata.is_normalized("NFC", clean)
    assert normalised(clean) == clean
    assert normalised(f" \u00a0{unicodedata.normalize('NFD', name)}\u2003 ") == clean


def test_case_and_inner_spaces_of_a_name_are_kept() -> None:
    assert normalised(" Paid  Search ") == "Paid  Search"
    assert normalised("zero\u200bwidth") == "zero\u200bwidth"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Email", "email"),
        ("Paid Search", "paid  search"),
        ("Paid Search", "PaidSearch"),
        ("Paid-Search", "paid_search"),
        ("Email", "Em\u200bail"),  # zero-width space
        ("Email", "Email\ufeff"),
        ("Email", "\u0415mail"),  # Cyrillic Ie
        ("Email", "Em\u0430il"),  # Cyrillic a
        ("Display", "Displ\u03b1y"),  # Greek alpha
        ("Caf\u00e9", "Cafe"),
        ("\uff21ds", "Ads"),  # full width
        ("Stra\u00dfe", "STRASSE"),
    ],
)
def test_names_that_look_alike_are_found(left: str, right: str) -> None:
    assert near_duplicates([right, "Search", left]) == [tuple(sorted([left, right]))]


@pytest.mark.parametrize(
    ("left", "right"),
    [("Email", "Emails"), ("A", "B"), ("google / cpc", "google / organic"), ("!", "?"), ("", "a")],
)
def test_names_that_differ_are_not(left: str, right: str) -> None:
    assert near_duplicates([left, right]) == []


def test_groups_of_names_that_look_alike_are_in_order_of_name() -> None:
    names = ["b", "a", "B", "A ", "c", "A"]
    assert near_duplicates(names) == near_duplicates(reversed(names)) == [("A", "A ", "a"), ("B", "b")]


@given(names=st.lists(NAMES | st.text(max_size=6), max_size=12))
def test_the_skeletons_of_all_are_those_of_each(names: list[str]) -> None:
    assert skeletons(pl.Series(names, dtype=pl.String)).to_list() == [skeleton(name) for name in names]


@given(names=st.lists(NAMES, max_size=12))
def test_the_vocabulary_is_sorted_by_name_and_codes_lead_back_to_names(names: list[str]) -> None:
    raw = pl.Series(names, dtype=pl.String)
    channels, clean, warnings = vocabulary(raw, "touchpoints")
    assert list(channels) == sorted({normalised(name) for name in names})
    assert [clean[name] for name in names] == [normalised(name) for name in names]
    for column in (raw, raw.cast(pl.Categorical)):
        codes, here = local_codes(column, "touchpoints")
        assert here == channels
        assert codes.dtype == np.uint16
        assert [channels[code] for code in codes] == [normalised(name) for name in names]
    assert len(warnings) == len(near_duplicates(channels))


def test_spellings_of_one_name_are_one_channel_without_a_warning() -> None:
    channels, _, warnings = vocabulary(pl.Series(["e\u0301", "\u00e9", " \u00e9"]), "touchpoints")
    assert channels == ("\u00e9",)
    assert warnings == ()


def test_names_that_look_alike_are_kept_apart_and_told_with_their_table() -> None:
    channels, _, (warning,) = vocabulary(pl.Series(["Email", "email", "tv"]), "touchpoints (x.csv)")
    assert channels == ("Email", "email", "tv")
    assert warning == "touchpoints (x.csv): channels look alike and are kept apart: 'Email', 'email'"


def test_nulls_are_no_names() -> None:
    assert vocabulary(pl.Series([None, "a"]), "t")[0] == ("a",)
    assert vocabulary(pl.Series([], dtype=pl.String), "t")[0] == ()


def test_there_are_as_many_channels_as_codes_and_no_more() -> None:
    names = pl.Series([f"c{number}" for number in range(MOST + 1)])
    assert MOST == 65_535
    assert len(vocabulary(names[:MOST], "touchpoints")[0]) == MOST
    assert local_codes(names[:MOST], "touchpoints")[0].max() == MOST - 1
    for read in (vocabulary, local_codes):
        with pytest.raises(TableError, match="65,536 channels") as error:
            read(names, "touchpoints (big.csv)")
        (fault,) = error.value.faults
        assert (fault.where, fault.column, fault.count) == ("touchpoints (big.csv)", "channel", MOST + 1)


def test_more_rows_than_codes_are_fine() -> None:
    names = pl.Series(["a", "b"] * 50_000)
    assert local_codes(names, "touchpoints")[0].tolist() == [0, 1] * 50_000


def test_lists_of_names_are_renamed_inside() -> None:
    lists = pl.Series([["a ", "b"], [], ["e\u0301", "a"]])
    clean = vocabulary(lists.explode(empty_as_null=False), "t")[1]
    assert renamed(lists, clean).to_list() == [["a", "b"], [], ["\u00e9", "a"]]
    assert renamed(lists, {"a": "a"}) is lists


@pytest.mark.parametrize(
    "name", ["(unattributed)", "(total)", "a > b", "a,b", '"', "=1+1", "🦊", "א", "x" * 10_000, "null"]
)
def test_any_name_is_unchanged(name: str) -> None:
    assert vocabulary(pl.Series([name]), "t")[0] == (name,)
    assert isinstance(skeleton(name), str)
