"""Figures: how one number comes from the entries of a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.measurements import Summary
from benchmarks.processes import OK, TIMEOUT

GIB = 2**30


class UnmeasuredError(Exception):
    """A figure cannot be given, and why."""


def ran(entries: Mapping[str, Summary], name: str) -> Summary:
    """Return an entry that ran to its end."""
    if name not in entries:
        raise UnmeasuredError(f"{name}: not measured")
    if entries[name].status != OK:
        after = f" after {entries[name].seconds:.0f} s" if entries[name].status == TIMEOUT else ""
        raise UnmeasuredError(f"{name}: {entries[name].status}{after} {entries[name].note}".strip())
    return entries[name]


def times(slow: str, fast: str, share: float = 1.0) -> Callable[[Mapping[str, Summary]], float]:
    """Return how many times as long one takes as another, or that per ``share`` journeys more."""
    return lambda entries: ran(entries, slow).seconds / ran(entries, fast).seconds / share


def peaks(one: str, other: str) -> Callable[[Mapping[str, Summary]], float]:
    """Return the peak memory of one in that of another."""
    return lambda entries: ran(entries, one).peak / ran(entries, other).peak


def peak(name: str) -> Callable[[Mapping[str, Summary]], float]:
    """Return the peak memory in GiB."""
    return lambda entries: ran(entries, name).peak / GIB


def seconds(name: str) -> Callable[[Mapping[str, Summary]], float]:
    """Return the median time."""
    return lambda entries: ran(entries, name).seconds


def apart(*names: str) -> Callable[[Mapping[str, Summary]], float]:
    """Return the largest difference of any model that is defined as ours."""

    def largest(entries: Mapping[str, Summary]) -> float:
        found = {name: ran(entries, name) for name in names}
        if not all(set(each.exact) & set(each.differences) for each in found.values()):
            raise UnmeasuredError("nothing to compare with")
        return max(each.differences.get(model, 0.0) for each in found.values() for model in each.exact)

    return largest
