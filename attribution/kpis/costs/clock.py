"""The clock of spend: which periods a day of spend belongs to, and by how much it is shifted."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from attribution.dimensions import PERIODS
from attribution.errors import ParameterError
from attribution.kpis.costs.amortisation import moved
from attribution.kpis.costs.ledger import with_kinds
from attribution.kpis.costs.sharing import in_period

LONGEST_LAG = 36_525  # days, a hundred years


def check_lag(days: float) -> None:
    """Raise ParameterError unless the lag is a length of time."""
    if not isinstance(days, (int, float)) or not 0 <= days <= LONGEST_LAG:
        raise ParameterError.out_of_range("spend_lag_days", days, f"a number from 0 to {LONGEST_LAG:,}")


def dated(name: str) -> bool:
    """Return whether a dimension is a period, which the day of the spend decides."""
    return name.removeprefix("touchpoint_") in PERIODS


def own_clock(name: str, by: Sequence[str]) -> bool:
    """Return whether a period is that of the spend, which is the touchpoint's where both are asked for.

    By the lead's week and the touchpoint's at once, money cannot be told apart: it is spent once.
    """
    return name.startswith("touchpoint_") or not any(
        dated(each) and each.startswith("touchpoint_") for each in by
    )


def lag_of(days: float, periods: Sequence[str]) -> str:
    """Return how much later the spend counts, or nothing where no period is that of the lead.

    >>> lag_of(0.5, ["week"]), lag_of(14, ["touchpoint_week"])
    ('43200000000us', '')
    """
    own = any(not name.startswith("touchpoint_") for name in periods)
    return f"{round(days * 86_400_000_000)}us" if days and own else ""


def placed(used: pl.DataFrame, periods: Sequence[str], zone: str, later: str) -> pl.DataFrame:
    """Return the rows with their periods, shifted by the lag, and whether each is media and marginal."""
    if later:
        used = used.with_columns(moved(pl.col("date"), zone, later))
    return with_kinds(used).with_columns(in_period(pl.col("date"), name, zone) for name in periods)
