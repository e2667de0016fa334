"""The checkup: everything that is wrong with the tables of a job, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from attribution.job.gate import check_gate, quarantine
from attribution.job.inputs import Inputs, read_inputs, stitched_from
from attribution.job.river import check_dimensions
from attribution.job.sections import Job
from attribution.job.web import check_engagements, web_of
from attribution.stitched import StitchReport


@dataclass(frozen=True, eq=False)
class Checkup:
    """What a run would set aside, and whether the gate would let it pass."""

    job: Job
    inputs: Inputs
    report: StitchReport
    rejected: pl.DataFrame  # table, row, reason, content

    def check_gate(self) -> None:
        """Raise GateError where a run would be refused."""
        check_gate(self.job, self.inputs, self.rejected, self.report)


def checkup(job: Job, base: Path) -> Checkup:
    """Return what is wrong with the rows of a job's tables.

    Raises:
        TableError: with every fault for which tables cannot be used at all.
        ParameterError: the job names a dimension that there is not.
    """
    inputs = read_inputs(job, base)
    stitched, more, rejected = stitched_from(job, inputs)
    check_dimensions(job, stitched)
    report = more + stitched.report
    if "spend" in inputs.tables:
        report = report + StitchReport({"spend": inputs.tables["spend"].checked.count})
    web = web_of(job, inputs)
    check_engagements(job, inputs, web)
    report = report + StitchReport({name: rows for each in web for name, rows in each.tables.items()})
    rejected = pl.concat([rejected, *(each.rejected for each in web)])
    return Checkup(job, inputs, report, quarantine(rejected, inputs))
