"""Determinism: the same input gives the same bits, whatever the row order, pieces and threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import attribution as at

PIECES = (97, 997, 10_000, 10**6)
EVENTS = {"customer_id": "customer_id", "timestamp": "time", "revenue": "conversion_value"}


@dataclass(frozen=True)
class Outputs:
    """Everything a run gives, and what lies on disk when it is written."""

    tables: Mapping[str, pl.DataFrame]
    files: Mapping[str, bytes]
    report: Any


def run(
    touchpoints: Any,
    outcomes: Any,
    spend: Any,
    folder: Path,
    threads: int | None = None,
    piece_rows: int = at.tables.PIECE,
    columns: Mapping[str, str] | None = None,
) -> Outputs:
    """Return the outputs of every default model, written as Parquet and CSV."""
    journeys = at.stitch(touchpoints, outcomes, piece_rows=piece_rows)
    result = at.attribute(journeys, threads=threads)
    tables = {
        "journeys": journeys.table(),
        "credits": result.table(),
        "kpis": at.measure(result, spend, columns=columns).table(),
        "report": result.report.table(),
    }
    files = {}
    for name, table in tables.items():
        for suffix in (".parquet", ".csv"):
            path = folder / f"{name}{suffix}"
            at.write_table(table, path)
            files[path.name] = path.read_bytes()
            path.unlink()
    return Outputs(tables, files, result.report)


def assert_same(left: Outputs, right: Outputs) -> None:
    for name, table in left.tables.items():
        assert table.equals(right.tables[name]), name
        assert table.schema == right.tables[name].schema, name
    assert left.files == right.files
    assert left.report == right.report


def shuffled(seed: int, *tables: pl.DataFrame) -> list[pl.DataFrame]:
    return [table.sample(fraction=1, shuffle=True, seed=seed + place) for place, table in enumerate(tables)]


# The sample that ships.


@pytest.fixture(scope="module")
def sample() -> at.sample.Sample:
    return at.sample.load()


@pytest.fixture(scope="module")
def expected(sample: at.sample.Sample, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return run(*sample, tmp_path_factory.mktemp("expected"))


def test_a_second_run_is_the_first(sample: at.sample.Sample, expected: Outputs, tmp_path: Path) -> None:
    assert_same(expected, run(*sample, tmp_path))
    assert len(expected.tables["journeys"]) > 3_000
    assert expected.tables["credits"]["model"].n_unique() == len(at.MODELS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_rows_of_every_table_is_no_matter(
    sample: at.sample.Sample, expected: Outputs, tmp_path: Path, seed: int
) -> None:
    assert_same(expected, run(*shuffled(seed, *sample), tmp_path))


@pytest.mark.parametrize("piece_rows", PIECES)
def test_the_size_of_the_pieces_is_no_matter(
    sample: at.sample.Sample, expected: Outputs, tmp_path: Path, piece_rows: int
) -> None:
    assert_same(expected, run(*sample, tmp_path, piece_rows=piece_rows))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_is_no_matter(
    sample: at.sample.Sample, expected: Outputs, tmp_path: Path, threads: int
) -> None:
    assert_same(expected, run(*sample, tmp_path, threads=threads))


def test_parquet_and_csv_of_the_same_rows_are_no_matter(
    sample: at.sample.Sample, expected: Outputs, tmp_path: Path
) -> None:
    names = ("touchpoints", "leads", "spend")
    from_parquet = [at.sample.folder() / f"{name}.parquet" for name in names]
    from_csv = [tmp_path / f"{name}.csv" for name in names]
    for path, table in zip(from_csv, sample, strict=True):
        table.write_csv(path)
    (tmp_path / "out").mkdir()
    assert_same(expected, run(*from_parquet, tmp_path / "out"))
    assert_same(expected, run(*from_csv, tmp_path / "out"))


# Real data: every difference at once.


@pytest.fixture(scope="module")
def july(data: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        pl.read_csv(data.need("july2018/touchpoints_and_conversions.csv")),
        pl.read_csv(data.need("july2018/spend_daily.csv")),
    )


def run_july(events: pl.DataFrame, spend: pl.DataFrame, folder: Path, **more: Any) -> Outputs:
    split = at.split_events(events, columns=EVENTS)
    columns = {"spend": "cost", "date": "day"}
    return run(split.touchpoints, split.outcomes, spend, folder, columns=columns, **more)


@pytest.fixture(scope="module")
def july_expected(
    july: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Outputs:
    return run_july(*july, tmp_path_factory.mktemp("july"))


@pytest.mark.parametrize(("seed", "piece_rows"), list(enumerate(PIECES)), ids=str)
def test_real_rows_in_any_order_pieces_and_number_of_threads_give_the_same_bits(
    july: tuple[pl.DataFrame, pl.DataFrame],
    july_expected: Outputs,
    tmp_path: Path,
    seed: int,
    piece_rows: int,
) -> None:
    tables = shuffled(seed, *july)
    assert_same(july_expected, run_july(*tables, tmp_path, piece_rows=piece_rows, threads=1 + seed % 2))
