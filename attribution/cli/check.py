"""The verb check: every fault of every table in one answer, and the rows set aside as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.progress import compiling, progress
from attribution.cli.show import show_report, write
from attribution.errors import ParameterError
from attribution.stitching.window import Window
from attribution.tables import Reading, check_target


def check(
    touchpoints: Path,
    outcomes: Path | None = None,
    /,
    *,
    spend: Annotated[Path | None, Parameter(help="Table of channel and spend.")] = None,
    rejected: Annotated[
        Path | None, Parameter(help="File for the rows set aside: table, row, reason, content.")
    ] = None,
    force: options.Force = False,
    how: options.StitchOptions | None = None,
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Check tables, or those of a job file, without attributing anything.

    Parameters
    ----------
    touchpoints
        Table of customer_id, timestamp, channel; or a job file (.toml), and nothing else.
    outcomes
        Table of customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    from attribution.job import checkup, job_of, load_job

    if touchpoints.suffix == ".toml":
        job, base = load_job(touchpoints), touchpoints.absolute().parent
    elif outcomes is None:
        raise ParameterError("TOUCHPOINTS needs OUTCOMES beside it, or pass a job: check JOB.toml")
    else:
        job, base = job_of(sections(touchpoints, outcomes, spend, how, window, reading), "options"), Path()
    if rejected is not None:
        sources = (job.touchpoints, job.outcomes, job.events, job.spend)
        check_target(rejected, [touchpoints, *(base / each.path for each in sources if each is not None)])
    compiling()
    with progress("reading and checking"):
        checked = checkup(job, base)
    if rejected is not None:
        write(checked.rejected, rejected, force)
    show_report(checked.report)
    checked.check_gate()


def sections(
    touchpoints: Path, outcomes: Path, spend: Path | None, how: Any, window: Any, reading: Any
) -> dict[str, Any]:
    """Return the options as the sections of a job."""
    how = how or options.StitchOptions()
    given = how.given()
    ended = {"names": given["outcome_names"], "repeated": given["repeated_outcomes"]}
    return {
        "touchpoints": {"path": str(touchpoints), "columns": given["columns"]["touchpoints"]},
        "outcomes": {"path": str(outcomes), "columns": given["columns"]["outcomes"], **ended},
        "spend": None if spend is None else {"path": str(spend)},
        "as_of": given["as_of"],
        "most_channels": how.most_channels,
        "window": options.given(window, Window),
        "reading": options.given(reading, Reading),
    }
