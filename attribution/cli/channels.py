"""The verb channels: source, medium and campaign of raw web events become channels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import deliver, say, show_table, show_warnings, write
from attribution.grouping import channels_of
from attribution.tables import Reading, check_target
from attribution.tables.files import FORMULA


def channels(
    events: str,
    /,
    *,
    columns: Annotated[
        str | None,
        Parameter(help="Columns of the events table, as source=THEIRS,medium=...,campaign=...,url=..."),
    ] = None,
    rules: Annotated[
        str | None, Parameter(help="TOML file of rules (the default channel group without it).")
    ] = None,
    sites: Annotated[
        str | None, Parameter(help="TOML file of search, shopping, social and video sites.")
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Give every row of raw web events its channel; count the rows of each.

    Parameters
    ----------
    events
        Table of source, medium and campaign, or of url, and whatever else: it is written as it was, but for
        a column channel, which is replaced.
    """
    if out is not None:
        check_target(out, [events, *(path for path in (rules, sites) if path is not None)])
    found = channels_of(
        events,
        rules=rules,
        sites=sites,
        columns=options.mapping(columns, "--columns"),
        reading=Reading(**options.given(reading, Reading)),
    )
    if out is not None:
        write(found.table(), out, force)
        say_escaped(found.table(), out)
    counts = found.counts
    total = pl.DataFrame({"channel": ["(total)"], "rows": [counts["rows"].sum()]}, schema=counts.schema)
    table = pl.concat([counts, total])
    deliver(counts, None, json, force, lambda: show_table("rows", table.columns, table.iter_rows()))
    say(f"rules: {found.rules}; sites: {found.sites}")
    show_warnings(found.warnings)


def say_escaped(table: pl.DataFrame, out: Path) -> None:
    """Say how many cells of a file for spreadsheets are escaped: an id that is joins no other table."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    cells = sum(int(table[name].str.contains(FORMULA).sum()) for name in texts)
    if cells and out.suffix in (".csv", ".xlsx"):
        show_warnings(
            [f"{out}: {cells:,} cells begin as a formula does and have a ' before them; .parquet keeps them"]
        )
