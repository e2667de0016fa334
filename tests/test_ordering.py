"""Ordering: the compiled sort of a fold's rows gives what sorted() gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.stitching.ordering import bucket_of, order_rows, ordered
from attribution.stitching.partition import Rows

FOLD_BITS = 8
KEYS = ("high", "low", "time", "tie", "event")
FIRST = ("high", "time")
FOLD = 0xA7 << 56  # rows of a fold share the first bits of the hash
SIGNED = {"time": np.int64}


def drawn(lot: np.random.Generator, size: int, customers: int, distinct: int) -> dict[str, np.ndarray]:
    """Return rows in which every key collides as often as is asked for."""
    hashes = FOLD | lot.integers(0, 1 << 56, customers, dtype=np.uint64)
    columns = {name: lot.integers(0, distinct, size, dtype=np.uint64) for name in KEYS}
    columns["high"] = hashes[lot.integers(0, customers, size)]
    columns["time"] = columns["time"].astype(np.int64) - distinct // 2  # before 1970 as well
    columns["tie"] <<= np.uint64(lot.integers(0, 62))
    columns["event"] = ~columns["event"]  # the whole width of 64 bits
    return columns


def as_rows(columns: dict[str, np.ndarray], order: list[int]) -> list[tuple[int, ...]]:
    return [tuple(int(columns[name][place]) for name in KEYS) for place in order]


def assert_sorted(columns: dict[str, np.ndarray], skip: int, bits: int) -> None:
    """Compare with sorted(): the order is a permutation, and the keys come out in order."""
    everything = list(range(len(columns["high"])))
    given = (columns["high"], columns["time"], np.array(everything, np.uint32))
    customer, time, ticket = order_rows(
        *given, *(columns[name] for name in KEYS if name not in FIRST), skip, bits
    )
    order = ticket.tolist()
    assert customer.tolist() == columns["high"][order].tolist()
    assert time.tolist() == columns["time"][order].tolist()
    assert sorted(order) == everything
    assert as_rows(columns, order) == sorted(as_rows(columns, everything))


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(0, 200),
    customers=st.integers(1, 12),
    distinct=st.sampled_from([1, 2, 5, 1000]),
    bits=st.integers(0, 12),
)
def test_rows_come_out_as_sorted_gives_them(
    seed: int, size: int, customers: int, distinct: int, bits: int
) -> None:
    assert_sorted(drawn(np.random.default_rng(seed), size, customers, distinct), FOLD_BITS, bits)


@pytest.mark.parametrize("size", [31, 32, 33, 63, 64, 65, 127, 129, 1000, 1025, 4097])
@pytest.mark.parametrize("distinct", [1, 3, 10**6], ids=["all equal", "few", "many"])
def test_a_bucket_of_any_size_is_sorted(size: int, distinct: int) -> None:
    assert_sorted(drawn(np.random.default_rng(size), size, 1, distinct), FOLD_BITS, 10)


@pytest.mark.parametrize("shape", ["reversed", "in order", "two runs", "saw"])
def test_rows_in_an_order_of_their_own_are_sorted(shape: str) -> None:
    size = 1500
    up = np.arange(size)
    times = {"reversed": up[::-1], "in order": up, "two runs": np.roll(up, 700), "saw": up % 37}[shape]
    columns = {name: np.zeros(size, SIGNED.get(name, np.uint64)) for name in KEYS}
    assert_sorted(columns | {"time": times.astype(np.int64)}, FOLD_BITS, 8)


def test_each_key_decides_where_those_before_it_agree() -> None:
    size = 200
    for place, name in enumerate(KEYS):
        columns = {key: np.full(size, 5, SIGNED.get(key, np.uint64)) for key in KEYS[: place + 1]}
        columns |= {
            key: np.arange(size)[::-1].astype(SIGNED.get(key, np.uint64)) for key in KEYS[place + 1 :]
        }
        columns[name] = np.random.default_rng(place).permutation(size).astype(SIGNED.get(name, np.uint64))
        assert_sorted(columns, 0, 0)


def test_hashes_that_differ_in_the_last_bit_alone_are_told_apart() -> None:
    columns = {name: np.zeros(6, SIGNED.get(name, np.uint64)) for name in KEYS}
    columns["high"] = FOLD | np.array([1, 0, 1, 0, 1, 0], np.uint64)
    columns["time"] = np.array([3, 2, 1, 6, 5, 4])
    assert_sorted(columns, FOLD_BITS, 2)


def test_a_bucket_is_the_bits_after_those_that_are_skipped() -> None:
    high = np.uint64(0b10100111_11010000 << 48)
    assert int(bucket_of(high, FOLD_BITS, 4)) == 0b1101
    assert int(bucket_of(high, 0, 4)) == 0b1010
    assert int(bucket_of(high, FOLD_BITS, 0)) == 0


@pytest.mark.parametrize("size", [0, 1, 3, 500])
def test_what_a_table_does_not_have_orders_nothing(size: int) -> None:
    lot = np.random.default_rng(size)
    columns = drawn(lot, size, 5, 4)
    channel = lot.integers(0, 3, size).astype(np.uint16)
    number = np.arange(size, dtype=np.uint32)
    rows = ordered(Rows(columns["high"], None, columns["time"], None, None, channel, number), FOLD_BITS)
    found = list(zip(rows.customer.tolist(), rows.time.tolist(), rows.channel.tolist(), strict=True))
    given = zip(columns["high"].tolist(), columns["time"].tolist(), channel.tolist(), strict=True)
    assert found == sorted(given)
    assert sorted(rows.row.tolist()) == number.tolist()
    assert channel[rows.row].tolist() == rows.channel.tolist()
    assert rows.tie is rows.event is rows.customer_low is None


def test_outcomes_have_no_channel_and_are_ordered_by_their_content() -> None:
    zeros = np.zeros(3, np.uint64)
    tie = np.array([7, 2**64 - 1, 0], np.uint64)
    rows = ordered(
        Rows(zeros, zeros, np.zeros(3, np.int64), tie, None, None, np.arange(3, dtype=np.uint32)), FOLD_BITS
    )
    assert rows.row.tolist() == [2, 0, 1]
    assert rows.channel is None
