"""Assemble: the rows of one fold become journeys: ordered, cut by the window, joined to outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Bool, Float64, Int64, UInt64
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.stitched import BEYOND_MOST, FOLDS, OUTSIDE_WINDOW, StitchReport
from attribution.stitching.ordering import ordered
from attribution.stitching.partition import Rows
from attribution.stitching.window import FOREVER
from attribution.tables import RowCount

IMMATURE, DUPLICATE = "immature", "duplicate"
UNATTRIBUTED = ("no_touchpoints", "all_outside_window", "all_after", "used_by_earlier_outcome")


@dataclass(frozen=True, eq=False)
class Cut:
    """How to cut a fold: the window in microseconds, and what the whole run shares."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    values: Float64  # [outcome rows, m], by row of the outcomes table
    lookback: int
    restart: bool
    youngest: int  # latest end of a null journey that counts
    sequence_shift: int  # bits of a tie below the sequence
    most: int = FOREVER  # touchpoints of a journey, the newest
    fold_bits: int = FOLDS.bit_length() - 1


def assembled(touchpoints: Rows, outcomes: Rows, cut: Cut) -> tuple[Journeys, StitchReport]:
    """Return the journeys of one fold in order of customer's hash, then time, and the count of its rows."""
    touched, ended = ordered(touchpoints, cut.fold_bits), ordered(outcomes, cut.fold_bits)
    keep, duplicates, retries = once(*keys(touched), natural(touched), events(touched))
    if duplicates:
        touched = touched.take(np.flatnonzero(keep))
    instant = natural(touched) >> np.uint64(cut.sequence_shift)
    start, stop, outcome, ends, why, counts = cut_journeys(
        *keys(touched), instant, *keys(ended), cut.lookback, cut.restart, cut.youngest, cut.most
    )
    offsets, channel, age, row = gathered(start, stop, ends, touched.time, channels_of(touched), touched.row)
    converting = outcome >= 0
    outcome_row = np.where(converting, ended.row.astype(np.int64)[outcome], -1) if len(ended) else outcome
    values = np.zeros((len(start), len(cut.outcome_names)))
    values[converting] = cut.values[outcome_row[converting]]
    journeys = Journeys(
        cut.channels,
        cut.outcome_names,
        offsets,
        channel,
        age,
        np.where(converting, values[:, 0], 1.0),
        values,
        ends,
        outcome_row,
        row,
    )
    used, outside, immature, after, ties, null, beyond, customers = (int(count) for count in counts)
    aside = {
        OUTSIDE_WINDOW: outside,
        IMMATURE: immature,
        BEYOND_MOST: beyond,
        DUPLICATE: int(duplicates),
    }
    report = StitchReport(
        {
            "touchpoints": RowCount(len(touchpoints), used, {k: n for k, n in aside.items() if n}),
            "outcomes": RowCount(len(outcomes), len(outcomes)),
        },
        {name: int(n) for name, n in zip(UNATTRIBUTED, np.bincount(why, minlength=5)[1:], strict=True) if n},
        {
            "customers": customers,
            "journeys": len(journeys),
            "converting_journeys": len(journeys) - null,
            "null_journeys": null,
            "decided_ties": ties,
            "touchpoints_after_last_outcome": after,
            "retries": int(retries),
        },
    )
    return journeys, report


def keys(rows: Rows) -> tuple[UInt64, UInt64, Int64]:
    """Return what tells customers apart, and the times."""
    low = rows.customer_low if rows.customer_low is not None else np.zeros(len(rows), np.uint64)
    return rows.customer, low, rows.time


def natural(rows: Rows) -> UInt64:
    """Return the order within one instant."""
    return rows.tie if rows.tie is not None else channels_of(rows).astype(np.uint64)


def channels_of(rows: Rows) -> np.ndarray:
    """Return the channel codes of touchpoints."""
    assert rows.channel is not None
    return rows.channel


def events(rows: Rows) -> UInt64:
    """Return the hashes of the event ids, 0 where there is none."""
    return rows.event if rows.event is not None else np.zeros(len(rows), np.uint64)


@kernel
def once(high: UInt64, low: UInt64, time: Int64, tie: UInt64, event: UInt64) -> tuple[Bool, int, int]:
    """Return which ordered rows count, how many repeat another, and how many do but for the event id."""
    keep = np.ones(high.size, np.bool_)
    duplicates, retries = 0, 0
    for i in range(1, high.size):
        k = i - 1
        if high[i] == high[k] and low[i] == low[k] and time[i] == time[k] and tie[i] == tie[k]:
            if event[i] == event[k]:
                keep[i] = False
                duplicates += 1
            else:
                retries += 1
    return keep, duplicates, retries


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
            a < touched and (high[a] < o_high[c] or (high[a] == o_high[c] and low[a] <= o_low[c]))
        )
        customer, customer_low = (high[a], low[a]) if mine else (o_high[c], o_low[c])
        while b < touched and high[b] == customer and low[b] == customer_low:
            b += 1
        while d < ended and o_high[d] == customer and o_low[d] == customer_low:
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
def tied(time: Int64, instant: UInt64, row: int) -> bool:
    """Return whether a touchpoint and the next are ordered by their names alone."""
    return bool(time[row] == time[row + 1] and instant[row] == instant[row + 1])


@kernel
def gathered(
    start: Int64, stop: Int64, ends: Int64, time: Int64, channel: np.ndarray, row: np.ndarray
) -> tuple[Int64, np.ndarray, Float64, np.ndarray]:
    """Return offsets, channels, ages in days and rows of the journeys' touchpoints."""
    offsets = np.zeros(start.size + 1, np.int64)
    for j in range(start.size):
        offsets[j + 1] = offsets[j] + stop[j] - start[j]
    channels = np.empty(offsets[-1], np.uint16)
    age = np.empty(offsets[-1], np.float64)
    rows = np.empty(offsets[-1], np.uint32)
    for j in range(start.size):
        for t in range(start[j], stop[j]):
            at = offsets[j] + t - start[j]
            channels[at] = channel[t]
            age[at] = (ends[j] - time[t]) / 86_400_000_000.0
            rows[at] = row[t]
    return offsets, channels, age, rows
