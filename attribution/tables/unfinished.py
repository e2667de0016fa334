"""Unfinished: files and folders that are being made, removed when that ends, whatever ends it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

IN_WORK: set[Path] = set()  # of this process: what a signal has to clear away
PUBLISHING = Lock()  # held while something takes its place, and for good once a signal clears away


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
    """Remove everything that is being made, as the last thing that this process does."""
    PUBLISHING.acquire()
    for path in list(IN_WORK):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
