"""Scenario: what a plan of the budget is asked for, as options of the command line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from attribution.budget import FixedBudget, Scenario, TargetCostPerLead
from attribution.cli import options
from attribution.errors import ParameterError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScenarioOptions:
    """What is to be reached, and which spend may be moved how far."""

    budget: Annotated[
        float | None, Parameter(help="Money a period to share among the channels, for the most outcomes.")
    ] = None
    target_cost: Annotated[
        float | None, Parameter(help="What an outcome may cost on average; the most outcomes at that cost.")
    ] = None
    floor: Annotated[str | None, Parameter(help="Least spend a period, as CHANNEL=MONEY,...")] = None
    cap: Annotated[
        str | None,
        Parameter(help="Most spend a period, as CHANNEL=MONEY,... Without it: twice the highest seen."),
    ] = None
    largest_share: Annotated[
        str | None,
        Parameter(help="Largest change as a share of the spend now: 0.2, or CHANNEL=0.2,..."),
    ] = None
    largest_amount: Annotated[
        str | None, Parameter(help="Largest change in money a period: 500, or CHANNEL=500,...")
    ] = None
    locked: Annotated[str | None, Parameter(help="Channels whose spend stays: CHANNEL,...")] = None

    def scenario(self) -> Scenario:
        """Return the scenario, checked.

        Raises:
            ParameterError: not one of budget and target is given, or a number or a bound cannot be.
        """
        if (self.budget is None) == (self.target_cost is None):
            raise ParameterError(
                f"got {'neither' if self.budget is None else 'both'} of --budget and --target-cost, expected "
                "one: --budget 9000 shares that money a period, --target-cost 100 spends as long as outcomes "
                "cost no more on average (--table response, curve and backtest need none)"
            )
        limits: dict[str, Any] = {
            "floors": amounts(self.floor, "--floor"),
            "caps": amounts(self.cap, "--cap"),
            "largest_share": one_or_many(self.largest_share, "--largest-share"),
            "largest_amount": one_or_many(self.largest_amount, "--largest-amount"),
            "locked": tuple(options.names_of(self.locked) or ()),
        }
        for option, value in (("--budget", self.budget), ("--target-cost", self.target_cost)):
            if value is not None and not 0 < value < math.inf:
                raise ParameterError.out_of_range(option, value, "an amount > 0")
        if self.budget is not None:
            return FixedBudget(self.budget, **limits)
        assert self.target_cost is not None
        return TargetCostPerLead(self.target_cost, **limits)


def one_or_many(text: str | None, option: str) -> float | dict[str, float] | None:
    """Return one amount for all channels, or amounts by channel.

    >>> one_or_many("0.2", "--largest-share"), one_or_many("Email=0.1", "--largest-share")
    (0.2, {'Email': 0.1})
    """
    if text is None:
        return None
    return amounts(text, option) if "=" in text else amount(text, option)


def amounts(text: str | None, option: str) -> dict[str, float]:
    """Return the amounts by channel that CHANNEL=AMOUNT,... stands for.

    >>> amounts("Paid Search=100, Email=50.5", "--floor")
    {'Paid Search': 100.0, 'Email': 50.5}
    """
    tight = None if text is None else re.sub(r"\s*([=,])\s*", r"\1", text.strip())
    pairs = options.mapping(tight, option, "CHANNEL=AMOUNT", "the channels")
    return {channel: amount(each, option) for channel, each in pairs.items()}


def amount(text: str, option: str) -> float:
    """Return the number that a text is."""
    try:
        return float(text)
    except ValueError:
        raise ParameterError.out_of_range(option, text, "a number") from None
