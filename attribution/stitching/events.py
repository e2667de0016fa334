"""Events: one table that holds touchpoints and conversions becomes the two tables that are stitched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.stitched import StitchReport
from attribution.tables import Checked, Reading, Source, check_table


class SplitEvents(NamedTuple):
    """The two tables of an event table, and the count of its rows."""

    touchpoints: pl.DataFrame
    outcomes: pl.DataFrame
    report: StitchReport
    rejected: pl.DataFrame  # table, row, reason: set aside at the gate
    rows: Mapping[str, pl.Series]  # by table: the row of the events that each row comes from


def split_events(
    events: Source,
    *,
    columns: Mapping[str, str] | None = None,
    flag: str = "row",
    reading: Reading | None = None,
) -> SplitEvents:
    """Return touchpoints and outcomes of a table in which ``conversion`` = 1 marks what converted.

    Every row is a touchpoint; the one that converted comes last in its instant, so that it belongs
    to its journey at age 0. ``flag="journey"``: the mark is repeated on every row of a converting
    journey (column ``journey``), of which the last row is meant.

    Raises:
        TableError: the table cannot be used.

    >>> table = pl.DataFrame({"customer_id": [1, 1], "timestamp": ["2026-01-01T08:00Z", "2026-01-02T08:00Z"],
    ...                       "channel": ["ads", "mail"], "conversion": [0, 1]})
    >>> split_events(table).outcomes["leads"].to_list()
    [1.0]
    """
    if flag not in ("row", "journey"):
        raise ParameterError.out_of_range("flag", flag, "'row' or 'journey'")
    checked = check_table("events", events, reading, columns)
    if flag == "journey":
        checked = with_journeys(checked)
    rows = checked.used
    converting = marked(rows) if flag == "journey" else rows["conversion"] == 1
    rank = pl.col("sequence").rank("dense") if "sequence" in rows.columns else pl.lit(0)
    rows = rows.with_columns(converting.alias("converting"), sequence=rank.cast(pl.Int64).fill_null(0))
    kept = ["customer_id", "timestamp", "channel", "campaign", "sequence", "event_id", "kind"]
    keys = [name for name in kept if name in rows.columns and name != "event_id"]
    converted = rows.filter("converting")
    # Repeats of the row that converted stand where it stands, so that they are told as its repeats.
    ended = rows.join(converted, on=keys, how="semi", nulls_equal=True)["row"].implode()
    last = pl.col("row").is_in(ended).cast(pl.Int64) * (pl.col("sequence").max() + 1)
    rows = rows.with_columns(sequence=pl.col("sequence") + last)
    revenue = [name for name in ("revenue",) if name in rows.columns]
    once = told_once(converted, [*keys, *revenue])
    return SplitEvents(
        rows.select(name for name in (*kept, "account_id") if name in rows.columns),
        once.select("customer_id", "timestamp", *revenue, leads=pl.lit(1.0)),
        StitchReport({"events": checked.count}, warnings=checked.warnings),
        checked.rejected,
        {"touchpoints": rows["row"], "outcomes": once["row"]},
    )


def told_once(converted: pl.DataFrame, content: list[str]) -> pl.DataFrame:
    """Return the conversions with each event id, and each repeat of the whole content, counted once."""
    if "event_id" not in converted.columns:
        return converted.unique(content, keep="first").sort("row")
    named = converted.filter(pl.col("event_id").is_not_null()).sort(*content, "row")
    unnamed = converted.filter(pl.col("event_id").is_null())
    return pl.concat(
        [named.unique("event_id", keep="first", maintain_order=True), unnamed.unique(content, keep="first")]
    ).sort("row")


def with_journeys(checked: Checked) -> Checked:
    """Return the events of a journey; those of none are set aside."""
    if "journey" not in checked.frame.columns:
        raise TableError.of(
            checked.where,
            "no column 'journey'",
            "the journey of each row, as flag='journey' needs it",
            "map it with columns={'journey': ...}",
            column="journey",
        )
    return checked.set_aside("null_journey", pl.col("journey").is_null())


def marked(rows: pl.DataFrame) -> pl.Series:
    """Return which rows are the last of a journey that is marked as converting."""
    content = ("timestamp", "sequence", "channel", "campaign", "event_id", "kind", "revenue", "row")
    last = (
        rows.sort(name for name in content if name in rows.columns)
        .group_by("journey", maintain_order=True)
        .agg(pl.col("row").last(), pl.col("conversion").max())
        .filter(pl.col("conversion") == 1)
    )
    return rows["row"].is_in(last["row"].implode())
