"""The verb value: what customers are worth by the cell that won them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.leads import By, LeadOptions, leads_from, show_leads
from attribution.cli.show import deliver, say, show_figures, show_warnings
from attribution.cli.velocity import Until
from attribution.kpis import Terms, customer_value
from attribution.stitching.end_of_data import instant_of
from attribution.tables import Reading, check_target

STATED = ("form", "margin", "horizon_months", "discount", "observed_until")


def value(
    leads: str,
    /,
    *,
    by: By = None,
    terms: options.TermOptions = None,
    score: Annotated[
        str | None, Parameter(help="Column of what each lead is expected to bring, in money.")
    ] = None,
    until: Until = None,
    money: options.SpendOptions | None = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    how: LeadOptions | None = None,
    draws: options.DrawOptions | None = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Tell what customers are worth: lifetime value, what it is to its cost, payback, expected value.

    Parameters
    ----------
    leads
        Credit log in Parquet, as attribute writes it, or a table of leads with their own columns.
    """
    spend = money or options.SpendOptions()
    if out is not None:
        check_target(out, (leads, *spend.files))
    log, dimensions = leads_from(leads, by, how, draws, reading)
    made = customer_value(
        log,
        by=dimensions,
        **options.given(terms, Terms),
        score=score,
        until=None if until is None else instant_of(until),
        reading=Reading(**options.given(reading, Reading)),
        **spend.given(),
    )
    table = made.table()
    shown = table.drop(STATED)
    deliver(table, out, json, force, lambda: show_figures(shown, dimensions))
    say(", ".join(f"{name.replace('_', ' ')} {table[name][0]}" for name in STATED))
    show_leads(log)
    show_warnings(made.warnings)
