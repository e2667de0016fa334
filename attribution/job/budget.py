"""The budget of a job: the plan, and the curves behind it, made of its credit log and its spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import polars as pl

from attribution.budget import Allocation, backtest_response, reallocate
from attribution.credit_log import CreditLog
from attribution.errors import ConvergenceError, ParameterError, TableError
from attribution.job.budget_section import Budget
from attribution.job.inputs import Inputs
from attribution.job.loop import lag_of, spend_of
from attribution.job.sections import Job
from attribution.kpis import Measured, measure


def budget_tables(
    job: Job, inputs: Inputs, log_of: Callable[[Sequence[str] | None], CreditLog]
) -> Iterator[tuple[str, pl.DataFrame, tuple[str, ...]]]:
    """Yield each table of the budget that the job names: its file, rows and warnings.

    Raises:
        ParameterError: the scenario, or a name, does not go with what was measured.
        ConvergenceError: there are too few periods, or the target is not reachable.
        TableError: spend is not known by period, or a credit is below zero.
    """
    if job.budget is None:
        return
    with naming_the_section():
        log, by = log_of(job.budget.models), ["channel", job.budget.period]
        money = spend_of(job, inputs) | lag_of(job, inputs)
        measured = measure(log, by=by, reading=inputs.reading, **money)
        plan = reallocate(
            measured, job.budget.scenario(), hold_unsure=job.budget.hold_unsure, **job.budget.curves()
        )
        for name, table in tables_of(job.budget, measured, plan):
            yield name, table, (*measured.warnings, *plan.warnings)


def tables_of(section: Budget, measured: Measured, plan: Allocation) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the file and the rows of the plan, and of what it rests on."""
    yield section.file, plan.table()
    response = plan.planning.response
    if section.response is not None:
        yield section.response, response.table()
    if section.curve is not None:
        yield section.curve, response.curve()
    if section.backtest is not None:
        periods = section.backtest_periods
        yield section.backtest, backtest_response(measured, periods=periods, **section.curves())


@contextmanager
def naming_the_section() -> Iterator[None]:
    """Put the section before the message of an error that arises in it."""
    try:
        yield
    except (ParameterError, ConvergenceError) as error:
        raise type(error)(f"[budget]: {error}") from None
    except TableError as error:
        faults = [replace(fault, where=f"[budget]: {fault.where}") for fault in error.faults]
        raise TableError(faults) from None
