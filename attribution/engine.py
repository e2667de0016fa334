"""The engine: folds are observed in workers, their statistics added, and every model gives its credit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np

from attribution.arrays import Float64
from attribution.credits import Credits, Result
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.models import MODELS, Model, named_apart
from attribution.statistics import Observer, total
from attribution.stitched import Batch, Stitched, StitchReport

SMALL_FOLD = 2_000  # touchpoints: below, workers only wait for one another
Progress = Callable[[int, int], None]  # folds done, folds in all


def attribute(
    journeys: Stitched,
    *models: Model,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Return the credits of every model over the same journeys, in one pass.

    Without models: every rule with its defaults and Markov of order 1; on journeys without ages,
    those that need none. No digit depends on ``threads``.

    Raises:
        ParameterError: a model is given twice, or needs ages where there are none.
        ConvergenceError: a chain did not converge.
    """
    chosen = named_apart(models or defaults(journeys))
    for model in chosen:
        if model.needs_ages and not journeys.has_ages:
            raise ParameterError(
                f"model {model.name!r} needs the ages of touchpoints; these journeys have none "
                "(path tables never do): leave the model out, or stitch raw touchpoints"
            )
    observers = tuple(dict.fromkeys(o for model in chosen for o in model.observers))
    statistics, report = observe(journeys, (Sums(), *observers), threads=threads, progress=progress)
    credits = {model.name: credit(model, [statistics[o] for o in model.observers]) for model in chosen}
    for each in credits.values():
        check_conserved(each, statistics[Sums()])
    return Result(credits, report, statistics[Sums()][0])


def credit(model: Model, statistics: Sequence[Any]) -> Credits:
    """Return the model's credits with the way to its rule, which the credit log asks for."""
    return replace(model.credit(*statistics), rule=partial(model.rule, *statistics))


def observe(
    journeys: Stitched,
    observers: Sequence[Observer],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[Observer, Any], StitchReport]:
    """Return the statistic of each observer over all folds, and the report of their rows."""
    if threads is not None and threads < 1:
        raise ParameterError.out_of_range("threads", threads, "a whole number >= 1")

    def learn(fold: Callable[[], Batch]) -> tuple[StitchReport, list[Any], int]:
        journeys, report = fold()
        return report, [observer.observe(journeys) for observer in observers], journeys.touchpoints

    tell = progress or (lambda _done, _folds: None)
    learned = [learn(journeys.folds[0])]
    tell(1, len(journeys.folds))
    few = learned[0][2] < SMALL_FOLD
    with ThreadPoolExecutor(threads or (1 if few else os.cpu_count())) as pool:
        for done, result in enumerate(pool.map(learn, journeys.folds[1:]), start=2):
            learned.append(result)
            tell(done, len(journeys.folds))
    report = reduce(StitchReport.__add__, (report for report, _, _ in learned), journeys.gate).check()
    columns = zip(*(statistics for _, statistics, _ in learned), strict=True)
    return {o: total(column) for o, column in zip(observers, columns, strict=True)}, report


@dataclass(frozen=True)
class Sums:
    """Observes every outcome and its size, credited or not: [2, m]."""

    def observe(self, journeys: Journeys) -> Float64:
        """Return the sum of the outcomes, and of their absolute values."""
        outcomes = journeys.outcomes
        return np.stack([outcomes.sum(axis=0), np.abs(outcomes).sum(axis=0)])


def check_conserved(credits: Credits, sums: Float64) -> None:
    """Raise RuntimeError unless credits and unattributed outcomes add up to all outcomes, to 1e-9."""
    total, size = sums
    if not (np.abs(credits.totals - total) <= 1e-9 * size).all():  # NaN is not conserved either
        raise RuntimeError(f"{credits.model}: credits {credits.totals} do not add up to {total}")


def defaults(journeys: Stitched) -> list[Model]:
    """Return every registered model with its defaults that these journeys can serve."""
    return [model() for model in MODELS.values() if journeys.has_ages or not model.needs_ages]
