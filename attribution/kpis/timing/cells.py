"""Timing: what is told of one step of the leads of one cell: shares, quartiles, and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.kpis.timing.steps import Step
from attribution.kpis.timing.survival import (
    COMPETING,
    NOISE,
    REACHED,
    Incidence,
    incidence,
    incidences,
    naive_mean,
)
from attribution.statistics import Resampling

QUARTILES = (0.25, 0.5, 0.75)
QUANTILES = ("quartile_1_days", "median_days", "quartile_3_days")
OF_REACHED = tuple(f"{name}_of_reached" for name in QUANTILES)
COUNTS = ("leads", "reached", "competing", "left_out")


class Cell(NamedTuple):
    """The leads of a cell: their rows, how many leads each stands for in it, and their folds."""

    rows: Int64
    weights: Float64
    folds: Int64


class Draws(NamedTuple):
    """How often each fold counts in each replicate [R, F], and what makes intervals of the replicates."""

    resampling: Resampling
    weights: Float64


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be told of a cell and step, and the draws of its intervals."""

    horizons: tuple[int, ...]
    naive: bool
    has_intervals: bool
    unsure: str = ""  # why there are none, though asked for
    draws: Draws | None = None

    @property
    def within(self) -> tuple[str, ...]:
        """The names of the shares within the horizons."""
        return tuple(f"within_{days}_days" for days in self.horizons)

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures that may have an interval."""
        return (*self.within, *QUANTILES, *OF_REACHED)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are figures or ends of intervals, in order."""
        ends = ("", "_low", "_high") if self.has_intervals else ("",)
        told = tuple(f"{name}{end}" for name in self.figures for end in ends)
        return (*told, "mean_days_naive") if self.naive else told

    def values(self, found: Incidence) -> Float64:
        """Return the figures of an incidence [..., figures], NaN where they are not known."""
        quartiles, of_reached = (found.quantiles(QUARTILES, of_reached=each) for each in (False, True))
        return np.concatenate([found.at(self.horizons), quartiles, of_reached], axis=-1)


def schema_of(asked: Asked) -> dict[str, pl.DataType]:
    """Return the columns of a row that are no dimensions."""
    numbers: dict[str, pl.DataType] = dict.fromkeys([*COUNTS, *asked.columns], pl.Float64())
    return {"from_stage": pl.String(), "to_stage": pl.String(), **numbers, "reason": pl.String()}


def row_of(step: Step, cell: Cell, asked: Asked) -> dict[str, Any]:
    """Return what is told of a step of the leads of a cell."""
    taken = step.at_risk[cell.rows]
    days, ends = step.days[cell.rows][taken], step.ends[cell.rows][taken]
    weights, folds = cell.weights[taken], cell.folds[taken]
    values = asked.values(incidence(days, ends, weights))
    counts = {
        "leads": math.fsum(weights),
        "reached": math.fsum(weights[ends == REACHED]),
        "competing": math.fsum(weights[ends == COMPETING]),
        "left_out": math.fsum(cell.weights[step.ends[cell.rows] > COMPETING]),
    }
    why = lacking(values, asked) if counts["leads"] else ["no lead at risk"]
    told = dict(zip(asked.figures, values, strict=True))
    if asked.unsure:
        why.append(asked.unsure)
    elif asked.draws is not None:
        blocks = incidences(days, ends, weights, folds, asked.draws.weights)
        replicated = np.concatenate([asked.values(each) for each in blocks])
        bounds = bounds_of(values, replicated, asked, asked.draws, why)
        for name, low, high in zip(asked.figures, *bounds, strict=True):
            told |= {f"{name}_low": low, f"{name}_high": high}
    if asked.naive:
        told["mean_days_naive"] = naive_mean(days, ends, weights)
    known = {name: None if math.isnan(value) else float(value) for name, value in told.items()}
    return {
        "from_stage": step.start,
        "to_stage": step.end,
        **counts,
        **known,
        "reason": "; ".join(why) or None,
    }


def lacking(values: Float64, asked: Asked) -> list[str]:
    """Return why some figures are not known."""
    not_known = dict(zip(asked.figures, np.isnan(values), strict=True))
    why = []
    for names, told in (
        (asked.within, "no lead is observed that long"),
        (QUANTILES, "not reached"),
        (OF_REACHED, "no lead reached it"),
    ):
        if lost := [name for name in names if not_known[name]]:
            why.append(f"{', '.join(lost)}: {told}")
    return why


def bounds_of(values: Float64, replicated: Float64, asked: Asked, draws: Draws, why: list[str]) -> Float64:
    """Return the ends of the intervals [2, figures], NaN where there are none; tell ``why`` of what is known.

    A replicate that does not know a figure counts as infinite: an end among such is no number.
    """
    ends = np.stack(draws.resampling.bounds(np.where(np.isnan(replicated), np.inf, replicated)))
    known, finite = ~np.isnan(values), np.isfinite(ends).all(axis=0)
    same = np.ptp(replicated, axis=0) <= NOISE
    same[len(asked.within) :] = False  # days may well be the same: they are whole in many tables
    for what, told in (
        (known & same, "no interval, it is the same in every replicate"),
        (known & ~same & ~finite, "no interval, too many replicates do not know it"),
    ):
        if what.any():
            why.append(f"{', '.join(np.array(asked.figures)[what])}: {told}")
    return np.where(known & ~same & finite, ends, np.nan)
