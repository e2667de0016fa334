"""Assemble: the rows of one fold become journeys: ordered, cut by the window, joined to outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64, UInt16, UInt32, UInt64
from attribution.journeys import Journeys
from attribution.stitched import BEYOND_MOST, FOLDS, OUTSIDE_WINDOW, StitchReport
from attribution.stitching.cutting import cut_journeys, gathered, once
from attribution.stitching.ordering import absent, ordered
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
    keep, duplicates, retries = once(*keys(touched), natural(touched), absent(touched.event))
    if duplicates:
        touched = touched.take(np.flatnonzero(keep))
    instant = absent(None) if touched.tie is None else touched.tie >> np.uint64(cut.sequence_shift)
    start, stop, outcome, ends, why, counts = cut_journeys(
        *keys(touched), instant, *keys(ended), cut.lookback, cut.restart, cut.youngest, cut.most
    )
    offsets, channel, age, row = gathered(
        start, stop, ends, touched.time, channels_of(touched), numbers_of(touched)
    )
    won = np.flatnonzero(outcome >= 0)
    outcome_row = np.full(len(outcome), -1)
    outcome_row[won] = numbers_of(ended)[outcome[won]]
    values = np.zeros((len(outcome), len(cut.outcome_names)))
    values[won] = cut.values[outcome_row[won]]
    count = np.ones(len(outcome))
    count[won] = values[won, 0]
    journeys = Journeys(
        cut.channels,
        cut.outcome_names,
        offsets,
        channel,
        age,
        count,
        values,
        ends,
        outcome_row,
        None if touched.row is None else row,
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
    return rows.customer, absent(rows.customer_low), rows.time


def natural(rows: Rows) -> UInt64:
    """Return the order within one instant."""
    return absent(rows.channel if rows.tie is None else rows.tie)


def channels_of(rows: Rows) -> UInt16:
    """Return the channel codes of touchpoints."""
    assert rows.channel is not None
    return rows.channel


def numbers_of(rows: Rows) -> UInt32:
    """Return the numbers of the rows, or no element where they are not known."""
    return rows.row if rows.row is not None else np.zeros(0, np.uint32)
