"""Effect: what a variant differs by from its control in one metric, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Ends: TypeAlias = tuple[float | None, float | None]
UNKNOWN: Ends = (None, None)


@dataclass(frozen=True)
class Effect:
    """A variant beside its control; what is not known is None, and ``reasons`` say why."""

    value: float
    value_control: float
    difference: float
    difference_ends: Ends = UNKNOWN
    standard_error: float | None = None
    ratio: float | None = None
    ratio_ends: Ends = UNKNOWN
    p_value: float | None = None
    reasons: tuple[str, ...] = ()
