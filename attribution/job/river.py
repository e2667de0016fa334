"""The river of a job: its tables become the outputs that it names, and what the manifest tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import polars as pl

from attribution.credit_log import POINTERS, CreditLog, credit_log
from attribution.credits import Result
from attribution.engine import attribute, defaults
from attribution.errors import ParameterError
from attribution.job.budget import budget_tables
from attribution.job.inputs import Inputs
from attribution.job.late import Published, with_published
from attribution.job.loop import lag_of, loop_tables, spend_of
from attribution.job.loop_sections import Funnel, Velocity
from attribution.job.patterns import pattern_tables
from attribution.job.sections import Job
from attribution.job.web import engagement_tables
from attribution.kpis import Activity, Measured, measure
from attribution.kpis.stages import name_of
from attribution.learned import Statistics
from attribution.models import described
from attribution.stitched import Stitched, StitchReport


class Output(NamedTuple):
    """A file to be written: its parts, and what it says of itself."""

    name: str
    parts: Iterable[pl.DataFrame]
    about: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Flow:
    """What came out of the river: outputs to be written, and the counts behind them."""

    models: Mapping[str, Mapping[str, Any]]  # by name, with their parameters
    result: Result
    report: StitchReport
    outputs: Sequence[Output]
    warnings: tuple[str, ...]
    kept_before: Mapping[str, str]  # breakdowns: periods before this day are as they were published


def flow(
    job: Job,
    inputs: Inputs,
    stitched: Stitched | Statistics,
    web: Sequence[Activity],
    rejected: pl.DataFrame,
    published: Published,
    threads: int | None,
) -> Flow:
    """Return everything that the job names, made but for the parts of the credit log."""
    models = job.built() or (stitched.models if isinstance(stitched, Statistics) else defaults(stitched))
    drawn = job.intervals.arguments() if job.intervals is not None else {}
    result = attribute(stitched, *models, **drawn, threads=threads)
    chosen = {name: described(model) for name, model in zip(result, models, strict=True)}
    report, warnings, kept = result.report, result.warnings, dict[str, str]()
    tables: dict[str | None, pl.DataFrame] = {job.outputs.credits: result.table()}
    report = report + StitchReport({name: rows for each in web for name, rows in each.tables.items()})
    if job.spend is not None:
        measured = measured_by(job, inputs, result, ["channel"], web)
        report = report + StitchReport({"spend": measured.spend_rows})
        warnings = (*warnings, *measured.warnings)
        tables[job.outputs.kpis] = measured.table()
    for each in job.breakdowns:
        measured = measured_by(job, inputs, logged(journeys_of(stitched), result, each.models), each.by, web)
        late = with_published(job, each, measured, chosen, published)
        tables[each.file], warnings = late.table, (*warnings, *late.warnings)
        kept |= {each.file: late.kept_before.isoformat()} if late.kept_before is not None else {}

    def log_of(names: Sequence[str] | None) -> CreditLog:
        return logged(journeys_of(stitched), result, names)

    for name, table, told in chain(
        loop_tables(job, inputs, log_of),
        engagement_tables(job, inputs, web),
        budget_tables(job, inputs, log_of),
        pattern_tables(job, inputs, result, lambda: journeys_of(stitched)),
    ):
        tables[name], warnings = table, (*warnings, *told)
    tables |= {job.outputs.report: report.table(), job.outputs.rejected: rejected}
    if job.outputs.journeys:
        tables[job.outputs.journeys] = journeys_of(stitched).table()
    outputs = [Output(name, [table], {"table": name}) for name, table in tables.items() if name]
    if job.outputs.log:
        log = logged(journeys_of(stitched), result)
        outputs.append(Output(job.outputs.log, log_parts(log, job.outputs.log_columns), log.about))
    return Flow(chosen, result, report, outputs, tuple(dict.fromkeys(warnings)), kept)


def journeys_of(stitched: Stitched | Statistics) -> Stitched:
    """Return the journeys, which a job with [spark] does not have, and is refused what needs them."""
    assert isinstance(stitched, Stitched)
    return stitched


def check_dimensions(job: Job, stitched: Stitched | Statistics) -> None:
    """Raise ParameterError, with the key, unless every dimension that the job names is there."""
    if isinstance(stitched, Statistics):
        return
    log = CreditLog(stitched, {})
    keys = {"outputs.log_columns": job.outputs.log_columns} | {
        f"{name}[{place}].by": each.by
        for name in ("breakdowns", "funnels", "velocities", "values", "trends")
        for place, each in enumerate(getattr(job, name))
    }
    columns = {f"funnels[{place}].value": [each.value] for place, each in enumerate(job.funnels)}
    columns |= {f"values[{place}].score": [each.score] for place, each in enumerate(job.values)}
    staged: dict[str, Sequence[Funnel | Velocity]] = {"funnels": job.funnels, "velocities": job.velocities}
    columns |= {
        f"{name}[{place}].stages": [*(each.stages or {}).values()]
        for name, sections in staged.items()
        for place, each in enumerate(sections)
    }
    for key, names in (keys | columns).items():
        try:
            if key in keys:
                log.find(*names)
            elif lacking := [name for name in names if name and name_of(name, log.outcome_columns) is None]:
                raise ParameterError.unknown("column of the leads", lacking[0], log.outcome_columns)
        except ParameterError as error:
            raise ParameterError(f"key {key}: {error}") from None


def measured_by(
    job: Job, inputs: Inputs, credits: Result | CreditLog, by: Sequence[str], web: Sequence[Activity]
) -> Measured:
    """Return the KPIs by some dimensions, and what was counted before the lead beside them."""
    money = spend_of(job, inputs) | lag_of(job, inputs)
    return measure(credits, by=by, reading=inputs.reading, activity=web, **money)


def logged(stitched: Stitched, result: Result, models: Sequence[str] | None = None) -> CreditLog:
    """Return the log of the named models, or of all that share journeys: who shares totals has none."""
    names = models or [name for name in result if result[name].by_journey]
    if not names:
        raise ParameterError(
            'no model shares journeys, so there is no credit log and no breakdown: give one share="journey"'
        )
    return credit_log(stitched, Result({name: result[name] for name in names}))


def log_parts(log: CreditLog, columns: Sequence[str]) -> Iterable[pl.DataFrame]:
    """Yield the log without row numbers, which the order of the input's rows would change."""
    numbers = [number for number, _ in POINTERS.values()]
    return (part.drop(numbers) for part in log.frames(*dict.fromkeys([*columns, *log.stages])))


def conservation(result: Result) -> list[Mapping[str, Any]]:
    """Return, per model and outcome, what was credited, what was not, and what there was."""
    totals = [] if result.sums is None else result.sums.tolist()
    return [
        {
            "model": name,
            "outcome": outcome,
            "credited": float(each.values[:, i].sum()),
            "unattributed": float(each.unattributed[i]),
            "outcomes_in": total,
        }
        for name, each in result.items()
        for i, (outcome, total) in enumerate(zip(each.outcome_names, totals, strict=True))
    ]
