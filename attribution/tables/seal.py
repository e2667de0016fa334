"""The seal: a version and a checksum in each Parquet file that is written here, checked when it is read."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from attribution.errors import TableError, shown

VERSION = "1"
ABOUT, MARK, SUM = "attribution.about", "attribution.version", "attribution.sha256"
UNSEALED = "unsealed" * 8  # as long as the checksum that takes its place
TAIL = 8  # bytes behind the metadata of a Parquet file: its length, and PAR1


def entry(key: str, value: int) -> bytes:
    r"""Return how Parquet's metadata begins an entry of a key and a value of so many bytes.

    >>> entry("a", 2)
    b'\x18\x01a\x18\x02'
    """
    return b"".join((b"\x18", bytes([len(key)]), key.encode(), b"\x18", bytes([value] if value else [])))


ENTRIES = (entry(ABOUT, 0), entry(MARK, len(VERSION)), entry(SUM, len(UNSEALED)))


def unsealed(about: Mapping[str, Any]) -> dict[str, str]:
    """Return the Parquet metadata of a file that is to be sealed: what it says of itself, and room."""
    told = json.dumps(about, sort_keys=True, separators=(",", ":"))
    return {ABOUT: told, MARK: VERSION, SUM: UNSEALED}


def seal(path: Path) -> None:
    """Put the checksum of all bytes of a file in the place that its metadata keeps for it."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        place = content.rfind(ENTRIES[-1]) + len(ENTRIES[-1])
        content[place : place + len(UNSEALED)] = digest(content, place)


def check_seal(path: Path, where: str) -> dict[str, Any] | None:
    """Return what a sealed file says of itself, None of a file that was not written here.

    Raises:
        TableError: a byte has changed since the file was written, or another version wrote it.
    """
    told = metadata(path, where)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = len(content) - TAIL - int.from_bytes(content[-TAIL : -TAIL // 2], "little")
        places = [content.rfind(each, max(0, start)) for each in ENTRIES]
        # One damaged bit hides one key at most from both looks; words in a foreign table are no two entries.
        if not told.keys() & {ABOUT, MARK, SUM} and sum(place >= 0 for place in places) < 2:
            return None
        place = places[-1] + len(ENTRIES[-1])
        if places[-1] < 0 or content[place : place + len(UNSEALED)] != digest(content, place):
            raise TableError.of(
                where,
                f"its checksum differs: the file ({len(content):,} bytes) is not as it was written",
                "the bytes that were written",
                "take the file from a backup, or make it anew",
            )
    if told[MARK] != VERSION:
        raise TableError.of(
            where,
            f"written in version {told[MARK]!r} of the file format",
            f"version {VERSION!r}",
            "read it with the version of the package that wrote it, or make it anew",
        )
    about: dict[str, Any] = json.loads(told[ABOUT])
    return about


def metadata(path: Path, where: str) -> dict[str, str]:
    """Return what a Parquet file says of itself, by key; raise TableError if it is none."""
    import pyarrow as pa
    from pyarrow.parquet import read_metadata

    try:
        told = read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TableError.of(
            where,
            f"cannot be read ({path.stat().st_size:,} bytes): {shown(str(error).splitlines()[0])}",
            "a complete .parquet file",
            "check that the file was copied in full and that its suffix tells its format",
        ) from error
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in told.items()}


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
