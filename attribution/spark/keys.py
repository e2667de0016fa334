"""Keys: numbers that Spark's own hash sends to the tasks that we mean, one each."""

from __future__ import annotations

from itertools import count

SEED, WORD = 42, 0xFFFFFFFF  # of Spark's hash; 32 bits
C1, C2 = 0xCC9E2D51, 0x1B873593  # of MurmurHash3


def keys_of(tasks: int) -> list[int]:
    """Return for each task the first whole number whose rows go there, when they are dealt out to so many.

    >>> [task_of(key, 4) for key in keys_of(4)]
    [0, 1, 2, 3]
    """
    found: dict[int, int] = {}
    for key in count():
        found.setdefault(task_of(key, tasks), key)
        if len(found) == tasks:
            return [found[task] for task in range(tasks)]
    raise AssertionError  # there is always another number


def task_of(key: int, tasks: int) -> int:
    """Return the task to which ``repartition(tasks, "key")`` sends a row: pmod(hash(key), tasks)."""
    value = hashed(key)
    signed = value - (1 << 32) if value >> 31 else value
    return signed % tasks


def hashed(key: int) -> int:
    """Return Spark's hash of a bigint as 32 bits: MurmurHash3 (x86, 32) of its halves, the low one first.

    Source: Appleby (2011), MurmurHash3; Spark SQL, function hash.

    >>> hashed(0) - (1 << 32)
    -1670924195
    """
    value = SEED
    for half in (key & WORD, key >> 32 & WORD):
        mixed = rotated(half * C1 & WORD, 15) * C2 & WORD
        value = (rotated(value ^ mixed, 13) * 5 + 0xE6546B64) & WORD
    value ^= 8  # bytes
    value = (value ^ value >> 16) * 0x85EBCA6B & WORD
    value = (value ^ value >> 13) * 0xC2B2AE35 & WORD
    return value ^ value >> 16


def rotated(value: int, by: int) -> int:
    """Return 32 bits rotated to the left."""
    return (value << by | value >> 32 - by) & WORD
