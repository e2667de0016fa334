"""Variations: the settings that are tried beside the given ones, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import polars as pl

from attribution.comparison.labels import alike, check_merge, divided, merged
from attribution.models import Model
from attribution.parameters import parameters
from attribution.stitched import Stitched
from attribution.tables.sources import Read

VARIED: dict[str, Callable[[Any], Sequence[Any]]] = {
    "half_life": lambda given: (given / 2, given * 2),
    "order": lambda _: (1, 2, 3),
}


class ModelVariation(NamedTuple):
    """A model with another value of one of its parameters."""

    parameter: str
    setting: str
    of: Model
    model: Model


@dataclass(frozen=True, eq=False)
class TableVariation:
    """Another way to stitch, as options of ``stitch``, and the channels that each label stands for.

    ``before`` and ``after`` name the channels under which the credits of the given settings and of these
    are compared: where channels are merged the label, where they are divided the channel.
    """

    parameter: str
    given: str
    setting: str
    options: Mapping[str, Any]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


def told(value: object) -> str:
    """Return a setting as text.

    >>> told(15.0), told(0.5), told(False)
    ('15', '0.5', 'false')
    """
    return str(value).lower().removesuffix(".0")


def varied_models(models: Sequence[Model]) -> Iterator[ModelVariation]:
    """Yield each model with other values of the parameters that are varied."""
    for model in models:
        for name in parameters(type(model)):
            given = getattr(model, name)
            others = VARIED[name](given) if name in VARIED else ()
            for value in others:
                if value != given:
                    other = replace(model, **{name: value, "name": f"{model.name} {name}={told(value)}"})
                    yield ModelVariation(name, told(value), model, other)


def varied_tables(
    base: Stitched,
    touched: Read,
    columns: Mapping[str, Mapping[str, str]],
    lookback_days: float,
    restart: bool,
    merge: Mapping[str, Sequence[str]] | None,
    split: str | None,
) -> list[TableVariation]:
    """Return the other ways to stitch.

    Raises:
        ParameterError: ``merge`` or ``split`` name what is not there.
    """

    def using(ours: str, values: pl.Series) -> dict[str, Any]:
        name = f"{ours} varied"
        frame = touched.frame.with_columns(values.alias(name))
        mapping = {**columns["touchpoints"], ours: name}
        source = replace(touched, frame=frame, columns=(*touched.columns, name))
        return {"touchpoints": source, "columns": {**columns, "touchpoints": mapping}}

    origin, rows = base.origins["touchpoints"], len(touched.frame)
    windows = dict.fromkeys(days for days in (lookback_days / 2, lookback_days * 2) if days != lookback_days)
    tried = [
        TableVariation("lookback_days", told(lookback_days), told(days), {"lookback_days": days})
        for days in windows
    ]
    tried.append(TableVariation("restart", told(restart), told(not restart), {"restart": not restart}))
    own = pl.int_range(rows, eager=True).cast(pl.String)
    tried.append(TableVariation("duplicates", "once", "every row", using("event_id", own)))
    if "event_id" in origin.columns:
        none = pl.Series([None] * rows, dtype=pl.String)
        tried.append(TableVariation("duplicates", "once", "without event ids", using("event_id", none)))
    groups = {"merge": check_merge(merge or {}, base.channels), "near_duplicates": alike(base.channels)}
    for parameter, group in groups.items():
        if group:
            column, labels = merged(origin.select(["channel"])["channel"], group)
            names = {channel: name for name, channels in labels.items() for channel in channels}
            options = using("channel", column)
            tried.append(TableVariation(parameter, "apart", "merged", options, labels, before=names))
    if split is not None:
        found = origin.select(list(dict.fromkeys(["channel", split])))
        column, labels = divided(found["channel"], found[split])
        names = {name: channel for name, (channel,) in labels.items()}
        options = using("channel", column)
        tried.append(TableVariation("split", "whole", f"by {split}", options, labels, after=names))
    return tried
