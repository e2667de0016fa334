"""Events: rows of raw web events with the channel that their source, medium and campaign stand for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from attribution.errors import ParameterError, shown
from attribution.grouping.queries import clean, filled
from attribution.grouping.rules import CELLS, SITE, Rules, load_rules
from attribution.grouping.sites import Sites, load_sites
from attribution.tables import Checked, Reading, Source, check_table
from attribution.tables.frames import Read
from attribution.tables.sources import read

EXAMPLES = 5


@dataclass(frozen=True, eq=False)
class Grouped:
    """The rows with their channel, how many each channel has, by which rules and sites, and warnings."""

    rows: pl.DataFrame
    counts: pl.DataFrame
    rules: str
    sites: str
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return the rows of the source in their order, with the column channel."""
        return self.rows


def with_channels(
    table: Source,
    *,
    rules: str | Path | None = None,
    sites: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> pl.DataFrame:
    """Return the table with the column channel, from source, medium and campaign; all else as it was.

    A column channel that the table has already is replaced in its place, and a warning says so.

    The first rule that matches wins; case and spaces around a value do not count, and blank is null.
    Without ``rules`` they are those of the default channel group (grouping/rules.toml), without ``sites``
    those of grouping/sites.toml; both are files that an analyst may write. Where cells are empty and
    there is a column ``url``, the query of the page gives utm_source, utm_medium and utm_campaign; where
    neither says source or medium, a click id (gclid, ...) stands for its platform. ``columns`` maps
    source, medium, campaign and url to the names that the table has for them.

    Rows that no rule matches are Unassigned, and a warning tells how many; the same with its counts and
    warnings as a value: ``attribution.grouping.channels_of``.

    Raises:
        TableError: the table cannot be read, or has neither source and medium nor url.
        ParameterError: ``columns`` is no mapping, or a file of rules or sites is none: the file and the rule.

    >>> visits = {"source": ["google", "LinkedIn", None], "medium": ["cpc", "social", None]}
    >>> with_channels(pl.DataFrame(visits))["channel"].to_list()
    ['Paid Search', 'Organic Social', 'Direct']

    Source: Google, "Default channel group", the order of its rules; the sites are a list of our own.
    """
    found = channels_of(table, rules=rules, sites=sites, columns=columns, reading=reading)
    for line in found.warnings:
        warnings.warn(line, stacklevel=2)
    return found.table()


def channels_of(
    table: Source,
    *,
    rules: str | Path | None = None,
    sites: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> Grouped:
    """Return what ``with_channels`` does, with the counts by channel, the rules, the sites and the warnings.

    >>> found = channels_of(pl.DataFrame({"source": ["partner", "bing"], "medium": ["talk", "organic"]}))
    >>> found.counts.rows()
    [('Organic Search', 1), ('Unassigned', 1)]
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise ParameterError.out_of_range("columns", columns, 'a mapping, as {"source": "utm_source"}')
    reading, known = reading or Reading(), load_sites(sites)
    ruled = load_rules(rules, known)
    whole = read(table, "events", None, reading.delimiter)
    has_url = "url" in {*whole.columns, *(columns or {})}
    checked = check_table("links" if has_url else "sources", whole, reading, columns)
    cells = cells_of(checked.frame, ruled)
    channel = classified(cells, ruled, known).set(checked.reason.is_not_null(), None)
    counts = channel.drop_nulls().value_counts(name="rows").cast({"rows": pl.Int64})
    counts = counts.sort("rows", "channel", descending=[True, False])
    told = (*checked.warnings, *replaced(whole, columns or {}), *notes(checked, cells, channel, ruled))
    made = whole.frame.with_columns(channel)
    return Grouped(made, counts, f"{ruled.name}, {ruled.version}", f"{known.where}, {known.version}", told)


def replaced(whole: Read, columns: Mapping[str, str]) -> list[str]:
    """Return that the column channel of the table is replaced, and by what it was read before."""
    if "channel" not in whole.columns:
        return []
    read_as = [ours for ours, theirs in columns.items() if theirs == "channel"]
    after = f" after it was read as {', '.join(read_as)}" if read_as else ""
    return [f"{whole.where}: the column channel is replaced{after}; rename it before, to keep what it holds"]


def cells_of(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return source, medium and campaign of each row in lower case, with what the url says; "" for none."""
    given = [clean(pl.col(name)) if name in frame.columns else pl.lit(None, pl.String) for name in CELLS]
    cells = frame.select(pl.int_range(pl.len()).alias("row"), *map(pl.Expr.alias, given, CELLS)).drop("row")
    if "url" in frame.columns:
        cells = filled(cells, frame["url"], rules.click_ids)
    return cells.select(pl.all().fill_null("").str.to_lowercase())


def classified(cells: pl.DataFrame, rules: Rules, sites: Sites) -> pl.Series:
    """Return the channel of each row; every combination is looked at once."""
    known = cells.unique().with_columns(sites.of(pl.col("source")).alias(SITE))
    known = known.select(*CELLS, rules.channel().alias("channel"))
    return cells.join(known, on=CELLS, how="left", maintain_order="left")["channel"]


def notes(visits: Checked, cells: pl.DataFrame, channel: pl.Series, rules: Rules) -> list[str]:
    """Return how many rows no rule matches, with the most frequent of them, and how many have no channel."""
    absent = [name for name in ("source", "medium") if name not in visits.frame.columns]
    lines = [f"{visits.where}: no column {name}, so that only url tells it" for name in absent]
    rest = cells.filter(channel == rules.otherwise)
    if len(rest):
        often = rest.group_by(CELLS).len("rows").sort("rows", *CELLS, descending=[True, False, False, False])
        told = "; ".join(" / ".join(map(shown, row[:3])) for row in often.head(EXAMPLES).iter_rows())
        lines.append(
            f"{visits.where}: {len(rest):,} of {len(cells):,} rows are {rules.otherwise}, as no rule matches "
            f"source / medium / campaign: {told}"
        )
    if lost := channel.null_count():
        lines.append(f"{visits.where}: {lost:,} rows have no channel, as their cells do not fit the header")
    return lines
