"""Credits: the outcomes shared among channels by one model, and the side-by-side result of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from attribution.arrays import Float64, frozen
from attribution.channels import UNATTRIBUTED, label
from attribution.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Credits:
    """Credit of k channels for m outcomes; sum over channels + unattributed = totals.

    ``by_journey`` is False where totals were shared and not journeys: such credits have no win rate.

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

    def table(self) -> pl.DataFrame:
        """Return the credits table: model, channel, a column an outcome, credited_by."""
        order = self.order()
        values = np.vstack([self.values[order], self.unattributed])
        names = [*(label(self.channels[c]) for c in order), UNATTRIBUTED]
        return pl.DataFrame(
            [
                pl.Series("model", [self.model] * len(names), dtype=pl.String),
                pl.Series("channel", names, dtype=pl.String),
                *(pl.Series(name, values[:, i]) for i, name in enumerate(self.outcome_names)),
                pl.Series("credited_by", ["journey" if self.by_journey else "total"] * len(names)),
            ]
        )


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, Credits]):
    """The credits of several models over the same journeys, by the model's name.

    ``report`` counts what was used and set aside on the way; ``sums`` are the outcomes that went in.
    """

    credits: Mapping[str, Credits]
    report: Any = field(default=None)
    sums: Float64 | None = None  # [m]

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
        return tuple(dict.fromkeys(line for each in self.values() for line in each.warnings))

    def table(self) -> pl.DataFrame:
        """Return the credits tables of all models, one below the other."""
        return pl.concat([each.table() for each in self.values()])
