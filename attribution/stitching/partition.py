"""Partition: rows scattered by the hash of their customer, so that nothing is ever sorted whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.arrays import Int64, UInt16, UInt32, UInt64
from attribution.kernels import kernel
from attribution.stitched import Progress
from attribution.stitching.buffers import Buffer, Slots


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows of touchpoints or of outcomes, by what orders them; what a table does not have is None."""

    customer: UInt64  # [n] high half of the customer's hash
    customer_low: UInt64 | None  # [n] low half; None: all 0
    time: Int64  # [n] microseconds UTC
    tie: UInt64 | None = None  # [n] order within one instant; None: by channel
    event: UInt64 | None = None  # [n] hash of the event id, 0 where there is none; the last order
    channel: UInt16 | None = None  # [n] None: outcomes
    row: UInt32 | None = None  # [n] row in the source; None: found again when it is asked for

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, which: Int64 | UInt32) -> Rows:
        """Return the chosen rows."""
        columns = (getattr(self, field.name) for field in fields(self))
        arrays: Iterator[Any] = (None if column is None else taken(column, which) for column in columns)
        return Rows(*arrays)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows that are scattered at once: columns by name, customer among them, and what else was seen."""

    start: int  # first slot; it takes as many as it has rows
    columns: Mapping[str, NDArray[Any]]
    seen: Any = None


@dataclass(frozen=True, eq=False)
class Partitions:
    """Columns in which each chunk has its rows in order of fold, and the bounds of the folds in each."""

    columns: Mapping[str, Buffer]
    bounds: tuple[Int64, ...]  # a chunk: slots [folds + 1]
    seen: tuple[Any, ...]  # a chunk

    @property
    def slots(self) -> list[Slots]:
        """The slots of each chunk that are filled."""
        return [(int(bounds[0]), int(bounds[-1])) for bounds in self.bounds]

    def fold(self, number: int) -> Rows:
        """Return all rows of a fold of customers."""
        return self.rows([(int(bounds[number]), int(bounds[number + 1])) for bounds in self.bounds])

    def rows(self, ranges: Sequence[Slots]) -> Rows:
        """Return the rows of some slots, one range after the other."""
        arrays: dict[str, Any] = {name: column.read(ranges) for name, column in self.columns.items()}
        return Rows(**{"customer_low": None, **arrays})


def scattered(
    parts: Sequence[Callable[[], Iterator[Chunk]]],
    columns: Mapping[str, Buffer],
    fold_bits: int,
    progress: Progress | None = None,
) -> Partitions:
    """Return the rows of all parts by fold of the customer's hash, each part scattered by one thread."""

    def scatter(part: Callable[[], Iterator[Chunk]]) -> list[tuple[Int64, Any]]:
        found = []
        for chunk in part():
            customer = chunk.columns["customer"]
            edges, slots = fold_edges(customer, fold_bits), (chunk.start, chunk.start + len(customer))
            for name, column in columns.items():
                room = column.room(slots)
                place(customer, edges, fold_bits, unsigned(chunk.columns[name]), unsigned(room))
                column.keep(slots, room)
            found.append((edges + chunk.start, chunk.seen))
        return found

    chunks: list[tuple[Int64, Any]] = []
    rows = 0
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as pool:
        for done, found in enumerate(pool.map(scatter, parts), start=1):
            chunks += found
            rows += sum(int(bounds[-1] - bounds[0]) for bounds, _ in found)
            if progress is not None:
                progress(done, len(parts), rows)
    return Partitions(columns, tuple(bounds for bounds, _ in chunks), tuple(seen for _, seen in chunks))


def unsigned(values: NDArray[Any]) -> NDArray[Any]:
    """Return the same bits without a sign, so that a kernel is compiled once a width."""
    return values.view(f"u{values.itemsize}")


def taken(values: NDArray[Any], which: Int64 | UInt32) -> NDArray[Any]:
    """Return the chosen values: as numpy does, but beside other threads."""
    chosen = np.empty(len(which), values.dtype)
    gather(unsigned(values), which, unsigned(chosen))
    return chosen


@kernel
def gather(values: np.ndarray, which: np.ndarray, chosen: np.ndarray) -> None:
    """Put the chosen values one after the other."""
    for i in range(which.size):
        chosen[i] = values[which[i]]


@kernel
def fold_edges(customer: UInt64, bits: int) -> Int64:
    """Return where each fold begins and ends when the rows are in order of fold."""
    shift = np.uint64(64 - bits)
    edges = np.zeros((1 << bits) + 1, np.int64)
    for i in range(customer.size):
        edges[np.int64(customer[i] >> shift) + 1] += 1
    for fold in range(1 << bits):
        edges[fold + 1] += edges[fold]
    return edges


@kernel
def place(customer: UInt64, edges: Int64, bits: int, values: np.ndarray, placed: np.ndarray) -> None:
    """Put the values in order of fold (stable): a column at a time, whose pages then stay known."""
    shift = np.uint64(64 - bits)
    at = edges[:-1].copy()
    for i in range(customer.size):
        fold = np.int64(customer[i] >> shift)
        placed[at[fold]] = values[i]
        at[fold] += 1
