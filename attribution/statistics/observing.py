"""Observing: each fold is assembled in a worker and everything about it learned while it is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

from attribution.errors import ParameterError
from attribution.statistics.mergeable import Observer, Sum
from attribution.stitched import Batch, Progress, Stitched, StitchReport

SMALL_FOLD = 2_000  # touchpoints: below, workers only wait for one another


def observe(
    journeys: Stitched,
    observers: Sequence[Observer],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[Observer, Any], StitchReport]:
    """Return the statistic of each observer over all folds, and the report of their rows.

    Raises:
        ParameterError: ``threads`` is below 1.
    """
    sums: list[Sum[Any]] = [Sum() for _ in observers]
    report = journeys.gate
    for statistics, counted in learned(journeys.folds, observers, threads, progress):
        report = report + counted
        for each, part in zip(sums, statistics, strict=True):
            each.add(part)
    return {o: each.total() for o, each in zip(observers, sums, strict=True)}, report.check()


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
    found = list(learned(folds, observers, threads, progress))
    columns = zip(*(statistics for statistics, _ in found), strict=True)
    report = reduce(StitchReport.__add__, (counted for _, counted in found))
    return dict(zip(observers, map(list, columns), strict=True)), report


def learned(
    folds: Sequence[Callable[[], Batch]],
    observers: Sequence[Observer],
    threads: int | None,
    progress: Progress | None,
) -> Iterator[tuple[list[Any], StitchReport]]:
    """Yield what each fold tells the observers, and the report of its rows, in order of the folds."""
    if threads is not None and threads < 1:
        raise ParameterError.out_of_range("threads", threads, "a whole number >= 1")
    nothing: list[list[Any]] = []  # what is learned from a fold without journeys, once

    def learn(fold: Callable[[], Batch]) -> tuple[list[Any], StitchReport, int]:
        journeys, report = fold()
        if not len(journeys) and nothing:
            return nothing[0], report, 0
        statistics = [observer.observe(journeys) for observer in observers]
        if not len(journeys):
            nothing.append(statistics)
        return statistics, report, journeys.touchpoints

    tell = progress or (lambda _done, _folds, _touchpoints: None)
    statistics, report, seen = learn(folds[0])
    tell(1, len(folds), seen)
    yield statistics, report
    workers = threads or (1 if seen < SMALL_FOLD else os.cpu_count())
    with ThreadPoolExecutor(workers) as pool:
        for done, (statistics, report, touchpoints) in enumerate(pool.map(learn, folds[1:]), start=2):
            seen += touchpoints
            tell(done, len(folds), seen)
            yield statistics, report
