"""The verb export: what a run has published, as the tables that a BI tool loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import say
from attribution.report.published import Published
from attribution.report.star.files import check_place, write_tables
from attribution.report.star.schema import STAR
from attribution.report.star.tables import star_of


def export(
    folder: Annotated[Path, Parameter(name="RUN")],
    /,
    *,
    star: Annotated[
        Path, Parameter(help="Where to write: a folder, with a file a table, or a workbook (.xlsx).")
    ],
    format: Annotated[
        Literal["parquet", "csv"] | None, Parameter(help="Files of the folder. Without it: parquet.")
    ] = None,
    force: options.Force = False,
) -> None:
    """Write a run as facts and dimensions, which join by model, channel and date.

    Parameters
    ----------
    folder
        Folder of a run, as attribution run and attribution demo write it.
    """
    run = Published.read(folder)
    check_place(star, run.folder, format)
    made = star_of(run)
    changed = write_tables(made.tables, star, run.run_id, format, force)
    for each in STAR:
        if each.name in made.tables:
            say(f"{each.name}: {len(made.tables[each.name]):,} rows, {each.grain}")
        if each.name in made.notes:
            say(f"{each.name}: {'' if each.name in made.tables else 'left out, '}{made.notes[each.name]}")
    say(f"{'wrote' if changed else 'unchanged:'} {star}")
