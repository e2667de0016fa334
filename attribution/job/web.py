"""Before the lead in a job: its visits and pages as activity, and the tables of engagement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from attribution.errors import ParameterError
from attribution.job.inputs import Inputs
from attribution.job.loop import spend_of
from attribution.job.sections import Job
from attribution.kpis import Activity, engagement, web_log
from attribution.kpis.costs.clock import dated
from attribution.kpis.engagement.ads import SHOWN


def web_of(job: Job, inputs: Inputs) -> list[Activity]:
    """Return the visits and pages that a job names as activity, drawn as its intervals are."""
    visits, pages = (inputs.tables.get(name) for name in ("visits", "pages"))
    if visits is None and pages is None:
        return []
    drawn: dict[str, Any] = (
        {} if job.intervals is None else {**job.intervals.arguments(), "folds": job.intervals.folds}
    )
    idle: dict[str, Any] = {} if job.pages is None else {"idle_minutes": job.pages.idle_minutes}
    qualified = [each.qualified for each in (job.visits, job.pages) if each is not None and each.qualified]
    given = {name: each for name, each in (("visits", visits), ("pages", pages)) if each is not None}
    log = web_log(
        None if visits is None else visits.read,
        None if pages is None else pages.read,
        goals=[goal.built() for goal in job.goals],
        qualified=qualified[0] if qualified else None,
        as_of=None if job.as_of is None else str(job.as_of),
        columns={name: each.columns for name, each in given.items()},
        reading=inputs.reading,
        **drawn,
        **idle,
    )
    return [log]


def engagement_tables(
    job: Job, inputs: Inputs, web: Sequence[Activity]
) -> Iterator[tuple[str, pl.DataFrame, tuple[str, ...]]]:
    """Yield each table of engagement that the job names: its file, rows and warnings.

    Raises:
        ParameterError: nothing knows a dimension, with the key.
    """
    money = spend_of(job, inputs)
    for place, each in enumerate(job.engagements):
        try:
            made = engagement(*web, by=each.by, reading=inputs.reading, **money)
        except ParameterError as error:
            raise ParameterError(f"key engagements[{place}].by: {error}") from None
        yield each.file, made.table(), made.warnings


def check_engagements(job: Job, inputs: Inputs, web: Sequence[Activity]) -> None:
    """Raise ParameterError, with the key, where neither visits nor the spend table know a dimension."""
    spend = inputs.tables.get("spend")
    spent = set() if spend is None else {*spend.checked.frame.columns, *spend.read.columns}
    counts = spend is not None and any(spend.columns.get(name, name) in spent for name in SHOWN)
    for place, each in enumerate(job.engagements):
        if counts and all(name in spent or dated(name) for name in each.by):
            continue
        lacking = [why for why in (log.lacking(each.by) for log in web) if why]
        if len(lacking) == len(web):
            of_ads = f"ads are not known by {', '.join(each.by)}" if counts else ""
            told = "; ".join([*([of_ads] if of_ads else []), *lacking])
            told = told or "the spend table counts no impressions or clicks"
            raise ParameterError(f"key engagements[{place}].by: {told}")
