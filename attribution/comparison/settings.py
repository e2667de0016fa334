"""Settings: how each channel's share and rank move when one setting is another."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from attribution.channels import UNATTRIBUTED, label
from attribution.comparison.labels import told_of
from attribution.comparison.variations import told, varied_models, varied_tables
from attribution.credits import Credits
from attribution.engine import attribute, defaults
from attribution.models import Model, named_apart
from attribution.stitching import stitch
from attribution.stitching.stitch import columns_of
from attribution.tables import TABLES, Reading, Source
from attribution.tables.sources import read

EXACT = 12  # decimals of a share in which a difference is more than rounding
Credit: TypeAlias = dict[str, float]  # of the first outcome, by channel
Tried: TypeAlias = dict[tuple[str, str, bool, str], Credit]  # by parameter, setting, given, model


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The shares of all channels by parameter, setting and model, and warnings.

    ``shares`` has the columns parameter, setting, given (the setting that was given, whatever is
    varied), model, channel, share, rank. A share is credit / all outcomes, of the first outcome:
    with that of (unattributed), which has no rank, they sum to 1.
    """

    shares: pl.DataFrame
    warnings: tuple[str, ...] = ()

    def table(self) -> pl.DataFrame:
        """Return the tornado: by model, channel and parameter the least and most share, largest swing first.

        Swing is the most share less the least; ``flips`` says that the rank is not always the same.
        """
        share, rank, given = pl.col("share"), pl.col("rank"), pl.col("given")
        table = self.shares.group_by("model", "channel", "parameter", maintain_order=True).agg(
            share.filter(given).first(),
            share.min().alias("share_least"),
            share.max().alias("share_most"),
            (share.max() - share.min()).alias("swing"),
            rank.filter(given).first(),
            rank.min().alias("rank_best"),
            rank.max().alias("rank_worst"),
            (rank.min() != rank.max()).fill_null(False).alias("flips"),
        )
        return table.sort(-pl.col("swing").round(EXACT), "model", "channel", "parameter", nulls_last=True)

    def flips(self) -> pl.DataFrame:
        """Return the rows of the table whose rank is not always the same."""
        return self.table().filter("flips")


def sensitivity(
    touchpoints: Source,
    outcomes: Source,
    *models: Model,
    lookback_days: float = 30.0,
    restart: bool = True,
    merge: Mapping[str, Sequence[str]] | None = None,
    split: str | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    threads: int | None = None,
    **options: Any,
) -> Sensitivity:
    """Return the shares under the given settings, and under others of which one is varied at a time.

    Formula: share = credit / all outcomes, attributed or not; swing = most share - least share. Varied
    are lookback_days (half, double), restart, half_life (half, double) and order (1, 2, 3) of the models
    that have them, duplicates (every row counted; rows that differ in nothing but the event id counted
    once, where there is one), channels that look alike (merged), and on request labels: ``merge`` names
    channels that become one, {"Paid": ["Paid Search", "Paid Social"]}, which is compared with the sum
    of its parts; ``split`` names a column of the touchpoints by which each channel is divided, after
    which the credits of its parts are summed. Without models: every registered one with its defaults.
    The ``options`` are further ones of ``stitch``.

    Example: a lead after a mail 20 days old and an ad 1 day old: of first touch the mail has all; it
    is out of a window of 15 days, and the ad has all.

    >>> from attribution.models import FirstTouch
    >>> touched = pl.DataFrame({"customer_id": ["a", "a"], "channel": ["mail", "ads"],
    ...                         "timestamp": ["2026-03-01T08:00Z", "2026-03-20T08:00Z"]})
    >>> ended = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-21T08:00Z"]})
    >>> tornado = sensitivity(touched, ended, FirstTouch()).flips()
    >>> tornado.select("channel", "parameter", "share", "share_least", "share_most").rows()
    [('ads', 'lookback_days', 0.0, 0.0, 1.0), ('mail', 'lookback_days', 1.0, 0.0, 1.0)]

    Source: Eschenbach (1992), "Spiderplots versus tornado diagrams for sensitivity analysis",
    Interfaces 22 (6), 40-46.

    Raises:
        TableError: a table cannot be used.
        ParameterError: a parameter is outside its range; ``merge`` names an unknown channel or one
            twice, ``split`` an unknown column.
    """
    reading = reading or Reading()
    tables = ("touchpoints", "outcomes")
    mapped = {name: dict(columns_of(columns, name, options.get("outcome_names") or ())) for name in tables}
    customers = [[mapped[name].get("customer_id", "customer_id")] for name in tables]
    wanted = {mapped["touchpoints"].get(column.name, column.name) for column in TABLES["touchpoints"]}
    wanted |= {split} if split else set()
    touched = read(touchpoints, "touchpoints", wanted, reading.delimiter, customers[0])
    ended = read(outcomes, "outcomes", None, reading.delimiter, customers[1])
    given: dict[str, Any] = {"touchpoints": touched, "outcomes": ended, "columns": mapped, "reading": reading}
    given |= {"lookback_days": lookback_days, "restart": restart, **options}
    base = stitch(**given)
    others = varied_tables(base, touched, mapped, lookback_days, restart, merge, split)
    chosen = named_apart(models or defaults(base))
    variants = list(varied_models(chosen))
    result = attribute(base, *chosen, *(each.model for each in variants), threads=threads)
    tried: Tried = {}
    for each in variants:
        name, value = each.of.name, told(getattr(each.of, each.parameter))
        tried[each.parameter, value, True, name] = credited(result[name], {})
        tried[each.parameter, each.setting, False, name] = credited(result[each.model.name], {})
    for other in others:
        again = attribute(
            stitch(**{**given, **other.options}),
            *(told_of(model, other.labels) for model in chosen),
            threads=threads,
        )
        for model in chosen:
            before, after = result[model.name], again[model.name]
            tried[other.parameter, other.given, True, model.name] = credited(before, other.before)
            tried[other.parameter, other.setting, False, model.name] = credited(after, other.after)
    warnings = (line for model in chosen for line in result[model.name].warnings)
    return Sensitivity(shared(tried), tuple(dict.fromkeys([*result.report.messages, *warnings])))


def credited(credits: Credits, names: Mapping[str, str]) -> Credit:
    """Return the credit of each channel under its name; that of channels of one name is summed."""
    parts = defaultdict(list)
    for channel, values in zip(credits.channels, credits.values, strict=True):
        parts[label(names.get(channel, channel))].append(float(values[0]))
    return {name: math.fsum(part) for name, part in parts.items()} | {
        UNATTRIBUTED: float(credits.unattributed[0])
    }


def shared(tried: Tried) -> pl.DataFrame:
    """Return the shares and ranks; a channel that one setting does not know has no credit in it."""
    met: dict[str, set[str]] = defaultdict(set)
    for (parameter, *_), credit in tried.items():
        met[parameter] |= set(credit)
    rows = []
    for key, credit in tried.items():
        total = math.fsum(credit.values())
        names = sorted(met[key[0]], key=lambda name: (name == UNATTRIBUTED, name))
        rows += [(*key, name, credit.get(name, 0.0) / total if total else None) for name in names]
    schema = {"parameter": pl.String, "setting": pl.String, "given": pl.Boolean, "model": pl.String}
    shares = pl.DataFrame(rows, schema | {"channel": pl.String, "share": pl.Float64}, orient="row")
    of_channels = pl.when(pl.col("channel") != UNATTRIBUTED).then(pl.col("share").round(EXACT))
    rank = of_channels.rank("min", descending=True).over("parameter", "setting", "model").cast(pl.Int64)
    return shares.with_columns(rank.alias("rank"))
