"""CSV files: polars reads them, and where it could lose or guess a row, the records are counted first."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from attribution.errors import TableError, option, shown
from attribution.tables.encodings import skip_mark
from attribution.tables.records import blocks, is_plain, shown_line

EXAMPLES = 3
LONGEST = 1_000_000  # bytes of a header


@dataclass(frozen=True)
class Ragged:
    """Rows with more or fewer cells than the header; each of them stays in the frame as a row of nulls."""

    rows: tuple[int, ...]
    lines: tuple[str, ...]  # the first few, with their numbers in the file
    width: int

    def warning(self, where: str, separator: str) -> str:
        """Return what to tell of them."""
        return (
            f"{where}: {len(self.rows):,} rows without the {self.width} cells of the header are set aside as "
            f"ragged_row, for example {'; '.join(self.lines)}; correct the export, or put cells that hold "
            f"{separator!r} into quotes"
        )


def read_csv(
    path: Path, file: BinaryIO, where: str, wanted: Collection[str] | None, separator: str
) -> tuple[pl.DataFrame, tuple[str, ...], Ragged | None]:
    """Return the wanted columns as text, the names of all, and the rows that are ragged."""
    skip_mark(file, where)
    start = file.tell()
    width = check_header(file, where, separator)
    source = file.getvalue() if isinstance(file, io.BytesIO) else path
    failed: pl.exceptions.PolarsError | None = None
    try:
        frame, columns, height, short = scanned(source, wanted, separator)
    except pl.exceptions.PolarsError as error:
        failed = error
    else:
        file.seek(0)
        if not short and is_plain(file, ord(separator), len(columns), height):
            return frame, columns, None
    file.seek(start)
    rows, blank, ragged = counted(file, ord(separator), where)
    if not (blank or ragged.rows):
        if failed:
            raise failed
    else:
        file.seek(start)
        whole = mended(file, ord(separator), where, ragged.width)
        frame, columns, height, _ = scanned(whole, wanted, separator)
    if (height, len(columns)) != (rows, ragged.width) or width != ragged.width:
        raise TableError.of(
            where,
            f"{rows:,} rows of {ragged.width} cells by its lines, {height:,} of {len(columns)} as read",
            "a CSV file that can be understood in one way",
            "write the file anew with quotes around every cell",
        )
    return frame, columns, ragged if ragged.rows else None


def scanned(
    source: Path | bytes, wanted: Collection[str] | None, separator: str
) -> tuple[pl.DataFrame, tuple[str, ...], int, bool]:
    """Return the wanted columns, the names of all, the rows, and whether one's last cell may be missing."""
    lazy = pl.scan_csv(source, separator=separator, infer_schema=False, glob=False)
    columns = tuple(lazy.collect_schema().names())
    chosen = [name for name in columns if wanted is None or name in wanted]
    frame = lazy.select(*dict.fromkeys((*chosen, columns[-1]))).collect()
    return frame.select(chosen), columns, len(frame), frame[columns[-1]].null_count() > 0


def counted(file: BinaryIO, sign: int, where: str) -> tuple[int, int, Ragged]:
    """Return the numbers of rows and of blank lines, and the rows that are ragged."""
    rows, blank, width = -1, 0, 0
    ragged: list[int] = []
    lines: list[str] = []
    for block in blocks(file, sign, where):
        block.text[: block.ends[-1]].decode()  # what is not UTF-8 is refused even in a row that is ragged
        full = block.cells[block.cells > 0]
        width = width or (int(full[0]) if len(full) else 0)
        bad = (block.cells > 0) & (block.cells != width)
        ragged += (rows + (full != width).nonzero()[0]).tolist()
        for start in block.starts[bad][: EXAMPLES - len(lines)].tolist():
            number = block.line + block.text.count(b"\n", 0, start)
            lines.append(f"line {number:,}: {shown_line(block.text, start)}")
        rows, blank = rows + len(full), blank + len(block.cells) - len(full)
    return max(rows, 0), blank, Ragged(tuple(ragged), tuple(lines), width)


def mended(file: BinaryIO, sign: int, where: str, width: int) -> bytes:
    """Return the text without blank lines, and with empty cells in place of a ragged row."""
    empty = bytes([sign]) * (width - 1) if width > 1 else b'""'
    parts: list[bytes] = []
    for block in blocks(file, sign, where):
        at = 0
        for record in (block.cells != width).nonzero()[0].tolist():
            parts += [block.text[at : block.starts[record]], (empty + b"\n") * bool(block.cells[record])]
            at = int(block.ends[record]) + 1
        parts.append(block.text[at : block.ends[-1] + 1])
    return b"".join(parts)


def check_header(file: BinaryIO, where: str, separator: str) -> int:
    """Return how many names the header has; raise TableError unless separated as told, and each once."""
    line = file.readline(LONGEST)
    while line in (b"\n", b"\r\n"):
        line = file.readline(LONGEST)
    while line.count(b'"') % 2 and len(line) < LONGEST and (more := file.readline(LONGEST)):
        line += more
    text = line.decode()
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    others = [sign for sign in ";\t|," if sign != separator and sign in text]
    if len(names) == 1 and others:
        raise TableError.of(
            where,
            f"one column, {shown(names[0])}",
            f"columns separated by {separator!r}",
            f"the separator seems to be another: pass {option('delimiter', others[0])}",
        )
    check_names(names, where)
    return len(names)


def check_names(names: Collection[str], where: str) -> None:
    """Raise TableError if two columns have the same name."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise TableError.of(
            where,
            f"the header names {', '.join(map(shown, twice))} more than once",
            "each column once",
            "rename the columns in the file",
            column=twice[0],
        )
