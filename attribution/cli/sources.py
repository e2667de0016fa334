"""Sources: from which tables the verbs take their journeys, and how they become journeys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.progress import progress
from attribution.errors import ParameterError
from attribution.learned import Statistics, load_statistics
from attribution.paths import from_paths
from attribution.stitched import FOLDS, Progress, Stitched, StitchReport
from attribution.stitching import from_journeys, split_events
from attribution.stitching import stitch as stitch_tables
from attribution.stitching.window import Window
from attribution.tables import Reading, check_target


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What stands in the place of TOUCHPOINTS and OUTCOMES."""

    events: Annotated[str | None, Parameter(help="One table of touchpoints and conversions.")] = None
    events_columns: Annotated[
        str | None, Parameter(help="Columns of the events table, as OURS=THEIRS,...")
    ] = None
    flag: Annotated[
        str, Parameter(help="What conversion = 1 marks in --events: the row, or its whole journey.")
    ] = "row"
    journeys: Annotated[str | None, Parameter(help="A journeys table, as stitch writes it.")] = None
    statistics: Annotated[
        list[str] | None,
        Parameter(help="Statistics that attribute has saved; may be repeated: they add up.", negative=""),
    ] = None
    paths: Annotated[str | None, Parameter(help="A table of paths and their conversions.")] = None
    path: Annotated[str, Parameter(help="Column of --paths with the path.")] = "path"
    conversions: Annotated[str, Parameter(help="Column of --paths with conversions.")] = "conversions"
    null: Annotated[str | None, Parameter(help="Column of --paths with null journeys.")] = None
    value: Annotated[str | None, Parameter(help="Column of --paths with the conversions' value.")] = None
    separator: Annotated[str, Parameter(help="What separates the channels of a path.")] = " > "


@dataclass(frozen=True)
class Sources:
    """The tables that were named, one choice of them, with every option of how to read them."""

    touchpoints: str | None
    outcomes: str | None
    others: SourceOptions
    how: options.StitchOptions
    window: Mapping[str, object]
    reading: Reading

    @staticmethod
    def of(
        touchpoints: str | None,
        outcomes: str | None,
        others: SourceOptions | None,
        how: options.StitchOptions | None,
        window: options.WindowOptions,
        reading: options.ReadingOptions,
    ) -> Sources:
        """Return the sources; ParameterError unless they are one choice."""
        sources = Sources(
            touchpoints,
            outcomes,
            others or SourceOptions(),
            how or options.StitchOptions(),
            options.given(window, Window),
            Reading(**options.given(reading, Reading)),
        )
        only_one(sources.named)
        if (touchpoints is None) != (outcomes is None):
            raise ParameterError("TOUCHPOINTS needs OUTCOMES beside it: attribute TOUCHPOINTS OUTCOMES")
        return sources

    @property
    def named(self) -> dict[str, str | None]:
        """What was named, by the word for it on the command line."""
        others = {f"--{name}": getattr(self.others, name) for name in ("events", "journeys", "paths")}
        kept = " ".join(self.others.statistics or ()) or None
        return {"TOUCHPOINTS": self.touchpoints, **others, "--statistics": kept}

    def check_targets(self, targets: Iterable[tuple[Path | None, tuple[str, ...]]]) -> None:
        """Raise OutputError where a file cannot be written, or is one of the sources."""
        named = (*self.named.values(), self.outcomes, *(self.others.statistics or ()))
        files = [path for path in named if path is not None]
        for target, suffixes in targets:
            if target is not None:
                check_target(target, files, suffixes)

    def observable(self) -> tuple[Stitched | Statistics, StitchReport]:
        """Return the journeys, or what was kept of them, and what was counted before they were stitched."""
        if self.others.statistics:
            return reduce(Statistics.__add__, map(load_statistics, self.others.statistics)), NOTHING
        with progress("reading and stitching") as tell:
            journeys, more = self.read(tell)
            return self.how.grouped(journeys), more

    def read(self, tell: Progress | None) -> tuple[Stitched, StitchReport]:
        """Return the journeys with all their channels."""
        arguments, others = self.how.given(), self.others
        given = {**arguments, **self.window, "reading": self.reading, "progress": tell}
        if others.paths is not None:
            names = {name: getattr(others, name) for name in PATHS}
            separator = options.tabs(others.separator)
            if self.how.folds != FOLDS:
                raise ParameterError(f"--folds: paths are always dealt out to {FOLDS} folds")
            return from_paths(others.paths, **names, separator=separator, reading=self.reading), NOTHING
        if others.journeys is not None:
            names = {name: arguments[name] for name in ("outcome_names", "folds")}
            return from_journeys(others.journeys, **names, reading=self.reading), NOTHING
        if others.events is not None:
            split = split_events(
                others.events,
                columns=options.mapping(others.events_columns, "--events-columns"),
                flag=others.flag,
                reading=self.reading,
            )
            given = {**given, "columns": None}
            return stitch_tables(split.touchpoints, split.outcomes, **given), split.report
        return stitch_tables(self.touchpoints, self.outcomes, **given), NOTHING


NOTHING = StitchReport()
PATHS = ("path", "conversions", "null", "value")


def only_one(sources: Mapping[str, str | None]) -> str:
    """Return the one source that is given."""
    given = [name for name, source in sources.items() if source is not None]
    if len(given) != 1:
        what = " and ".join(given) or "nothing to read"
        raise ParameterError(f"got {what}, expected one of {', '.join(sources)}")
    return given[0]
