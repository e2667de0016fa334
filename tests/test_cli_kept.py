"""What was learned is kept, added and gone on with on the command line as in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_cli import LEADS, TOUCHPOINTS, attribution, done

MIDDLE, LAST = "2026-04-01", "2026-07-01"


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample's tables, cut by customer (a, b) and by time (early, late)."""
    folder = tmp_path_factory.mktemp("halves")
    for name, path in (("touchpoints", TOUCHPOINTS), ("leads", LEADS)):
        table = pl.read_parquet(path).drop("account_id", strict=False)
        mine = pl.col("customer_id").hash(1) % 2 == 0
        early = pl.col("timestamp") <= pl.lit(MIDDLE).str.to_datetime(time_zone="UTC")
        for part, rows in {
            "a": mine,
            "b": ~mine,
            "early": early,
            "late": ~early,
            "all": pl.lit(True),
        }.items():
            table.filter(rows).write_parquet(folder / f"{name}-{part}.parquet")
    return folder


def tables(folder: Path, part: str) -> tuple[Path, Path]:
    """Return both tables of a part."""
    return folder / f"touchpoints-{part}.parquet", folder / f"leads-{part}.parquet"


def records(*arguments: object) -> list[dict[str, Any]]:
    """Return what a command prints as JSON."""
    found: list[dict[str, Any]] = json.loads(done(*arguments, "--json").out)
    return found


def assert_alike(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Compare tables whose numbers may differ in the last bits."""
    left, right = pl.DataFrame(ours), pl.DataFrame(theirs)
    keys = ["model", "channel"]
    pl.testing.assert_frame_equal(left.sort(keys), right.sort(keys), rel_tol=1e-9, abs_tol=1e-9)


MODELS = ("--model", "linear", "--model", "markov", "--intervals", "0.9")


def test_statistics_of_two_halves_are_saved_and_added(halves: Path, tmp_path: Path) -> None:
    for part in "ab":
        ran = done("attribute", *tables(halves, part), *MODELS, "--save", tmp_path / f"{part}.parquet")
        assert f"wrote {tmp_path / part}.parquet" in ran.err
    kept = [each for part in "ab" for each in ("--statistics", tmp_path / f"{part}.parquet")]
    whole = records("attribute", *tables(halves, "all"), *MODELS)
    assert_alike(records("attribute", *kept, "--intervals", "0.9"), whole)
    only = records("attribute", *kept, "--model", "markov", "--intervals", "0.9")
    assert_alike(only, [row for row in whole if row["model"] == "markov"])
    assert_alike(records("compare", *kept), records("compare", *tables(halves, "all"), *MODELS[:4]))
    ran = attribution("attribute", *kept, "--log", tmp_path / "log.parquet")
    assert ran.code == 2
    assert "statistics hold no journeys" in ran.err


def test_a_later_period_is_added_to_a_state_and_a_failed_run_leaves_it(halves: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.parquet"
    begun = done("advance", state, *tables(halves, "early"), *MODELS, "--as-of", MIDDLE)
    assert f"wrote {state}" in begun.err
    before = state.read_bytes()
    for wrong, told in [
        (("--lookback-days", "7"), "lookback_days: 30.0 and 7.0"),
        (("--model", "linear"), "models"),
        (("--folds", "64"), "folds: 256 and 64"),
    ]:
        ran = attribution("advance", state, *tables(halves, "late"), *wrong)
        assert ran.code == 3
        assert told in ran.err
        assert state.read_bytes() == before
    (tmp_path / "credits.csv").write_text("something else")
    ran = attribution("advance", state, *tables(halves, "late"), "--out", tmp_path / "credits.csv")
    assert ran.code == 6
    assert state.read_bytes() == before
    late = records("advance", state, *tables(halves, "late"), "--as-of", LAST, *MODELS)
    assert_alike(late, records("attribute", *tables(halves, "all"), "--as-of", LAST, *MODELS))
    again = attribution("advance", state, *tables(halves, "late"), "--as-of", LAST)
    assert again.code == 3
    assert "rows of a period that was added before" in again.err


def test_a_state_that_is_an_input_or_no_statistics_is_refused(halves: Path, tmp_path: Path) -> None:
    touchpoints, leads = tables(halves, "early")
    assert attribution("advance", touchpoints, touchpoints, leads).code == 6
    other = tmp_path / "other.parquet"
    pl.read_parquet(leads).write_parquet(other)
    ran = attribution("advance", other, touchpoints, leads)
    assert ran.code == 3
    assert "a table that was not written here" in ran.err
    ran = attribution("attribute", "--statistics", tmp_path / "none.parquet")
    assert ran.code == 3
    assert "no such file" in ran.err
