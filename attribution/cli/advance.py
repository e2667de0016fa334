"""The verb advance: the rows of a later period are added to statistics that were kept."""

from __future__ import annotations

from pathlib import Path

from attribution.cli import options
from attribution.cli.attribute import show, wrote
from attribution.cli.progress import compiling
from attribution.engine import attribute
from attribution.increments import advance as advance_statistics
from attribution.learned import load_statistics
from attribution.models import parse_model
from attribution.stitched import StitchReport
from attribution.stitching.window import Window
from attribution.tables import SUFFIXES, Reading, check_target


def advance(
    state: Path,
    touchpoints: str,
    outcomes: str,
    /,
    *,
    model: options.Models = None,
    out: options.Out = None,
    intervals: options.Intervals = None,
    draws: options.DrawOptions | None = None,
    json: options.Json = False,
    force: options.Force = False,
    threads: options.Threads = None,
    tables: options.TableOptions | None = None,
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Add the rows since the last period to STATE, and share all outcomes so far, as one run would.

    STATE keeps what was learned, and the journeys that may go on. It is begun where there is none; settings
    have to stay as they were. It is replaced last, so what fails can be run again.

    Parameters
    ----------
    state
        File of statistics: .parquet.
    touchpoints
        Table of the new customer_id, timestamp, channel: a Parquet, CSV or NDJSON file, or a glob.
    outcomes
        Table of the new customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    check_target(state, (touchpoints, outcomes), (".parquet",))
    if out is not None:
        check_target(out, (touchpoints, outcomes, state), SUFFIXES)
    drawn = (draws or options.DrawOptions()).given(intervals)
    before = load_statistics(state) if state.exists() else None
    compiling()
    today = advance_statistics(
        before,
        touchpoints,
        outcomes,
        *map(parse_model, model or ()),
        **(tables or options.TableOptions()).given(),
        **options.given(window, Window),
        reading=Reading(**options.given(reading, Reading)),
        threads=threads,
    )
    show(attribute(today, **drawn), StitchReport(), out, json, force)
    wrote(state, today.save(state, force=True))
