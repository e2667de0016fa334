"""Experiments: a table in, every variant against its control out; a plain twin, real data, and bad input."""

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

import attribution as at
from attribution.experiments.experiment import COLUMNS

HOLDOUT = {"variant": "segment", "control": "No E-Mail", "metrics": ["visit", "conversion", "spend"]}


def world(seed: int = 1, users: int = 900) -> pl.DataFrame:
    """Return users of three variants, some of whom convert and spend."""
    rng = np.random.default_rng(seed)
    shown = rng.choice(["new", "old", "blue"], users)
    bought = rng.random(users) < np.where(shown == "new", 0.2, 0.12)
    return pl.DataFrame(
        {
            "user": [f"u{i}" for i in range(users)],
            "variant": shown,
            "conversion": bought.astype(np.int64),
            "spend": (bought * rng.lognormal(3, 1, users)).round(2),
        }
    )


def counts(**columns: Any) -> pl.DataFrame:
    given = {"variant": ["a", "b"], "users": [1000, 1000], "conversions": [20, 30]}
    return pl.DataFrame(given | columns)


def counted(table: pl.DataFrame, **more: Any) -> at.Experiment:
    return at.experiment(table, control="a", metrics=["conversions"], **({"planned": 1} | more))


# What comes out.


@pytest.mark.parametrize(
    ("metric", "variant", "difference", "error"),
    [
        ("conversion", "Mens E-Mail", 0.006805, 0.000921),
        ("conversion", "Womens E-Mail", 0.003111, 0.000823),
        ("spend", "Mens E-Mail", 0.7698, None),
        ("spend", "Womens E-Mail", 0.4244, None),
    ],
)
def test_hillstrom_has_its_known_effects(
    data: Any, metric: str, variant: str, difference: float, error: float | None
) -> None:
    made = at.experiment(data.need("hillstrom_rct/hillstrom.csv"), **HOLDOUT, planned=21_000)
    assert (made.rows.read, made.rows.used, made.warnings) == (64_000, 64_000, ())
    row = made.table().filter(metric=metric, variant=variant).row(0, named=True)
    assert round(row["difference"], len(str(difference)) - 2) == difference
    assert error is None or round(row["standard_error"], 6) == error
    assert row["difference_low"] > 0
    assert row["p_value_adjusted"] < 0.002
    assert (row["confidence"], row["reason"]) == (0.975, None)


def plain(rows: list[tuple[str, float]], control: str, is_rate: bool) -> dict[str, dict[str, float]]:
    """Return difference, standard error, p-value and what was brought by variant, in plain Python."""
    groups = defaultdict(list)
    for variant, value in rows:
        groups[variant].append(value)
    n = {name: len(values) for name, values in groups.items()}
    m = {name: sum(values) / len(values) for name, values in groups.items()}
    v = {
        name: sum((x - m[name]) ** 2 for x in values) / (n[name] - (not is_rate))
        for name, values in groups.items()
    }
    found = {}
    for name in {*groups} - {control}:
        d, e, e_0 = m[name] - m[control], v[name] / n[name], v[control] / n[control]
        if is_rate:
            p = (m[name] * n[name] + m[control] * n[control]) / (n[name] + n[control])
            z = d / math.sqrt(p * (1 - p) * (1 / n[name] + 1 / n[control]))
            chance = 2 * stats.norm.sf(abs(z))
        else:
            df = (e + e_0) ** 2 / (e**2 / (n[name] - 1) + e_0**2 / (n[control] - 1))
            chance = 2 * stats.t.sf(abs(d) / math.sqrt(e + e_0), df)
        found[name] = {"users": n[name], "users_control": n[control], "value": m[name], "difference": d}
        found[name] |= {"standard_error": math.sqrt(e + e_0), "p_value": chance, "incremental": d * n[name]}
    low, high = sorted(found, key=lambda name: found[name]["p_value"])
    found[low]["p_value_adjusted"] = min(1, 2 * found[low]["p_value"])
    found[high]["p_value_adjusted"] = max(found[low]["p_value_adjusted"], found[high]["p_value"])
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_table_of_users_is_compared_as_the_plain_twin_does(seed: int) -> None:
    table = world(seed)
    found = at.experiment(table, control="old", metrics=["conversion", "spend"]).table()
    assert found.columns == list(COLUMNS)
    assert found.select("metric", "kind", "variant").rows() == [
        *(("conversion", "rate", "blue"), ("conversion", "rate", "new")),
        *(("spend", "mean", "blue"), ("spend", "mean", "new")),
    ]
    for row in found.rows(named=True):
        values = table.select("variant", row["metric"]).rows()
        twin = plain(values, "old", row["kind"] == "rate")[row["variant"]]
        assert {name: row[name] for name in twin} == pytest.approx(twin, rel=1e-9)
        assert row["ratio"] == pytest.approx(row["value"] / row["value_control"])
        for end in ("low", "high"):
            assert row[f"incremental_{end}"] == row["users"] * row[f"difference_{end}"]
        assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_no_digit_depends_on_the_order_of_rows_or_the_kind_of_table(tmp_path: Path) -> None:
    table = world()
    given: dict[str, Any] = {"control": "old", "metrics": ["conversion", "spend"], "customer": "user"}
    known = at.experiment(table, **given).table()
    for seed in range(4):
        found = at.experiment(table.sample(fraction=1, shuffle=True, seed=seed), **given).table()
        assert_frame_equal(found, known, check_exact=True)
    table.write_csv(tmp_path / "users.csv")
    assert_frame_equal(at.experiment(tmp_path / "users.csv", **given).table(), known, check_exact=True)
    assert_frame_equal(at.experiment(table.to_pandas(), **given).table(), known, check_exact=True)


