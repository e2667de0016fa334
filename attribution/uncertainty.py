"""Uncertainty: the credits of resampled customers, from the statistics of their folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from attribution.arrays import Float64
from attribution.blas import one_thread
from attribution.credits import Credits, Replicates, Result
from attribution.errors import ConvergenceError, ParameterError
from attribution.models import Model, TouchpointRule
from attribution.models.model import rows_of
from attribution.statistics import PLAYED, Observer, Resampling, Roles, Stacked
from attribution.stitched import FEWEST_FOLDS, Stitched

AT_ONCE = 1 << 21  # numbers of replicated sums that are held at once: 16 MiB
MOST_NUMBERS = 1 << 28  # of all replicates: 2 GiB


def check_size(resampling: Resampling, models: int, channels: int, outcomes: int) -> None:
    """Raise ParameterError if the replicates of all models would not fit into memory."""
    numbers = resampling.replicates * models * (channels + 1) * outcomes
    if numbers > MOST_NUMBERS:
        raise ParameterError(
            f"intervals: {resampling.replicates:,} replicates of {models} models, {channels:,} channels and "
            f"{outcomes} outcomes take {numbers * 8 / 2**30:.1f} GiB, expected at most "
            f"{MOST_NUMBERS * 8 / 2**30:g}: ask for fewer replicates, or group rare channels "
            "(group_rare, --most-channels)"
        )


def check_names(outcome_names: Sequence[str]) -> None:
    """Raise ParameterError if an outcome is named as an end of the interval of another."""
    for name in outcome_names:
        for end in ("low", "high"):
            if f"{name}_{end}" in outcome_names:
                allowed = f"another name: the interval of {name} has a column of this one"
                raise ParameterError.out_of_range("outcome_names", f"{name}_{end}", allowed)


def with_intervals(
    result: Result,
    models: Sequence[Model],
    learned: Mapping[Observer, Sequence[Any]],
    owners: str,
    resampling: Resampling,
) -> Result:
    """Return the result with replicates of everything, all drawn with the same weights of the folds.

    ``learned`` holds the statistics of each observer fold by fold; ``owners`` are what folds consist of.
    """
    folds = len(learned[Roles()])
    notes = result.report.notes
    owned = min(notes.get(owners, 0), notes.get("customers", notes.get(owners, 0)))  # those with a journey
    if why := too_few(owned, owners, folds):
        return replace(result, credits={name: replace(each, unsure=why) for name, each in result.items()})
    weights = resampling.weights(folds)
    needed = dict.fromkeys((Roles(), *(observer for model in models for observer in model.observers)))
    stacks = {observer: type(learned[observer][0]).stacked(learned[observer]) for observer in needed}
    with one_thread():
        roles = stacks[Roles()].weighted(weights).reshape(len(weights), -1, PLAYED)
        credits = {
            model.name: with_replicates(
                model, result[model.name], [stacks[o] for o in model.observers], resampling, weights, owners
            )
            for model in models
        }
    return replace(result, credits=credits, role_replicates=roles)


def too_few(owners: int, what: str, folds: int) -> str:
    """Return why nothing can be drawn from the folds, or nothing.

    >>> too_few(100, "customers", 256)
    'no intervals: 100 customers are fewer than the 256 folds that are drawn from: stitch with folds=64'
    """
    if owners >= folds:
        return ""
    dealt = what != "journeys"  # paths fall to their folds by chance: nobody chooses how many
    remedy = (
        f"stitch with folds={1 << owners.bit_length() - 1}"
        if dealt and owners >= FEWEST_FOLDS
        else "too few for any"
    )
    return f"no intervals: {owners:,} {what} are fewer than the {folds} folds that are drawn from: {remedy}"


def with_replicates(
    model: Model,
    credits: Credits,
    stacks: Sequence[Stacked],
    resampling: Resampling,
    weights: Float64,
    owners: str,
) -> Credits:
    """Return the credits with their replicates; no figure of the credits themselves changes.

    Each replicate is the model's own credit of sums in which fold f counts ``weights[r, f]`` times.
    Where the model is slow, each fold is left out once instead (jackknife).
    """
    tally = is_tally(model)
    jackknife = not tally and model.slow(*(stack.restored(stack.whole) for stack in stacks))
    try:
        if tally:  # a tally of weighted sums is the weighted sum of tallies
            values = stacks[0].weighted(weights).reshape(len(weights), -1, len(credits.outcome_names))
        elif jackknife:
            values = jackknifed(model, credits, stacks, weights)
        else:
            values = bootstrapped(model, stacks, weights)
    except ConvergenceError as error:
        return replace(credits, unsure=f"no intervals: in a replicate, {error}")
    method = "jackknife" if jackknife else "bootstrap"
    return replace(credits, replicates=Replicates(values, resampling, method, weights.shape[1], owners))


def is_tally(model: Model) -> bool:
    """Return whether the credit is the tally of a rule and nothing else, whatever its class adds."""
    own = type(model)
    return (
        isinstance(model, TouchpointRule)
        and own.credit is TouchpointRule.credit
        and own.observers is TouchpointRule.observers
    )


def bootstrapped(model: Model, stacks: Sequence[Stacked], weights: Float64) -> Float64:
    """Return the credits of each replicate, the unattributed outcomes below them [R, k + 1, m]."""
    block = max(1, AT_ONCE // sum(stack.length for stack in stacks))
    blocks = (weights[start : start + block] for start in range(0, len(weights), block))
    return np.concatenate(
        [model.credit_each(stacks, [stack.weighted(some) for stack in stacks]) for some in blocks]
    )


def jackknifed(model: Model, credits: Credits, stacks: Sequence[Stacked], weights: Float64) -> Float64:
    """Return replicates that are linear in the folds' influence: [R, k + 1, m].

    Formula: with F folds, credits c and c_f without fold f, the influence of the fold is
    U_f = (F - 1) c - F c_f, and the replicate c + sum of weight_f U_f / F. Credits that are sums over
    journeys come out as the bootstrap gives them, to the rounding of floats.

    Source: Efron, Tibshirani (1993), "An introduction to the bootstrap", sections 11.5 and 21.
    """
    folds, whole = weights.shape[1], rows_of(credits)
    influence = np.empty((folds, *whole.shape))
    for fold in range(folds):
        statistics = [stack.restored(stack.without(fold)) for stack in stacks]
        influence[fold] = (folds - 1) * whole - folds * rows_of(model.credit(*statistics))
    moved = weights @ influence.reshape(folds, -1) / folds
    return np.asarray(whole + moved.reshape(-1, *whole.shape))


@dataclass(frozen=True)
class Drawn:
    """How the sums of a log are to be drawn anew, or why they cannot be."""

    intervals: float = Resampling.intervals
    replicates: int = Resampling.replicates
    seed: int = Resampling.seed
    folds: int = 0
    unsure: str = ""
    owners: str = "customers"

    def resampling(self) -> Resampling:
        """Return it as what draws."""
        return Resampling(self.intervals, self.replicates, self.seed)


def drawn_of(journeys: Stitched, credits: Sequence[Credits]) -> Drawn | None:
    """Return what the credits tell of intervals, None where none were asked for."""
    if not any(each.has_intervals for each in credits):
        return None
    if journeys.thinned is not None:
        return Drawn(unsure="no intervals: paths have no customers; measure the result, by channel")
    for each in credits:
        if each.replicates is not None:
            drawn = each.replicates
            return Drawn(**asdict(drawn.resampling), folds=len(journeys.folds), owners=drawn.owners)
    return Drawn(unsure=credits[0].unsure)
