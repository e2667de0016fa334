"""The matrix of bad inputs and faults: each row is refused, set aside and counted, warned of, or defined."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_cli import Ran, attribution

import attribution as at
from attribution import ParameterError, Reading, TableError
from attribution.errors import Fault, OutputExistsError
from attribution.tables import Checked, RowCount, check_table

TOUCHPOINTS = {
    "customer_id": ["a", "a", "b"],
    "timestamp": ["2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z"],
    "channel": ["ads", "mail", "ads"],
}
OUTCOMES = {"customer_id": ["a"], "timestamp": ["2026-03-04T08:00:00Z"], "leads": ["1"]}
NAMED = re.compile(r"def test_rows?_((?:\d\d_)+)")
MODELS = (at.FirstTouch(), at.Linear(), at.Markov(), at.Shapley())


def touchpoints(**columns: Any) -> pl.DataFrame:
    """Return touchpoints with some columns replaced, added or (None) left out."""
    return pl.DataFrame({k: v for k, v in (TOUCHPOINTS | columns).items() if v is not None})


def outcomes(**columns: Any) -> pl.DataFrame:
    """Return outcomes with some columns replaced, added or (None) left out."""
    return pl.DataFrame({k: v for k, v in (OUTCOMES | columns).items() if v is not None})


@dataclass(frozen=True)
class Folder:
    """A folder with the inputs of a run, in which nothing else may come to lie."""

    path: Path
    inputs: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, content: str | bytes | pl.DataFrame) -> Path:
        """Write an input."""
        path = self.path / name
        if isinstance(content, pl.DataFrame):
            getattr(content, f"write_{path.suffix[1:]}")(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.inputs[name] = path.read_bytes()
        return path

    def run(self, *arguments: object) -> Ran:
        """Run the command; nothing may be written but out.csv."""
        ran = attribution(*arguments)
        assert "Traceback" not in ran.err
        found = {path.name: path.read_bytes() for path in self.path.iterdir()}
        found.pop("out.csv", None)
        assert found == self.inputs
        return ran

    def refuses(self, *arguments: object, code: int = 3, says: Iterable[object] = ()) -> str:
        """Run the command, which has to fail without writing anything; return what it says."""
        ran = self.run(*arguments)
        assert (ran.code, ran.out) == (code, ""), ran.err
        assert not (self.path / "out.csv").exists()
        for part in says:
            assert str(part) in ran.err
        return ran.err

    def attribute(self, touched: Path, ended: Path | None = None, *options: object) -> tuple[object, ...]:
        """Return the command that attributes the tables."""
        ended = ended or self.put("outcomes.csv", outcomes())
        return ("attribute", touched, ended, "--model", "linear", "--out", self.path / "out.csv", *options)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty folder."""
    return Folder(tmp_path)


def fault_of(touched: Any, ended: Any = None, **options: Any) -> Fault:
    """Return the one fault for which the tables are refused."""
    with pytest.raises(TableError) as caught:
        at.stitch(touched, outcomes() if ended is None else ended, **options)
    (fault,) = caught.value.faults
    assert fault.remedy
    assert fault.expected
    return fault


def report_of(touched: Any = None, ended: Any = None, **options: Any) -> at.StitchReport:
    """Return the report of tables that are accepted: rows in = used + set aside."""
    journeys = at.stitch(
        touchpoints() if touched is None else touched, outcomes() if ended is None else ended, **options
    )
    for rows in journeys.report.tables.values():
        assert rows.read == rows.used + sum(rows.set_aside.values())
    return journeys.report


def set_aside(table: str, frame: pl.DataFrame, reason: str, rows: Sequence[int], **more: Any) -> Checked:
    """Check that these rows, and no others, are set aside for the reason: at the gate and in the report."""
    checked = check_table(table, frame, **more)
    assert checked.rejected.rows() == [(table, row, reason) for row in rows]
    assert checked.count == RowCount(len(frame), len(frame) - len(rows), {reason: len(rows)})
    if table in ("touchpoints", "outcomes"):
        report = report_of(**{"touched" if table == "touchpoints" else "ended": frame}, **more)
        assert report.tables[table].set_aside[reason] == len(rows)
    return checked


def credits_of(touched: Any = None, ended: Any = None, **options: Any) -> at.Result:
    """Return the credits of tables that are accepted: what was credited and not is what there was."""
    journeys = at.stitch(
        touchpoints() if touched is None else touched, outcomes() if ended is None else ended, **options
    )
    result, table = at.attribute(journeys, *MODELS), journeys.table()
    for credits in result.values():
        for name, total in zip(credits.outcome_names, credits.totals, strict=True):
            assert total == pytest.approx(table[name].sum(), rel=1e-12, abs=1e-12)
    return result


# Columns.


