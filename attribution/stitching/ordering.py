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
    n = high.size
    customer, instant, carried = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.uint32)
    edges = np.zeros((1 << bits) + 1, np.int64)
    for i in range(n):
        edges[bucket_of(high[i], skip, bits) + 1] += 1
    for bucket in range(1 << bits):
        edges[bucket + 1] += edges[bucket]
    at = edges.copy()
    for i in range(n):
        bucket = bucket_of(high[i], skip, bits)
        k = at[bucket]
        at[bucket] = k + 1
        customer[k], instant[k], carried[k] = high[i], time[i], ticket[i]
    # buckets that follow one another are sorted at once: what is in an earlier one stays before
    small = 0
    for bucket in range(1 << bits):
        start, stop = edges[bucket], edges[bucket + 1]
        if stop - start > RUN:
            insert(customer, instant, carried, small, start, low, tie, event)
            for first in range(start, stop, RUN):
                insert(customer, instant, carried, first, min(first + RUN, stop), low, tie, event)
            merge(customer, instant, carried, start, stop, low, tie, event)
            small = int(stop)
    insert(customer, instant, carried, small, n, low, tie, event)
    return customer, instant, carried


@kernel
def bucket_of(high: np.uint64, skip: int, bits: int) -> int:
    """Return the bits of the hash that follow the first ``skip``."""
    if bits == 0:
        return 0
    return int(np.int64((high << np.uint64(skip)) >> np.uint64(64 - bits)))


@kernel
def insert(
    customer: UInt64,
    instant: Int64,
    carried: UInt32,
    start: int,
    stop: int,
    low: UInt64,
    tie: UInt64,
    event: UInt64,
) -> None:
    """Sort a short run in place by insertion, stable."""
    for i in range(start + 1, stop):
        mine, time, ticket, k = customer[i], instant[i], carried[i], i
        while k > start and customer[k - 1] >= mine:
            if customer[k - 1] == mine:
                other = carried[k - 1]
                if low.size and low[other] != low[ticket]:
                    if low[other] < low[ticket]:
                        break
                elif instant[k - 1] < time or (
                    instant[k - 1] == time and not decided(ticket, other, tie, event)
                ):
                    break
            customer[k], instant[k], carried[k] = customer[k - 1], instant[k - 1], carried[k - 1]
            k -= 1
        if k < i:
            customer[k], instant[k], carried[k] = mine, time, ticket


@kernel
def decided(i: int, j: int, tie: UInt64, event: UInt64) -> bool:
    """Return whether the row with ticket i belongs before the one with ticket j of the same instant."""
    if tie.size and tie[i] != tie[j]:
        return bool(tie[i] < tie[j])
    return bool(event.size and event[i] < event[j])


@kernel
def merge(
    customer: UInt64,
    instant: Int64,
    carried: UInt32,
    start: int,
    stop: int,
    low: UInt64,
    tie: UInt64,
    event: UInt64,
) -> None:
    """Merge the sorted runs of a bucket in place, stable."""
    size = RUN
    ours, times, tickets = customer[start:stop], instant[start:stop], carried[start:stop]
    n = stop - start
    while size < n:
        old, old_times, old_tickets = ours.copy(), times.copy(), tickets.copy()
        for first in range(0, n, 2 * size):
            i, middle, last = first, min(first + size, n), min(first + 2 * size, n)
            j = middle
            for k in range(first, last):
                right = i >= middle
                if not right and j < last:
                    mine, other = old_tickets[j], old_tickets[i]
                    if old[j] != old[i]:
                        right = old[j] < old[i]
                    elif low.size and low[mine] != low[other]:
                        right = low[mine] < low[other]
                    elif old_times[j] != old_times[i]:
                        right = old_times[j] < old_times[i]
                    else:
                        right = decided(mine, other, tie, event)
                source = j if right else i
                ours[k], times[k], tickets[k] = old[source], old_times[source], old_tickets[source]
                i, j = i + (not right), j + right
        size *= 2
