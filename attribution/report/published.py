"""Published: the folder of a run as the run wrote it, its manifest and its tables by what they are."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from csv import reader
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from attribution.dimensions import period
from attribution.errors import TableError
from attribution.manifest import NAME, Manifest, checksum
from attribution.tables import unescaped

TEXTS = {
    *("model", "channel", "campaign", "reason", "run_id", "table", "what", "path", "source", "target"),
    *("alike", "role", "other", "rate_alike", "from_stage", "to_stage", "method", "shape", "form", "of"),
    *("period", "models_disagree", "credited_by", "cost_type", "currency"),
}
DAYS = {"date", "compared_with"}
FLAGS = {"disputed"}  # which may be known of no row


@dataclass(frozen=True)
class Published:
    """A run that was published: where it lies, and what its manifest says."""

    folder: Path
    manifest: Manifest

    @classmethod
    def read(cls, folder: str | Path) -> Published:
        """Return the run of a folder.

        Raises:
            TableError: the folder holds no run, or its manifest is not as it was written.
        """
        manifest = Manifest.read(Path(folder))
        if manifest is None:
            raise TableError.of(
                str(folder),
                f"there is no {NAME}",
                "the folder of a run, as attribution run writes it",
                "name the folder of results, or run the job first",
            )
        return cls(Path(folder), manifest)

    @property
    def run_id(self) -> str:
        """The hash of what the run was made from."""
        return self.manifest.run_id

    @property
    def config(self) -> Mapping[str, Any]:
        """The job that was run, by section."""
        config: Mapping[str, Any] = self.manifest.content["config"]
        return config

    def file(self, name: str | None) -> Path | None:
        """Return the path of an output by its file name, None where the run did not make it.

        Raises:
            TableError: the file is not as the run wrote it.
        """
        made = self.manifest.content["outputs"].get(name)
        if made is None or name is None:
            return None
        path = self.folder / name
        if not path.is_file() or checksum(path) != made["sha256"]:
            raise TableError.of(
                str(path),
                "it is not as the run wrote it" if path.is_file() else "it is not there any more",
                f"the output of run {self.run_id}",
                "run the job again: it repairs what was changed",
            )
        return path

    def output(self, key: str) -> pl.DataFrame | None:
        """Return the table that the job names under ``outputs``, None where none was made."""
        return self.table(self.config["outputs"].get(key))

    def table(self, name: str | None, by: Sequence[str] = ()) -> pl.DataFrame | None:
        """Return a table by its file name, its dimensions ``by`` as text; None where it was not made."""
        path = self.file(name)
        if path is None:
            return None
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        # Types are ours to know: a channel may be named 7, an outcome form, and a column may hold nothing.
        written = pl.read_csv(path, infer_schema=False)
        with path.open(encoding="utf-8", newline="") as file:
            written.columns = next(reader(file))  # polars leaves the quotes of a header doubled
        outcomes = {each["outcome"] for each in self.manifest.content["conservation"]}
        return written.select(typed(column, {*TEXTS, *by}, outcomes) for column in written)

    def sections(self, key: str) -> list[Mapping[str, Any]]:
        """Return the sections of a key of the job whose file was made."""
        made = self.manifest.content["outputs"]
        return [each for each in self.config[key] if each["file"] in made]


def typed(column: pl.Series, texts: set[str], outcomes: Container[str] = ()) -> pl.Series:
    """Return a column of a CSV file that was written here in the type that it had.

    >>> typed(pl.Series("leads", ["1.5", None]), set()).to_list()
    [1.5, None]
    """
    name = pl.select(unescaped(pl.lit(column.name))).item()
    column = column.alias(name)
    numbers = column.cast(pl.Float64, strict=False)
    are_numbers = numbers.null_count() == column.null_count()
    if name in outcomes and are_numbers:
        return numbers
    if name in DAYS or period(name) is not None:
        return column.str.to_date(strict=False)
    if name not in texts:
        said = column.is_in(["true", "false"]).any() or name in FLAGS
        if said and (column.is_null() | column.is_in(["true", "false"])).all():
            return column == "true"
        if are_numbers:
            return numbers
    return pl.select(unescaped(pl.lit(column)).alias(name)).to_series()
