"""The engine: folds are observed in workers, their statistics added, and every model gives its credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from attribution.arrays import Float64
from attribution.credits import Credits, Result
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.models import MODELS, Model, named_apart
from attribution.statistics import Observer, Resampling, Roles, total
from attribution.statistics.observing import observe, observe_folds
from attribution.stitched import Progress, Stitched
from attribution.uncertainty import check_names, check_size, with_intervals


def attribute(
    journeys: Stitched,
    *models: Model,
    intervals: float | None = None,
    replicates: int = Resampling.replicates,
    seed: int = Resampling.seed,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Return the credits of every model over the same journeys, in one pass.

    Without models: every rule with its defaults and Markov of order 1, of which those are left out that
    need ages where there are none, or compare fewer channels than there are. With ``intervals`` (a
    confidence level such as 0.95) every credit has its replicates over resampled customers, or accounts
    where they are known. No digit of a credit depends on ``intervals``, and no digit at all on
    ``threads``.

    Raises:
        ParameterError: a model is given twice, needs ages where there are none, or compares fewer
            channels than there are; the level lies outside (0, 1).
        ConvergenceError: a chain did not converge.
    """
    resampling = None if intervals is None else Resampling(intervals, replicates, seed)
    chosen = named_apart(models or defaults(journeys))
    for model in chosen:
        check_served(model, journeys)
    observers = tuple(dict.fromkeys(o for model in chosen for o in model.observers))
    if resampling is not None:
        check_names(journeys.outcome_names)
        check_size(resampling, len(chosen), len(journeys.channels), len(journeys.outcome_names))
    watched: tuple[Observer, ...] = (Sums(), Roles(), *observers)
    learned: dict[Observer, list[Any]] = {}  # fold by fold: kept only where folds are drawn from
    if resampling is None:
        statistics, report = observe(journeys, watched, threads=threads, progress=progress)
    else:
        learned, report = observe_folds(journeys.folds, watched, threads, progress)
        report = (journeys.gate + report).check()
        statistics = {observer: total(parts) for observer, parts in learned.items()}
    credits = {model.name: credit(model, [statistics[o] for o in model.observers]) for model in chosen}
    for each in credits.values():
        check_conserved(each, statistics[Sums()])
    result = Result(credits, report, statistics[Sums()][0], statistics[Roles()])
    if resampling is None:
        return result
    if journeys.thinned is not None:
        learned, _ = observe_folds(journeys.thinned(seed), watched, threads, progress)
    learned.pop(Sums())
    return with_intervals(result, chosen, learned, journeys.owners, resampling)


def credit(model: Model, statistics: Sequence[Any]) -> Credits:
    """Return the model's credits with the way to its rule, which the credit log asks for."""
    return replace(model.credit(*statistics), rule=partial(model.rule, *statistics))


@dataclass(frozen=True)
class Sums:
    """Observes every outcome and its size, credited or not: [2, m]."""

    def observe(self, journeys: Journeys) -> Float64:
        """Return the sum of the outcomes, and of their absolute values."""
        return sums_of(journeys.outcomes)


@kernel
def sums_of(outcomes: Float64) -> Float64:
    """Return the sum of each column, and of its absolute values: [2, m]."""
    sums = np.zeros((2, outcomes.shape[1]))
    for j in range(outcomes.shape[0]):
        for i in range(outcomes.shape[1]):
            sums[0, i] += outcomes[j, i]
            sums[1, i] += abs(outcomes[j, i])
    return sums


def check_conserved(credits: Credits, sums: Float64) -> None:
    """Raise RuntimeError unless credits and unattributed outcomes add up to all outcomes, to 1e-9."""
    total, size = sums
    if not (np.abs(credits.totals - total) <= 1e-9 * size).all():  # NaN is not conserved either
        raise RuntimeError(f"{credits.model}: credits {credits.totals} do not add up to {total}")


def defaults(journeys: Stitched) -> list[Model]:
    """Return every registered model with its defaults that these journeys can serve."""
    return [
        model()
        for model in MODELS.values()
        if (journeys.has_ages or not model.needs_ages) and len(journeys.channels) <= model.most_channels
    ]


def check_served(model: Model, journeys: Stitched) -> None:
    """Raise ParameterError if the journeys cannot serve the model, before anything is observed."""
    if model.needs_ages and not journeys.has_ages:
        raise ParameterError(
            f"model {model.name!r} needs the ages of touchpoints; these journeys have none "
            "(path tables never do): leave the model out, or stitch raw touchpoints"
        )
    if len(journeys.channels) > model.most_channels:
        raise ParameterError(
            f"model {model.name!r}: got {len(journeys.channels):,} channels, expected at most "
            f"{model.most_channels:,}: group the rare ones with group_rare(journeys, most) "
            f"(--most-channels), most below {model.most_channels:,}, or leave the model out"
        )
