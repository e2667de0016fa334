"""The verb attribute: journeys, from whatever they come, become credits by model and channel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.progress import compiling, progress
from attribution.cli.show import deliver, say, show_report, show_side_by_side, show_warnings
from attribution.cli.sources import SourceOptions, Sources
from attribution.credit_log import credit_log
from attribution.credits import Result
from attribution.engine import attribute as attribute_journeys
from attribution.errors import ParameterError
from attribution.learned import Statistics
from attribution.models import parse_model
from attribution.stitched import Stitched, StitchReport
from attribution.tables import STREAMED, SUFFIXES


def attribute(
    touchpoints: str | None = None,
    outcomes: str | None = None,
    /,
    *,
    model: options.Models = None,
    out: options.Out = None,
    log: Annotated[
        Path | None,
        Parameter(help="Credit log to write, a row a touchpoint of a converting journey: .parquet or .csv."),
    ] = None,
    log_columns: Annotated[
        str | None, Parameter(help="Further columns of the log: campaign,owner,week,...")
    ] = None,
    save: Annotated[
        Path | None,
        Parameter(help="File of statistics to write (.parquet): those of disjoint customers add up."),
    ] = None,
    intervals: options.Intervals = None,
    draws: options.DrawOptions | None = None,
    json: options.Json = False,
    force: options.Force = False,
    threads: options.Threads = None,
    how: options.StitchOptions | None = None,
    others: SourceOptions | None = None,
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Share every outcome among the channels that led to it, by each model, side by side.

    Journeys come from TOUCHPOINTS and OUTCOMES, or from --events, --journeys or --paths, or what was kept
    of them from --statistics. Without
    --model: every rule with its defaults, and Markov of order 1 up to 2,000 channels.

    Parameters
    ----------
    touchpoints
        Table of customer_id, timestamp, channel: a Parquet, CSV or NDJSON file, or a glob.
    outcomes
        Table of customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    sources = Sources.of(touchpoints, outcomes, others, how, window, reading)
    sources.check_targets([(out, SUFFIXES), (log, STREAMED), (save, (".parquet",))])
    chosen = [parse_model(text) for text in model or ()]
    drawn = (draws or options.DrawOptions()).given(intervals)
    compiling()
    journeys, more = sources.observable()
    if log is not None and isinstance(journeys, Statistics):
        raise ParameterError("--log: statistics hold no journeys; name the tables, or leave the log out")
    result = credited(journeys, chosen, threads, drawn)
    if log is not None:
        assert isinstance(journeys, Stitched)
        names = options.names_of(log_columns) or ()
        wrote(log, credit_log(journeys, result).write(log, *names, force=force))
    if save is not None:
        wrote(save, result.save(save, force))
    show(result, more, out, json, force)


def credited(
    journeys: Stitched | Statistics,
    models: list[Any],
    threads: int | None,
    drawn: dict[str, Any] | None = None,
) -> Result:
    """Return the credits, with a bar on a terminal."""
    with progress("attributing") as tick:
        return attribute_journeys(journeys, *models, **(drawn or {}), threads=threads, progress=tick)


def wrote(path: Path, changed: bool) -> None:
    """Say whether a file changed."""
    say(f"{'wrote' if changed else 'unchanged:'} {path}")


def show(result: Result, more: StitchReport, out: Any, json: bool, force: bool) -> None:
    """Write, print or draw the credits, then say what they were made from."""
    table = result.table()
    names = next(iter(result.values())).outcome_names
    deliver(table, out, json, force, lambda: show_side_by_side(table, names))
    show_report(more + result.report)
    show_warnings(result.warnings)
