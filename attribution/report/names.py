"""Names: those of channels as a page can show them, clean, short and few: the rest become (other)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED
from attribution.kpis import KPIS
from attribution.kpis.spelling import unit_of
from attribution.rare_channels import OTHER

LONGEST = 60  # signs of a name
STEERS = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, and separators of lines
TURNS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"  # the way text runs
ISOLATE, END = "\u2068", "\u2069"  # between which text turns nothing around it
ENDS = ("_low", "_high", "_shrunken")  # of figures that no sum has
MARGINAL = "marginal_"  # costs of one more, which do not add up
RATIOS = {kpi.name: kpi for kpi in KPIS if kpi.denominator}


def clean(text: str, longest: int = LONGEST) -> str:
    r"""Return a text cut to so many signs, without what could steer a terminal or turn the way text runs.

    >>> clean("red\x1b[31m"), len(clean("a" * 100))
    ('red�[31m', 60)
    """
    safe = "".join(
        "\ufffd" if sign in TURNS or unicodedata.category(sign) in STEERS else sign for sign in text
    )
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"


def apart(text: str) -> str:
    """Return a text that runs from right to left as one that turns nothing around it.

    >>> apart("ads"), len(apart("\u05d0"))
    ('ads', 3)
    """
    leftward = any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)
    return f"{ISOLATE}{text}{END}" if leftward else text


def shown_names(names: Iterable[str], longest: int = LONGEST) -> dict[str, str]:
    """Return how each name is shown: different names stay different.

    >>> list(shown_names(["ads", "b" * 70, "b" * 80]).values())[2][-5:]
    '… (2)'
    """
    shown: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short, number = clean(name, longest), 2
        while short in taken:
            short, number = f"{clean(name, longest - 5)} ({number})", number + 1
        taken.add(short)
        shown[name] = apart(short)
    return shown


def most_named(credits: pl.DataFrame, outcome: str, most: int) -> dict[str, str]:
    """Return how each channel is shown: the ones with the most of an outcome by name, the others as one.

    One more than ``most`` are all named: there would be nothing to fold.

    >>> credits = pl.DataFrame({"channel": ["a", "b", "c"], "leads": [1.0, 5.0, 2.0]})
    >>> most_named(credits, "leads", 1)
    {'b': 'b', 'a': '(other)', 'c': '(other)'}
    """
    own = credits.filter(~pl.col("channel").is_in([UNATTRIBUTED, TOTAL]))
    best = own.sort(outcome).group_by("channel", maintain_order=True).agg(pl.col(outcome).max())
    order = best.sort([outcome, "channel"], descending=[True, False])["channel"].to_list()
    keep = order if len(order) <= most + 1 else order[:most]
    return shown_names(keep) | dict.fromkeys(sorted(order[len(keep) :]), OTHER)


def named(table: pl.DataFrame, names: Mapping[str, str], column: str = "channel") -> pl.DataFrame:
    """Return the table with its channels as they are shown."""
    raw = pl.col(column).cast(pl.String)
    return table.with_columns(raw.replace(dict(names)))


def is_sum(name: str) -> bool:
    """Return whether a column of numbers is a sum over what it is told of: no ratio, rate or interval.

    >>> [is_sum(name) for name in ("spend", "cost_per_lead", "leads_low", "marginal_cost_now")]
    [True, False, False, False]
    """
    never = name.endswith(ENDS) or name.startswith(MARGINAL)
    return not never and name not in RATIOS and unit_of(name) in ("count", "money")


def summed(table: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return one row a key: counts and money are summed, ratios are those of the sums, intervals unknown.

    >>> rows = [{"channel": "ads", "spend": 6.0, "leads": 3.0, "cost_per_lead": 2.0}] * 2
    >>> summed(pl.DataFrame(rows), ["channel"]).row(0)
    ('ads', 12.0, 6.0, 2.0)
    """
    sums = [name for name, kind in table.schema.items() if kind.is_numeric() and is_sum(name)]
    added = (
        table.sort(*sums)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).cast(pl.Float64).sum()).alias(name)
            for name in sums
        )
    )
    there = {*table.columns}
    ratios = [kpi for name, kpi in RATIOS.items() if {name, kpi.numerator, kpi.denominator} <= there]
    told = added.with_columns(
        pl.when(pl.col(kpi.denominator) > 0)
        .then(pl.col(kpi.numerator) / pl.col(kpi.denominator) * kpi.per - kpi.minus)
        .alias(kpi.name)
        for kpi in ratios
    )
    return told.select(name for name in table.columns if name in told.columns)


def folded(table: pl.DataFrame, names: Mapping[str, str], keys: Sequence[str]) -> pl.DataFrame:
    """Return the table with the channels that have no name of their own as one row, by keys.

    >>> rows = [{"channel": name, "spend": 6.0, "leads": 3.0, "cost_per_lead": 2.0} for name in "ab"]
    >>> folded(pl.DataFrame(rows), {"a": "(other)", "b": "(other)"}, ["channel"]).row(0)
    ('(other)', 12.0, 6.0, 2.0)
    """
    shown = named(table, names)
    if OTHER not in {short for name, short in names.items() if name != OTHER}:
        return shown  # one that a run has grouped is a row already
    own = shown.filter(pl.col("channel") != OTHER)
    whole = pl.concat([own, summed(shown.filter(channel=OTHER), keys)], how="diagonal_relaxed")
    below = pl.col("channel").replace_strict({OTHER: 1, UNATTRIBUTED: 2, TOTAL: 3}, default=0)
    return whole.select(table.columns).sort(below, maintain_order=True)
