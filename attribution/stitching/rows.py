"""Rows: the checked tables as arrays that can be hashed, scattered and ordered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from attribution.arrays import Float64, UInt16, UInt64
from attribution.channels import coded
from attribution.errors import TableError
from attribution.stitching.accounts import Accounts
from attribution.stitching.hashing import digest, hashed
from attribution.stitching.partition import Rows
from attribution.tables import Checked

TIES = ("sequence", "channel", "campaign", "kind")  # the order within one instant


def touchpoint_rows(
    table: Checked, clean: dict[str, str], channels: Sequence[str], accounts: Accounts
) -> tuple[Rows, int]:
    """Return the used touchpoints, and how many bits of a tie stand below the sequence."""
    used = table.used
    codes = coded(used["channel"], clean, channels)
    tie, below = ties(table, codes)
    high, low = accounts.clustered(used["customer_id"], *hashed(used["customer_id"]))
    return (
        Rows(
            high,
            low if low.any() else None,
            used["timestamp"].to_physical().to_numpy(),
            tie,
            event_hash(used["event_id"]) if "event_id" in used.columns else None,
            codes,
            used["row"].to_numpy(),
        ),
        below,
    )


def ties(table: Checked, codes: UInt16) -> tuple[UInt64 | None, int]:
    """Return the order within one instant as one number a row, and how many of its bits follow the sequence.

    None where the channel alone decides.
    """
    used = table.used
    if set(TIES) & set(used.columns) == {"channel"}:
        return None, int(codes.max(initial=0)).bit_length()
    ranks = {
        name: codes.astype(np.uint64) if name == "channel" else rank(used[name])
        for name in TIES
        if name in used.columns
    }
    widths = {name: int(values.max(initial=0)).bit_length() for name, values in ranks.items()}
    if sum(widths.values()) > 63:
        raise TableError.of(
            table.where,
            f"{' and '.join(ranks)} have too many distinct values to order ties by",
            "fewer than 2^63 combinations",
            "leave the optional columns out of columns=, or coarsen them",
        )
    tie = np.zeros(len(used), np.uint64)
    for name, values in ranks.items():
        tie = (tie << np.uint64(widths[name])) | values
    return tie, sum(width for name, width in widths.items() if name != "sequence")


def rank(values: pl.Series) -> UInt64:
    """Return the rank of each value among the distinct ones in order of value, 0 for null."""
    distinct = values.drop_nulls().unique().sort()
    ranks = pl.Series(range(1, len(distinct) + 1), dtype=pl.UInt64)
    if not len(distinct):
        return np.zeros(len(values), np.uint64)
    found = values.replace_strict(distinct, ranks, default=0, return_dtype=pl.UInt64)
    return found.fill_null(0).to_numpy()


def event_hash(ids: pl.Series) -> UInt64:
    """Return 64 bits of each event id, 0 where there is none."""
    high, _ = hashed(ids.fill_null(""))
    return np.where(ids.is_null().to_numpy(), np.uint64(0), high)


def outcome_rows(table: Checked, outcome_names: Sequence[str], accounts: Accounts) -> tuple[Rows, Float64]:
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
    return Rows(high, low if low.any() else None, time, content, None, None, rows), values
