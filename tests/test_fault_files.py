"""The matrix of faults, files: ragged rows, open quotes, pickles, bombs, mixed ids, files in motion."""

from __future__ import annotations

import gzip
import io
import os
import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_faults import Folder, fault_of, outcomes, report_of, touchpoints

import attribution as at
from attribution import Reading, TableError
from attribution.tables import RowCount, check_table, contents, records, sources
from attribution.tables.sources import read

HEADER = "customer_id,timestamp,channel\n"
GOOD = "a,2026-03-01T08:00:00Z,ads\n"
SHORT = "b,2026-03-02T08:00:00Z\n"
LONG = "c,2026-03-03T08:00:00Z,mail,weekly\n"
LATER, LAST = GOOD.replace("03-01", "03-02"), GOOD.replace("03-01", "03-03")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty folder."""
    return Folder(tmp_path)


# Row 5.


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.txt"])
def test_row_05_ragged_rows_are_set_aside_at_their_place_and_the_others_keep_theirs(
    name: str, folder: Folder
) -> None:
    text = (HEADER + GOOD + SHORT + LATER + LONG + LAST).encode()
    path = folder.put(name, gzip.compress(text) if name.endswith(".gz") else text)
    checked = check_table("touchpoints", path)
    assert checked.count == RowCount(5, 3, {"ragged_row": 2})
    assert checked.rejected.rows() == [("touchpoints", 1, "ragged_row"), ("touchpoints", 3, "ragged_row")]
    assert checked.frame["customer_id"].to_list() == ["a", None, "a", None, "a"]
    assert checked.used["row"].to_list() == [0, 2, 4]
    assert report_of(path).tables["touchpoints"].set_aside == {"ragged_row": 2}
    ran = folder.run(*folder.attribute(path))
    assert ran.code == 0
    assert "touchpoints: 5 rows read, 3 used" in ran.err
    for part in (
        f"warning: touchpoints ({path}): 2 rows without the 3 cells of the header",
        "are set aside as ragged_row",
        f"line 3: {SHORT.strip()!r}",
        f"line 5: {LONG.strip()!r}",
        "correct the export, or put cells that hold ',' into quotes",
    ):
        assert part in ran.err


@pytest.mark.parametrize("rows", [SHORT, LONG, GOOD + SHORT, LONG + GOOD, GOOD + LONG.strip(), SHORT.strip()])
def test_row_05_short_rows_and_long_rows_alone_are_found_wherever_they_are(rows: str, folder: Folder) -> None:
    checked = check_table("touchpoints", folder.put("t.csv", HEADER + rows))
    assert checked.count.read == len(rows.splitlines())
    assert checked.count.set_aside == {"ragged_row": len(rows.splitlines()) - rows.count(GOOD.strip())}


def test_row_05_a_short_and_a_long_row_do_not_make_up_for_each_other(folder: Folder) -> None:
    assert check_table("touchpoints", folder.put("t.csv", HEADER + SHORT + LONG)).count.used == 0


def test_row_05_a_long_row_is_found_even_where_its_last_columns_are_not_read(folder: Folder) -> None:
    more = HEADER.replace("\n", ",x,y\n") + GOOD.replace("\n", ",1,2\n") + GOOD.replace("\n", ",1,2,3\n")
    assert check_table("touchpoints", folder.put("t.csv", more)).count == RowCount(2, 1, {"ragged_row": 1})


def test_row_05_empty_cells_at_the_end_of_a_row_are_no_fault(folder: Folder) -> None:
    path = folder.put("t.csv", HEADER.replace("\n", ",kind\n") + GOOD.replace("\n", ",\n") * 3)
    assert check_table("touchpoints", path).count == RowCount(3, 3)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_row_05_blank_lines_are_no_rows(end: str, folder: Folder) -> None:
    text = f"\n{HEADER}\n{GOOD}\n\n{GOOD}{SHORT}\n{GOOD}\n\n".replace("\n", end)
    checked = check_table("touchpoints", folder.put("t.csv", text))
    assert checked.count == RowCount(4, 3, {"ragged_row": 1})
    assert checked.rejected["row"].to_list() == [2]


def test_row_05_cells_with_separators_line_ends_and_quotes_within_quotes_are_whole(folder: Folder) -> None:
    text = HEADER + 'a,2026-03-01T08:00:00Z,"x, ""y""\nz"\n' + SHORT + 'c,2026-03-01T08:00:00Z,12" or 13"\n'
    checked = check_table("touchpoints", folder.put("t.csv", text))
    assert checked.rejected["reason"].to_list() == ["control_char", "ragged_row"]
    assert checked.frame["channel"].to_list() == ['x, "y"\nz', None, '12" or 13"']


def test_row_05_another_separator_has_ragged_rows_as_well(folder: Folder) -> None:
    text = (HEADER + GOOD + SHORT).replace(",", ";")
    path = folder.put("t.csv", text)
    report = report_of(path, reading=Reading(delimiter=";"))
    assert report.tables["touchpoints"].set_aside == {"ragged_row": 1}
    assert "put cells that hold ';' into quotes" in report.warnings[0]


def test_row_05_the_rows_of_a_glob_are_numbered_throughout(folder: Folder) -> None:
    folder.put("part-1.csv", HEADER + GOOD + LONG)
    folder.put("part-2.csv", HEADER + GOOD)
    folder.put("part-3.csv", HEADER + SHORT + GOOD)
    checked = check_table("touchpoints", folder.path / "part-*.csv")
    assert checked.rejected.rows() == [("touchpoints", 1, "ragged_row"), ("touchpoints", 3, "ragged_row")]
    assert [warning.split(":")[0] for warning in checked.warnings] == [
        f"touchpoints ({folder.path}/part-{part}.csv)" for part in (1, 3)
    ]


def test_row_05_a_source_that_is_read_whole_has_its_ragged_rows_as_nulls(folder: Folder) -> None:
    source = read(folder.put("t.csv", HEADER + SHORT + GOOD), "credits", None, ",")
    assert source.ragged == (0,)
    assert source.frame.rows()[0] == (None, None, None)
    assert source.columns == tuple(HEADER.strip().split(","))


def test_row_05_a_credits_table_with_ragged_rows_is_refused(folder: Folder) -> None:
    spend = folder.put("s.csv", "channel,spend\nads,1\n")
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\nlinear,ads\n")
    command = ("measure", credits, "--spend", spend, "--out", folder.path / "out.csv")
    folder.refuses(
        *command, says=[f"credits ({credits})", "'ragged_row': 1", "(1 rows)", "row 1", "write the table"]
    )


@pytest.mark.parametrize("size", [1, 7, 64])
def test_row_05_rows_are_found_across_blocks(
    size: int, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK", size)
    quoted = 'a,2026-03-01T08:00:00Z,"a\n""b"""\r\n'
    text = HEADER + "\n".join(f"{quoted}{SHORT}\n{LONG}" for _ in range(20))
    checked = check_table("touchpoints", folder.put("t.csv", text))
    assert checked.count == RowCount(60, 0, {"ragged_row": 40, "control_char": 20})
    assert "line 4: " in checked.warnings[0]