def test_row_01_required_column_missing_lists_found_columns_and_the_closest_name(folder: Folder) -> None:
    frame = touchpoints(channel=None, chanel=["ads"] * 3)
    fault = fault_of(frame)
    assert (fault.where, fault.column) == ("touchpoints (DataFrame)", "channel")
    assert fault.got == "no column 'channel'; found 'customer_id', 'timestamp', 'chanel'"
    assert fault.remedy.endswith("did you mean 'chanel'?")
    path = folder.put("t.csv", frame)
    folder.refuses(
        *folder.attribute(path),
        says=[
            f"touchpoints ({path}), column 'channel': no column 'channel'",
            "found 'customer_id', 'timestamp', 'chanel'",
            "did you mean 'chanel'?",
            "--touchpoints-columns channel=",
        ],
    )


def test_row_01_the_outcomes_and_the_spend_are_told_in_the_same_way(folder: Folder) -> None:
    path = folder.put("o.csv", outcomes(timestamp=None, time_stamp=["2026-03-04"]))
    says = [f"outcomes ({path}), column 'timestamp'", "did you mean 'time_stamp'?"]
    folder.refuses(*folder.attribute(folder.put("t.csv", touchpoints()), path), says=says)
    spend = folder.put("s.csv", "channel,spent\nads,1\n")
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\n")
    command = ("measure", credits, "--spend", spend, "--out", folder.path / "out.csv")
    folder.refuses(*command, says=[f"spend ({spend}), column 'spend'", "did you mean 'spent'?"])


def test_row_01_many_found_columns_and_long_names_are_cut(folder: Folder) -> None:
    others = {name: ["x"] * 3 for name in ("y" * 999, *(f"column {n}" for n in range(1_000)))}
    frame = touchpoints(channel=None, **others)
    err = folder.refuses(*folder.attribute(folder.put("t.csv", frame)))
    assert len(err) < 3_000
    assert "y" * 81 not in err


def test_row_02_two_names_for_one_column_are_refused(folder: Folder) -> None:
    columns = {"customer_id": "channel", "channel": "channel"}
    fault = fault_of(touchpoints(), columns={"touchpoints": columns})
    assert fault.got == "column 'channel' is mapped to customer_id and channel"
    mapping = ("--touchpoints-columns", "customer_id=channel,channel=channel")
    folder.refuses(
        *folder.attribute(folder.put("t.csv", touchpoints()), None, *mapping),
        says=["t.csv", "mapped to customer_id and channel", "what to do: map each name to its own column"],
    )


def test_row_02_a_header_that_names_a_column_twice_is_refused(folder: Folder) -> None:
    path = folder.put("t.csv", "customer_id,timestamp,channel,channel\na,2026-03-01T08:00:00Z,ads,mail\n")
    assert fault_of(path).column == "channel"
    says = [path, "the header names 'channel' more than once", "what to do: rename the columns"]
    folder.refuses(*folder.attribute(path), says=says)


# Files.


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.ndjson", "t.csv.gz"])
def test_row_03_an_empty_file_has_no_rows(name: str, folder: Folder) -> None:
    path = folder.put(name, b"")
    assert "no rows" in fault_of(path).got
    folder.refuses(*folder.attribute(path), says=[path, "no rows: the file has 0 bytes", "check the export"])


@pytest.mark.parametrize("content", ["\n", "\n\n\n", "\ufeff"])
def test_row_03_a_file_of_blank_lines_has_no_rows(content: str, folder: Folder) -> None:
    path = folder.put("t.csv", content)
    folder.refuses(*folder.attribute(path), says=[path, "what to do:"])


def test_row_03_a_header_alone_is_a_table_without_rows_and_a_warning(folder: Folder) -> None:
    path = folder.put("t.csv", "customer_id,timestamp,channel\n")
    ran = folder.run(*folder.attribute(path))
    assert ran.code == 0
    assert f"warning: touchpoints ({path}): the table has no rows" in ran.err
    assert "touchpoints: 0 rows read, 0 used" in ran.err
    assert "unattributed outcomes: 1 no_touchpoints" in ran.err
    assert pl.read_csv(folder.path / "out.csv").rows() == [("linear", "(unattributed)", 1.0, "journey")]


def test_row_03_two_headers_alone_give_zeros(folder: Folder) -> None:
    ended = folder.put("o.csv", "customer_id,timestamp\n")
    ran = folder.run(*folder.attribute(folder.put("t.csv", touchpoints().clear()), ended))
    assert ran.code == 0
    assert ran.err.count("the table has no rows") == 2
    assert pl.read_csv(folder.path / "out.csv")["leads"].to_list() == [0.0]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_row_04_another_separator_is_suggested(sign: str, folder: Folder) -> None:
    path = folder.put("t.csv", touchpoints().write_csv(separator=sign))
    fault = fault_of(path)
    assert fault.got == f"one column, {sign.join(TOUCHPOINTS)!r}"
    assert f"delimiter={sign!r} (--delimiter {sign!r})" in fault.remedy
    assert report_of(path, reading=Reading(delimiter=sign)).tables["touchpoints"].used == 3
    folder.refuses(*folder.attribute(path), says=[path, "one column", f"--delimiter {sign!r}"])


CSV = touchpoints().write_csv()


def test_row_07_a_byte_order_mark_is_no_matter(folder: Folder) -> None:
    path = folder.put("t.csv", b"\xef\xbb\xbf" + CSV.encode())
    assert check_table("touchpoints", path).frame.equals(check_table("touchpoints", touchpoints()).frame)


