"""A world of customers, channels and conversions in which every coefficient is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.arrays import Bool, Float64, Int64
from attribution.errors import ParameterError


@dataclass(frozen=True, eq=False)
class World:
    """Channels that touch customers, and what the touches do to conversions.

    Stock of a channel: S <- S * 2^(-1 / half_life) + (touched today), in touches.

    ====================  ========  =======================================================
    field                 symbol    meaning
    ====================  ========  =======================================================
    channels              c         names, C of them
    frequency     [C]     mu        touches a day of an average customer
    affinity      [C]     gam       pull of the latent drive x on the frequency (log)
    excitation    [C, C]  alpha     [d, c]: rise of the rate of c for each touch in stock of d
    needs_touch   [C]     seen      true: only reaches customers who were touched before
    half_life     [C]     hl        days in which a stock halves
    scale         [C]     scale     budget as a multiple of today's; or [days, C], a plan
    log_hazard            a         log of the conversions a day of an untouched customer
    drive_effect          b         pull of the latent drive x on the hazard (log)
    effect        [C]     beta      rise of the hazard for each saturated touch in stock
    synergy       [C, C]  theta     the same for each product of two saturated stocks
    saturation            sat       stock at which a touch counts half: f(S) = S / (1 + S / sat)
    ====================  ========  =======================================================

    >>> world = World(("Ad", "Mail"), frequency=np.array([0.1, 0.2]), affinity=np.zeros(2),
    ...               excitation=np.array([[0.0, 3.0], [0.0, 0.0]]),
    ...               needs_touch=np.array([False, True]), half_life=np.array([1.0, 2.0]),
    ...               scale=np.ones(2), log_hazard=0.0, drive_effect=0.0,
    ...               effect=np.array([1.0, 3.0]), synergy=np.zeros((2, 2)), saturation=2.0)
    >>> stock = np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> world.rate(np.zeros(2), stock, stock.any(axis=1), world.scale)
    array([[0.1, 0. ],
           [0.1, 1.4]])
    >>> world.hazard(np.zeros(2), stock)
    array([1., 2.])
    """

    channels: tuple[str, ...]
    frequency: Float64
    affinity: Float64
    excitation: Float64
    needs_touch: Bool
    half_life: Float64
    scale: Float64
    log_hazard: float
    drive_effect: float
    effect: Float64
    synergy: Float64
    saturation: float

    def __post_init__(self) -> None:
        width = len(self.channels)
        for name, expected in (
            ("frequency", (width,)),
            ("affinity", (width,)),
            ("excitation", (width, width)),
            ("needs_touch", (width,)),
            ("half_life", (width,)),
            ("scale", (*self.scale.shape[:-1], width)),
            ("effect", (width,)),
            ("synergy", (width, width)),
        ):
            got = getattr(self, name).shape
            if got != expected:
                raise ParameterError.out_of_range(f"{name}.shape", got, str(expected))

    def rate(self, drive: Float64, stock: Float64, seen: Bool, scale: Float64) -> Float64:
        """Return the touches to expect today, [customer, channel], from yesterday's stock.

        rate = scale * mu * exp(gam * x) * (1 + sum_d alpha[d, c] * S_d) * [seen if needed]
        """
        pull = self.frequency * np.exp(np.outer(drive, self.affinity))
        reachable = seen[:, None] | ~self.needs_touch
        rate: Float64 = scale * pull * (1 + stock @ self.excitation) * reachable
        return rate

    def hazard(self, drive: Float64, stock: Float64) -> Float64:
        """Return the conversions to expect today, [customer], from the stock of today.

        h = exp(a + b * x) * max(0, 1 + sum_c beta_c f(S_c) + sum_cd theta[c, d] f(S_c) f(S_d))
        """
        felt = stock / (1 + stock / self.saturation)
        lift = 1 + felt @ self.effect + ((felt @ self.synergy) * felt).sum(axis=1)
        hazard: Float64 = np.exp(self.log_hazard + self.drive_effect * drive) * np.maximum(0, lift)
        return hazard


@dataclass(frozen=True, eq=False)
class Simulation:
    """What happened in a world: n customers, k touches, m conversions; times in days from 0.

    Touches stand in order of day, customer, channel; conversions in order of day, customer.
    `drive` is the latent x that no observer sees, `proxy` what can be seen of it: x + N(0, 1).
    """

    touch_customer: Int64
    touch_channel: Int64
    touch_time: Float64
    conversion_customer: Int64
    conversion_time: Float64
    drive: Float64
    proxy: Float64


def simulate(world: World, customers: int, days: int, seed: int, on: Bool | None = None) -> Simulation:
    """Let the days of a world pass, with only the channels of the mask `on` switched on.

    Touched today with probability 1 - exp(-rate), converted with 1 - exp(-hazard); a touch lies
    inside its day, a conversion at its end, and the first conversion ends a journey. The random
    numbers depend on the seed alone, so worlds that differ in `on` or in a coefficient differ by
    its effect and by nothing else. Where excitations, effects and synergies are >= 0, one more
    channel never loses or delays a conversion.

    >>> zero, matrix = np.zeros(1), np.zeros((1, 1))
    >>> world = World(("Ad",), frequency=zero + 99, affinity=zero, excitation=matrix,
    ...               needs_touch=zero > 0, half_life=zero + 1, scale=zero + 1, log_hazard=-99.0,
    ...               drive_effect=0.0, effect=zero + 1e50, synergy=matrix, saturation=2.0)
    >>> simulate(world, customers=2, days=3, seed=0).conversion_time
    array([1., 1.])
    >>> simulate(world, customers=2, days=3, seed=0, on=zero > 0).conversion_time
    array([], dtype=float64)
    """
    from scipy.special import ndtri

    shape = (customers, len(world.channels))
    uniform = np.random.Generator(np.random.PCG64(seed)).random
    drive: Float64 = ndtri(uniform(customers))
    proxy: Float64 = drive + ndtri(uniform(customers))
    plan = np.broadcast_to(world.scale if on is None else world.scale * on, (days, shape[1]))
    keep = 2.0 ** (-1 / world.half_life)

    stock = np.zeros(shape)
    seen = np.zeros(customers, dtype=bool)
    alive = np.ones(customers, dtype=bool)
    touches: list[tuple[Int64, Int64, Float64]] = []
    conversions: list[tuple[Int64, Float64]] = []
    for day in range(days):
        # Drawn for everyone, dead or alive, on or off: the stream must not depend on the world.
        touch_draw, moment, convert_draw = uniform(shape), uniform(shape), uniform(customers)
        touched = touch_draw < 1 - np.exp(-world.rate(drive, stock, seen, plan[day]))
        touched &= alive[:, None]
        stock = stock * keep + touched
        seen |= touched.any(axis=1)
        converted = alive & (convert_draw < 1 - np.exp(-world.hazard(drive, stock)))
        alive &= ~converted

        who, channel = np.nonzero(touched)
        touches.append((who, channel, day + 0.999 * moment[touched]))
        buyers = np.flatnonzero(converted)
        conversions.append((buyers, np.full(len(buyers), day + 1.0)))

    touch_customer, touch_channel, touch_time = map(np.concatenate, zip(*touches, strict=True))
    conversion_customer, conversion_time = map(np.concatenate, zip(*conversions, strict=True))
    return Simulation(
        touch_customer,
        touch_channel,
        touch_time,
        conversion_customer,
        conversion_time,
        drive,
        proxy,
    )
