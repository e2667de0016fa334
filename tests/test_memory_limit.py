"""Memory limit: what does not fit lies in files without names; no digit changes, nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution.stitching import buffers as places
from attribution.stitching.buffers import InFile, InMemory
from attribution.tables.memory import MEGABYTE, limited_to, size_of


@pytest.fixture
def tables() -> at.sample.Sample:
    return at.sample.load()


def written(tables: at.sample.Sample, folder: Path) -> tuple[Path, Path]:
    """Return the touchpoints in small row groups, and the outcomes."""
    paths = folder / "touchpoints.parquet", folder / "outcomes.parquet"
    tables[0].write_parquet(paths[0], row_group_size=1_500)
    tables[1].write_parquet(paths[1])
    return paths


def credits_of(*sources: object, **options: object) -> dict[str, bytes]:
    result = at.attribute(at.stitch(*sources, **options))
    return {name: each.values.tobytes() for name, each in result.items()}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("2 GiB", 2 << 30),
        ("1.5gb", 15 * 10**8),
        ("300", 300),
        (300, 300),
        ("7TB", 7 * 10**12),
    ],
)
def test_a_size_is_read_as_it_is_written(text: str | int, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "2 apples", "-1GB", "0", 0, "1e9", "GB", "1,5GB", "٣GB", True])
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(at.ParameterError, match=r"'memory_limit': got .* expected a size such as 2GB"):
        at.stitch(*at.sample.load()[:2], memory_limit=text)


def test_files_hold_what_memory_holds(
    tables: at.sample.Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = written(tables, tmp_path)
    expected = credits_of(*paths)
    made: list[InFile] = []

    class Watched(InFile):
        def __post_init__(self) -> None:
            super().__post_init__()
            made.append(self)

    monkeypatch.setattr(places, "InFile", Watched)
    monkeypatch.setattr(places, "available", lambda: (10**9, "a test"))
    monkeypatch.setattr("attribution.stitching.touchpoints.READING", 10**9 // (2 * len(tables[0])))
    monkeypatch.setattr("attribution.stitching.touchpoints.ASSEMBLING", 0)
    assert credits_of(*paths) == expected
    assert len(made) >= 3  # customer, time, channel
    assert not list(Path(tempfile.gettempdir()).glob("*attribution*"))


def test_a_limit_that_is_too_small_says_what_is_needed(tables: at.sample.Sample, tmp_path: Path) -> None:
    with pytest.raises(
        at.TableError, match=r"needs about 3\d\d MB of memory, 0 MB are free \(memory_limit\)"
    ):
        at.stitch(*written(tables, tmp_path), memory_limit="20MB")


def test_what_is_at_work_has_to_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "available", lambda: (10 * MEGABYTE, "memory_limit"))
    with pytest.raises(
        at.OutputError, match=r"touchpoints: got 10 MB \(memory_limit\), expected about 20 MB"
    ):
        places.buffers({"customer": np.dtype(np.uint64)}, 10, 20 * MEGABYTE)


def test_text_that_does_not_fit_is_refused_before_it_is_read(
    tables: at.sample.Sample, tmp_path: Path
) -> None:
    path = tmp_path / "touchpoints.csv"
    tables[0].write_csv(path)
    with pytest.raises(at.TableError, match=r"\(memory_limit\)"):
        at.stitch(path, tables[1], memory_limit="50MB")


def test_the_limit_is_that_of_one_call() -> None:
    with limited_to("1MB"):
        pass
    assert at.stitch(*at.sample.load()[:2]).report


@pytest.mark.parametrize("ending", ["at its end", "by an error", "killed"])
def test_no_file_is_left_behind(ending: str, tmp_path: Path) -> None:
    code = (
        "import os, numpy as np\n"
        "from attribution.stitching.buffers import InFile\n"
        "column = InFile(np.dtype(np.int64))\n"
        "column.keep((0, 1000), np.arange(1000))\n"
        "assert column.read([(10, 12), (0, 1)]).tolist() == [10, 11, 0]\n"
        + {"at its end": "", "by an error": "raise SystemExit(3)", "killed": "os.kill(os.getpid(), 9)"}[
            ending
        ]
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "available", lambda: (MEGABYTE, "memory of the machine"))
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: SimpleNamespace(free=MEGABYTE))
    with pytest.raises(at.OutputError, match=r"expected about 7,629 MB of disk; what to do: .* TMPDIR"):
        places.buffers({"customer": np.dtype(np.uint64)}, 10**9, 0)


def test_columns_stay_in_memory_while_they_fit() -> None:
    columns = places.buffers({"customer": np.dtype(np.uint64), "channel": np.dtype(np.uint16)}, 100, 0)
    assert [type(column) for column in columns.values()] == [InMemory, InMemory]
    assert columns["channel"].room((10, 30)).dtype == np.uint16
    assert pl.Series(columns["customer"].read([(0, 5), (90, 100)])).len() == 15
