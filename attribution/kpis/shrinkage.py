"""Shrinkage: ratios of cells with few leads, drawn to that of all cells as far as chance explains them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.channels import UNATTRIBUTED
from attribution.kpis.dictionary import KPIS, ratios_of

RAW = {"cost_per_lead": "cost_per_lead_shrunken", "win_rate": "win_rate_shrunken"}
EVERY = ratios_of([column for kpi in KPIS for column in (kpi.numerator, kpi.denominator)])
FIGURES = tuple(name for kpi in EVERY for name in (kpi.name, RAW.get(kpi.name)) if name)  # of the KPI table


def with_shrunken(kpis: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return the KPI table with each ratio's shrunken one after the raw one.

    A model has priors of its own, over its cells; its last row, the total, keeps the raw values. The
    channel (unattributed) is no cell: it takes no part and has null.
    """
    table = pl.concat([shrunken(rows, by, outcomes) for rows in kpis.partition_by("model")])
    names = [each for name in kpis.columns for each in (name, RAW.get(name)) if each]
    return table.select(names)


def shrunken(rows: pl.DataFrame, by: Sequence[str], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return one model's rows with the shrunken ratios."""
    is_total = pl.int_range(pl.len()) == pl.len() - 1
    is_channel = pl.col("channel").ne_missing(UNATTRIBUTED) if "channel" in by else pl.lit(True)
    is_cell = is_channel & ~is_total
    has_rate = is_cell & pl.col("win_rate").is_not_null()
    spend, leads, won, lead = (
        column.to_numpy()
        for column in rows.select(
            pl.when(is_cell).then("spend").fill_null(0.0).alias("spend"),
            pl.col(outcomes[0]).alias("leads"),
            (pl.col("wins") if "wins" in outcomes else pl.lit(0.0)).alias("won"),
            pl.when(has_rate).then(outcomes[0]).otherwise(0.0).alias("lead"),
        )
    )
    found = {"cost_per_lead": shrunken_costs(spend, leads), "win_rate": shrunken_rates(won, lead)}
    return rows.with_columns(
        pl.when(is_total)
        .then(pl.col(name))
        .otherwise(pl.Series(values, dtype=pl.Float64).fill_nan(None))
        .alias(RAW[name])
        for name, values in found.items()
    )


def shrunken_rates(wins: Float64, leads: Float64) -> Float64:
    """Return the win rate of each cell, shrunken to that of all: the mean of a beta-binomial posterior.

    Formula: W_c ~ Binomial(L_c, p_c), p_c ~ Beta(mu M, (1 - mu) M), mu = sum W / sum L, M = 1 / rho - 1;
    shrunken = (W_c + mu M) / (L_c + M), which lies between W_c / L_c and mu. rho = 0 gives mu to all,
    rho = 1 the raw rates; weighted by L_c + M the mean of the shrunken rates is mu. A cell without leads
    takes no part and has NaN: nothing was seen of it. The chance in credited leads, which are shared, is
    at most that of as many whole ones: cells are drawn to mu rather too much than too little.

    Example: 1 of 4 and 3 of 4 were won: mu = 1/2, rho = 1/3, M = 2: (1 + 1) / (4 + 2) and (3 + 1) / (4 + 2).

    >>> shrunken_rates(np.array([1.0, 3.0, 0.0]), np.array([4.0, 4.0, 0.0])).round(12).tolist()
    [0.333333333333, 0.666666666667, nan]

    Source: Kleinman (1973), "Proportions with extraneous variance: single and independent samples",
    Journal of the American Statistical Association 68, 46-54, with weights n_i.
    """
    rates = np.full(len(leads), np.nan)
    seen = leads > 0
    wins, leads = wins[seen], leads[seen]
    if seen.any():
        mu, rho = math.fsum(wins) / math.fsum(leads), correlated(wins, leads)
        rates[seen] = (rho * wins + (1 - rho) * mu) / (rho * leads + (1 - rho))
    return rates


def correlated(wins: Float64, leads: Float64) -> float:
    """Return rho, the correlation of two leads of one cell, by the method of moments, in [0, 1].

    Formula: X^2 = sum (W_c - mu L_c)^2 / (L_c mu (1 - mu)), N = sum L; over k cells
    E[X^2] = (k - 1) + rho (N - sum L_c^2 / N - (k - 1)). 0 where it cannot be told: one cell, all won or
    none, cells of no more than a lead.

    Example: 1 of 4 and 3 of 4: X^2 = 1 + 1, (2 - 1) / (8 - 4 - 1).

    >>> round(correlated(np.array([1.0, 3.0]), np.array([4.0, 4.0])), 12)
    0.333333333333
    """
    total, free = math.fsum(leads), len(leads) - 1
    mu = math.fsum(wins) / total
    among = total * (1 - math.fsum((leads / total) ** 2)) - free
    if free < 1 or among <= 0 or not 0 < mu < 1:
        return 0.0
    found = math.fsum((wins - mu * leads) ** 2 / leads) / (mu * (1 - mu))
    return min(max(found - free, 0.0) / among, 1.0)


def shrunken_costs(spend: Float64, leads: Float64) -> Float64:
    """Return the cost per lead of each cell, shrunken to that of all: by a gamma-Poisson posterior.

    Formula: L_c ~ Poisson(a_c S_c), a_c ~ Gamma(alpha, beta), alpha / beta = mu = sum L / sum S over the
    cells with spend, beta = 1 / phi: what the beta-binomial becomes for many units of money that seldom
    bring a lead; shrunken = (S_c + beta) / (L_c + alpha), which lies between S_c / L_c and 1 / mu.
    phi = 0 gives 1 / mu to all; weighted by L_c + alpha the mean of the shrunken costs is 1 / mu. A cell
    with spend and no lead takes part and has a finite cost. One without spend, or with 0, takes no part
    and has NaN: its leads were not bought. So have all where there is no lead.

    Example: 10 brought 1 lead and 10 brought 9: mu = 1/2, phi = 0.54: (10 + 1 / 0.54) / (1 + 0.5 / 0.54)
    = 6.15 and not 10; 1.19 and not 1.11.

    >>> shrunken_costs(np.array([10.0, 10.0, 0.0]), np.array([1.0, 9.0, 5.0])).round(2).tolist()
    [6.15, 1.19, nan]

    Source: Kleinman (1973) in the limit; the prior of Clayton and Kaldor (1987), "Empirical Bayes
    estimates of age-standardized relative risks for use in disease mapping", Biometrics 43, 671-681.
    """
    costs = np.full(len(spend), np.nan)
    paid = spend > 0
    spend, leads = spend[paid], leads[paid]
    mu = math.fsum(leads) / math.fsum(spend) if paid.any() else 0.0
    if mu > 0 and math.isfinite(1 / mu):
        phi = dispersed(spend, leads)
        costs[paid] = (1 + phi * spend) / (mu + phi * leads)
    return costs


def dispersed(spend: Float64, leads: Float64) -> float:
    """Return phi, the variance of leads per unit of money between cells over its mean, by moments, >= 0.

    Formula: X^2 = sum (L_c - mu S_c)^2 / (mu S_c), T = sum S; over k cells
    E[X^2] = (k - 1) + phi (T - sum S_c^2 / T). 0 where it cannot be told: one cell.

    Example: 10 brought 1 lead and 10 brought 9: X^2 = 16/5 + 16/5, (6.4 - 1) / (20 - 10).

    >>> round(dispersed(np.array([10.0, 10.0]), np.array([1.0, 9.0])), 12)
    0.54
    """
    total, free = math.fsum(spend), len(spend) - 1
    mu = math.fsum(leads) / total
    among = total * (1 - math.fsum((spend / total) ** 2))
    if free < 1 or among <= 0:
        return 0.0
    found = math.fsum((leads - mu * spend) ** 2 / spend) / mu
    return max(found - free, 0.0) / among
