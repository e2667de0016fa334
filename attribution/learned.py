"""Learned: the statistics of models over some customers, fold by fold; they are kept, and they add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from attribution.errors import ParameterError, StatisticsError, TableError, shown
from attribution.models import MODELS, Model, described, model_of
from attribution.statistics import Observer, OutcomeSums, RoleCounts, Roles, Sums
from attribution.statistics.cells import Folds, Whole, cells_of, of_cells
from attribution.statistics_file import read_statistics, write_statistics
from attribution.stitched import StitchReport
from attribution.stitching.end_of_data import at
from attribution.stitching.hashing import SEED
from attribution.tables import RowCount

CLOSED, OPEN = "closed", "open"  # parts of a file


@dataclass(frozen=True, eq=False)
class Statistics:
    """What models learned from journeys: all that their credits, intervals and KPIs need, and no customer.

    Statistics of disjoint customers (and accounts) add up to those of all of them, exactly where they
    are counts; channels that one side has not met are added to it. ``settings`` say how the journeys
    were made (window, folds, seed of the hash): only equal ones add up. ``folds`` are kept apart where
    intervals were asked for. ``open`` holds the journeys that may go on, where a later period is to be added
    with ``advance``; all else is of those that are closed then.
    """

    models: tuple[Model, ...]
    settings: Mapping[str, Any]
    whole: Whole = field(repr=False)
    folds: Folds | None = field(repr=False)
    report: StitchReport
    open: Open | None = field(default=None, repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """The vocabulary."""
        return self.sums.channels

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """The outcomes, the first being what models learn from."""
        return self.sums.outcome_names

    @property
    def sums(self) -> OutcomeSums:
        """All outcomes."""
        sums: OutcomeSums = self.whole[Sums()]
        return sums

    @property
    def roles(self) -> RoleCounts:
        """What each channel does in journeys."""
        roles: RoleCounts = self.whole[Roles()]
        return roles

    @property
    def has_ages(self) -> bool:
        """Whether touchpoints had ages."""
        return bool(self.settings["has_ages"])

    @property
    def owners(self) -> str:
        """What the folds are made of: a note of the report counts them."""
        return str(self.settings["owners"])

    @cached_property
    def now(self) -> Statistics:
        """All journeys, those that may go on included as they stand."""
        return self if self.open is None else replace(self, open=None) + self.open.learned

    def __add__(self, other: Statistics) -> Statistics:
        check_alike(self, other)
        channels = tuple(sorted({*self.channels, *other.channels}))
        left, right = self.recode(channels), other.recode(channels)
        folds = None
        if left.folds is not None and right.folds is not None:
            pairs = {
                observer: zip(parts, right.folds[observer], strict=True)
                for observer, parts in left.folds.items()
            }
            folds = {observer: [a + b for a, b in both] for observer, both in pairs.items()}
        whole = {observer: part + right.whole[observer] for observer, part in left.whole.items()}
        both = None if left.open is None or right.open is None else left.open + right.open
        return replace(left, whole=whole, folds=folds, report=left.report + right.report, open=both)

    def recode(self, channels: Sequence[str]) -> Statistics:
        """Return the same statistics over another vocabulary that holds all channels.

        Raises:
            VocabularyError: a channel is missing.
        """
        if tuple(channels) == self.channels:
            return self
        folds = self.folds and {
            o: [part.recode(channels) for part in parts] for o, parts in self.folds.items()
        }
        whole = {observer: part.recode(channels) for observer, part in self.whole.items()}
        going_on = self.open and replace(self.open, learned=self.open.learned.recode(channels))
        return replace(self, whole=whole, folds=folds, open=going_on)

    def serving(self, models: Sequence[Model]) -> Sequence[Model]:
        """Return the models that are asked for, all that were observed for if none is.

        Raises:
            ParameterError: a model needs what was not observed.
        """
        for model in models:
            if any(observer not in self.whole for observer in model.observers):
                raise ParameterError(
                    f"model {model.name!r} was not observed; these statistics serve "
                    f"{', '.join(each.name for each in self.models)}: ask for one of them, "
                    "with its parameters, or learn anew from the tables"
                )
        return models or self.models

    def save(self, path: str | Path, force: bool = False) -> bool:
        """Write the statistics to a sealed .parquet file; return whether it changed.

        Raises:
            ParameterError: a model is none of the registry's, or the suffix is another.
            OutputError: the file cannot be written, or exists and differs and ``force`` is not set.
        """
        for model in self.models:
            if type(model) not in MODELS.values():
                raise ParameterError(
                    f"model {model.name!r} is none of the registry ({', '.join(MODELS)}), so a file cannot "
                    "say what it is: leave it out, or add it to MODELS"
                )
        parts, tables = {CLOSED: self}, {}
        about: dict[str, Any] = {
            "models": [{"name": model.name, "parameters": described(model)} for model in self.models],
            "settings": dict(self.settings),
            "channels": list(self.channels),
            "outcomes": list(self.outcome_names),
            "folds": 0 if self.folds is None else len(self.folds[Sums()]),
        }
        if self.open is not None:
            parts[OPEN] = self.open.learned
            about["until"] = self.open.until
            tables = {"touchpoints": self.open.touchpoints, "outcomes": self.open.outcomes}
        about["reports"] = {name: asdict(each.report) for name, each in parts.items()}
        cells = {name: cells_of(each.whole, each.folds) for name, each in parts.items()}
        return write_statistics(cells, tables, about, path, force)


@dataclass(frozen=True, eq=False)
class Open:
    """Journeys that may go on: the rows that a later one can need, and what they give as they stand.

    ``until`` is the end of the data so far, in microseconds: later rows are new.
    """

    touchpoints: pl.DataFrame
    outcomes: pl.DataFrame
    until: int
    learned: Statistics

    def __add__(self, other: Open) -> Open:
        return Open(
            pl.concat([self.touchpoints, other.touchpoints]),
            pl.concat([self.outcomes, other.outcomes]),
            self.until,
            self.learned + other.learned,
        )


def check_alike(left: Statistics, right: Statistics) -> None:
    """Raise StatisticsError, with all that differs, unless both were made in the same way."""
    sides = [
        {
            **each.settings,
            "outcomes": list(each.outcome_names),
            "models": [f"{model.name}: {model!r}" for model in each.models],
            "folds kept apart (intervals)": each.folds is not None,
            "open journeys until": None if each.open is None else str(at(each.open.until)),
        }
        for each in (left, right)
    ]
    differing = [
        key for key in dict.fromkeys([*sides[0], *sides[1]]) if sides[0].get(key) != sides[1].get(key)
    ]
    if differing:
        told = (f"{key}: {shown(sides[0].get(key))} and {shown(sides[1].get(key))}" for key in differing)
        raise StatisticsError(
            f"statistics do not add up, they differ in {'; '.join(told)}: learn both in one way"
        )


def observers_of(models: Iterable[Model]) -> tuple[Observer, ...]:
    """Return what is observed for models: all outcomes, the channels' roles, and what each model asks for."""
    return tuple(dict.fromkeys((Sums(), Roles(), *(o for model in models for o in model.observers))))


