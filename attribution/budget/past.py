"""Past: what was spent on each channel in each period, and what was credited to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.statistics import Resampling

PERIOD_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}


@dataclass(frozen=True, eq=False)
class Past:
    """Spend and outcomes of C channels in P periods; ``rest`` is what other cells were credited.

    ``drawn`` holds the outcomes of the channels, and of the rest below them, of other customers.
    """

    model: str
    outcome_name: str
    unit: str
    days: tuple[date, ...]
    channels: tuple[str, ...]  # with spend
    without_spend: tuple[str, ...]
    spend: Float64  # [C, P]
    outcome: Float64  # [C, P]
    rest: Float64  # [P]
    drawn: Float64 | None  # [R, C + 1, P]
    resampling: Resampling
    now: Float64  # [C] spend in cents, the mean of the last periods in which any was spent
    now_days: tuple[date, date]  # the first days of the first and the last of these periods
    warnings: tuple[str, ...] = ()

    @property
    def period_days(self) -> float:
        """The mean length of a period in days."""
        return PERIOD_DAYS[self.unit]

    @property
    def usual(self) -> Float64:
        """The mean spend of a channel in all periods [C]."""
        mean: Float64 = self.spend.mean(axis=1)
        return mean

    @property
    def seen(self) -> Float64:
        """The lowest and the highest spend of a channel in a period [2, C]."""
        return np.stack([self.spend.min(axis=1), self.spend.max(axis=1)])

    def named(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table of this past with the model and the period that it is of."""
        return table.with_columns(model=pl.lit(self.model), period=pl.lit(self.unit)).select(
            "model", "period", *table.columns
        )

    def until(self, periods: int) -> Past:
        """Return the first of the periods."""
        drawn = None if self.drawn is None else self.drawn[:, :, :periods]
        return replace(
            self,
            days=self.days[:periods],
            spend=self.spend[:, :periods],
            outcome=self.outcome[:, :periods],
            rest=self.rest[:periods],
            drawn=drawn,
        )

    def with_few(self, replicates: int) -> Past:
        """Return it with so many replicates at most, for what needs no interval."""
        few = min(replicates, self.resampling.replicates)
        drawn = None if self.drawn is None else self.drawn[:few]
        return replace(self, drawn=drawn, resampling=replace(self.resampling, replicates=few))
