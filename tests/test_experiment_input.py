"""Bad experiments: rows set aside are counted, tables that cannot be are refused, and doubts are told."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from test_experiments import counted, counts, world

import attribution as at
from attribution.errors import ParameterError, TableError

# Rows set aside.


def test_rows_that_cannot_be_compared_are_set_aside_and_counted() -> None:
    rows = [
        ("1", "a", 1.0), ("2", "a", 0.0), ("3", "b", 0.0), ("4", "b", 1.0),
        ("5", None, 1.0), ("6", " ", 0.0), ("7", "a", None), ("8", "b", math.nan), ("9", "b", math.inf),
        ("10", "a", 1.0), ("10", "b", 1.0), ("11", "a", None), ("11", "b", 1.0), (None, "a", 1.0),
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=["user", "variant", "conversion"], orient="row")
    made = at.experiment(table, control="a", customer="user", planned=2)
    aside = {"not_finite": 2, "null_number": 2, "null_user": 1, "null_variant": 2, "several_variants": 3}
    assert (made.rows.read, made.rows.used, made.rows.set_aside, made.rows.lost) == (14, 4, aside, 0)
    assert made.table().select("users", "users_control", "value").row(0) == (2, 2, 0.5)
    warning, few = made.warnings
    assert few.startswith("conversion of b: the p-value is rough")
    assert warning.startswith("10 of 14 rows set aside (2 not_finite, 2 null_number, 1 null_user, ")
    assert warning.endswith("variants compare only if they are missing alike in each")
    # without the name of the customer nobody can tell who was shown both
    made = at.experiment(table, control="a")
    assert made.rows.set_aside == {"not_finite": 2, "null_number": 2, "null_variant": 2}


def test_counts_that_cannot_be_are_set_aside_and_counted() -> None:
    bad = [("a", 10, 11), ("b", -1, 0), ("b", 10, -2), ("a", 2.5, 1), ("b", 10, 0.5)]
    bad += [("b", None, 1), (None, 5, 1)]
    good = [("a", 100, 7), ("b", 50, 7), ("b", 50, 8), ("b", 0, 0)]
    schema = ["variant", "users", "conversions"]
    table = pl.DataFrame([*bad, *good], schema=schema, orient="row", strict=False)
    made = counted(table)
    assert made.rows.set_aside == {
        **{"conversions_above_users": 1, "fractional_count": 2, "negative_count": 2},
        **{"null_number": 1, "null_variant": 1},
    }
    assert made.rows.used == 4
    row = made.table().select("users", "value", "users_control", "value_control").row(0)
    assert row == (100, 0.15, 100, 0.07)


# Tables and parameters that cannot be.


@pytest.mark.parametrize(
    ("table", "given", "said"),
    [
        (counts(users=[1000, 0], conversions=[20, 0]), {}, "no user of 'b'; found 'a', 'b'"),
        (counts(users=[0, 9], conversions=[0, 1]), {}, "no user of 'a'; found 'a', 'b'"),
        (counts(users=[10, 10]), {}, "no user of 'a', 'b'; found 'a', 'b'"),
        (counts(users=[10, 10]), {}, "(rows set aside: 2 conversions_above_users)"),
        (counts(variant=["a", "a"]), {}, "column 'variant': only the variant 'a'"),
        (counts(variant=[None, ""]), {}, "column 'variant': no variant"),
        (world(users=1001).drop("variant"), {"variant": "user", "metrics": ["spend"]}, "1,001 variants"),
        (counts().head(0), {}, "column 'variant': no variant"),
        (
            counts(),
            {"metrics": ["conversion"]},
            "no column 'conversion'; found 'variant', 'users', ",
        ),
        (counts(), {"metrics": ["sales"]}, "what to do: map it: metrics=... (--metric ...)"),
        (counts(), {"variant": "varaint"}, "map it: variant=... (--variant ...); did you mean 'variant'?"),
        (
            world(),
            {"customer": "usr", "metrics": ["spend"]},
            "customer=... (--customer ...); did you mean",
        ),
        (world(), {"customer": "variant", "metrics": ["spend"]}, "is mapped to variant and customer_id"),
        (counts(conversions=[[1], [2]]), {}, "type List(Int64)"),
        ("nowhere.csv", {}, "no such file"),
        (7, {}, "got int"),
    ],
)
def test_a_table_that_cannot_be_compared_is_refused(table: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(TableError) as caught:
        at.experiment(table, **({"control": "a", "metrics": ["conversions"]} | given))
    assert said in str(caught.value)
    assert "what to do: " in str(caught.value)


def test_a_customer_with_several_rows_in_a_variant_is_no_row_a_customer() -> None:
    users = [*range(10), *range(7), 0, None, None]
    table = pl.DataFrame({"id": users, "variant": ["a"] * 5 + ["b"] * 5 + ["a"] * 5 + ["b"] * 2 + ["a"] * 3})
    with pytest.raises(TableError) as caught:
        at.experiment(table.with_columns(conversion=1), control="a", customer="id")
    text = str(caught.value)
    assert "column 'id': 7 customers have several rows in one variant (15 rows)" in text
    assert "for example: '0'; '1'; '2'; '3'; '4'\n" in text
    assert "what to do: add up the rows of a customer first (group by customer and variant, and sum)" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"control": "A"}, "unknown variant in 'control' 'A'; did you mean 'a'?; known: a, b"),
        ({"control": 0}, "unknown variant in 'control' '0'; known: a, b"),
        ({"planned_shares": {"a": 1, "b": 1, "c": 1}}, "unknown variant in 'planned_shares' 'c'"),
        ({"planned_shares": {"a": 1}}, "'planned_shares': got {'a': 1}, expected a share of 'b' too"),
        ({"planned_shares": {"a": 1, "b": 0}}, "\"planned_shares['b']\": got 0, expected a number > 0"),
        ({"planned_shares": {"a": 1, "b": math.nan}}, "got nan, expected a number > 0"),
        ({"planned_shares": {"a": 1, "b": "half"}}, "got 'half', expected a number > 0"),
        ({"planned_shares": {"a": 1, "b": 1e308}}, "got 1e+308, expected a number > 0 and <= 1e+09"),
        ({"planned_shares": [50, 50]}, "'planned_shares': got [50, 50], expected shares by the names"),
        ({"variant": 3}, "'variant': got 3, expected the name of a column"),
        ({"customer": 3}, "'customer': got 3, expected the name of a column"),
        ({"metrics": [3]}, "'metrics': got [3], expected a list"),
        ({"metrics": None}, "'metrics': got None, expected a list"),
        ({"planned": 0}, "'planned': got 0, expected a whole number >= 1"),
        ({"planned": 10.5}, "'planned': got 10.5, expected a whole number >= 1"),
        ({"confidence": 95}, "'confidence': got 95, expected a number > 0 and < 1"),
        ({"confidence": math.nan}, "'confidence': got nan"),
        ({"correction": "bonferroni"}, "'correction': got 'bonferroni', expected one of 'holm', 'none'"),
        ({"metrics": "conversions"}, "'metrics': got 'conversions', expected a list of numeric columns"),
        ({"metrics": []}, "'metrics': got [], expected"),
        ({"metrics": ["conversions", "conversions"]}, "each once"),
        ({"metrics": ["users"]}, "none of them variant, users, customer_id"),
        (
            {"customer": "conversions"},
            "'customer': got 'conversions', expected none: in a table with a",
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        at.experiment(counts(), **({"control": "a", "metrics": ["conversions"]} | given))
    assert said in str(caught.value)


# Doubts.


def test_a_split_that_was_not_planned_is_told() -> None:
    # 600 and 400 where 500 each was planned: chi² = 2 x 100² / 500 = 40 with one degree: p = 2.5e-10
    uneven = counts(users=[600, 400])
    (warning,) = counted(uneven, planned_shares={"a": 50, "b": 50}).warnings
    assert warning == (
        "users split 60/40 (a, b) where 50/50 was planned (p = 2.5e-10): "
        "look for a fault in the assignment before reading the result"
    )
    (hint,) = counted(uneven).warnings
    assert hint.startswith(
        "users split 60/40 (a, b) and not equally (p = 2.5e-10): if equal shares were planned "
    )
    assert hint.endswith("else name them: planned_shares=... (--planned-shares ...)")
    assert counted(uneven, planned_shares={"b": 0.4, "a": 0.6}).warnings == ()
    (warning,) = counted(counts(users=[10**7, 9 * 10**6])).warnings
    assert "(p < 1e-300)" in warning
    # 535 and 465: chi² = 4.9, which chance does in one of 37
    assert counted(counts(users=[535, 465])).warnings == ()


def test_a_result_that_is_read_before_its_time_is_told() -> None:
    (warning,) = counted(counts(), planned=2500).warnings
    assert warning == (
        "read at 40 % of the planned users (2,000 of 5,000): intervals and p-values hold at the planned size "
        "only; each look before it raises the share of false alarms"
    )
    (warning,) = counted(counts(), planned=1001).warnings
    assert "read at 99 % of the planned users (2,000 of 2,002)" in warning
    assert counted(counts(), planned=1000).warnings == ()
    (warning,) = counted(counts(), planned=None).warnings
    assert (
        "hold for a number of users that was fixed before the experiment: plan it with sample_size" in warning
    )
    # of 900 and 100 the smaller one was planned to have 100, so 1,000 in all
    shares = {"planned_shares": {"a": 9, "b": 1}}
    assert counted(counts(users=[900, 100]), planned=100, **shares).warnings == ()
    assert "(1,000 of 2,000)" in counted(counts(users=[900, 100]), planned=200, **shares).warnings[0]


def test_a_p_value_of_few_conversions_is_told() -> None:
    (warning,) = counted(counts(conversions=[1, 3])).warnings
    assert warning == "conversions of b: the p-value is rough with so few conversions, read the interval"
