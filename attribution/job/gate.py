"""The gate of a job: how many rows may be set aside, and for which reasons none."""

from __future__ import annotations

import polars as pl

from attribution.errors import GateError
from attribution.job.inputs import SCHEMA, Inputs
from attribution.job.sections import Job
from attribution.stitched import StitchReport
from attribution.tables import REASONS, Counts

REPEATS = ("duplicate", "superseded")  # such rows say again what another says: nothing is wrong with them


def check_gate(job: Job, inputs: Inputs, rejected: pl.DataFrame, report: StitchReport) -> None:
    """Raise GateError if too large a share of a table was rejected, or a row for a reason in fail_on.

    Of tables that Spark holds the report tells how many; ``rejected`` has the rows of all others.
    """
    failures = []
    for name, each in inputs.all.items():
        counts = counted(rejected.filter(pl.col("table") == name))
        if name in inputs.remote:
            counts = told(report.tables[name].set_aside)
        bad = counts.filter(~pl.col("reason").is_in(REPEATS))
        if bad["rows"].sum() > job.gate.max_rejected * each.rows:
            failures.append(
                f"{each.where}: {bad['rows'].sum():,} of {each.rows:,} rows set aside "
                f"({reasons(bad)}), expected at most {job.gate.max_rejected:.4%} (gate.max_rejected)"
            )
        forbidden = counts.filter(pl.col("reason").is_in(job.gate.fail_on))
        if len(forbidden):
            failures.append(
                f"{each.where}: {forbidden['rows'].sum():,} rows set aside ({reasons(forbidden)}), expected "
                "none for a reason in gate.fail_on"
            )
    if failures:
        remedy = (
            "what to do: see them with: attribution check JOB --rejected rejected.parquet; mend the source"
        )
        raise GateError("\n".join([*failures, remedy + ", or allow more"]))


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows there are for each reason, and the first of them."""
    counts = rows.group_by("reason").agg(pl.len().alias("rows"), pl.col("row").min().alias("first"))
    return counts.sort("reason")


def told(set_aside: Counts) -> pl.DataFrame:
    """Return the same from counts of rows that are elsewhere; what no gate sets aside is no fault."""
    counts = [(reason, rows, None) for reason, rows in sorted(set_aside.items()) if reason in REASONS]
    schema = {"reason": pl.String, "rows": pl.Int64, "first": pl.UInt32}
    return pl.DataFrame(counts, schema, orient="row")


def reasons(counts: pl.DataFrame) -> str:
    """Return in words how many rows there are for each reason, and where the first is."""
    return ", ".join(
        f"{rows:,} {reason}" + (f", first in row {first}" if first is not None else "")
        for reason, rows, first in counts.iter_rows()
    )


def quarantine(rejected: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Return the rejected rows with their content as JSON: table, row, reason, content."""
    parts = [pl.DataFrame(schema={**SCHEMA, "content": pl.String})]
    for name, each in inputs.tables.items():
        rows = rejected.filter(pl.col("table") == name)
        content = each.read.frame[rows["row"]].select(
            pl.struct(pl.all()).struct.json_encode().alias("content")
        )
        parts.append(rows.cast(SCHEMA).hstack(content))
    return pl.concat(parts)
