"""Sharing: costs that name no channel or campaign, spread over those that used them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import polars as pl

from attribution.channels import UNATTRIBUTED, label, normalised
from attribution.dimensions import PERIODS, first_day
from attribution.errors import TableError
from attribution.kpis.costs.amortisation import Weights, moved, shared
from attribution.kpis.costs.ledger import MEDIA
from attribution.log_rows import quoted
from attribution.tables import Reading, Source, check_table
from attribution.tables.sources import read

PLACE = ("channel", "campaign")


def spread_out(rows: pl.DataFrame, bases: Mapping[str, Weights]) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with those shared by a base replaced by their parts, and what no place has.

    A row is shared among the places of the channel, the campaign and the periods that it names. What
    nobody used stays with the channel if it names one; otherwise it is in no cell, and told.
    """
    own = [name for name in PLACE if name in rows.columns]
    told = []
    for word, weights in bases.items():
        mine = rows.filter(pl.col("shared_by").eq_missing(word))
        keys = mine.select(weights.names).rows()
        number, places, parts, none = shared(list(zip(keys, mine["spend"], strict=True)), weights)
        new = pl.DataFrame(places, schema={name: rows.schema[name] for name in own}, orient="row")
        new = mine[number].with_columns(*new, spend=pl.Series(parts, dtype=pl.Float64))
        left = mine[none]
        rows = pl.concat([rows.filter(pl.col("shared_by").ne_missing(word)), new, with_channel(left)])
        told += lost(left, word, {"campaigns": "campaign with media spend", "spend": "media spend"})
    return rows, told


def with_channel(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that name a channel."""
    return rows.filter(pl.col("channel").is_not_null())


def lost(rows: pl.DataFrame, word: str, lacking: Mapping[str, str]) -> list[str]:
    """Return what is to be told of shared rows for which there is no place and no channel."""
    amounts = rows.filter(pl.col("channel").is_null())["spend"].to_list()
    if not amounts:
        return []
    why = f"no {lacking.get(word, word)} to share {'it' if len(amounts) == 1 else 'them'} by"
    return [f"costs of {math.fsum(amounts):,.2f} are in the total and in no cell: {why}"]


def bases_of(rows: pl.DataFrame, touched: pl.DataFrame | None, periods: Sequence[str]) -> dict[str, Weights]:
    """Return what rows of a ledger may follow: campaigns with media spend, that spend, and touchpoints.

    Keys are channel, campaign where the ledger has one, and but for the campaigns periods.
    """
    own = [name for name in PLACE if name in rows.columns]
    media = rows.filter(pl.col(MEDIA) & pl.col("shared_by").is_null() & (pl.col("spend") > 0))
    names = media.select(own).unique()
    if "campaign" in own:  # what a channel spends beside its campaigns is none of them
        has_named = pl.col("campaign").is_not_null().any().over("channel")
        names = names.filter(pl.col("campaign").is_not_null() | ~has_named)
    bases = {
        "campaigns": weights_of(names.with_columns(weight=pl.lit(1.0)), len(own)),
        "spend": weights_of(media.select(*own, *periods, weight="spend"), len(own)),
    }
    if touched is not None:
        lacking = [pl.lit(None, rows.schema[name]).alias(name) for name in own if name not in touched.columns]
        counted = touched.with_columns(lacking).group_by(*own, *periods).len("weight")
        bases["touchpoints"] = weights_of(counted, len(own))
    return bases


def weights_of(table: pl.DataFrame, own: int) -> Weights:
    """Return the weights of rows of keys and, last, a weight."""
    found: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for *key, weight in table.iter_rows():
        found[tuple(key)].append(weight)
    return Weights({key: math.fsum(each) for key, each in found.items()}, tuple(table.columns[:-1]), own)


def counted(
    touchpoints: Source | None, periods: Sequence[str], later: str, reading: Reading, where: str
) -> tuple[pl.DataFrame, list[str]]:
    """Return channel, campaign and periods of every touchpoint, as much later as the spend; and warnings.

    Raises:
        TableError: no touchpoints are given, or they cannot be used.
    """
    if touchpoints is None:
        raise TableError.of(
            where,
            "costs shared by touchpoints, and no touchpoints",
            "the table of touchpoints that they are shared by",
            "give it with touchpoints=, or share the costs by campaigns, spend or leads",
            column="shared_by",
        )
    table = check_table(
        "counted_touchpoints", read(touchpoints, "touchpoints", None, reading.delimiter), reading
    )
    rows = named(table.used)
    zone = reading.timezone or "UTC"
    time = moved(pl.col("timestamp"), zone, later) if later else pl.col("timestamp")
    rows = rows.with_columns(in_period(time, name, zone) for name in periods)
    aside = [f"{table.where}: {n:,} rows are not counted: {why}" for why, n in table.count.set_aside.items()]
    own = [name for name in PLACE if name in rows.columns]
    return rows.select(*own, *periods), [*table.warnings, *aside]


def in_period(time: pl.Expr, name: str, zone: str) -> pl.Expr:
    """Return the period of instants that a name such as week or touchpoint_week stands for."""
    return first_day(time, PERIODS[name.removeprefix("touchpoint_")], zone).alias(name)


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with channels and other text as our tables write them."""
    rows = rows.with_columns(quoted(rows[name]) for name in rows.columns if name != "channel")
    names = rows["channel"].cast(pl.String)
    clean = {name: label(normalised(name)) for name in names.unique().drop_nulls()}
    return rows.with_columns(names.replace(clean).alias("channel"))


def shared_by_leads(
    rows: pl.DataFrame, cells: pl.DataFrame, known: Sequence[str], leads: str
) -> tuple[pl.DataFrame, list[str]]:
    """Return rows, whose known dimensions may be empty, as parts in proportion to a model's leads by cell.

    What no lead followed stays with the channel if the row names one; otherwise it is in no cell, and told.
    """
    if "channel" in known:
        cells = cells.filter(pl.col("channel") != UNATTRIBUTED)
    weights = weights_of(cells.select(*known, leads), len(known))
    keys = rows.select(known).rows()
    number, places, parts, none = shared(list(zip(keys, rows["spend"], strict=True)), weights)
    new = pl.DataFrame(places, schema={name: rows.schema[name] for name in known}, orient="row")
    new = rows[number].with_columns(*new, spend=pl.Series(parts, dtype=pl.Float64))
    left = rows[none]
    return pl.concat([new, with_channel(left)]), lost(left, "leads", {"leads": "credited leads"})