def report_of(values: Mapping[str, Any]) -> StitchReport:
    """Return the report that was told."""
    tables = {name: RowCount(**count) for name, count in values["tables"].items()}
    return StitchReport(tables, values["unattributed"], values["notes"], tuple(values["warnings"]))


def load_statistics(path: str | Path) -> Statistics:
    """Return the statistics that ``save`` has written.

    Raises:
        TableError: the file is not there, not as it was written, or of another version or hash.
    """
    about, parts, tables = read_statistics(path)
    settings, where = about["settings"], f"statistics ({path})"
    if settings.get("hash_seed", SEED) != SEED:
        raise TableError.of(
            where,
            f"customers were dealt to folds by a hash with the seed {settings['hash_seed']:#x}",
            f"the seed {SEED:#x}",
            "read them with the version of the package that wrote them, or learn anew from the tables",
        )
    models = tuple(model_of(each["parameters"], each["name"], MODELS) for each in about["models"])
    channels, outcomes = tuple(about["channels"]), tuple(about["outcomes"])

    def part(name: str) -> Statistics:
        whole, folds = of_cells(parts[name], observers_of(models), channels, outcomes, about["folds"])
        return Statistics(models, settings, whole, folds, report_of(about["reports"][name]))

    closed = part(CLOSED)
    if OPEN not in parts:
        return closed
    return replace(closed, open=Open(tables["touchpoints"], tables["outcomes"], about["until"], part(OPEN)))
