"""Backtest: what curves of the earlier periods expected of the spend that followed, and what came."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.budget.carry_over import stock_of
from attribution.budget.grid import LEAST
from attribution.budget.noise import BELOW
from attribution.budget.periods import FEWEST, Which, past_of
from attribution.budget.response import PARAMETERS, Response, fit_response
from attribution.channels import TOTAL
from attribution.errors import ParameterError, shown
from attribution.kpis.measure import Measured


def backtest_response(
    measured: Measured,
    *,
    periods: int = 4,
    model: str | None = None,
    outcome: str | None = None,
    half_life: float | None = None,
    complete_from: date | None = None,
    complete_before: date | None = None,
) -> pl.DataFrame:
    """Return, for each channel with spend, what was expected of its last periods, and what it was credited.

    Formula: <outcome>_expected = sum over the last periods of the curve, fitted to those before, at the
    ad-stock of the spend that followed; its interval holds the draws of the curve and the shocks of the
    earlier periods, each drawn for all channels at once. error = expected - credited;
    error_unchanged is that of the mean of the earlier periods, as if spend made no difference.

    Units: money and outcomes, in sum over the last periods.

    Raises:
        ParameterError: fewer than 8 periods are left to fit to, or a name or half-life is unknown.
        TableError: spend is not known by period, or a credit is below zero.
        ConvergenceError: there are too few periods.
    """
    past = past_of(measured, Which(model, outcome, complete_from, complete_before))
    known = len(past.days)
    if not isinstance(periods, int) or not 1 <= periods <= known - FEWEST:
        allowed = f"1 to {known - FEWEST}, so that {FEWEST} of the {known} {past.unit}s are left to fit to"
        raise ParameterError.out_of_range("periods", periods, allowed)
    late = [
        shown(each)
        for each, spend in zip(past.channels, past.spend, strict=True)
        if not spend[:-periods].any()
    ]
    if late:
        raise ParameterError.out_of_range(
            "periods", periods, f"fewer: {', '.join(late)} had no spend before them"
        )
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
    each = zip(spend, half_lives, draws.usual, strict=True)
    stock = np.stack([stock_of(money, np.array([half]), usual)[0] for money, half, usual in each])
    stock = np.maximum(stock, LEAST * draws.usual[:, None])
    mean = np.stack([draws.value(now) for now in stock.T], axis=2)
    before, later = np.maximum(mean[:, :, :fitted].mean(axis=0), BELOW), mean[:, :, fitted:]
    shock = (response.past.outcome - before) / np.sqrt(before) * np.sqrt(fitted / (fitted - PARAMETERS))
    random = np.random.default_rng([response.past.resampling.seed, STREAM])
    period = random.integers(fitted, size=(len(mean), later.shape[2]))
    found = (later + np.sqrt(later) * np.moveaxis(shock[:, period], 0, 1)).sum(axis=2)
    return np.concatenate([found, found.sum(axis=1, keepdims=True)], axis=1)


STREAM = 10  # of random numbers, beside those of the customers and the curves


def with_sum(values: Float64) -> Float64:
    """Return values [C] with their sum after them."""
    return np.append(values, values.sum())
