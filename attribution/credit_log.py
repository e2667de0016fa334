"""The credit log: one row a touchpoint of a converting journey, from which every breakdown is a sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from attribution.channels import UNATTRIBUTED, label
from attribution.credits import Credits, Result
from attribution.dimensions import Joined, found, period, summed
from attribution.errors import ParameterError
from attribution.journeys import DAY, TIME, Journeys
from attribution.statistics import Rule
from attribution.stitched import Stitched
from attribution.tables import write_rows

NAMES = (
    *("journey_id", "customer_id", "fold", "position", "timestamp", "ends_at", "channel"),
    *("touchpoint_row", "outcome_row", "model", "weight"),
)
BATCH = 1 << 15  # touchpoints of converting journeys that are logged at once


def credit_log(journeys: Stitched, credits: Credits | Result) -> CreditLog:
    """Return the log of one model's credits, or of all models of a result, over the same journeys.

    Formula: credit of a touchpoint = its weight in its journey x the journey's outcomes; the sums by
    channel are the credits.

    Raises:
        ParameterError: a model shares totals and not journeys, or the credits come from a file.

    >>> from attribution import LastTouch, attribute, from_paths
    >>> journeys = from_paths(pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]}))
    >>> log = credit_log(journeys, attribute(journeys, LastTouch()))
    >>> log.table().select("channel", "weight", "conversions").rows()
    [('ads', 0.0, 0.0), ('mail', 1.0, 2.0), ('mail', 1.0, 1.0)]
    """
    rules = {}
    for each in credits.values() if isinstance(credits, Result) else [credits]:
        rule = each.rule() if each.rule is not None else None
        if rule is None:
            why = "shares totals and not journeys" if each.rule is not None else "was not made by attribute"
            raise ParameterError(
                f"model {each.model!r} {why}, so it has no credit log: leave it out of the log, "
                'or give it share="journey"'
            )
        rules[each.model] = rule
    return CreditLog(journeys, rules)


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

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """The outcomes that are shared."""
        return self.journeys.outcome_names

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The further columns that can be asked for by name: of the touchpoints, of the outcomes."""
        ours = {"customer_id", "timestamp", "channel", *self.outcome_names}
        return {
            table: tuple(name for name in origin.columns if name not in ours)
            for table, origin in self.journeys.origins.items()
        }

    def frames(self, *names: str) -> Iterator[pl.DataFrame]:
        """Yield the log fold by fold, with further columns: periods (week, touchpoint_week), campaign, owner.

        Raises:
            ParameterError: there is no column or period of the name.
        """
        if "campaign" in self.columns.get("touchpoints", ()):
            names = tuple(dict.fromkeys(["campaign", *names]))
        own = (*NAMES, *self.outcome_names)
        names = tuple(name for name in names if name not in own)
        joined = found(names, self.columns, own)
        tables = {
            table: origin.select([each.column for each in joined if each.table == table])
            for table, origin in self.journeys.origins.items()
        }
        for ids, journeys in self.groups():
            rows = touched(journeys, ids)
            rows = rows.with_columns(further(rows, names, joined, tables))
            for model, rule in self.rules.items():
                yield weighed(rows, journeys, model, rule).select(*NAMES, *names, *self.outcome_names)

    def groups(self) -> Iterator[tuple[pl.DataFrame, Journeys]]:
        """Yield the converting journeys of as many folds as make a batch, with their ids and fold."""
        held: list[tuple[pl.DataFrame, Journeys]] = []
        last = len(self.journeys.folds) - 1
        for number, fold in enumerate(self.journeys.folds):
            journeys = fold().journeys
            keep = pl.Series((journeys.outcomes != 0).any(axis=1))
            ids = self.journeys.name(number, journeys).filter(keep)
            held.append((ids.with_columns(fold=pl.lit(number, pl.UInt16)), journeys.converting))
            if number == last or sum(journeys.touchpoints for _, journeys in held) >= BATCH:
                yield pl.concat([ids for ids, _ in held]), Journeys.joined([each for _, each in held])
                held = []

    def table(self, *names: str) -> pl.DataFrame:
        """Return the whole log, with further columns by name."""
        return pl.concat(self.frames(*names))

    def write(self, path: str | Path, *names: str, force: bool = False) -> bool:
        """Write the log to a Parquet or CSV file fold by fold; return whether the file changed.

        Raises:
            OutputError: the file cannot be written, or exists and differs.
        """
        about = {"table": "credit_log", "outcomes": list(self.outcome_names)}
        return write_rows(self.frames(*names), path, about, force)

    def behind(self, **cell: Any) -> pl.DataFrame:
        """Return the journeys behind a cell of a KPI table, with the credit that each gives to it.

        The cell is named by its dimensions: ``behind(model="markov", channel="Email", week="2026-03-02")``.

        >>> from attribution import Linear, attribute, from_paths
        >>> journeys = from_paths(pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]}))
        >>> credit_log(journeys, attribute(journeys, Linear())).behind(channel="ads")["conversions"].to_list()
        [1.0]
        """
        days = {
            name: date.fromisoformat(value)
            for name, value in cell.items()
            if isinstance(value, str) and period(name) is not None
        }
        at_cell = [pl.col(name).eq_missing(pl.lit(value)) for name, value in (cell | days).items()]
        rows = pl.concat([frame.filter(*at_cell) for frame in self.frames(*cell)])
        keys = ["model", "ends_at", "journey_id", "customer_id"]
        touchpoints = pl.col("position").is_not_null().cast(pl.Float64).alias("touchpoints")
        found = summed(rows.with_columns(touchpoints), keys, ["touchpoints", *self.outcome_names])
        return found.with_columns(pl.col("touchpoints").cast(pl.UInt32))


