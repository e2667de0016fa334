"""Path tables: "a > b > c" with its counts becomes journeys, and nothing in it is lost."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attribution as at


def paths(*rows: tuple[Any, ...], **columns: Any) -> pl.DataFrame:
    """Return a table of (path, conversions[, null[, value]])."""
    names = ("path", "conversions", "null", "value")[: len(rows[0])]
    table = pl.DataFrame(
        list(rows), schema=names, orient="row", strict=False, schema_overrides={"path": pl.String}
    )
    return table.with_columns(**columns)


def lists(stitched: at.Stitched) -> list[list[str]]:
    return sorted(stitched.table()["channel"].to_list())


def credit(stitched: at.Stitched, model: at.Model, outcome: int = 0) -> dict[str, float]:
    """Return the credit by channel, and what no channel has as None."""
    found = at.attribute(stitched, model)[model.name]
    return {
        **dict(zip(found.channels, found.values[:, outcome].tolist(), strict=True)),
        "(unattributed)": float(found.unattributed[outcome]),
    }


def test_channels_are_between_separators_oldest_first() -> None:
    ours = at.from_paths(paths(("ads > mail > ads", 2, 3)), null="null")
    assert lists(ours) == [["ads", "mail", "ads"]]
    assert ours.channels == ("ads", "mail")
    assert ours.table()["count"].to_list() == [5.0]
    assert ours.table()["conversions"].to_list() == [2.0]


def test_a_name_may_hold_the_sign_of_the_separator_without_its_spaces() -> None:
    ours = at.from_paths(paths(("a>b > c -> d > google / organic", 1)))
    assert lists(ours) == [["a>b", "c -> d", "google / organic"]]


@pytest.mark.parametrize(
    ("path", "separator"),
    [
        ("a>b", ">"),
        ("a | b", "|"),
        ("a,b", ","),
        ("a -> b", " -> "),
        ("a .* b", ".*"),
        ("a\u2192b", "\u2192"),
    ],
)
def test_the_separator_is_taken_as_it_is_written(path: str, separator: str) -> None:
    assert lists(at.from_paths(paths((path, 1)), separator=separator)) == [["a", "b"]]


def test_a_tab_may_separate_channels() -> None:
    ours = at.from_paths(paths(("a\tb", 1)), separator="\t")
    assert ours.report.tables["paths"].set_aside == {}
    assert lists(ours) == [["a", "b"]]


def test_names_are_trimmed_and_blank_ones_left_out() -> None:
    ours = at.from_paths(paths(("  a  >  > b\u00a0 > ", 1), ("e\u0301", 1), ("\u00e9", 1)))
    assert lists(ours) == [["a", "b"], ["\u00e9"], ["\u00e9"]]


@pytest.mark.parametrize("path", [None, "", "  ", " > ", " >  > "])
def test_conversions_of_an_empty_path_are_unattributed(path: str | None) -> None:
    table = paths((path, 4, 6, 8.0), ("ads", 1, 0, 2.0))
    ours = at.from_paths(table, null="null", value="value")
    assert ours.report.unattributed == {"no_touchpoints": 1}
    assert ours.report.tables["paths"].used == 2
    for name, each in at.attribute(ours).items():
        assert each.unattributed.tolist() == [4.0, 8.0], name
        assert each.totals.tolist() == [5.0, 10.0], name


def test_an_empty_path_without_conversions_is_nothing_to_report() -> None:
    ours = at.from_paths(paths(("", 0, 9), ("ads", 1, 0)), null="null")
    assert not ours.report.unattributed


def test_an_empty_count_is_zero() -> None:
    ours = at.from_paths(paths(("ads", None, 3), ("mail", 2, None)), null="null")
    table = ours.table().sort("count")
    assert table.select("conversions", "count").rows() == [(2.0, 2.0), (0.0, 3.0)]


def test_without_a_column_of_null_journeys_every_journey_converted() -> None:
    ours = at.from_paths(paths(("ads > mail", 3)))
    assert ours.table()["count"].to_list() == [3.0]
    assert at.attribute(ours, at.Markov())["markov"].details.base_probability == 1.0


def test_fractional_counts_and_counts_of_zero_are_exact() -> None:
    ours = at.from_paths(paths(("ads", 0.25, 0.5), ("ads", 1.5, 0), ("mail", 0, 0)), null="null")
    for name, each in at.attribute(ours).items():
        assert each.channels == ("ads", "mail"), name
        assert each.values.tolist() == [[1.75], [0.0]], name


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("ads", -1, 2, 0.0), "negative_count"),
        (("ads", 1, -2, 0.0), "negative_count"),
        (("ads", 0, 0, 5.0), "value_without_journeys"),
        (("ads", math.nan, 0, 0.0), "not_finite"),
        (("ads", 1, math.inf, 0.0), "not_finite"),
        (("ads", 1, 0, math.nan), "not_finite"),
        (("a\x1bds", 1, 0, 0.0), "control_char"),
    ],
)
def test_rows_that_cannot_be_counted_are_set_aside_with_a_reason(row: tuple[Any, ...], reason: str) -> None:
    ours = at.from_paths(paths(("mail", 1.0, 1.0, 1.0), row), null="null", value="value")
    rows = ours.report.tables["paths"]
    assert (rows.read, rows.used, dict(rows.set_aside)) == (2, 1, {reason: 1})
    assert credit(ours, at.Linear())["mail"] == 1.0


def test_values_become_revenue_and_may_be_negative() -> None:
    ours = at.from_paths(paths(("ads > mail", 2, 0, -10.0), ("ads", 1, 1, 3.5)), null="null", value="value")
    assert ours.outcome_names == ("conversions", "revenue")
    assert credit(ours, at.Linear(), 1) == {"ads": -1.5, "mail": -5.0, "(unattributed)": 0.0}
    for name, each in at.attribute(ours).items():
        assert each.totals.tolist() == pytest.approx([3.0, -6.5], rel=1e-9), name


def test_columns_have_the_names_that_are_given() -> None:
    table = paths(("a > b", 1, 2, 3.0)).rename(
        {"path": "Path", "conversions": "total_conversions", "null": "total_null", "value": "total_value"}
    )
    ours = at.from_paths(
        table, path="Path", conversions="total_conversions", null="total_null", value="total_value"
    )
    assert ours.table().select("conversions", "revenue", "count").rows() == [(1.0, 3.0, 3.0)]


@pytest.mark.parametrize("given", ["path", "conversions", "null", "value"])
def test_a_column_that_is_not_there_is_an_error_that_names_it(given: str) -> None:
    with pytest.raises(at.TableError, match="'missing'"):
        at.from_paths(paths(("a", 1, 2, 3.0)), **{given: "missing"})


def walk(number: int) -> str:
    return " > ".join("abcde"[(number * 7 + step * step) % 5] for step in range(number % 6))


TABLE = paths(*((walk(n), n % 4 + n / 7, n % 9, n / 3) for n in range(1, 400)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_rows_changes_no_bit(seed: int) -> None:
    models = [
        *(model() for model in at.MODELS.values() if not model.needs_ages),
        at.Markov(order=2, name="2"),
    ]
    here, there = (
        at.attribute(at.from_paths(table, null="null", value="value"), *models)
        for table in (TABLE, TABLE.sample(fraction=1, shuffle=True, seed=seed))
    )
    assert here.table().equals(there.table())
    assert here.report == there.report


def test_a_path_written_in_several_rows_is_the_sum_of_them() -> None:
    apart = at.from_paths(paths(("a > b", 1, 2), ("a > b", 3, 4), ("b", 1, 1)), null="null")
    joined = at.from_paths(paths(("a > b", 4, 6), ("b", 1, 1)), null="null")
    for model in (at.Markov(), at.Linear(), at.Shapley()):
        assert credit(apart, model) == pytest.approx(credit(joined, model), rel=1e-12), model


@pytest.mark.parametrize("other", [">", "|", ",", " -> "])
def test_a_wrong_separator_is_an_error_that_names_the_right_one(other: str) -> None:
    table = paths(*((f"ads{other}mail", n) for n in range(7)), ("ads", 1))
    with pytest.raises(at.TableError, match="separator=") as error:
        at.from_paths(table)
    (fault,) = error.value.faults
    assert f"separator={other!r}" in fault.remedy
    assert fault.column == "path"
    assert fault.count == 7
    assert len(fault.examples) == 5


def test_paths_of_one_channel_need_no_separator() -> None:
    assert lists(at.from_paths(paths(("ads", 1), ("mail, phone", 1), ("tv", 1)))) == [
        ["ads"],
        ["mail, phone"],
        ["tv"],
    ]


def test_models_that_need_ages_are_refused_by_name_and_left_out_of_the_defaults() -> None:
    ours = at.from_paths(paths(("a > b", 1)))
    assert not ours.has_ages
    with pytest.raises(at.ParameterError, match="'time_decay' needs the ages"):
        at.attribute(ours, at.Linear(), at.TimeDecay())
    assert set(at.attribute(ours)) == {name for name, model in at.MODELS.items() if not model.needs_ages}


def test_the_journeys_table_of_paths_has_neither_times_nor_customers() -> None:
    table = at.from_paths(paths(("a > b", 1), ("b", 2))).table()
    for name in ("customer_id", "ends_at", "age_days"):
        assert table[name].null_count() == 2, name
    assert table["journey_id"].n_unique() == 2


def test_zero_conversions_give_zeros_and_no_removal_effect() -> None:
    ours = at.from_paths(paths(("a > b", 0, 5)), null="null")
    for name, each in at.attribute(ours).items():
        assert not each.values.any(), name
        assert each.channels == ("a", "b"), name


def test_a_table_without_rows_has_zero_journeys_and_a_warning() -> None:
    ours = at.from_paths(paths(("a", 1)).head(0))
    assert len(ours.table()) == 0
    assert any("no rows" in line for line in ours.report.warnings)


def test_channels_that_look_alike_are_reported_and_kept_apart() -> None:
    ours = at.from_paths(paths(("Email > email", 1)))
    assert ours.channels == ("Email", "email")
    assert any("'Email', 'email'" in line for line in ours.report.warnings)


def test_a_path_may_be_very_long() -> None:
    steps = [f"channel {place % 11}" for place in range(100_000)]
    ours = at.from_paths(paths((" > ".join(steps), 1)))
    (found,) = lists(ours)
    assert found == steps
    assert credit(ours, at.LastTouch())[steps[-1]] == 1.0


def test_a_csv_file_is_a_path_table(tmp_path: Path) -> None:
    TABLE.write_csv(tmp_path / "paths.csv")
    here = at.attribute(at.from_paths(TABLE, null="null", value="value"))
    there = at.attribute(at.from_paths(tmp_path / "paths.csv", null="null", value="value"))
    assert here.table().equals(there.table())


NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=">,|"), min_size=1, max_size=5
)


@given(
    rows=st.lists(
        st.tuples(st.lists(NAMES, max_size=6), st.integers(0, 40), st.integers(0, 40), st.integers(-99, 99)),
        min_size=1,
        max_size=15,
    )
)
def test_every_path_comes_back_as_its_channels_and_every_total_is_conserved(rows: list[Any]) -> None:
    kept = [row for row in rows if row[1] + row[2] or not row[3]]
    table = paths(*((" > ".join(steps), *rest) for steps, *rest in rows))
    ours = at.from_paths(table, null="null", value="value")
    expected = Counter(
        (
            tuple(unicodedata.normalize("NFC", each) for each in steps),
            float(yes),
            float(value),
            float(yes + no),
        )
        for steps, yes, no, value in kept
    )
    found = ours.table().select("channel", "conversions", "revenue", "count").rows()
    assert Counter((tuple(steps), *rest) for steps, *rest in found) == expected
    for name, each in at.attribute(ours, at.Linear(), at.Markov(), at.Shapley()).items():
        totals = [sum(row[1] for row in kept), sum(row[3] for row in kept)]
        assert each.totals.tolist() == pytest.approx(totals, rel=1e-9, abs=1e-9), name
