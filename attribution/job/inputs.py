"""The inputs of a run: each table read once, with the checksums of its files and the hash of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from attribution.errors import Fault, TableError
from attribution.job.cluster import Remote, learned_there, remote_tables
from attribution.job.fingerprint import fingerprint
from attribution.job.sections import Job
from attribution.kpis.costs.booked_rows import checked_spend
from attribution.kpis.engagement.ads import COUNTS, as_reported
from attribution.learned import Statistics
from attribution.manifest import checksum
from attribution.rare_channels import group_rare
from attribution.stitched import Stitched, StitchReport
from attribution.stitching import split_events, stitch
from attribution.tables import TABLES, Checked, Column, Reading, check_table
from attribution.tables.sources import Read, files_of, read
from attribution.tables.stamps import Stamp, stamp

NAMES = ("touchpoints", "outcomes", "events", "spend", "rates", "visits", "pages")  # sections of sources
SCHEMA = pl.Schema({"table": pl.String, "row": pl.UInt32, "reason": pl.String})  # of rows set aside


@dataclass(frozen=True, eq=False)
class Input:
    """One table: its rows, and the files that they came from as they were."""

    table: str
    path: str  # as the job names it
    files: tuple[Path, ...]
    stamps: tuple[Stamp, ...]  # before they were read
    read: Read
    columns: Mapping[str, str]
    checked: Checked

    @property
    def where(self) -> str:
        """What errors call the table."""
        return self.read.where

    @property
    def ours(self) -> pl.DataFrame:
        """The rows, with our names of the columns."""
        return self.read.frame.rename({theirs: ours for ours, theirs in self.columns.items()})

    @property
    def rows(self) -> int:
        """The rows of the table."""
        return len(self.read.frame)

    @property
    def fingerprint(self) -> str:
        """The hash of the rows."""
        return fingerprint(self.checked, self.read.frame, set(self.columns.values()))

    @property
    def told(self) -> dict[str, Any]:
        """What the manifest says of it: its files with their sizes and checksums."""
        files = [
            {"file": path.name, "bytes": path.stat().st_size, "sha256": checksum(path)} for path in self.files
        ]
        return {"path": self.path, "files": files, "rows": self.rows}

    def check_unchanged(self) -> None:
        """Raise TableError if a file is no longer as it was when it was read."""
        for path, before in zip(self.files, self.stamps, strict=True):
            if stamp(path) != before:
                gone = not path.exists()
                raise TableError.of(
                    f"{self.table} ({path})",
                    "the file is gone since the run began" if gone else "the file changed during the run",
                    f"{before.size:,} bytes that stay as they are",
                    "run again when nothing writes to it, or read a copy",
                )


@dataclass(frozen=True, eq=False)
class Inputs:
    """All tables of a run by name; those that Spark holds are ``remote``."""

    tables: Mapping[str, Input]
    reading: Reading
    remote: Mapping[str, Remote] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, Input | Remote]:
        """The tables, wherever they are."""
        return {**self.remote, **self.tables}


def numbers(names: list[str]) -> list[Column]:
    """Return further outcome columns."""
    known = {column.name for column in TABLES["outcomes"]}
    return [Column(name, "number", "a further outcome", null=0.0) for name in names if name not in known]


def read_inputs(job: Job, base: Path) -> Inputs:
    """Return the tables that a job names, read whole; paths are relative to ``base``.

    Raises:
        TableError: with the faults of every table that cannot be used.
    """
    reading = Reading(**job.reading.model_dump())
    tables: dict[str, Input] = {}
    faults: list[Fault] = []
    for name in NAMES:
        if getattr(job, name) is not None:
            try:
                tables[name] = read_input(name, job, base, reading)
            except TableError as error:
                faults += error.faults
    if faults:
        raise TableError(faults)
    return Inputs(tables, reading, remote_tables(job, base))


def read_input(name: str, job: Job, base: Path, reading: Reading) -> Input:
    """Return one table, checked by itself."""
    source = getattr(job, name)
    path = str(base / source.path)
    files = tuple(files_of(path, name))
    stamps = tuple(map(stamp, files))
    ids = [source.columns.get("customer_id", "customer_id")]
    whole = read(path, name, None, reading.delimiter, ids)
    names = job.outcomes.names or [] if name == "outcomes" and job.outcomes else []
    columns = as_reported(whole.columns, source.columns) if name == "spend" else source.columns
    ours = {key: theirs for key, theirs in columns.items() if name != "spend" or key not in COUNTS}
    checked = check_table(name, whole, reading, ours, numbers(names))
    if name == "spend":
        checked = checked_spend(checked, whole.frame, columns, source.repeated, job.rates is not None)
    return Input(name, source.path, files, stamps, whole, columns, checked)


def stitched_from(job: Job, inputs: Inputs) -> tuple[Stitched | Statistics, StitchReport, pl.DataFrame]:
    """Return the journeys, what was counted before they were stitched, and the rows set aside at the gate.

    Of tables that Spark holds, what was learned there, and no rows.

    Raises:
        TableError: the tables do not fit together.
    """
    window = job.window.model_dump()
    if job.intervals is not None:
        window["folds"] = job.intervals.folds
    as_of = str(job.as_of) if job.as_of is not None else None
    spent = [inputs.tables["spend"].checked.rejected] if "spend" in inputs.tables else []
    if job.spark is not None:
        learned = learned_there(job, inputs.remote, inputs.reading)
        return learned, StitchReport(), pl.concat([pl.DataFrame(schema=SCHEMA), *spent])
    if job.events is not None:
        events = inputs.tables["events"]
        split = split_events(
            events.read, columns=events.columns, flag=job.events.flag, reading=inputs.reading
        )
        stitched = grouped(job, stitch(split.touchpoints, split.outcomes, as_of=as_of, **window))
        later = [
            rows.with_columns(split.rows[name].gather(rows["row"]).alias("row"), table=pl.lit("events"))
            for (name,), rows in stitched.rejected.partition_by("table", as_dict=True).items()
        ]
        rejected = pl.concat([split.rejected, *later, *spent]).unique(["table", "row"], maintain_order=True)
        return stitched, split.report, rejected
    assert job.outcomes is not None
    touched, ended = inputs.tables["touchpoints"], inputs.tables["outcomes"]
    stitched = stitch(
        touched.read,
        ended.read,
        columns={"touchpoints": touched.columns, "outcomes": ended.columns},
        outcome_names=job.outcomes.names,
        repeated_outcomes=job.outcomes.repeated,
        reading=inputs.reading,
        as_of=as_of,
        **window,
    )
    return grouped(job, stitched), StitchReport(), pl.concat([stitched.rejected, *spent])


def grouped(job: Job, stitched: Stitched) -> Stitched:
    """Return the journeys with no more channels than the job lets keep their names."""
    return stitched if job.most_channels is None else group_rare(stitched, job.most_channels)
