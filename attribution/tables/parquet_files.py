"""Parquet files: decoded by Arrow, which refuses a damaged one where others give up the whole process."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from attribution.errors import TableError
from attribution.tables.contents import check_is, check_ratio, check_rows
from attribution.tables.csv_files import check_names
from attribution.tables.memory import check_memory
from attribution.tables.seal import check_seal


def read_parquet(
    path: Path, where: str, wanted: Collection[str] | None, coded: Collection[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the wanted columns, and the names of all; those in ``coded`` as Categorical if they are text.

    Raises:
        TableError: the file holds, or declares, something else than the rows of a table.
        ValueError: the file is damaged (or OSError).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        check_is("Parquet", file.read(8), where)
    check_seal(path, where)
    try:
        with pq.ParquetFile(path) as file:
            footer, size = file.metadata, path.stat().st_size
            rows, groups = footer.num_rows, [footer.row_group(n) for n in range(file.num_row_groups)]
            check_rows(max(rows, sum(group.num_rows for group in groups)), size, where)
            unpacked = sum(group.total_byte_size for group in groups)
            check_ratio(unpacked, size, where)
            check_memory(where, unpacked, "parquet")
            columns = tuple(file.schema_arrow.names)
            check_names(columns, where)
            chosen = [name for name in columns if wanted is None or name in wanted]
            texts = (pa.string(), pa.large_string(), pa.string_view())
            text = [name for name in chosen if name in coded and file.schema_arrow.field(name).type in texts]
        with pq.ParquetFile(path, metadata=footer, read_dictionary=text) as file:
            table = file.read(columns=chosen).select(chosen)
        table.validate(full=True)  # polars takes text and offsets on trust
        for field in table.schema:
            getattr(field.type, "tz", None)  # which raises where the name of a time zone is not UTF-8
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    if table.num_rows != rows:
        raise TableError.of(
            where,
            f"{table.num_rows:,} rows, where the file declares {rows:,}",
            "a complete .parquet file",
            "check that the file was copied in full",
        )
    # What the file says beside its types is nothing that polars could rely on.
    bare = pa.table(dict(zip(chosen, table.columns, strict=True)))
    return pl.DataFrame(bare), columns
