"""Seals: no byte of a file that was written here changes unseen, and no other file is taken for one."""

from __future__ import annotations

import contextlib
import importlib
import tracemalloc
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution.errors import TableError
from attribution.tables import check_seal, write_rows, write_table

ABOUT = {"table": "credit_log", "outcomes": ["leads"]}
HOSTILE = [
    "attribution.sha256",
    "attribution.version",
    "attribution.about",
    "unsealed" * 8,
    "\x18\x12attribution.sha256\x18@" + "unsealed" * 8,
    "\x18\x13attribution.version\x18\x011",
]


def small() -> pl.DataFrame:
    """Return a table whose file is about as small as such files get."""
    return pl.DataFrame({"a": [7]})


def frame(names: list[str]) -> pl.DataFrame:
    """Return a table of channels."""
    return pl.DataFrame(
        {"channel": names, "leads": range(len(names))}, schema={"channel": pl.String, "leads": pl.Float64}
    )


def written(table: pl.DataFrame, path: Path, way: str, about: dict[str, Any] = ABOUT) -> Path:
    """Write the table in one of the two ways there are."""
    if way == "whole":
        write_table(table, path, about=about)
    else:
        write_rows(iter([table]), path, about)
    return path


WAYS = pytest.mark.parametrize("way", ["whole", "streamed"])


@WAYS
def test_a_file_as_it_was_written_says_what_it_is(way: str, tmp_path: Path) -> None:
    path = written(frame(["ads"]), tmp_path / "a.parquet", way)
    assert check_seal(path, "file") == ABOUT
    assert_frame_equal(pl.read_parquet(path), frame(["ads"]))


def test_row_46_every_flipped_bit_is_found(tmp_path: Path) -> None:
    content = written(small(), tmp_path / "whole.parquet", "whole", {}).read_bytes()
    unseen, path = [], tmp_path / "flipped.parquet"
    path.write_bytes(content)
    with path.open("r+b", buffering=0) as file:
        for bit in range(8 * len(content)):
            place, one = bit // 8, 1 << bit % 8
            file.seek(place)
            file.write(bytes([content[place] ^ one]))
            with contextlib.suppress(TableError):
                unseen.append((bit, check_seal(path, "file")))
            file.seek(place)
            file.write(content[place : place + 1])
    assert unseen == []
    assert check_seal(path, "file") == {}


def test_flipped_bits_of_a_streamed_file_are_found(tmp_path: Path) -> None:
    path = written(frame(["ads", "mail"]), tmp_path / "a.parquet", "streamed")
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 13):  # every place, and in turn each bit of it
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(TableError):
            check_seal(path, "file")


@WAYS
def test_every_truncation_is_found(way: str, tmp_path: Path) -> None:
    path = written(small(), tmp_path / "a.parquet", way)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(TableError, match="expected: a complete"):
            check_seal(path, "file")


@pytest.mark.parametrize("more", [b"\0", b"PAR1", b"\0" * 8, b"\0\0\0\0PAR1"])
@pytest.mark.parametrize("at_end", [False, True])
def test_bytes_that_were_added_are_found(more: bytes, at_end: bool, tmp_path: Path) -> None:
    path = written(small(), tmp_path / "a.parquet", "whole")
    content = path.read_bytes()
    path.write_bytes(content + more if at_end else more + content)
    with pytest.raises(TableError):
        check_seal(path, "file")


def test_two_sealed_files_one_after_the_other_are_none(tmp_path: Path) -> None:
    path = written(small(), tmp_path / "a.parquet", "whole")
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(TableError, match="checksum differs"):
        check_seal(path, "file")


def test_another_version_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(small(), tmp_path / "a.parquet", "whole")
    monkeypatch.setattr(seal_module(), "VERSION", "2")
    with pytest.raises(
        TableError, match="written in version '1' of the file format\n  expected: version '2'"
    ):
        check_seal(path, "file")


def seal_module() -> Any:
    """Return the module (the package has a function of its name as well)."""
    return importlib.import_module("attribution.tables.seal")


@WAYS
@pytest.mark.parametrize("names", [[], HOSTILE, *([name] for name in HOSTILE), HOSTILE * 300])
def test_text_in_a_sealed_file_is_no_seal(names: list[str], way: str, tmp_path: Path) -> None:
    about = {"table": "credits", "said": HOSTILE}
    path = written(frame(names), tmp_path / "a.parquet", way, about)
    assert check_seal(path, "file") == about
    assert_frame_equal(pl.read_parquet(path, glob=False), frame(names))
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    with pytest.raises(TableError, match="checksum differs"):
        check_seal(path, "file")


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
@pytest.mark.parametrize(
    "names", [["ads"], [], HOSTILE, *([name] for name in HOSTILE), HOSTILE[:2], HOSTILE[:3]]
)
def test_a_foreign_file_has_no_seal(names: list[str], compression: Any, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "foreign.parquet"
    frame(names).write_parquet(path, compression=compression)
    assert check_seal(path, "file") is None
    frame(names).write_parquet(path, compression=compression, metadata={"attribution": "theirs"})
    assert check_seal(path, "file") is None
    pq.write_table(frame(names).to_arrow(), path, compression="NONE", use_dictionary=False)
    assert check_seal(path, "file") is None


def test_a_foreign_file_that_holds_a_sealed_one_has_no_seal(tmp_path: Path) -> None:
    sealed = written(small(), tmp_path / "a.parquet", "whole").read_bytes()
    outer = tmp_path / "outer.parquet"
    pl.DataFrame({"file": [sealed]}).write_parquet(outer, compression="uncompressed", statistics=False)
    assert sealed in outer.read_bytes()
    assert check_seal(outer, "file") is None


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"PAR1", b"PAR1PAR1", b"a,b\n1,2\n", b"PAR1\xff\xff\xff\xffPAR1"):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(TableError, match="cannot be read"):
            check_seal(tmp_path / "a.parquet", "file")


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    numbers = pl.Series("n", range(2_000_000), dtype=pl.Int64).shuffle(seed=1)
    path = written(numbers.to_frame(), tmp_path / "a.parquet", "whole")
    assert path.stat().st_size > 4_000_000
    check_seal(path, "file")  # imports are not counted
    tracemalloc.start()
    check_seal(path, "file")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize("what", ["credits", "log"])
def test_row_46_a_damaged_file_is_never_measured(what: str, tmp_path: Path) -> None:
    journeys = at.from_paths(pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]}))
    credits, path = at.attribute(journeys, at.Linear()), tmp_path / "a.parquet"
    if what == "log":
        at.credit_log(journeys, credits).write(path)
    else:
        write_table(credits.table(), path, about={"table": "credits"})
    spend = pl.DataFrame({"channel": ["ads"], "spend": [3.0]})
    assert at.measure(path, spend).table()["conversions"].to_list() == [2.0, 1.0, 0.0, 3.0]
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 4
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"checksum differs|cannot be read"):
        at.measure(path, spend)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_row_46_damaged_journeys_are_never_attributed(place: float, tmp_path: Path) -> None:
    sample = at.sample.load()
    path = tmp_path / "journeys.parquet"
    at.write_table(at.stitch(sample.touchpoints, sample.leads).table(), path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"journeys\.parquet") as caught:
        at.from_journeys(path)
    assert "checksum differs" in str(caught.value)
    assert "make it anew" in str(caught.value)
