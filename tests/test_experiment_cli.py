"""Experiments on the command line: what Python gives, readable tables, and exit codes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from test_cli import attribution, done, refused
from test_experiments import counts, world

import attribution as at

METRICS = ("--metric", "conversion", "--metric", "spend")


def test_the_verb_gives_what_python_gives_and_says_the_rest(tmp_path: Path) -> None:
    table, out = world(), tmp_path / "effects.parquet"
    table.write_csv(tmp_path / "users.csv")
    asked = ("experiment", tmp_path / "users.csv", "--control", "old", *METRICS)
    planned = ("--planned", 5000, "--planned-shares", "new=1,old=1,blue=1")
    more = ("--customer", "user", *planned, "--confidence", 0.9)
    ran = done(*asked, *more, "--out", out)
    assert not ran.out
    known = at.experiment(
        table, control="old", metrics=["conversion", "spend"], customer="user", planned=5000,
        planned_shares={"new": 1, "old": 1, "blue": 1}, confidence=0.9,
    )  # fmt: skip
    assert pl.read_parquet(out).equals(known.table())
    assert "experiment: 900 rows read, 900 used; each interval is one of 95 %\n" in ran.err
    assert all(f"warning: {each}\n" in ran.err for each in known.warnings)
    shown = done(*asked, "--correction", "none")
    row = known.table().filter(metric="conversion", variant="new").row(0, named=True)
    figures = (f"{100 * row['value']:.3f} %", f"{100 * row['difference']:+.3f} points")
    assert all(cell in shown.out for cell in ("against old", "spend", *figures))
    assert "each interval is one of 95 %" in shown.err


def test_the_verb_tells_reasons_and_refuses_with_their_codes(tmp_path: Path) -> None:
    counts(conversions=[0, 0]).write_csv(tmp_path / "counts.csv")
    table = ("experiment", tmp_path / "counts.csv", "--metric", "conversions")
    ran = attribution(*table, "--control", "a")
    assert ran.code == 0
    assert "conversions of b: standard_error: in each variant" in ran.err
    assert "unknown variant in 'control' 'z'" in refused(2, *table, "--control", "z")
    told = refused(2, *table, "--control", "a", "--planned-shares", "a=x,b=1")
    assert "'--planned-shares': got 'a=x,b=1', expected VARIANT=SHARE with numbers" in told
    for wrong in ("a", "=1,b=1", "a=1,,b=", "", ","):
        told = refused(2, *table, "--control", "a", "--planned-shares", wrong)
        assert f"'--planned-shares': got '{wrong}', expected VARIANT=SHARE with numbers" in told
    assert "expected each variant once" in refused(
        2, *table, "--control", "a", "--planned-shares", "a=1, a =1"
    )
    assert "no column 'conversion'" in refused(3, *table[:2], "--control", "a")
    assert "--control" in refused(2, *table)


def test_a_variant_may_hold_the_sign_before_its_share(tmp_path: Path) -> None:
    counts(variant=["a=b", "b"], users=[900, 100], conversions=[9, 9]).write_csv(tmp_path / "counts.csv")
    table = ("experiment", tmp_path / "counts.csv", "--metric", "conversions", "--control", "b")
    ran = done(*table, "--planned", 100, "--planned-shares", "a=b=9, b=1", "--json")
    assert "split" not in ran.err
    assert "users split 90/10 (a=b, b) where 50/50" in done(*table, "--planned-shares", "a=b=1,b=1").err


def test_the_verb_sample_size_tells_users_power_or_difference(tmp_path: Path) -> None:
    asked = ("sample-size", "--baseline", 0.02)
    shown = done(*asked, "--difference", 0.005).out
    for cell in ("plan for a rate", "2.000 %", "+0.500 points", "80.0 %", "13,809", "27,618"):
        assert cell in shown
    done(*asked, "--difference", 0.005, "--users", 5000, "--out", tmp_path / "power.csv")
    assert pl.read_csv(tmp_path / "power.csv")["power"].item() == at.power(0.02, 0.005, 5000)
    done(*asked, "--users", 13_809, "--power", 0.8, "--out", tmp_path / "least.csv")
    assert pl.read_csv(tmp_path / "least.csv")["difference"].item() == pytest.approx(0.005, rel=1e-4)
    spend = ("sample-size", "--baseline", 1.4, "--standard-deviation", 15)
    assert "standard deviation" in done(*spend, "--difference", -0.1).out
    assert "of which two decide" in refused(2, *asked, "--difference", 0.01, "--users", 50, "--power", 0.9)
    assert "--difference is missing" in refused(2, *asked)
    assert "'baseline': got 2.0" in refused(2, "sample-size", "--baseline", 2, "--difference", 0.1)
