"""Logged: a credit log, in memory or in the Parquet file that it was written to, as one thing to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from attribution.channels import label
from attribution.credit_log import NAMES, CreditLog, Drawn
from attribution.dimensions import PERIODS, TIMES, period
from attribution.errors import ParameterError
from attribution.tables import check_seal

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
    zone: str
    drawn: Drawn | None
    key: str
    known: Collection[str]


def logged(credits: Any) -> Logged | None:
    """Return what is a credit log as one, None for anything else.

    Raises:
        TableError: a file is not as it was written.
    """
    if isinstance(credits, CreditLog):
        return of_log(credits)
    if isinstance(credits, (str, Path)) and Path(credits).suffix == ".parquet" and Path(credits).is_file():
        about = check_seal(Path(credits), f"credit log ({credits})")
        if about is not None and about.get("table") == "credit_log":
            return of_file(Path(credits), about)
    return None


def of_log(log: CreditLog) -> Logged:
    """Return a log in memory; its leads are told by their row in the outcomes table."""
    outcomes = log.columns.get("outcomes", ())
    both = set(log.columns.get("touchpoints", ())) | set(NAMES)
    known = {f"outcome_{name}" if name in both else name for name in outcomes}
    channels = [label(name) for name in log.journeys.channels]
    key = "outcome_row" if outcomes else "journey_id"

    models = tuple(log.rules)
    one = replace(log, rules={name: log.rules[name] for name in models[:1]})
    return Logged(
        lambda names: log.frames(*names),
        lambda names: one.frames(*names),
        log.outcome_names,
        models,
        channels,
        log.zone,
        log.drawn,
        key,
        known,
    )


def of_file(path: Path, about: dict[str, Any]) -> Logged:
    """Return a log that was written; its leads are told by their journey."""
    from pyarrow.parquet import read_schema

    names, zone, models = tuple(about["outcomes"]), about["timezone"], tuple(about["models"])
    drawn = None if about.get("drawn") is None else Drawn(**about["drawn"])
    known = [name for name in read_schema(path).names if name not in (*NAMES, *names)]

    def frames(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        return file_frames(path, wanted, names, zone)

    def alone(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (frame.filter(pl.col("model") == models[0]) for frame in frames(wanted))

    return Logged(frames, alone, names, models, about["channels"], zone, drawn, "journey_id", known)


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
