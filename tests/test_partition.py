"""Partition: every row is in the slots of its chunk, and a fold is the first bits of the customer's hash."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.stitching.buffers import Buffer, InFile, InMemory
from attribution.stitching.partition import Chunk, Partitions, fold_edges, place, scattered

FOLD_BITS = 8
TYPES = {
    "customer": np.uint64,
    "customer_low": np.uint64,
    "time": np.int64,
    "tie": np.uint64,
    "channel": np.uint16,
    "row": np.uint32,
}


def hashes(size: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).integers(0, 2**64, size, dtype=np.uint64)
    found[: size // 4] = found[0] if size else 0  # one customer has a quarter of the rows
    found[size // 4 : size // 4 + 2] = np.array([0, 2**64 - 1], np.uint64)[: max(0, size - size // 4)]
    return found


def chunk_of(customer: np.ndarray, start: int, stop: int) -> Chunk:
    """Return rows that can be told by their number."""
    number = np.arange(start, min(stop, len(customer)), dtype=np.uint32)
    mine = customer[start:stop]
    columns = {
        "customer": mine,
        "customer_low": ~mine,
        "time": number.astype(np.int64) * -11,
        "tie": number.astype(np.uint64) * np.uint64(3),
        "channel": (number % 7).astype(np.uint16),
        "row": number,
    }
    return Chunk(start, columns, seen=(start, len(mine)))


def partitions_of(customer: np.ndarray, rows: int, fold_bits: int, buffer: type) -> Partitions:
    """Return the customers scattered in parts of two chunks of so many rows."""
    size = len(customer)
    made = {
        name: InMemory(np.empty(size, kind)) if buffer is InMemory else InFile(np.dtype(kind))
        for name, kind in TYPES.items()
    }
    columns: dict[str, Buffer] = dict(made)

    def part(start: int) -> Iterator[Chunk]:
        for first in (start, start + rows):
            if first < size or not first:
                yield chunk_of(customer, first, first + rows)

    return scattered([partial(part, at) for at in range(0, max(size, 1), 2 * rows)], columns, fold_bits)


@pytest.mark.parametrize("bits", [4, 8, 10])
@pytest.mark.parametrize("size", [0, 1, 5, 3000])
def test_the_bounds_of_the_folds_cover_every_row_once_and_keep_their_order(bits: int, size: int) -> None:
    customer = hashes(size, bits)
    edges, number = fold_edges(customer, bits), np.arange(size, dtype=np.uint64)
    assert (edges[0], edges[-1], len(edges)) == (0, size, (1 << bits) + 1)
    fold = (customer >> np.uint64(64 - bits)).astype(np.int64)
    assert np.diff(edges).tolist() == np.bincount(fold, minlength=1 << bits).tolist()
    placed = np.empty(size, np.uint64)
    place(customer, edges, bits, number, placed)
    assert placed.tolist() == np.argsort(fold, kind="stable").tolist()


@given(
    size=st.integers(0, 300),
    seed=st.integers(0, 1000),
    rows=st.sampled_from([29, 100, 299, 10**6]),
    buffer=st.sampled_from([InMemory, InFile]),
)
def test_the_folds_hold_every_row_by_the_first_8_bits(size: int, seed: int, rows: int, buffer: type) -> None:
    customer = hashes(size, seed)
    partitions = partitions_of(customer, rows, FOLD_BITS, buffer)
    seen = []
    for number in np.unique(customer >> np.uint64(56)).tolist():
        fold = partitions.fold(number)
        assert (fold.customer >> np.uint64(56)).tolist() == [number] * len(fold)
        assert fold.row.tolist() == sorted(fold.row.tolist())  # stable
        assert fold.customer.tolist() == customer[fold.row].tolist()  # the columns stay together
        assert fold.customer_low.tolist() == (~customer[fold.row]).tolist()
        assert fold.time.tolist() == (fold.row.astype(np.int64) * -11).tolist()
        assert fold.tie.tolist() == (fold.row.astype(np.int64) * 3).tolist()
        assert fold.channel.tolist() == (fold.row % 7).tolist()
        assert fold.event is None
        seen += fold.row.tolist()
    assert sorted(seen) == list(range(size))
    starts = range(0, max(size, 1), rows)
    assert partitions.seen == tuple((start, min(rows, size - start)) for start in starts)
    assert partitions.slots == [(start, min(start + rows, size)) for start in starts]


@pytest.mark.parametrize("size", [0, 1, 50])
def test_all_folds_together_hold_as_many_rows_as_there_are_in_chunks_of_one_row_too(size: int) -> None:
    partitions = partitions_of(hashes(size), 1, FOLD_BITS, InMemory)
    assert sum(len(partitions.fold(number)) for number in range(1 << FOLD_BITS)) == size
