"""The verb attribute: journeys, from whatever they come, become credits by model and channel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import (
    compiling,
    progress,
    say,
    show_json,
    show_report,
    show_side_by_side,
    show_warnings,
    write,
)
from attribution.credit_log import credit_log
from attribution.credits import Result
from attribution.engine import attribute as attribute_journeys
from attribution.errors import ParameterError
from attribution.models import parse_model
from attribution.paths import from_paths
from attribution.stitched import Stitched, StitchReport
from attribution.stitching import from_journeys, split_events
from attribution.stitching import stitch as stitch_tables
from attribution.stitching.window import Window
from attribution.tables import STREAMED, SUFFIXES, Reading, check_target


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
    json: options.Json = False,
    force: options.Force = False,
    threads: options.Threads = None,
    how: options.StitchOptions | None = None,
    events: Annotated[str | None, Parameter(help="One table of touchpoints and conversions.")] = None,
    events_columns: Annotated[
        str | None, Parameter(help="Columns of the events table, as OURS=THEIRS,...")
    ] = None,
    flag: Annotated[
        str, Parameter(help="What conversion = 1 marks in --events: the row, or its whole journey.")
    ] = "row",
    journeys: Annotated[str | None, Parameter(help="A journeys table, as stitch writes it.")] = None,
    paths: Annotated[str | None, Parameter(help="A table of paths and their conversions.")] = None,
    path: Annotated[str, Parameter(help="Column of --paths with the path.")] = "path",
    conversions: Annotated[str, Parameter(help="Column of --paths with conversions.")] = "conversions",
    null: Annotated[str | None, Parameter(help="Column of --paths with null journeys.")] = None,
    value: Annotated[str | None, Parameter(help="Column of --paths with the conversions' value.")] = None,
    separator: Annotated[str, Parameter(help="What separates the channels of a path.")] = " > ",
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Share every outcome among the channels that led to it, by each model, side by side.

    Journeys come from TOUCHPOINTS and OUTCOMES, or from --events, --journeys or --paths. Without
    --model: every rule with its defaults, and Markov of order 1.

    Parameters
    ----------
    touchpoints
        Table of customer_id, timestamp, channel: a Parquet, CSV or NDJSON file, or a glob.
    outcomes
        Table of customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    sources = {"TOUCHPOINTS": touchpoints, "--events": events, "--journeys": journeys, "--paths": paths}
    source = only_one(sources)
    if (touchpoints is None) != (outcomes is None):
        raise ParameterError("TOUCHPOINTS needs OUTCOMES beside it: attribute TOUCHPOINTS OUTCOMES")
    for target, suffixes in ((out, SUFFIXES), (log, STREAMED)):
        if target is not None:
            check_target(target, filter(None, (*sources.values(), outcomes)), suffixes)
    chosen = [parse_model(text) for text in model or ()]
    read = Reading(**options.given(reading, Reading))
    arguments = (how or options.StitchOptions()).given()
    limits = options.given(window, Window)
    compiling()
    more = StitchReport()
    with progress("reading and stitching"):
        if source == "--paths":
            stitched = from_paths(
                paths,
                path=path,
                conversions=conversions,
                null=null,
                value=value,
                separator=options.tabs(separator),
                reading=read,
            )
        elif source == "--journeys":
            stitched = from_journeys(journeys, outcome_names=arguments["outcome_names"], reading=read)
        elif source == "--events":
            mapped = options.mapping(events_columns, "--events-columns")
            split = split_events(events, columns=mapped, flag=flag, reading=read)
            more = split.report
            arguments["columns"] = None
            stitched = stitch_tables(split.touchpoints, split.outcomes, **arguments, **limits, reading=read)
        else:
            stitched = stitch_tables(touchpoints, outcomes, **arguments, **limits, reading=read)
    result = credited(stitched, chosen, threads)
    if log is not None:
        names = options.names_of(log_columns) or ()
        changed = credit_log(stitched, result).write(log, *names, force=force)
        say(f"{'wrote' if changed else 'unchanged:'} {log}")
    show(result, more, out, json, force)


def only_one(sources: Mapping[str, str | None]) -> str:
    """Return the one source that is given."""
    given = [name for name, source in sources.items() if source is not None]
    if len(given) != 1:
        what = " and ".join(given) or "nothing to read"
        raise ParameterError(f"got {what}, expected one of {', '.join(sources)}")
    return given[0]


def credited(stitched: Stitched, models: list[Any], threads: int | None) -> Result:
    """Return the credits, with a bar on a terminal."""
    with progress("attributing") as tick:
        return attribute_journeys(stitched, *models, threads=threads, progress=tick)


def show(result: Result, more: StitchReport, out: Any, json: bool, force: bool) -> None:
    """Write, print or draw the credits, then say what they were made from."""
    table = result.table()
    if out is not None:
        write(table, out, force)
    if json:
        show_json(table)
    elif out is None:
        show_side_by_side(table, next(iter(result.values())).outcome_names)
    show_report(more + result.report)
    show_warnings(result.warnings)
