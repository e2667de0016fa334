"""The closed loop of a job: funnels, velocity, values and trends, made of its credit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from attribution.credit_log import CreditLog
from attribution.job.inputs import Inputs
from attribution.job.loop_sections import Funnel, Trend, Velocity
from attribution.job.sections import Job
from attribution.kpis import customer_value, funnel, measure, stage_entries, trend, velocity
from attribution.stitching.end_of_data import instant_of


def loop_tables(
    job: Job, inputs: Inputs, log_of: Callable[[Sequence[str] | None], CreditLog]
) -> Iterator[tuple[str, pl.DataFrame, tuple[str, ...]]]:
    """Yield each table of the closed loop that the job names: its file, rows and warnings."""
    for counted in job.funnels:
        yield counted.file, *funnel_of(counted, log_of(counted.models))
    for timed in job.velocities:
        yield timed.file, *velocity_of(timed, log_of(timed.models))
    money = spend_of(job, inputs)
    for each in job.values:
        terms = each.model_dump(exclude={"file", "by", "models"})
        value = customer_value(log_of(each.models), by=each.by, reading=inputs.reading, **terms, **money)
        yield each.file, value.table(), value.warnings
    for compared in job.trends:
        log = log_of(compared.models)
        yield compared.file, *trend_of(compared, log, money | lag_of(job, inputs), inputs)


def funnel_of(section: Funnel, log: CreditLog) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the table of a funnel."""
    if section.entries is not None:
        made = stage_entries(log, section.entries, by=section.by, stages=section.stages)
    else:
        made = funnel(log, by=section.by, stages=section.stages, value=section.value)
    return made.table(), made.warnings


def velocity_of(section: Velocity, log: CreditLog) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the table of the velocity."""
    until = None if section.until is None else instant_of(str(section.until))
    made = velocity(log, by=section.by, stages=section.stages, until=until, naive=section.naive)
    return made.table(), made.warnings


def trend_of(
    section: Trend, log: CreditLog, money: Mapping[str, Any], inputs: Inputs
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return a table of trends."""
    others = [name for name in section.by if name != section.period]
    measured = measure(log, by=[*others, section.period], reading=inputs.reading, **money)
    asked = section.model_dump(exclude={"file", "by", "models", "table", "period"})
    return trend(measured, section.table, **asked), measured.warnings


def spend_of(job: Job, inputs: Inputs) -> dict[str, Any]:
    """Return the spend table and how it is to be read, nothing where there is none."""
    if job.spend is None:
        return {}
    spend, rates = inputs.tables["spend"], inputs.tables.get("rates")
    return {
        "spend": spend.read,
        "columns": spend.columns,
        "repeated_spend": job.spend.repeated,
        "rates": None if rates is None else rates.ours,
    }


def lag_of(job: Job, inputs: Inputs) -> dict[str, Any]:
    """Return by how much the spend is shifted, and the touchpoints that costs may follow."""
    if job.spend is None:
        return {}
    touched = inputs.tables.get("touchpoints", inputs.tables.get("events"))
    return {"spend_lag_days": job.spend.lag_days, "touchpoints": None if touched is None else touched.ours}
