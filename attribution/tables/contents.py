"""Contents: what a file holds by its first bytes, and its bytes unpacked in steps that no bomb outgrows."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import BinaryIO

from attribution.errors import TableError

# What a file may unpack to: up to LARGE bytes in any case, beyond that RATIO times its own size.
LARGE = 100_000_000
RATIO = 200
# What a Parquet file may declare: up to MANY rows in any case, beyond that so many for each of its bytes.
MANY = 1_000_000
ROWS_PER_BYTE = 100
STEP = 1 << 20
PICKLES = (".pkl", ".pickle", ".joblib")
FIRST_BYTES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip (or a workbook)",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh91AY": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PAR1\x15": "Parquet",
    **dict.fromkeys((b"x\x01", b"x\x9c", b"x\xda"), "zlib"),
    **{b"\x80" + bytes([protocol]): "pickle" for protocol in range(2, 6)},
}


def opened(path: Path, where: str) -> BinaryIO:
    """Return the bytes of a text file, unpacked where its name says gzip.

    Raises:
        TableError: it holds something else than text, or unpacks to more than can be meant.
    """
    with path.open("rb") as file:
        if path.suffix.casefold() != ".gz":
            check_is(None, file.read(8), where)
            return path.open("rb")
    text = io.BytesIO()
    size = path.stat().st_size
    with gzip.open(path) as packed:
        while step := packed.read(STEP):
            if not text.tell():
                check_is(None, step, where, "packed within gzip")
            text.write(step)
            check_ratio(text.tell(), size, where)
    text.seek(0)
    return text


def check_is(expected: str | None, start: bytes, where: str, how: str = "by its first bytes") -> None:
    """Raise TableError if a file begins as another format does than the expected one (None: text)."""
    kind = next((kind for first, kind in FIRST_BYTES.items() if start.startswith(first)), None)
    if kind == "pickle":
        raise pickle_error(where)
    if kind not in (None, expected):
        raise TableError.of(
            where,
            f"the file is {kind} {how}",
            "what its suffix says: Parquet, or CSV or NDJSON as plain text or as .gz",
            "unpack or convert the file, or give it the suffix of its format",
        )


def pickle_error(where: str) -> TableError:
    """Return the error of a file that could run code: it is never loaded."""
    return TableError.of(
        where,
        "the file is a pickle, which can run code and is never loaded",
        "Parquet, CSV or NDJSON",
        "write the table anew where it came from, for example with DataFrame.to_parquet",
    )


def check_ratio(unpacked: int, size: int, where: str) -> None:
    """Raise TableError if a file unpacks to absurdly many bytes."""
    if unpacked > max(LARGE, RATIO * size):
        raise TableError.of(
            where,
            f"the file has {size:,} bytes and unpacks to at least {unpacked:,}: {unpacked // size:,} times",
            f"at most {LARGE:,} bytes, or {RATIO} times the size of the file",
            "if the file can be trusted, unpack it yourself and pass the result",
        )


def check_rows(rows: int, size: int, where: str) -> None:
    """Raise TableError if a Parquet file declares absurdly many rows."""
    if rows > max(MANY, ROWS_PER_BYTE * size):
        raise TableError.of(
            where,
            f"the file has {size:,} bytes and declares {rows:,} rows: {rows // size:,} in each byte",
            f"at most {MANY:,} rows, or {ROWS_PER_BYTE} for each byte of the file",
            "if the file can be trusted, write it anew as several smaller ones",
        )
