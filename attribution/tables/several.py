"""Several: the files of a glob read as one table, where their columns agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import polars as pl

from attribution.errors import TableError
from attribution.tables.frames import Read


def several(table: str, paths: Sequence[Path], pattern: str) -> str:
    """Return what the files of a glob are called in words."""
    return f"{table} ({len(paths)} files {pattern})"


def as_one(parts: list[Read], where: str, ids: Collection[str], coded: Collection[str]) -> Read:
    """Return the rows of all files in their order; raise TableError where their columns differ."""
    parts, mixed = with_ids_as_text(parts, where, ids)
    parts = with_codes_alike(parts, coded)
    first = parts[0]
    for part in parts[1:]:
        check_alike(first, part)
    frame = pl.concat([part.frame.select(first.frame.columns) for part in parts], how="vertical_relaxed")
    starts = accumulate((len(part.frame) for part in parts), initial=0)
    ragged = tuple(start + row for start, part in zip(starts, parts, strict=False) for row in part.ragged)
    warnings = (*(warning for part in parts for warning in part.warnings), *mixed)
    return Read(frame, where, first.columns, ragged, warnings)


def with_ids_as_text(parts: list[Read], where: str, ids: Collection[str]) -> tuple[list[Read], list[str]]:
    """Return the files with ids as text where some hold integers and others text, and what to tell of it."""
    warnings = []
    for name in sorted(ids):
        dtypes = [part.frame.schema.get(name, pl.Null()) for part in parts]
        whole, text = sum(dtype.is_integer() for dtype in dtypes), dtypes.count(pl.String())
        if whole and text:
            parts = [
                replace(part, frame=part.frame.with_columns(pl.col(name).cast(pl.String)))
                if dtype.is_integer()
                else part
                for part, dtype in zip(parts, dtypes, strict=True)
            ]
            warnings.append(
                f"{where}, column {name!r}: {whole} files hold integers and {text} hold text; all are read "
                "as text, in which 7 and 007 differ: write the column with one type if zeros were lost"
            )
    return parts, warnings


def with_codes_alike(parts: list[Read], coded: Collection[str]) -> list[Read]:
    """Return the files with a coded column as text in all, where it is so in one."""
    for name in coded:
        if len({part.frame.schema.get(name) for part in parts}) > 1:
            text = pl.col(name).cast(pl.String)
            parts = [
                replace(part, frame=part.frame.with_columns(text))
                if part.frame.schema.get(name) == pl.Categorical
                else part
                for part in parts
            ]
    return parts


def check_alike(first: Read, part: Read) -> None:
    """Raise TableError unless two files of a glob have the same columns, whatever their order."""
    here, there = part.frame.schema, first.frame.schema
    differing = sorted(name for name in {*here, *there} if not alike(here.get(name), there.get(name)))
    if differing:
        told = [
            f"{name}: {here.get(name, 'missing')} here, {there.get(name, 'missing')} there"
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


def alike(left: pl.DataType | None, right: pl.DataType | None) -> bool:
    """Return whether two files can be read as one: a column without values goes with any."""
    return left == right or (None not in (left, right) and pl.Null in (left, right))
