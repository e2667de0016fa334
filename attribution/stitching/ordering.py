"""Ordering: the rows of a fold by customer, then time, then ties: buckets of the hash, sorted one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.arrays import Int64, UInt32, UInt64
from attribution.kernels import kernel
from attribution.stitching.partition import Rows, taken

ROWS_A_BUCKET = 4
RUN = 32  # rows that are sorted by insertion
CUSTOMER, TIME, TICKET = 0, 1, 2  # what a record holds
NONE = np.zeros(0, np.uint64)
ITSELF = np.arange(1 << 16, dtype=np.uint64)


def ordered(rows: Rows, fold_bits: int) -> Rows:
    """Return a fold's rows by (customer's hash, time, tie, event); rows equal in all keep their order.

    A row is carried by its number; by its channel, where nothing else is asked of it.
    """
    bits = min(24, max(0, (len(rows) // ROWS_A_BUCKET).bit_length()))
    low, event, tie = absent(rows.customer_low), absent(rows.event), absent(rows.tie)
    ticket = np.arange(len(rows), dtype=np.uint32)
    by_channel = rows.channel is not None and rows.tie is None
    bare = by_channel and rows.customer_low is None and rows.event is None and rows.row is None
    if by_channel:
        tie = ITSELF if bare else absent(rows.channel)
    if bare:
        ticket = np.asarray(rows.channel, np.uint32)
    customer, time, ticket = order_rows(rows.customer, rows.time, ticket, low, tie, event, fold_bits, bits)
    if bare:
        return Rows(customer, None, time, channel=ticket.astype(np.uint16))
    others = ("customer_low", "tie", "event", "channel", "row")
    columns: dict[str, Any] = {name: getattr(rows, name) for name in others}
    chosen = {name: None if each is None else taken(each, ticket) for name, each in columns.items()}
    return replace(rows, customer=customer, time=time, **chosen)


def absent(values: NDArray[Any] | None) -> UInt64:
    """Return the values as they decide, without an element where there are none."""
    return NONE if values is None else values.astype(np.uint64, copy=False)


@kernel
def order_rows(
    high: UInt64, time: Int64, ticket: UInt32, low: UInt64, tie: UInt64, event: UInt64, skip: int, bits: int
) -> tuple[UInt64, Int64, UInt32]:
    """Return customers, times and tickets in order: by buckets of the bits after the first ``skip``.

    Of low, tie and event, which tickets point into, those without an element decide nothing.
    """
    records, edges = spread(high, time, ticket, skip, bits)
    # Buckets that follow one another are sorted at once: what is in an earlier one stays before.
    small = 0
    for bucket in range(edges.size - 1):
        start, stop = int(edges[bucket]), int(edges[bucket + 1])
        if stop - start > RUN:
            insert(records, small, start, low, tie, event)
            if not in_order(records[start:stop], low, tie, event):  # as the rows of one customer mostly are
                for first in range(start, stop, RUN):
                    insert(records, first, min(first + RUN, stop), low, tie, event)
                merge(records[start:stop], low, tie, event)
            small = stop
    insert(records, small, high.size, low, tie, event)
    customer, instant, carried = np.empty_like(high), np.empty_like(time), np.empty_like(ticket)
    for i in range(high.size):
        customer[i], instant[i] = records[i, CUSTOMER], np.int64(records[i, TIME])
        carried[i] = np.uint32(records[i, TICKET])
    return customer, instant, carried


@kernel
def spread(high: UInt64, time: Int64, ticket: UInt32, skip: int, bits: int) -> tuple[UInt64, UInt32]:
    """Return the rows as records in order of bucket (stable), and where the buckets begin.

    A record lies in one place of memory, which is written at random: three columns lie in three.
    """
    records = np.empty((high.size, 3), np.uint64)
    edges = np.zeros((1 << bits) + 1, np.uint32)
    for i in range(high.size):
        edges[bucket_of(high[i], skip, bits) + 1] += np.uint32(1)
    for bucket in range(1 << bits):
        edges[bucket + 1] += edges[bucket]
    at = edges.copy()
    for i in range(high.size):
        bucket = bucket_of(high[i], skip, bits)
        k = at[bucket]
        at[bucket] = k + np.uint32(1)
        records[k, CUSTOMER], records[k, TIME], records[k, TICKET] = high[i], np.uint64(time[i]), ticket[i]
    return records, edges


@kernel
def bucket_of(high: np.uint64, skip: int, bits: int) -> int:
    """Return the bits of the hash that follow the first ``skip``."""
    if bits == 0:
        return 0
    return int(np.int64((high << np.uint64(skip)) >> np.uint64(64 - bits)))


@kernel
def insert(records: UInt64, start: int, stop: int, low: UInt64, tie: UInt64, event: UInt64) -> None:
    """Sort a short run in place by insertion, stable."""
    for i in range(start + 1, stop):
        customer, time, ticket = records[i, CUSTOMER], records[i, TIME], records[i, TICKET]
        k = i
        while k > start and records[k - 1, CUSTOMER] >= customer:
            if records[k - 1, CUSTOMER] == customer and not decided(
                time, ticket, records[k - 1, TIME], records[k - 1, TICKET], low, tie, event
            ):
                break
            records[k, CUSTOMER], records[k, TIME] = records[k - 1, CUSTOMER], records[k - 1, TIME]
            records[k, TICKET] = records[k - 1, TICKET]
            k -= 1
        if k < i:
            records[k, CUSTOMER], records[k, TIME], records[k, TICKET] = customer, time, ticket


@kernel
def decided(
    time: np.uint64,
    ticket: np.uint64,
    other_time: np.uint64,
    other: np.uint64,
    low: UInt64,
    tie: UInt64,
    event: UInt64,
) -> bool:
    """Return whether a row belongs before another whose customer has the same high half."""
    if low.size and low[ticket] != low[other]:
        return bool(low[ticket] < low[other])
    if time != other_time:
        return bool(np.int64(time) < np.int64(other_time))
    if tie.size and tie[ticket] != tie[other]:
        return bool(tie[ticket] < tie[other])
    return bool(event.size and event[ticket] < event[other])


@kernel
def comes_before(records: UInt64, i: int, k: int, low: UInt64, tie: UInt64, event: UInt64) -> bool:
    """Return whether record i belongs before record k."""
    if records[i, CUSTOMER] != records[k, CUSTOMER]:
        return bool(records[i, CUSTOMER] < records[k, CUSTOMER])
    return decided(
        records[i, TIME], records[i, TICKET], records[k, TIME], records[k, TICKET], low, tie, event
    )


@kernel
def in_order(records: UInt64, low: UInt64, tie: UInt64, event: UInt64) -> bool:
    """Return whether no record belongs before the one that precedes it."""
    for i in range(1, len(records)):
        if comes_before(records, i, i - 1, low, tie, event):
            return False
    return True


@kernel
def merge(records: UInt64, low: UInt64, tie: UInt64, event: UInt64) -> None:
    """Merge the sorted runs of a bucket in place, stable."""
    n, size = len(records), RUN
    while size < n:
        old = records.copy()
        for first in range(0, n, 2 * size):
            i, middle, last = first, min(first + size, n), min(first + 2 * size, n)
            j = middle
            for k in range(first, last):
                right = i >= middle or (j < last and comes_before(old, j, i, low, tie, event))
                source = j if right else i
                records[k, CUSTOMER], records[k, TIME] = old[source, CUSTOMER], old[source, TIME]
                records[k, TICKET] = old[source, TICKET]
                i, j = i + (not right), j + right
        size *= 2
