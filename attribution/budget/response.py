"""Response: curves of outcomes by spend, fitted to what was spent and credited, with their draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64, Int64
from attribution.blas import one_thread
from attribution.budget.curves import Curves
from attribution.budget.fitting import Tried, try_shapes
from attribution.budget.grid import Grid, grid_of
from attribution.budget.incrementality import shares_of
from attribution.budget.noise import by_customers, dispersion_of, fitted_means, redrawn, straight
from attribution.budget.past import Past
from attribution.budget.periods import Which, past_of
from attribution.budget.pooling import pool
from attribution.budget.shapes import SHAPES
from attribution.errors import ParameterError
from attribution.kpis.measure import Measured

PARAMETERS = 2  # of a curve: its level and its elasticity
HALF_LIVES = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])  # that are tried, in periods
STEADY = 0.05  # spend that varies by less, as a share of its mean, tells nothing of other spend
STREAM = 9  # of random numbers, beside that of the resampled customers


@dataclass(frozen=True, eq=False)
class Response:
    """The curve of each channel with spend in every draw; its shape and half-life as the data have them."""

    past: Past
    draws: Curves
    shape: str
    half_life_days: Float64  # [C]

    @property
    def steady(self) -> Bool:
        """Whether the spend of a channel never varied, so that its curve is that of the others [C]."""
        spend = self.past.spend
        return np.asarray(spend.std(axis=1) < STEADY * spend.mean(axis=1))

    @property
    def uncredited(self) -> Bool:
        """Whether a channel was never credited with anything, so that nothing tells what it brings [C]."""
        return np.asarray(~self.past.outcome.any(axis=1))

    def table(self) -> pl.DataFrame:
        """Return a row a channel: its curve, with intervals of what other customers and periods change."""
        ends = self.past.resampling.bounds
        elasticity, share = ends(self.draws.elasticity), ends(self.draws.share)
        at_usual = self.draws.value(self.past.usual)
        level = ends(at_usual)
        name = self.past.outcome_name
        table = pl.DataFrame(
            {
                "channel": self.past.channels,
                "usual_spend": self.past.usual,
                "lowest_spend": self.past.spend.min(axis=1),
                "highest_spend": self.past.spend.max(axis=1),
                name: at_usual.mean(axis=0),
                f"{name}_low": level[0],
                f"{name}_high": level[1],
                "elasticity": self.draws.elasticity.mean(axis=0),
                "elasticity_low": elasticity[0],
                "elasticity_high": elasticity[1],
                "incremental_share": self.draws.share.mean(axis=0),
                "incremental_share_low": share[0],
                "incremental_share_high": share[1],
                "half_life_days": self.half_life_days,
                "shape": self.shape,
                "reason": [
                    UNCREDITED if uncredited else STEADY_REASON if steady else None
                    for uncredited, steady in zip(self.uncredited, self.steady, strict=True)
                ],
            }
        )
        return self.past.named(table)

    def curve(self, points: int = 41) -> pl.DataFrame:
        """Return the credited outcomes a period by spend a period, from none to twice the highest seen.

        ``seen`` says whether the spend lies between the lowest and the highest so far.
        """
        if not isinstance(points, int) or points < 2:
            raise ParameterError.out_of_range("points", points, "a whole number >= 2")
        name, tables = self.past.outcome_name, []
        for place in np.linspace(0.0, 1.0, points):
            spend = 2 * place * self.past.spend.max(axis=1)
            found = self.draws.value(spend)
            low, high = self.past.resampling.bounds(found)
            columns = {name: found.mean(axis=0), f"{name}_low": low, f"{name}_high": high}
            lowest, highest = self.past.seen
            seen = (lowest <= spend) & (spend <= highest)
            tables.append(
                pl.DataFrame({"channel": self.past.channels, "spend": spend, **columns, "seen": seen})
            )
        order = pl.Enum(self.past.channels)
        return self.past.named(pl.concat(tables).sort(pl.col("channel").cast(order), "spend"))


UNCREDITED = "nothing was ever credited to it: there is no curve"
STEADY_REASON = "the spend never varied: the curve is that of the other channels, as far as they say"


def fit_response(past: Past, half_life: float | None = None) -> Response:
    """Return the curves of the channels, with a half-life in days or that of each as it fits.

    Each replicate fits every shape to redrawn outcomes and keeps, for all channels, the shape that best
    foretells periods that it was not fitted to.
    """
    half_lives = HALF_LIVES if half_life is None else given(half_life) / past.period_days
    random = np.random.default_rng([past.resampling.seed, STREAM])
    grids = [grid_of(spend, half_lives) for spend in past.spend]
    with one_thread():
        seen = np.stack([grid.likelihood(y[None])[0] for grid, y in zip(grids, past.outcome, strict=True)])
        mean = fitted_means(grids, past.outcome, seen)
        dispersion = np.maximum(dispersion_of(past.outcome, mean, PARAMETERS), by_customers(past, mean))
        pooled = [pool(seen[:, f] / dispersion[:, None, None]) for f in range(len(SHAPES))]
        outcome = redrawn(past, np.vstack([mean, straight(past.rest)]), PARAMETERS, random)
        shape_of = [each.draw(len(outcome), len(grids), random) for each in pooled]
        before, spread = (np.stack(each, axis=-1) for each in zip(*shape_of, strict=True))
        tried = [
            try_shapes(grid, outcome[:, c], float(dispersion[c]), pooled, before[:, c], spread)
            for c, grid in enumerate(grids)
        ]
        curves, places = chosen(past, grids, tried, outcome, random)
    shape = SHAPES[curves.shape[0]].name
    return Response(past, curves.drawn(), shape, half_lives[places[0]] * past.period_days)


def given(half_life: float) -> Float64:
    """Return the half-life as the only one to try [1]; ParameterError where it is no number of days."""
    if not isinstance(half_life, (int, float)) or not 0 <= half_life < np.inf:
        raise ParameterError.out_of_range("half_life", half_life, "days, a number >= 0")
    return np.array([float(half_life)])


def chosen(
    past: Past, grids: list[Grid], tried: list[Tried], outcome: Float64, random: np.random.Generator
) -> tuple[Curves, Int64]:
    """Return each replicate's curves of the shape that loses least out of sample, and their half-lives."""
    shape = np.sum([each.loss for each in tried], axis=0).argmin(axis=1)
    replicate = np.arange(len(shape))
    elasticity, half_life, scale, level = (
        np.stack([getattr(each, name)[replicate, shape] for each in tried], axis=1)
        for name in ("elasticity", "half_life", "scale", "level")
    )
    on_past = np.empty((*elasticity.shape, past.spend.shape[1]))
    for place, one in enumerate(SHAPES):
        mine = shape == place
        for c, grid in enumerate(grids):
            z = grid.z[half_life[mine, c]]
            on_past[mine, c] = level[mine, c, None] * one.value(z, scale[mine, c, None])
    share = shares_of(on_past, outcome.sum(axis=1), random)
    return Curves(past.usual, level, elasticity, shape, share, scale), half_life


