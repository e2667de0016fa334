"""The verb measure: credits and spend become KPIs by model and channel."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.activity import ActivityOptions, show_counts
from attribution.cli.show import deliver, say, show_kpis, show_warnings
from attribution.kpis import measure as measure_credits
from attribution.tables import Reading, check_target


def measure(
    credits: str,
    /,
    *,
    money: options.SpendOptions | None = None,
    activity: ActivityOptions | None = None,
    by: Annotated[
        str, Parameter(help="Dimensions; of a credit log also periods and columns: channel,week,owner,...")
    ] = "channel",
    touchpoints: Annotated[
        str | None, Parameter(help="Table of touchpoints, where costs are shared by touchpoints.")
    ] = None,
    spend_lag_days: Annotated[
        float, Parameter(help="Days from the spend to the leads it counts for, by period.")
    ] = 0.0,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Divide spend by credits: cost per lead, win rate, cost per win, return on spend.

    Parameters
    ----------
    credits
        Credits table, or credit log in Parquet, as attribute writes them.
    """
    spend, what = money or options.SpendOptions(), activity or ActivityOptions()
    if out is not None:
        check_target(out, (credits, *spend.files, *what.files, *([touchpoints] if touchpoints else [])))
    dimensions = options.names_of(by) or []
    read_as = Reading(**options.given(reading, Reading))
    logs = what.logs(read_as)
    measured = measure_credits(
        credits,
        by=dimensions,
        **spend.given(),
        touchpoints=touchpoints,
        spend_lag_days=spend_lag_days,
        activity=logs,
        reading=read_as,
    )
    table = measured.table()
    deliver(table, out, json, force, lambda: show_kpis(table, dimensions))
    show_counts({name: count for log in logs for name, count in log.tables.items()})
    aside = measured.spend_rows.set_aside
    for reason, count in aside.items():
        say(f"spend: {count:,} rows set aside: {reason}")
    show_warnings(measured.warnings)
