"""The calendar of the invented company: weekends and nights, which its world does not know."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64
from attribution.simulation.company import DAYS, START


def measure_activity() -> Float64:
    """Return the days of the world that have passed at every hour of the calendar, [DAYS * 24 + 1].

    The world knows neither nights nor weekends, so its time is spread over the hours in which
    people work: a weekday counts six times a day of the weekend, an hour at noon eight at night.
    """
    hours = np.arange(DAYS * 24)
    hour = hours % 24
    weekend = (START.weekday() + hours // 24) % 7 >= 5
    awake = np.where((hour >= 8) & (hour < 18), 8.0, np.where((hour >= 6) & (hour < 22), 3.0, 1.0))
    activity = np.concatenate([[0.0], np.cumsum(np.where(weekend, 1.0, 6.0) * awake)])
    passed: Float64 = activity / activity[-1] * DAYS
    return passed


def to_calendar(days: Float64) -> Float64:
    """Turn days of the world into days of the calendar: both run from 0 to DAYS, in one order."""
    hours = np.arange(DAYS * 24 + 1)
    return np.interp(days, measure_activity(), hours / 24)
