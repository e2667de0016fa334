"""Backtest: what curves of the earlier periods expected of the spend that followed, and what came."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.budget.carry_over import stock_of
from attribution.budget.past import FEWEST, past_of
from attribution.budget.response import Response, fit_response
from attribution.channels import TOTAL
from attribution.errors import ParameterError
from attribution.kpis.measure import Measured


def backtest_response(
    measured: Measured,
    *,
    periods: int = 4,
    model: str | None = None,
    outcome: str | None = None,
    half_life: float | None = None,
    complete_before: date | None = None,
) -> pl.DataFrame:
    """Return, for each channel with spend, what was expected of its last periods, and what it was credited.

    Formula: <outcome>_expected = sum over the last periods of the curve, fitted to those before, at the
    ad-stock of the spend that followed; its interval holds the draws of the curve and the noise of the
    periods, normal with the variance that outcomes had around the curve. error = expected - credited;
    error_unchanged is that of the mean of the earlier periods, as if spend made no difference.

    Units: money and outcomes, in sum over the last periods.

    Raises:
        ParameterError: fewer than 8 periods are left to fit to, or a name or half-life is unknown.
        TableError: spend is not known by period, or a credit is below zero.
        ConvergenceError: there are too few periods.
    """
    past = past_of(measured, model, outcome, complete_before)
    known = len(past.days)
    if not isinstance(periods, int) or not 1 <= periods <= known - FEWEST:
        allowed = f"1 to {known - FEWEST}, so that {FEWEST} of the {known} {past.unit}s are left to fit to"
        raise ParameterError.out_of_range("periods", periods, allowed)
    response = fit_response(past.until(known - periods), half_life)
    name, expected = past.outcome_name, foretold(response, past.spend)
    credited = past.outcome[:, -periods:].sum(axis=1)
    unchanged = past.outcome[:, :-periods].mean(axis=1) * periods
    rows = {
        "channel": [*past.channels, TOTAL],
        "periods": periods,
        "spend": with_sum(past.spend[:, -periods:].sum(axis=1)),
        "spend_before": with_sum(past.spend[:, :-periods].mean(axis=1) * periods),
        name: with_sum(credited),
        f"{name}_expected": expected.mean(axis=0),
    }
    low, high = past.resampling.bounds(expected)
    ends = {f"{name}_expected_low": np.maximum(low, 0.0), f"{name}_expected_high": high}
    errors = {
        "error": expected.mean(axis=0) - with_sum(credited),
        "error_unchanged": with_sum(unchanged - credited),
    }
    return past.named(pl.DataFrame(rows | ends | errors))


def foretold(response: Response, spend: Float64) -> Float64:
    """Return the outcomes of the channels, and their sum, in the periods that follow [R, C + 1].

    ``spend`` [C, P] is that of all periods: those of the fit, and those that follow.
    """
    draws, fitted = response.draws, len(response.past.days)
    half_lives = response.half_life_days / response.past.period_days
    stock = np.stack([stock_of(spend[c : c + 1], half_lives[c : c + 1])[0, 0] for c in range(len(spend))])
    mean = np.sum([draws.value(stock[:, t]) for t in range(fitted, spend.shape[1])], axis=0)
    random = np.random.default_rng([response.past.resampling.seed, STREAM])
    noise = np.sqrt(response.dispersion * mean) * random.standard_normal(mean.shape)
    found = mean + noise
    return np.concatenate([found, found.sum(axis=1, keepdims=True)], axis=1)


STREAM = 10  # of random numbers, beside those of the customers and the curves


def with_sum(values: Float64) -> Float64:
    """Return values [C] with their sum after them."""
    return np.append(values, values.sum())
