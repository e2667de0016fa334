"""What happens to the customers of the company: touches and leads, also after a first lead."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.simulation.company import CUSTOMERS, DAYS
from attribution.simulation.world import World, simulate

GO_ON = 0.5  # share of the customers who keep touching the company after a lead


class Events(NamedTuple):
    """Touches and leads in days of the world; journey j belongs to customer j % CUSTOMERS.

    The first CUSTOMERS journeys begin on day 0, the others where the first one ended in a lead.
    """

    touch_journey: Int64
    touch_channel: Int64
    touch_day: Float64
    lead_journey: Int64
    lead_day: Float64
    drive: Float64


def live(world: World, seed: int) -> Events:
    """Run the world twice: who goes on after a lead does so as somebody alike in the second run.

    Alike has the same rank of the latent drive, so that an eager customer stays eager. The seeds
    `seed`, `seed + 1` and `seed + 2` are used.
    """
    first = simulate(world, CUSTOMERS, DAYS, seed)
    second = simulate(world, CUSTOMERS, DAYS, seed + 1)
    draws = np.random.Generator(np.random.PCG64(seed + 2)).random

    resumes = np.full(CUSTOMERS, np.inf)
    resumes[first.conversion_customer] = first.conversion_time
    resumes[draws(CUSTOMERS) >= GO_ON] = np.inf
    played_by = np.empty(CUSTOMERS, dtype=np.int64)
    played_by[np.argsort(second.drive)] = np.argsort(first.drive)

    toucher, leader = played_by[second.touch_customer], played_by[second.conversion_customer]
    later = second.touch_time > resumes[toucher]
    again = second.conversion_time > resumes[leader]
    touch_journey = np.concatenate([first.touch_customer, CUSTOMERS + toucher[later]])
    touch_day = np.concatenate([first.touch_time, second.touch_time[later]])
    lead_journey = np.concatenate([first.conversion_customer, CUSTOMERS + leader[again]])
    end = np.concatenate([first.conversion_time, second.conversion_time[again]])

    # A lead ends its day in the world; a form is rather filled in soon after the day's last touch.
    last = np.zeros(2 * CUSTOMERS)
    np.maximum.at(last, touch_journey, touch_day)
    opened = np.maximum(last[lead_journey], end - 1)
    return Events(
        touch_journey,
        np.concatenate([first.touch_channel, second.touch_channel[later]]),
        touch_day,
        lead_journey,
        opened + (0.02 + 0.98 * draws(len(end)) ** 4) * (end - opened),
        first.drive,
    )
