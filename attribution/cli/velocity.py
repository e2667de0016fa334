"""The verb velocity: how soon leads are won, and reach each stage, with open leads censored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.leads import By, LeadOptions, Stages, leads_from, show_leads
from attribution.cli.show import deliver, say, show_figures, show_warnings
from attribution.kpis import velocity as velocity_of
from attribution.stitching.end_of_data import instant_of
from attribution.tables import check_target

SHOWN = (
    *("leads", "reached", "competing", "left_out", "within_30_days", "within_90_days", "within_365_days"),
    *("median_days", "median_days_of_reached"),
)
Until = Annotated[
    str | None,
    Parameter(
        help="End of observation (ISO 8601): who is open then is censored. Without it: the latest time."
    ),
]


def velocity(
    leads: str,
    /,
    *,
    by: By = None,
    stages: Stages = None,
    until: Until = None,
    naive: Annotated[
        bool, Parameter(help="Show the mean days of the won alone beside it (too short).", negative="")
    ] = False,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    how: LeadOptions | None = None,
    draws: options.DrawOptions | None = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Tell how soon leads are won: P(won within 30, 60, 90, 180, 365 days) and quartiles, stage by stage.

    Parameters
    ----------
    leads
        Credit log in Parquet, as attribute writes it, or a table of leads with their own columns.
    """
    if out is not None:
        check_target(out, (leads,))
    log, dimensions = leads_from(leads, by, how, draws, reading)
    end: datetime | None = None if until is None else instant_of(until)
    steps = options.mapping(stages, "--stages") or None
    made = velocity_of(log, by=dimensions, stages=steps, until=end, naive=naive)
    table = made.table()
    step = pl.concat_str("from_stage", "to_stage", separator=" to ").alias("step")
    names = [*SHOWN, *(["mean_days_naive"] if naive else [])]
    shown = table.with_columns(step)
    deliver(table, out, json, force, lambda: show_figures(shown, [*dimensions, "step"], names))
    for method, end in table.select("method", "observed_until").unique().drop_nulls().iter_rows():
        say(f"{method}, observed until {end:%Y-%m-%d %H:%M:%S} UTC")
    show_leads(log)
    show_warnings(made.warnings)
