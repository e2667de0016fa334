"""Frequent paths: which channels journeys pass in which order, those of few customers as one row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64, Int64
from attribution.channels import TOTAL, UNATTRIBUTED, path_part
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.parameters import Parameter
from attribution.patterns.adding import added, nothing, of_sums, parts_of
from attribution.rare_channels import OTHER
from attribution.statistics.windows import collapse
from attribution.stitched import Stitched
from attribution.tables import check_outcome_names

FEWEST = Parameter(5, "customers that a path has at least; paths of fewer become one row", int, low=1)
NO_TOUCHPOINTS = "(no touchpoints)"
ROWS = (OTHER, NO_TOUCHPOINTS, TOTAL, UNATTRIBUTED)  # that are no channels
COLUMNS = ("path", "touchpoints", "customers", "journeys", "conversion_rate", "share")


def path_table(
    journeys: Stitched, *, fewest_customers: int = FEWEST.default, collapse_repeats: bool = True
) -> pl.DataFrame:
    """Return the paths of the journeys with their customers and outcomes, those with most outcomes first.

    Paths of fewer than ``fewest_customers`` customers, or of fewer journeys where customers are not known,
    are one row (other), which may itself be of fewer; journeys that met no channel are (no touchpoints); the
    last row is (total). ``touchpoints`` are those of the path as shown, where a run of one channel is one of
    them. ``conversion_rate`` is the first outcome a journey, ``share`` its part of all of that outcome. A
    channel that could be taken for a path or a row is quoted.

    Raises:
        ParameterError: ``fewest_customers`` is no whole number >= 1, or an outcome is named as a column.

    >>> from attribution import from_paths
    >>> paths = pl.DataFrame({"path": ["ads > ads > mail", "mail", "tv"], "conversions": [10, 5, 1]})
    >>> path_table(from_paths(paths))["path", "touchpoints", "conversions", "share"].rows()[:3]
    [('ads > mail', 2, 10.0, 0.625), ('mail', 1, 5.0, 0.3125), ('(other)', None, 1.0, 0.0625)]
    """
    if not FEWEST.accepts(fewest_customers):
        raise ParameterError.out_of_range("fewest_customers", fewest_customers, FEWEST.allowed)
    names = journeys.outcome_names
    check_outcome_names(names, COLUMNS)
    met = travelled(journeys, fewest_customers, collapse_repeats)
    empty = np.array([not path for path in met.paths], dtype=np.bool_)
    rare = ~empty & (met.followers < fewest_customers)
    kept = ~(rare | empty)
    codes = [np.frombuffer(met.paths[place], np.uint16) for place in np.flatnonzero(kept).tolist()]
    paths = rows_of(
        [path_text([journeys.channels[code] for code in each]) for each in codes],
        [len(each) for each in codes],
        met.customers[kept],
        met.sums[kept],
        names,
    ).sort(names[0], "journeys", "path", descending=[True, True, False])
    folded = [(OTHER, rare, met.together(rare)), (NO_TOUCHPOINTS, empty, int(met.customers[empty].sum()))]
    folded = [each for each in folded if each[1].any()]
    rest = rows_of(
        [name for name, _, _ in folded],
        [None] * len(folded),
        [customers for _, _, customers in folded],
        np.array([exact_sums(met.sums[some]) for _, some, _ in folded]).reshape(-1, met.sums.shape[1]),
        names,
    )
    table = pl.concat([paths, rest])
    sums = exact_sums(table.select("journeys", *names).to_numpy())
    table = pl.concat([table, rows_of([TOTAL], [None], [met.everyone], np.array([sums]), names)])
    first = table[names[0]].to_numpy()
    return table.with_columns(
        customers=pl.when(met.is_known).then("customers"),
        conversion_rate=parts_of(first, table["journeys"].to_numpy()),
        share=parts_of(first, sums[1]),
    )


@dataclass(frozen=True, eq=False)
class Travelled:
    """The distinct paths as bytes of channel codes, their sums, and how many customers travelled each.

    ``few`` are the pairs of path and customer of every path that too few travelled, and some of others.
    """

    paths: Sequence[bytes]
    sums: Float64  # [p, 1 + m]
    customers: Int64  # [p]
    few: Int64  # [x, 2]
    everyone: int
    is_known: bool  # whose every journey is

    @property
    def followers(self) -> Int64 | Float64:
        """What tells whether a path is rare: its customers, or its journeys where they are not known."""
        return self.customers if self.is_known else self.sums[:, 0]

    def together(self, rare: Bool) -> int:
        """Return how many customers travelled any of the rare paths."""
        return len(np.unique(self.few[rare[self.few[:, 0]], 1]))


def travelled(journeys: Stitched, fewest: int, collapse_repeats: bool) -> Travelled:
    """Return what is known of each path; of customers no more than what tells those of rare paths apart."""
    traced = journeys.traced
    number: dict[bytes, int] = {}
    sums, customers = nothing(journeys.outcome_names), np.zeros(0, np.int64)
    few, everyone, is_known = [np.zeros((0, 2), np.int64)], 0, True
    for first, fold in enumerate(traced.folds):
        batch = fold().journeys
        if not len(batch):
            continue
        place = np.array([number.setdefault(path, len(number)) for path in keys(batch, collapse_repeats)])
        sums = added(sums, batch, place, len(number))
        whose = traced.name(first, batch)["customer_id"]
        is_known &= whose.null_count() == 0
        pairs = pl.DataFrame({"path": place, "customer": whose.rank("dense").cast(pl.Int64)}).unique()
        met = pairs.drop_nulls().sort(pl.all()).to_numpy()
        customers = np.pad(customers, (0, len(number) - len(customers)))
        customers += np.bincount(met[:, 0], minlength=len(number))
        few.append(met[customers[met[:, 0]] < fewest] + [0, everyone])  # a customer is of one fold alone
        everyone += whose.drop_nulls().n_unique()
    return Travelled(list(number), sums, customers, np.vstack(few), everyone, is_known)


def keys(journeys: Journeys, collapse_repeats: bool) -> list[bytes]:
    """Return the channel codes of each journey as bytes.

    >>> two = Journeys(("ads", "mail"), ("leads",), [0, 3, 3], [1, 1, 0], None, [1, 1], [[1], [0]])
    >>> [list(key[::2]) for key in keys(two, True)]
    [[1, 0], []]
    """
    offsets, channel = journeys.offsets, journeys.channel
    if collapse_repeats:
        offsets, channel = collapse(offsets, channel)
    codes = channel.tobytes()
    return [codes[start:stop] for start, stop in pairwise((offsets * channel.itemsize).tolist())]


def path_text(channels: Sequence[str]) -> str:
    """Return the path as it is shown.

    >>> path_text(["ads", "mail"]), path_text(["(total)"]), path_text(["a > b", "mail"])
    ('ads > mail', '"(total)"', '"a > b" > mail')
    """
    return " > ".join(path_part(name, ROWS if len(channels) == 1 else ()) for name in channels)


def exact_sums(rows: Float64) -> list[float]:
    """Return the exactly rounded sum of each column, whatever the order of the rows."""
    return [math.fsum(column) for column in rows.T]


def rows_of(
    paths: Sequence[str],
    touchpoints: Sequence[int | None],
    customers: Sequence[int] | Int64,
    sums: Float64,
    outcome_names: Sequence[str],
) -> pl.DataFrame:
    """Return rows of the table, without their parts of others."""
    columns = {
        "path": pl.Series(paths, dtype=pl.String),
        "touchpoints": pl.Series(touchpoints, dtype=pl.Int64),
        "customers": pl.Series(customers, dtype=pl.Int64),
    }
    return pl.DataFrame(columns | of_sums(sums, outcome_names))
