"""Partition: rows scattered by the hash of their customer, so that nothing is ever sorted whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from attribution.arrays import Int64, UInt16, UInt32, UInt64
from attribution.kernels import kernel

ROWS_A_PARTITION = 16_384  # fits in cache
MOST_PARTITION_BITS = 13


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows of touchpoints or of outcomes, by what orders them; what a table does not have is None."""

    customer: UInt64  # [n] high half of the customer's hash
    customer_low: UInt64 | None  # [n] low half; None: all 0
    time: Int64  # [n] microseconds UTC
    tie: UInt64 | None  # [n] order within one instant; None: by channel
    event: UInt64 | None  # [n] hash of the event id, 0 where there is none; the last order
    channel: UInt16 | None  # [n] None: outcomes
    row: UInt32  # [n] row in the source

    def __len__(self) -> int:
        return len(self.customer)

    def cut(self, start: int, stop: int) -> Rows:
        """Return the rows of a range, not copied."""
        columns = (getattr(self, field.name) for field in fields(self))
        arrays: Iterator[Any] = (None if column is None else column[start:stop] for column in columns)
        return Rows(*arrays)

    def take(self, which: Int64 | UInt32) -> Rows:
        """Return the chosen rows."""
        columns = (getattr(self, field.name) for field in fields(self))
        arrays: Iterator[Any] = (
            # One kernel a width: whether a number has a sign is no matter here.
            None if column is None else taken(column.view(f"u{column.itemsize}"), which).view(column.dtype)
            for column in columns
        )
        return Rows(*arrays)

    @staticmethod
    def joined(parts: Sequence[Rows]) -> Rows:
        """Return the rows of all parts, one after the other."""
        columns = [[getattr(part, field.name) for part in parts] for field in fields(Rows)]
        arrays: Iterator[Any] = (None if c[0] is None else np.concatenate(c) for c in columns)
        return Rows(*arrays)


@dataclass(frozen=True, eq=False)
class Partitions:
    """Chunks of rows, each in order of partition, with the bounds of the folds in each."""

    chunks: tuple[Rows, ...]
    bounds: tuple[Int64, ...]  # a chunk: [folds + 1]

    def fold(self, number: int) -> Rows:
        """Return all rows of a fold of customers."""
        parts = [
            chunk.cut(bounds[number], bounds[number + 1])
            for chunk, bounds in zip(self.chunks, self.bounds, strict=True)
        ]
        return Rows.joined(parts) if len(parts) > 1 else parts[0]


def scattered(rows: Rows, chunk_rows: int, partition_bits: int, fold_bits: int) -> Partitions:
    """Return the rows in partitions, chunk by chunk; a partition is a part of one fold."""

    def scatter(start: int) -> tuple[Rows, Int64]:
        chunk = rows.cut(start, start + chunk_rows)
        order, edges = by_partition(chunk.customer, partition_bits)
        return chunk.take(order), edges[:: 1 << (partition_bits - fold_bits)]

    with ThreadPoolExecutor() as pool:
        chunks, bounds = zip(*pool.map(scatter, range(0, max(len(rows), 1), chunk_rows)), strict=True)
    return Partitions(chunks, bounds)


def partition_bits_for(rows: int, fold_bits: int) -> int:
    """Return how many bits of the hash make partitions that fit in cache.

    >>> partition_bits_for(1_000, 8), partition_bits_for(40_000_000, 8)
    (8, 12)
    """
    wanted = max(1, -(-rows // ROWS_A_PARTITION)) - 1
    return min(MOST_PARTITION_BITS, max(fold_bits, wanted.bit_length()))


@kernel
def taken(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return the chosen values: as numpy does, but beside other threads."""
    chosen = np.empty(which.size, values.dtype)
    for i in range(which.size):
        chosen[i] = values[which[i]]
    return chosen


@kernel
def by_partition(customer: UInt64, bits: int) -> tuple[Int64, Int64]:
    """Return the rows in order of partition (stable), and where each partition begins and ends."""
    shift = np.uint64(64 - bits)
    edges = np.zeros((1 << bits) + 1, np.int64)
    for i in range(customer.size):
        edges[np.int64(customer[i] >> shift) + 1] += 1
    for part in range(1 << bits):
        edges[part + 1] += edges[part]
    at = edges[:-1].copy()
    order = np.empty(customer.size, np.int64)
    for i in range(customer.size):
        p = np.int64(customer[i] >> shift)
        order[at[p]] = i
        at[p] += 1
    return order, edges
