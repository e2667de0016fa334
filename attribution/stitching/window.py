"""Window: what belongs to a journey, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.journeys import DAY
from attribution.parameters import check, param

FOREVER = 1 << 61  # microseconds, or touchpoints; more than any data has


@dataclass(frozen=True)
class Window:
    """A journey's touchpoints lie in [T - lookback, T], after the customer's previous outcome if restarted.

    >>> Window(lookback_days=1).lookback
    86400000000
    """

    lookback_days: float = param(30.0, "oldest age in days that may get credit", low=0)
    restart: bool = param(True, "a new journey begins after each outcome")
    maturity_days: float | None = param(
        None,
        "null journeys younger than this at the end of the data are left out",
        kind=float,
        low=0,
        optional=True,
    )
    max_touchpoints: int | None = param(
        None, "most touchpoints that a journey keeps, the newest", kind=int, low=1, optional=True
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def lookback(self) -> int:
        """The lookback window in microseconds."""
        return microseconds(self.lookback_days)

    @property
    def most(self) -> int:
        """How many touchpoints a journey keeps."""
        return FOREVER if self.max_touchpoints is None else self.max_touchpoints

    def youngest(self, end_of_data: int) -> int:
        """Return the latest end of a null journey that counts, for data that ends at an instant."""
        if self.maturity_days is None:
            return end_of_data
        return end_of_data - microseconds(self.maturity_days)


def microseconds(days: float) -> int:
    """Return days in microseconds, at most forever."""
    return round(min(days * DAY, FOREVER))
