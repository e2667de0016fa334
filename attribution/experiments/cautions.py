"""Cautions: why the result of an experiment may not be read as it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attribution.errors import ParameterError, shown
from attribution.experiments.assignment import MANY
from attribution.experiments.means import Mean
from attribution.experiments.rates import Rate, are_few
from attribution.parameters import Parameter
from attribution.tables import RowCount

SHARE = Parameter(None, "", float, above=0, high=1e9)
FAULT = 0.001  # a split by chance alone is as far from the plan in one of 1,000 experiments


def planned_of(users: Mapping[str, int], planned_shares: Mapping[str, float] | None) -> dict[str, float]:
    """Return the planned share of each variant, in sum 1: equal ones where none are given.

    >>> planned_of({"a": 7, "b": 5}, {"a": 90, "b": 10})
    {'a': 0.9, 'b': 0.1}

    Raises:
        ParameterError: a variant has no share or a share no variant, or one is no number above 0.
    """
    if planned_shares is None:
        return {name: 1 / len(users) for name in users}
    if not isinstance(planned_shares, Mapping):
        raise ParameterError.out_of_range("planned_shares", planned_shares, "shares by the names of variants")
    for name, share in planned_shares.items():
        if name not in users:
            raise ParameterError.unknown("variant in 'planned_shares'", str(name), users)
        if not SHARE.accepts(share):
            raise ParameterError.out_of_range(f"planned_shares[{name!r}]", share, SHARE.allowed)
    for name in users:
        if name not in planned_shares:
            expected = f"a share of {shown(name)} too"
            raise ParameterError.out_of_range("planned_shares", dict(planned_shares), expected)
    whole = math.fsum(planned_shares.values())
    return {name: planned_shares[name] / whole for name in users}


def mismatch(users: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return how often users who are assigned by the shares split at least so far from them.

    Formula: chi² = sum (n - N share)² / (N share) with k - 1 degrees of freedom, N all users.

    >>> round(mismatch({"a": 60, "b": 40}, {"a": 0.5, "b": 0.5}), 4)  # chi² = 100 / 50 + 100 / 50 = 4
    0.0455

    Source: Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments", KDD.
    """
    from scipy.special import chdtrc

    whole = sum(users.values())
    expected = {name: whole * share for name, share in shares.items()}
    far = math.fsum((users[name] - each) ** 2 / each for name, each in expected.items())
    return float(chdtrc(len(users) - 1, far))


def on_split(users: Mapping[str, int], shares: Mapping[str, float], named: bool) -> list[str]:
    """Return a warning where users were not split by the shares, ``named`` or taken to be equal."""
    chance = mismatch(users, shares)
    if chance >= FAULT:
        return []
    whole = sum(users.values())
    split, plan = (
        "/".join(f"{100 * each:.3g}" for each in parts[:MANY])
        for parts in ([each / whole for each in users.values()], [*shares.values()])
    )
    told = f"users split {split} ({', '.join([*users][:MANY])})"
    p = f"p = {chance:.1e}" if chance else "p < 1e-300"
    look = "look for a fault in the assignment before reading the result"
    if named:
        return [f"{told} where {plan} was planned ({p}): {look}"]
    hint = "else name them: planned_shares=... (--planned-shares ...)"
    return [f"{told} and not equally ({p}): if equal shares were planned {look}, {hint}"]


def on_looks(users: Mapping[str, int], shares: Mapping[str, float], planned: int | None) -> list[str]:
    """Return a warning where the result is read before its time, or where that is not known.

    ``planned`` are the users of each variant, of the smallest one where the shares differ.
    """
    if planned is None:
        return [
            "intervals and p-values hold for a number of users that was fixed before the experiment: "
            "plan it with sample_size, and name it: planned=... (--planned ...)"
        ]
    read, whole = sum(users.values()), round(planned / min(shares.values()))
    if read >= whole:
        return []
    return [
        f"read at {100 * read // whole} % of the planned users ({read:,} of {whole:,}): "
        "intervals and p-values hold at the planned size only; "
        "each look before it raises the share of false alarms"
    ]


def on_rows(rows: RowCount) -> list[str]:
    """Return a warning where rows were set aside."""
    aside = ", ".join(f"{count:,} {reason}" for reason, count in rows.set_aside.items())
    if not aside:
        return []
    return [
        f"{rows.read - rows.used:,} of {rows.read:,} rows set aside ({aside}): "
        "without them variants compare only if they are missing alike in each"
    ]


def on_few(metric: str, samples: Mapping[str, Rate] | Mapping[str, Mean], control: str) -> list[str]:
    """Return a warning where so few users of a rate converted that its p-values are rough."""
    rates = {name: each for name, each in samples.items() if isinstance(each, Rate)}
    few = [name for name, each in rates.items() if name != control and are_few(each, rates[control])]
    if not few:
        return []
    names = ", ".join(few[:MANY])
    return [f"{metric} of {names}: the p-value is rough with so few conversions, read the interval"]
