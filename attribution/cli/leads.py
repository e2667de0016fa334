"""Leads: from which log, or table of leads, the verbs of the closed loop read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import show_report
from attribution.credit_log import CreditLog
from attribution.errors import ParameterError
from attribution.kpis import lead_log
from attribution.kpis.logged import open_log
from attribution.stitched import FOLDS
from attribution.tables import Reading

By = Annotated[
    str | None,
    Parameter(help="Dimensions: channel,month,owner,... Without it: channel of a log, month of leads alone."),
]
Stages = Annotated[
    str | None,
    Parameter(help="Stages in order, as NAME=COLUMN,...: demos=demo_at (mql_at, sql_at, ... without)."),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LeadOptions:
    """How a table of leads is read, which is no credit log."""

    outcomes_columns: Annotated[
        str | None, Parameter(help="Columns of a table of leads, as OURS=THEIRS,...")
    ] = None
    outcome_names: Annotated[
        str | None, Parameter(help="Numeric columns of a table of leads, leads first: leads,wins,...")
    ] = None
    as_of: Annotated[str | None, Parameter(help="End of the data (ISO 8601); later rows are set aside.")] = (
        None
    )
    repeated_outcomes: Annotated[
        str, Parameter(help="Rows of one outcome_id that differ: an error, or the latest counts.")
    ] = "error"
    folds: Annotated[
        int,
        Parameter(help="Into how many folds customers, or accounts, are dealt: intervals draw from them."),
    ] = FOLDS
    intervals: options.Intervals = None


def leads_from(
    source: str,
    by: str | None,
    leads: LeadOptions | None,
    draws: options.DrawOptions | None,
    reading: options.ReadingOptions,
    period: str = "month",
) -> tuple[str | CreditLog, list[str]]:
    """Return the credit log that the source is, or becomes, and the dimensions."""
    names, how = options.names_of(by), leads or LeadOptions()
    if open_log(source) is not None:
        if how != LeadOptions() or (draws or options.DrawOptions()) != options.DrawOptions():
            raise ParameterError(
                f"{source} is a credit log, which has its leads, columns and intervals: --outcomes-columns, "
                "--outcome-names, --as-of, --repeated-outcomes, --folds, --intervals, --replicates, --seed "
                "are for a table of leads; give them to attribute, which writes the log"
            )
        return source, names or ["channel"]
    log = lead_log(
        source,
        as_of=how.as_of,
        columns=options.mapping(how.outcomes_columns, "--outcomes-columns"),
        outcome_names=options.names_of(how.outcome_names),
        repeated_outcomes=how.repeated_outcomes,
        folds=how.folds,
        reading=Reading(**options.given(reading, Reading)),
        **(draws or options.DrawOptions()).given(how.intervals),
    )
    return log, names or [period]


def show_leads(log: str | CreditLog) -> None:
    """Say what leads alone hold, on standard error."""
    if isinstance(log, CreditLog):
        report = log.journeys.report
        notes = {name: report.notes[name] for name in ("customers", "negative_delay") if name in report.notes}
        tables = {"leads": report.tables["outcomes"]}
        show_report(replace(report, tables=tables, unattributed={}, notes=notes))
