"""Replicated: what the cells of a KPI table would hold if other customers had been drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.blas import one_thread
from attribution.channels import UNATTRIBUTED, label
from attribution.credits import Credits, Replicates
from attribution.statistics import Resampling


class Replicated(Protocol):
    """The outcomes of cells in each replicate."""

    @property
    def resampling(self) -> Resampling:
        """How the replicates were drawn."""

    @property
    def folds(self) -> int:
        """How many folds they were drawn from."""

    @property
    def owners(self) -> str:
        """What the folds consist of."""

    def lacking(self, model: str) -> str:
        """Return why a model has no replicates, or nothing."""

    def cells(self, model: str) -> pl.DataFrame:
        """Return the dimensions of the cells."""

    def values(self, model: str, places: Int64) -> Float64:
        """Return the outcomes of some cells [R, n, m]; 0 where the place is -1."""

    def total(self, model: str) -> Float64:
        """Return the outcomes of all cells together [R, 1, m]."""


@dataclass(frozen=True, eq=False)
class OfCredits:
    """Replicates of credits by channel, models solved anew in each."""

    credits: Mapping[str, Credits]

    @property
    def resampling(self) -> Resampling:
        """How the replicates were drawn."""
        resampling: Resampling = self.first.resampling
        return resampling

    @property
    def folds(self) -> int:
        """How many folds they were drawn from."""
        return self.first.folds

    @property
    def owners(self) -> str:
        """What the folds consist of."""
        return self.first.owners

    @property
    def first(self) -> Replicates:
        """The replicates of the first model that has any: all were drawn alike."""
        drawn = (each.replicates for each in self.credits.values())
        return next(each for each in drawn if each is not None)

    def lacking(self, model: str) -> str:
        """Return why a model has no replicates, or nothing."""
        credits = self.credits[model]
        if credits.replicates is not None:
            return ""
        return credits.unsure or f"no intervals: {model} has no replicates"

    def cells(self, model: str) -> pl.DataFrame:
        """Return the channels, unattributed last."""
        return pl.DataFrame({"channel": [*map(label, self.credits[model].channels), UNATTRIBUTED]})

    def values(self, model: str, places: Int64) -> Float64:
        """Return the outcomes of some cells [R, n, m]."""
        drawn = self.drawn(model)[:, places]
        drawn[:, places < 0] = 0.0
        return drawn

    def total(self, model: str) -> Float64:
        """Return the outcomes of all cells together [R, 1, m]."""
        return np.asarray(self.drawn(model).sum(axis=1, keepdims=True))

    def drawn(self, model: str) -> Float64:
        """Return all replicates of a model [R, k + 1, m]."""
        replicates = self.credits[model].replicates
        assert replicates is not None
        return replicates.values


@dataclass(frozen=True, eq=False)
class OfLog:
    """Replicates of a credit log's sums by cell and fold, with learned weights held at their estimate."""

    resampling: Resampling
    folds: int
    by: tuple[str, ...]
    outcome_names: tuple[str, ...]
    sums: pl.DataFrame  # model, dimensions, fold, outcomes
    owners: str = "customers"

    def lacking(self, _model: str) -> str:
        """Return nothing: learned weights are held, so every model is drawn."""
        return ""

    @cached_property
    def weights(self) -> Float64:
        """How often each fold counts in each replicate [R, F]."""
        return self.resampling.weights(self.folds)

    @cached_property
    def by_model(self) -> dict[str, tuple[pl.DataFrame, Int64, Int64, Float64]]:
        """Per model: its cells, and of every row the cell, the fold and the outcomes, in order of cell."""
        found = {}
        for (model,), rows in self.sums.group_by("model", maintain_order=True):
            place = rows.select(pl.struct(self.by).rle_id()).to_series().to_numpy().astype(np.int64)
            first = np.flatnonzero(np.diff(place, prepend=-1))
            fold = rows["fold"].cast(pl.Int64).to_numpy()
            values = rows.select(self.outcome_names).to_numpy(order="c")
            found[str(model)] = (rows.select(self.by)[first], place, fold, values)
        return found

    def cells(self, model: str) -> pl.DataFrame:
        """Return the dimensions of the cells."""
        return self.by_model[model][0] if model in self.by_model else self.sums.select(self.by).clear()

    def values(self, model: str, places: Int64) -> Float64:
        """Return the outcomes of some cells [R, n, m]."""
        by_fold = np.zeros((self.folds, len(places), len(self.outcome_names)))
        if model in self.by_model:
            _, place, fold, values = self.by_model[model]
            for n, wanted in enumerate(places):
                mine = slice(*np.searchsorted(place, [wanted, wanted + 1]))
                by_fold[fold[mine], n] = values[mine]
        return self.weighted(by_fold)

    def total(self, model: str) -> Float64:
        """Return the outcomes of all cells together [R, 1, m]."""
        by_fold = np.zeros((self.folds, 1, len(self.outcome_names)))
        if model in self.by_model:
            _, _, fold, values = self.by_model[model]
            np.add.at(by_fold[:, 0], fold, values)
        return self.weighted(by_fold)

    def weighted(self, by_fold: Float64) -> Float64:
        """Return sums over folds, each as often as it was drawn: [R, n, m]."""
        with one_thread():
            flat = self.weights @ by_fold.reshape(self.folds, -1)
        return flat.reshape(-1, *by_fold.shape[1:])


def source_of(credits: Mapping[str, Credits]) -> OfCredits | str | None:
    """Return the replicates of credits, why there are none, or None where none were asked for."""
    if not any(each.has_intervals for each in credits.values()):
        return None
    if any(each.replicates is not None for each in credits.values()):
        return OfCredits(credits)
    return next(each.unsure for each in credits.values() if each.unsure)