def response_curves(
    measured: Measured,
    *,
    model: str | None = None,
    outcome: str | None = None,
    half_life: float | None = None,
    complete_from: date | None = None,
    complete_before: date | None = None,
) -> Response:
    """Return outcomes as a function of spend for each channel that has some, with draws of it.

    Formula: y_c(t) = level_c h(S_c(t) / usual_c; elasticity_c), S_c the ad-stock of the spend with a
    half-life, usual_c its mean, h a power, Hill or logarithmic curve (h(0) = 0, h(1) = 1), whichever best
    foretells periods that are left out. Elasticities and half-lives are pooled over the channels, and each
    replicate of customers and periods is fitted anew.

    Units: money and outcomes a period; half_life in days, fitted without it.

    ``measured`` is by channel and one period. The outcome is the first one, the model the first, unless they
    are named. Periods that begin before ``complete_from``, or on or after ``complete_before``, are left out,
    and so are those at the ends that lack spend or outcomes. ``incremental_share`` is how
    much of a curve the outcomes of all channels together confirm: 1 where credit comes on top of the rest.

    Raises:
        ParameterError: ``measured`` is not by channel and one period, or a name or half-life is unknown.
        ConvergenceError: there are fewer than 8 periods.
        TableError: spend is not known by period, or a credit is below zero.

    Source: Jin, Wang, Sun, Chan, Koehler (2017), "Bayesian methods for media mix modeling with carryover and
    shape effects", Google.
    """
    which = Which(model, outcome, complete_from, complete_before)
    return fit_response(past_of(measured, which), half_life)
