"""Hashing: a customer's number is MurmurHash3 or a mixed integer, and no two customers are confused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attribution as at
from attribution.stitching import rows as stitching_rows
from attribution.stitching.assemble import Cut, assembled
from attribution.stitching.hashing import SEED, as_integer, digest, hashed, mixed, murmur128
from attribution.stitching.partition import Rows

M = 2**64 - 1


# The twins.


def murmur(text: bytes, seed: int) -> tuple[int, int]:
    """Return MurmurHash3 x64-128 as its reference says it, in integers of any size."""

    def rotated(value: int, by: int) -> int:
        return (value << by | value >> (64 - by)) & M

    def finished(value: int) -> int:
        value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & M
        value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & M
        return value ^ value >> 33

    c1, c2, h1, h2 = 0x87C37B91114253D5, 0x4CF5AD432745937F, seed, seed
    whole = len(text) // 16 * 16
    for start in range(0, whole, 16):
        k1 = int.from_bytes(text[start : start + 8], "little")
        k2 = int.from_bytes(text[start + 8 : start + 16], "little")
        h1 ^= rotated(k1 * c1 & M, 31) * c2 & M
        h1 = ((rotated(h1, 27) + h2) * 5 + 0x52DCE729) & M
        h2 ^= rotated(k2 * c2 & M, 33) * c1 & M
        h2 = ((rotated(h2, 31) + h1) * 5 + 0x38495AB5) & M
    tail = text[whole:]
    h2 ^= rotated(int.from_bytes(tail[8:], "little") * c2 & M, 33) * c1 & M
    h1 ^= rotated(int.from_bytes(tail[:8], "little") * c1 & M, 31) * c2 & M
    h1, h2 = h1 ^ len(text), h2 ^ len(text)
    h1 = (h1 + h2) & M
    h2 = (h2 + h1) & M
    h1, h2 = finished(h1), finished(h2)
    h1 = (h1 + h2) & M
    return h1, (h2 + h1) & M


def splitmix(value: int) -> int:
    """Return one step of splitmix64 from a state."""
    value = (value + 0x9E3779B97F4A7C15) & M
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & M
    value = (value ^ value >> 27) * 0x94D049BB133111EB & M
    return value ^ value >> 31


def is_canonical(text: str) -> bool:
    """Whether a text is how Python writes an integer of 64 bits."""
    try:
        return str(int(text)) == text and -(2**63) <= int(text) < 2**63
    except ValueError:
        return False


def expected(name: str) -> tuple[int, int]:
    """Return what a customer's number has to be."""
    if is_canonical(name):
        return splitmix((int(name) & M) ^ SEED), 0
    return murmur(name.encode(), SEED)


def ours(text: bytes, seed: int = 0) -> tuple[int, int]:
    high, low = murmur128(np.frombuffer(text or b"\0", np.uint8), 0, len(text), np.uint64(seed))
    return int(high), int(low)


def pairs(ids: pl.Series | Sequence[object]) -> list[tuple[int, int]]:
    high, low = hashed(ids if isinstance(ids, pl.Series) else pl.Series(ids))
    return list(zip(high.tolist(), low.tolist(), strict=True))


# MurmurHash3.

PUBLISHED = {  # the x64-128 variant with seed 0
    b"": (0, 0),
    b"hello": (0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19),
    b"The quick brown fox jumps over the lazy dog": (0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347),
}


@pytest.mark.parametrize("text", PUBLISHED, ids=repr)
def test_the_published_vectors_come_out(text: bytes) -> None:
    assert ours(text) == PUBLISHED[text] == murmur(text, 0)


@given(text=st.binary(max_size=70), seed=st.integers(0, M))
def test_any_bytes_hash_as_the_twin_says(text: bytes, seed: int) -> None:
    assert ours(text, seed) == murmur(text, seed)


