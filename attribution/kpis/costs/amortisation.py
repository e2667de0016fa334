"""Amortisation: an amount spread over months, or over places by weight, so that its parts add up exactly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import polars as pl

Key: TypeAlias = tuple[Any, ...]


def spread(amount: float, weights: Sequence[float]) -> list[float]:
    """Return the parts of an amount of money >= 0 in proportion to weights > 0: cents by largest remainder.

    Formula: part_i = floor(c w_i / sum w) cents of the c cents nearest to the amount; the cents that are
    left go to the largest remainders, the first of equal ones; a fraction of a cent stays with the
    largest part. math.fsum of the parts is the amount.

    Example: 50 over ten is 5 each; 100 over three has a cent too many for equal parts.

    >>> spread(50.0, [1] * 10)[0], spread(100.0, [1, 1, 1]), spread(10.0, [3, 1])
    (5.0, [33.34, 33.33, 33.33], [7.5, 2.5])
    """
    exact = [float(weight).as_integer_ratio() for weight in weights]
    scale = max(below for _, below in exact)  # a power of two, as every one of them
    whole = [above * (scale // below) for above, below in exact]
    total, cents = sum(whole), round(Fraction(amount) * 100)
    each = [divmod(cents * weight, total) for weight in whole]
    left = cents - sum(part for part, _ in each)
    extra = set(sorted(range(len(each)), key=lambda i: (-each[i][1], i))[:left])
    parts = [(part + (i in extra)) / 100 for i, (part, _) in enumerate(each)]
    for i in sorted(range(len(parts)), key=lambda i: (-parts[i], i)):
        if math.fsum(parts) == amount:
            break
        parts[i] = math.fsum([amount, *(-part for j, part in enumerate(parts) if j != i)])
    return parts


def moved(date: pl.Expr, zone: str, by: str | pl.Expr) -> pl.Expr:
    """Return instants moved by a length such as 2mo or 36h on the calendar of the zone.

    >>> day = pl.Series(["2026-01-31"]).str.to_datetime(time_zone="UTC")
    >>> day.to_frame("d").select(moved(pl.col("d"), "UTC", "1mo")).item().isoformat()
    '2026-02-28T00:00:00+00:00'
    """
    local = date.dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.offset_by(by)
    there = [
        each.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for each in (local, local.dt.offset_by("1h"))  # an hour that clocks leave out is the next one
    ]
    return pl.coalesce(there).dt.convert_time_zone("UTC")


def over_months(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the rows of date, spend and months with one row a month: equal parts on the same day of each.

    A day that a month does not have is its last one. A row without months is kept as it is.

    >>> rows = pl.DataFrame({"spend": [100.0], "months": [3], "date": ["2026-01-31"]})
    >>> rows = rows.with_columns(pl.col("date").str.to_datetime(time_zone="UTC"))
    >>> over_months(rows, "UTC").select(pl.col("date").dt.date().cast(str), "spend").rows()
    [('2026-01-31', 33.34), ('2026-02-28', 33.33), ('2026-03-31', 33.33)]
    """
    number: list[int] = []
    nth: list[int] = []
    parts: list[float] = []
    for n, (amount, months) in enumerate(rows.select("spend", "months").iter_rows()):
        number += [n] * (months or 1)
        nth += range(months or 1)
        parts += spread(amount, [1] * months) if months else [amount]
    length = pl.format("{}mo", pl.lit(pl.Series(nth, dtype=pl.Int64)))
    amounts = pl.Series(parts, dtype=pl.Float64)
    return rows[number].with_columns(moved(pl.col("date"), zone, length), spend=amounts)


@dataclass(frozen=True, eq=False)
class Weights:
    """What amounts follow: the weight of each key; the first ``own`` of its ``names`` are the place."""

    by_key: Mapping[Key, float]
    names: tuple[str, ...]
    own: int

    def indexed(self, named: Sequence[bool]) -> dict[Key, dict[Key, float]]:
        """Return the places with a weight and their sums, by those parts of the key that are named.

        >>> weights = Weights({("ads", 1): 2.0, ("ads", 2): 3.0, ("mail", 1): 0.0}, ("channel", "week"), 1)
        >>> weights.indexed([False, False])
        {(): {('ads',): 5.0}}
        """
        found: dict[Key, dict[Key, list[float]]] = defaultdict(lambda: defaultdict(list))
        for key in sorted(self.by_key, key=in_order):
            if self.by_key[key] > 0:
                wanted = tuple(part for part, is_named in zip(key, named, strict=True) if is_named)
                found[wanted][key[: self.own]].append(self.by_key[key])
        return {
            wanted: {place: math.fsum(each) for place, each in places.items()}
            for wanted, places in found.items()
        }


def in_order(key: Key) -> tuple[tuple[bool, Any], ...]:
    """Return what keys are sorted by: part by part, an empty one last."""
    return tuple((part is None, 0 if part is None else part) for part in key)


def shared(
    rows: Sequence[tuple[Key, float]], weights: Weights
) -> tuple[list[int], list[Key], list[float], list[int]]:
    """Return the number of the row, the place and the amount of each part, and the rows that no place has.

    A row is what it names of the key (None: not named) and its amount.

    >>> weights = Weights({("ads",): 3.0, ("mail",): 1.0}, ("channel",), 1)
    >>> shared([((None,), 10.0), (("tv",), 1.0)], weights)
    ([0, 0], [('ads',), ('mail',)], [7.5, 2.5], [1])
    """
    number: list[int] = []
    places: list[Key] = []
    parts: list[float] = []
    none: list[int] = []
    index: dict[tuple[bool, ...], dict[Key, dict[Key, float]]] = {}
    for n, (key, amount) in enumerate(rows):
        named = tuple(part is not None for part in key)
        if named not in index:
            index[named] = weights.indexed(named)
        found = index[named].get(tuple(part for part in key if part is not None))
        if found is None:
            none.append(n)
            continue
        number += [n] * len(found)
        places += found
        parts += spread(amount, list(found.values()))
    return number, places, parts, none
