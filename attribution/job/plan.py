"""The plan: what a job would read, do and write, with the rows it is about, told without doing it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from attribution.job.folder import Folder
from attribution.job.inputs import NAMES
from attribution.job.output_section import Outputs
from attribution.job.sections import Job
from attribution.models import MODELS
from attribution.tables.sources import PARQUET, files_of

LOOKED_AT = 1 << 16  # bytes of a text file from which its rows are estimated


def plan(job: Job, base: Path, folder: Folder) -> list[tuple[str, str]]:
    """Return the steps of a run and what each is about.

    Raises:
        TableError: a source is not there.
    """
    steps = []
    for name in NAMES:
        source = getattr(job, name)
        if source is not None:
            paths = files_of(str(base / source.path), name)
            size = sum(path.stat().st_size for path in paths)
            rows = sum(map(rows_of, paths))
            exact = all(path.suffix in PARQUET for path in paths)
            files = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
            told = f"{rows:,} rows" if exact else f"about {rows:,} rows"
            steps.append((f"read {name}", f"{source.path}: {files}, {size:,} bytes, {told}"))
    if job.spark is not None:
        for name, table in (("touchpoints", job.spark.touchpoints), ("outcomes", job.spark.outcomes)):
            steps.append((f"read {name}", f"{table.place}, where Spark has it"))
    window = ", ".join(f"{key}={value}" for key, value in job.window.model_dump(exclude_none=True).items())
    steps.append(("stitch", window))
    if job.most_channels is not None:
        steps.append(("group", f"channels beyond the {job.most_channels:,} with the most touchpoints"))
    models = [str(each.label or each.name) for each in job.models] or list(MODELS)
    steps.append(("attribute", ", ".join(models)))
    steps += [(f"measure {each.file}", f"by {', '.join(each.by)}") for each in [*job.breakdowns, *job.loop]]
    steps += [(f"count {each.file}", f"by {', '.join(each.by)}") for each in job.engagements]
    steps += patterns_of(job.outputs)
    if job.budget is not None:
        steps.append((f"reallocate {job.budget.file}", job.budget.asked))
    steps.append(("gate", f"at most {job.gate.max_rejected:.2%} of a table's rows set aside"))
    state = "replaced as a whole" if folder.path.exists() else "new"
    steps.append((f"write {folder.path} ({state})", ", ".join(name for name in job.files() if name)))
    return steps


def patterns_of(outputs: Outputs) -> list[tuple[str, str]]:
    """Return the steps that make what journeys look like, and what each is by."""
    steps = {
        "comparison": ("compare", "models side by side"),
        "paths": ("count", f"by path, of at least {outputs.fewest_customers:,} customers"),
        "path_lengths": ("count", "by number of touchpoints"),
        "time_lags": ("count", "by days from the first touchpoint to the outcome"),
        "transitions": ("count", "by move from channel to channel"),
        "costs": ("add up", "by date, channel and campaign"),
    }
    named = {key: getattr(outputs, key) for key in steps}
    return [(f"{verb} {named[key]}", told) for key, (verb, told) in steps.items() if named[key]]


def rows_of(path: Path) -> int:
    """Return the rows of a Parquet file, or an estimate from the first lines of another."""
    if path.suffix in PARQUET:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    lines = max(1, start.count(b"\n"))
    return max(0, round(path.stat().st_size * lines / max(1, len(start))) - 1)
