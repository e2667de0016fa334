"""Credits: the outcomes shared among channels by one model, and the side-by-side result of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from attribution.arrays import Float64, frozen
from attribution.channels import UNATTRIBUTED, label
from attribution.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Replicates:
    """The credits of R resampled sets of customers: a quantity of each makes the quantity's interval."""

    values: Float64  # [R, k + 1, m], the last row unattributed
    resampling: Any
    method: str  # bootstrap, or jackknife where a model is slow: replicates are linear in the folds then
    folds: int  # that were drawn from
    owners: str = "customers"  # what folds consist of: customers, accounts or journeys

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))


@dataclass(frozen=True, eq=False)
class Credits:
    """Credit of k channels for m outcomes; sum over channels + unattributed = totals.

    ``by_journey`` is False where totals were shared and not journeys: such credits have no win rate.
    Where intervals were asked for there are ``replicates``, or ``unsure`` says why there are none.

    >>> Credits("linear", ("ads", "mail"), ("leads",), [[1.5], [0.5]], [1]).table()["leads"].to_list()
    [1.5, 0.5, 1.0]
    """

    model: str
    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    values: Float64  # [k, m]
    unattributed: Float64  # [m]
    by_journey: bool = True
    details: Any = None  # what the model learned
    warnings: tuple[str, ...] = ()
    rule: Callable[[], Any] | None = None  # gives the share of every single touchpoint, or None
    replicates: Replicates | None = None
    unsure: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))
        object.__setattr__(self, "unattributed", frozen(self.unattributed, np.float64))

    @property
    def totals(self) -> Float64:
        """Every outcome, credited or not: [m]."""
        return np.asarray(self.values.sum(axis=0) + self.unattributed)

    def order(self) -> list[int]:
        """Return the channels' places in descending order of the first outcome, ties by name."""
        return sorted(range(len(self.channels)), key=lambda c: (-self.values[c, 0], self.channels[c]))

    @property
    def has_intervals(self) -> bool:
        """Whether intervals were asked for."""
        return self.replicates is not None or bool(self.unsure)

    def bounds(self) -> tuple[Float64, Float64]:
        """Return the ends of the intervals [k + 1, m], unattributed outcomes last; NaN where unknown.

        What no replicate knows anything of (no credit at all) has no interval.
        """
        if self.replicates is None:
            unknown = np.full((len(self.channels) + 1, len(self.outcome_names)), np.nan)
            return unknown, unknown
        values = self.replicates.values
        low, high = self.replicates.resampling.bounds(values)
        nothing = (values == 0).all(axis=0)
        return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)

    def table(self) -> pl.DataFrame:
        """Return the credits table: model, channel, a column an outcome, credited_by.

        With intervals, each outcome has its _low and _high, and ``reason`` says why one has none.
        """
        order = self.order()
        names = [*(label(self.channels[c]) for c in order), UNATTRIBUTED]
        columns = {
            "model": pl.Series([self.model] * len(names), dtype=pl.String),
            "channel": pl.Series(names, dtype=pl.String),
            **dict(
                zip(self.outcome_names, np.vstack([self.values[order], self.unattributed]).T, strict=True)
            ),
            "credited_by": pl.Series(["journey" if self.by_journey else "total"] * len(names)),
        }
        if not self.has_intervals:
            return pl.DataFrame(columns)
        bounds = [ends[[*order, len(order)]].T for ends in self.bounds()]
        ends = {
            f"{name}_{end}": pl.Series(values[i], nan_to_null=True)
            for i, name in enumerate(self.outcome_names)
            for end, values in zip(("low", "high"), bounds, strict=True)
        }
        lacking = [
            "; ".join(f"{name}: no interval without credit" for name in compress(self.outcome_names, unknown))
            for unknown in np.isnan(bounds[0]).T
        ]
        reason = [self.unsure] * len(names) if self.unsure else [why or None for why in lacking]
        told = pl.Series("reason", reason, dtype=pl.String)
        return pl.DataFrame(columns | ends).select(
            "model",
            "channel",
            *(each for name in self.outcome_names for each in (name, f"{name}_low", f"{name}_high")),
            "credited_by",
            told,
        )


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, Credits]):
    """The credits of several models over the same journeys, by the model's name.

    ``report`` counts what was used and set aside on the way; ``sums`` are the outcomes that went in;
    ``roles`` are the counts of what each channel does in journeys; ``learned`` are the statistics behind
    it all, which can be kept and added to.
    """

    credits: Mapping[str, Credits]
    report: Any = field(default=None)
    sums: Float64 | None = None  # [m]
    roles: Any = None
    role_replicates: Float64 | None = None  # [R, k, 8]
    learned: Any = field(default=None, repr=False)  # the statistics behind the credits

    def __getitem__(self, name: str) -> Credits:
        if name not in self.credits:
            raise ParameterError.unknown("model", name, self.credits)
        return self.credits[name]

    def __contains__(self, name: object) -> bool:
        return name in self.credits

    def get(self, name: str, default: Any = None) -> Any:
        """Return the credits of a model, or the default where there is no such model."""
        return self.credits.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.credits)

    def __len__(self) -> int:
        return len(self.credits)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the models have to say about their answers, each line once."""
        lines = [line for each in self.values() for line in (*each.warnings, each.unsure)]
        return tuple(dict.fromkeys(filter(None, lines)))

    def table(self) -> pl.DataFrame:
        """Return the credits tables of all models, one below the other."""
        return pl.concat([each.table() for each in self.values()])

    def save(self, path: str | Path, force: bool = False) -> bool:
        """Write the statistics behind the credits to a sealed .parquet file; return whether it changed.

        ``load_statistics`` reads it; statistics of disjoint customers add up.

        Raises:
            ParameterError: a model is none of the registry's, or the suffix is another.
            OutputError: the file cannot be written, or exists and differs and ``force`` is not set.
        """
        if self.learned is None:
            raise ParameterError("this result was not made by attribute, so there are no statistics to save")
        changed: bool = self.learned.save(path, force)
        return changed