def test_row_07_a_byte_order_mark_hides_no_fault_of_the_header(folder: Folder) -> None:
    path = folder.put("t.csv", "\ufeffchannel,timestamp,channel,customer_id\nads,2026-03-01,ads,a\n")
    folder.refuses(*folder.attribute(path), says=[path, "the header names 'channel' more than once"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_row_07_utf16_is_refused_by_name(encoding: str, folder: Folder) -> None:
    mark = {"utf-16": "", "utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}[encoding]
    path = folder.put("t.csv", (mark + CSV).encode(encoding))
    says = [path, "encoding is UTF-16: first seen at byte 0", "save the file as UTF-8"]
    folder.refuses(*folder.attribute(path), says=says)


@pytest.mark.parametrize("place", ["header", "cell", "column that is not read"])
def test_row_07_latin1_is_refused_with_the_offset_of_the_first_byte(place: str, folder: Folder) -> None:
    content = {
        "header": b"customer_id,timestamp,channel,caf\xe9\na,2026-03-01T08:00:00Z,ads,x\n",
        "cell": b"customer_id,timestamp,channel,cafe\na,2026-03-01T08:00:00Z,Caf\xe9,x\n",
        "column that is not read": b"customer_id,timestamp,channel,cafe\na,2026-03-01T08:00:00Z,ads,\xe9\n",
    }[place]
    path = folder.put("t.csv", content)
    says = [path, "Latin-1", f"first seen at byte {content.index(0xE9)}", "save the file as UTF-8"]
    folder.refuses(*folder.attribute(path), says=says)


@pytest.mark.parametrize("kind", ["truncated", "wrong magic", "tail alone", "text"])
def test_row_45_a_damaged_parquet_file_is_refused_by_name_and_size(kind: str, folder: Folder) -> None:
    whole = folder.put("t.parquet", touchpoints()).read_bytes()
    damaged = {"truncated": whole[:-20], "wrong magic": b"RAP1" + whole[4:-4] + b"RAP1",
               "tail alone": whole[40:], "text": CSV.encode()}[kind]  # fmt: skip
    path = folder.put("t.parquet", damaged)
    says = [f"touchpoints ({path}): cannot be read ({len(damaged):,} bytes)", "copied in full"]
    folder.refuses(*folder.attribute(path), says=says)


def test_row_45_a_truncated_gzip_or_ndjson_file_is_refused_by_name_and_size(folder: Folder) -> None:
    for name, content in (
        ("t.csv.gz", gzip.compress(CSV.encode() * 99)[:-20]),
        ("u.csv.gz", CSV.encode()),
        ("v.ndjson", touchpoints().write_ndjson().encode()[:-20]),
    ):
        path = folder.put(name, content)
        folder.refuses(*folder.attribute(path), says=[path, f"({len(content):,} bytes)"])


def test_row_47_a_file_of_a_glob_without_a_column_is_named_with_the_difference(folder: Folder) -> None:
    first = folder.put("part-1.parquet", touchpoints())
    second = folder.put("part-2.parquet", touchpoints(channel=None))
    folder.refuses(
        *folder.attribute(folder.path / "part-*.parquet"),
        says=[
            f"touchpoints ({second}), column 'channel': columns differ from those of the other files",
            f"expected: the columns and types of touchpoints ({first})",
            "channel: missing here, String there",
            "what to do: bring the files to one schema",
        ],
    )


def test_row_47_a_file_of_a_glob_with_another_type_is_named_with_the_difference(folder: Folder) -> None:
    folder.put("part-1.parquet", touchpoints())
    second = folder.put("part-2.parquet", touchpoints(customer_id=[1.5, 2.5, 3.5]))
    says = [f"touchpoints ({second}), column 'customer_id'", "customer_id: Float64 here, String there"]
    folder.refuses(*folder.attribute(folder.path / "part-*.parquet"), says=says)


def test_row_47_files_of_a_glob_are_read_by_name_whatever_the_order_of_columns(folder: Folder) -> None:
    folder.put("part-1.csv", touchpoints())
    folder.put(
        "part-2.csv", touchpoints(customer_id=["c", "d", "e"]).select("channel", "timestamp", "customer_id")
    )
    report = report_of(folder.path / "part-*.csv")
    assert report.tables["touchpoints"] == RowCount(6, 6)


def test_row_49_an_output_that_is_there_is_kept_and_an_input_never_replaced(folder: Folder) -> None:
    path = folder.put("t.csv", touchpoints())
    command = folder.attribute(path)
    kept = folder.put("kept.csv", "precious")
    *head, _ = command
    folder.refuses(*head, kept, code=6, says=[f"{kept} exists and holds something else", "--force"])
    for options in ((), ("--force",)):
        folder.refuses(*head, path, *options, code=6, says=[f"{path}: the output is also an input"])
    with pytest.raises(OutputExistsError):
        at.write_table(touchpoints(), kept)
    assert kept.read_text() == "precious"


# Ids, names, times.


def test_row_08_nul_and_control_characters_in_ids_and_names_are_set_aside(folder: Folder) -> None:
    frame = touchpoints(customer_id=["a\x00", "a", "b"], channel=["ads", "ma\til", "ads"])
    set_aside("touchpoints", frame, "control_char", [0, 1])
    set_aside("outcomes", outcomes(customer_id=["a\x1b[31m"]), "control_char", [0])
    ran = folder.run(*folder.attribute(folder.put("t.csv", frame)))
    assert ran.code == 0
    assert "touchpoints: 3 rows read, 1 used; set aside: 2 control_char" in ran.err


def test_row_09_rows_without_a_user_are_set_aside_and_never_make_one_journey(folder: Folder) -> None:
    frame = touchpoints(customer_id=[None, "", " "])
    set_aside("touchpoints", frame, "null_user", [0, 1, 2])
    ended = outcomes(customer_id=[None, ""], timestamp=["2026-03-04T08:00:00Z"] * 2, leads=["1", "1"])
    set_aside("outcomes", ended, "null_user", [0, 1])
    assert at.stitch(frame, ended).table().is_empty()
    ran = folder.run(*folder.attribute(folder.put("t.csv", frame)))
    assert "set aside: 3 null_user" in ran.err
    assert "unattributed outcomes: 1 no_touchpoints" in ran.err


def test_row_10_rows_without_a_channel_are_set_aside_or_mapped_by_an_option(folder: Folder) -> None:
    frame = touchpoints(channel=[None, " ", "ads"])
    set_aside("touchpoints", frame, "null_channel", [0, 1])
    reading = Reading(null_channel="(none)")
    assert at.stitch(frame, outcomes(), reading=reading).channels == ("(none)", "ads")
    path = folder.put("t.csv", frame)
    assert "set aside: 2 null_channel" in folder.run(*folder.attribute(path)).err
    (folder.path / "out.csv").unlink()
    assert "null_channel" not in folder.run(*folder.attribute(path, None, "--null-channel", "(none)")).err
    assert pl.read_csv(folder.path / "out.csv").filter(channel="(none)")["leads"].to_list() == [1.0]


def test_row_11_rows_without_a_time_are_set_aside_and_never_come_first(folder: Folder) -> None:
    frame = touchpoints(timestamp=[None, "2026-03-02T08:00:00Z", "yesterday"], customer_id=["a"] * 3)
    set_aside("touchpoints", frame, "bad_time", [0, 2])
    credits = credits_of(frame)["first_touch"]
    assert (credits.channels, credits.values.tolist()) == (("mail",), [[1.0]])
    ran = folder.run(*folder.attribute(folder.put("t.csv", frame)))
    assert "touchpoints: 3 rows read, 1 used; set aside: 2 bad_time" in ran.err


def test_row_12_day_and_month_are_not_guessed_and_the_formats_that_fit_are_told(folder: Folder) -> None:
    frame = touchpoints(timestamp=["01/03/2026", "02/03/2026", "03/03/2026"])
    fault = fault_of(frame)
    assert (fault.column, fault.count) == ("timestamp", 3)
    assert fault.examples == ("'01/03/2026'", "'02/03/2026'", "'03/03/2026'")
    path = folder.put("t.csv", frame)
    ended = folder.put("o.csv", outcomes(timestamp=["04/03/2026"]))
    folder.refuses(
        *folder.attribute(path, ended),
        says=[
            f"touchpoints ({path}), column 'timestamp': day and month cannot be told apart (3 rows)",
            "for example: '01/03/2026'; '02/03/2026'; '03/03/2026'",
            "--time-format '%d/%m/%Y'",
            "--time-format '%m/%d/%Y'",
        ],
    )
    ran = folder.run(*folder.attribute(path, ended, "--time-format", "%d/%m/%Y"))
    assert (ran.code, "unattributed" in ran.err) == (0, False)


def test_row_12_iso_and_other_dates_in_one_column_are_refused() -> None:
    frame = touchpoints(timestamp=["2026-03-01", "13/03/2026", "2026-03-03"])
    assert fault_of(frame).examples == ("'13/03/2026'",)


def test_row_13_times_without_a_zone_are_utc_with_a_warning_that_names_the_option(folder: Folder) -> None:
    touched = touchpoints(timestamp=["2026-03-01 08:00", "2026-03-02 08:00", "2026-03-03 08:00"])
    ended = outcomes(timestamp=["2026-03-04 08:00"])
    report = report_of(touched, ended)
    assert len(report.warnings) == 2
    assert all("read as UTC" in line and "--timezone" in line for line in report.warnings)
    assert at.stitch(touched, ended).table().equals(at.stitch(touchpoints(), outcomes()).table())
    paths = folder.put("t.csv", touched), folder.put("o.csv", ended)
    assert folder.run(*folder.attribute(*paths)).err.count("warning: ") == 2
    assert "warning" not in folder.run(*folder.attribute(*paths, "--timezone", "UTC")).err


def test_row_13_a_zone_in_one_table_alone_is_refused(folder: Folder) -> None:
    naive = touchpoints(timestamp=["2026-03-01 08:00", "2026-03-02 08:00", "2026-03-03 08:00"])
    fault = fault_of(naive)
    assert (fault.column, fault.count, len(fault.examples)) == ("timestamp", 3, 3)
    assert "times name no zone, those of outcomes (DataFrame) do" in fault.got
    path = folder.put("t.csv", naive)
    folder.refuses(
        *folder.attribute(path), says=[f"touchpoints ({path}), column 'timestamp'", "(3 rows)", "--timezone"]
    )
    assert not report_of(naive, reading=Reading(timezone="UTC")).warnings
    assert fault_of(touchpoints(), outcomes(timestamp=["2026-03-04 08:00"])).where == "outcomes (DataFrame)"


def test_row_14_local_times_that_are_two_or_none_are_set_aside(folder: Folder) -> None:
    frame = touchpoints(timestamp=["2026-03-29 02:30", "2026-10-25 02:30", "2026-03-03 08:00"])
    set_aside("touchpoints", frame, "bad_time", [0, 1], reading=Reading(timezone="Europe/Berlin"))
    command = folder.attribute(folder.put("t.csv", frame), None, "--timezone", "Europe/Berlin")
    assert "set aside: 2 bad_time" in folder.run(*command).err


def test_row_15_seconds_and_milliseconds_in_one_column_are_refused_with_their_range(folder: Folder) -> None:
    frame = touchpoints(timestamp=[1_772_352_000, 1_772_438_400_000, 1_772_524_800])
    ended = outcomes(timestamp=[1_772_611_200])
    for unit in (None, "s", "ms"):
        fault = fault_of(frame, ended, reading=Reading(time_unit=unit))
        assert "from 1,772,352,000 to 1,772,438,400,000" in fault.got
    assert fault_of(frame, ended, reading=Reading(time_unit="s")).examples == ("1,772,438,400,000",)
    paths = folder.put("t.parquet", frame), folder.put("o.parquet", ended)
    says = [
        f"touchpoints ({paths[0]}), column 'timestamp'",
        "from 1,772,352,000 to 1,772,438,400,000",
        "(1 rows)",
    ]
    folder.refuses(*folder.attribute(*paths, "--time-unit", "s"), says=says)


def test_row_16_future_times_are_set_aside_relative_to_as_of(folder: Folder) -> None:
    report = report_of(as_of="2026-03-02T12:00:00Z")
    assert report.tables["touchpoints"] == RowCount(3, 2, {"future_time": 1})
    assert report.tables["outcomes"] == RowCount(1, 0, {"future_time": 1})
    path = folder.put("t.csv", touchpoints())
    err = folder.run(*folder.attribute(path, None, "--as-of", "2026-03-02T12:00:00Z")).err
    assert "touchpoints: 3 rows read, 2 used; set aside: 1 future_time" in err
    assert "outcomes: 1 rows read, 0 used; set aside: 1 future_time" in err


def test_row_16_without_as_of_future_times_are_a_warning_that_names_the_option(folder: Folder) -> None:
    later = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    frame = touchpoints(timestamp=[*TOUCHPOINTS["timestamp"][:2], later])
    (warning,) = report_of(frame).warnings
    assert "1 rows lie in the future" in warning
    assert "--as-of" in warning
    path = folder.put("t.csv", frame)
    assert (
        f"warning: touchpoints ({path}): 1 rows lie in the future" in folder.run(*folder.attribute(path)).err
    )


# Journeys.


def test_row_17_a_touchpoint_after_the_conversion_is_not_credited_and_counted(folder: Folder) -> None:
    frame = touchpoints(timestamp=["2026-03-01T08:00:00Z", "2026-03-05T08:00:00Z", "2026-03-03T08:00:00Z"])
    result = credits_of(frame)
    for credits in result.values():
        assert credits.values[:, 0].tolist() == [1.0, 0.0]
    assert result.report.notes["touchpoints_after_last_outcome"] == 1
    err = folder.run(*folder.attribute(folder.put("t.csv", frame))).err
    assert "1 touchpoints after last outcome" in err


@pytest.mark.parametrize(
    ("customer", "day", "reason"),
    [
        ("x", "2026-03-01", "no_touchpoints"),
        ("a", "2026-01-01", "all_outside_window"),
        ("a", "2026-03-05", "all_after"),
    ],
)
def test_row_18_a_conversion_without_touchpoints_is_unattributed_by_reason(
    customer: str, day: str, reason: str, folder: Folder
) -> None:
    touched = touchpoints(customer_id=[customer] * 2 + ["b"], timestamp=[f"{day}T08:00:00Z"] * 3)
    result = credits_of(touched)
    assert result.report.unattributed == {reason: 1}
    for credits in result.values():
        assert credits.unattributed.tolist() == [1.0]
        assert not credits.values.any()
    err = folder.run(*folder.attribute(folder.put("t.csv", touched))).err
    assert f"unattributed outcomes: 1 {reason}" in err


def test_row_19_every_conversion_of_a_user_is_credited() -> None:
    ended = outcomes(
        customer_id=["a", "a", "a"],
        timestamp=["2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", "2026-03-04T08:00:00Z"],
        leads=["1", "1", "1"],
    )
    restarted, whole = credits_of(touchpoints(), ended), credits_of(touchpoints(), ended, restart=False)
    assert restarted["linear"].values.tolist() == [[1.0], [1.0]]
    assert restarted["linear"].unattributed.tolist() == [1.0]
    assert restarted.report.unattributed == {"used_by_earlier_outcome": 1}
    assert whole["linear"].values.tolist() == [[2.0], [1.0]]
    assert not whole.report.unattributed


def test_row_20_exact_repeats_count_once_and_are_counted(folder: Folder) -> None:
    once, twice = touchpoints(), pl.concat([touchpoints(), touchpoints()[:2]])
    assert report_of(twice).tables["touchpoints"] == RowCount(5, 3, {"duplicate": 2})
    assert credits_of(twice)["linear"].values.tolist() == credits_of(once)["linear"].values.tolist()
    err = folder.run(*folder.attribute(folder.put("t.csv", twice))).err
    assert "touchpoints: 5 rows read, 3 used; set aside: 2 duplicate" in err


def test_row_20_an_event_id_counts_once_whatever_else_the_rows_say() -> None:
    frame = touchpoints(customer_id=["a"] * 3, channel=["mail", "ads", "fairs"], event_id=["1", "1", "2"])
    result = credits_of(frame)
    assert result.report.tables["touchpoints"] == RowCount(3, 2, {"duplicate": 1})
    assert dict(zip(result["linear"].channels, result["linear"].values[:, 0], strict=True)) == {
        "fairs": 0.5,
        "mail": 0.5,
    }


def test_row_20_retries_with_new_event_ids_are_not_merged_and_told(folder: Folder) -> None:
    frame = pl.concat([touchpoints(event_id=["1", "2", "3"]), touchpoints(event_id=["4", "5", "6"])])
    report = report_of(frame)
    assert report.tables["touchpoints"] == RowCount(6, 6)
    assert report.notes["retries"] == 3
    assert "3 retries" in folder.run(*folder.attribute(folder.put("t.csv", frame))).err


def test_row_22_ties_in_time_are_decided_alike_in_any_order_of_the_rows_and_counted(folder: Folder) -> None:
    columns = {"customer_id": ["a"] * 3, "timestamp": ["2026-03-01T08:00:00Z"] * 3}
    frames = [touchpoints(**columns, channel=list(names)) for names in permutations(["mail", "ads", "fairs"])]
    first, *others = [at.stitch(frame, outcomes()) for frame in frames]
    assert first.report.notes["decided_ties"] == 1
    assert all(other.table().equals(first.table()) for other in others)
    assert first.table()["channel"].to_list() == [["ads", "fairs", "mail"]]
    assert "1 decided ties" in folder.run(*folder.attribute(folder.put("t.csv", frames[0]))).err


# Numbers.

AT = ["2026-03-04T08:00:00Z"]


def test_row_23_a_refund_is_conserved() -> None:
    ended = outcomes(customer_id=["a", "b"], timestamp=AT * 2, leads=["1", "1"], revenue=[-7.0, 3.0])
    for credits in credits_of(ended=ended).values():
        assert credits.totals[1] == pytest.approx(-4.0, abs=1e-12)
        assert credits.values[:, 1].sum() == pytest.approx(-4.0, abs=1e-12)


@pytest.mark.parametrize("bad", ["NaN", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("column", ["revenue", "leads", "wins"])
def test_row_24_numbers_that_are_not_finite_are_set_aside_and_never_come_out(
    column: str, bad: str, folder: Folder
) -> None:
    columns = {"leads": ["1", "1"], "wins": ["1", "1"], "revenue": ["5", "5"]} | {column: [bad, "1"]}
    ended = outcomes(customer_id=["a", "b"], timestamp=AT * 2, **columns)
    set_aside("outcomes", ended, "not_finite", [0])
    ran = folder.run(*folder.attribute(folder.put("t.csv", touchpoints()), folder.put("o.csv", ended)))
    assert "outcomes: 2 rows read, 1 used; set aside: 1 not_finite" in ran.err
    written = (folder.path / "out.csv").read_text().casefold()
    assert "nan" not in written
    assert "inf" not in written


@pytest.mark.parametrize("bad", ["NaN", "inf", "1e400"])
def test_row_24_spend_that_is_not_finite_is_set_aside_and_never_comes_out(bad: str, folder: Folder) -> None:
    spend = folder.put("s.csv", f"channel,spend\nads,{bad}\nads,2\n")
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\n")
    ran = folder.run("measure", credits, "--spend", spend, "--json")
    assert "spend: 1 rows set aside: not_finite" in ran.err
    assert [row["cost_per_lead"] for row in json.loads(ran.out)] == [2.0, 2.0]


@pytest.mark.parametrize("bad", ["NaN", "inf", "1e400"])
def test_row_24_weights_that_are_not_finite_are_set_aside(bad: str) -> None:
    paths = pl.DataFrame({"path": ["a > b", "b"], "conversions": [bad, "2"], "null": ["0", "1"]})
    journeys = at.from_paths(paths, null="null")
    assert journeys.report.tables["paths"] == RowCount(2, 1, {"not_finite": 1})
    assert at.attribute(journeys, at.Linear())["linear"].totals.tolist() == [2.0]


def test_row_25_fractional_and_zero_weights_are_exact() -> None:
    paths = pl.DataFrame(
        {"path": ["a > b", "b", "c"], "conversions": [0.25, 0.0, 0.0], "null": [0.5, 0.125, 0.0]}
    )
    journeys = at.from_paths(paths, null="null")
    assert journeys.report.tables["paths"] == RowCount(3, 3)
    result = at.attribute(journeys, *MODELS)
    assert result["linear"].values[:, 0].tolist() == [0.125, 0.125, 0.0]
    assert result["markov"].details.base_probability == pytest.approx(0.25 / 0.875, rel=1e-15)
    ended = outcomes(leads=["0.25"], wins=["0.125"])
    assert credits_of(ended=ended)["first_touch"].values[0].tolist() == [0.25, 0.125]


def test_row_25_an_outcome_that_stands_for_no_lead_is_set_aside() -> None:
    assert report_of(ended=outcomes(leads=["0"])).tables["outcomes"] == RowCount(1, 0, {"no_leads": 1})


@pytest.mark.parametrize("value", ["1e18", "-1e18", "92233720368547759"])
def test_row_27_revenue_beyond_64_bit_cents_is_refused_and_does_not_wrap(value: str, folder: Folder) -> None:
    ended = outcomes(revenue=[value])
    fault = fault_of(touchpoints(), ended)
    assert (fault.column, fault.count) == ("revenue", 1)
    path = folder.put("o.csv", ended)
    folder.refuses(
        *folder.attribute(folder.put("t.csv", touchpoints()), path),
        says=[
            f"outcomes ({path}), column 'revenue': numbers overflow",
            "(1 rows)",
            "what to do: check the unit",
        ],
    )


def test_row_30_without_conversions_credits_are_zero_and_removal_effects_unknown(folder: Folder) -> None:
    result = credits_of(ended=outcomes().clear())
    for credits in result.values():
        assert not credits.totals.any()
        assert len(credits.channels) == 2
    details = result["markov"].details
    assert details.removal_effects == {"ads": None, "mail": None}
    assert (details.status, details.base_probability) == ("no_conversions", 0.0)
    ended = folder.put("o.csv", outcomes().clear())
    ran = folder.run("attribute", folder.put("t.csv", touchpoints()), ended, "--model", "markov", "--json")
    assert ran.code == 0
    assert {row["leads"] for row in json.loads(ran.out)} == {0.0}
    assert "warning: markov: no journey converts" in ran.err


def test_row_31_conversions_alone_are_a_warning_for_markov(folder: Folder) -> None:
    frame = touchpoints()[:2]
    result = credits_of(frame)
    assert result["markov"].details.status == "converting_only"
    assert not result["linear"].warnings
    ended = folder.put("o.csv", outcomes())
    ran = folder.run("attribute", folder.put("t.csv", frame), ended, "--model", "markov", "--json")
    assert ran.code == 0
    assert "warning: markov: every journey converts (converting_only)" in ran.err


def test_row_32_one_channel_one_user_one_touchpoint() -> None:
    result = at.attribute(at.stitch(touchpoints()[:1], outcomes()))
    assert set(result) == set(at.MODELS)
    for credits in result.values():
        assert (credits.channels, credits.values.tolist()) == (("ads",), [[1.0]])
    assert result["markov"].details.removal_effects == {"ads": 1.0}


def test_row_35_names_are_trimmed_and_composed_and_near_duplicates_told(folder: Folder) -> None:
    names = ["Cafe\u0301", " Caf\u00e9 ", "email", "Email", "e-mail", "em\u200bail", "еmail", "other"]
    frame = pl.DataFrame(
        {"customer_id": ["a"] * 8, "timestamp": ["2026-03-01T08:00:00Z"] * 8, "channel": names}
    )
    journeys = at.stitch(frame, outcomes())
    assert journeys.channels == tuple(sorted({"Caf\u00e9", *names[2:]}))
    (warning,) = journeys.report.warnings
    assert "channels look alike and are kept apart: 'Email', 'e-mail', 'email', 'em\\u200bail'" in warning
    assert "Caf" not in warning
    assert "other" not in warning
    err = folder.run(*folder.attribute(folder.put("t.csv", frame))).err
    assert "warning: touchpoints" in err
    assert "look alike" in err


# Parameters.


@pytest.mark.parametrize(
    ("make", "option", "name", "allowed"),
    [
        (lambda: at.TimeDecay(half_life=float("nan")), "time_decay:half_life=nan", "half_life", "> 0"),
        (lambda: at.TimeDecay(half_life=0), "time_decay:half_life=0", "half_life", "> 0"),
        (lambda: at.TimeDecay(half_life=-7), "time_decay:half_life=-7", "half_life", "> 0"),
        (lambda: at.PositionBased(first=0.7, last=0.7), "position_based:first=0.7,last=0.7", "first", "<= 1"),
        (lambda: at.PositionBased(first=-0.1), "position_based:first=-0.1", "first", ">= 0"),
        (lambda: at.Markov(order=0), "markov:order=0", "order", ">= 1"),
        (lambda: at.Markov(order=1.5), "markov:order=1.5", "order", "whole number >= 1"),  # type: ignore[arg-type]
        (lambda: at.Markov(share="all"), "markov:share=all", "share", "'journey', 'global'"),
        (lambda: at.parse_model("markov:ordr=2"), "markov:ordr=2", "ordr", "did you mean 'order'"),
        (lambda: at.parse_model("makov"), "makov", "makov", "did you mean 'markov'"),
    ],
)
def test_row_42_a_model_parameter_that_cannot_be_is_refused_by_name_and_range(
    make: Any, option: str, name: str, allowed: str, folder: Folder
) -> None:
    with pytest.raises(ParameterError) as caught:
        make()
    assert name in str(caught.value)
    assert allowed in str(caught.value)
    assert caught.value.exit_code == 2
    command = ("attribute", folder.put("t.csv", touchpoints()), folder.put("o.csv", outcomes()))
    says = [name, allowed]
    folder.refuses(*command, "--model", option, "--out", folder.path / "out.csv", code=2, says=says)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lookback_days", -1.0),
        ("lookback_days", float("nan")),
        ("maturity_days", -0.5),
        ("maturity_days", float("nan")),
    ],
)
def test_row_42_a_window_that_cannot_be_is_refused_by_name_and_range(
    name: str, value: float, folder: Folder
) -> None:
    with pytest.raises(ParameterError, match=rf"parameter '{name}': got {value}, expected a number >= 0"):
        at.stitch(touchpoints(), outcomes(), **{name: value})
    option = f"--{name.replace('_', '-')}"
    command = folder.attribute(folder.put("t.csv", touchpoints()), None, option, value)
    folder.refuses(*command, code=2, says=[f"'{name}'", "expected a number >= 0"])


# Spend.


def test_row_60_spend_and_touchpoints_that_do_not_meet_are_listed_with_the_reason(folder: Folder) -> None:
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,4\nlinear,mail,2\n")
    spend = folder.put("s.csv", "channel,spend\nads,8\nprint,6\n")
    ran = folder.run("measure", credits, "--spend", spend, "--json")
    assert "warning: spend without touchpoints: 'print'" in ran.err
    assert "warning: touchpoints without spend: 'mail'" in ran.err
    rows = {row["channel"]: row for row in json.loads(ran.out)}
    assert [rows[name]["cost_per_lead"] for name in ("ads", "mail", "print", "(total)")] == [
        2.0, None, None, 14 / 6
    ]  # fmt: skip
    assert "cost_per_lead: no spend" in rows["mail"]["reason"]
    assert "cost_per_lead: no credited leads" in rows["print"]["reason"]


# The network.

OFFLINE = """
import socket, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise OSError(f"no network: {event}")

sys.addaudithook(refuse)
from attribution.cli import main
sys.argv = ["attribution", "demo", "--out", sys.argv[1]]
main()
"""


def test_row_66_everything_works_without_a_network(tmp_path: Path) -> None:
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"credits.csv", "kpis.csv", "manifest.json"} <= written


def test_row_66_in_this_process_no_socket_is_made(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    assert folder.run(*folder.attribute(folder.put("t.csv", touchpoints()))).code == 0


# All errors.


def test_a_value_of_10_kb_is_cut_to_80_characters_in_every_message(folder: Folder) -> None:
    huge = "x" * 10_000
    frames = [
        (touchpoints(timestamp=[huge] * 3), outcomes()),
        (touchpoints(channel=None, **{huge: ["x"] * 3}), outcomes()),
        (touchpoints(**{f"channel {huge}": ["x"] * 3}, channel=None), outcomes()),
        (touchpoints(timestamp=[f"03/04/2026 {huge}"] * 3), outcomes()),
        (
            touchpoints(),
            outcomes(customer_id=["a"] * 2, timestamp=AT * 2, leads=["1", "2"], outcome_id=[huge] * 2),
        ),
    ]
    for touched, ended in frames:
        paths = folder.put("t.csv", touched), folder.put("o.csv", ended)
        err = folder.refuses(*folder.attribute(*paths), says=["what to do:"])
        assert "x" * 81 not in err


def test_no_message_shows_more_than_five_examples(folder: Folder) -> None:
    frame = pl.DataFrame(
        {"customer_id": range(99), "timestamp": [f"{n}/1/2026" for n in range(99)], "channel": "x"}
    )
    err = folder.refuses(*folder.attribute(folder.put("t.csv", frame)), says=["(99 rows)"])
    (line,) = [line for line in err.splitlines() if "for example" in line]
    assert line.count("/1/2026") == 5


# The matrix.


def test_every_row_of_the_matrix_is_a_test_by_its_number() -> None:
    """Row 64 is about lift tests, which are not read."""
    names = [
        name for path in Path(__file__).parent.glob("test_*.py") for name in NAMED.findall(path.read_text())
    ]
    found = {int(number) for name in names for number in re.findall(r"\d\d(?=_)", name)}
    assert found >= {*range(1, 64), 65, 66}
