"""Sources: every kind of frame and file gives the same checked table, and a damaged one says where."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import attribution as at
from attribution import Reading, TableError
from attribution.tables import Checked, Source, check_table

MOMENT = datetime(2026, 3, 5, 8, 30, 15, 123456, tzinfo=UTC)
FRAME = pl.DataFrame(
    {
        "customer_id": ["007", "b", None, "d", "e"],
        "timestamp": [MOMENT + timedelta(hours=hour) for hour in range(4)] + [None],
        "channel": ["ads", "mail, weekly", "ads", None, 'the "ads"'],
        "campaign": ["é", None, "a > b", "=1+1", "x"],
        "sequence": [1, 2, None, 4, 5],
        "other": [1.5, 2.5, 3.5, 4.5, 5.5],
    }
)
TEXT = FRAME.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))


def checked(source: Source, **more: Any) -> Checked:
    """Return the source as a checked table of touchpoints."""
    return check_table("touchpoints", source, **more)


def refusal(source: Source, **more: Any) -> str:
    """Return what is said where a source is refused."""
    with pytest.raises(TableError) as caught:
        checked(source, **more)
    return str(caught.value)


EXPECTED = checked(FRAME)


def to_duckdb(frame: pl.DataFrame) -> Any:
    """Return a DuckDB relation over the frame."""
    return duckdb.connect().from_arrow(frame.to_arrow())


class OnlyArrow:
    """A frame of no library, which hands out an Arrow stream."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, schema: object = None) -> object:
        """Return the stream."""
        return self.frame.__arrow_c_stream__(schema)


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "polars in many chunks": lambda frame: pl.concat([frame[row : row + 1] for row in range(len(frame))]),
    "polars lazy": pl.DataFrame.lazy,
    "pandas": lambda frame: frame.to_pandas(),
    "pandas of Arrow": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pyarrow table": pl.DataFrame.to_arrow,
    "pyarrow batches": lambda frame: frame.to_arrow().to_reader(),
    "DuckDB relation": to_duckdb,
    "any Arrow stream": OnlyArrow,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_gives_the_same_checked_table(kind: str) -> None:
    table = checked(FRAMES[kind](FRAME))
    assert_frame_equal(spelled(table.frame), EXPECTED.frame)
    assert table.reason.to_list() == EXPECTED.reason.to_list() == [None, None, "null_user", *TWO]
    assert (table.warnings, table.naive) == (EXPECTED.warnings, EXPECTED.naive) == ((), False)


TWO = ["null_channel", "bad_time"]


def csv(frame: pl.DataFrame, path: Path, sign: str = ",") -> None:
    """Write the frame as text."""
    frame.write_csv(path, separator=sign)


def packed(path: Path) -> None:
    """Write the text, compressed."""
    path.write_bytes(gzip.compress(TEXT.write_csv().encode()))


FILES: dict[str, Callable[[Path], None]] = {
    "table.parquet": FRAME.write_parquet,
    "table.pq": FRAME.write_parquet,
    "TABLE.PARQUET": FRAME.write_parquet,
    "table.csv": lambda path: csv(TEXT, path),
    "table.txt": lambda path: csv(TEXT, path),
    "table.tsv": lambda path: csv(TEXT, path, "\t"),
    "table.csv.gz": packed,
    "table.ndjson": TEXT.write_ndjson,
    "table.jsonl": TEXT.write_ndjson,
    "spaces and [brackets].csv": lambda path: csv(TEXT, path),
}


