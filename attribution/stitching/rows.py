"""Rows: a piece of a checked table as columns of numbers that can be scattered and ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from attribution.arrays import Float64, UInt32, UInt64
from attribution.channels import local_codes
from attribution.stitching.accounts import Accounts
from attribution.stitching.hashing import digest, hashed
from attribution.stitching.partition import Chunk
from attribution.tables import Checked, RowCount
from attribution.tables.pieces import WHOLE, Pieces

TIES = ("sequence", "channel", "campaign", "kind")  # the order within one instant


@dataclass(frozen=True, eq=False)
class Seen:
    """What a piece of the touchpoints tells beside its rows."""

    count: RowCount
    rejected: pl.DataFrame
    latest: int | None  # microseconds UTC
    later: int  # rows beyond now
    channels: Sequence[str]  # normalised, sorted: into them point the codes of the column channel
    ranked: Mapping[str, pl.Series]  # values of the other columns of TIES, sorted: into them point the ranks
    customers: pl.Series  # of every row, used or not
    warnings: tuple[str, ...]


def kinds(pieces: Pieces, accounts: Accounts, with_rows: bool) -> dict[str, np.dtype[Any]]:
    """Return the type of each column that the touchpoints have."""
    low = accounts.known or pieces.schema["customer_id"] not in WHOLE
    types: dict[str, Any] = {
        "customer": np.uint64,
        "customer_low": np.uint64 if low else None,
        "time": np.int64,
        "event": np.uint64 if "event_id" in pieces.schema else None,
        "channel": np.uint16,
        **{name: np.uint32 for name in TIES if name in pieces.schema and name != "channel"},
        "row": np.uint32 if with_rows else None,
    }
    return {name: np.dtype(kind) for name, kind in types.items() if kind is not None}


def touchpoint_chunk(piece: Checked, accounts: Accounts, now: int) -> Chunk:
    """Return the used touchpoints of a piece, by codes and ranks of its own; ``now`` in microseconds."""
    used, customers = piece.used, piece.frame["customer_id"]
    high, low = accounts.clustered(used["customer_id"], *hashed(used["customer_id"]))
    times = used["timestamp"].to_physical()
    codes, channels = local_codes(used["channel"], piece.where)
    ranked = {name: ranks(used[name]) for name in TIES if name in used.columns and name != "channel"}
    columns = {
        "customer": high,
        "customer_low": low,
        "time": times.to_numpy(),
        "channel": codes,
        "row": used["row"].to_numpy(),
        **{name: rank for name, (rank, _) in ranked.items()},
    }
    if "event_id" in used.columns:
        columns["event"] = event_hash(used["event_id"])
    seen = Seen(
        piece.count,
        piece.rejected,
        cast(int | None, times.max()),
        int((times > now).sum()),
        channels,
        {name: values for name, (_, values) in ranked.items()},
        customers,
        piece.warnings,
    )
    return Chunk(piece.start, columns, seen)


def ranks(values: pl.Series) -> tuple[UInt32, pl.Series]:
    """Return the rank of each value among the distinct ones, 0 for null, and these in order of value."""
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    distinct = values.drop_nulls().unique().sort()
    return places(values, distinct), distinct


def places(values: pl.Series, among: pl.Series) -> UInt32:
    """Return the place of each value among distinct ones, from 1, and 0 for null."""
    numbers = pl.Series(range(1, len(among) + 1), dtype=pl.UInt32)
    if not len(among):
        return np.zeros(len(values), np.uint32)
    found = values.replace_strict(among, numbers, default=0, return_dtype=pl.UInt32)
    return found.fill_null(0).to_numpy()


def event_hash(ids: pl.Series) -> UInt64:
    """Return 64 bits of each event id, 0 where there is none."""
    high, _ = hashed(ids.fill_null(""))
    return np.where(ids.is_null().to_numpy(), np.uint64(0), high)


def outcome_chunk(table: Checked, outcome_names: Sequence[str], accounts: Accounts) -> tuple[Chunk, Float64]:
    """Return the used outcomes, and the values of all outcome rows [rows, m]."""
    used = table.used
    values = table.frame.select(pl.col(outcome_names).cast(pl.Float64)).to_numpy(order="c")
    values = np.ascontiguousarray(values)
    rows = used["row"].to_numpy()
    content = digest(values[rows].view(np.uint64))
    if "outcome_id" in used.columns:
        content ^= event_hash(used["outcome_id"])
    high, low = accounts.clustered(used["customer_id"], *hashed(used["customer_id"]))
    time = used["timestamp"].to_physical().to_numpy()
    columns = {"customer": high, "customer_low": low, "time": time, "tie": content, "row": rows}
    return Chunk(0, columns), values
