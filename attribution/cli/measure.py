"""The verb measure: credits and spend become KPIs by model and channel."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import say, show_json, show_kpis, show_warnings, write
from attribution.kpis import measure as measure_credits
from attribution.tables import Reading, check_target


def measure(
    credits: str,
    /,
    *,
    spend: Annotated[str, Parameter(help="Table of channel and spend, by day or in sum.")],
    spend_columns: Annotated[
        str | None, Parameter(help="Columns of the spend table, as OURS=THEIRS,...")
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Divide spend by credits: cost per lead, win rate, cost per win, return on spend.

    Parameters
    ----------
    credits
        Credits table, as attribute writes it.
    """
    if out is not None:
        check_target(out, (credits, spend))
    measured = measure_credits(
        credits,
        spend,
        columns=options.mapping(spend_columns, "--spend-columns"),
        reading=Reading(**options.given(reading, Reading)),
    )
    if out is not None:
        write(measured.table(), out, force)
    if json:
        show_json(measured.table())
    elif out is None:
        show_kpis(measured.table())
    aside = measured.spend_rows.set_aside
    for reason, count in aside.items():
        say(f"spend: {count:,} rows set aside: {reason}")
    show_warnings(measured.warnings)