# Row 6.


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("rest", ["", GOOD, GOOD * 3 + 'd,2026-03-01T08:00:00Z,"x"\n'])
def test_row_06_a_quote_that_is_not_closed_is_refused_with_its_line(
    rest: str, name: str, folder: Folder
) -> None:
    text = (HEADER + GOOD + 'b,2026-03-02T08:00:00Z,"ads\n' + rest).encode()
    path = folder.put(name, gzip.compress(text) if name.endswith(".gz") else text)
    says = [
        f"touchpoints ({path}): line 3: a quote opens in it that does not close where a cell ends",
        "'b,2026-03-02T08:00:00Z,\"ads'",
        "what to do: close the quote, or double it",
    ]
    folder.refuses(*folder.attribute(path), says=says)
    fault = fault_of(path)
    assert fault.got.startswith("line 3: ")
    assert len(fault.examples) == 1


def test_row_06_a_quote_that_never_closes_is_refused_before_all_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "BLOCK", 100)
    monkeypatch.setattr(records, "LONGEST", 1_000)
    file = io.BytesIO((HEADER + GOOD + 'b,2026-03-02T08:00:00Z,"ads\n' + GOOD * 1_000).encode())
    with pytest.raises(TableError, match="line 3: a quote opens"):
        list(records.blocks(file, ord(","), "t.csv"))
    assert file.tell() < 5_000


