"""Positions: leads told apart as early, middle and late: a newsletter is not a quote request."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from attribution.errors import ParameterError, TableError, shown
from attribution.tables import Reading, Source
from attribution.tables.sources import read

POSITION = "funnel_position"


def with_funnel_position(
    leads: Source,
    column: str,
    *,
    early: Sequence[str] = (),
    middle: Sequence[str] = (),
    late: Sequence[str] = (),
    reading: Reading | None = None,
) -> pl.DataFrame:
    """Return the leads with a column funnel_position, by what a column says they asked for.

    It is a dimension like any other: ``funnel(log, by=["funnel_position"])`` tells counts and close rate,
    ``velocity`` the cycle. A lead of which the column says nothing has no position.

    Raises:
        ParameterError: a value has two positions.
        TableError: there is no such column, or it has values without a position.

    >>> leads = pl.DataFrame({"customer_id": ["a", "b"], "form": ["newsletter", "quote"]})
    >>> with_funnel_position(leads, "form", early=["newsletter"], late=["quote"])["funnel_position"].to_list()
    ['early', 'late']
    """
    source = read(leads, "outcomes", None, (reading or Reading()).delimiter)
    given = [
        (value, name)
        for name, values in (("early", early), ("middle", middle), ("late", late))
        for value in values
    ]
    place = dict(given)
    if len(place) < len(given):
        raise ParameterError.out_of_range(
            "early, middle, late", [value for value, _ in given], "each value once"
        )
    if column not in source.frame.columns:
        raise ParameterError.unknown("column of the leads", column, source.frame.columns)
    values = source.frame[column].cast(pl.String)
    odd = values.filter(~values.is_in(list(place)) & values.is_not_null())
    if len(odd):
        raise TableError.of(
            source.where,
            "values without a position",
            f"one of {', '.join(map(shown, place)) or 'those that are named'}",
            "name them in early=, middle= or late=",
            column=column,
            count=len(odd),
            examples=tuple(map(shown, odd.unique().sort().head(5))),
        )
    position = values.replace_strict(place, return_dtype=pl.String) if place else values
    return source.frame.with_columns(position.alias(POSITION))
