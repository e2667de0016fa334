"""Packing: rows travel as Arrow messages by customer, a few large ones, and not one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from attribution.arrays import UInt16
from attribution.stitching.hashing import hashed
from attribution.tables import PIECE

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "key bigint, place int, name string, data binary"


@dataclass(frozen=True)
class Packing:
    """How the rows of one table are packed: by which column, into how many places, and under which keys.

    Spark hashes the key of a place to the task of that number, so that no two places share a task.
    """

    name: str  # touchpoints or outcomes
    customer: str  # the column
    coded: Sequence[str]  # columns of few distinct values
    keys: Sequence[int]  # of each place; a power of two of them
    columns: Sequence[str]  # by their own names, which a task is not told

    def pack(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a task as messages, a place each."""
        for rows in gathered(batches, self.columns):
            coded = [
                pl.col(name).cast(pl.Categorical) for name in self.coded if rows.schema[name] == pl.String
            ]
            rows = rows.with_columns(coded)
            places = places_of(rows[self.customer], len(self.keys))
            order = np.argsort(places, kind="stable")
            edges = np.searchsorted(places[order], np.arange(len(self.keys) + 1))
            sorted_rows = rows[order]
            yield messages(
                [
                    (self.keys[place], place, self.name, written(sorted_rows[start:stop]))
                    for place, (start, stop) in enumerate(pairwise(edges))
                    if stop > start
                ]
            )


def places_of(customers: pl.Series, places: int) -> UInt16:
    """Return the place of each customer: the first bits of the hash, so that a place holds whole folds.

    >>> places_of(pl.Series(["a", "b", None]), 1).tolist()
    [0, 0, 0]
    """
    known = customers.fill_null("" if customers.dtype == pl.String else 0)
    high, _ = hashed(known)
    bits = places.bit_length() - 1
    return (high >> np.uint64(64 - bits)).astype(np.uint16) if bits else np.zeros(len(high), np.uint16)


def gathered(batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the same rows in frames of about a million, their columns by name."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.num_rows for each in held) >= PIECE:
            yield pl.DataFrame(pa.Table.from_batches(held).rename_columns(columns))
            held = []
    if held:
        yield pl.DataFrame(pa.Table.from_batches(held).rename_columns(columns))


def written(rows: pl.DataFrame) -> bytes:
    """Return rows as an Arrow message."""
    held = BytesIO()
    rows.write_ipc_stream(held)
    return held.getvalue()


def messages(rows: Sequence[tuple[int, int, str, bytes]]) -> pa.RecordBatch:
    """Return messages as rows of Spark."""
    import pyarrow as pa

    types = {"key": pa.int64(), "place": pa.int32(), "name": pa.string(), "data": pa.binary()}
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    return pa.RecordBatch.from_arrays(
        [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)], list(types)
    )


def unpacked(
    batches: Iterator[pa.RecordBatch], empty: Mapping[str, bytes]
) -> tuple[int, dict[str, pl.DataFrame]] | None:
    """Return the first place and the tables of a task's messages; None where there are none.

    ``empty`` holds each table without rows.
    """
    first, found = -1, dict[str, list[pl.DataFrame]]()
    for batch in batches:
        columns: dict[str, Any] = {name: batch.column(name) for name in ("place", "name", "data")}
        for place, name, data in zip(*columns.values(), strict=True):
            first = place.as_py() if first < 0 else min(first, place.as_py())
            found.setdefault(name.as_py(), []).append(pl.read_ipc_stream(BytesIO(data.as_buffer())))
    if not found:
        return None
    return first, {name: pl.concat(found.get(name) or [read(empty[name])]) for name in empty}


def read(message: bytes) -> pl.DataFrame:
    """Return the rows of an Arrow message."""
    return pl.read_ipc_stream(BytesIO(message))