@pytest.mark.parametrize("cell", ['x"y', '"x"y', '"x" ', 'x "a,b"', 'x"a\nb"'])
def test_row_06_a_quote_that_readers_understand_in_different_ways_is_refused(
    cell: str, folder: Folder
) -> None:
    text = HEADER + GOOD + GOOD.replace("ads", cell) + GOOD
    folder.refuses(*folder.attribute(folder.put("t.csv", text)), says=["t.csv", "line 3: a quote opens"])


def test_row_06_a_line_end_within_quotes_is_part_of_the_cell(folder: Folder) -> None:
    path = folder.put(
        "t.csv", HEADER.replace("\n", ",campaign\n") + GOOD.replace("\n", ',"x\r\ny"\n') + GOOD * 0
    )
    checked = check_table("touchpoints", path)
    assert checked.count == RowCount(1, 1)
    assert checked.frame["campaign"].to_list() == ["x\r\ny"]


@pytest.mark.parametrize(
    "text", [(HEADER + GOOD * 3).replace("\n", "\r"), HEADER + GOOD.replace("ads", "a\rds")]
)
def test_row_06_carriage_returns_that_may_or_may_not_end_a_line_are_refused(
    text: str, folder: Folder
) -> None:
    path = folder.put("t.csv", text)
    says = [path, "line ", "a carriage return without a line feed", "write the line ends anew"]
    folder.refuses(*folder.attribute(path), says=says)


# Row 43.


