"""Cells: statistics as named arrays, which a file or a message can carry, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from attribution.journeys import Journeys
from attribution.statistics.mergeable import Observer

Whole: TypeAlias = Mapping[Observer, Any]  # a statistic of each observer
Folds: TypeAlias = Mapping[Observer, Sequence[Any]]  # the same, fold by fold
VOCABULARY = ("channels", "outcome_names")  # said once for all statistics
S = TypeVar("S")


def numbers_of(statistic: Any) -> dict[str, NDArray[Any]]:
    """Return every array and number of a statistic by the name of its field, but for its vocabulary.

    >>> from attribution.statistics.coalitions import Sets
    >>> {name: array.tolist() for name, array in numbers_of(Sets(np.array([[3]]), 2)).items()}
    {'members': [[3]]}
    """
    found: dict[str, NDArray[Any]] = {}
    for field in fields(statistic):
        value = getattr(statistic, field.name)
        if field.name in VOCABULARY:
            continue
        if is_dataclass(value):
            found |= {f"{field.name}.{name}": array for name, array in numbers_of(value).items()}
        else:
            found[field.name] = np.asarray(value)
    return found


def restored(example: S, numbers: Mapping[str, NDArray[Any]], under: str = "") -> S:
    """Return the statistic of the numbers: of the kind, and over the vocabulary, of an example.

    Raises:
        ValueError: an array is missing, or of another type or dimension than the example's.

    >>> from attribution.statistics.coalitions import Sets
    >>> restored(Sets(np.zeros((0, 1), np.int64), 2), {"members": np.array([[3]])}).members.tolist()
    [[3]]
    """
    values: dict[str, Any] = {}
    for field in fields(example):  # type: ignore[arg-type]
        name, value = under + field.name, getattr(example, field.name)
        if field.name in VOCABULARY:
            continue
        if is_dataclass(value):
            values[field.name] = restored(value, numbers, f"{name}.")
            continue
        array, expected = numbers.get(name), np.asarray(value)
        if array is None or (array.dtype, array.ndim) != (expected.dtype, expected.ndim):
            raise ValueError(f"{name}: got {None if array is None else (array.dtype, array.ndim)}")
        values[field.name] = array if isinstance(value, np.ndarray) else type(value)(array.item())
    return replace(example, **values)  # type: ignore[type-var]


class Cell(NamedTuple):
    """An array of a statistic: by which of several observers, of which fold (-1: of all), and its name."""

    observer: int
    fold: int
    name: str
    array: NDArray[Any]


def cells_of(whole: Whole, folds: Folds | None) -> Iterator[Cell]:
    """Yield every array of the statistics, observer by observer, the whole first, then the folds in order.

    A fold in which there is nothing is left out.
    """
    for number, (observer, one) in enumerate(whole.items()):
        nothing = numbers_of(observer.observe(nobody(one.channels, one.outcome_names)))
        yield from (Cell(number, -1, *each) for each in numbers_of(one).items())
        for fold, each in enumerate(folds[observer] if folds else ()):
            numbers = numbers_of(each)
            if not all(np.array_equal(array, nothing[name]) for name, array in numbers.items()):
                yield from (Cell(number, fold, name, array) for name, array in numbers.items())


def of_cells(
    cells: Iterable[Cell],
    observers: Sequence[Observer],
    channels: tuple[str, ...],
    outcome_names: tuple[str, ...],
    folds: int,
) -> tuple[Whole, Folds | None]:
    """Return the statistics that the cells hold, over a vocabulary, and so many folds where there are any.

    Raises:
        KeyError: a whole is missing.
        ValueError: a statistic is not what its observer gives.
    """
    found = by_fold(cells, observers, channels, outcome_names)
    whole, apart = dict[Observer, Any](), dict[Observer, Sequence[Any]]()
    for number, observer in enumerate(observers):
        nothing = observer.observe(nobody(channels, outcome_names))
        whole[observer] = found[number, -1]
        apart[observer] = [found.get((number, fold), nothing) for fold in range(folds)]
    return whole, apart if folds else None


def by_fold(
    cells: Iterable[Cell],
    observers: Sequence[Observer],
    channels: tuple[str, ...],
    outcome_names: tuple[str, ...],
) -> dict[tuple[int, int], Any]:
    """Return the statistics that the cells hold, by number of the observer and fold.

    Raises:
        ValueError: a statistic is not what its observer gives.
    """
    found: dict[tuple[int, int], dict[str, NDArray[Any]]] = {}
    for number, fold, name, array in cells:
        found.setdefault((number, fold), {})[name] = array
    nothing = [observer.observe(nobody(channels, outcome_names)) for observer in observers]
    return {key: restored(nothing[key[0]], arrays) for key, arrays in found.items()}


def nobody(channels: tuple[str, ...], outcome_names: tuple[str, ...]) -> Journeys:
    """Return no journeys, over a vocabulary."""
    none: Any = []
    return Journeys(
        channels, outcome_names, np.zeros(1, np.int64), none, none, none, np.zeros((0, len(outcome_names)))
    )
