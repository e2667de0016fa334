"""The gate of a job: how many rows may be set aside, and for which reasons none."""

from __future__ import annotations

import polars as pl

from attribution.errors import GateError
from attribution.job.inputs import Inputs
from attribution.job.sections import Job

REPEATS = ("duplicate", "superseded")  # such rows say again what another says: nothing is wrong with them
SCHEMA = pl.Schema({"table": pl.String, "row": pl.UInt32, "reason": pl.String})


def check_gate(job: Job, inputs: Inputs, rejected: pl.DataFrame) -> None:
    """Raise GateError if too large a share of a table was rejected, or a row for a reason in fail_on."""
    failures = []
    for name, each in inputs.tables.items():
        rows = rejected.filter(pl.col("table") == name)
        bad = rows.filter(~pl.col("reason").is_in(REPEATS))
        if len(bad) > job.gate.max_rejected * len(each.read.frame):
            failures.append(
                f"{each.read.where}: {len(bad):,} of {len(each.read.frame):,} rows set aside "
                f"({reasons(bad)}), expected at most {job.gate.max_rejected:.4%} (gate.max_rejected)"
            )
        forbidden = rows.filter(pl.col("reason").is_in(job.gate.fail_on))
        if len(forbidden):
            failures.append(
                f"{each.read.where}: {len(forbidden):,} rows set aside ({reasons(forbidden)}), expected none "
                "for a reason in gate.fail_on"
            )
    if failures:
        remedy = (
            "what to do: see them with: attribution check JOB --rejected rejected.parquet; mend the source"
        )
        raise GateError("\n".join([*failures, remedy + ", or allow more"]))


def reasons(rows: pl.DataFrame) -> str:
    """Return how many rows there are for each reason, and the first of them."""
    counts = rows.group_by("reason").agg(pl.len(), pl.col("row").min()).sort("reason")
    return ", ".join(f"{count:,} {reason}, first in row {row}" for reason, count, row in counts.iter_rows())


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
