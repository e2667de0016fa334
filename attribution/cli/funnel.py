"""The verb funnel: from leads to wins by cell, of a cohort, or what entered each stage in a period."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.leads import By, LeadOptions, Stages, leads_from, show_leads
from attribution.cli.show import deliver, show_figures, show_warnings
from attribution.kpis import funnel as funnel_of
from attribution.kpis import stage_entries
from attribution.tables import check_target


def funnel(
    leads: str,
    /,
    *,
    by: By = None,
    stages: Stages = None,
    entries: Annotated[
        Literal["day", "week", "month", "quarter", "year"] | None,
        Parameter(help="Count what entered each stage in a period, instead of what became of a cohort."),
    ] = None,
    value: Annotated[
        str | None, Parameter(help="Column of what an open opportunity is worth: pipeline.")
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    how: LeadOptions | None = None,
    draws: options.DrawOptions | None = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Count how far leads came: MQL, SQL, opportunity, won, lost, and the rates between stages.

    Parameters
    ----------
    leads
        Credit log in Parquet, as attribute writes it, or a table of leads with their own columns.
    """
    if out is not None:
        check_target(out, (leads,))
    log, dimensions = leads_from(leads, by, how, draws, reading)
    steps = options.mapping(stages, "--stages") or None
    made = (
        stage_entries(log, entries, by=dimensions, stages=steps)
        if entries
        else funnel_of(log, by=dimensions, stages=steps, value=value)
    )
    table = made.table()
    keys = [*dimensions, *([f"entered_{entries}"] if entries else [])]
    deliver(table, out, json, force, lambda: show_figures(table, keys))
    show_leads(log)
    show_warnings(made.warnings)
