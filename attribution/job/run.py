"""The run of a job: locked, checked at the gate, published as a whole, told in a manifest."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from attribution.errors import OutputError, ParameterError, TableError
from attribution.job.folder import Folder
from attribution.job.gate import check_gate, quarantine
from attribution.job.inputs import Inputs, read_inputs, stitched_from
from attribution.job.late import Published
from attribution.job.river import Flow, Output, check_dimensions, conservation, flow
from attribution.job.sections import Job
from attribution.job.web import check_engagements, web_of
from attribution.learned import Statistics
from attribution.manifest import NAME, TIMING, Manifest, canonical_sum, checksum, written
from attribution.stitched import StitchReport
from attribution.stitching.hashing import SEED
from attribution.tables import unfinished, write_rows

VERSION = metadata.version("attribution-engine")
Tell: TypeAlias = Callable[..., None]  # an event, and what belongs to it
LIBRARIES = ("numba", "numpy", "polars", "pyarrow", "scipy")


@dataclass(frozen=True)
class Ran:
    """What came of a run: whether anything changed, and its manifest."""

    changed: bool
    manifest: Manifest

    @property
    def run_id(self) -> str:
        """The hash of what the run was made from."""
        return self.manifest.run_id


def folder_of(job: Job, base: Path, out: Path | None) -> Folder:
    """Return the folder of the results: below that of the job file, or where the caller says."""
    if out is not None:
        return Folder(out.resolve())
    path = base / job.outputs.folder
    if base.resolve() not in path.resolve().parents:
        raise ParameterError(
            f"key outputs.folder: got {job.outputs.folder!r}, expected a folder below that of the job file; "
            "to write elsewhere name the folder in the call (--out)"
        )
    return Folder(path.resolve())


def run(
    job: Job,
    base: Path,
    *,
    out: Path | None = None,
    force: bool = False,
    threads: int | None = None,
    tell: Tell = lambda _event, **_more: None,
) -> Ran:
    """Run a job whose paths are relative to ``base``; the same run again changes nothing.

    Results are made beside their folder and take its place in one step, so a run that fails or is
    killed leaves the old results or the new ones. ``tell`` is called with each event and its numbers.

    Raises:
        TableError: an input cannot be used, or changed during the run.
        GateError: too many rows were set aside, or one for a reason in ``fail_on``.
        OutputError: the folder cannot be written, or another run holds it.
        OutputExistsError: it holds results that are not this job's.
    """
    folder = folder_of(job, base, out)
    clock = Clock(tell)
    with folder.locked():
        inputs = read_inputs(job, base)
        clock.tick("read", tables={name: each.rows for name, each in inputs.all.items()})
        run_id = run_id_of(job, inputs)
        old = published(folder, force)
        files = [path for each in inputs.tables.values() for path in each.files]
        folder.check_replaceable(old, str(job.name), filter(None, job.files()), files, force)
        if old is not None and old.run_id == run_id and old.content["job"] == job.name:
            changed = old.changed(folder.path)
            if not changed:
                return Ran(False, old)
            tell("repairing", files=changed)
        stitched, more, rejected = stitched_from(job, inputs)
        clock.tick("stitched", run_id=run_id)
        check_dimensions(job, stitched)
        web = web_of(job, inputs)
        check_engagements(job, inputs, web)
        rejected = pl.concat([rejected, *(each.rejected for each in web)])
        there = stitched.report if isinstance(stitched, Statistics) else StitchReport()
        check_gate(job, inputs, rejected, there)
        try:
            with unfinished(folder.staging):
                folder.staging.mkdir()
                aside = quarantine(rejected, inputs)
                made = flow(job, inputs, stitched, web, aside, Published(folder.path, old), threads)
                clock.tick("attributed", models=list(made.result))
                rows = {output.name: written_rows(output, folder.staging, run_id) for output in made.outputs}
                clock.tick("wrote", rows=rows)
                for each in inputs.tables.values():
                    each.check_unchanged()
                manifest = manifest_of(job, inputs, more + made.report, made, rows, folder.staging, run_id)
                (folder.staging / NAME).write_text(manifest.text(), encoding="utf-8")
                (folder.staging / TIMING).write_text(written(clock.timing(run_id)), encoding="utf-8")
                folder.publish()
        except OSError as error:
            raise OutputError(f"{folder.path}: cannot be written: {error.strerror or error}") from error
    return Ran(True, manifest)


def run_id_of(job: Job, inputs: Inputs) -> str:
    """Return the hash of the rows that go in, of what is done with them, and of the version that does it.

    How a file spells its rows (CSV or Parquet, mapped names of columns, its order) is no part of it.
    """
    spelling: dict[str, Any] = {name: {"path", "columns"} for name in inputs.tables}
    place = {"table", "path", "columns"}
    spelling["spark"] = {
        "master": True,
        "config": True,
        "partitions": True,
        "touchpoints": place,
        "outcomes": place,
    }
    spelling["reading"] = set(type(job.reading).model_fields) - {"timezone"}
    config = job.model_dump(mode="json", exclude={**spelling, "name": True})
    rows = {name: each.fingerprint for name, each in inputs.all.items()}
    return canonical_sum({"inputs": rows, "config": config, "version": VERSION})[:16]


def published(folder: Folder, force: bool) -> Manifest | None:
    """Return the manifest of the results that are there; a damaged one counts as none if forced."""
    try:
        return Manifest.read(folder.path)
    except TableError:
        if force:
            return None
        raise


def written_rows(output: Output, folder: Path, run_id: str) -> int:
    """Write an output, each row with the run that made it; return its rows."""
    rows = 0

    def signed() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for part in output.parts:
            rows += len(part)
            yield part.with_columns(run_id=pl.lit(run_id))

    write_rows(signed(), folder / output.name, {**output.about, "run_id": run_id})
    return rows


def manifest_of(
    job: Job,
    inputs: Inputs,
    report: StitchReport,
    made: Flow,
    rows: Mapping[str, int],
    folder: Path,
    run_id: str,
) -> Manifest:
    """Return the manifest of a run whose outputs are written."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return Manifest(
        {
            "run_id": run_id,
            "job": job.name,
            "version": VERSION,
            "versions": {"python": platform.python_version(), **versions},
            "seed": SEED,
            "as_of": None if job.as_of is None else str(job.as_of),
            "config": job.model_dump(mode="json"),
            "models": made.models,
            "inputs": {name: each.told for name, each in inputs.all.items()},
            "rows": {
                name: {"read": count.read, "used": count.used, "set_aside": dict(count.set_aside)}
                for name, count in report.tables.items()
            },
            "unattributed": dict(report.unattributed),
            "notes": dict(report.notes),
            "warnings": [*report.messages, *made.warnings],
            "conservation": conservation(made.result),
            "kept_before": dict(made.kept_before),
            "outputs": {
                name: {
                    "rows": rows[name],
                    "bytes": (folder / name).stat().st_size,
                    "sha256": checksum(folder / name),
                }
                for name in sorted(rows)
            },
        }
    )


class Clock:
    """The time that each step takes, kept apart from what the run gives."""

    def __init__(self, tell: Tell) -> None:
        self.tell, self.started = tell, datetime.now(UTC)
        self.last, self.steps = time.perf_counter(), dict[str, float]()

    def tick(self, step: str, **more: Any) -> None:
        """End a step and say so."""
        now = time.perf_counter()
        self.steps[step], self.last = round(now - self.last, 3), now
        self.tell(step, seconds=self.steps[step], **more)

    def timing(self, run_id: str) -> dict[str, Any]:
        """Return when the run began and how long each step took, in seconds."""
        return {"run_id": run_id, "started_at": self.started.isoformat(), "seconds": self.steps}
