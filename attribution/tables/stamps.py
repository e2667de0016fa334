"""Stamps: what tells that a file was written to while, or since, it was read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from attribution.errors import TableError


class Stamp(NamedTuple):
    """What tells that a file was written to."""

    size: int
    written_ns: int


def stamp(path: Path) -> Stamp:
    """Return the stamp of a file; one that is gone has none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return Stamp(0, 0)
    return Stamp(status.st_size, status.st_mtime_ns)


def check_unchanged(path: Path, where: str, before: Stamp) -> None:
    """Raise TableError if a file was written to since the stamp was taken."""
    now = stamp(path)
    if now != before:
        raise TableError.of(
            where,
            f"the file changed while it was read: {before.size:,} bytes before, {now.size:,} after",
            "a file that nobody writes to",
            "wait until it is complete, or read a copy of it",
        )
