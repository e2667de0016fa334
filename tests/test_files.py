"""Files: tables are written whole or not at all, never over another content, and run no formula."""

from __future__ import annotations

import csv
import errno
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from attribution import OutputError, ParameterError, TableError, write_table
from attribution.errors import OutputExistsError
from attribution.tables import check_target, files

SUFFIXES = (".parquet", ".csv", ".json", ".xlsx")
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\rx", "{=1+1}", "=HYPERLINK(1)"]
HARMLESS = ["ads", "a=b", "1-2", "", " =x", "mail@home", "Café", "https://ads.example"]
NAMES = pl.DataFrame({"channel": [*FORMULAS, *HARMLESS, None], "leads": range(17)})
TABLE = pl.DataFrame({"channel": ["ads", "mail"], "leads": [1.5, -2.0]})


@pytest.fixture(params=SUFFIXES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a path to write to, in every format."""
    return tmp_path / f"table{request.param}"


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def sheet(path: Path) -> tuple[list[list[str]], list[str]]:
    """Return the cells of the first sheet of a workbook, as text, and its formulas."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        strings = [
            "".join(text.text or "" for text in item.iter(f"{{{space['x']}}}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iterfind("x:si", space)
        ]
        page = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in page.iterfind(".//x:row", space):
        cells = [(cell.get("t"), cell.findtext("x:v", "", space)) for cell in row.iterfind("x:c", space)]
        rows.append([strings[int(value)] if kind == "s" else value for kind, value in cells])
    return rows, [formula.text or "" for formula in page.iterfind(".//x:f", space)]


def test_a_table_comes_back_from_every_format(target: Path) -> None:
    assert write_table(TABLE, target) is True
    if target.suffix == ".parquet":
        assert_frame_equal(pl.read_parquet(target), TABLE)
    elif target.suffix == ".csv":
        assert_frame_equal(pl.read_csv(target), TABLE)
    elif target.suffix == ".json":
        assert json.loads(target.read_text()) == TABLE.to_dicts()
    else:
        assert sheet(target) == ([["channel", "leads"], ["ads", "1.5"], ["mail", "-2"]], [])


def test_formula_cells_are_escaped_in_csv(tmp_path: Path) -> None:
    write_table(NAMES, tmp_path / "names.csv")
    with (tmp_path / "names.csv").open(newline="", encoding="utf-8") as file:
        back = [row[0] for row in csv.reader(file)][1:]
    escaped = [name if name == "{=1+1}" else f"'{name}" for name in FORMULAS]
    assert back == [*escaped, *HARMLESS, ""]


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    write_table(NAMES, tmp_path / "names.xlsx")
    rows, formulas = sheet(tmp_path / "names.xlsx")
    assert not formulas
    texts = [row[0] for row in rows[1:] if row]
    assert texts[:5] == [f"'{name}" for name in FORMULAS[:5]]
    assert "{=1+1}" in texts


def test_parquet_and_json_hold_the_names_as_they_are(tmp_path: Path) -> None:
    write_table(NAMES, tmp_path / "names.parquet")
    write_table(NAMES, tmp_path / "names.json")
    assert_frame_equal(pl.read_parquet(tmp_path / "names.parquet"), NAMES)
    assert json.loads((tmp_path / "names.json").read_text()) == NAMES.to_dicts()


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["=1+1", "ads"])])
def test_formula_cells_of_any_text_type_are_escaped(dtype: pl.DataType, tmp_path: Path) -> None:
    write_table(pl.DataFrame({"channel": pl.Series(["=1+1", "ads"], dtype=dtype)}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "channel\n'=1+1\nads\n"


def test_lists_are_text_in_csv_and_lists_in_parquet(tmp_path: Path) -> None:
    table = pl.DataFrame({"channel": [["=1+1", "ads"], []], "age_days": [[1.5, 0.0], []]})
    write_table(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[:2] == ["channel,age_days", "'=1+1 > ads,1.5 > 0.0"]
    write_table(table, tmp_path / "a.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "a.parquet"), table)


def test_the_same_content_again_changes_nothing(target: Path) -> None:
    assert write_table(TABLE, target) is True
    before = target.stat()
    time.sleep(1.1 if target.suffix == ".xlsx" else 0)  # a workbook may carry the second of its making
    assert write_table(TABLE, target) is False
    assert write_table(TABLE, target, force=True) is False
    assert (target.stat().st_mtime_ns, target.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_another_content_is_kept_unless_forced(target: Path) -> None:
    target.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match=r"holds something else; pass --force") as caught:
        write_table(TABLE, target)
    assert caught.value.exit_code == 6
    assert str(target) in str(caught.value)
    assert target.read_bytes() == b"precious"
    assert write_table(TABLE, target, force=True) is True
    assert target.read_bytes() != b"precious"
    assert names(target.parent) == [target.name]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_disk_that_fills_up_leaves_what_was_there_and_nothing_else(
    target: Path, force: bool, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fills_up(_: pl.DataFrame, path: Path, *_more: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if there:
        target.write_bytes(b"precious")
    monkeypatch.setattr(files, "write", fills_up)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        write_table(TABLE, target, force)
    assert caught.value.exit_code == 7
    assert str(target) in str(caught.value)
    assert names(target.parent) == [target.name] * there
    assert not there or target.read_bytes() == b"precious"


@pytest.mark.parametrize("error", [KeyboardInterrupt, pl.exceptions.ComputeError, MemoryError])
def test_whatever_stops_the_writing_no_temporary_file_is_left(
    target: Path, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(_: pl.DataFrame, path: Path, *_more: object) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(files, "write", stops)
    with pytest.raises((error, OutputError)):
        write_table(TABLE, target)
    assert not names(target.parent)


def test_a_file_is_never_seen_half_written(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, seen = files.write, []

    def watched(table: pl.DataFrame, path: Path, *more: Any) -> None:
        whole(table, path, *more)
        seen.append((path.parent == target.parent, path != target, target.exists()))

    monkeypatch.setattr(files, "write", watched)
    write_table(TABLE, target)
    assert seen == [(True, True, False)]
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_refused_before_anything_is_written(target: Path) -> None:
    for path in (target.parent / "nowhere" / target.name, target.parent / "file" / target.name):
        (target.parent / "file").write_text("no folder")
        for refuse in (lambda path: write_table(TABLE, path), check_target):
            with pytest.raises(OutputError, match="does not exist or cannot be written to") as caught:
                refuse(path)
            assert caught.value.exit_code == 7
            assert str(path) in str(caught.value)
    assert names(target.parent) == ["file"]


def test_a_folder_in_the_place_of_the_file_is_refused(target: Path) -> None:
    target.mkdir()
    for force in (False, True):
        with pytest.raises(OutputError) as caught:
            write_table(TABLE, target, force)
        assert caught.value.exit_code == 7
    assert names(target.parent) == [target.name]


@pytest.mark.parametrize("name", ["table.xls", "table", "table.csv.gz", "table.pkl"])
def test_a_format_that_is_not_written_is_refused_with_those_that_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=r"\.parquet, \.csv, \.json, \.xlsx") as caught:
        write_table(TABLE, Path(name))
    assert f"got '{name}'" in str(caught.value)
    assert not names(tmp_path)


def test_a_format_that_needs_a_missing_extra_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ModuleNotFoundError("Excel export requires 'xlsxwriter' not found.", name="xlsxwriter")

    monkeypatch.setattr(pl.DataFrame, "write_excel", missing)
    with pytest.raises(OutputError, match="xlsxwriter"):
        write_table(TABLE, tmp_path / "table.xlsx")
    assert not names(tmp_path)


def test_an_output_that_is_an_input_is_refused_by_whatever_way_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "table.csv"
    source.write_text("x")
    (tmp_path / "link.csv").symlink_to(source)
    monkeypatch.chdir(tmp_path)
    for given in (source, "table.csv", "./table.csv", f"../{tmp_path.name}/table.csv", "link.csv"):
        with pytest.raises(OutputExistsError, match="also an input"):
            check_target(source, ["other.csv", given])
    check_target(source, ["other.csv"])


@pytest.mark.parametrize("pattern", ["*.csv", "tab*", "**/*.csv"])
def test_an_output_that_a_glob_of_inputs_matches_is_refused(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "table.csv"
    source.write_text("x")
    with pytest.raises((OutputExistsError, TableError), match="input"):
        check_target(source, [str(tmp_path / pattern)])
