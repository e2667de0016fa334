"""Files: tables written by suffix, to a temporary place beside the target and then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from glob import glob
from pathlib import Path

import polars as pl

from attribution.errors import OutputError, OutputExistsError, ParameterError

SUFFIXES = (".parquet", ".csv", ".json", ".xlsx")
FORMULA = r"^'*[=+\-@\t\r]"  # what begins so is escaped by one quote more


def check_target(path: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Raise unless the path can be written to and is no input; called before anything is computed."""
    if path.suffix not in SUFFIXES:
        raise ParameterError.out_of_range("out", path.name, f"a suffix of {', '.join(SUFFIXES)}")
    read = (match for source in inputs for match in (source, *glob(str(source), recursive=True)))  # noqa: PTH207
    if any(Path(match).resolve() == path.resolve() for match in read):
        raise OutputExistsError(f"{path}: the output is also an input; choose another name")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} does not exist or cannot be written to")


def write_table(table: pl.DataFrame, path: str | Path, force: bool = False) -> bool:
    """Write the table by its suffix; return whether the file changed.

    Raises:
        OutputExistsError: the file is there with other content and ``force`` is not set.
        OutputError: it cannot be written.
    """
    path = Path(path)
    check_target(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            write(table, temporary)
            if path.exists() and path.read_bytes() == temporary.read_bytes():
                return False
            if path.exists() and not force:
                raise OutputExistsError(f"{path} exists and holds something else; pass --force to replace it")
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except ModuleNotFoundError as error:
        raise OutputError(
            f"{path}: {error.name} is needed for {path.suffix}: pip install 'attribution-engine[excel]'"
        ) from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return True


def write(table: pl.DataFrame, path: Path) -> None:
    """Write the table in the format of the suffix."""
    if path.suffix == ".parquet":
        table.write_parquet(path, compression="zstd")
    elif path.suffix == ".json":
        table.write_json(path)
    elif path.suffix == ".csv":
        flat(table).write_csv(path)
    else:
        write_excel(flat(table), path)


def write_excel(table: pl.DataFrame, path: Path) -> None:
    """Write a workbook whose bytes depend on the table alone."""
    import xlsxwriter

    as_text = dict.fromkeys(("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False)
    with xlsxwriter.Workbook(path, as_text) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        table.write_excel(book)


def flat(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with lists as text, and cells that a spreadsheet would run as formulas escaped."""
    lists = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.List)]
    joined = table.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(" > ") for name in lists)
    texts = [
        pl.col(name).cast(pl.String)
        for name, dtype in joined.schema.items()
        if isinstance(dtype, (pl.String, pl.Enum, pl.Categorical))
    ]
    return joined.with_columns(
        pl.when(text.str.contains(FORMULA))
        .then(pl.concat_str(pl.lit("'"), text))
        .otherwise(text)
        .alias(text.meta.output_name())
        for text in texts
    )


def unescaped(text: pl.Expr) -> pl.Expr:
    """Return cells of a CSV file that was written here as they were before."""
    return pl.when(text.str.contains(FORMULA)).then(text.str.strip_prefix("'")).otherwise(text)
