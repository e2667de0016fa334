"""Windows: the last channels of a journey as words of digits, which can be compared and sorted."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Int64, UInt16
from attribution.kernels import kernel


def digits_per_word(channels: int) -> int:
    """Return how many digits in base channels + 1 fit into 63 bits.

    >>> digits_per_word(12), digits_per_word(1)
    (17, 62)
    """
    base, digits = max(channels, 1) + 1, 1
    while base ** (digits + 1) < 2**63:
        digits += 1
    return digits


def packed(windows: Int64, channels: int) -> Int64:
    """Return windows of digits [s, depth] as words [s, w]."""
    per_word = digits_per_word(channels)
    padded = widened(windows, -(-windows.shape[1] // per_word) * per_word)
    powers = np.int64(channels + 1) ** np.arange(per_word, dtype=np.int64)
    return np.asarray((padded.reshape(len(windows), -1, per_word) * powers).sum(axis=2))


def widened(rows: Int64, width: int) -> Int64:
    """Return rows padded on the right with zeros."""
    if rows.shape[1] == width:
        return rows
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])))


@kernel
def pack_windows(offsets: Int64, channel: UInt16, depth: int, base: int, per_word: int, width: int) -> Int64:
    """Return the window of the last ``depth`` channels at each touchpoint, below a first row of zeros."""
    words = np.zeros((channel.size + 1, width), np.int64)
    for j in range(offsets.size - 1):
        for t in range(offsets[j], offsets[j + 1]):
            power = 1
            for age in range(min(depth, t - offsets[j] + 1)):
                if age % per_word == 0:
                    power = 1
                words[t + 1, age // per_word] += power * (np.int64(channel[t - age]) + 1)
                power *= base
    return words


@kernel
def collapse(offsets: Int64, channel: UInt16) -> tuple[Int64, UInt16]:
    """Return the journeys with each run of one channel as a single touchpoint."""
    shorter = np.zeros_like(offsets)
    kept = np.empty_like(channel)
    found = 0
    for j in range(offsets.size - 1):
        for t in range(offsets[j], offsets[j + 1]):
            if t == offsets[j] or channel[t] != channel[t - 1]:
                kept[found] = channel[t]
                found += 1
        shorter[j + 1] = found
    return shorter, kept[:found].copy()
