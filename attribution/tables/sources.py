"""Sources: anything tabular (a frame, a file, a glob of files) brought to one polars frame."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Collection, Iterable
from glob import glob
from pathlib import Path

import polars as pl

from attribution.errors import TableError, shown
from attribution.tables.contents import PICKLES, opened, pickle_error
from attribution.tables.csv_files import read_csv
from attribution.tables.encodings import wrong_encoding
from attribution.tables.frames import Read as Read
from attribution.tables.frames import Source as Source
from attribution.tables.frames import as_polars
from attribution.tables.memory import check_memory
from attribution.tables.parquet_files import open_parquet
from attribution.tables.several import as_one, several
from attribution.tables.stamps import check_unchanged, stamp

# What the decoders raise on bytes that are not what they should be.
TORN = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    csv.Error,
)
CSV, PARQUET, NDJSON = (".csv", ".tsv", ".txt"), (".parquet", ".pq"), (".ndjson", ".jsonl")


def read(
    source: Source,
    table: str,
    wanted: Iterable[str] | None,
    delimiter: str,
    ids: Collection[str] = (),
    coded: Collection[str] = (),
) -> Read:
    """Return the wanted columns of a source (all without ``wanted``).

    The columns named in ``ids`` may hold integers in one file of a glob and text in another; those in
    ``coded`` come as Categorical where a file holds them so.

    Raises:
        TableError: the file is missing, empty, damaged, wrongly encoded or separated, or the files
            of a glob do not agree.
    """
    wanted = None if wanted is None else frozenset(wanted)
    if isinstance(source, Read):
        return source if wanted is None else source.select(wanted)
    if isinstance(source, (str, Path)):
        return read_files(str(source), table, wanted, delimiter, ids, coded)
    where = f"{table} ({type(source).__name__})"
    frame = as_polars(source, where)
    columns = tuple(frame.collect_schema().names())
    chosen = columns if wanted is None else [name for name in columns if name in wanted]
    return Read(frame.lazy().select(chosen).collect(), where, columns)


def matching(pattern: str) -> list[Path]:
    """Return the file of a path, or those that a glob matches in order of name."""
    if Path(pattern).is_file():
        return [Path(pattern)]
    return sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207 (a glob may be absolute)


def files_of(pattern: str, table: str) -> list[Path]:
    """Return the files that a path or a glob names; raise TableError if there are none."""
    paths = matching(pattern)
    if not paths:
        raise TableError.of(
            f"{table} ({pattern})",
            "no such file",
            "a file or a glob that matches",
            "check the path",
        )
    return paths


def read_files(
    pattern: str,
    table: str,
    wanted: Collection[str] | None,
    delimiter: str,
    ids: Collection[str],
    coded: Collection[str],
) -> Read:
    """Return the rows of a file, or of all files that a glob matches in order of name."""
    paths = files_of(pattern, table)
    parts = [read_file(path, f"{table} ({path})", wanted, delimiter, coded) for path in paths]
    return parts[0] if len(parts) == 1 else as_one(parts, several(table, paths, pattern), ids, coded)


def read_file(
    path: Path, where: str, wanted: Collection[str] | None, delimiter: str, coded: Collection[str]
) -> Read:
    """Return the wanted columns of one file; every column of a CSV file is text."""
    kind, before = kind_of(path, where), stamp(path)
    try:
        return decoded(path, where, kind, wanted, delimiter, coded)
    except TORN as error:
        raise damaged(path, where, error) from error
    finally:
        check_unchanged(path, where, before)


def kind_of(path: Path, where: str) -> str:
    """Return the format of a file by its name; raise TableError if it is none that is read, or empty."""
    suffixes = [suffix.casefold() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")
    if kind in PICKLES:
        raise pickle_error(where)
    if kind not in (*CSV, *PARQUET, *NDJSON):
        raise TableError.of(
            where,
            f"unknown suffix {kind!r}",
            "Parquet, CSV or NDJSON",
            "rename or convert the file",
        )
    if stamp(path).size == 0:
        raise TableError.of(where, "no rows: the file has 0 bytes", "a header and rows", "check the export")
    return kind


def decoded(
    path: Path,
    where: str,
    kind: str,
    wanted: Collection[str] | None,
    delimiter: str,
    coded: Collection[str],
) -> Read:
    """Return the wanted columns of a file of a known kind."""
    if kind in PARQUET:
        parquet = open_parquet(path, where, wanted, coded)
        return Read(parquet.read(), where, parquet.columns)
    check_memory(where, path.stat().st_size, "text")
    with opened(path, where) as file:
        if kind in CSV:
            separator = "\t" if kind == ".tsv" else delimiter
            frame, columns, ragged = read_csv(path, file, where, wanted, separator)
            if ragged:
                return Read(frame, where, columns, ragged.rows, (ragged.warning(where, separator),))
            return Read(frame, where, columns)
        frame = pl.read_ndjson(file, infer_schema_length=None)  # a column may begin in any line
    chosen = [name for name in frame.columns if wanted is None or name in wanted]
    return Read(frame.select(chosen), where, tuple(frame.columns))


def damaged(path: Path, where: str, error: BaseException) -> TableError:
    """Return the error of a file that cannot be decoded, with the place where that shows."""
    if "utf-8" in str(error).casefold() and not set(path.suffixes) & set(PARQUET):
        with opened(path, where) as file:
            return wrong_encoding(file, where)
    told = (str(error) or type(error).__name__).splitlines()[0]
    return TableError.of(
        where,
        f"cannot be read ({stamp(path).size:,} bytes): {shown(told)}",
        f"a complete {path.suffix} file",
        "check that the file was copied in full and that its suffix tells its format",
    )