class Trap:
    """What writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "name", ["t.pkl", "t.pickle", "t.parquet", "t.csv", "t.csv.gz", "t.ndjson", "t.pkl.gz"]
)
def test_row_43_a_pickle_is_refused_and_never_loaded(name: str, protocol: int, folder: Folder) -> None:
    trap = folder.path / "trap"
    content = pickle.dumps(Trap(trap), protocol)
    path = folder.put(name, gzip.compress(content) if name.endswith(".gz") else content)
    err = folder.refuses(*folder.attribute(path), says=[f"touchpoints ({path})", "what to do: "])
    assert not trap.exists()
    if protocol >= 2 or ".p" in name.replace(".parquet", ""):
        assert "a pickle, which can run code and is never loaded" in err
        assert "DataFrame.to_parquet" in err


def test_row_43_yaml_is_no_table(folder: Folder) -> None:
    text = "!!python/object/apply:os.mkdir [trap]\n"
    path = folder.put("t.yaml", text)
    folder.refuses(*folder.attribute(path), says=[path, "unknown suffix '.yaml'", "Parquet, CSV or NDJSON"])
    path = folder.put("t.csv", text)
    folder.refuses(*folder.attribute(path), says=[path, "what to do: "])


# Row 44.


@pytest.mark.parametrize("name", ["t.csv.gz", "t.ndjson.gz"])
def test_row_44_a_gzip_bomb_is_refused_before_it_is_unpacked(
    name: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "LARGE", 1_000_000)
    path = folder.put(name, gzip.compress(HEADER.encode() + b"a" * 60_000_000))
    size = path.stat().st_size
    written: list[int] = []
    check = contents.check_ratio
    monkeypatch.setattr(
        contents, "check_ratio", lambda many, *more: (written.append(many), check(many, *more))
    )
    (fault,) = (fault_of(path),)
    assert fault.got.startswith(f"the file has {size:,} bytes and unpacks to at least ")
    assert max(written) <= contents.RATIO * size + contents.STEP < 60_000_000
    says = [f"touchpoints ({path})", f"{size:,} bytes", "200 times", "unpack it yourself"]
    folder.refuses(*folder.attribute(path), says=says)


def test_row_44_a_file_that_packs_well_is_read_as_long_as_it_is_not_large(folder: Folder) -> None:
    path = folder.put("t.csv.gz", gzip.compress((HEADER + GOOD * 20_000).encode()))
    assert contents.RATIO * path.stat().st_size < len(GOOD) * 20_000
    assert check_table("touchpoints", path).count == RowCount(20_000, 20_000)


def test_row_44_gzip_within_gzip_and_archives_are_refused_by_format(folder: Folder) -> None:
    text = gzip.compress((HEADER + GOOD).encode())
    book = b"PK\x03\x04" + bytes(50)
    for name, content, kind in (
        ("t.csv.gz", gzip.compress(text), "gzip packed within gzip"),
        ("t.csv", text, "gzip by its first bytes"),
        ("t.ndjson", text, "gzip by its first bytes"),
        ("t.parquet", text, "gzip by its first bytes"),
        ("u.csv", book, "zip (or a workbook) by its first bytes"),
        ("v.csv", folder.put("v.parquet", touchpoints()).read_bytes(), "Parquet by its first bytes"),
    ):
        path = folder.put(name, content)
        says = [f"touchpoints ({path}): the file is {kind}", "what to do: unpack or convert the file"]
        folder.refuses(*folder.attribute(path), says=says)


def bomb(rows: int, group: int) -> bytes:
    """Return a Parquet file of a constant, which takes next to no place."""
    file = io.BytesIO()
    pl.select(pl.repeat("a", rows).alias("customer_id")).write_parquet(file, row_group_size=group)
    return file.getvalue()


def test_row_44_a_parquet_file_of_absurdly_many_rows_is_refused(folder: Folder) -> None:
    path = folder.put("t.parquet", bomb(3_000_000, 3_000_000))
    size = path.stat().st_size
    assert size < 30_000
    says = [f"touchpoints ({path}): the file has {size:,} bytes and declares 3,000,000 rows", "write it anew"]
    folder.refuses(*folder.attribute(path), says=says)


def test_row_44_a_parquet_file_that_unpacks_absurdly_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "LARGE", 1_000_000)
    path = folder.put("t.parquet", touchpoints(channel=["a" * 9_000_000] * 3))
    says = [f"touchpoints ({path})", f"{path.stat().st_size:,} bytes and unpacks to", "unpack it yourself"]
    folder.refuses(*folder.attribute(path), says=says)


# Row 45.


@pytest.mark.parametrize("at_end", [8, 9, 100])
def test_row_45_a_parquet_file_with_a_footer_of_another_length_is_refused(
    at_end: int, folder: Folder
) -> None:
    content = bytearray(folder.put("t.parquet", touchpoints()).read_bytes())
    content[-8:-4] = (len(content) + at_end).to_bytes(4, "little")
    path = folder.put("t.parquet", bytes(content))
    says = [f"touchpoints ({path}): cannot be read ({len(content):,} bytes)", "copied in full"]
    folder.refuses(*folder.attribute(path), says=says)


def test_row_45_damage_within_a_page_is_refused_and_does_not_end_the_process(folder: Folder) -> None:
    content = folder.put("t.parquet", touchpoints()).read_bytes()
    refused = 0
    for place in range(4, len(content) - 8, 3):
        path = folder.put("t.parquet", content[:place] + b"\xff\xff\xff" + content[place + 3 :])
        try:
            assert check_table("touchpoints", path).count.read == 3
        except TableError as refusal:
            refused += str(path) in str(refusal)
    assert refused > 100


# Row 48.


def test_row_48_integer_ids_of_parquet_stay_integers_and_those_of_csv_are_text(folder: Folder) -> None:
    whole_ids = check_table("touchpoints", folder.put("t.parquet", touchpoints(customer_id=[7, 7, 42])))
    assert whole_ids.frame["customer_id"].to_list() == [7, 7, 42]
    text = check_table("touchpoints", folder.put("t.csv", touchpoints(customer_id=["007", "7", "42"])))
    assert text.frame["customer_id"].to_list() == ["007", "7", "42"]


@pytest.mark.parametrize("first", [0, 1])
def test_row_48_integers_and_text_in_the_files_of_a_glob_are_text_with_a_warning(
    first: int, folder: Folder
) -> None:
    parts = [touchpoints(customer_id=[7, 7, 42]), touchpoints(customer_id=["007", "8", "a"])]
    folder.put("part-1.parquet", parts[first])
    folder.put("part-2.parquet", parts[1 - first])
    source = folder.path / "part-*.parquet"
    checked = check_table("touchpoints", source)
    assert sorted(checked.frame["customer_id"]) == ["007", "42", "7", "7", "8", "a"]
    where = f"touchpoints (2 files {source}), column 'customer_id'"
    (warning,) = checked.warnings
    assert warning.startswith(f"{where}: 1 files hold integers and 1 hold text; all are read as text")
    ended = folder.put("o.parquet", outcomes(customer_id=[7]))
    ran = folder.run(*folder.attribute(source, ended))
    assert ran.code == 0
    assert f"warning: {where}" in ran.err
    assert "write the column with one type" in ran.err
    assert at.stitch(source, ended).report.tables["touchpoints"].used == 6


def test_row_48_ids_of_a_mapped_name_are_ids(folder: Folder) -> None:
    for part, ids in enumerate(([1, 2, 3], ["a", "b", "c"])):
        folder.put(f"part-{part}.parquet", touchpoints(customer_id=ids).rename({"customer_id": "visitor"}))
    checked = check_table("touchpoints", folder.path / "part-*.parquet", columns={"customer_id": "visitor"})
    assert len(checked.warnings) == 1


def test_row_48_numbers_and_text_in_a_column_that_is_no_id_are_a_difference(folder: Folder) -> None:
    folder.put("part-1.parquet", touchpoints(sequence=[1, 2, 3]))
    second = folder.put("part-2.parquet", touchpoints(sequence=["1", "2", "3"]))
    says = [f"touchpoints ({second}), column 'sequence'", "sequence: String here, Int64 there"]
    folder.refuses(*folder.attribute(folder.path / "part-*.parquet"), says=says)


# Row 56.


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.ndjson"])
@pytest.mark.parametrize("how", ["grows", "is touched", "is cut", "is removed"])
def test_row_56_a_file_that_changes_while_it_is_read_is_refused(
    name: str, how: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = touchpoints()
    content = {
        "t.csv": frame.write_csv().encode(),
        "t.csv.gz": gzip.compress(frame.write_csv().encode()),
        "t.parquet": folder.put("u.parquet", frame).read_bytes(),
        "t.ndjson": frame.write_ndjson().encode(),
    }[name]
    path = folder.put(name, content)
    decoded = sources.decoded

    def changing(*arguments: Any) -> sources.Read:
        """Read the file after someone else wrote to it."""
        if how == "is removed":
            path.unlink()
        elif how == "is touched":
            os.utime(path, ns=(0, 0))
        else:
            path.write_bytes(content + content if how == "grows" else content[:-9])
        return decoded(*arguments)

    monkeypatch.setattr(sources, "decoded", changing)
    with pytest.raises(TableError) as caught:
        check_table("touchpoints", path)
    (fault,) = caught.value.faults
    assert fault.where == f"touchpoints ({path})"
    assert fault.got.startswith(f"the file changed while it was read: {len(content):,} bytes before")
    assert fault.remedy == "wait until it is complete, or read a copy of it"