def test_counts_give_what_the_users_give_in_one_row_a_variant_or_in_several() -> None:
    table = world()
    known = at.experiment(table, control="old").table()
    per_day = table.with_columns(day=pl.int_range(pl.len()) % 7).group_by("variant", "day")
    for rows in (table.group_by("variant"), per_day):
        summed = rows.agg(pl.len().alias("users"), pl.col("conversion").sum())
        assert_frame_equal(at.experiment(summed, control="old").table(), known, check_exact=True)


def test_two_variants_are_not_corrected_and_three_are_unless_none_is_asked_for() -> None:
    table = world()
    two = at.experiment(table.filter(pl.col("variant") != "blue"), control="old").table()
    none = at.experiment(table, control="old", correction="none").table().filter(variant="new")
    assert_frame_equal(two, none, check_exact=True)
    assert two["confidence"].to_list() == [0.95]
    assert two["p_value"].to_list() == two["p_value_adjusted"].to_list()
    holm = at.experiment(table, control="old").table().filter(variant="new")
    assert holm["confidence"].to_list() == [0.975]
    alone = at.experiment(table, control="old", correction="none", confidence=0.975).table()
    alone = alone.filter(variant="new")
    assert_frame_equal(holm.drop("p_value_adjusted"), alone.drop("p_value_adjusted"), check_exact=True)


def test_a_worked_example_of_a_holdout() -> None:
    # 30 of 1,000 against 20 of 1,000: + 0.01, so 10 of the 30 were brought; Newcombe -0.0039 to 0.0243
    row = counted(counts(), planned=1000).table().row(0, named=True)
    assert [round(row[f"difference{end}"], 4) for end in ("", "_low", "_high")] == [0.01, -0.0039, 0.0243]
    assert row["incremental"] == pytest.approx(10)
    assert (row["ratio"], row["reason"]) == (1.5, None)
    assert counted(counts(), planned=1000).warnings == ()


def test_what_is_not_known_is_null_with_a_reason() -> None:
    row = counted(counts(conversions=[0, 0])).table().row(0, named=True)
    lacking = {name for name, cell in row.items() if cell is None}
    assert lacking == {"standard_error", "p_value", "p_value_adjusted", "ratio", "ratio_low", "ratio_high"}
    assert row["reason"].count(";") == 2
    lonely = pl.DataFrame({"variant": ["a", "a", "b"], "spend": [1.5, 2.5, 7.0]})
    row = at.experiment(lonely, control="a", metrics=["spend"]).table().row(0, named=True)
    assert (row["difference"], row["difference_low"], row["incremental"]) == (5.0, None, 5.0)
    assert row["reason"].startswith("standard_error: one user in a variant has no variance; p_value: ")
