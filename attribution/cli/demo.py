"""The verb demo: the job of the sample data that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from attribution import sample
from attribution.cli import options
from attribution.cli.log import lines
from attribution.cli.plans import show_allocation
from attribution.cli.progress import compiling
from attribution.cli.show import say, show_kpis, show_side_by_side, show_warnings
from attribution.errors import MissingExtraError
from attribution.manifest import PAGE
from attribution.report.writing import write_report
from attribution.tables import unescaped


def demo(
    *,
    out: Annotated[Path, Parameter(help="Folder to write every table to.")] = Path("attribution-demo"),
    force: options.Force = False,
) -> None:
    """Run everything on the sample: touchpoints, leads and spend of a B2B company, made by a simulator."""
    from attribution.job import load_job, run

    job = load_job(sample.folder() / "job.toml")
    compiling()
    ran = run(job, sample.folder(), out=out, force=force, tell=lines("text"))
    show_side_by_side(pl.read_csv(out / "credits.csv"), ["leads"])
    show_kpis(pl.read_csv(out / "kpis.csv"))
    assert job.budget is not None
    assert job.budget.models is not None
    whole = f"--complete-from {job.budget.complete_from} --complete-before {job.budget.complete_before}"
    plan = pl.read_csv(out / job.budget.file).with_columns(unescaped(pl.col(pl.String)))
    show_allocation(plan)
    show_warnings(ran.manifest.content["warnings"])
    say(f"{'wrote' if ran.changed else 'unchanged:'} {out} (run {ran.run_id}, told in manifest.json)")
    try:
        write_report(out, out / PAGE, force=True)
        say(f"open  {out / PAGE}: the same in pictures, one page without a server")
    except MissingExtraError as error:
        say(f"no page: {error}")
    say(f"next: attribution attribute --journeys {out / 'journeys.parquet'} --model markov:order=2")
    say(f"      attribution funnel {out / 'credit_log.parquet'} --by channel,month")
    tables = f"{out / 'credit_log.parquet'} --spend {sample.folder() / 'spend.parquet'}"
    say(f"      attribution reallocate {tables} --model {job.budget.models[0]} {whole} --budget 9000")