def touched(journeys: Journeys, ids: pl.DataFrame) -> pl.DataFrame:
    """Return a row a touchpoint, or one for a journey without any: whose, when, where, and row numbers."""
    lengths = np.diff(journeys.offsets)
    rows = np.maximum(lengths, 1)
    journey = np.repeat(np.arange(len(journeys)), rows)
    position = np.arange(len(journey)) - np.repeat(np.cumsum(rows) - rows, rows)
    place = pl.Series("place", np.repeat(journeys.offsets[:-1], rows) + position, dtype=pl.Int64)
    place = place.set(pl.Series(lengths[journey] == 0), None)
    absent = pl.repeat(None, len(journey), dtype=pl.Int64, eager=True)

    def of_touchpoint(values: Any) -> pl.Series:
        return absent if values is None else pl.Series(values).gather(place)

    def of_journey(values: Any) -> pl.Series:
        return absent if values is None else pl.Series(values[journey], dtype=pl.Int64)

    age = (of_touchpoint(journeys.age_days) * DAY).round().cast(pl.Int64)
    channels = pl.Series([label(name) for name in journeys.channels], dtype=pl.String)
    columns = {
        "position": pl.Series(position + 1, dtype=pl.UInt32).set(place.is_null(), None),
        "timestamp": (of_journey(journeys.ends_at) - age).cast(TIME),
        "ends_at": of_journey(journeys.ends_at).cast(TIME),
        "channel": channels.gather(of_touchpoint(journeys.channel)).fill_null(UNATTRIBUTED),
        "touchpoint_row": of_touchpoint(journeys.touchpoint_row).cast(pl.UInt32),
        "outcome_row": of_journey(journeys.outcome_row).cast(pl.UInt32),
        "journey": pl.Series(journey),
        "place": place,
    }
    return ids[journey].hstack([values.alias(name) for name, values in columns.items()])


def further(
    rows: pl.DataFrame, names: Sequence[str], joined: Sequence[Joined], tables: Mapping[str, pl.DataFrame]
) -> list[pl.Expr | pl.Series]:
    """Return the further columns: by row number from the tables behind the rows, or periods."""
    of_table = {"touchpoints": rows["touchpoint_row"], "outcomes": rows["outcome_row"]}
    columns = [
        tables[each.table][each.column].gather(of_table[each.table]).alias(each.name) for each in joined
    ]
    return [*columns, *(each for each in map(period, names) if each is not None)]


def weighed(rows: pl.DataFrame, journeys: Journeys, model: str, rule: Rule) -> pl.DataFrame:
    """Return the rows with a model's weights and the outcomes that they share."""
    weight = pl.Series("weight", rule.weights(journeys)).gather(rows["place"]).fill_null(1.0)
    outcomes = journeys.outcomes[rows["journey"].to_numpy()] * weight.to_numpy()[:, None]
    shared = [pl.Series(name, outcomes[:, i]) for i, name in enumerate(journeys.outcome_names)]
    return rows.with_columns(weight, *shared, model=pl.lit(model))
