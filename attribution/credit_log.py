"""The credit log: one row a touchpoint of a converting journey, from which every breakdown is a sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from attribution.channels import label
from attribution.credits import Credits, Result
from attribution.dimensions import Joined, found, summed, valued
from attribution.errors import ParameterError, VocabularyError
from attribution.journeys import Journeys
from attribution.log_rows import further, touched, weighed
from attribution.statistics import Rule
from attribution.stitched import Stitched
from attribution.tables import ACCOUNT, TABLES, Reading, check_outcome_names, write_rows
from attribution.uncertainty import Drawn, drawn_of

NAMES = (
    *("journey_id", "customer_id", "fold", "position", "timestamp", "ends_at", "channel"),
    *("touchpoint_row", "outcome_row", "model", "weight"),
)
POINTERS = {"touchpoints": ("touchpoint_row", "timestamp"), "outcomes": ("outcome_row", "ends_at")}
BATCH = 1 << 15  # touchpoints of converting journeys that are logged at once


def credit_log(journeys: Stitched, credits: Credits | Result) -> CreditLog:
    """Return the log of one model's credits, or of all models of a result, over the same journeys.

    Formula: credit of a touchpoint = its weight in its journey x the journey's outcomes; the sums by
    channel are the credits.

    Raises:
        ParameterError: a model shares totals and not journeys, the credits come from a file, or an
            outcome is named as a column of the log.
        VocabularyError: the credits are those of other journeys.

    >>> from attribution import LastTouch, attribute, from_paths
    >>> journeys = from_paths(pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]}))
    >>> log = credit_log(journeys, attribute(journeys, LastTouch()))
    >>> log.table().select("channel", "weight", "conversions").rows()
    [('ads', 0.0, 0.0), ('mail', 1.0, 2.0), ('mail', 1.0, 1.0)]
    """
    models = list(credits.values()) if isinstance(credits, Result) else [credits]
    for each in models:
        for what in ("channels", "outcome_names"):
            if getattr(each, what) != getattr(journeys, what):
                raise VocabularyError.differ(what, getattr(journeys, what), getattr(each, what))
    return CreditLog(journeys, rules_of(models), drawn_of(journeys, models))


def rules_of(credits: Iterable[Credits]) -> dict[str, Rule]:
    """Return the share of every single touchpoint, model by model.

    Raises:
        ParameterError: a model shares totals and not journeys, the credits come from a file, or an
            outcome is named as a column of the log.
    """
    rules = {}
    for each in credits:
        check_outcome_names(each.outcome_names, {*NAMES, "campaign"})
        rule = each.rule() if each.rule is not None else None
        if rule is None:
            why = "shares totals and not journeys" if each.rule is not None else "was not made by attribute"
            raise ParameterError(
                f"model {each.model!r} {why}, so it has no credit log: leave it out of the log, "
                'or give it share="journey"'
            )
        rules[each.model] = rule
    return rules


@dataclass(frozen=True, eq=False)
class CreditLog:
    """One row a touchpoint of a converting journey and model, made fold by fold as it is read.

    Columns: journey_id, customer_id, fold, position (1 is the oldest), timestamp, ends_at (the
    lead's time), channel, the row numbers in the tables behind it, model, weight, campaign where
    there is one, and weight x outcome for each outcome. An outcome without touchpoints has one row of
    channel (unattributed) and no position, so that nothing is missing in a sum.
    """

    journeys: Stitched
    rules: Mapping[str, Rule]
    drawn: Drawn | None = None

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """The outcomes that are shared."""
        return self.journeys.outcome_names

    @property
    def about(self) -> dict[str, Any]:
        """What a file of the log says of itself: which of its columns are sums, and of what."""
        return {
            "table": "credit_log",
            "outcomes": list(self.outcome_names),
            "models": list(self.rules),
            "channels": list(map(label, self.journeys.channels)),
            "timezone": self.zone,
            "time_format": self.reading.time_format,
            "as_of": self.journeys.as_of,
            "outcome_columns": list(self.outcome_columns),
            "drawn": None if self.drawn is None else asdict(self.drawn),
        }

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The further columns that can be asked for by name: of the touchpoints, of the outcomes."""
        ours = {"touchpoints": ("channel",), "outcomes": self.outcome_names}
        return {
            table: tuple(
                name for name in origin.columns if name not in ("customer_id", "timestamp", *ours[table])
            )
            for table, origin in self.journeys.origins.items()
        }

    @property
    def reading(self) -> Reading:
        """How the outcomes were read."""
        origin = self.journeys.origins.get("outcomes")
        return origin.reading if origin else Reading()

    @property
    def zone(self) -> str:
        """The time zone whose days make the periods: the one that the tables were read with, or UTC."""
        return self.reading.timezone or "UTC"

    @cached_property
    def outcome_columns(self) -> dict[str, str]:
        """The further columns of the outcomes, by the names that the log gives them."""
        both = {*NAMES, *self.columns.get("touchpoints", ())}
        known = self.columns.get("outcomes", ())
        return {f"outcome_{name}" if name in both else name: name for name in known}

    @property
    def stages(self) -> tuple[str, ...]:
        """The times of stages and the account of the outcomes, as the log names them."""
        kinds = {column.name: column.kind for column in TABLES["outcomes"]}
        times = {name for name, kind in kinds.items() if kind == "time"}
        return tuple(name for name, own in self.outcome_columns.items() if own in {*times, ACCOUNT.name})

    def find(self, *names: str) -> tuple[list[Joined], list[str]]:
        """Return where the named columns stand, campaign first, and the names that were looked for.

        Raises:
            ParameterError: there is no column or period of the name, or more than one.
        """
        joined = []
        asked = [name for name in dict.fromkeys(names) if name not in ("channel", *self.outcome_names)]
        if "campaign" in self.columns.get("touchpoints", ()):
            joined = [Joined("campaign", "touchpoints", "campaign")]
            asked = [name for name in asked if name != "campaign"]
        return joined + found(asked, self.columns, NAMES), asked

    def frames(self, *names: str) -> Iterator[pl.DataFrame]:
        """Yield the log fold by fold, with further columns: periods (week, touchpoint_week), campaign, owner.

        Raises:
            ParameterError: there is no column or period of the name, or more than one.
            TableError: a table is no longer what was stitched.
        """
        joined, asked = self.find(*names)
        names = (*(each.name for each in joined), *asked)
        names = tuple(name for name in dict.fromkeys(names) if name not in NAMES)
        tables = {}
        for table in dict.fromkeys(each.table for each in joined):
            wanted = dict.fromkeys(["timestamp", *(each.column for each in joined if each.table == table)])
            tables[table] = self.journeys.origins[table].select(list(wanted))
        for ids, journeys in self.groups():
            rows = touched(journeys, ids)
            for table, values in tables.items():
                number, time = POINTERS[table]
                if not values["timestamp"].gather(rows[number]).equals(rows[time]):
                    raise self.journeys.origins[table].changed("times stand in other rows")
            rows = rows.with_columns(further(rows, names, joined, tables, self.zone))
            for model, rule in self.rules.items():
                yield weighed(rows, journeys, model, rule).select(*NAMES, *names, *self.outcome_names)

    def groups(self) -> Iterator[tuple[pl.DataFrame, Journeys]]:
        """Yield the converting journeys of as many folds as make a batch, with their ids and fold."""
        held: list[Journeys] = []
        size = 0
        traced, folds = self.journeys.traced, len(self.journeys.folds)
        for number, fold in enumerate(traced.folds, start=1):
            held.append(fold().journeys)
            size += held[-1].converting.touchpoints
            if number == folds or size >= BATCH:
                journeys, first = Journeys.joined(held), number - len(held)
                owner = np.repeat(np.arange(first, number, dtype=np.uint16), list(map(len, held)))
                ids = traced.name(first, journeys).with_columns(fold=pl.Series(owner))
                yield ids.filter((journeys.outcomes != 0).any(axis=1)), journeys.converting
                held, size = [], 0

    def table(self, *names: str) -> pl.DataFrame:
        """Return the whole log, with further columns by name."""
        return pl.concat(self.frames(*names))

    def write(self, path: str | Path, *names: str, force: bool = False) -> bool:
        """Write the log to a Parquet or CSV file fold by fold; return whether the file changed.

        The times of stages are written too: funnels and velocity can be had from the file.

        Raises:
            OutputError: the file cannot be written, or exists and differs.
        """
        return write_rows(self.frames(*dict.fromkeys([*names, *self.stages])), path, self.about, force)

    def behind(self, /, **cell: Any) -> pl.DataFrame:
        """Return the journeys behind a cell of a KPI table, with the credit that each gives to it.

        The cell is named by its dimensions: ``behind(model="markov", channel="Email", week="2026-03-02")``.

        >>> from attribution import Linear, attribute, from_paths
        >>> journeys = from_paths(pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]}))
        >>> credit_log(journeys, attribute(journeys, Linear())).behind(channel="ads")["conversions"].to_list()
        [1.0]
        """
        at_cell = pl.lit(True)
        frames = []
        for number, frame in enumerate(self.frames(*cell)):
            if not number:
                alike = [valued(name, value, frame.schema[name]) for name, value in cell.items()]
                at_cell = pl.all_horizontal(at_cell, *alike)
            frames.append(frame.filter(at_cell))
        rows = pl.concat(frames)
        keys = ["model", "ends_at", "journey_id", "customer_id"]
        touchpoints = pl.col("position").is_not_null().cast(pl.Float64).alias("touchpoints")
        found = summed(rows.with_columns(touchpoints), keys, ["touchpoints", *self.outcome_names])
        return found.with_columns(pl.col("touchpoints").cast(pl.UInt32))
