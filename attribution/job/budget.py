"""The budget of a job: the plan, and the curves behind it, made of its credit log and its spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import polars as pl

from attribution.budget import backtest_response, reallocate
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
        for name, table in planned(job.budget, measured):
            yield name, table, measured.warnings


def planned(section: Budget, measured: Measured) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the file and the rows of the plan, and of what it rests on."""
    how = section.curves()
    plan = reallocate(measured, section.scenario(), hold_unsure=section.hold_unsure, **how)
    yield section.file, plan.table()
    response = plan.planning.response
    if section.response is not None:
        yield section.response, response.table()
    if section.curve is not None:
        yield section.curve, response.curve()
    if section.backtest is not None:
        yield section.backtest, backtest_response(measured, periods=section.backtest_periods, **how)


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
