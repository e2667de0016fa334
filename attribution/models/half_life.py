"""Half-life: the one that makes conversions most likely, given how old touchpoints were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64
from attribution.errors import ParameterError, TableError
from attribution.statistics import Resampling, total
from attribution.statistics.ages import HALF_LIVES, AgeCounts, Ages
from attribution.statistics.observing import observe_folds
from attribution.stitched import OUTSIDE_WINDOW, Stitched
from attribution.tables import RowCount


@dataclass(frozen=True)
class HalfLife:
    """A fitted half-life in days; where its interval, or an end of it, is not known, ``reason`` says why."""

    half_life: float
    low: float | None
    high: float | None
    conversions: float
    reason: str = ""


def fit_half_life(journeys: Stitched, resampling: Resampling, threads: int | None) -> HalfLife:
    """Return the half-life with the greatest likelihood.

    Formula: a customer converts at the rate r * sum over touchpoints of 2^(-age / h), while touchpoints
    are no older than the lookback window. With r at its best for each h, the log likelihood is
    sum over conversions of log(sum of 2^(-age / h)) - C log(sum over touchpoints of
    h (1 - 2^(-x / h)) / ln 2), where C counts conversions and x is how long a touchpoint was watched;
    one outside the window of every journey was watched for all of the window. The interval draws
    folds of customers anew.

    Raises:
        ParameterError: the journeys do not tell how long every touchpoint was watched.
        TableError: no journey with touchpoints converts.
    """
    window, until = journeys.lookback_days, journeys.until
    if window is None or until is None:
        raise ParameterError(
            "these journeys do not tell how long every touchpoint was watched: stitch touchpoints and "
            "outcomes with restart=True and without max_touchpoints (other tables have lost some of them)"
        )
    ages = Ages(window, until)
    learned, report = observe_folds(journeys.folds, [ages], threads)
    parts: list[AgeCounts] = learned[ages]
    whole = total(parts)
    outside = report.tables.get("touchpoints", RowCount()).set_aside.get(OUTSIDE_WINDOW, 0)
    missed = (outside, outside * window)
    if not whole.conversions > 0:
        raise TableError.of(
            "journeys", "no conversion with touchpoints", "conversions", "take a longer period of outcomes"
        )
    best = best_half_life(log_likelihood(whole, missed))
    if best in (HALF_LIVES[0], HALF_LIVES[-1]):
        edge = "as short as can be told" if best == HALF_LIVES[0] else "no decay inside the lookback window"
        return HalfLife(float(best), None, None, whole.conversions, f"no interval: {edge}")
    owners = (journeys.gate + report).notes.get(journeys.owners, 0)
    if owners < len(parts):
        why = f"no interval: {owners:,} {journeys.owners} are fewer than the {len(parts)} folds"
        return HalfLife(float(best), None, None, whole.conversions, why)
    stacked = AgeCounts.stacked(parts)
    drawn = [stacked.restored(vector) for vector in stacked.weighted(resampling.weights(len(parts)))]
    fitted = np.array(
        [best_half_life(log_likelihood(each, missed)) if each.conversions > 0 else np.nan for each in drawn]
    )
    low, high = (float(end) for end in resampling.bounds(fitted))
    if low <= HALF_LIVES[0]:
        return HalfLife(float(best), None, high, whole.conversions, "no lower end: as short as can be told")
    if high >= HALF_LIVES[-1]:
        why = "no upper end: it may be that nothing decays inside the lookback window"
        return HalfLife(float(best), low, None, whole.conversions, why)
    return HalfLife(float(best), low, high, whole.conversions)


def log_likelihood(counts: AgeCounts, missed: tuple[float, float]) -> Float64:
    """Return the log likelihood of every half-life that is tried [G]; the rate is at its best for each.

    ``missed`` are touchpoints that were watched outside the journeys, and their days.
    """
    watched, days = np.append(counts.watched, missed[0]), np.append(counts.days, missed[1])
    watched, days = watched[watched > 0], days[watched > 0]
    seen = days / watched
    rate = np.log(2) / HALF_LIVES[:, None]
    exposed = (watched * -np.expm1(-rate * seen) / rate).sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(counts.logs - counts.conversions * np.log(exposed))


def best_half_life(log_likelihoods: Float64) -> float:
    """Return the half-life at the top of the parabola through the best one tried and its neighbours."""
    at = int(np.argmax(log_likelihoods))
    if at in (0, len(HALF_LIVES) - 1):
        return float(HALF_LIVES[at])
    before, here, after = log_likelihoods[at - 1 : at + 2]
    bend = before - 2 * here + after
    shift = (before - after) / (2 * bend) if bend < 0 else 0.0
    return float(HALF_LIVES[at] * (HALF_LIVES[at + 1] / HALF_LIVES[at]) ** shift)
