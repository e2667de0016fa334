"""Markov: channels weigh what would be lost if they were taken out of the chain of journeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from attribution.arrays import Float64
from attribution.credits import Credits
from attribution.models.chain import (
    MOST_CHANNELS,
    is_slow,
    is_solved_together,
    removal_effects,
    removal_effects_each,
)
from attribution.models.channel_weights import ChannelWeights
from attribution.models.model import Model
from attribution.parameters import param
from attribution.statistics import (
    CoalitionOutcomes,
    Coalitions,
    Observer,
    Stacked,
    TransitionCounts,
    Transitions,
)


@dataclass(frozen=True)
class MarkovDetails:
    """What the chain learned; removal effects are None where there is no conversion."""

    removal_effects: dict[str, float | None]
    base_probability: float
    states: int
    status: str  # ok, no_conversions, converting_only


@dataclass(frozen=True)
class Markov(Model):
    """Credit follows the removal effects of an absorbing Markov chain of any order, in closed form.

    Formula: RE_c = N[s, D] (N[D, D])^-1 h[D] / h[s], the share of conversions lost when arrivals at
    channel c become null. ``share="journey"``: inside each converting journey every distinct
    channel weighs RE_c, shared over its touchpoints. ``share="global"``: every outcome's total is
    shared by its own removal effects: by channel only, without a rule, a credit log or a win rate.

    Example: A > B and B convert; B, A and A do not. p = 2/5; without A 4/15 is left, without B
    nothing: RE_A = 1/3, RE_B = 1. A has a quarter of the journey A > B, B the rest and its own.

    >>> from attribution.journeys import Journeys
    >>> paths = Journeys(("A", "B"), ("leads",), [0, 2, 3, 4], [0, 1, 1, 0], None,
    ...                  [1, 2, 2], [[1], [1], [0]])
    >>> model = Markov()
    >>> credits = model.credit(*(observer.observe(paths) for observer in model.observers))
    >>> credits.values.round(12).tolist()
    [[0.25], [1.75]]

    Source: Anderl, Becker, von Wangenheim, Schumann (2016), "Mapping the customer journey: lessons
    learned from graph-based online attribution modeling", sections 3.2 and 3.3.
    """

    most_channels: ClassVar[int] = MOST_CHANNELS
    order: int = param(1, "channels that a state remembers", low=1)
    share: str = param("journey", "what is shared: each journey, or the total", choices=("journey", "global"))
    collapse_repeats: bool = param(False, "count a run of one channel as one touchpoint")
    name: str = field(default="markov", kw_only=True, compare=False)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """The chain, and the coalitions whose outcomes are shared."""
        chain = Transitions(self.order, self.collapse_repeats)
        return (chain, Coalitions()) if self.share == "journey" else (chain,)

    def credit(self, *statistics: Any) -> Credits:
        """Return the credits and, as details, removal effects, base probability and states."""
        chain: TransitionCounts = statistics[0]
        per_journey, effects = removal_effects(chain)
        values, unattributed = self.shared(effects, *statistics)
        status = status_of(chain)
        removal = [None if np.isnan(effect) else float(effect) for effect in effects[:, 0]]
        return Credits(
            self.name,
            chain.channels,
            chain.outcome_names,
            values,
            unattributed,
            by_journey=self.share == "journey",
            details=MarkovDetails(
                dict(zip(chain.channels, removal, strict=True)),
                float(per_journey[0]),
                len(chain.states),
                status,
            ),
            warnings=() if status == "ok" else (f"{self.name}: {WARNINGS[status]}",),
        )

    def shared(self, effects: Float64, *statistics: Any) -> tuple[Float64, Float64]:
        """Return what the removal effects [..., k, m] share, and what is unattributed [..., m]."""
        if self.share == "journey":
            coalitions: CoalitionOutcomes = statistics[1]
            return coalitions.shared(np.nan_to_num(effects[..., 0])), coalitions.unattributed
        chain: TransitionCounts = statistics[0]
        totals = chain.ends.sum(axis=-2)
        values = share_totals(totals, effects)
        credited = values.sum(axis=-2)
        return values, chain.unattributed + (totals - credited) * (credited == 0)

    def credit_each(self, stacks: Sequence[Stacked], sums: Sequence[Float64]) -> Float64:
        """Return the credits of many sums, together where the chain is of order 1 and not large."""
        own = type(self).credit is not Markov.credit
        if own or not is_solved_together(stacks[0].restored(sums[0])):
            return super().credit_each(stacks, sums)
        statistics = [stack.restored(vectors) for stack, vectors in zip(stacks, sums, strict=True)]
        values, unattributed = self.shared(removal_effects_each(statistics[0]), *statistics)
        return np.concatenate([values, unattributed[:, None]], axis=1)

    def rule(self, *statistics: Any) -> ChannelWeights | None:
        """Return the removal effects as weights inside each journey; None under share="global"."""
        if self.share == "global":
            return None
        return ChannelWeights(by_channel=np.nan_to_num(removal_effects(statistics[0])[1][:, 0]))

    def slow(self, *statistics: Any) -> bool:
        """Return whether the chain, or the sharing of many coalitions, is."""
        shared = len(statistics[1].sets.lists[1]) if self.share == "journey" else 0
        return is_slow(statistics[0]) or shared > SHARED_QUICKLY

    @property
    def gives_up(self) -> frozenset[str]:
        """Totals that are shared by channel are not shared by journey."""
        if self.share == "journey":
            return frozenset()
        return frozenset({"one channel takes all", "tally of rule equals credit"})


WARNINGS = {
    "no_conversions": "no journey converts: credits are 0 and removal effects unknown",
    "converting_only": "every journey converts (converting_only): null journeys are needed to tell "
    "what a channel adds",
}


SHARED_QUICKLY = 2_000_000  # members of coalitions that are shared among in 20 ms
CANCEL = 1e-6  # effects that leave less than this of their size would share rounding errors


def status_of(chain: TransitionCounts) -> str:
    """Return whether the chain can tell channels apart: ok, no_conversions or converting_only."""
    if chain.ends[:, 0].sum() == 0:
        return "no_conversions"
    return "ok" if (chain.nulls > 0).any() else "converting_only"


def share_totals(totals: Float64, effects: Float64) -> Float64:
    """Return total x RE_c / sum RE for each outcome [..., k, m].

    An outcome without removal effects takes those of column 0; where they cancel, nothing is shared.
    """
    own = np.nan_to_num(np.where(np.isnan(effects), effects[..., :1], effects))
    sums = own.sum(axis=-2)
    cancel = np.abs(sums) <= CANCEL * np.abs(own).sum(axis=-2)
    return np.asarray(own * (totals / np.where(cancel, np.inf, sums))[..., None, :])
