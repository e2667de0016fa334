"""The verbs run and schema: the river from a job file, and what such a file may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.log import lines
from attribution.cli.progress import compiling
from attribution.cli.show import show_text, show_warnings
from attribution.errors import AttributionError


def run(
    job: Path,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="Folder of the results, instead of the one in the job file.")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Say what would be done, and do nothing.", negative="")] = False,
    force: Annotated[bool, Parameter(help="Replace the results of another job.", negative="")] = False,
    threads: options.Threads = None,
    log_format: Annotated[Literal["text", "json"], Parameter(help="How the log is written.")] = "text",
) -> None:
    """Run a job file: sources, models, outputs; the same run again changes nothing.

    Parameters
    ----------
    job
        A TOML file; attribution schema job prints what may stand in it.
    """
    from attribution.job import folder_of, load_job, plan
    from attribution.job import run as run_job

    tell, base = lines(log_format), job.absolute().parent
    try:
        loaded = load_job(job)
        folder = folder_of(loaded, base, out)
        if dry_run:
            show_text("plan", ("step", "what"), plan(loaded, base, folder))
            return
        if log_format == "text":
            compiling()
        ran = run_job(loaded, base, out=out, force=force, threads=threads, tell=tell)
    except AttributionError as error:
        if log_format == "text":
            raise
        tell("error", message=str(error), code=error.exit_code)
        raise SystemExit(error.exit_code) from error
    if not ran.changed:
        tell("unchanged", run=ran.run_id, folder=str(folder.path))
        return
    if log_format == "json":
        tell("done", run=ran.run_id, folder=str(folder.path), manifest=ran.manifest.content)
        return
    show_warnings(ran.manifest.content["warnings"])
    tell("done", run=ran.run_id, folder=str(folder.path))


def schema(what: Literal["job", "star"], /) -> None:
    """Print the JSON Schema of job files, or the tables of a star with their grain, keys and columns.

    Parameters
    ----------
    what
        The kind: job or star.
    """
    from attribution.job import schema as schema_of_job
    from attribution.report.star.schema import described

    print(json.dumps({"job": schema_of_job, "star": described}[what](), indent=2))
