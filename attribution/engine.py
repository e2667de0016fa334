"""The engine: folds are observed in workers, their statistics added, and every model gives its credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from attribution.credits import Credits, Result
from attribution.errors import ParameterError
from attribution.learned import Statistics, observers_of
from attribution.models import MODELS, Model, named_apart
from attribution.statistics import OutcomeSums, Resampling, total
from attribution.statistics.observing import observe, observe_folds
from attribution.stitched import Progress, Stitched
from attribution.uncertainty import check_names, check_size, with_intervals


def attribute(
    journeys: Stitched | Statistics,
    *models: Model,
    intervals: float | None = None,
    replicates: int = Resampling.replicates,
    seed: int = Resampling.seed,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Return the credits of every model over the same journeys, in one pass.

    Without models: every rule with its defaults and Markov of order 1, of which those are left out that
    need ages where there are none, or compare fewer channels than there are. Of statistics that were
    kept, those models that they were learned for. With ``intervals`` (a
    confidence level such as 0.95) every credit has its replicates over resampled customers, or accounts
    where they are known. No digit of a credit depends on ``intervals``, and no digit at all on
    ``threads``.

    Raises:
        ParameterError: a model is given twice, needs ages where there are none, or compares fewer
            channels than there are; the level lies outside (0, 1).
        ConvergenceError: a chain did not converge.
    """
    resampling = None if intervals is None else Resampling(intervals, replicates, seed)
    if isinstance(journeys, Statistics):
        learned = journeys.now
        chosen = named_apart(learned.serving(models))
    else:
        chosen = named_apart(models or defaults(journeys))
    for model in chosen:
        check_served(model, journeys)
    if resampling is not None:
        check_names(journeys.outcome_names)
        check_size(resampling, len(chosen), len(journeys.channels), len(journeys.outcome_names))
    if isinstance(journeys, Stitched):
        apart = resampling is not None
        learned = learn(journeys, chosen, apart=apart, seed=seed, threads=threads, progress=progress)
    return credited(learned, chosen, resampling)


def learn(
    journeys: Stitched,
    models: Sequence[Model],
    *,
    apart: bool = False,
    seed: int = Resampling.seed,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Statistics:
    """Return what the models learn from the journeys in one pass; with ``apart``, fold by fold as well.

    ``seed`` deals out the journeys of a path table, which has no customers.
    """
    watched = observers_of(models)
    folds = None
    if apart:
        folds, report = observe_folds(journeys.folds, watched, threads, progress)
        report = (journeys.gate + report).check()
        whole = {observer: total(parts) for observer, parts in folds.items()}
        if journeys.thinned is not None:
            folds, _ = observe_folds(journeys.thinned(seed), watched, threads, progress)
    else:
        whole, report = observe(journeys, watched, threads=threads, progress=progress)
    dealt = {"folds": len(journeys.folds)} if journeys.thinned is None else {}
    settings = {**journeys.settings, **dealt, "owners": journeys.owners, "has_ages": journeys.has_ages}
    return Statistics(tuple(models), settings, whole, folds, report)


def credited(learned: Statistics, models: Sequence[Model], resampling: Resampling | None) -> Result:
    """Return the credits that follow from the statistics, with replicates where they are asked for.

    Raises:
        ParameterError: replicates are asked for, and the folds were not kept apart.
    """
    whole = learned.whole
    credits = {model.name: credit(model, [whole[o] for o in model.observers]) for model in models}
    for each in credits.values():
        check_conserved(each, learned.sums)
    result = Result(credits, learned.report, learned.sums.outcomes, learned.roles, learned=learned)
    if resampling is None:
        return result
    if learned.folds is None:
        raise ParameterError(
            "intervals: these statistics were learned without their folds; learn them with intervals"
        )
    return with_intervals(result, models, learned.folds, learned.owners, resampling)


def credit(model: Model, statistics: Sequence[Any]) -> Credits:
    """Return the model's credits with the way to its rule, which the credit log asks for."""
    return replace(model.credit(*statistics), rule=partial(model.rule, *statistics))


def check_conserved(credits: Credits, sums: OutcomeSums) -> None:
    """Raise RuntimeError unless credits and unattributed outcomes add up to all outcomes, to 1e-9."""
    lost = np.abs(credits.totals - sums.outcomes)
    if not (lost <= 1e-9 * sums.sizes).all():  # NaN is not conserved either
        raise RuntimeError(f"{credits.model}: credits {credits.totals} do not add up to {sums.outcomes}")


def defaults(journeys: Stitched) -> list[Model]:
    """Return every registered model with its defaults that these journeys can serve."""
    return [
        model()
        for model in MODELS.values()
        if (journeys.has_ages or not model.needs_ages) and len(journeys.channels) <= model.most_channels
    ]


def check_served(model: Model, journeys: Stitched | Statistics) -> None:
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
