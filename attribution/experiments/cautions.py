"""Cautions: why the result of an experiment may not be read as it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from attribution.errors import ParameterError, shown
from attribution.experiments.metric import FILL, MANY, Metric
from attribution.experiments.names import variant_of
from attribution.experiments.rates import Rate, are_few
from attribution.parameters import Parameter
from attribution.tables import RowCount

SHARE = Parameter(None, "", float, above=0, high=1e9)
LEAST = 1e-12  # of a share of all users: below it nobody would be expected
FAULT = 0.001  # a split by chance alone is as far from the plan in one of 1,000 experiments


def planned_of(users: Mapping[str, int], planned_shares: Mapping[Any, float] | None) -> dict[str, float]:
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
    shares: dict[str, float] = {}
    for key, share in planned_shares.items():
        name = variant_of("planned_shares", key, users)
        if not SHARE.accepts(share):
            raise ParameterError.out_of_range(f"planned_shares[{name!r}]", share, SHARE.allowed)
        if name in shares:
            expected = f"one share of {shown(name)}"
            raise ParameterError.out_of_range("planned_shares", dict(planned_shares), expected)
        shares[name] = share
    whole = math.fsum(shares.values())
    for name in users:
        if name not in shares:
            expected = f"a share of {shown(name)} too"
            raise ParameterError.out_of_range("planned_shares", dict(planned_shares), expected)
        if shares[name] / whole < LEAST:
            expected = f"at least {LEAST:g} of all"
            raise ParameterError.out_of_range(f"planned_shares[{name!r}]", shares[name], expected)
    return {name: shares[name] / whole for name in users}


def mismatch(users: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return how often users who are assigned by the shares split at least so far from them.

    Formula: chi² = sum (n - N share)² / (N share) with k - 1 degrees of freedom, N all users.

    >>> round(mismatch({"a": 60, "b": 40}, {"a": 0.5, "b": 0.5}), 4)  # chi² = 100 / 50 + 100 / 50 = 4
    0.0455

    Source: Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments", KDD.
    """
    from scipy.special import chdtrc

    return float(chdtrc(len(users) - 1, distance(users, shares)))


def distance(users: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return chi² of users against the shares that they were to have."""
    whole = sum(users.values())
    expected = {name: whole * share for name, share in shares.items()}
    return math.fsum((users[name] - each) ** 2 / each for name, each in expected.items())


def on_split(users: Mapping[str, int], shares: Mapping[str, float], named: bool) -> list[str]:
    """Return a warning where users were not split by the shares, ``named`` or taken to be equal."""
    chance = mismatch(users, shares)
    if chance >= FAULT:
        return []
    whole = sum(users.values())
    farthest = sorted(users, key=lambda name: -abs(users[name] / whole - shares[name]))[:MANY]
    told = [name for name in users if name in farthest]
    split, plan = told_apart([users[name] / whole for name in told], [shares[name] for name in told])
    p = f"p = {chance:.1e}" if chance else "p < 1e-300"
    look = "look for a fault in the assignment before reading the result"
    begun = f"users split {split} ({', '.join(told)})"
    if named:
        return [f"{begun} where {plan} was planned ({p}): {look}"]
    hint = "else name them: planned_shares=... (--planned-shares ...)"
    return [f"{begun} and not equally ({p}): if equal shares were planned {look}, {hint}"]


def told_apart(split: Sequence[float], plan: Sequence[float]) -> tuple[str, str]:
    """Return shares in percent, to as many digits as tell the split from the plan, but at least three.

    >>> told_apart([0.6, 0.4], [0.5, 0.5]), told_apart([0.50004, 0.49996], [0.5, 0.5])
    (('60/40', '50/50'), ('50.004/49.996', '50/50'))
    """
    for digits in range(3, 18):
        texts = ["/".join(f"{100 * each:.{digits}g}" for each in shares) for shares in (split, plan)]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def on_looks(users: Mapping[str, int], shares: Mapping[str, float], planned: int | None) -> list[str]:
    """Return a warning where the result is read before its time, or where that is not known.

    ``planned`` are the users of each variant, of the smallest one where the shares differ.
    """
    if planned is None:
        return [
            "intervals and p-values hold for a number of users that was fixed before the experiment: "
            "plan it with sample_size, and name it: planned=... (--planned ...)"
        ]
    smallest = min(shares.values())
    read, whole = sum(users.values()), round(planned / smallest)
    # those planned may have been rounded up: the larger variants need their share of no more than they were
    if read >= sum(math.floor(round((planned - 1) * share / smallest, 6)) + 1 for share in shares.values()):
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


def on_missing(users: Mapping[str, int], metric: Metric) -> list[str]:
    """Return a warning where a metric is missing of users, and by variant where that differs.

    Formula: chi² of those who lack it, and of those who do not, against their shares of all users, in sum.
    """
    from scipy.special import chdtrc

    if not metric.rows.set_aside:
        return []
    whole, left = sum(users.values()), {name: each - metric.users[name] for name, each in users.items()}
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in metric.rows.set_aside.items())
    told = f"{metric.name}: {sum(left.values()):,} of {whole:,} users left out (rows: {reasons})"
    alike = "variants compare only if they are missing alike in each"
    if len({Fraction(left[name], users[name]) for name in users}) > 1:
        parts = [f"{100 * left[name] / users[name]:.3g} % of {name}" for name in [*users][:MANY]]
        told = f"{told}, {', '.join(parts)}"
        shares = {name: each / whole for name, each in users.items()}
        chance = chdtrc(len(users) - 1, distance(left, shares) + distance(metric.users, shares))
        if chance < FAULT:
            alike = "they are not missing alike in each variant, so that the rest do not compare"
    hint = f"; {FILL}" if "null_number" in metric.rows.set_aside else ""
    return [f"{told}: {alike}{hint}"]


def on_few(metric: Metric, control: str) -> list[str]:
    """Return a warning where so few users of a rate converted that its p-values are rough."""
    rates = {name: each for name, each in metric.samples.items() if isinstance(each, Rate)}
    few = [name for name, each in rates.items() if name != control and are_few(each, rates[control])]
    if not few:
        return []
    names = ", ".join(few[:MANY])
    return [f"{metric.name} of {names}: the p-value is rough with so few conversions, read the interval"]
