"""Parquet files: decoded by Arrow, which refuses a damaged one where others give up the whole process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from attribution.errors import TableError
from attribution.tables.contents import check_is, check_ratio, check_rows
from attribution.tables.csv_files import check_names
from attribution.tables.memory import check_memory
from attribution.tables.seal import check_seal


@dataclass(frozen=True, eq=False)
class ParquetFile:
    """A file whose footer has been read: what it holds, and which of its columns are wanted."""

    path: Path
    where: str
    footer: Any  # pyarrow's metadata
    columns: tuple[str, ...]  # all that it has
    chosen: tuple[str, ...]
    coded: tuple[str, ...]  # of the chosen, text that is read as Categorical
    schema: pl.Schema  # of the chosen
    groups: tuple[int, ...]  # rows of each row group
    unpacked: int  # bytes

    def read(self) -> pl.DataFrame:
        """Return all rows.

        Raises:
            TableError: they do not fit into memory, or are fewer than the footer says.
            ValueError: the file is damaged (or OSError).
        """
        check_memory(self.where, self.unpacked, "parquet")
        return pl.concat(self.batches(range(len(self.groups)), None, threads=True))

    def batches(
        self, groups: Sequence[int], most: int | None, *, threads: bool = False
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of some row groups, at most so many at once (about; all without ``most``)."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = sum(self.groups[group] for group in groups)
        try:
            with pq.ParquetFile(
                self.path, metadata=self.footer, read_dictionary=self.coded, pre_buffer=False
            ) as file:
                if most is None or rows <= most:
                    tables = iter([file.read_row_groups(groups, columns=self.chosen, use_threads=threads)])
                else:
                    batches = file.iter_batches(most, groups, columns=self.chosen, use_threads=threads)
                    tables = (pa.Table.from_batches([each]) for each in batches)
                for table in (each.select(self.chosen) for each in tables):
                    rows -= table.num_rows
                    table.validate(full=True)  # polars takes text and offsets on trust
                    # What the file says beside its types is nothing that polars could rely on.
                    yield pl.DataFrame(pa.table(dict(zip(self.chosen, table.columns, strict=True))))
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error
        if rows:
            declared = sum(self.groups[group] for group in groups)
            raise incomplete(self.where, declared - rows, declared)


def open_parquet(
    path: Path, where: str, wanted: Collection[str] | None, coded: Collection[str]
) -> ParquetFile:
    """Return a file by its footer; the columns in ``coded`` are read as Categorical if they are text.

    Raises:
        TableError: the file holds, or declares, something else than the rows of a table.
        ValueError: the file is damaged (or OSError).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as start:
        check_is("Parquet", start.read(8), where)
    check_seal(path, where)
    try:
        with pq.ParquetFile(path) as file:
            footer, schema, size = file.metadata, file.schema_arrow, path.stat().st_size
            groups = [footer.row_group(number) for number in range(file.num_row_groups)]
        rows = tuple(group.num_rows for group in groups)
        check_rows(max(footer.num_rows, sum(rows)), size, where)
        unpacked = sum(group.total_byte_size for group in groups)
        check_ratio(unpacked, size, where)
        columns = tuple(schema.names)
        check_names(columns, where)
        if footer.num_rows != sum(rows):
            raise incomplete(where, sum(rows), footer.num_rows)
        chosen = tuple(name for name in columns if wanted is None or name in wanted)
        texts = (pa.string(), pa.large_string(), pa.string_view())
        text = tuple(name for name in chosen if name in coded and schema.field(name).type in texts)
        for name in chosen:
            getattr(schema.field(name).type, "tz", None)  # which raises where a time zone is not UTF-8
        bare = pa.schema([pa.field(name, schema.field(name).type) for name in chosen])
        types = pl.DataFrame(bare.empty_table()).schema | dict.fromkeys(text, pl.Categorical())
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    return ParquetFile(path, where, footer, columns, chosen, text, pl.Schema(types), rows, unpacked)


def incomplete(where: str, found: int, declared: int) -> TableError:
    """Return the error of a file that holds other rows than it declares."""
    return TableError.of(
        where,
        f"{found:,} rows, where the file declares {declared:,}",
        "a complete .parquet file",
        "check that the file was copied in full",
    )
