"""Ours: the package as its README uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.contenders import SIX

REQUIRES = "attribution"
EXACT = SIX


def credits(
    touchpoints: Path,
    outcomes: Path,
    *,
    models: tuple[str, ...] = SIX,
    memory_limit: str | None = None,
    intervals: float | None = None,
) -> dict[str, dict[str, float]]:
    """Stitch and attribute."""
    import attribution as at

    limited = {} if memory_limit is None else {"memory_limit": memory_limit}
    journeys = at.stitch(touchpoints, outcomes, **limited)
    return by_channel(at.attribute(journeys, *map(at.parse_model, models), intervals=intervals))


def prepare(touchpoints: Path, outcomes: Path, **_: Any) -> list[Any]:
    """Return the journeys as arrays of codes, one batch a fold."""
    import attribution as at

    return list(at.stitch(touchpoints, outcomes))


def share(batches: list[Any], *, models: tuple[str, ...] = SIX) -> dict[str, dict[str, float]]:
    """Observe the batches and give the credits: the kernels and the solving, nothing else."""
    from copy import copy
    from functools import partial

    import attribution as at
    from attribution.statistics import total
    from attribution.statistics.observing import observe_folds
    from attribution.stitched import Batch

    def fold(
        batch: Batch,
    ) -> Batch:  # a copy, since a batch keeps its converting journeys once they were asked for
        return Batch(copy(batch.journeys), batch.report)

    chosen = [at.parse_model(text) for text in models]
    observers = tuple(dict.fromkeys(o for model in chosen for o in model.observers))
    learned, _ = observe_folds([partial(fold, batch) for batch in batches], observers)
    sums = {observer: total(parts) for observer, parts in learned.items()}
    return by_channel({m.name: m.credit(*(sums[o] for o in m.observers)) for m in chosen})


def by_channel(credits: Any) -> dict[str, dict[str, float]]:
    """Return the credited leads by model and channel."""
    return {
        name: dict(zip(each.channels, each.values[:, 0].tolist(), strict=True))
        for name, each in credits.items()
    }
