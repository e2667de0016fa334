"""Observing: each fold is assembled in a worker and everything about it learned while it is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

from attribution.errors import ParameterError
from attribution.statistics.mergeable import Observer, total
from attribution.stitched import Batch, Progress, Stitched, StitchReport

SMALL_FOLD = 2_000  # touchpoints: below, workers only wait for one another


def observe(
    journeys: Stitched,
    observers: Sequence[Observer],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[Observer, Any], StitchReport]:
    """Return the statistic of each observer over all folds, and the report of their rows."""
    learned, report = observe_folds(journeys.folds, observers, threads, progress)
    return {o: total(parts) for o, parts in learned.items()}, (journeys.gate + report).check()


def observe_folds(
    folds: Sequence[Callable[[], Batch]],
    observers: Sequence[Observer],
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[Observer, list[Any]], StitchReport]:
    """Return the statistics of each observer, fold by fold, and the report of their rows.

    Raises:
        ParameterError: ``threads`` is below 1.
    """
    if threads is not None and threads < 1:
        raise ParameterError.out_of_range("threads", threads, "a whole number >= 1")

    nothing: list[list[Any]] = []  # what is learned from a fold without journeys, once

    def learn(fold: Callable[[], Batch]) -> tuple[StitchReport, list[Any], int]:
        journeys, report = fold()
        if not len(journeys) and nothing:
            return report, nothing[0], 0
        statistics = [observer.observe(journeys) for observer in observers]
        if not len(journeys):
            nothing.append(statistics)
        return report, statistics, journeys.touchpoints

    tell = progress or (lambda _done, _folds, _touchpoints: None)
    learned = [learn(folds[0])]
    seen = learned[0][2]
    tell(1, len(folds), seen)
    few = seen < SMALL_FOLD
    with ThreadPoolExecutor(threads or (1 if few else os.cpu_count())) as pool:
        for done, result in enumerate(pool.map(learn, folds[1:]), start=2):
            learned.append(result)
            seen += result[2]
            tell(done, len(folds), seen)
    report = reduce(StitchReport.__add__, (report for report, _, _ in learned))
    columns = zip(*(statistics for _, statistics, _ in learned), strict=True)
    return dict(zip(observers, map(list, columns), strict=True)), report
