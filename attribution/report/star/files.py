"""Files: tables that are written together, as a folder of files or a workbook of sheets."""

from __future__ import annotations

from collections.abc import Mapping
from filecmp import cmp
from pathlib import Path
from uuid import uuid4

import polars as pl

from attribution.errors import OutputError, OutputExistsError, ParameterError, shown
from attribution.report.star.schema import STAR
from attribution.tables import PUBLISHING, SUFFIXES, check_target, unfinished
from attribution.tables.files import flat, placed, workbook, write, writing

FORMATS = ("parquet", "csv")
BOOK = ".xlsx"
SHEET, CELL = 1_048_576, 32_767  # rows of a sheet with its header; signs of a cell, in UTF-16


def check_place(out: Path, run: Path, format: str | None) -> None:
    """Raise unless the tables can be written there; called before anything is computed.

    Raises:
        ParameterError: there is no such format, or the name is that of another kind of file.
        OutputError: the place cannot be written to, or is the run's own.
    """
    if format is not None and format not in FORMATS:
        raise ParameterError.unknown("format", format, FORMATS)
    if out.suffix.lower() == BOOK:
        if format is not None:
            raise ParameterError(f"parameter 'format': got {format!r}, expected none with a workbook ({out})")
        check_target(out, suffixes=(BOOK,))
    elif out.suffix in SUFFIXES:
        raise ParameterError.out_of_range("star", out.name, f"a folder, or a workbook ({BOOK})")
    elif out.exists() and not out.is_dir():
        raise OutputError(f"{out}: a file is in the place of the folder")
    if run.resolve() in (out.resolve(), *out.resolve().parents):
        raise OutputError(
            f"{out} lies in the folder of the run, which holds what the run wrote and nothing else: "
            "name a place beside it"
        )


def write_tables(
    tables: Mapping[str, pl.DataFrame], out: Path, run_id: str, format: str | None = None, force: bool = False
) -> bool:
    """Write all tables or none; return whether anything changed.

    Raises:
        OutputExistsError: a table is there with other content and ``force`` is not set.
        OutputError: they cannot be written, or do not fit into a workbook.
    """
    if out.suffix == BOOK:
        cells = {name: flat(table) for name, table in tables.items()}
        check_cells(cells, out)
        return placed(out, force, lambda temporary: write_book(cells, temporary))
    suffix = f".{format or FORMATS[0]}"
    with writing(out):
        new = not out.exists()
        if new:
            out.parent.mkdir(parents=True, exist_ok=True)
        with unfinished((out.parent if new else out) / f".{out.name}-{uuid4().hex}.part") as staging:
            staging.mkdir()
            for name, table in tables.items():
                write(table, staging / f"{name}{suffix}", suffix, {"table": name, "run_id": run_id})
            return moved_in(staging, out, suffix, force)


def moved_in(staging: Path, out: Path, suffix: str, force: bool) -> bool:
    """Put the staged tables into their folder; return whether anything changed.

    A table of the star that these are without is one of another run: what is there differs.
    """
    made = sorted(path.name for path in staging.iterdir())
    old = [path for each in STAR if (path := out / f"{each.name}{suffix}").exists()]
    stale = [path for path in old if path.name not in made]
    same = {path.name for path in old if path not in stale and cmp(path, staging / path.name, shallow=False)}
    differing = [path.name for path in old if path.name not in same]
    if differing and not force:
        raise OutputExistsError(
            f"{out} holds other tables: {', '.join(differing)}; pass --force to replace them, "
            "or name another folder"
        )
    with PUBLISHING:
        if not out.exists():
            staging.rename(out)
            return True
        for name in made:
            if name not in same:
                (staging / name).replace(out / name)
        for path in stale:
            path.unlink()
    return len(same) < len(made) or bool(stale)


def check_cells(tables: Mapping[str, pl.DataFrame], out: Path) -> None:
    """Raise OutputError where a sheet would have too many rows, or a cell too long a text."""
    for name, table in tables.items():
        if len(table) >= SHEET:
            raise OutputError(
                f"{out}: {name} has {len(table):,} rows, a sheet holds {SHEET - 1:,} below its header; "
                "export a folder of Parquet or CSV instead"
            )
        for column in table:
            long = column.filter(column.str.len_bytes() > CELL) if column.dtype == pl.String else ()
            for text in (column.name, *long):
                if (size := len(text.encode("utf-16-le")) // 2) > CELL:
                    raise OutputError(
                        f"{out}: {name}, column {shown(column.name)}: {shown(text)} has {size:,} signs, a "
                        f"cell holds {CELL:,}; export a folder of Parquet or CSV instead"
                    )


def write_book(tables: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write a workbook with a sheet a table, its header in sight."""
    with workbook(path) as book:
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, table.columns, bold)
            for place, column in enumerate(table):
                sheet.write_column(1, place, column, day if column.dtype == pl.Date else None)
