"""Logged: a credit log, in memory or in the Parquet file that it was written to, as one thing to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from attribution.channels import label
from attribution.credit_log import NAMES, CreditLog
from attribution.dimensions import PERIODS, TIMES, period
from attribution.errors import ParameterError
from attribution.kpis.costs.ledger import BASES
from attribution.kpis.shrinkage import FIGURES
from attribution.tables import Reading, check_seal
from attribution.uncertainty import Drawn

NO_DIMENSIONS = {"model", "weight", *BASES, "no_spend", "credited_by", "reason", *FIGURES}
Frames: TypeAlias = Callable[[Sequence[str]], Iterator[pl.DataFrame]]


@dataclass(frozen=True, eq=False)
class Logged:
    """The rows of a log with further columns by name, again and again; ``key`` names the lead of a row.

    ``alone`` gives the rows of one model, which know the leads of all; ``known`` are the columns of the
    outcomes table, by the name that the log gives them.
    """

    frames: Frames
    alone: Frames
    outcome_names: tuple[str, ...]
    models: tuple[str, ...]
    channels: Sequence[str]
    reading: Reading
    drawn: Drawn | None
    key: str
    known: Collection[str]
    as_of: int | None

    @property
    def zone(self) -> str:
        """The time zone whose days make the periods."""
        return self.reading.timezone or "UTC"


def check_dimensions(by: Sequence[str]) -> None:
    """Raise ParameterError unless these are names of dimensions, each once."""
    named = not isinstance(by, str) and all(isinstance(name, str) for name in by)
    if not by or not named or len(set(by)) < len(by):
        raise ParameterError.out_of_range("by", by, "names of dimensions, each once")


def open_log(credits: Any) -> Logged | None:
    """Return what is a credit log as one, None for anything else.

    Raises:
        TableError: a file is not as it was written.
    """
    if isinstance(credits, Logged):
        return credits
    if isinstance(credits, CreditLog):
        return in_memory(credits)
    if isinstance(credits, (str, Path)) and Path(credits).suffix == ".parquet" and Path(credits).is_file():
        about = check_seal(Path(credits), f"credit log ({credits})")
        if about is not None and about.get("table") == "credit_log":
            return in_file(Path(credits), about)
    return None


def in_memory(log: CreditLog) -> Logged:
    """Return a log in memory; its leads are told by their row in the outcomes table."""
    channels = [label(name) for name in log.journeys.channels]
    key = "outcome_row" if log.outcome_columns else "journey_id"
    models = tuple(log.rules)
    one = replace(log, rules={name: log.rules[name] for name in models[:1]})
    return Logged(
        lambda names: log.frames(*names),
        lambda names: one.frames(*names),
        log.outcome_names,
        models,
        channels,
        log.reading,
        log.drawn,
        key,
        log.outcome_columns,
        log.journeys.as_of,
    )


def in_file(path: Path, about: dict[str, Any]) -> Logged:
    """Return a log that was written; its leads are told by their journey."""
    from pyarrow.parquet import read_schema

    names, zone, models = tuple(about["outcomes"]), about["timezone"], tuple(about["models"])
    drawn = None if about.get("drawn") is None else Drawn(**about["drawn"])
    known = set(about["outcome_columns"]) & set(read_schema(path).names)
    reading = Reading(timezone=zone, time_format=about["time_format"])

    def frames(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        return file_frames(path, wanted, names, zone)

    def alone(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (frame.filter(pl.col("model") == models[0]) for frame in frames(wanted))

    return Logged(
        frames, alone, names, models, about["channels"], reading, drawn, "journey_id", known, about["as_of"]
    )


def file_frames(
    path: Path, by: Sequence[str], outcome_names: Sequence[str], zone: str
) -> Iterator[pl.DataFrame]:
    """Yield the columns of a written credit log that the dimensions and the sums need, by row group."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        columns = file.schema_arrow.names
        known = [*(name for name in columns if name not in (*NAMES, *outcome_names)), "channel", *PERIODS]
        for name in by:
            if name not in columns and period(name) is None:
                raise ParameterError.unknown(f"dimension of {path}", name, known)
        wanted = [*NEEDED, *(name for name in by if name in columns), *TIMES.values(), *outcome_names]
        wanted = [name for name in dict.fromkeys(wanted) if name in columns]
        later = [
            each for name in by if name not in columns for each in [period(name, zone)] if each is not None
        ]
        for number in range(file.num_row_groups):
            group = pl.DataFrame(file.read_row_group(number, columns=wanted))
            yield group.with_columns(later)


NEEDED = ("model", "fold", "journey_id", "customer_id", "position", "weight")
