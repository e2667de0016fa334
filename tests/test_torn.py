"""Torn files: whatever happens to its bytes, a file is read without loss or refused by name."""

from __future__ import annotations

import csv
import faulthandler
import gzip
import io
import os
import random
import sys
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from attribution import TableError
from attribution.tables import Checked, check_table
from attribution.tables import records as layout

NIGHTLY = os.environ.get("ATTRIBUTION_PROFILE") == "nightly"
SEED = os.environ.get("ATTRIBUTION_SEED", str(random.SystemRandom().getrandbits(32)) if NIGHTLY else "torn")
PARTS = 4
TEARS = (1_000_000 if NIGHTLY else 10_000) // (3 * PARTS) + 1
SLOWEST = 10  # seconds that one file may take

MOMENT = datetime(2026, 3, 5, 8, 30, 15, 123456, tzinfo=UTC)
ROWS = 30
FRAME = pl.DataFrame(
    {
        "customer_id": [f"user {row % 7}" if row % 11 else None for row in range(ROWS)],
        "timestamp": [MOMENT + timedelta(hours=row) for row in range(ROWS)],
        "channel": [("ads", "mail, weekly", 'the "ads"', "é-mail", "日本")[row % 5] for row in range(ROWS)],
        "campaign": [(None, "spring\nsale", "", "x")[row % 4] for row in range(ROWS)],
        "sequence": [row if row % 3 else None for row in range(ROWS)],
        "kind": [("click", None, "view")[row % 3] for row in range(ROWS)],
    }
)
TEXT = FRAME.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")).write_csv().encode()


def parquet() -> bytes:
    """Return a file with two row groups, and columns with and without a dictionary."""
    file = io.BytesIO()
    channel = pl.col("channel").cast(pl.Categorical)
    FRAME.with_columns(channel).write_parquet(file, row_group_size=ROWS // 2, compression="zstd")
    return file.getvalue()


WHOLE = {"csv": TEXT, "csv.gz": gzip.compress(TEXT, mtime=0), "parquet": parquet()}


def torn(whole: bytes, chance: random.Random) -> bytes:
    """Return the bytes after one to five accidents."""
    content = bytearray(whole)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        size = len(content)
        if not size:
            break
        start = chance.randrange(size)
        stop = min(size, start + chance.choice((1, 2, 4, 8, 16, 1 + chance.randrange(size))))
        match chance.choice(
            ("flip", "byte", "mark", "garbage", "zeros", "cut", "remove", "insert", "repeat", "swap", "noise")
        ):
            case "flip":
                content[start] ^= 1 << chance.randrange(8)
            case "byte":
                content[start] = chance.randrange(256)
            case "mark":
                content[start] = chance.choice(b'",\n\r\t; \0')
            case "garbage":
                content[start:stop] = chance.randbytes(stop - start)
            case "zeros":
                content[start:stop] = bytes(stop - start)
            case "cut":
                del content[start:]
            case "remove":
                del content[start:stop]
            case "insert":
                content[start:start] = chance.randbytes(1 + chance.randrange(8))
            case "repeat":
                content[stop:stop] = content[start:stop]
            case "swap":
                other = chance.randrange(size)
                width = min(stop - start, size - other)
                here, there = content[start : start + width], content[other : other + width]
                content[start : start + width], content[other : other + width] = there, here
            case "noise":
                content[:] = chance.randbytes(size) if chance.random() < 0.1 else content
    return bytes(content)


def records(content: bytes, packed: bool) -> list[list[str]] | None:
    """Return the records as the standard library reads them strictly; None where it refuses."""
    try:
        text = (gzip.decompress(content) if packed else content).decode("utf-8-sig")
        return [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        return None


def check_nothing_is_lost(checked: Checked, found: list[list[str]] | None) -> None:
    """Check that every record is a row at its place: used as it stands, or set aside by reason."""
    assert found is not None, "read what another reader refuses"
    header, *rows = found
    assert checked.count.read == len(rows)
    ragged = [row for row, cells in enumerate(rows) if len(cells) != len(header)]
    assert checked.rejected.filter(reason="ragged_row")["row"].to_list() == ragged
    for name in ("customer_id", "channel"):
        place = header.index(name)
        cells = [cells[place] if len(cells) == len(header) else "" for cells in rows]
        assert checked.frame[name].to_list() == [cell if cell.strip() else None for cell in cells]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", WHOLE)
def test_a_torn_file_is_read_without_loss_or_refused_by_name(kind: str, part: int, tmp_path: Path) -> None:
    print(f"ATTRIBUTION_SEED={SEED}")
    path = tmp_path / f"torn.{kind}"
    outcomes: Counter[str] = Counter()
    for number in range(TEARS):
        refused = None
        content = torn(WHOLE[kind], random.Random(f"{SEED} {kind} {part} {number}"))
        path.write_bytes(content)
        faulthandler.dump_traceback_later(SLOWEST, exit=True, file=sys.__stderr__)
        try:
            checked = check_table("touchpoints", path)
            assert checked.count.lost == 0
            assert len(checked.frame) == checked.count.read
            if kind != "parquet":
                check_nothing_is_lost(checked, records(content, packed=kind == "csv.gz"))
        except TableError as refusal:
            refused = str(refusal)
        except BaseException as error:
            error.add_note(f"ATTRIBUTION_SEED={SEED}: tear {number} of {kind}, part {part}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        assert refused is None or str(path) in refused
        outcomes["read" if refused is None else "refused"] += 1
    assert min(outcomes["read"], outcomes["refused"]) > TEARS / 100, outcomes


@pytest.mark.parametrize("part", range(PARTS))
def test_a_text_is_refused_or_has_the_records_that_a_strict_reader_finds(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(TEARS):
        chance = random.Random(f"{SEED} text {part} {number}")
        monkeypatch.setattr(layout, "BLOCK", chance.choice((1, 2, 5, 1 << 20)))
        text = "".join(chance.choice('ab,,,\n\n""" \r') for _ in range(chance.randrange(1, 22))).encode()
        try:
            cells = [
                int(n) for block in layout.blocks(io.BytesIO(text), ord(","), "t") for n in block.cells if n
            ]
        except TableError:
            outcomes["refused"] += 1
        else:
            found = records(text, packed=False)
            assert found is not None, text
            assert cells == [len(record) for record in found], text
            outcomes["read"] += 1
    assert min(outcomes["read"], outcomes["refused"]) > TEARS / 100, outcomes


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"whole.{kind}"
    path.write_bytes(WHOLE[kind])
    checked = check_table("touchpoints", path)
    assert checked.count.read == ROWS
    assert checked.count.set_aside == {"null_user": 3}
    if kind != "parquet":
        check_nothing_is_lost(checked, records(WHOLE[kind], packed=kind == "csv.gz"))
