"""Cutting: the ordered rows of a fold become journeys, as ranges of its touchpoints."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Bool, Float64, Int64, UInt16, UInt32, UInt64
from attribution.kernels import kernel


@kernel
def once(high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64) -> tuple[Bool, int, int]:
    """Return which ordered rows count, how many repeat another, and how many do but for the event id."""
    keep = np.ones(high.size, np.bool_)
    duplicates, retries = 0, 0
    for i in range(1, high.size):
        k = i - 1
        if time[i] == time[k] and high[i] == high[k] and tie[i] == tie[k] and agree(low, i, k):
            if agree(event, i, k):
                keep[i] = False
                duplicates += 1
            else:
                retries += 1
    return keep, duplicates, retries


@kernel
def agree(values: UInt64, i: int, k: int) -> bool:
    """Return whether two rows have one value, as they have where there are none."""
    return bool(values.size == 0 or values[i] == values[k])


@kernel
def cut_journeys(
    high: UInt64,
    low: UInt64,
    time: Int64,
    instant: UInt64,
    o_high: UInt64,
    o_low: UInt64,
    o_time: Int64,
    lookback: int,
    restart: bool,
    youngest: int,
    most: int,
) -> tuple[Int64, Int64, Int64, Int64, Int64, Int64]:
    """Return the journeys as ranges of the ordered touchpoints: start, stop, outcome (-1: null), end.

    Also why each outcome is unattributed (0: it is not; else 1 + place in UNATTRIBUTED), and the
    counts: touchpoints used, outside the window, immature, after the last outcome; journeys decided
    by a tie; null journeys; touchpoints in no journey because each had ``most`` newer ones; customers
    with a journey.
    """
    touched, ended = high.size, o_high.size
    start = np.empty(touched + ended, np.int64)
    stop, outcome, ends = np.empty_like(start), np.empty_like(start), np.empty_like(start)
    oldest_of = np.empty_like(start)  # the first touchpoint of a journey before it was cut to the newest
    why = np.zeros(ended, np.int64)
    counts = np.zeros(8, np.int64)
    n, a, c = 0, 0, 0
    while a < touched or c < ended:
        b, d = a, c  # touchpoints a:b and outcomes c:d are those of the next customer
        mine = c >= ended or (
            a < touched and (high[a] < o_high[c] or (high[a] == o_high[c] and half(low, a) <= half(o_low, c)))
        )
        customer, customer_low = (high[a], half(low, a)) if mine else (o_high[c], half(o_low, c))
        while b < touched and high[b] == customer and half(low, b) == customer_low:
            b += 1
        while d < ended and o_high[d] == customer and half(o_low, d) == customer_low:
            d += 1
        oldest, fresh, upto, covered, before = a, a, a, a, n
        for j in range(c, d):
            if j > c and o_time[j] > o_time[j - 1]:
                fresh = upto  # the touchpoints up to the previous outcome
            while upto < b and time[upto] <= o_time[j]:
                upto += 1
            while oldest < upto and time[oldest] < o_time[j] - lookback:
                oldest += 1
            first = max(oldest, fresh) if restart else oldest
            kept = max(first, upto - most)
            start[n], stop[n], outcome[n], ends[n], oldest_of[n] = kept, upto, j, o_time[j], first
            if first >= upto:
                start[n], stop[n], oldest_of[n] = upto, upto, upto
                why[j] = 1 if a == b else (3 if upto == a else (2 if oldest >= upto else 4))
            # Each journey begins and ends no earlier than the last: what is new in it lies after that one.
            within, used = max(0, upto - max(first, covered)), max(0, upto - max(kept, covered))
            counts[0] += used
            counts[6] += within - used
            covered = max(covered, upto)
            n += 1
        if c < d:
            counts[3] += b - upto
        if upto < b:
            first = upto
            while time[first] < time[b - 1] - lookback:
                first += 1
            if time[b - 1] > youngest:
                counts[2] += b - first
            else:
                kept = max(first, b - most)
                start[n], stop[n], outcome[n], ends[n], oldest_of[n] = kept, b, -1, time[b - 1], first
                counts[0] += b - kept
                counts[6] += kept - first
                counts[5] += 1
                n += 1
        counts[7] += n > before
        a, c = b, d
    counts[1] = touched - counts[0] - counts[2] - counts[6]
    for j in range(n):
        s, e = start[j], stop[j] - 1
        if (e > s and (tied(time, instant, s) or tied(time, instant, e - 1))) or (
            s > oldest_of[j] and tied(time, instant, s - 1)
        ):
            counts[4] += 1
    return start[:n].copy(), stop[:n].copy(), outcome[:n].copy(), ends[:n].copy(), why, counts


@kernel
def half(low: UInt64, i: int) -> np.uint64:
    """Return the low half of a hash, which is 0 where there are none."""
    return low[i] if low.size else np.uint64(0)


@kernel
def tied(time: Int64, instant: UInt64, row: int) -> bool:
    """Return whether a touchpoint and the next are ordered by their names alone."""
    return bool(time[row] == time[row + 1] and agree(instant, row, row + 1))


@kernel
def gathered(
    start: Int64, stop: Int64, ends: Int64, time: Int64, channel: UInt16, row: UInt32
) -> tuple[Int64, UInt16, Float64, UInt32]:
    """Return offsets, channels, ages in days and rows (where known) of the journeys' touchpoints."""
    offsets = np.zeros(start.size + 1, np.int64)
    for j in range(start.size):
        offsets[j + 1] = offsets[j] + stop[j] - start[j]
    channels = np.empty(offsets[-1], np.uint16)
    age = np.empty(offsets[-1], np.float64)
    rows = np.empty(offsets[-1] if row.size else 0, np.uint32)
    for j in range(start.size):
        at = offsets[j]
        for t in range(start[j], stop[j]):
            channels[at] = channel[t]
            age[at] = (ends[j] - time[t]) / 86_400_000_000.0
            if row.size:
                rows[at] = row[t]
            at += 1
    return offsets, channels, age, rows
