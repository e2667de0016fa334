"""The seal: a version and a checksum in each Parquet file that is written here, checked when it is read."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from attribution.errors import TableError

VERSION = "1"
ABOUT, MARK, SUM = "attribution.about", "attribution.version", "attribution.sha256"
UNSEALED = "unsealed" * 8  # as long as the checksum that takes its place
FOOTER = 1 << 20  # bytes at the end of a file in which a seal is looked for


def unsealed(about: Mapping[str, Any]) -> dict[str, str]:
    """Return the Parquet metadata of a file that is to be sealed: what it says of itself, and room."""
    told = json.dumps(about, sort_keys=True, separators=(",", ":"))
    return {ABOUT: told, MARK: VERSION, SUM: UNSEALED}


def seal(path: Path) -> None:
    """Put the checksum of all bytes of a file in the place that its metadata keeps for it."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        place = content.rfind(SUM.encode()) + len(SUM) + 2  # a type and a length stand between
        content[place : place + len(UNSEALED)] = digest(content, place)


def check_seal(path: Path, where: str) -> dict[str, Any] | None:
    """Return what a sealed file says of itself, None of a file that was not written here.

    Raises:
        TableError: a byte has changed since the file was written, or another version wrote it.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = max(0, len(content) - FOOTER)
        named = [content.rfind(key.encode(), start) for key in (ABOUT, MARK, SUM)]
        if max(named) < 0:
            return None
        place = named[2] + len(SUM) + 2
        if min(named) < 0 or content[place : place + len(UNSEALED)] != digest(content, place):
            raise TableError.of(
                where,
                f"its checksum differs: the file ({len(content):,} bytes) is not as it was written",
                "the bytes that were written",
                "take the file from a backup, or make it anew",
            )
    told = pl.read_parquet_metadata(path)
    if told[MARK] != VERSION:
        raise TableError.of(
            where,
            f"written in version {told[MARK]!r} of the file format",
            f"version {VERSION!r}",
            "read it with the version of the package that wrote it, or make it anew",
        )
    about: dict[str, Any] = json.loads(told[ABOUT])
    return about


def digest(content: mmap.mmap, place: int) -> bytes:
    """Return the checksum of the bytes with the place of the checksum itself as it was before."""
    view = memoryview(content)
    try:
        before, after = view[:place], view[place + len(UNSEALED) :]
        sum_of = sha256(before)
        sum_of.update(UNSEALED.encode())
        sum_of.update(after)
        before.release()
        after.release()
    finally:
        view.release()
    return sum_of.hexdigest().encode()
