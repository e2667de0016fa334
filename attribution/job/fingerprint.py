"""The fingerprint: a hash of a table's rows, alike for CSV and Parquet, whatever their order."""

from __future__ import annotations

import json
from collections.abc import Collection
from hashlib import sha256

import numpy as np
import polars as pl

from attribution.arrays import UInt64
from attribution.stitching.hashing import hashed, mixed
from attribution.tables import Checked

LANES = (b"first", b"second")  # two sums of 64 bits


def fingerprint(table: Checked, raw: pl.DataFrame, mapped: Collection[str]) -> str:
    """Return the fingerprint of all columns: those we know as they were understood, all others as text.

    The columns ``mapped`` to names of ours count under those.

    A row is the sum of its mixed cells, a table the sum of its mixed rows: neither the order of the
    rows nor that of the columns is part of it.
    """
    understood = [*table.frame, table.reason.alias("reason")]
    cells = {column.name: column for column in (*raw.drop(mapped), *understood)}
    sums = [np.zeros(len(raw), np.uint64) for _ in LANES]
    for name, column in sorted(cells.items()):
        for lane, (cell, key) in enumerate(zip(hashes(column), LANES, strict=True)):
            seed = int.from_bytes(sha256(key + name.encode()).digest()[:7], "big")
            sums[lane] += mixed(cell.view(np.int64), seed)
    totals = [int(mixed(row.view(np.int64), lane).sum()) for lane, row in enumerate(sums)]
    return sha256(json.dumps([len(raw), sorted(cells), *totals]).encode()).hexdigest()


def hashes(column: pl.Series) -> tuple[UInt64, UInt64]:
    """Return 128 bits for each cell."""
    if isinstance(column.dtype, pl.Datetime):
        column = column.to_physical()
    if column.dtype.is_nested():
        column = column.to_frame().select(pl.struct(column.name).struct.json_encode()).to_series()
    whole = column.dtype.is_integer() and not column.null_count()
    high, low = hashed(column if whole else column.cast(pl.String).fill_null(""))
    return high, high ^ low
