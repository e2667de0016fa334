"""Log rows: the touchpoints of converting journeys as rows: whose, when, where, and with which weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED, label
from attribution.dimensions import Joined, comparable, period
from attribution.journeys import DAY, TIME, Journeys
from attribution.statistics import Rule

JOURNEY, PLACE = "journey of the batch", "touchpoint of the batch"  # no columns of any table


def touched(journeys: Journeys, ids: pl.DataFrame) -> pl.DataFrame:
    """Return a row a touchpoint, or one for a journey without any: whose, when, where, and row numbers."""
    lengths = np.diff(journeys.offsets)
    rows = np.maximum(lengths, 1)
    journey = np.repeat(np.arange(len(journeys)), rows)
    position = np.arange(len(journey)) - np.repeat(np.cumsum(rows) - rows, rows)
    place = pl.Series(PLACE, np.repeat(journeys.offsets[:-1], rows) + position, dtype=pl.Int64)
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
        JOURNEY: pl.Series(journey),
        PLACE: place,
    }
    return ids[journey].hstack([values.alias(name) for name, values in columns.items()])


def further(
    rows: pl.DataFrame,
    names: Sequence[str],
    joined: Sequence[Joined],
    tables: Mapping[str, pl.DataFrame],
    zone: str,
) -> list[pl.Expr | pl.Series]:
    """Return the further columns: by row number from the tables behind the rows, or periods."""
    of_table = {"touchpoints": rows["touchpoint_row"], "outcomes": rows["outcome_row"]}
    columns = [
        quoted(comparable(tables[each.table][each.column].gather(of_table[each.table]).alias(each.name)))
        for each in joined
    ]
    return [*columns, *(each for each in (period(name, zone) for name in names) if each is not None)]


def quoted(values: pl.Series) -> pl.Series:
    """Return text with a quoted cell where it would be taken for one of our rows."""
    if values.dtype != pl.String:
        return values
    ours = values.filter(values.str.strip_chars('"').is_in([UNATTRIBUTED, TOTAL])).unique()
    return values.replace({name: label(name) for name in ours}) if len(ours) else values


def weighed(rows: pl.DataFrame, journeys: Journeys, model: str, rule: Rule) -> pl.DataFrame:
    """Return the rows with a model's weights and the outcomes that they share."""
    weight = pl.Series("weight", rule.weights(journeys)).gather(rows[PLACE]).fill_null(1.0)
    outcomes = journeys.outcomes[rows[JOURNEY].to_numpy()] * weight.to_numpy()[:, None]
    shared = [pl.Series(name, outcomes[:, i]) for i, name in enumerate(journeys.outcome_names)]
    return rows.with_columns(weight, *shared, model=pl.lit(model))
