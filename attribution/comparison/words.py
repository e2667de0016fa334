"""Words: why models differ on a channel, as a marketer reads it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose


def explained(
    shares: Mapping[str, float], opens: float | None, closes: float | None, outcome: str, agree: bool
) -> str:
    """Return the sentence of a channel: what it does in journeys, and what models make of it.

    >>> explained({"first_touch": 0.31, "last_touch": 0.1}, 0.62, 0.09, "leads", False)
    'opens 62 % of its journeys, closes 9.0 %: first touch gives it 3.1 x what last touch does'
    >>> explained({"first_touch": 0.11, "last_touch": 0.1}, 0.5, 0.45, "leads", True)
    'opens 50 % of its journeys, closes 45 %: the models agree on it, 10 % to 11 % of all leads'
    """
    does = "met no journey that converts"
    if opens is not None and closes is not None:
        does = f"opens {percent(opens)} of its journeys, closes {percent(closes)}"
    elif not any(shares.values()):
        return f"{does}: no model gives it anything"
    most = max(shares, key=lambda name: shares[name])
    least = min(shares, key=lambda name: shares[name])
    if agree or isclose(shares[most], shares[least], rel_tol=1e-9):
        span = dict.fromkeys([percent(shares[least]), percent(shares[most])])
        return f"{does}: the models agree on it, {' to '.join(span)} of all {outcome}"
    if shares[least] <= 0:
        whole = f"{percent(shares[most])} of all {outcome}"
        rest = percent(shares[least]) if shares[least] else "none"
        return f"{does}: {spelled(most)} gives it {whole}, {spelled(least)} {rest}"
    times = shares[most] / shares[least]
    return f"{does}: {spelled(most)} gives it {times:.1f} x what {spelled(least)} does"


def spelled(model: str) -> str:
    """Return a model's name as words."""
    return model.replace("_", " ")


def percent(share: float) -> str:
    """Return a share in whole percent, or with a digit more where it is small.

    >>> percent(0.62), percent(0.0123)
    ('62 %', '1.2 %')
    """
    digits = 0 if abs(share) >= 0.0995 or not share else 1
    return f"{share:.{digits}%}".replace("%", " %")
