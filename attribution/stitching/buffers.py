"""Buffers: where scattered columns lie: in memory while they fit, else in files that have no name."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from attribution.errors import OutputError
from attribution.tables.memory import MEGABYTE, available

Slots = tuple[int, int]  # from, to


class Buffer(Protocol):
    """One column of a table in slots that are filled and read by range."""

    def room(self, slots: Slots) -> NDArray[Any]:
        """Return an array to be filled, which ``keep`` then takes."""

    def keep(self, slots: Slots, values: NDArray[Any]) -> None:
        """Put the filled array into its slots."""

    def read(self, ranges: Sequence[Slots]) -> NDArray[Any]:
        """Return the values of some ranges, one after the other."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """A column in one array."""

    values: NDArray[Any]

    def room(self, slots: Slots) -> NDArray[Any]:
        """Return the slots themselves."""
        return self.values[slots[0] : slots[1]]

    def keep(self, slots: Slots, values: NDArray[Any]) -> None:
        """Do nothing: the slots have been filled."""

    def read(self, ranges: Sequence[Slots]) -> NDArray[Any]:
        """Return the values of some ranges, not copied where it is one."""
        parts = [self.values[start:stop] for start, stop in ranges]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class InFile:
    """A column in a file that is gone when the process is, whatever ends it: it has no name."""

    dtype: np.dtype[Any]
    file: BinaryIO = field(default_factory=lambda: cast(BinaryIO, tempfile.TemporaryFile()))  # noqa: SIM115

    def __post_init__(self) -> None:
        weakref.finalize(self, self.file.close)

    def room(self, slots: Slots) -> NDArray[Any]:
        """Return an array of the slots' size."""
        return np.empty(slots[1] - slots[0], self.dtype)

    def keep(self, slots: Slots, values: NDArray[Any]) -> None:
        """Write the array to its place."""
        left, at = memoryview(cast(Any, values)).cast("B"), slots[0] * self.dtype.itemsize
        while left:
            written = os.pwrite(self.file.fileno(), left, at)
            left, at = left[written:], at + written

    def read(self, ranges: Sequence[Slots]) -> NDArray[Any]:
        """Read some ranges into one array."""
        values = np.empty(sum(stop - start for start, stop in ranges), self.dtype)
        left, size = memoryview(cast(Any, values)).cast("B"), self.dtype.itemsize
        for start, stop in ranges:
            at, end = start * size, stop * size
            while at < end:
                got = os.preadv(self.file.fileno(), [left[: end - at]], at)
                left, at = left[got:], at + got
        return values


def buffers(kinds: Mapping[str, np.dtype[Any]], rows: int, working: int) -> dict[str, Buffer]:
    """Return a buffer for each column of so many rows, when ``working`` bytes are needed beside them.

    Raises:
        OutputError: they do not fit into memory, nor on the disk of temporary files.
    """
    size = rows * sum(kind.itemsize for kind in kinds.values())
    free, limit = available()
    if size + working <= free:
        return {name: InMemory(empty(rows, kind)) for name, kind in kinds.items()}
    folder = tempfile.gettempdir()
    disk = shutil.disk_usage(folder).free
    if working > free or size > disk:
        there, where, needed, of = (
            (free, f"({limit})", working, "memory")
            if working > free
            else (disk, f"in {folder}", size, "disk")
        )
        raise OutputError(
            f"{rows:,} touchpoints: got {there // MEGABYTE:,} MB {where}, expected about "
            f"{needed // MEGABYTE:,} MB of {of}; what to do: allow more memory, "
            "let TMPDIR name a folder with room, or split the tables by customer and add up"
        )
    return {name: InFile(kind) for name, kind in kinds.items()}


def empty(rows: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return an array in pages of the usual size: numpy asks for huge ones, slow to get from a busy host."""
    return np.frombuffer(mmap.mmap(-1, max(1, rows * kind.itemsize)), kind, rows)
