"""Errors say what was got, what was expected and what to do, in lines that no value can break or flood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import attribution.errors as errors
from attribution.errors import (
    CUT,
    EXAMPLES,
    AttributionError,
    ConvergenceError,
    Fault,
    GateError,
    MissingExtraError,
    OutputError,
    OutputExistsError,
    ParameterError,
    StatisticsError,
    TableError,
    VocabularyError,
    closest,
    option,
    shown,
)

FAULT = Fault(
    where="spend (spend.csv)",
    got="numbers overflow",
    expected="values below 10",
    remedy="check the unit",
    column="spend",
    count=12_345,
    examples=tuple(f"{n}e99" for n in range(8)),
)


@given(st.text() | st.binary() | st.floats() | st.lists(st.text()) | st.none())
def test_a_shown_value_is_one_printable_line_of_at_most_80_characters(value: object) -> None:
    line = shown(value)
    assert len(line) <= CUT == 80
    assert line.isprintable()
    assert line.splitlines() == [line]


def test_a_short_value_is_shown_whole_and_a_long_one_by_its_beginning() -> None:
    assert shown("ads") == "'ads'"
    assert shown(7) == "7"
    assert shown("a" * 78) == f"'{'a' * 78}'"
    assert shown("a" * 79) == f"'{'a' * 77}…'"


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\x00", "\x1b[31m", "\x9b", "\u2028", "\u202e", "\u200b"])
def test_what_could_steer_a_terminal_is_shown_as_an_escape(sign: str) -> None:
    line = shown(f"ads{sign}mail")
    assert sign not in line
    assert line.startswith("'ads\\")
    assert line.endswith("mail'")


def test_a_fault_says_where_what_how_often_for_example_and_what_to_do() -> None:
    assert str(FAULT).splitlines() == [
        "spend (spend.csv), column 'spend': numbers overflow (12,345 rows)",
        "  expected: values below 10",
        "  for example: 0e99; 1e99; 2e99; 3e99; 4e99",
        "  what to do: check the unit",
    ]
    assert EXAMPLES == 5


def test_a_fault_is_silent_about_what_does_not_apply() -> None:
    fault = Fault("paths (DataFrame)", "no rows", "rows", "check the export")
    assert str(fault).splitlines() == [
        "paths (DataFrame): no rows",
        "  expected: rows",
        "  what to do: check the export",
    ]


def test_a_fault_of_no_rows_says_so() -> None:
    assert "(0 rows)" in str(Fault("a", "b", "c", "d", count=0))


def test_a_table_error_carries_and_tells_every_fault_in_order() -> None:
    other = Fault("spend (spend.csv)", "two headers", "one", "rename")
    error = TableError([FAULT, other])
    assert error.faults == (FAULT, other)
    assert str(error) == f"{FAULT}\n{other}"
    assert TableError.of("a", "b", "c", "d", column="e", count=2).faults == (
        Fault("a", "b", "c", "d", column="e", count=2),
    )


def test_each_error_has_its_exit_code() -> None:
    codes = {
        AttributionError: 1,
        ParameterError: 2,
        TableError: 3,
        VocabularyError: 3,
        StatisticsError: 3,
        GateError: 4,
        ConvergenceError: 5,
        OutputExistsError: 6,
        OutputError: 7,
        MissingExtraError: 7,
    }
    declared = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}
    assert declared == set(codes)
    assert {cls: cls.exit_code for cls in codes} == codes
    assert all(issubclass(cls, AttributionError) for cls in codes)


def test_a_parameter_error_names_the_parameter_the_value_and_the_range() -> None:
    error = ParameterError.out_of_range("half_life", "7\x1b[31m", "a number > 0")
    assert str(error) == "parameter 'half_life': got '7\\x1b[31m', expected a number > 0"


def test_an_unknown_name_is_told_with_the_closest_and_all_known_ones() -> None:
    text = str(ParameterError.unknown("model", "makov", ["linear", "markov"]))
    assert text == "unknown model 'makov'; did you mean 'markov'?; known: linear, markov"
    assert "did you mean" not in str(ParameterError.unknown("model", "zzz", ["linear", "markov"]))


def test_different_vocabularies_are_told_by_what_only_one_of_them_has() -> None:
    assert "channels differ in 'b', 'c'" in str(VocabularyError.differ("channels", ["a", "b"], ["a", "c"]))
    assert "channels differ in their order" in str(VocabularyError.differ("channels", ["a", "b"], ["b", "a"]))


def test_a_chain_that_does_not_converge_says_by_how_much_and_what_to_do() -> None:
    text = str(ConvergenceError.after(20_000, 1e-3, 1e-15))
    assert "1.0e-03 after 20,000 sweeps" in text
    assert "lower order" in text


@pytest.mark.parametrize(
    ("name", "names", "hint"),
    [
        ("chanel", ["spend", "channel"], "; did you mean 'channel'?"),
        ("Channel", ["spend", "channel"], "; did you mean 'channel'?"),
        ("channel", ["SPEND", "CHANNEL"], "; did you mean 'CHANNEL'?"),
        ("channel", ["Date", "Channel"], "; did you mean 'Channel'?"),
        ("channel", ["when", "who"], ""),
        ("channel", [], ""),
    ],
)
def test_the_closest_name_is_found_whatever_its_case(name: str, names: list[str], hint: str) -> None:
    assert closest(name, names) == hint


def test_a_hint_at_a_long_name_is_cut() -> None:
    hint = closest("a" * 9_999, ["a" * 10_000])
    assert hint
    assert len(hint) < 2 * CUT


def test_an_option_is_told_in_python_and_on_the_command_line() -> None:
    assert option("time_unit", "ms") == "time_unit='ms' (--time-unit 'ms')"
