"""Touchpoints: the pieces of the table scattered by customer; what only all of them know is settled last."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce

import numpy as np
import polars as pl

from attribution.channels import MOST, look_alike, too_many
from attribution.errors import TableError
from attribution.stitched import Progress
from attribution.stitching.accounts import Accounts
from attribution.stitching.buffers import buffers
from attribution.stitching.partition import Chunk, Partitions, scattered
from attribution.stitching.rows import TIES, Seen, kinds, places, touchpoint_chunk
from attribution.tables import PIECE, Part, Pieces, RowCount
from attribution.tables.memory import LIMIT, limited_to
from attribution.tables.pieces import WHOLE

# Bytes at work beside the columns, measured: a row of a piece in a thread (twice that where customers are
# text), and a row of a fold in a worker.
READING, ASSEMBLING = 160, 160


@dataclass(frozen=True, eq=False)
class Touchpoints:
    """All used touchpoints in partitions, with the vocabulary of their channels."""

    pieces: Pieces
    accounts: Accounts
    partitions: Partitions
    channels: tuple[str, ...]
    alike: tuple[str, ...]  # warnings of channels that look alike
    below_sequence: int  # bits of a tie that stand below the sequence
    limit: int | None  # bytes of memory, as they were asked for

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What the pieces told."""
        return self.partitions.seen

    @property
    def count(self) -> RowCount:
        """Rows read, used, and set aside."""
        return reduce(RowCount.__add__, (seen.count for seen in self.seen))

    @property
    def aside(self) -> RowCount:
        """Of the count, the rows that are set aside."""
        return replace(self.count, read=self.count.read - self.count.used, used=0)

    @property
    def rejected(self) -> pl.DataFrame:
        """The rows that are set aside: table, row in the source, reason."""
        return pl.concat([seen.rejected for seen in self.seen])

    @property
    def has_rows(self) -> bool:
        """Whether the rows know their numbers."""
        return "row" in self.partitions.columns

    @property
    def latest(self) -> int | None:
        """The latest time, in microseconds UTC."""
        return max((seen.latest for seen in self.seen if seen.latest is not None), default=None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the pieces warn of, each once."""
        return tuple(dict.fromkeys(warning for seen in self.seen for warning in seen.warnings))

    @property
    def customers(self) -> pl.Series:
        """The customer of each row of the source."""
        return pl.concat([seen.customers for seen in self.seen])

    def with_rows(self) -> Touchpoints:
        """Return the same with the numbers of the rows: the source is read again."""
        fold_bits = (len(self.partitions.bounds[0]) - 1).bit_length() - 1
        with limited_to(self.limit):
            again = scatter(self.pieces, self.accounts, fold_bits, 0, ["row"])
        columns = {**self.partitions.columns, **again.columns}
        return replace(self, partitions=replace(self.partitions, columns=columns, seen=again.seen))


def scatter_touchpoints(
    pieces: Pieces, accounts: Accounts, fold_bits: int, now: int, progress: Progress | None = None
) -> Touchpoints:
    """Return the touchpoints by fold; row numbers are kept where the table is in memory anyway.

    Raises:
        TableError: a piece cannot be read, or there are too many channels or ties.
        OutputError: there is no room for the columns.
    """
    wanted = kinds(pieces, accounts, with_rows=pieces.in_memory)
    partitions = scatter(pieces, accounts, fold_bits, now, wanted, progress)
    partitions, channels = with_channels(partitions, pieces.where)
    partitions, below = with_ties(partitions, len(channels), pieces.where)
    alike = look_alike(channels, pieces.where)
    return Touchpoints(pieces, accounts, partitions, channels, alike, below, LIMIT.get())


def scatter(
    pieces: Pieces,
    accounts: Accounts,
    fold_bits: int,
    now: int,
    wanted: Collection[str],
    progress: Progress | None = None,
) -> Partitions:
    """Return some columns of the touchpoints by fold, as each piece tells them."""
    types = {name: kind for name, kind in kinds(pieces, accounts, "row" in wanted).items() if name in wanted}
    nobody = pl.Series([], dtype=pl.Null)

    def chunks(part: Part) -> Iterator[Chunk]:
        for piece in part():
            chunk = touchpoint_chunk(piece, accounts, now)
            yield chunk if "row" in wanted else replace(chunk, seen=replace(chunk.seen, customers=nobody))

    at_once = min(len(pieces.parts), os.cpu_count() or 1)
    reading = READING * (1 if pieces.schema["customer_id"] in WHOLE else 2)
    working = at_once * (reading * min(pieces.rows, PIECE) + ASSEMBLING * (pieces.rows >> fold_bits))
    columns = buffers(types, pieces.rows, working)
    return scattered([partial(chunks, part) for part in pieces.parts], columns, fold_bits, progress)


def with_channels(partitions: Partitions, where: str) -> tuple[Partitions, tuple[str, ...]]:
    """Return the rows with the codes of one vocabulary, and the vocabulary: their sorted channels."""
    seen, column = partitions.seen, partitions.columns["channel"]
    channels = tuple(sorted(set[str]().union(*(each.channels for each in seen))))
    if len(channels) > MOST:
        counts: Counter[str] = Counter()
        for each, slots in zip(seen, partitions.slots, strict=True):
            rows = np.bincount(column.read([slots]), minlength=len(each.channels))
            counts.update(dict(zip(each.channels, rows.tolist(), strict=True)))
        told = pl.DataFrame({"name": list(counts), "rows": list(counts.values())})
        raise too_many(told, len(channels), where)
    place = {name: code for code, name in enumerate(channels)}
    for each, slots in zip(seen, partitions.slots, strict=True):
        codes = np.array([place[name] for name in each.channels], np.uint16)
        if len(codes) and codes[-1] >= len(codes):  # else it is the whole vocabulary, or begins it
            room = column.room(slots)
            room[:] = codes[column.read([slots])]
            column.keep(slots, room)
    return partitions, channels


def with_ties(partitions: Partitions, channels: int, where: str) -> tuple[Partitions, int]:
    """Return the rows with the order within one instant as one number, and how many bits follow the sequence.

    They have no such number where the channel alone decides.
    """
    columns = dict(partitions.columns)
    ranked = [name for name in TIES if name in columns and name != "channel"]
    values = {name: pl.concat([each.ranked[name] for each in partitions.seen]) for name in ranked}
    distinct = {name: each.unique().sort() for name, each in values.items()}
    ends = {name: len(distinct[name]) if name in distinct else max(0, channels - 1) for name in TIES}
    widths = {name: ends[name].bit_length() for name in TIES if name in columns}
    below = sum(width for name, width in widths.items() if name != "sequence")
    if not ranked:
        return partitions, below
    if sum(widths.values()) > 63:
        raise TableError.of(
            where,
            f"{' and '.join(widths)} have too many distinct values to order ties by",
            "fewer than 2^63 combinations",
            "leave the optional columns out of columns=, or coarsen them",
        )
    kind = np.dtype(np.uint64)
    size = partitions.slots[-1][1]
    columns["tie"] = buffers({"tie": kind}, size, 0)["tie"]
    for each, slots in zip(partitions.seen, partitions.slots, strict=True):
        tie = columns["tie"].room(slots)
        tie[:] = 0
        for name, width in widths.items():
            rank = columns[name].read([slots])
            if name in ranked:
                rank = np.append(np.uint32(0), places(each.ranked[name], distinct[name]))[rank]
            tie <<= np.uint64(width)
            tie |= rank
        columns["tie"].keep(slots, tie)
    return replace(partitions, columns={n: c for n, c in columns.items() if n not in ranked}), below
