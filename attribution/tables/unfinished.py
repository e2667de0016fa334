"""Unfinished: files and folders that are being made, removed when that ends, whatever ends it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_WORK: set[Path] = set()  # of this process: what a signal has to clear away


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a path to fill; what is still there at the end, because it was not renamed, is removed."""
    IN_WORK.add(path)
    try:
        yield path
    finally:
        remove(path)
        IN_WORK.discard(path)


def discard_unfinished() -> None:
    """Remove everything that is being made."""
    for path in list(IN_WORK):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
