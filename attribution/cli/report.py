"""The verb report: what a run has published, as one page to look at, or as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import say
from attribution.manifest import PAGE
from attribution.report.writing import write_charts, write_report


def report(
    run: Path,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help=f"The page (RUN/{PAGE} without it), or the folder of the pictures (RUN-charts)."),
    ] = None,
    form: Annotated[
        Literal["html", "svg", "png"],
        Parameter(name="--format", help="One page, or each chart as a picture."),
    ] = "html",
    force: options.Force = False,
) -> None:
    """Write what a run has found as one offline page, readable without a server, or as pictures.

    Parameters
    ----------
    run
        Folder of a run, as attribution run and attribution demo write it.
    """
    if form == "html":
        page = out or run / PAGE
        changed = write_report(run, page, force=force)
        say(f"{'wrote' if changed else 'unchanged:'} {page} ({page.stat().st_size / 1e6:.1f} MB)")
        return
    place = run.resolve()
    files = write_charts(run, out or place.with_name(f"{place.name}-charts"), form, force=force)
    say(f"wrote {len(files)} charts: {files[0].parent}")
