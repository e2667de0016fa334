"""Markets with known response, what is measured in them, and their best budget, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

import attribution as at
from attribution.arrays import Float64
from attribution.kpis.replicated import OfLog
from attribution.simulation.market import Market, Paid, draw_weeks, mondays, run_market
from attribution.statistics import Resampling
from attribution.tables import RowCount

MARKETS = {
    "saturating channels": Market(
        (
            Paid("Display", "logarithmic", 40.0, 200.0, spend=1_500.0, swing=0.6),
            Paid("Search", "hill", 240.0, 400.0, spend=2_500.0, swing=0.6),
            Paid("Social", "hill", 240.0, 2_500.0, spend=800.0, swing=0.6),
            Paid("Video", "power", 2.0, 0.55, spend=600.0, swing=0.6),
        ),
        organic=80.0,
    ),
    "one useless channel": Market(
        (
            Paid("Retargeting", "hill", 140.0, 1_500.0, spend=1_800.0, swing=0.6, added=0.0),
            Paid("Search", "hill", 180.0, 1_200.0, spend=1_000.0, swing=0.6),
            Paid("Social", "power", 5.0, 0.5, spend=900.0, swing=0.6),
            Paid("Video", "logarithmic", 60.0, 500.0, spend=600.0, swing=0.6),
        ),
        organic=320.0,
    ),
    "one channel at its cap": Market(
        (
            Paid("Display", "hill", 120.0, 3_000.0, spend=900.0, swing=0.6),
            Paid("Search", "power", 3.2, 0.6, spend=700.0, swing=0.6),
            Paid("Social", "hill", 160.0, 150.0, spend=1_800.0, swing=0.6),
        ),
        organic=80.0,
    ),
    "carry-over": Market(
        (
            Paid("Radio", "logarithmic", 50.0, 500.0, spend=900.0, swing=0.6, half_life=1.5),
            Paid("Search", "hill", 220.0, 300.0, spend=2_200.0, swing=0.6),
            Paid("TV", "hill", 320.0, 3_000.0, spend=900.0, swing=0.6, half_life=3.0),
        ),
        organic=80.0,
    ),
}
CAPS = {"one channel at its cap": {"Search": 1_000.0}}


def measured_in(market: Market, weeks: int, seed: int) -> at.Measured:
    """Return what the river makes of a market: last touch, by channel and week, with intervals of 90 %."""
    tables = run_market(market, weeks, seed)
    journeys = at.stitch(tables["touchpoints"], tables["leads"], lookback_days=30)
    result = at.attribute(journeys, at.LastTouch(), intervals=0.9, replicates=200)
    return at.measure(at.credit_log(journeys, result), tables["spend"], by=["channel", "week"])


def best_spend(market: Market, total: float, caps: Mapping[str, float]) -> Float64:
    """Return the best spend by channel of a market whose curves are known, by a second optimiser."""
    from scipy.optimize import minimize

    ends = [(0.0, caps.get(each.name, total)) for each in market.channels]
    found = []
    for seed in range(4):
        start = np.random.default_rng(seed).dirichlet(np.ones(len(ends))) * total
        found.append(
            minimize(
                lambda spend: -market.added(np.maximum(spend, 1e-9)),
                start,
                bounds=ends,
                constraints={"type": "eq", "fun": lambda spend: spend.sum() - total},
                method="SLSQP",
                options={"maxiter": 500, "ftol": 1e-12},
            )
        )
    best: Float64 = min((each for each in found if each.success), key=lambda each: each.fun).x
    return best


def weekly(
    spend: Mapping[str, Sequence[float]],
    leads: Mapping[str, Sequence[float]],
    *,
    by_fold: Float64 | None = None,
    resampling: Resampling | None = None,
) -> at.Measured:
    """Return spend and credited leads by channel and week as measured; ``by_fold`` [channel, week, fold]."""
    names = sorted({*spend, *leads})
    weeks = len(next(iter(leads.values())))
    days = [day.date() for day in mondays(weeks)]
    rows = {
        "model": "m",
        "channel": np.repeat(names, weeks).tolist(),
        "week": days * len(names),
        "spend": [x for name in names for x in spend.get(name, [None] * weeks)],
        "leads": [float(x) for name in names for x in leads.get(name, [0.0] * weeks)],
        "credited_by": "journey",
        "no_spend": "no spend",
    }
    sums = pl.DataFrame(rows, schema_overrides={"spend": pl.Float64})
    replicated = None
    if by_fold is not None:
        c, w, f = np.indices(by_fold.shape).reshape(3, -1)
        cells = pl.DataFrame(
            {
                "model": rows["model"],
                "channel": np.array(names)[c],
                "week": [days[each] for each in w],
                "fold": f,
                "leads": by_fold.ravel(),
            }
        )
        by, outcomes = ("channel", "week"), ("leads",)
        replicated = OfLog(resampling or Resampling(), by_fold.shape[2], by, outcomes, cells)
    return at.Measured(pl.DataFrame(), sums, RowCount(), (), ("channel", "week"), ("leads",), replicated)


def counted_in(market: Market, weeks: int, seed: int, resampling: Resampling, folds: int = 64) -> at.Measured:
    """Return what is measured in a market where each lead has one touchpoint, without making the tables."""
    random = np.random.default_rng(seed)
    drawn = draw_weeks(market, weeks, random)
    names = [*(each.name for each in market.channels), "organic"]
    by_fold = random.multinomial(drawn.leads, np.full(folds, 1 / folds)).astype(np.float64)
    order = np.argsort(names)
    return weekly(
        dict(zip(names, drawn.spend.tolist(), strict=False)),
        dict(zip(names, drawn.leads.tolist(), strict=True)),
        by_fold=by_fold[order],
        resampling=resampling,
    )
