"""Hashing: one number for a customer, the same on every machine and for text and integer ids alike."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl

from attribution.arrays import Int64, UInt64
from attribution.kernels import kernel
from attribution.tables.categories import codes_of, distinct
from attribution.tables.letters import letters_of

SEED = 0x5EED_A77B  # part of every saved statistic: folds agree as long as it stays


def hashed(ids: pl.Series) -> tuple[UInt64, UInt64]:
    """Return 128 bits for each id as two arrays, high and low.

    Integers of 64 bits, and text that is one as Python writes it, are mixed one to one (low is 0), so
    "42" and 42 are one customer. Other text has a 128-bit hash (MurmurHash3): among 10^9 customers
    two are confused with a chance of about 10^-21.

    >>> bool((hashed(pl.Series([42]))[0] == hashed(pl.Series(["42"]))[0]).all())
    True
    """
    if ids.dtype in (pl.Categorical, pl.Enum):
        names = distinct(ids)
        places, which = codes_of(names), codes_of(ids)
        halves = np.zeros((2, int(places.max(initial=0)) + 1), np.uint64)
        halves[:, places] = hashed(names.cast(pl.String))
        return halves[0][which], halves[1][which]
    if ids.dtype.is_integer():
        low, high = cast(int, ids.min() or 0), cast(int, ids.max() or 0)
        if -(2**63) <= low <= high < 2**63:
            return mixed(ids.cast(pl.Int64).to_numpy(), SEED), np.zeros(len(ids), np.uint64)
    return hashed_text(*letters_of(ids.cast(pl.String)), SEED)


@kernel
def mixed(numbers: Int64, seed: int) -> UInt64:
    """Return each number mixed one to one into 64 bits (the finaliser of splitmix64)."""
    high = np.empty(numbers.size, np.uint64)
    for i in range(numbers.size):
        high[i] = mix(np.uint64(numbers[i]) ^ np.uint64(seed))
    return high


@kernel
def mix(value: np.uint64) -> np.uint64:
    """Return 64 bits in which every input bit matters; one to one."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def hashed_text(ends: Int64, letters: np.ndarray, seed: int) -> tuple[UInt64, UInt64]:
    """Return 128 bits for each text: a canonical integer mixed, anything else by MurmurHash3."""
    high = np.empty(ends.size - 1, np.uint64)
    low = np.zeros(ends.size - 1, np.uint64)
    for i in range(ends.size - 1):
        number, canonical = as_integer(letters, ends[i], ends[i + 1])
        if canonical:
            high[i] = mix(np.uint64(number) ^ np.uint64(seed))
        else:
            high[i], low[i] = murmur128(letters, ends[i], ends[i + 1], np.uint64(seed))
    return high, low


@kernel
def as_integer(letters: np.ndarray, start: int, stop: int) -> tuple[np.int64, bool]:
    """Return the integer of 64 bits that a text writes without leading zeros, and if it does."""
    negative = stop > start and letters[start] == 45
    first = start + 1 if negative else start
    digits = stop - first
    if digits < 1 or digits > 19 or (letters[first] == 48 and (digits > 1 or negative)):
        return np.int64(0), False
    number = np.uint64(0)  # 19 digits do not overflow it
    for i in range(first, stop):
        if letters[i] < 48 or letters[i] > 57:
            return np.int64(0), False
        number = np.uint64(10) * number + np.uint64(letters[i] - 48)
    if number > np.uint64(2**63 - 1) + np.uint64(negative):
        return np.int64(0), False
    return (-np.int64(number) if negative else np.int64(number)), True


@kernel
def rotated(value: np.uint64, by: int) -> np.uint64:
    """Return the bits rotated to the left."""
    return (value << np.uint64(by)) | (value >> np.uint64(64 - by))


@kernel
def eight(letters: np.ndarray, at: np.uint64) -> np.uint64:
    """Return eight bytes as a little-endian number: written out, they are loaded at once."""
    low = (
        np.uint64(letters[at])
        | np.uint64(letters[at + np.uint64(1)]) << np.uint64(8)
        | np.uint64(letters[at + np.uint64(2)]) << np.uint64(16)
        | np.uint64(letters[at + np.uint64(3)]) << np.uint64(24)
    )
    return (
        low
        | np.uint64(letters[at + np.uint64(4)]) << np.uint64(32)
        | np.uint64(letters[at + np.uint64(5)]) << np.uint64(40)
        | np.uint64(letters[at + np.uint64(6)]) << np.uint64(48)
        | np.uint64(letters[at + np.uint64(7)]) << np.uint64(56)
    )


@kernel
def word(letters: np.ndarray, start: int, stop: int) -> np.uint64:
    """Return up to eight bytes as a little-endian number."""
    if stop - start >= 8:
        return eight(letters, np.uint64(start))
    value = np.uint64(0)
    for i in range(stop - start):
        value |= np.uint64(letters[start + i]) << np.uint64(8 * i)
    return value


@kernel
def finished(value: np.uint64) -> np.uint64:
    """Return the final mix of MurmurHash3."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@kernel
def murmur128(letters: np.ndarray, start: int, stop: int, seed: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return MurmurHash3 x64-128 of the bytes from start to stop."""
    c1, c2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
    h1, h2 = seed, seed
    at = start
    while stop - at >= 16:
        h1 ^= rotated(eight(letters, np.uint64(at)) * c1, 31) * c2
        h1 = (rotated(h1, 27) + h2) * np.uint64(5) + np.uint64(0x52DCE729)
        h2 ^= rotated(eight(letters, np.uint64(at + 8)) * c2, 33) * c1
        h2 = (rotated(h2, 31) + h1) * np.uint64(5) + np.uint64(0x38495AB5)
        at += 16
    if stop - at > 8:
        h2 ^= rotated(word(letters, at + 8, stop) * c2, 33) * c1
    if stop > at:
        h1 ^= rotated(word(letters, at, stop) * c1, 31) * c2
    h1 ^= np.uint64(stop - start)
    h2 ^= np.uint64(stop - start)
    h1 += h2
    h2 += h1
    h1, h2 = finished(h1), finished(h2)
    h1 += h2
    h2 += h1
    return h1, h2


@kernel
def digest(bits: UInt64) -> UInt64:
    """Return 64 bits of each row of bit patterns [n, m]: an order that does not follow the file."""
    found = np.zeros(bits.shape[0], np.uint64)
    for i in range(bits.shape[0]):
        for k in range(bits.shape[1]):
            found[i] = mix(found[i] ^ bits[i, k])
    return found
