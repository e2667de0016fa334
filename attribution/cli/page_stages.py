"""The verb page-stages: who viewed pages, as a table of leads whose stages are pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.activity import show_counts
from attribution.cli.show import say, show_warnings
from attribution.kpis import page_stages as stages_of
from attribution.tables import Reading, check_target, write_table


def page_stages(
    pages: str,
    /,
    *,
    stages: Annotated[
        str, Parameter(help="Pages in their order, as NAME=PAGE,...: carts=/cart,orders=/thanks.")
    ],
    out: Annotated[Path, Parameter(help="File to write: .parquet, .csv, .json or .xlsx.")],
    pages_columns: Annotated[
        str | None, Parameter(help="Columns of the pages table, as OURS=THEIRS,...")
    ] = None,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Write who viewed pages as leads, with the first view of each named page as a stage time, NAME_at.

    Parameters
    ----------
    pages
        Table of page views: timestamp, page, customer_id.
    """
    check_target(out, (pages,))
    named = options.mapping(stages, "--stages")
    columns = options.mapping(pages_columns, "--pages-columns")
    made = stages_of(pages, named, columns=columns, reading=Reading(**options.given(reading, Reading)))
    write_table(made.table(), out, force=force)
    show_counts({"pages": made.rows})
    show_warnings(made.warnings)
    say(f"wrote {out}: {len(made.table()):,} customers")
    told = ",".join(f"{name}={name}_at" for name in named)
    say(f"next: attribution funnel {out} --stages {told} --by landing_page")
