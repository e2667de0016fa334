"""Paths: tables of "a > b > c, 12 conversions, 30 null" brought to journeys."""

from __future__ import annotations

from functools import partial

import polars as pl

from attribution.channels import renamed, vocabulary
from attribution.errors import TableError, option, shown
from attribution.journeys import Journeys
from attribution.stitched import Batch, Stitched, StitchReport
from attribution.tables import CONTROL, Checked, Reading, RowCount, Source, check_table
from attribution.thinning import thin

SEPARATORS = (" > ", " -> ", ">", "|", ",")


def from_paths(
    table: Source,
    *,
    path: str = "path",
    conversions: str = "conversions",
    null: str | None = None,
    value: str | None = None,
    separator: str = " > ",
    reading: Reading | None = None,
) -> Stitched:
    """Return the journeys of a path table: outcomes ``conversions`` and, of its values, ``revenue``.

    A row stands for conversions + null journeys. Path tables have no times, hence no ages; a row
    with an empty path is unattributed. The order of the rows is no matter.

    Raises:
        TableError: the table cannot be used.

    >>> table = pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]})
    >>> from_paths(table).channels
    ('ads', 'mail')
    """
    given = {"path": path, "conversions": conversions, "null": null, "revenue": value}
    columns = {ours: theirs for ours, theirs in given.items() if theirs is not None}
    checked = check_table("paths", table, reading, columns)
    outcome_names = ("conversions", *(("revenue",) if value is not None else ()))
    text = pl.col("path").str.replace_all(separator, "", literal=True)
    checked = checked.set_aside("control_char", text.str.contains(CONTROL))
    checked = checked.set_aside("negative_count", pl.min_horizontal("conversions", "null") < 0)
    if value is not None:
        nobody = pl.col("conversions") + pl.col("null") == 0
        checked = checked.set_aside("value_without_journeys", nobody & (pl.col("revenue") != 0))
    used = checked.used.sort("path", *outcome_names, "null")
    check_separator(checked, used["path"], separator)
    lists = channel_lists(used["path"], separator)
    channels, clean, alike = vocabulary(lists.explode(empty_as_null=False), checked.where)
    frame = used.select(
        renamed(lists, clean).alias("channel"),
        *outcome_names,
        count=pl.col("conversions") + pl.col("null"),
    )
    journeys = Journeys.from_table(frame, channels, outcome_names)
    empty = int(((frame["channel"].list.len() == 0) & (frame["conversions"] != 0)).sum())
    report = StitchReport(
        {"paths": RowCount(len(used), len(used))},
        {"no_touchpoints": empty} if empty else {},
        {"journeys": int(frame["count"].sum())},
    )
    names = used.select(journey_id=pl.col("row").cast(pl.String), customer_id=pl.lit(None, dtype=pl.String))
    return Stitched(
        channels,
        outcome_names,
        [lambda: Batch(journeys, report)],
        StitchReport({"paths": checked.aside}, warnings=(*checked.warnings, *alike)),
        lambda _number, _journeys: names,
        has_ages=False,
        owners="journeys",
        thinned=partial(thin, journeys),
    )


def channel_lists(paths: pl.Series, separator: str) -> pl.Series:
    """Return the channels of each path, blank ones left out.

    >>> channel_lists(pl.Series(["a >  > b", None]), ">").to_list()
    [['a', 'b'], []]
    """
    trimmed = paths.str.split(separator).list.eval(pl.element().str.strip_chars())
    named = trimmed.list.eval(pl.element().filter(pl.element() != ""))
    return named.fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def check_separator(checked: Checked, paths: pl.Series, separator: str) -> None:
    """Raise TableError where no path holds the separator but most hold another usual one."""
    if paths.str.contains(separator, literal=True).any():
        return
    for other in SEPARATORS:
        holding = paths.filter(channel_lists(paths, other).list.len() > 1)
        if other != separator and 2 * len(holding) > len(paths):
            raise TableError.of(
                checked.where,
                f"no path holds the separator {shown(separator)}, most hold {shown(other)}",
                f"channels separated by {shown(separator)}",
                f"pass {option('separator', other)}",
                column="path",
                count=len(holding),
                examples=tuple(shown(path) for path in holding.head(5)),
            )
