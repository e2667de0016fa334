"""The statistics file: named arrays, and tables of rows, in one sealed Parquet file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from attribution.errors import ParameterError, TableError, shown
from attribution.statistics.cells import Cell
from attribution.tables import check_seal, write_rows

KIND, VERSION = "statistics", 1
SUFFIX = ".parquet"
SCHEMA: Any = {
    "part": pl.String,
    "observer": pl.UInt32,
    "fold": pl.Int32,
    "name": pl.String,
    "type": pl.String,
    "shape": pl.List(pl.Int64),
    "data": pl.Binary,
}
ROWS = "rows"  # the type of a cell that holds rows of a table
CELLS, AT_ONCE = 1 << 12, 1 << 20  # cells that are written at once, and rows of a table in one cell


Parts: TypeAlias = Mapping[str, Iterable[Cell]]  # by the name of the part


def frame_of(part: str, cells: Iterable[Cell]) -> pl.DataFrame:
    """Return the cells of a part as rows of the file."""
    rows = []
    for observer, fold, name, array in cells:
        plain = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        rows.append((part, observer, fold, name, plain.dtype.str, list(array.shape), plain.tobytes()))
    return pl.DataFrame(rows, SCHEMA, orient="row")


def cell_of(observer: int, fold: int, name: str, kind: str, shape: list[int], data: bytes) -> Cell:
    """Return the cell of a row of the file."""
    return Cell(observer, fold, name, np.frombuffer(data, kind).reshape(shape).copy())


def write_statistics(
    parts: Parts,
    tables: Mapping[str, pl.DataFrame],
    about: Mapping[str, Any],
    path: str | Path,
    force: bool,
) -> bool:
    """Write the parts and tables to a sealed file; return whether it changed.

    Raises:
        ParameterError: the suffix is another than .parquet.
        OutputError: the file cannot be written, or exists and differs and ``force`` is not set.
    """
    if Path(path).suffix != SUFFIX:
        raise ParameterError.out_of_range("path", Path(path).name, f"a suffix of {SUFFIX}")

    def frames() -> Iterator[pl.DataFrame]:
        yield frame_of("", [])
        for part, cells in parts.items():
            rest = iter(cells)
            while some := list(islice(rest, CELLS)):
                yield frame_of(part, some)
        for name, table in tables.items():
            for place, slice_ in enumerate(table.iter_slices(AT_ONCE)):
                held = BytesIO()
                slice_.write_ipc_stream(held)
                row = (name, 0, place, name, ROWS, [len(slice_)], held.getvalue())
                yield pl.DataFrame([row], SCHEMA, orient="row")

    return write_rows(frames(), path, {**about, "table": KIND, "version": VERSION}, force)


def read_statistics(
    path: str | Path,
) -> tuple[dict[str, Any], dict[str, list[Cell]], dict[str, pl.DataFrame]]:
    """Return what a file says of itself, its parts, and its tables by name.

    Raises:
        TableError: it is not there, not as it was written, of another version, or holds something else.
    """
    path, where = Path(path), f"statistics ({path})"
    if not path.is_file():
        raise TableError.of(where, "no such file", "a file that save has written", "check the path")
    about = check_seal(path, where) or {}
    if about.get("table") != KIND:
        raise TableError.of(
            where,
            f"holds {shown(about.get('table', 'a table that was not written here'))}",
            "statistics that save has written",
            "make them with result.save(path) (attribution attribute --save)",
        )
    if about["version"] != VERSION:
        raise TableError.of(
            where,
            f"statistics of version {about['version']}",
            f"version {VERSION}",
            "read them with the version of the package that wrote them, or learn anew from the tables",
        )
    parts, tables = dict[str, list[Cell]](), dict[str, list[pl.DataFrame]]()
    for part, observer, fold, name, kind, shape, data in pl.read_parquet(path).iter_rows():
        if kind == ROWS:
            tables.setdefault(part, []).append(pl.read_ipc_stream(BytesIO(data)))
        else:
            parts.setdefault(part, []).append(cell_of(observer, fold, name, kind, shape, data))
    return about, parts, {name: pl.concat(parts) for name, parts in tables.items()}
