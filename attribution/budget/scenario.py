"""Scenario: the budget question as a frozen value, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from types import MappingProxyType

from attribution.errors import ParameterError, closest, shown

Amounts = Mapping[str, float]


@dataclass(frozen=True)
class Scenario:
    """What may be moved: ``floors`` and ``caps`` of the spend a period by channel, ``locked`` channels.

    ``largest_share`` is the largest change as a share of the spend now (0.2: a fifth up or down),
    ``largest_amount`` in money a period; each is a number for all channels, or numbers by channel.
    Without a floor a channel gets at least half of the lowest spend that was seen, without a cap at most
    twice the highest: curves are not believed beyond.
    """

    floors: Amounts = field(default_factory=dict, kw_only=True)
    caps: Amounts = field(default_factory=dict, kw_only=True)
    largest_share: float | Amounts | None = field(default=None, kw_only=True)
    largest_amount: float | Amounts | None = field(default=None, kw_only=True)
    locked: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in ("floors", "caps") and not isinstance(value, Mapping):
                raise ParameterError.out_of_range(each.name, value, "amounts by channel")
            if isinstance(value, Mapping):
                for channel, amount in value.items():
                    check_amount(f"{each.name}[{channel}]", amount)
                object.__setattr__(self, each.name, MappingProxyType(dict(value)))
            elif each.name.startswith("largest_") and value is not None:
                check_amount(each.name, value)
        if isinstance(self.locked, str) or not isinstance(self.locked, Iterable):
            raise ParameterError.out_of_range("locked", self.locked, "names of channels")
        object.__setattr__(self, "locked", tuple(self.locked))
        for key in ("floors", "caps", "largest_share", "largest_amount", "locked"):
            given = getattr(self, key)
            names = given if isinstance(given, (Mapping, tuple)) else ()
            if not all(isinstance(name, str) for name in names):
                raise ParameterError.out_of_range(key, tuple(names), "names of channels")
        for channel in self.floors:
            if self.floors[channel] > self.caps.get(channel, math.inf):
                raise ParameterError(
                    f"scenario: the floor of {shown(channel)}, {money(self.floors[channel])}, is above its "
                    f"cap, {money(self.caps[channel])}; lower the one or raise the other"
                )

    def named(self) -> dict[str, str]:
        """Return every channel that the scenario names, with the key that names it."""
        found: dict[str, str] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, (Mapping, tuple)):
                found |= dict.fromkeys(value, each.name)
        return found

    def check_channels(self, known: Iterable[str], without_spend: Iterable[str]) -> None:
        """Raise ParameterError where the scenario names a channel that is not there, or cannot be moved."""
        moved, still = list(known), set(without_spend)
        for channel, key in self.named().items():
            if channel in still:
                allowed = f"channels with spend: {', '.join(map(shown, moved))}"
                raise ParameterError.out_of_range(key, channel, allowed)
            if channel not in moved:
                hint = closest(channel, moved)
                names = ", ".join(map(shown, moved))
                raise ParameterError(f"{key}: unknown channel {shown(channel)}{hint}; known: {names}")


@dataclass(frozen=True)
class FixedBudget(Scenario):
    """The most outcomes for a total spend a period: that of the table, a week for a table by week.

    Raises:
        ParameterError: a number is negative, infinite or NaN, a floor is above its cap, or the floors
            together are above the total.

    >>> FixedBudget(1000, floors={"Search": 700, "Video": 500})
    Traceback (most recent call last):
        ...
    attribution.errors.ParameterError: scenario: the floors, 1,200.00 (Search 700.00, Video 500.00), are \
above the total, 1,000.00; lower the floors or raise the total
    """

    total: float

    def __post_init__(self) -> None:
        check_amount("total", self.total, above=True)
        super().__post_init__()
        floors = math.fsum(self.floors.values())
        if floors > self.total + CENT / 2:
            raise ParameterError(
                f"scenario: the floors, {money(floors)} ({listed(self.floors)}), are above the total, "
                f"{money(self.total)}; lower the floors or raise the total"
            )


@dataclass(frozen=True)
class TargetCostPerLead(Scenario):
    """The most outcomes whose mean cost, over the channels with spend, is at most a value.

    Raises:
        ParameterError: a number is negative, infinite or NaN, or a floor is above its cap.

    >>> TargetCostPerLead(float("nan"))
    Traceback (most recent call last):
        ...
    attribution.errors.ParameterError: parameter 'value': got nan, expected an amount > 0
    """

    value: float

    def __post_init__(self) -> None:
        check_amount("value", self.value, above=True)
        super().__post_init__()


CENT = 0.01
MOST = 1e13  # money beyond which a float does not know its cents


def check_amount(name: str, value: object, above: bool = False) -> None:
    """Raise ParameterError unless the value is an amount of money, or a share, that is not negative."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) < MOST or (above and value == 0):  # type: ignore[arg-type]
        raise ParameterError.out_of_range(name, value, "an amount > 0" if above else "an amount >= 0")


def money(amount: float) -> str:
    """Return an amount in words, to the cent.

    >>> money(1234.5)
    '1,234.50'
    """
    return f"{amount:,.2f}"


def listed(amounts: Mapping[str, float], most: int = 5) -> str:
    """Return channels with their amounts, the largest first."""
    ordered = sorted(amounts.items(), key=lambda pair: -pair[1])
    more = f", and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(f"{name} {money(amount)}" for name, amount in ordered[:most]) + more
