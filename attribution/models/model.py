"""What a model is: observers of journeys, and the credit that follows from their statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.channels import MOST
from attribution.credits import Credits
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.parameters import check
from attribution.statistics import CreditTotals, Observer, Stacked, Totals


@dataclass(frozen=True)
class Model(ABC):
    """A frozen value: its parameters, checked when it is made; it learns nothing into itself.

    Raises:
        ParameterError: a parameter is outside its declared range.
    """

    name: str = field(default="", kw_only=True, compare=False)
    needs_ages: ClassVar[bool] = False  # path tables have none
    most_channels: ClassVar[int] = MOST

    def __post_init__(self) -> None:
        check(self)

    @property
    @abstractmethod
    def observers(self) -> tuple[Observer, ...]:
        """What has to be observed; equal observers of several models are observed once."""

    @abstractmethod
    def credit(self, *statistics: Any) -> Credits:
        """Return the credits that follow from the statistics of the observers, in their order."""

    @abstractmethod
    def rule(self, *statistics: Any) -> TouchpointRule | None:
        """Return the share of every single touchpoint, whose tally is the credit; None if there is none."""

    def slow(self, *_statistics: Any) -> bool:
        """Return whether a credit takes longer than about 20 ms, told from sizes and never by a clock."""
        return False

    def credit_each(self, stacks: Sequence[Stacked], sums: Sequence[Float64]) -> Float64:
        """Return the credits of R sums [R, length] of each observer's vectors: [R, k + 1, m].

        They are those that ``credit`` gives, the unattributed outcomes below them.
        """
        restored = (
            [stack.restored(vector) for stack, vector in zip(stacks, vectors, strict=True)]
            for vectors in zip(*sums, strict=True)
        )
        return np.stack([rows_of(self.credit(*statistics)) for statistics in restored])

    @property
    def gives_up(self) -> frozenset[str]:
        """The laws that the model does not keep, by name."""
        return frozenset()


def rows_of(credits: Credits) -> Float64:
    """Return credits with the unattributed outcomes as the last row [k + 1, m]."""
    return np.vstack([credits.values, credits.unattributed])


@dataclass(frozen=True)
class TouchpointRule(Model):
    """A model that weighs the touchpoints of one journey without looking at any other.

    s_i = w_i / sum w; credit of a channel = sum over its touchpoints of s_i x outcome.
    """

    @abstractmethod
    def weigh(self, journeys: Journeys) -> Float64:
        """Return a raw weight >= 0 for every touchpoint [t], not all 0 in a journey."""

    def weights(self, journeys: Journeys) -> Float64:
        """Return the raw weights normalised to sum 1 in each journey [t]."""
        return normalised(journeys.offsets, self.weigh(journeys))

    @property
    def observers(self) -> tuple[Observer, ...]:
        """The tally under this rule."""
        return (Totals(self),)

    def credit(self, *statistics: CreditTotals) -> Credits:
        """Return the tally as credits."""
        (totals,) = statistics
        return Credits(self.name, totals.channels, totals.outcome_names, totals.credit, totals.unattributed)

    def rule(self, *_: CreditTotals) -> TouchpointRule | None:
        """Return itself."""
        return self


@kernel
def normalised(offsets: Int64, raw: Float64) -> Float64:
    """Return the raw weights divided by their sum in each journey."""
    weight = raw.copy()
    for j in range(offsets.size - 1):
        total = 0.0
        for t in range(offsets[j], offsets[j + 1]):
            total += weight[t]
        for t in range(offsets[j], offsets[j + 1]):
            weight[t] /= total
    return weight
