"""Ordering: the rows of a fold by customer, then time, then ties: buckets of the hash, sorted one by one."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Int64, UInt32, UInt64
from attribution.kernels import kernel
from attribution.stitching.partition import Rows

ROWS_A_BUCKET = 4
RUN = 32  # rows that are sorted by insertion
NONE = np.zeros(0, np.uint64)


def ordered(rows: Rows, fold_bits: int) -> Rows:
    """Return a fold's rows by (customer's hash, time, tie, event); rows equal in all keep their order."""
    bits = min(24, max(0, (len(rows) // ROWS_A_BUCKET).bit_length()))
    tie = rows.tie
    if tie is None:
        tie = NONE if rows.channel is None else rows.channel.astype(np.uint64)
    order = order_rows(
        np.ascontiguousarray(rows.customer),
        NONE if rows.customer_low is None else rows.customer_low,
        rows.time,
        tie,
        NONE if rows.event is None else rows.event,
        fold_bits,
        bits,
    )
    return rows.take(order)


@kernel
def order_rows(
    high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64, skip: int, bits: int
) -> UInt32:
    """Return the order of the rows: buckets by the hash's bits after the first ``skip``, each sorted.

    Of low, tie and event those without an element decide nothing. Customer and time lie beside one
    another in each bucket, so that it is sorted in cache.
    """
    n = high.size
    order, customer, instant = np.empty(n, np.uint32), np.empty(n, np.uint64), np.empty(n, np.int64)
    edges = np.zeros(1 << bits, np.uint32)
    for i in range(n):
        edges[bucket_of(high[i], skip, bits)] += np.uint32(1)
    bounds = np.zeros((1 << bits) + 1, np.int64)
    for bucket in range(1 << bits):
        bounds[bucket + 1] = bounds[bucket] + edges[bucket]
        edges[bucket] = bounds[bucket]
    for i in range(n):
        b = bucket_of(high[i], skip, bits)
        place = edges[b]
        edges[b] = place + np.uint32(1)
        order[place], customer[place], instant[place] = i, high[i], time[i]
    small = 0  # buckets that follow one another are sorted at once: what is in an earlier one stays before
    for bucket in range(1 << bits):
        start, stop = bounds[bucket], bounds[bucket + 1]
        if stop - start > RUN:
            insert(order, customer, instant, small, start, low, tie, event)
            for first in range(start, stop, RUN):
                insert(order, customer, instant, first, min(first + RUN, stop), low, tie, event)
            merge(order, start, stop, high, low, time, tie, event)
            small = stop
    insert(order, customer, instant, small, n, low, tie, event)
    return order


@kernel
def bucket_of(high: np.uint64, skip: int, bits: int) -> np.uint64:
    """Return the bits of the hash that follow the first ``skip``."""
    if bits == 0:
        return np.uint64(0)
    return (high << np.uint64(skip)) >> np.uint64(64 - bits)


@kernel
def insert(
    order: UInt32,
    customer: UInt64,
    instant: Int64,
    start: int,
    stop: int,
    low: UInt64,
    tie: UInt64,
    event: UInt64,
) -> None:
    """Sort a short run in place by insertion, stable."""
    for i in range(start + 1, stop):
        row, mine, time, k = order[i], customer[i], instant[i], i
        while k > start:
            other, theirs = order[k - 1], customer[k - 1]
            if theirs < mine:
                break
            if theirs == mine:
                if low.size and low[other] != low[row]:
                    if low[other] < low[row]:
                        break
                elif instant[k - 1] < time or (
                    instant[k - 1] == time and not decided(row, other, tie, event)
                ):
                    break
            order[k], customer[k], instant[k] = other, theirs, instant[k - 1]
            k -= 1
        order[k], customer[k], instant[k] = row, mine, time


@kernel
def decided(i: int, j: int, tie: UInt64, event: UInt64) -> bool:
    """Return whether row i belongs before row j of the same customer and time."""
    if tie.size and tie[i] != tie[j]:
        return bool(tie[i] < tie[j])
    return bool(event.size and event[i] < event[j])


@kernel
def comes_before(i: int, j: int, high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64) -> bool:
    """Return whether row i belongs before row j."""
    if high[i] != high[j]:
        return bool(high[i] < high[j])
    if low.size and low[i] != low[j]:
        return bool(low[i] < low[j])
    if time[i] != time[j]:
        return bool(time[i] < time[j])
    return decided(i, j, tie, event)


@kernel
def merge(
    order: UInt32,
    start: int,
    stop: int,
    high: UInt64,
    low: UInt64,
    time: Int64,
    tie: UInt64,
    event: UInt64,
) -> None:
    """Merge the sorted runs of a bucket in place, stable."""
    size = RUN
    while size < stop - start:
        merged = np.empty(stop - start, np.uint32)
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
