"""Pieces: a table read row group by row group gives what the table read whole gives, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import attribution as at
from attribution.tables import Reading, check_pieces, check_table
from attribution.tables.pieces import together_up_to

ROWS = 700
START = datetime(2026, 3, 1, tzinfo=UTC)


def touchpoints(text_ids: bool = False, ties: bool = False, seed: int = 3) -> pl.DataFrame:
    """Return touchpoints with everything that a gate has to see: blanks, nulls, forms of one name, ties."""
    lot = np.random.default_rng(seed)
    names = ["ads", "mail", " mail", "Cafe\u0301", "Caf\u00e9", "tv", "", None, "bad\x07name"]
    weights = [0.3, 0.2, 0.1, 0.1, 0.1, 0.15, 0.02, 0.02, 0.01]
    customers = lot.integers(0, 60, ROWS)
    ids: list[object] = [None if lot.random() < 0.02 else int(each) for each in customers]
    if text_ids:
        forms = {None: None, 0: "", 1: "  ", 2: "2", 3: "id\x00", 4: "-7"}
        ids = [forms.get(each, f"customer {each}") for each in ids]
    frame = pl.DataFrame(
        {
            "customer_id": pl.Series(ids, dtype=pl.String if text_ids else pl.Int32),
            "timestamp": [
                None if lot.random() < 0.02 else START + timedelta(hours=int(lot.integers(0, 600)))
                for _ in range(ROWS)
            ],
            "channel": pl.Series([names[place] for place in lot.choice(len(names), ROWS, p=weights)]),
        }
    )
    if ties:
        frame = frame.with_columns(
            campaign=pl.Series([None, "b", "a", "z", ""])[lot.integers(0, 5, ROWS)],
            kind=pl.Series(["click", "view", None])[lot.integers(0, 3, ROWS)],
            sequence=pl.Series([None, 3, -1, 10**12])[lot.integers(0, 4, ROWS)],
        )
    return frame


def outcomes(text_ids: bool = False) -> pl.DataFrame:
    lot = np.random.default_rng(8)
    customers = [int(each) for each in lot.integers(0, 70, 60)]
    ids = [{2: "2", 4: "-7"}.get(each, f"customer {each}") for each in customers] if text_ids else customers
    times = [START + timedelta(hours=int(each)) for each in lot.integers(300, 800, 60)]
    revenue = np.round(lot.random(60) * 100, 2)
    return pl.DataFrame({"customer_id": ids, "timestamp": times, "revenue": revenue})


def seen(journeys: at.Stitched) -> dict[str, object]:
    """Return everything that comes out, bit for bit; what is called after the source is left out."""
    result = at.attribute(journeys, intervals=0.9, replicates=100)
    log = at.credit_log(journeys, result).table()
    return {
        "channels": journeys.channels,
        "tables": result.report.tables,
        "notes": result.report.notes,
        "unattributed": result.report.unattributed,
        "warned": len(result.report.warnings),
        "rejected": journeys.rejected.rows(),
        "until": journeys.until,
        "credits": {name: each.values.tobytes() for name, each in result.items()},
        "replicates": {name: each.replicates.values.tobytes() for name, each in result.items()},
        "table": journeys.table().rows(),
        "log": log.rows(),
    }


def as_row_groups(frame: pl.DataFrame, folder: Path, size: int = 90) -> str:
    path = folder / "touchpoints.parquet"
    frame.write_parquet(path, row_group_size=size)
    return str(path)


def as_files(frame: pl.DataFrame, folder: Path) -> str:
    """Return a glob of files of 0 to 300 rows."""
    for place, (start, rows) in enumerate([(0, 300), (300, 0), (300, 5), (305, 395)]):
        frame.slice(start, rows).write_parquet(folder / f"part {place}.parquet", row_group_size=64)
    return str(folder / "part *.parquet")


def as_arrow(frame: pl.DataFrame, _: Path) -> pa.Table:
    return frame.to_arrow()


def as_enum(frame: pl.DataFrame, _: Path) -> pl.DataFrame:
    names = pl.Enum(frame["channel"].drop_nulls().unique().sort(descending=True))
    ids = pl.Categorical if frame["customer_id"].dtype == pl.String else pl.Int64
    return frame.with_columns(pl.col("channel").cast(names), pl.col("customer_id").cast(ids))


FORMS: tuple[Callable[..., object], ...] = (as_row_groups, as_files, as_arrow, as_enum)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("text_ids", [False, True], ids=["integers", "text"])
@pytest.mark.parametrize("ties", [False, True], ids=["by channel", "ties"])
def test_pieces_give_what_the_whole_gives(
    form: Callable[..., object], text_ids: bool, ties: bool, tmp_path: Path
) -> None:
    frame, ended = touchpoints(text_ids, ties), outcomes(text_ids)
    # A column that may tell which rows belong together has the table checked as a whole.
    whole = at.stitch(frame.with_columns(event_id=pl.lit(None, pl.String)), ended, folds=16)
    options = {"folds": 16, "piece_rows": 100}
    found = at.stitch(form(frame, tmp_path), ended, **options)
    assert seen(found) == seen(whole)
    assert (found.trace is not None) == (form in (as_row_groups, as_files))
    assert len(found.rejected) > 10


@pytest.mark.parametrize("as_of", [None, "2026-03-12"])
def test_rows_after_the_end_of_the_data_are_set_aside_piece_by_piece(
    as_of: str | None, tmp_path: Path
) -> None:
    frame, ended = touchpoints(), outcomes()
    whole = at.stitch(frame, ended, as_of=as_of, folds=16)
    found = at.stitch(as_row_groups(frame, tmp_path), ended, as_of=as_of, folds=16, piece_rows=80)
    assert seen(found) == seen(whole)
    aside = found.gate.tables["touchpoints"].set_aside
    assert ("future_time" in aside) == (as_of is not None)


def test_rows_in_the_future_are_told_once_with_their_number(tmp_path: Path) -> None:
    year = date.today().year + 3
    frame = touchpoints().with_columns(pl.col("timestamp").dt.offset_by(f"{year - 2026}y"))
    (warning,) = at.stitch(as_row_groups(frame, tmp_path), outcomes(), piece_rows=90).gate.warnings
    used = at.stitch(frame, outcomes()).gate.tables["touchpoints"].read
    assert f"{ROWS - used:,} rows lie in the future, up to {year}-03-2" in warning


@pytest.mark.parametrize(
    "times",
    [pl.Date, pl.Datetime("ms"), pl.Datetime("ns", "Europe/Berlin"), pl.Datetime("us", "UTC")],
    ids=str,
)
def test_times_of_every_type_are_read_in_pieces(times: pl.DataType, tmp_path: Path) -> None:
    zone = None if getattr(times, "time_zone", None) else "Europe/Berlin"
    reading = at.Reading(timezone=zone)
    local = pl.col("timestamp").dt.convert_time_zone("Europe/Berlin")
    frame = touchpoints().with_columns(local if zone is None else local.dt.replace_time_zone(None))
    frame = frame.with_columns(pl.col("timestamp").cast(times))
    found = at.stitch(as_row_groups(frame, tmp_path), outcomes(), reading=reading, piece_rows=90)
    whole = frame.with_columns(event_id=pl.lit(None, pl.String))
    assert found.trace is not None
    assert found.table().equals(at.stitch(whole, outcomes(), reading=reading).table())


def test_a_zone_in_one_table_alone_is_an_error_in_pieces_too(tmp_path: Path) -> None:
    frame = touchpoints().with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    with pytest.raises(at.TableError, match=r"times name no zone, those of outcomes .*700 rows"):
        at.stitch(as_row_groups(frame, tmp_path), outcomes())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"event_id": pl.int_range(pl.len()).cast(pl.String)}, "event ids"),
        ({"account_id": pl.lit("a")}, "accounts"),
        ({"customer_id": pl.col("customer_id").cast(pl.Float64)}, "whole numbers as floats"),
        ({"customer_id": pl.col("customer_id").cast(pl.UInt64)}, "numbers beyond 64 bits with a sign"),
        ({"timestamp": pl.col("timestamp").dt.to_string("iso")}, "times as text"),
        ({"timestamp": pl.col("timestamp").dt.epoch("s")}, "epochs"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_looked_at_as_a_whole_is_read_whole(
    change: dict[str, pl.Expr], why: str, tmp_path: Path
) -> None:
    frame = touchpoints().with_columns(**change)
    reading = Reading(time_unit="s") if why == "epochs" else Reading()
    pieces = check_pieces("touchpoints", as_row_groups(frame, tmp_path), reading, {}, 100)
    assert pieces.whole is not None
    assert [len(piece.frame) for part in pieces.parts for piece in part()] == [100] * 7
    rows = [row for part in pieces.parts for piece in part() for row in piece.used["row"]]
    assert rows == check_table("touchpoints", frame, reading).used["row"].to_list()


def test_accounts_of_the_outcomes_have_the_touchpoints_read_whole(tmp_path: Path) -> None:
    ended = outcomes().with_columns(account_id=pl.lit("one"))
    source = as_row_groups(touchpoints(), tmp_path)
    found = at.stitch(source, ended, folds=16, piece_rows=50)
    assert found.owners == "accounts"
    assert found.trace is None


def test_files_of_a_glob_that_differ_are_told_as_ever(tmp_path: Path) -> None:
    source = as_files(touchpoints(), tmp_path)
    touchpoints().rename({"channel": "medium"}).write_parquet(tmp_path / "part 9.parquet")
    with pytest.raises(at.TableError, match="columns differ from those of the other files"):
        at.stitch(source, outcomes())


def test_ids_that_are_numbers_in_one_file_and_text_in_another_are_read_as_text(tmp_path: Path) -> None:
    touchpoints().write_parquet(tmp_path / "part 0.parquet")
    touchpoints().cast({"customer_id": pl.String}).write_parquet(tmp_path / "part 1.parquet")
    journeys = at.stitch(str(tmp_path / "part *.parquet"), outcomes())
    assert any("all are read as text" in warning for warning in journeys.gate.warnings)
    assert journeys.report.tables["touchpoints"].read == 2 * ROWS


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_rows_is_told_once(rows: int, tmp_path: Path) -> None:
    journeys = at.stitch(as_row_groups(touchpoints().head(rows), tmp_path), outcomes())
    assert sum("the table has no rows" in warning for warning in journeys.gate.warnings) == (rows == 0)
    assert journeys.report.tables["touchpoints"].read == rows


def test_missing_columns_are_told_before_anything_is_read(tmp_path: Path) -> None:
    source = as_row_groups(touchpoints().rename({"channel": "chanel"}), tmp_path)
    with pytest.raises(at.TableError, match="did you mean 'chanel'"):
        at.stitch(source, outcomes())


@pytest.mark.parametrize("size", [1_000_000, 40])
def test_a_torn_row_group_is_an_error_that_names_the_file(size: int, tmp_path: Path) -> None:
    path = Path(as_row_groups(touchpoints(), tmp_path, 200))
    place = pq.read_metadata(path).row_group(2).column(0).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[place : place + 40] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(at.TableError, match=r"touchpoints \(.*touchpoints.parquet\): cannot be read"):
        at.stitch(path, outcomes(), piece_rows=size)


def test_a_file_that_is_written_to_between_two_readings_is_refused(tmp_path: Path) -> None:
    path = as_row_groups(touchpoints(), tmp_path)
    journeys = at.stitch(path, outcomes(), piece_rows=90)
    result = at.attribute(journeys)
    touchpoints(seed=4).write_parquet(path, row_group_size=90)
    with pytest.raises(at.TableError, match="the file changed while it was read"):
        at.credit_log(journeys, result).table()


def test_row_numbers_point_into_the_file(tmp_path: Path) -> None:
    frame = touchpoints()
    journeys = at.stitch(as_row_groups(frame, tmp_path), outcomes(), piece_rows=90).traced
    for batch in journeys:
        mine = batch.journeys
        raw = frame["channel"][mine.touchpoint_row].str.strip_chars().str.normalize("NFC")
        assert raw.to_list() == [journeys.channels[code] for code in mine.channel]
    assert journeys.traced is journeys


@pytest.mark.parametrize(
    ("sizes", "rows"), [([3, 3, 3], 3), ([1] * 10, 4), ([100], 7), ([0, 0, 5, 0], 2), ([], 9), ([9, 1, 9], 5)]
)
def test_row_groups_are_read_together_up_to_so_many_rows(sizes: list[int], rows: int) -> None:
    groups = list(together_up_to(sizes, rows))
    assert [place for group in groups for place in group] == list(range(len(sizes)))
    for group in groups:
        held = sum(sizes[place] for place in group)
        assert held <= rows or sum(sizes[place] > 0 for place in group) == 1


def test_kernels_that_two_threads_ask_for_first_are_compiled_once_and_right() -> None:
    code = (
        "import numpy as np\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from attribution.stitching.partition import fold_edges\n"
        "from attribution.tables.categories import met\n"
        "from attribution.journeys import any_of\n"
        "calls = [lambda: fold_edges(np.zeros(9, np.uint64), 4)[-1],\n"
        "         lambda: met(np.ones(3, np.uint32), 2).sum(), lambda: any_of(np.ones((5, 2))).sum()] * 3\n"
        "with ThreadPoolExecutor(9) as pool:\n"
        "    assert [int(each.result()) for each in [pool.submit(call) for call in calls]] == [9, 1, 5] * 3\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
