"""The engine: folds are observed in workers, their statistics added, and every model gives its credit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

from attribution.credits import Result
from attribution.errors import ParameterError
from attribution.models import MODELS, Model, named_apart
from attribution.statistics import Observer, total
from attribution.stitched import Batch, Stitched, StitchReport

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
    statistics, report = observe(journeys, observers, threads=threads, progress=progress)
    credits = {
        model.name: model.credit(*(statistics[observer] for observer in model.observers)) for model in chosen
    }
    return Result(credits, report)


def observe(
    journeys: Stitched,
    observers: Sequence[Observer],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[Observer, Any], StitchReport]:
    """Return the statistic of each observer over all folds, and the report of their rows."""

    def learn(fold: Callable[[], Batch]) -> tuple[StitchReport, list[Any]]:
        batch = fold()
        return batch.report, [observer.observe(batch.journeys) for observer in observers]

    learned = []
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(learn, journeys.folds), start=1):
            learned.append(result)
            if progress:
                progress(done, len(journeys.folds))
    report = reduce(StitchReport.__add__, (each for each, _ in learned), journeys.gate).check()
    columns = zip(*(statistics for _, statistics in learned), strict=True)
    return {o: total(column) for o, column in zip(observers, columns, strict=True)}, report


def defaults(journeys: Stitched) -> list[Model]:
    """Return every registered model with its defaults that these journeys can serve."""
    return [model() for model in MODELS.values() if journeys.has_ages or not model.needs_ages]
