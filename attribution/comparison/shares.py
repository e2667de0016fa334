"""Shares: what part of all outcomes each model gives to each channel, as it is and in every replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.credits import Result
from attribution.errors import ParameterError, TableError
from attribution.statistics import Resampling

DIGITS = 12  # of a share; what lies behind is rounding


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of M models and k channels in one outcome; with unattributed outcomes they sum to 1."""

    models: tuple[str, ...]
    channels: tuple[str, ...]
    outcome: str
    values: Float64  # [M, k]
    drawn: Float64 | None  # [M, R, k]
    resampling: Resampling | None

    @property
    def ranks(self) -> Int64:
        """The channels' places in each model, 1 for the largest share, ties by name [M, k]."""
        return ranked(self.values)

    def bounds(self, drawn: Float64) -> tuple[Float64, Float64]:
        """Return the ends of the intervals of something drawn [R, ...]."""
        assert self.resampling is not None
        return self.resampling.bounds(drawn)


def shares_of(result: Result, outcome: str | None) -> Shares:
    """Return the shares in an outcome, the first without a name.

    Formula: share = credit / all outcomes, credited or not; NaN in replicates without anything to share.

    Raises:
        ParameterError: there is no such outcome.
        TableError: there is nothing of it to share.
    """
    credits = list(result.values())
    if not credits:
        raise ParameterError("nothing to compare: got no models, expected at least one")
    names = credits[0].outcome_names
    if outcome is not None and outcome not in names:
        raise ParameterError.unknown("outcome", outcome, names)
    i = names.index(outcome) if outcome is not None else 0
    total = credits[0].totals[i]
    if not total > 0:
        raise TableError.of(
            f"outcome {names[i]!r}",
            f"a total of {total:g}",
            "more than 0 to share",
            "compare another outcome",
        )
    made = [each.replicates for each in credits]
    known = [each.values[:, :, i] for each in made if each is not None]
    drawn = None
    if len(known) == len(credits):
        sums = [each.sum(axis=1, keepdims=True) for each in known]
        drawn = np.stack(
            [each[:, :-1] / np.where(sum > 0, sum, np.nan) for each, sum in zip(known, sums, strict=True)]
        )
    return Shares(
        tuple(result),
        credits[0].channels,
        names[i],
        np.stack([each.values[:, i] / total for each in credits]),
        drawn,
        next((each.resampling for each in made if each is not None), None),
    )


def ranked(values: Float64) -> Int64:
    """Return places in descending order along the last axis, from 1; those equal to 1e-12 in their order.

    >>> ranked(np.array([0.2, 0.5, 0.2])).tolist()
    [2, 1, 3]
    """
    order = np.argsort(-values.round(DIGITS), axis=-1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, values.shape[-1] + 1), axis=-1)
    return places
