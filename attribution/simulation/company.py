"""An invented company that sells software to companies: its channels and what they do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from attribution.arrays import Float64
from attribution.simulation.world import World

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180
CUSTOMERS = 4_000


class Channel(NamedTuple):
    """What the company knows of a channel, and what only the simulation knows."""

    frequency: float  # touches a day of an average customer
    affinity: float  # > 0: finds customers who want to buy anyway
    needs_touch: bool  # only reaches customers who were touched before
    half_life: float  # days in which its memory halves
    effect: float  # rise of the hazard of a lead
    win: float  # rise of the log odds of each stage on the way to a win
    views: float  # share of its touchpoints that are views, not clicks
    mobile: float  # share of its touchpoints on a mobile
    said: str  # what a lead who remembers it writes on the form


CHANNELS = {
    "Paid Search": Channel(0.0035, 0.2, False, 5, 65, 0.1, 0.0, 0.30, "search engine"),
    "Organic Search": Channel(0.0028, 0.3, False, 5, 45, 0.2, 0.0, 0.30, "search engine"),
    "Paid Social": Channel(0.0058, -0.3, False, 4, 95, -0.7, 0.4, 0.70, "social media"),
    "Display": Channel(0.0038, -0.1, False, 3, 8, -0.2, 0.8, 0.55, "an advertisement"),
    "Email": Channel(0.0055, 0.1, True, 6, 40, 0.1, 0.0, 0.35, "newsletter"),
    "Webinar": Channel(0.0009, 0.5, False, 14, 70, 1.2, 0.0, 0.10, "webinar"),
    "Referral": Channel(0.0007, 0.5, False, 14, 80, 1.3, 0.0, 0.25, "a colleague"),
    "Direct": Channel(0.0030, 0.3, True, 4, 75, 0.1, 0.0, 0.25, "knew you already"),
}


# Excitation [from, to]: an advert makes customers search, a webinar makes them open the mail.
EXCITES = {
    ("Paid Social", "Organic Search"): 6.0,
    ("Paid Social", "Paid Search"): 5.0,
    ("Paid Social", "Webinar"): 5.0,
    ("Paid Social", "Email"): 5.0,
    ("Display", "Paid Search"): 3.0,
    ("Display", "Organic Search"): 3.0,
    ("Paid Search", "Direct"): 9.0,
    ("Paid Search", "Display"): 5.0,
    ("Organic Search", "Direct"): 9.0,
    ("Organic Search", "Display"): 4.0,
    ("Webinar", "Email"): 7.0,
    ("Webinar", "Direct"): 7.0,
    ("Referral", "Direct"): 9.0,
    ("Referral", "Organic Search"): 5.0,
    ("Email", "Direct"): 8.0,
    ("Email", "Webinar"): 6.0,
}
SYNERGIES = {("Paid Social", "Paid Search"): 30.0, ("Webinar", "Email"): 40.0}


def make_world(scale: Float64) -> World:
    """Return the company under a budget: [channel] of today's, or a plan of [DAYS, channel]."""
    names = list(CHANNELS)
    known = CHANNELS.values()
    excitation = np.zeros((len(names), len(names)))
    synergy = np.zeros_like(excitation)
    for matrix, entries in ((excitation, EXCITES), (synergy, SYNERGIES)):
        for (source, target), value in entries.items():
            matrix[names.index(source), names.index(target)] = value
    return World(
        channels=tuple(names),
        frequency=np.array([channel.frequency for channel in known]),
        affinity=np.array([channel.affinity for channel in known]),
        excitation=excitation,
        needs_touch=np.array([channel.needs_touch for channel in known]),
        half_life=np.array([float(channel.half_life) for channel in known]),
        scale=scale,
        log_hazard=-9.3,
        drive_effect=0.6,
        effect=np.array([channel.effect for channel in known]),
        synergy=synergy,
        saturation=3.0,
    )
