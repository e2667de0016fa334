"""Partition: every row is in one partition of its chunk, and a fold is the first 8 bits of the hash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.stitching.partition import (
    MOST_PARTITION_BITS,
    ROWS_A_PARTITION,
    Rows,
    by_partition,
    partition_bits_for,
    scattered,
)

FOLD_BITS = 8
BITS = range(FOLD_BITS, MOST_PARTITION_BITS + 1)


def hashes(size: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).integers(0, 2**64, size, dtype=np.uint64)
    found[: size // 4] = found[0] if size else 0  # one customer has a quarter of the rows
    found[size // 4 : size // 4 + 2] = np.array([0, 2**64 - 1], np.uint64)[: max(0, size - size // 4)]
    return found


def rows_of(customer: np.ndarray) -> Rows:
    """Return rows that can be told by their number."""
    number = np.arange(len(customer), dtype=np.uint32)
    tie, channel = number.astype(np.uint64) * np.uint64(3), (number % 7).astype(np.uint16)
    return Rows(customer, ~customer, number.astype(np.int64) * 11, tie, None, channel, number)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", [0, 1, 5, 3000])
def test_the_bounds_of_the_partitions_cover_every_row_once(bits: int, size: int) -> None:
    customer = hashes(size, bits)
    order, edges = by_partition(customer, bits)
    assert sorted(order.tolist()) == list(range(size))
    assert edges[0] == 0
    assert edges[-1] == size
    assert len(edges) == (1 << bits) + 1
    part = (customer >> np.uint64(64 - bits)).astype(np.int64)
    assert np.diff(edges).tolist() == np.bincount(part, minlength=1 << bits).tolist()
    assert part[order].tolist() == sorted(part.tolist())


def test_rows_of_one_partition_keep_their_order() -> None:
    order, _ = by_partition(np.zeros(500, np.uint64), 10)
    assert order.tolist() == list(range(500))


@given(
    size=st.integers(0, 300),
    seed=st.integers(0, 1000),
    bits=st.sampled_from(BITS),
    chunk_rows=st.sampled_from([29, 100, 299, 10**6]),
)
def test_the_folds_hold_every_row_by_the_first_8_bits(
    size: int, seed: int, bits: int, chunk_rows: int
) -> None:
    customer = hashes(size, seed)
    partitions = scattered(rows_of(customer), chunk_rows, bits, FOLD_BITS)
    seen = []
    for number in np.unique(customer >> np.uint64(56)).tolist():
        fold = partitions.fold(number)
        assert (fold.customer >> np.uint64(56)).tolist() == [number] * len(fold)
        assert fold.customer.tolist() == customer[fold.row].tolist()  # the columns stay together
        assert fold.customer_low.tolist() == (~customer[fold.row]).tolist()
        assert fold.time.tolist() == (fold.row.astype(np.int64) * 11).tolist()
        assert fold.tie.tolist() == (fold.row.astype(np.int64) * 3).tolist()
        assert fold.channel.tolist() == (fold.row % 7).tolist()
        assert fold.event is None
        seen += fold.row.tolist()
    assert sorted(seen) == list(range(size))


@pytest.mark.parametrize("size", [0, 1, 50])
def test_all_folds_together_hold_as_many_rows_as_there_are_in_chunks_of_one_row_too(size: int) -> None:
    partitions = scattered(rows_of(hashes(size)), 1, FOLD_BITS, FOLD_BITS)
    assert sum(len(partitions.fold(number)) for number in range(1 << FOLD_BITS)) == size


@pytest.mark.parametrize(
    ("rows", "bits"),
    [
        (0, 8),
        (1, 8),
        (256 * ROWS_A_PARTITION, 8),
        (256 * ROWS_A_PARTITION + 1, 9),
        (512 * ROWS_A_PARTITION, 9),
        (10**10, MOST_PARTITION_BITS),
    ],
)
def test_partitions_are_as_many_as_fit_in_cache(rows: int, bits: int) -> None:
    assert partition_bits_for(rows, FOLD_BITS) == bits
