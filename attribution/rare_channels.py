"""Rare channels: those with the fewest touchpoints get one name, since models compare some dozens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from attribution.arrays import Float64, UInt16
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.parameters import Parameter
from attribution.statistics.observing import observe
from attribution.stitched import Batch, Stitched

OTHER = "(other)"
KEPT = Parameter(
    None, "how many channels keep their names, by touchpoints; all others become (other)", int, low=1
)


def group_rare(journeys: Stitched, most: int) -> Stitched:
    """Return the journeys with the ``most`` channels of most touchpoints, all others named "(other)".

    Of channels with as many touchpoints the first by name are kept. A channel "(other)" that is there is
    not counted among them: the rare ones join it, and grouping again changes nothing. Everything else
    stays as it is, but for a warning that tells how much was grouped. Spend keeps its names: that of the
    grouped channels belongs to "(other)", too.

    Raises:
        ParameterError: ``most`` is no whole number >= 1.

    >>> import polars as pl
    >>> from attribution import from_paths
    >>> paths = pl.DataFrame({"path": ["ads > tv", "ads > radio", "mail > ads"], "conversions": [3, 2, 4]})
    >>> group_rare(from_paths(paths), 2).channels
    ('(other)', 'ads', 'mail')
    """
    check_most("most", most)
    named = [name for name in journeys.channels if name != OTHER]
    if len(named) <= most:
        return journeys
    statistics, _ = observe(journeys, (Touchpoints(),))
    touchpoints = dict(zip(journeys.channels, statistics[Touchpoints()].tolist(), strict=True))
    ranked = sorted(named, key=lambda name: (-touchpoints[name], name))
    rare = set(ranked[most:])
    channels = tuple(sorted({*ranked[:most], OTHER}))
    place = {name: code for code, name in enumerate(channels)}
    codes = np.array([place[OTHER if name in rare else name] for name in journeys.channels], np.uint16)
    grouped = partial(recoded, channels, codes)
    warning = told(rare, touchpoints, most)

    def renamed(journeys: Stitched) -> Stitched:
        thinned = journeys.thinned
        return replace(
            journeys,
            channels=channels,
            settings={**journeys.settings, "kept_channels": list(channels)},
            folds=grouped(journeys.folds),
            gate=replace(journeys.gate, warnings=(*journeys.gate.warnings, warning)),
            thinned=None if thinned is None else lambda seed: grouped(thinned(seed)),
            trace=None if journeys.trace is None else lambda: renamed(journeys.traced),
        )

    return renamed(journeys)


def check_most(name: str, most: object) -> None:
    """Raise ParameterError unless so many channels can be kept."""
    if most is None or not KEPT.accepts(most):
        raise ParameterError.out_of_range(name, most, KEPT.allowed)


@dataclass(frozen=True)
class Touchpoints:
    """Observes the touchpoints of each channel [k]."""

    def observe(self, journeys: Journeys) -> Float64:
        """Return the counts, those of a row as often as it stands for a journey."""
        weights = np.repeat(journeys.count, np.diff(journeys.offsets))
        return np.bincount(journeys.channel, weights, len(journeys.channels)).astype(np.float64, copy=False)


def recoded(
    channels: tuple[str, ...], codes: UInt16, folds: Sequence[Callable[[], Batch]]
) -> list[Callable[[], Batch]]:
    """Return the folds over other channels, with the new code of each old one."""

    def assemble(fold: Callable[[], Batch]) -> Batch:
        batch = fold()
        journeys = replace(batch.journeys, channels=channels, channel=codes[batch.journeys.channel])
        return batch._replace(journeys=journeys)

    return [partial(assemble, fold) for fold in folds]


def told(rare: set[str], touchpoints: dict[str, float], most: int) -> str:
    """Return the warning of what was grouped."""
    count = sum(touchpoints[name] for name in sorted(rare))
    there = ", and joined those that had this name" if OTHER in touchpoints else ""
    return (
        f"channels: {len(rare):,} with {count:,.0f} touchpoints became {OTHER}{there}; "
        f"the {most:,} with the most touchpoints keep their names"
    )
