"""Files: tables written by suffix, to a temporary place beside the target and then renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from filecmp import cmp
from glob import glob
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from attribution.errors import MissingExtraError, OutputError, OutputExistsError, ParameterError
from attribution.tables.seal import seal, unsealed
from attribution.tables.unfinished import unfinished

SUFFIXES = (".parquet", ".csv", ".json", ".xlsx")
STREAMED = (".parquet", ".csv")
FORMULA = r"^'*[=+\-@\t\r]"  # what begins so is escaped by one quote more
ROW_GROUP = 1 << 17  # rows of a streamed file that are held at once


def check_target(path: Path, inputs: Iterable[str | Path] = (), suffixes: Iterable[str] = SUFFIXES) -> None:
    """Raise unless the path can be written to and is no input; called before anything is computed."""
    if path.suffix not in suffixes:
        raise ParameterError.out_of_range("out", path.name, f"a suffix of {', '.join(suffixes)}")
    read = (match for source in inputs for match in (source, *glob(str(source), recursive=True)))  # noqa: PTH207
    if any(Path(match).resolve() == path.resolve() for match in read):
        raise OutputExistsError(f"{path}: the output is also an input; choose another name")
    if path.is_dir():
        raise OutputError(f"{path}: a folder is in the place of the file")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} does not exist or cannot be written to")


def write_table(
    table: pl.DataFrame, path: str | Path, force: bool = False, about: Mapping[str, Any] | None = None
) -> bool:
    """Write the table by its suffix; return whether the file changed.

    A Parquet file is sealed: it carries ``about``, a version and a checksum that is checked when it
    is read here again.

    Raises:
        OutputExistsError: the file is there with other content and ``force`` is not set.
        OutputError: it cannot be written.
    """
    path = Path(path)
    check_target(path)
    return placed(path, force, lambda temporary: write(table, temporary, path.suffix, about or {}))


def write_rows(
    frames: Iterable[pl.DataFrame], path: str | Path, about: Mapping[str, Any], force: bool = False
) -> bool:
    """Write the frames one below the other, a row group at a time; return whether the file changed.

    Raises:
        OutputExistsError: the file is there with other content and ``force`` is not set.
        OutputError: it cannot be written.
    """
    path = Path(path)
    check_target(path, suffixes=STREAMED)
    parts = grouped(iter(frames))
    if path.suffix == ".csv":
        return placed(path, force, lambda temporary: stream_csv(parts, temporary))
    return placed(path, force, lambda temporary: stream_parquet(parts, temporary, about))


def placed(path: Path, force: bool, fill: Callable[[Path], None]) -> bool:
    """Fill a temporary file beside the path and rename it; return whether the path changed."""
    temporary = path.with_name(f".{path.name}-{uuid4().hex}.part")
    with writing(path), unfinished(temporary):
        fill(temporary)
        if path.exists() and cmp(path, temporary, shallow=False):
            return False
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists and holds something else; pass --force to replace it")
        temporary.replace(path)
    return True


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise what goes wrong while the path is written as OutputError, with the path."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(error.name, str(path), "excel") from error
    except (OSError, pl.exceptions.ComputeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{path}: cannot be written: {reason}") from error


def write(table: pl.DataFrame, path: Path, suffix: str, about: Mapping[str, Any]) -> None:
    """Write the table in the format of the suffix."""
    if suffix == ".parquet":
        table.write_parquet(path, compression="zstd", metadata=unsealed(about))
        seal(path)
    elif suffix == ".json":
        table.write_json(path)
    elif suffix == ".csv":
        flat(table).write_csv(path)
    else:
        write_excel(flat(table), path)


def grouped(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the same rows in frames of about a row group, at least one."""
    held = [next(frames)]
    for frame in frames:
        if sum(map(len, held)) >= ROW_GROUP:
            yield pl.concat(held)
            held = []
        held.append(frame)
    yield pl.concat(held)


def stream_csv(frames: Iterator[pl.DataFrame], path: Path) -> None:
    """Write the frames as one CSV file."""
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            flat(frame).write_csv(file, include_header=number == 0)


def stream_parquet(frames: Iterator[pl.DataFrame], path: Path, about: Mapping[str, Any]) -> None:
    """Write the frames as one sealed Parquet file."""
    from pyarrow.parquet import ParquetWriter

    first = next(frames).to_arrow()
    schema = first.schema.with_metadata(unsealed(about))
    with ParquetWriter(path, schema, compression="zstd") as writer:
        for table in chain([first], (frame.to_arrow() for frame in frames)):
            writer.write_table(table.cast(schema))
    seal(path)


def write_excel(table: pl.DataFrame, path: Path) -> None:
    """Write a workbook of one table."""
    with workbook(path) as book:
        table.write_excel(book)


@contextmanager
def workbook(path: Path) -> Iterator[Any]:
    """Give a workbook to fill, whose bytes depend on its cells alone, and in which text is only text."""
    import xlsxwriter

    as_text = dict.fromkeys(("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False)
    with path.open("wb") as file, xlsxwriter.Workbook(file, as_text) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        yield book


def flat(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with lists as text, and cells that a spreadsheet would run as formulas escaped."""
    lists = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.List)]
    joined = table.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(" > ") for name in lists)
    texts = [
        pl.col(name).cast(pl.String)
        for name, dtype in joined.schema.items()
        if isinstance(dtype, (pl.String, pl.Enum, pl.Categorical))
    ]
    escaped = joined.with_columns(
        pl.when(text.str.contains(FORMULA))
        .then(pl.concat_str(pl.lit("'"), text))
        .otherwise(text)
        .alias(text.meta.output_name())
        for text in texts
    )
    return escaped.rename(lambda name: f"'{name}" if re.match(FORMULA, name) else name)


def unescaped(text: pl.Expr) -> pl.Expr:
    """Return cells of a CSV file that was written here as they were before."""
    return pl.when(text.str.contains(FORMULA)).then(text.str.strip_prefix("'")).otherwise(text)
