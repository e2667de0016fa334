"""Interning: equal rows of integers get one number, without sorting all of them."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Int64
from attribution.kernels import kernel

SMALL = 1 << 14


@kernel
def intern(words: Int64) -> tuple[Int64, Int64]:
    """Return for each row of [n, w] its number in order of first appearance, and those first rows."""
    n, width = words.shape
    number = np.empty(n, np.int64)
    first = np.empty(n, np.int64)
    found = 0
    slots = np.full(1024, -1, np.int64)
    for i in range(n):
        if 2 * found >= slots.size:
            slots = np.full(4 * slots.size, -1, np.int64)
            for known in range(found):
                slot = slot_of(words, first[known], width, slots.size)
                while slots[slot] >= 0:
                    slot = (slot + 1) & (slots.size - 1)
                slots[slot] = known
        slot = slot_of(words, i, width, slots.size)
        while slots[slot] >= 0 and not same(words, i, first[slots[slot]], width):
            slot = (slot + 1) & (slots.size - 1)
        if slots[slot] < 0:
            slots[slot] = found
            first[found] = i
            found += 1
        number[i] = slots[slot]
    return number, first[:found].copy()


@kernel
def slot_of(words: Int64, row: int, width: int, slots: int) -> int:
    """Return the slot where the search for a row begins; slots is a power of two."""
    mixed = 0
    for k in range(width):
        mixed = (mixed ^ words[row, k]) * 0x9E3779B97F4A7C1
        mixed ^= mixed >> 29
    return mixed & (slots - 1)


@kernel
def same(words: Int64, left: int, right: int, width: int) -> bool:
    """Return whether two rows are equal."""
    for k in range(width):
        if words[left, k] != words[right, k]:
            return False
    return True


@kernel
def place_small(numbers: Int64, size: int) -> tuple[Int64, Int64]:
    """Return the distinct of numbers below ``size``, rising, and the place of each among them."""
    place = np.full(size, -1, np.int64)
    for i in range(numbers.size):
        place[numbers[i]] = 0
    found = 0
    for number in range(size):
        if place[number] == 0:
            place[number] = found
            found += 1
    rows = np.empty(found, np.int64)
    for number in range(size):
        if place[number] >= 0:
            rows[place[number]] = number
    places = np.empty(numbers.size, np.int64)
    for i in range(numbers.size):
        places[i] = place[numbers[i]]
    return rows, places


def distinct(words: Int64) -> tuple[Int64, Int64]:
    """Return the distinct rows of [n, w] in lexical order, and the place of each row among them.

    >>> distinct(np.array([[7], [3], [7]]))[1].tolist()
    [1, 0, 1]
    """
    if words.shape[1] == 1 and len(words):
        numbers = np.ascontiguousarray(words[:, 0])
        if numbers.min() >= 0 and numbers.max() < max(
            SMALL, 2 * len(numbers)
        ):  # a table of them fits in cache
            rows, places = place_small(numbers, int(numbers.max()) + 1)
            return rows[:, None], places
    number, first = intern(np.ascontiguousarray(words, dtype=np.int64))
    rows = words[first]
    order = np.lexsort(rows.T[::-1]) if len(rows) else first
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return rows[order], place[number]
