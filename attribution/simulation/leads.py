"""The tables of the sample: what the invented company would export from its tracking and CRM."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from attribution.arrays import Float64, Int64
from attribution.simulation.campaigns import CAMPAIGNS, plan_budget, share_campaigns
from attribution.simulation.company import CHANNELS, CUSTOMERS, DAYS, START, make_world
from attribution.simulation.events import Events, live
from attribution.simulation.spend import tabulate_spend
from attribution.simulation.working_hours import to_calendar

ACCOUNTS = 700
OWNERS = ("Amara", "Bruno", "Chiara", "Diego", "Elin", "Farid")
PRODUCTS = ("Starter", "Team", "Enterprise")
LIST_PRICES = (2_400.0, 6_000.0, 14_000.0)

# The stages of a lead: log odds of passing each, median days to the decision, on average customers.
STAGES = ("mql_at", "sql_at", "opportunity_at", "won_at")
STAGE_LOG_ODDS = (0.8, 0.2, 0.3, -0.4)
STAGE_DAYS = (0.7, 3.0, 6.0, 18.0)

Draws = Callable[[int], Float64]
NAMES = np.array(list(CHANNELS))


def sample_tables(seed: int = 7) -> dict[str, pl.DataFrame]:
    """Return the tables `touchpoints`, `leads` and `spend` of 180 days, the same for each seed.

    Times are UTC in whole seconds and money is EUR to the cent, so that the last bit of a
    machine's exponential function changes no value.
    """
    draws = np.random.Generator(np.random.PCG64(4 * seed + 3)).random
    plan = plan_budget(draws((-(-DAYS // 7), len(CHANNELS))))
    events = live(make_world(plan), 4 * seed)
    touchpoints = _touchpoints(events, draws)
    return {
        "touchpoints": touchpoints,
        "leads": _leads(events, draws),
        "spend": tabulate_spend(touchpoints, plan, draws),
    }


def _touchpoints(events: Events, draws: Draws) -> pl.DataFrame:
    """Return the event log, oldest first."""
    channel, touches = events.touch_channel, len(events.touch_channel)
    day = to_calendar(events.touch_day).astype(np.int64)
    campaign = np.full(touches, None, dtype=object)
    draw = draws(touches)
    for code, name in enumerate(NAMES):
        ours = [k for k, known in enumerate(CAMPAIGNS) if known.channel == name]
        rows = np.flatnonzero(channel == code)
        if ours:
            edges = np.cumsum(share_campaigns()[:, ours], axis=1)[:, :-1]
            picked = (draw[rows, None] >= edges[day[rows]]).sum(axis=1)
            campaign[rows] = np.array([CAMPAIGNS[k].name for k in ours])[picked]
    views = np.array([channel.views for channel in CHANNELS.values()])
    mobile = np.array([channel.mobile for channel in CHANNELS.values()])
    table = pl.DataFrame(
        {
            "customer_id": _names("c", events.touch_journey % CUSTOMERS, 5),
            "timestamp": _instants(events.touch_day),
            "channel": NAMES[channel],
            "campaign": pl.Series(campaign.tolist(), dtype=pl.String),
            "kind": np.where(draws(touches) < views[channel], "view", "click"),
            "device": np.where(draws(touches) < mobile[channel], "mobile", "desktop"),
        }
    ).sort("timestamp", "customer_id", "channel")
    return table.with_columns(event_id=_names("e", np.arange(touches), 8))


def _leads(events: Events, draws: Draws) -> pl.DataFrame:
    """Return one row a lead, oldest first, with what became of it until the data end."""
    journey, leads = events.lead_journey, len(events.lead_journey)
    customer, drive = journey % CUSTOMERS, events.drive[journey % CUSTOMERS]
    first, last, touched = _met(events)

    account = (ACCOUNTS * draws(CUSTOMERS) ** 1.6).astype(np.int64)
    account[draws(CUSTOMERS) < 0.05] = -1
    account = account[customer]
    owner = np.where(account < 0, customer, account) % len(OWNERS)

    # Whoever met no channel has code -1: the last entry, word of mouth.
    said = np.array([*(channel.said for channel in CHANNELS.values()), "a colleague"], dtype=object)
    memory = draws(leads)
    source = np.where(memory < 0.7, said[first[journey]], said[last[journey]])
    source[memory > 0.8] = None

    wins = np.array([channel.win for channel in CHANNELS.values()])
    stages = _stages(events.lead_day, 0.5 * drive + touched[journey] @ wins, draws)
    won = np.isfinite(stages["won_at"])
    product = np.digitize(0.5 * drive + _normal(draws, leads), [0.3, 1.3])
    revenue = np.array(LIST_PRICES)[product] * np.exp(0.2 * drive + 0.4 * _normal(draws, leads))

    table = pl.DataFrame(
        {
            "customer_id": _names("c", customer, 5),
            "timestamp": _instants(events.lead_day),
            "leads": np.ones(leads, dtype=np.int64),
            "wins": won.astype(np.int64),
            "revenue": np.where(won, np.round(revenue, 2), 0.0),
            **{stage: _instants(days) for stage, days in stages.items()},
            "owner": np.array(OWNERS)[owner],
            "product": np.array(PRODUCTS)[product],
            "source": pl.Series(source.tolist(), dtype=pl.String),
            "account_id": _names("a", account, 4),
        }
    ).sort("timestamp", "customer_id")
    return table.insert_column(0, _names("o", np.arange(leads), 6).alias("outcome_id"))


def _met(events: Events) -> tuple[Int64, Int64, Float64]:
    """Return the first and the last channel of each journey (-1: none), and all it met as 0/1."""
    order = np.lexsort((events.touch_day, events.touch_journey))
    journey, channel = events.touch_journey[order], events.touch_channel[order]
    first = np.full(2 * CUSTOMERS, -1)
    last = first.copy()
    first[journey[::-1]] = channel[::-1]
    last[journey] = channel
    touched = np.zeros((2 * CUSTOMERS, len(NAMES)))
    touched[journey, channel] = 1.0
    return first, last, touched


def _stages(lead_day: Float64, log_odds: Float64, draws: Draws) -> dict[str, Float64]:
    """Return the day each lead reached a stage or was lost; inf: never, or after the data end.

    A stage is passed with probability 1 / (1 + exp(-(log odds of stage + log odds of lead))).
    """
    reached: dict[str, Float64] = {}
    now, lost = lead_day, np.full(len(lead_day), np.inf)
    for stage, ease, median in zip(STAGES, STAGE_LOG_ODDS, STAGE_DAYS, strict=True):
        decided = now + median * np.exp(0.7 * _normal(draws, len(now)))
        decided[decided >= DAYS] = np.inf
        passed = draws(len(now)) < 1 / (1 + np.exp(-(ease + log_odds)))
        lost = np.where(passed, lost, np.minimum(lost, decided))
        now = reached[stage] = np.where(passed, decided, np.inf)
    return {**reached, "lost_at": lost}


def _normal(draws: Draws, size: int) -> Float64:
    """Return standard normal numbers from uniform ones."""
    from scipy.special import ndtri

    normal: Float64 = ndtri(draws(size))
    return normal


def _instants(days: Float64) -> pl.Series:
    """Return days of the world as times of the calendar; null where the day is not finite."""
    seconds = int(START.timestamp()) + np.floor(to_calendar(np.minimum(days, DAYS)) * 86_400)
    micros = pl.Series(seconds.astype(np.int64) * 1_000_000)
    happened = pl.Series(np.isfinite(days))
    return pl.select(pl.when(happened).then(micros.cast(pl.Datetime("us", "UTC")))).to_series()


def _names(letter: str, numbers: Int64, width: int) -> pl.Series:
    """Return numbers as identifiers, `c00017`; null where the number is negative."""
    return pl.Series(
        [f"{letter}{number:0{width}d}" if number >= 0 else None for number in numbers.tolist()],
        dtype=pl.String,
    )