@given(text=st.binary(min_size=1, max_size=50), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_text_hashes_the_same_wherever_it_lies(text: bytes, before: bytes, after: bytes) -> None:
    letters = np.frombuffer(before + text + after, np.uint8)
    high, low = murmur128(letters, len(before), len(before) + len(text), np.uint64(7))
    assert (int(high), int(low)) == murmur(text, 7)


# Customers.

NAMES = st.text(max_size=40) | st.integers(-(10**19), 10**19).map(str) | st.text("-+0123456789 ", max_size=20)


@given(names=st.lists(NAMES, max_size=20))
def test_text_ids_hash_as_the_twin_says(names: list[str]) -> None:
    assert pairs(pl.Series(names, dtype=pl.String)) == [expected(name) for name in names]


@given(numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_a_number_hashes_as_its_text(numbers: list[int]) -> None:
    as_numbers = pl.Series(numbers, dtype=pl.Int64)
    assert pairs(as_numbers) == pairs(as_numbers.cast(pl.String)) == [expected(str(n)) for n in numbers]


@pytest.mark.parametrize(
    "dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128]
)
def test_the_width_of_an_integer_is_no_matter(dtype: pl.DataType) -> None:
    least, most = pl.select(low=dtype.min(), high=dtype.max()).row(0)
    for values in ([0, 1, 42, 127], [least], [most], [least, most, 7]):
        assert pairs(pl.Series(values, dtype=dtype)) == [expected(str(value)) for value in values]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("-7", -7),
        ("999999999999999999", 10**18 - 1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_an_integer_as_python_writes_it_is_read_as_one(text: str, number: int) -> None:
    letters = np.frombuffer(f"<{text}>".encode(), np.uint8)
    assert as_integer(letters, 1, 1 + len(text)) == (number, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "-0",
        "00",
        "042",
        "-042",
        "+1",
        "1.0",
        "1e3",
        " 1",
        "1 ",
        "1_000",
        "٤",
        "/",
        ":",
        "9223372036854775808",
        "-9223372036854775809",
        "1" + 19 * "0",
    ],
)
def test_any_other_text_is_no_integer(text: str) -> None:
    letters = np.frombuffer(text.encode() or b"5", np.uint8)
    assert as_integer(letters, 0, len(text.encode())) == (0, False)


def test_integers_are_mixed_one_to_one() -> None:
    numbers = np.arange(-50_000, 50_000)
    assert len(np.unique(mixed(numbers, SEED))) == len(numbers)
    assert mixed(numbers[:50], SEED).tolist() == [splitmix((int(n) & M) ^ SEED) for n in numbers[:50]]


def test_customers_are_spread_evenly_over_the_folds() -> None:
    size = 256_000
    for ids in (pl.Series(range(size)), pl.Series(f"A{n:06}" for n in range(size))):
        folds = np.bincount((hashed(ids)[0] >> np.uint64(56)).astype(np.int64), minlength=256)
        assert folds.min() > 800  # 1000 a fold, s.e. 32
        assert folds.max() < 1200


def test_slices_and_chunks_of_a_column_hash_as_its_values_do() -> None:
    names = [f"customer {n}" if n % 3 else str(n) for n in range(40)]
    column, whole = pl.Series(names), pairs(names)
    assert pairs(column.slice(7, 20)) == whole[7:27]
    chunked = pl.concat([column[:5], column[5:6], column[6:]], rechunk=False)
    assert chunked.n_chunks() == 3
    assert pairs(chunked) == whole
    assert pairs(chunked.slice(3, 10)) == whole[3:13]
    numbers = pl.Series(range(40))
    assert pairs(pl.concat([numbers[:9], numbers[9:]], rechunk=False).slice(5, 9)) == pairs(range(5, 14))


def test_no_rows_have_no_hashes() -> None:
    for dtype in (pl.String, pl.Int64, pl.Null):
        assert pairs(pl.Series([], dtype=dtype)) == []


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["a", "b", "42"])])
def test_a_dictionary_of_names_hashes_as_its_names(dtype: pl.DataType) -> None:
    assert pairs(pl.Series(["b", "42", "a"]).cast(dtype)) == pairs(["b", "42", "a"])


def test_names_of_any_script_are_customers() -> None:
    names = ["Zoë", "Zoe\u0308", "zoë", "客户", "עמית", "🦊", "🦊\u200d", "a" * 10_000]
    assert len(set(pairs(names))) == len(names)
    assert pairs(names) == [murmur(name.encode(), SEED) for name in names]


