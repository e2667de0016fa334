"""Records: the rows of a CSV text as its quotes and line ends tell them, counted without guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from attribution.errors import TableError, shown

BLOCK = 1 << 20  # bytes looked at together: as many as a processor keeps at hand
LONGEST = 1 << 26  # bytes that a record may have, so that a quote that never closes does not fill the memory
QUOTE, RETURN, NEWLINE = b'"\r\n'
Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Block:
    """Whole records of a text: where each begins and ends, and how many cells it has (0: a blank line)."""

    text: bytes
    line: int  # of the file, in which the text begins
    starts: Places
    ends: Places
    cells: Places


def is_plain(file: BinaryIO, sign: int, width: int, rows: int) -> bool:
    """Return whether a text in which no row is short has no long row, quote or carriage return either."""
    signs = 0
    while text := file.read(BLOCK):
        seen = np.frombuffer(text, np.uint8)
        if np.any(seen == QUOTE) or np.any(seen == RETURN):
            return False
        signs += int(np.count_nonzero(seen == sign))
    return signs == (rows + 1) * (width - 1)


def blocks(file: BinaryIO, sign: int, where: str) -> Iterator[Block]:
    """Return the records of a text, block by block.

    Raises:
        TableError: a quote or a line end could be understood in two ways.
    """
    rest, line = b"", 1
    while True:
        # A record longer than a block is looked at again with twice the text, not once for each block.
        more = file.read(max(BLOCK, len(rest)))
        text = rest + more
        if not text:
            return
        block = whole(text, sign, where, line, at_end=not more)
        if len(block.ends):
            yield block
        elif len(text) > LONGEST and b'"' in text:
            raise ambiguous(text, text.rindex(b'"'), where, line, *QUOTED)
        if not more:
            return
        end = int(block.ends[-1]) + 1 if len(block.ends) else 0
        line, rest = line + text.count(b"\n", 0, end), text[end:]


def whole(text: bytes, sign: int, where: str, line: int, at_end: bool) -> Block:
    """Return the records that end in a text, which begins with one."""
    seen = np.frombuffer(text, np.uint8)
    places = np.flatnonzero((seen == QUOTE) | (seen == sign) | (seen == NEWLINE) | (seen == RETURN))
    kinds = seen[places]
    quotes = kinds == QUOTE
    inside = (np.cumsum(quotes, dtype=np.int32) & 1).astype(bool)
    misplaced = stray(seen, places, quotes, inside, sign, at_end)
    if misplaced is not None:
        raise ambiguous(text, misplaced, where, line, *QUOTED)
    outside = ~inside & ~quotes
    returns = places[outside & (kinds == RETURN)]
    lone = returns[after(seen, returns, RETURN if at_end else NEWLINE) != NEWLINE]
    if len(lone):
        raise ambiguous(text, int(lone[0]), where, line, *RETURNED)
    outside &= kinds != RETURN
    places, kinds = places[outside], kinds[outside]
    last = np.flatnonzero(kinds == NEWLINE)
    cells, ends = np.diff(last, prepend=-1), places[last]
    starts = np.concatenate(([0], ends + 1))
    if at_end and starts[-1] < len(text):
        cells, ends = np.append(cells, len(kinds) - cells.sum() + 1), np.append(ends, len(text))
    starts = starts[: len(ends)]
    blank = (ends == starts) | ((ends == starts + 1) & (after(seen, starts - 1, NEWLINE) == RETURN))
    return Block(text, line, starts, ends, np.where(blank, 0, cells))


def stray(
    seen: Bytes, places: Places, quotes: NDArray[np.bool_], inside: NDArray[np.bool_], sign: int, at_end: bool
) -> int | None:
    """Return the place of the first quote that readers understand in different ways.

    A quote opens where a cell begins and closes where it ends, a quote within being doubled. Two
    within a cell that no quote opens are text, as long as nothing that separates lies between them.
    """
    opens, closes = np.flatnonzero(quotes & inside), np.flatnonzero(quotes & ~inside)
    behind = seen[np.maximum(places[opens] - 1, 0)]
    opened = (behind == sign) | (behind == NEWLINE) | (behind == QUOTE) | (places[opens] == 0)
    following = after(seen, places[closes], NEWLINE)
    closed = (following == sign) | (following == NEWLINE) | (following == RETURN) | (following == QUOTE)
    pairs = len(closes)
    text = ~opened[:pairs] & (closes == opens[:pairs] + 1) & (following != QUOTE)
    bad = np.flatnonzero(~text & ~(opened[:pairs] & closed))
    if len(bad):
        return int(places[opens[bad[0]]])
    if len(opens) > pairs and (at_end or (not opened[-1] and opens[-1] < len(places) - 1)):
        return int(places[opens[-1]])
    return None


def after(seen: Bytes, places: Places, at_end: int) -> Bytes:
    """Return the byte after each place, or another where the text ends."""
    found: Bytes = np.where(places + 1 < len(seen), seen[np.minimum(places + 1, len(seen) - 1)], at_end)
    return found


QUOTED = (
    "a quote opens in it that does not close where a cell ends",
    "cells with quotes around the whole cell, and quotes within doubled",
    "close the quote, or double it and put the cell into quotes",
)
RETURNED = (
    "a carriage return without a line feed in it: it may or may not end the line",
    r"lines that end in \n or \r\n",
    "write the line ends anew, or put the cell with the carriage return into quotes",
)


def ambiguous(
    text: bytes, at: int, where: str, line: int, got: str, expected: str, remedy: str
) -> TableError:
    """Return the error of a line that could be understood in two ways."""
    number = line + text.count(b"\n", 0, at)
    example = shown_line(text, text.rfind(b"\n", 0, at) + 1)
    return TableError.of(where, f"line {number:,}: {got}", expected, remedy, examples=(example,))


def shown_line(text: bytes, start: int) -> str:
    """Return the beginning of the line that starts there."""
    return shown(text[start : start + 200].partition(b"\n")[0].decode(errors="replace").rstrip("\r"))
