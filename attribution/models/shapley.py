"""Shapley: the fair share of every channel in the game of conversions, in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys
from attribution.models.channel_weights import weigh_distinct
from attribution.models.model import TouchpointRule
from attribution.parameters import param


@dataclass(frozen=True)
class Shapley(TouchpointRule):
    """Every conversion is shared equally among the distinct channels of its journey.

    Formula: with v(S) = conversions of journeys whose channels are all in S, the Shapley value of
    channel c is the sum over converting journeys that met c of 1 / (number of distinct channels);
    each channel's part is shared over its touchpoints. Linear cost, any number of channels.

    Example: on ``ads > mail > ads`` ads and mail take a half each.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 3], [0, 1, 0], None, [1], [[1]])
    >>> Shapley().weights(path).tolist()
    [0.25, 0.5, 0.25]

    Source: Shapley (1953), "A value for n-person games"; Zhao, Mahboobi, Bagheri (2018),
    "Shapley value methods for attribution modeling in online advertising", section 3.
    """

    game: str = param("conversions", "what a set of channels is worth", choices=("conversions",))
    name: str = field(default="shapley", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return 1 for each distinct channel, shared over its touchpoints."""
        ones = np.ones(len(journeys.channels))
        return weigh_distinct(journeys.offsets, journeys.channel, ones)
