"""Bad experiments: rows set aside are counted, tables that cannot be are refused, and doubts are told."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats
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
    aside = {"null_user": 1, "null_variant": 2, "several_variants": 4}
    assert (made.rows.read, made.rows.used, made.rows.set_aside, made.rows.lost) == (14, 7, aside, 0)
    assert made.table().select("users", "users_control", "value").row(0) == (2, 2, 0.5)
    warning, missing, few = made.warnings
    assert few.startswith("conversion of b: the p-value is rough")
    assert warning == (
        "7 of 14 rows set aside (1 null_user, 2 null_variant, 4 several_variants): "
        "without them variants compare only if they are missing alike in each"
    )
    assert missing == (
        "conversion: 3 of 7 users left out (rows: 2 not_finite, 1 null_number), 33.3 % of a, 50 % of b: "
        "variants compare only if they are missing alike in each; "
        "null is not 0: fill it with 0 if nobody bought"
    )
    # without the name of the customer nobody can tell who was shown both
    assert at.experiment(table, control="a").rows.set_aside == {"null_variant": 2}


def test_counts_that_cannot_be_are_set_aside_and_counted() -> None:
    bad = [("a", 10, 11), ("b", -1, 0), ("b", 10, -2), ("a", 2.5, 1), ("b", 10, 0.5)]
    bad += [("b", None, 1), (None, 5, 1)]
    good = [("a", 100, 7), ("b", 50, 7), ("b", 50, 8), ("b", 0, 0)]
    schema = ["variant", "users", "conversions"]
    table = pl.DataFrame([*bad, *good], schema=schema, orient="row", strict=False)
    made = counted(table)
    aside = {"fractional_count": 1, "negative_count": 1, "null_number": 1, "null_variant": 1}
    assert (made.rows.set_aside, made.rows.used) == (aside, 7)
    missing = made.warnings[-1]
    assert missing == (
        "conversions: 30 of 230 users left out (rows: 1 conversions_above_users, 1 fractional_count, "
        "1 negative_count), 9.09 % of a, 16.7 % of b: variants compare only if they are missing alike in each"
    )
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


# Metrics that lack users.


def bought(seed: int = 3, users: int = 4000) -> pl.DataFrame:
    """Return users of whom those who bought have an order value, and nobody else."""
    rng = np.random.default_rng(seed)
    variant = rng.choice(["a", "b"], users)
    converted = rng.random(users) < np.where(variant == "b", 0.2, 0.1)
    value = pl.Series(rng.gamma(2, 20, users).round(2)).set(pl.Series(~converted), None)
    columns = {"variant": variant, "conversion": converted.astype(int), "order_value": value}
    return pl.DataFrame(columns)


def test_a_metric_that_lacks_users_takes_them_from_no_other() -> None:
    table = bought()
    alone = at.experiment(table, control="a", metrics=["conversion"])
    both = at.experiment(table, control="a", metrics=["conversion", "order_value"])
    assert_frame_equal(both.table().head(1), alone.table(), check_exact=True)
    assert (both.rows, both.rows.set_aside) == (alone.rows, {})
    users: dict[str, int] = defaultdict(int)
    buyers: dict[str, int] = defaultdict(int)
    for variant, converted, _ in table.iter_rows():
        users[variant] += 1
        buyers[variant] += converted
    row = both.table().row(1, named=True)
    assert (row["metric"], row["users"], row["users_control"]) == ("order_value", buyers["b"], buyers["a"])
    left = {name: users[name] - buyers[name] for name in users}
    chance = stats.chi2_contingency([[left[k], buyers[k]] for k in "ab"], correction=False).pvalue
    assert chance < 1e-9
    (warning,) = {*both.warnings} - {*alone.warnings}
    parts = ", ".join(f"{100 * left[name] / users[name]:.3g} % of {name}" for name in "ab")
    count = sum(left.values())
    assert warning == (
        f"order_value: {count:,} of 4,000 users left out (rows: {count:,} null_number), {parts}: "
        "they are not missing alike in each variant, so that the rest do not compare; "
        "null is not 0: fill it with 0 if nobody bought"
    )


@pytest.mark.parametrize(("left", "alike"), [((30, 62), False), ((30, 56), True), ((50, 50), True)])
def test_users_who_are_missing_more_in_one_variant_are_told(left: tuple[int, int], alike: bool) -> None:
    cells = [[None] * count + [1.0, 0.0] * ((1000 - count) // 2) for count in left]
    table = pl.DataFrame({"variant": ["a"] * 1000 + ["b"] * 1000, "m": cells[0] + cells[1]})
    twin = stats.chi2_contingency([(count, 1000 - count) for count in left], correction=False).pvalue
    assert (twin >= 0.001) == alike
    warning = at.experiment(table, control="a", metrics=["m"], planned=1000).warnings[0]
    assert ("they are not missing alike" in warning) != alike
    assert (" % of a" in warning) == (left[0] != left[1])


def test_the_split_is_that_of_all_who_were_assigned() -> None:
    # 1,000 of each, but a metric of 400 of b only: neither the split nor the plan is at fault
    value = [1.5, 2.5] * 500 + [1.5, 2.5] * 200 + [None] * 600
    table = pl.DataFrame({"variant": ["a"] * 1000 + ["b"] * 1000, "m": value})
    (warning,) = at.experiment(table, control="a", metrics=["m"], planned=1000).warnings
    assert warning.startswith("m: 600 of 2,000 users left out (rows: 600 null_number), 0 % of a, 60 % of b: ")
    # and a split at fault is told although as many of each have a value
    table = pl.concat(
        [table.filter(variant="a"), table.filter(variant="a").with_columns(variant=pl.lit("b"))]
    )
    more = pl.DataFrame({"variant": ["b"] * 500, "m": [None] * 500}, schema=table.schema)
    split, _ = at.experiment(pl.concat([table, more]), control="a", metrics=["m"], planned=1000).warnings
    assert split.startswith("users split 40/60 (a, b) and not equally")


def test_counts_that_one_metric_lacks_are_missing_of_no_other() -> None:
    table = counts().with_columns(sales=pl.Series([None, 10]))
    more = pl.DataFrame({"variant": ["a"], "users": [500], "conversions": [9], "sales": [5]})
    made = at.experiment(pl.concat([table, more]), control="a", metrics=["conversions", "sales"], planned=1)
    found = made.table().select("users_control", "value_control").rows()
    assert found == [(1500, 29 / 1500), (500, 5 / 500)]
    assert made.warnings[-1].startswith(
        "sales: 1,000 of 2,500 users left out (rows: 1 null_number), 66.7 % of"
    )


@pytest.mark.parametrize(
    "words", [("true", "false"), ("True", "False"), ("YES", " no "), ("1", "false"), ("yes", "0.0")]
)
@pytest.mark.parametrize("kind", ["frame", "enum", "csv"])
def test_a_metric_in_words_is_a_flag(tmp_path: Path, words: tuple[str, str], kind: str) -> None:
    table = world().select("variant", "conversion")
    known = at.experiment(table, control="old")
    told: Any = table.with_columns(
        conversion=pl.col("conversion").replace_strict({1: words[0], 0: words[1]}, return_dtype=pl.String)
    )
    if kind == "enum":
        told = told.with_columns(pl.col("conversion").cast(pl.Enum(words)))
    if kind == "csv":
        told.write_csv(tmp_path / "words.csv")
        told = tmp_path / "words.csv"
    found = at.experiment(told, control="old")
    assert_frame_equal(found.table(), known.table(), check_exact=True)
    assert (found.rows, found.warnings) == (known.rows, known.warnings)


def test_words_are_no_numbers_where_other_numbers_are_and_an_empty_cell_is_not_false() -> None:
    table = pl.DataFrame({"variant": ["a", "b"] * 4, "m": ["12.5", "1", "true", "0", "3", "no", "4", "2"]})
    made = at.experiment(table, control="a", metrics=["m"], planned=1)
    assert made.table().select("users", "users_control").row(0) == (3, 3)
    assert made.warnings[0].startswith("m: 2 of 8 users left out (rows: 2 bad_number): variants compare only")
    table = pl.DataFrame({"variant": ["a", "b"] * 4, "m": ["true", "no", "", "yes", None, "n/a", "no", "no"]})
    made = at.experiment(table, control="a", metrics=["m"], planned=1)
    assert made.table().select("kind", "users", "users_control", "value").row(0) == ("rate", 3, 2, 1 / 3)
    assert "4 of 8" not in made.warnings[0]
    assert "(rows: 1 bad_number, 2 null_number), 50 % of a, 25 % of b: " in made.warnings[0]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["cheap", "dear"] * 2, "no user of 'a', 'b'; found 'a', 'b'"),
        (["cheap", "dear"] * 2, "for example: 'cheap'; 'dear'"),
        (["cheap", "dear"] * 2, "what to do: correct the cells, or leave the metric out"),
        ([1, None, 0, None], "no user of 'b'; found 'a', 'b'"),
        ([1, None, 0, None], "(rows set aside: 2 null_number)"),
        ([1, None, 0, None], "what to do: null is not 0: fill it with 0 if nobody bought"),
    ],
)
def test_a_metric_without_a_usable_cell_is_the_column_at_fault(cells: list[Any], said: str) -> None:
    table = pl.DataFrame({"variant": ["a", "b"] * 2, "good": [1, 0, 0, 1], "m": cells})
    with pytest.raises(TableError) as caught:
        at.experiment(table, control="a", metrics=["good", "m"])
    assert "column 'm': " in str(caught.value)
    assert said in str(caught.value)


def test_all_faults_of_the_metrics_are_told_at_once() -> None:
    with pytest.raises(TableError) as caught:
        at.experiment(counts(), control="a", variant="shown", metrics=["sales", "wins"])
    assert [fault.got.partition(";")[0] for fault in caught.value.faults] == [
        "no column 'shown'", "no column 'sales'", "no column 'wins'",
    ]  # fmt: skip


# Names.


@pytest.mark.parametrize("name", ["*", "^x.*$", "^.*$", ""])
@pytest.mark.parametrize("what", ["metrics", "variant", "customer"])
def test_a_name_that_is_a_pattern_is_refused(name: str, what: str) -> None:
    table = pl.DataFrame({"variant": ["a", "b"], name: [1, 0], "m": [0, 1]})
    given: dict[str, Any] = {"metrics": ["m"], what: [name] if what == "metrics" else name}
    with pytest.raises(ParameterError, match=f"parameter '{what}': got "):
        at.experiment(table, control="a", **given)


@pytest.mark.parametrize("name", ["metric", "a.b", "^x", "x$", "x*", " ", "variante", "row", "reason"])
def test_a_metric_may_have_any_other_name(name: str) -> None:
    table = counts().rename({"conversions": name})
    found = at.experiment(table, control="a", metrics=[name]).table()
    assert found.drop("metric").equals(counted(counts()).table().drop("metric"))
    assert found["metric"].to_list() == [name]


@pytest.mark.parametrize("wrong", [["a"], None, {"a"}, b"a", ("a",), 1j])
def test_a_control_that_is_no_name_is_refused(wrong: Any) -> None:
    with pytest.raises(ParameterError, match=r"parameter 'control': got .*, expected the name of a variant"):
        at.experiment(counts(), control=wrong, metrics=["conversions"])


@pytest.mark.parametrize("wrong", [5, {"conversions"}, b"conversions", [["conversions"]], iter([])])
def test_metrics_that_are_no_list_are_refused(wrong: Any) -> None:
    with pytest.raises(ParameterError, match="parameter 'metrics': got "):
        at.experiment(counts(), control="a", metrics=wrong)


def test_metrics_may_come_one_by_one() -> None:
    table, names = world(), ["conversion", "spend"]
    known = at.experiment(table, control="old", metrics=names).table()
    for given in (iter(names), (name for name in names), np.array(names), pl.Series(names), tuple(names)):
        assert_frame_equal(at.experiment(table, control="old", metrics=given).table(), known)


@pytest.mark.parametrize(
    ("variants", "control", "other"),
    [
        ([0, 1], 0, 1),
        ([0, 1], np.int64(0), np.float64(1)),
        ([0.0, 1.0], 0, 1.0),
        ([0.5, 1.5], 0.5, 1.5),
        ([False, True], False, True),
        ([False, True], np.bool_(False), np.bool_(True)),
        (["False", "True"], False, True),
        (["0", "1"], 0, "1"),
    ],
)
def test_a_control_may_be_a_number_or_a_boolean(variants: list[Any], control: Any, other: Any) -> None:
    known = counted(counts(), planned=1000)
    table = counts(variant=variants)
    given: dict[str, Any] = {"metrics": ["conversions"], "planned": 1000}
    shares = {other: 1, control: 1}
    found = at.experiment(table, control=control, planned_shares=shares, **given)
    assert found.table().drop("variant", "control").equals(known.table().drop("variant", "control"))
    assert found.warnings == known.warnings == ()
    name = found.table()["control"].item()
    with pytest.raises(ParameterError, match="one share of"):
        at.experiment(table, control=control, planned_shares={**shares, f" {name} ": 1}, **given)


def test_spaces_around_a_variant_tell_nothing() -> None:
    table = world()
    spaced = table.with_columns(
        variant=pl.Series(["", " ", "\t"] * 300) + pl.col("variant") + pl.Series([" ", "", "", "  "] * 225)
    )
    assert spaced["variant"].n_unique() > 9
    given: dict[str, Any] = {"metrics": ["conversion"], "customer": "user"}
    known = at.experiment(table, control="old", planned_shares={"old": 1, "new": 1, "blue": 1}, **given)
    shares = {" old": 1, "new ": 1, "blue": 1}
    found = at.experiment(spaced, control=" old ", planned_shares=shares, **given)
    assert_frame_equal(found.table(), known.table(), check_exact=True)
    assert (found.rows, found.warnings) == (known.rows, known.warnings)
    twice = pl.DataFrame({"user": [1, 1, 2], "variant": ["a", "a ", "b"], "conversion": [0, 1, 0]})
    with pytest.raises(TableError, match="1 customers have several rows in one variant"):
        at.experiment(twice, control="a", customer="user")


# Plans.


def test_a_split_is_told_to_the_digit_that_tells_it_from_the_plan() -> None:
    # 10,004,000 of 20 million: chi² = 2 x 4,000² / 10^7 = 3.2 is chance, 10,010,000: chi² = 20 is not
    users = [10_010_000, 9_990_000]
    (warning,) = counted(counts(users=users), planned_shares={"a": 1, "b": 1}).warnings
    assert warning.startswith("users split 50.05/49.95 (a, b) where 50/50 was planned (p = 7.7e-06)")
    assert "users split 50.05/49.95 (a, b) and not equally" in counted(counts(users=users)).warnings[0]
    # of many variants those are named that are farthest from their share
    users = [1000] * 14 + [1400]
    many = {"variant": [f"v{i:02}" for i in range(15)], "users": users, "conversions": [9] * 15}
    made = at.experiment(pl.DataFrame(many), control="v00", metrics=["conversions"], planned=1)
    assert "/9.09 (v00, " in made.warnings[0]
    assert ", v14) and not equally" in made.warnings[0]


@pytest.mark.parametrize("ratio", [0.1, 0.37, 1.0, 1.5, 3.0, 7.3])
@pytest.mark.parametrize("comparisons", [1, 3])
def test_a_plan_that_is_followed_is_read_in_time(ratio: float, comparisons: int) -> None:
    for difference in (0.005, 0.0061):
        plan = at.sample_size(0.02, difference, shares_ratio=ratio, comparisons=comparisons)
        names = [f"v{i}" for i in range(comparisons + 1)]
        users = [plan.users_control] + [plan.users_variant] * comparisons
        table = pl.DataFrame({"variant": names, "users": users, "conversions": [50] * len(names)})
        given: dict[str, Any] = {"metrics": ["conversions"], "planned": min(users)}
        shares = dict(zip(names, [1, *[ratio] * comparisons], strict=True))
        assert at.experiment(table, control="v0", planned_shares=shares, **given).warnings == ()
        step = comparisons * math.ceil(max(ratio, 1 / ratio)) + len(names)  # more than rounding up can bring
        fewer = table.with_columns(users=pl.col("users") - step * pl.Series([1, *[0] * comparisons]))
        (warning,) = at.experiment(fewer, control="v0", planned_shares=shares, **given).warnings
        assert warning.startswith("read at 9")


def test_one_user_less_than_equal_shares_planned_is_told() -> None:
    table = counts(users=[1000, 999])
    assert "(1,999 of 2,000)" in counted(table, planned=1000).warnings[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"planned": 10**400}, "'planned': got 1"),
        (
            {"planned_shares": {"a": 1e-320, "b": 1e9}},
            "\"planned_shares['a']\": got 1e-320, expected at least",
        ),
        ({"planned_shares": {None: 1, "b": 1}}, "'planned_shares': got None, expected the name of a variant"),
    ],
)
def test_a_plan_that_overflows_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        counted(counts(), **given)
    assert said in str(caught.value)