def test_the_digest_of_a_row_follows_its_numbers_and_their_places() -> None:
    rows = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [0.0, 0.0], [1.0, 2.0 + 1e-15]])
    found = digest(rows.view(np.uint64)).tolist()
    assert found[0] == found[2]
    assert len(set(found)) == 4
    assert found[1] == splitmix(
        splitmix(rows.view(np.uint64)[1, 0].item()) ^ rows.view(np.uint64)[1, 1].item()
    )


# Customers whose hashes agree in the half that makes folds.

HIGH = np.uint64(0x0102030405060708)


def test_customers_who_agree_in_the_first_64_bits_are_kept_apart() -> None:
    low = np.array([9, 5, 9, 5, 9], np.uint64)
    touched = Rows(np.full(5, HIGH), low, np.array([10, 11, 12, 13, 31]), None, None,
                   np.array([0, 1, 0, 1, 0], np.uint16), np.arange(5, dtype=np.uint32))  # fmt: skip
    ended = Rows(np.full(3, HIGH), np.array([5, 9, 7], np.uint64), np.array([20, 30, 30]), None, None, None,
                 np.arange(3, dtype=np.uint32))  # fmt: skip
    cut = Cut(("nine", "five"), ("leads",), np.ones((3, 1)), 100, True, 10**6, 1)
    journeys, report = assembled(touched, ended, cut)
    names = np.array(cut.channels)[journeys.channel].tolist()
    assert names == ["five", "five", "nine", "nine", "nine"]
    assert journeys.offsets.tolist() == [0, 2, 2, 4, 5]
    assert journeys.outcome_row.tolist() == [0, 2, 1, -1]
    assert journeys.touchpoint_row.tolist() == [1, 3, 0, 2, 4]
    assert report.unattributed == {"no_touchpoints": 1}


def test_touchpoints_of_two_such_customers_are_no_duplicates_of_each_other() -> None:
    touched = Rows(np.full(3, HIGH), np.array([5, 9, 9], np.uint64), np.full(3, 10), None, None,
                   np.zeros(3, np.uint16), np.arange(3, dtype=np.uint32))  # fmt: skip
    ended = Rows(
        np.empty(0, np.uint64), None, np.empty(0, np.int64), None, None, None, np.empty(0, np.uint32)
    )
    journeys, report = assembled(
        touched, ended, Cut(("a",), ("leads",), np.ones((0, 1)), 100, True, 10**6, 0)
    )
    assert journeys.offsets.tolist() == [0, 1, 2]
    assert report.tables["touchpoints"].set_aside == {"duplicate": 1}


def test_a_customer_with_a_low_half_is_none_without_one() -> None:
    touched = Rows(
        np.full(1, HIGH), None, np.array([10]), None, None, np.zeros(1, np.uint16), np.zeros(1, np.uint32)
    )
    ended = Rows(
        np.full(1, HIGH), np.array([5], np.uint64), np.array([20]), None, None, None, np.zeros(1, np.uint32)
    )
    journeys, report = assembled(
        touched, ended, Cut(("a",), ("leads",), np.ones((1, 1)), 100, True, 10**6, 0)
    )
    assert journeys.outcome_row.tolist() == [-1, 0]
    assert report.unattributed == {"no_touchpoints": 1}


def test_stitching_keeps_customers_apart_by_both_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    def same_high(ids: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(ids), HIGH), hashed(ids.cast(pl.String))[0]

    monkeypatch.setattr(stitching_rows, "hashed", same_high)
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 21)]
    names = [f"c{place % 5}" for place in range(20)]
    touched = pl.DataFrame({"customer_id": names, "timestamp": times, "channel": names})
    ended = pl.DataFrame({"customer_id": names[:5], "timestamp": [times[-1]] * 5})
    table = at.stitch(touched, ended).table()
    assert sorted(table.select("journey_id", "channel").rows()) == [
        (f"c{n}/1", [f"c{n}"] * 4) for n in range(5)
    ]
