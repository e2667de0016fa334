"""Sources: anything tabular (a frame, a file, a glob of files) brought to one polars frame."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import polars as pl

from attribution.errors import TableError, option, shown

Source: TypeAlias = Any  # polars, pandas, pyarrow, DuckDB, anything with an Arrow stream, or a path
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


@dataclass(frozen=True, eq=False)
class Read:
    """A table as it was read: its frame, and where it came from in words."""

    frame: pl.DataFrame
    where: str
    columns: tuple[str, ...]  # all that the source has, read or not


def read(source: Source, table: str, wanted: Iterable[str] | None, delimiter: str) -> Read:
    """Return the wanted columns of a source (all without ``wanted``).

    Raises:
        TableError: the file is missing, empty, damaged, wrongly encoded or separated, or the files
            of a glob do not agree.
    """
    if isinstance(source, (str, Path)):
        return read_files(str(source), table, wanted, delimiter)
    where = f"{table} ({type(source).__name__})"
    frame = as_polars(source, where)
    columns = tuple(frame.collect_schema().names())
    chosen = columns if wanted is None else [name for name in columns if name in set(wanted)]
    return Read(frame.lazy().select(chosen).collect(), where, columns)


def as_polars(source: Source, where: str) -> pl.DataFrame | pl.LazyFrame:
    """Return a polars frame over any frame, without a copy where Arrow allows it."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return source
    import narwhals.stable.v2 as nw

    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect(backend="polars")
    if isinstance(frame, nw.DataFrame):
        return frame.to_polars()
    if hasattr(source, "__arrow_c_stream__"):
        try:
            return pl.DataFrame(source)
        except pl.exceptions.PolarsError:
            pass  # a stream of single values is no table
    raise TableError.of(
        where,
        f"got {type(source).__name__}",
        "a polars, pandas or pyarrow table, a DuckDB relation, or a path",
        "pass a dataframe or the path of a Parquet, CSV or NDJSON file",
    )


def read_files(pattern: str, table: str, wanted: Iterable[str] | None, delimiter: str) -> Read:
    """Return the rows of a file, or of all files that a glob matches in order of name."""
    paths = (
        [Path(pattern)] if Path(pattern).is_file() else sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207 (a glob may be absolute)
    )
    if not paths:
        raise TableError.of(
            f"{table} ({pattern})",
            "no such file",
            "a file or a glob that matches",
            "check the path",
        )
    parts = [read_file(path, f"{table} ({path})", wanted, delimiter) for path in paths]
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    for part in parts[1:]:
        differing = sorted(
            name
            for name in {*first.frame.columns, *part.frame.columns}
            if not alike(first.frame.schema.get(name), part.frame.schema.get(name))
        )
        if differing:
            told = [
                f"{name}: {part.frame.schema.get(name, 'missing')} here, "
                f"{first.frame.schema.get(name, 'missing')} there"
                for name in differing
            ]
            raise TableError.of(
                part.where,
                "columns differ from those of the other files",
                f"the columns and types of {first.where}",
                "bring the files to one schema, or leave this one out of the glob",
                column=differing[0],
                examples=tuple(told),
            )
    frame = pl.concat([part.frame.select(first.frame.columns) for part in parts], how="vertical_relaxed")
    return Read(frame, f"{table} ({len(paths)} files {pattern})", first.columns)


def alike(left: pl.DataType | None, right: pl.DataType | None) -> bool:
    """Return whether two files can be read as one: a column without values goes with any."""
    return left == right or (None not in (left, right) and pl.Null in (left, right))


def read_file(path: Path, where: str, wanted: Iterable[str] | None, delimiter: str) -> Read:
    """Return the wanted columns of one file; every column of a CSV file is text."""
    suffixes = [suffix.casefold() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")
    if kind not in (*CSV, *PARQUET, *NDJSON):
        raise TableError.of(
            where,
            f"unknown suffix {kind!r}",
            "Parquet, CSV or NDJSON",
            "rename or convert the file",
        )
    if path.stat().st_size == 0:
        raise TableError.of(where, "no rows: the file has 0 bytes", "a header and rows", "check the export")
    try:
        if kind in CSV:
            separator = "\t" if kind == ".tsv" else delimiter
            check_header(path, where, separator)
            lazy = pl.scan_csv(path, separator=separator, infer_schema=False, glob=False)
        elif kind in PARQUET:
            lazy = pl.scan_parquet(path, glob=False)
        else:
            with opened(path) as file:
                lazy = pl.read_ndjson(file).lazy()
        columns = tuple(lazy.collect_schema().names())
        chosen = columns if wanted is None else [name for name in columns if name in set(wanted)]
        return Read(lazy.select(chosen).collect(), where, columns)
    except TORN as error:
        raise damaged(path, where, error) from error


def damaged(path: Path, where: str, error: Exception) -> TableError:
    """Return the error of a file that cannot be decoded, with the place where that shows."""
    if "utf-8" in str(error).casefold():
        return wrong_encoding(path, where)
    return TableError.of(
        where,
        f"cannot be read ({path.stat().st_size:,} bytes): {shown(str(error).splitlines()[0])}",
        f"a complete {path.suffix} file",
        "check that the file was copied in full and that its suffix tells its format",
    )


def opened(path: Path) -> BinaryIO:
    """Return the file's bytes, unpacked where it is gzip."""
    return cast(BinaryIO, gzip.open(path) if path.suffix == ".gz" else path.open("rb"))


def check_header(path: Path, where: str, delimiter: str) -> None:
    """Raise TableError unless the first line is UTF-8, separated as told, and names each column once."""
    with opened(path) as file:
        line = file.readline(1_000_000)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise encoding_error(where, "UTF-16", 0)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise wrong_encoding(path, where) from None
    names = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    others = [sign for sign in ";\t|," if sign != delimiter and sign in text]
    if len(names) == 1 and others:
        raise TableError.of(
            where,
            f"one column, {shown(names[0])}",
            f"columns separated by {delimiter!r}",
            f"the separator seems to be another: pass {option('delimiter', others[0])}",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError.of(
            where,
            f"the header names {', '.join(map(shown, twice))} more than once",
            "each column once",
            "rename the columns in the file",
            column=twice[0],
        )


def wrong_encoding(path: Path, where: str) -> TableError:
    """Return the error that names the first byte that is not UTF-8."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), 0
    with opened(path) as file:
        while block := file.read(1 << 20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return encoding_error(
                    where, "not UTF-8 (Latin-1 or Windows-1252?)", offset - pending + error.start
                )
            offset += len(block)
    return encoding_error(where, "not UTF-8", offset)


def encoding_error(where: str, encoding: str, offset: int) -> TableError:
    """Return the error of a text file in another encoding than UTF-8."""
    return TableError.of(
        where,
        f"encoding is {encoding}: first seen at byte {offset:,}",
        "UTF-8 (a byte order mark is fine)",
        "save the file as UTF-8, for example with: iconv -t UTF-8",
    )