def spelled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with coded channels as text: a file decides how they come."""
    return frame.cast({pl.Categorical: pl.String})


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("as_path", [str, Path])
def test_every_file_gives_the_same_checked_table(
    name: str, as_path: Callable[[Path], Any], tmp_path: Path
) -> None:
    FILES[name](tmp_path / name)
    table = checked(as_path(tmp_path / name))
    assert_frame_equal(spelled(table.frame), EXPECTED.frame)
    assert table.reason.to_list() == EXPECTED.reason.to_list()
    assert table.where == f"touchpoints ({tmp_path / name})"


@pytest.mark.parametrize("kind", ["parquet", "csv", "ndjson"])
def test_a_glob_reads_its_files_in_order_of_name(kind: str, tmp_path: Path) -> None:
    for part, rows in (("b", slice(1, 3)), ("a", slice(1)), ("c", slice(3, 5))):
        frame = (FRAME if kind == "parquet" else TEXT)[rows]
        getattr(frame, f"write_{kind}")(tmp_path / f"part-{part}.{kind}")
    table = checked(str(tmp_path / f"part-*.{kind}"))
    assert_frame_equal(spelled(table.frame), EXPECTED.frame)
    assert table.where == f"touchpoints (3 files {tmp_path}/part-*.{kind})"


def test_a_glob_may_cross_folders(tmp_path: Path) -> None:
    for month in ("01", "02"):
        (tmp_path / month).mkdir()
        csv(TEXT, tmp_path / month / "rows.csv")
    assert checked(str(tmp_path / "**" / "*.csv")).count.read == 2 * len(FRAME)


def test_integer_ids_with_gaps_that_pandas_holds_as_floats_are_integers() -> None:
    frame = pandas.DataFrame(
        {"customer_id": [12, None, 7], "timestamp": [MOMENT] * 3, "channel": ["ads"] * 3}
    )
    assert frame["customer_id"].dtype == float
    table = checked(frame)
    assert table.frame["customer_id"].to_list() == [12, None, 7]
    assert table.count.set_aside == {"null_user": 1}
    outcomes = pl.DataFrame({"customer_id": [7, 12], "timestamp": [MOMENT] * 2})
    assert not at.stitch(frame, outcomes).report.unattributed


def test_whole_and_text_ids_of_two_tables_are_compared_as_text() -> None:
    touched = pl.DataFrame({"customer_id": ["7", "07"], "timestamp": [MOMENT] * 2, "channel": ["a", "b"]})
    ended = pl.DataFrame({"customer_id": [7], "timestamp": [MOMENT]})
    credits = at.attribute(at.stitch(touched, ended), at.Linear())["linear"]
    assert credits.values.tolist() == [[1.0], [0.0]]


def test_leading_zeros_of_ids_in_text_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("customer_id,timestamp,channel\n007,2026-03-05,ads\n7,2026-03-05,ads\n")
    assert checked(path).frame["customer_id"].to_list() == ["007", "7"]


@pytest.mark.parametrize("source", [None, 7, {"a": [1]}, [1, 2], object()], ids=lambda it: type(it).__name__)
def test_what_is_no_table_is_refused_with_its_type(source: Any) -> None:
    said = refusal(source)
    assert f"got {type(source).__name__}" in said
    assert "expected: a polars, pandas or pyarrow table, a DuckDB relation, or a path" in said


def test_a_column_alone_is_refused() -> None:
    for column in (FRAME["channel"], pandas.Series(["ads"], name="channel")):
        assert "customer_id" in refusal(column) or "Series" in refusal(column)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("nothing.csv", "nothing-*.parquet"):
        said = refusal(tmp_path / name)
        assert str(tmp_path / name) in said
        assert "no such file" in said


def test_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    for path in (tmp_path, folder):
        assert str(path) in refusal(path)


@pytest.mark.parametrize(
    "name", ["table.xlsx", "table.pkl", "table.pickle", "table.json", "table", "table.gz"]
)
def test_a_file_of_another_format_is_refused_by_its_suffix(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    said = refusal(tmp_path / name)
    assert f"touchpoints ({tmp_path / name})" in said
    assert "expected: Parquet, CSV or NDJSON" in said


def test_the_separator_can_be_declared(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    csv(TEXT, path, ";")
    assert_frame_equal(checked(path, reading=Reading(delimiter=";")).frame, EXPECTED.frame)


def test_files_of_one_glob_agree_by_name_and_not_by_place(tmp_path: Path) -> None:
    FRAME[:2].write_parquet(tmp_path / "a.parquet")
    FRAME[2:].select(reversed(FRAME.columns)).write_parquet(tmp_path / "b.parquet")
    assert_frame_equal(spelled(checked(tmp_path / "*.parquet").frame), EXPECTED.frame)


def test_columns_that_are_not_wanted_may_differ_between_the_files_of_a_glob(tmp_path: Path) -> None:
    FRAME[:2].write_parquet(tmp_path / "a.parquet")
    FRAME[2:].drop("other").with_columns(another=1).write_parquet(tmp_path / "b.parquet")
    assert_frame_equal(spelled(checked(tmp_path / "*.parquet").frame), EXPECTED.frame)


@pytest.mark.parametrize("kind", ["parquet", "csv", "ndjson"])
def test_a_column_that_is_empty_in_one_file_of_a_glob_is_no_difference(kind: str, tmp_path: Path) -> None:
    for part, rows in (("a", FRAME[4:]), ("b", FRAME[:2])):
        times = rows["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        empty = pl.Series("timestamp", [None], dtype=pl.Null)
        frame = rows.with_columns(empty if part == "a" else times)
        getattr(frame, f"write_{kind}")(tmp_path / f"{part}.{kind}")
    table = checked(tmp_path / f"*.{kind}")
    assert table.reason.to_list() == ["bad_time", None, None]


def test_a_column_that_begins_late_in_a_file_of_lines_is_read(tmp_path: Path) -> None:
    frame = pl.concat([TEXT[:2]] * 100)
    lines = (
        frame.drop("campaign").write_ndjson() + TEXT[1:2].with_columns(campaign=pl.lit("late")).write_ndjson()
    )
    (tmp_path / "table.ndjson").write_text(lines)
    table = checked(tmp_path / "table.ndjson")
    assert table.count.read == 201
    assert table.frame["campaign"].drop_nulls().to_list() == ["late"]


def test_a_file_is_read_by_its_name_even_where_that_is_a_pattern(tmp_path: Path) -> None:
    csv(TEXT, tmp_path / "rows [1].csv")
    csv(TEXT[:1], tmp_path / "rows 1.csv")
    assert checked(tmp_path / "rows [1].csv").count.read == len(FRAME)


@pytest.mark.parametrize("offset", [(1 << 20) - 2, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_first_byte_that_is_not_utf8_is_found_beyond_the_first_block(offset: int, tmp_path: Path) -> None:
    head = b"customer_id,timestamp,channel\na,2026-03-05,\xc3\xa9"
    body = head + b"x" * (offset - len(head) - 2) + "é".encode()
    path = tmp_path / "table.csv"
    path.write_bytes(body + b"\xe9,\n")
    assert f"first seen at byte {len(body):,}" in refusal(path)


def test_a_compressed_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    text = b"customer_id,timestamp,channel\na,2026-03-05,Caf\xe9\n"
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(text))
    assert f"first seen at byte {text.index(0xE9):,}" in refusal(path)


@given(data=st.data())
def test_a_file_cut_or_changed_anywhere_is_read_or_refused_and_never_breaks(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from([name for name in FILES if "[" not in name]))
    path = tmp_path_factory.mktemp("files") / name
    FILES[name](path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(TableError):
        assert checked(path).count.lost == 0
