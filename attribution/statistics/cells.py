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
    """Yield every array of the statistics, observer by observer, the whole first, then the folds in order."""
    for number, (observer, one) in enumerate(whole.items()):
        for fold, each in enumerate([one, *(folds[observer] if folds else ())], start=-1):
            yield from (Cell(number, fold, name, array) for name, array in numbers_of(each).items())


def of_cells(
    cells: Iterable[Cell],
    observers: Sequence[Observer],
    channels: tuple[str, ...],
    outcome_names: tuple[str, ...],
) -> tuple[Whole, Folds | None]:
    """Return the statistics that the cells hold, over a vocabulary; the folds in order, where there are any.

    Raises:
        ValueError: a statistic is missing, or not what its observer gives.
    """
    none: Any = []
    nobody = Journeys(
        channels, outcome_names, np.zeros(1, np.int64), none, none, none, np.zeros((0, len(outcome_names)))
    )
    found: list[dict[int, dict[str, NDArray[Any]]]] = [{} for _ in observers]
    for number, fold, name, array in cells:
        found[number].setdefault(fold, {})[name] = array
    last = max((fold for folds in found for fold in folds), default=-1)
    whole, apart = dict[Observer, Any](), dict[Observer, Sequence[Any]]()
    for observer, folds in zip(observers, found, strict=True):
        example = observer.observe(nobody)
        whole[observer] = restored(example, folds.get(-1, {}))
        apart[observer] = [restored(example, folds.get(fold, {})) for fold in range(last + 1)]
    return whole, apart if last >= 0 else None
