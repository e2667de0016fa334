"""The simulated worlds: rates by hand, a naive twin, and what a channel switched off may do."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from attribution.errors import ParameterError
from attribution.simulation import Simulation, World, make_world, sample_tables, simulate
from attribution.simulation.campaigns import CAMPAIGNS, share_campaigns
from attribution.simulation.company import CHANNELS, DAYS
from attribution.simulation.working_hours import to_calendar

WORLD = World(
    channels=("Ad", "Mail", "Search"),
    frequency=np.array([0.10, 0.20, 0.05]),
    affinity=np.array([-0.5, 0.0, 0.7]),
    excitation=np.array([[0.0, 2.0, 4.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0]]),
    needs_touch=np.array([False, True, False]),
    half_life=np.array([2.0, 5.0, 1.0]),
    scale=np.array([1.0, 0.5, 2.0]),
    log_hazard=-5.0,
    drive_effect=0.4,
    effect=np.array([1.0, 2.0, 5.0]),
    synergy=np.array([[0.0, 1.5, 0.0], [0.0, 0.0, 0.5], [2.0, 0.0, 0.0]]),
    saturation=3.0,
)
# Effects of both signs, and a budget that moves by the day.
MIXED = replace(
    WORLD,
    log_hazard=-4.0,
    effect=np.array([-4.0, 8.0, 3.0]),
    synergy=np.array([[0.0, -2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]),
    scale=np.random.Generator(np.random.PCG64(5)).random((40, 3)) * 2,
)


def same(left: Simulation, right: Simulation) -> bool:
    return all(
        np.array_equal(getattr(left, field.name), getattr(right, field.name)) for field in fields(Simulation)
    )


def ends(simulation: Simulation) -> np.ndarray:
    """Conversion time by customer; infinite for who never converts."""
    end = np.full(len(simulation.drive), np.inf)
    end[simulation.conversion_customer] = simulation.conversion_time
    return end


def naive(world: World, customers: int, days: int, seed: int, on: list[bool]) -> tuple[list, list]:
    """Simulate as plainly as it can be said."""
    draw = np.random.Generator(np.random.PCG64(seed)).random
    width = range(len(world.channels))
    drive = [NormalDist().inv_cdf(u) for u in draw(customers)]
    draw(customers)
    stock = [[0.0 for _ in width] for _ in range(customers)]
    seen, alive = [False] * customers, [True] * customers
    touches, conversions = [], []
    for t in range(days):
        scale = world.scale[t] if world.scale.ndim == 2 else world.scale
        u_touch, u_time = draw((customers, len(width))), draw((customers, len(width)))
        u_convert = draw(customers)
        for u in range(customers):
            if not alive[u]:
                continue
            yesterday = list(stock[u])
            touched = []
            for c in width:
                rate = scale[c] * world.frequency[c] * math.exp(world.affinity[c] * drive[u])
                rate *= 1 + sum(world.excitation[d, c] * yesterday[d] for d in width)
                if not on[c] or (world.needs_touch[c] and not seen[u]):
                    rate = 0.0
                event = u_touch[u, c] < 1 - math.exp(-rate)
                stock[u][c] = yesterday[c] * 2 ** (-1 / world.half_life[c]) + event
                if event:
                    touched.append((u, c, t + 0.999 * u_time[u, c]))
            touches += touched
            seen[u] = seen[u] or bool(touched)
            felt = [s / (1 + s / world.saturation) for s in stock[u]]
            lift = 1 + sum(world.effect[c] * felt[c] for c in width)
            lift += sum(world.synergy[c, d] * felt[c] * felt[d] for c in width for d in width)
            hazard = math.exp(world.log_hazard + world.drive_effect * drive[u]) * max(0, lift)
            if u_convert[u] < 1 - math.exp(-hazard):
                alive[u] = False
                conversions.append((u, t + 1.0))
    return touches, conversions


@pytest.mark.parametrize("world", [WORLD, MIXED], ids=["effects >= 0", "effects of both signs"])
@pytest.mark.parametrize("on", [[True, True, True], [False, True, True], [True, False, False]])
def test_equals_its_naive_twin(world: World, on: list[bool]) -> None:
    touches, conversions = naive(world, customers=60, days=40, seed=3, on=on)
    ours = simulate(world, customers=60, days=40, seed=3, on=np.array(on))
    assert len(conversions) > 10
    ours_touches = zip(ours.touch_customer, ours.touch_channel, ours.touch_time, strict=True)
    assert list(ours_touches) == touches
    assert list(zip(ours.conversion_customer, ours.conversion_time, strict=True)) == conversions


def test_rate_by_hand() -> None:
    drive, seen = np.array([0.0, 2.0]), np.array([False, True])
    stock = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.0]])
    expected = [
        [0.10, 0.0, 0.10],  # nobody mails whom nothing has touched
        [0.10 * math.exp(-1), 0.10 * 3, 0.10 * math.exp(1.4) * 5],
    ]
    np.testing.assert_allclose(WORLD.rate(drive, stock, seen, WORLD.scale), expected, rtol=1e-15)


def test_hazard_by_hand() -> None:
    # f(1.5) = 1, f(3) = 1.5: 1 + 1 + 2 * 1.5 + synergy 1.5 * 1 * 1.5 = 7.25
    stock = np.array([[0.0, 0.0, 0.0], [1.5, 3.0, 0.0]])
    expected = [math.exp(-5), math.exp(-4.6) * 7.25]
    np.testing.assert_allclose(WORLD.hazard(np.array([0.0, 1.0]), stock), expected, rtol=1e-15)


def test_hazard_is_never_negative() -> None:
    assert MIXED.hazard(np.zeros(1), np.array([[3.0, 0.0, 0.0]])).tolist() == [0.0]


def test_a_seed_is_a_world_line() -> None:
    assert same(simulate(WORLD, 50, 20, seed=1), simulate(WORLD, 50, 20, seed=1))
    assert not same(simulate(WORLD, 50, 20, seed=1), simulate(WORLD, 50, 20, seed=2))


def test_more_days_change_no_earlier_day() -> None:
    short, long = simulate(WORLD, 200, 20, seed=4), simulate(WORLD, 200, 40, seed=4)
    assert np.array_equal(long.touch_time[long.touch_time < 20], short.touch_time)
    assert np.array_equal(long.conversion_time[long.conversion_time <= 20], short.conversion_time)
    assert len(long.conversion_time) > len(short.conversion_time)


def test_off_is_a_budget_of_zero() -> None:
    on = np.array([True, False, True])
    without_budget = replace(WORLD, scale=WORLD.scale * on)
    assert same(simulate(WORLD, 300, 30, 6, on), simulate(without_budget, 300, 30, 6))


@pytest.mark.parametrize("world", [WORLD, make_world(np.ones(len(CHANNELS)))], ids=["tiny", "company"])
def test_a_channel_off_is_silent_and_never_wins_a_conversion(world: World) -> None:
    everything = simulate(world, 1500, 90, seed=8)
    lost = 0
    for channel in range(len(world.channels)):
        on = np.arange(len(world.channels)) != channel
        without = simulate(world, 1500, 90, seed=8, on=on)
        assert channel in everything.touch_channel
        assert channel not in without.touch_channel
        assert np.array_equal(without.drive, everything.drive)
        assert (ends(without) >= ends(everything)).all()
        lost += (ends(without) > ends(everything)).sum()
    assert lost > 0


def test_a_journey_ends_with_its_conversion() -> None:
    simulation = simulate(WORLD, 500, 40, seed=9)
    assert len(simulation.conversion_customer) == len(set(simulation.conversion_customer)) > 100
    assert (simulation.touch_time < ends(simulation)[simulation.touch_customer]).all()
    assert simulation.touch_time.max() < 40


def test_channels_without_effect_win_nothing() -> None:
    null = replace(WORLD, effect=np.zeros(3), synergy=np.zeros((3, 3)))
    everything, nothing = (simulate(null, 3000, 30, 2, on) for on in (None, np.zeros(3, dtype=bool)))
    assert len(everything.touch_time) > 0 == len(nothing.touch_time)
    assert np.array_equal(ends(everything), ends(nothing))


def test_share_of_untouched_who_convert() -> None:
    alike = replace(WORLD, drive_effect=0.0)
    converted = len(simulate(alike, 20_000, 30, 1, np.zeros(3, dtype=bool)).conversion_time)
    expected = 1 - math.exp(-30 * math.exp(-5))
    assert converted / 20_000 == pytest.approx(
        expected, abs=4 * math.sqrt(expected * (1 - expected) / 20_000)
    )


def test_proxy_is_the_drive_with_noise_as_large() -> None:
    simulation = simulate(WORLD, 20_000, 1, seed=1)
    noise = simulation.proxy - simulation.drive
    assert simulation.drive.std() == pytest.approx(1, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert np.corrcoef(noise, simulation.drive)[0, 1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    "name", ["frequency", "affinity", "excitation", "half_life", "effect", "synergy", "scale"]
)
def test_a_coefficient_of_another_shape_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=name):
        replace(WORLD, **{name: np.ones(2)})


def test_calendar_keeps_order_and_rests_at_weekends() -> None:
    days = np.linspace(0, DAYS, 50_001)
    calendar = to_calendar(days)
    assert (calendar[0], calendar[-1]) == (0, DAYS)
    assert (np.diff(calendar) > 0).all()
    weekday = (calendar[:-1].astype(int) + 3) % 7  # 2026-01-01 is a Thursday
    # 26 weekends of two days against 128 weekdays of six times the weight
    assert (weekday >= 5).mean() == pytest.approx(52 / (52 + 6 * 128), abs=1e-3)


def test_campaign_shares_are_of_the_channel_and_of_running_campaigns() -> None:
    shares = share_campaigns()
    for channel in {campaign.channel for campaign in CAMPAIGNS}:
        ours = [k for k, campaign in enumerate(CAMPAIGNS) if campaign.channel == channel]
        np.testing.assert_allclose(shares[:, ours].sum(axis=1), 1, rtol=1e-14)
    for k, campaign in enumerate(CAMPAIGNS):
        assert np.flatnonzero(shares[:, k]).tolist() == list(range(campaign.first, campaign.end))


def test_tables_are_those_of_the_seed() -> None:
    tables, again, other = sample_tables(3), sample_tables(3), sample_tables(4)
    for name, table in tables.items():
        assert_frame_equal(table, again[name], check_exact=True)
        assert table.schema == other[name].schema
        assert not table.equals(other[name])


def test_command_writes_the_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "attribution.simulation", str(tmp_path / "new")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tables = sample_tables()
    assert len(done.stdout.splitlines()) == len(tables)
    for name, table in tables.items():
        assert f"{name}.parquet: {table.height:,} rows" in done.stdout
        assert_frame_equal(pl.read_parquet(tmp_path / "new" / f"{name}.parquet"), table)
