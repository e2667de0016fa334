"""The verb reallocate: the spend by channel that brings the most, and the curves that say so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import polars as pl
from cyclopts import Parameter

from attribution.budget import Scenario, backtest_response, response_curves
from attribution.budget import reallocate as plan_for
from attribution.cli import options
from attribution.cli.plans import show_allocation, show_estimates, told_of
from attribution.cli.scenario import ScenarioOptions
from attribution.cli.show import deliver, say, show_warnings
from attribution.errors import ParameterError
from attribution.kpis import Measured, measure
from attribution.tables import Reading, check_target

Tables = Literal["allocation", "response", "curve", "backtest"]
Period = Literal["day", "week", "month", "quarter", "year"]


def reallocate(
    log: str,
    /,
    *,
    asked: ScenarioOptions | None = None,
    money: options.SpendOptions | None = None,
    spend_lag_days: Annotated[
        float, Parameter(help="Days from the spend to the leads it counts for, by period.")
    ] = 0.0,
    table: Annotated[
        Tables,
        Parameter(
            help="The plan, or what it rests on and no scenario changes: the curves, their points, a test."
        ),
    ] = "allocation",
    period: Annotated[Period, Parameter(help="Length of a period: budget and bounds are money a period.")] = (
        "week"
    ),
    model: Annotated[
        str | None, Parameter(help="Model of the log whose credits are planned by; the first without it.")
    ] = None,
    outcome: Annotated[str | None, Parameter(help="What is to be most; the first without it.")] = None,
    half_life: Annotated[
        float | None, Parameter(help="Days in which what spend brings halves; fitted without it.")
    ] = None,
    complete_from: Annotated[
        date | None, Parameter(help="Periods that begin before this day are not complete: left out.")
    ] = None,
    complete_before: Annotated[
        date | None, Parameter(help="Periods that begin on this day or later are not complete: left out.")
    ] = None,
    move_unsure: Annotated[
        bool, Parameter(help="Move channels also where the gain cannot be told from zero.", negative="")
    ] = False,
    backtest_periods: Annotated[int, Parameter(help="Last periods that are foretold (backtest).")] = 4,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Move the budget to where it brings most: spend by channel for --budget, or at --target-cost.

    Parameters
    ----------
    log
        Credit log in Parquet, as attribute writes it.
    """
    spend = money or options.SpendOptions()
    scenario = (asked or ScenarioOptions()).scenario() if table == "allocation" else None
    if spend.spend is None:
        raise ParameterError(
            "got no --spend, expected a table of channel, date and spend: curves are of outcomes by spend"
        )
    if out is not None:
        check_target(out, (log, *spend.files))
    measured = measure(
        log,
        by=["channel", period],
        spend_lag_days=spend_lag_days,
        reading=Reading(**options.given(reading, Reading)),
        **spend.given(),
    )
    curves: dict[str, Any] = {
        "model": model,
        "outcome": outcome,
        "half_life": half_life,
        "complete_from": complete_from,
        "complete_before": complete_before,
    }
    found, warnings = made(measured, scenario, table, curves, not move_unsure, backtest_periods)
    if scenario is None:
        deliver(found, out, json, force, lambda: show_estimates(found, told_of(table, period)))
    else:
        deliver(found, out, json, force, lambda: show_allocation(found))
    for reason, count in measured.spend_rows.set_aside.items():
        say(f"spend: {count:,} rows set aside: {reason}")
    show_warnings((*measured.warnings, *warnings))


def made(
    measured: Measured,
    scenario: Scenario | None,
    table: Tables,
    curves: Mapping[str, Any],
    hold_unsure: bool,
    backtest_periods: int,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the table that is asked for, and warnings; a scenario asks for the plan."""
    if scenario is not None:
        plan = plan_for(measured, scenario, hold_unsure=hold_unsure, **curves)
        return plan.table(), plan.warnings
    if table == "backtest":
        return backtest_response(measured, periods=backtest_periods, **curves), ()
    response = response_curves(measured, **curves)
    return response.table() if table == "response" else response.curve(), response.past.warnings
