"""Ordering: the rows of a fold by customer, then time, then ties: buckets of the hash, sorted one by one."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Int64, UInt64
from attribution.kernels import kernel
from attribution.stitching.partition import Rows

ROWS_A_BUCKET = 4


def ordered(rows: Rows, fold_bits: int) -> Rows:
    """Return a fold's rows by (customer's hash, time, tie, event); rows equal in all keep their order."""
    n = len(rows)
    bits = min(24, max(0, (n // ROWS_A_BUCKET).bit_length()))
    none = np.zeros(n, np.uint64)
    tie = (
        rows.tie
        if rows.tie is not None
        else (none if rows.channel is None else rows.channel.astype(np.uint64))
    )
    order = order_rows(
        np.ascontiguousarray(rows.customer),
        none if rows.customer_low is None else rows.customer_low,
        rows.time,
        tie,
        none if rows.event is None else rows.event,
        fold_bits,
        bits,
    )
    return rows.take(order)


@kernel
def order_rows(
    high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64, skip: int, bits: int
) -> Int64:
    """Return the order of the rows: buckets by the hash's bits after the first ``skip``, each sorted."""
    n = high.size
    order = np.empty(n, np.int64)
    edges = np.zeros((1 << bits) + 1, np.int64)
    for i in range(n):
        edges[bucket_of(high[i], skip, bits) + 1] += 1
    for bucket in range(1 << bits):
        edges[bucket + 1] += edges[bucket]
    at = edges[:-1].copy()
    for i in range(n):
        b = bucket_of(high[i], skip, bits)
        order[at[b]] = i
        at[b] += 1
    for bucket in range(1 << bits):
        sort(order, edges[bucket], edges[bucket + 1], high, low, time, tie, event)
    return order


@kernel
def bucket_of(high: np.uint64, skip: int, bits: int) -> np.int64:
    """Return the bits of the hash that follow the first ``skip``."""
    if bits == 0:
        return np.int64(0)
    return np.int64((high << np.uint64(skip)) >> np.uint64(64 - bits))


@kernel
def comes_before(i: int, j: int, high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64) -> bool:
    """Return whether row i belongs before row j."""
    if high[i] != high[j]:
        return bool(high[i] < high[j])
    if low[i] != low[j]:
        return bool(low[i] < low[j])
    if time[i] != time[j]:
        return bool(time[i] < time[j])
    if tie[i] != tie[j]:
        return bool(tie[i] < tie[j])
    return bool(event[i] < event[j])


@kernel
def sort(
    order: Int64,
    start: int,
    stop: int,
    high: UInt64,
    low: UInt64,
    time: Int64,
    tie: UInt64,
    event: UInt64,
) -> None:
    """Sort a bucket in place: runs by insertion, then merged, both stable."""
    for first in range(start, stop, 32):
        for i in range(first + 1, min(first + 32, stop)):
            row, k = order[i], i
            while k > first and comes_before(row, order[k - 1], high, low, time, tie, event):
                order[k] = order[k - 1]
                k -= 1
            order[k] = row
    size = 32
    while size < stop - start:
        merged = np.empty(stop - start, np.int64)
        for first in range(start, stop, 2 * size):
            middle, last = min(first + size, stop), min(first + 2 * size, stop)
            i, j = first, middle
            for k in range(first - start, last - start):
                if j >= last or (
                    i < middle and not comes_before(order[j], order[i], high, low, time, tie, event)
                ):
                    merged[k] = order[i]
                    i += 1
                else:
                    merged[k] = order[j]
                    j += 1
        for k in range(stop - start):  # a slice assignment takes seconds to compile
            order[start + k] = merged[k]
        size *= 2
