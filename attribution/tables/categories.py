"""Categories: the distinct values of a coded column, found by its codes and not by its values."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attribution.arrays import Bool, UInt32
from attribution.kernels import kernel


def codes_of(values: pl.Series) -> UInt32:
    """Return the codes of a Categorical or Enum column without nulls."""
    return values.to_physical().cast(pl.UInt32).to_numpy()


def distinct(values: pl.Series) -> pl.Series:
    """Return the values that a Categorical or Enum column holds, each once, null not among them.

    >>> distinct(pl.Series(["b", "a", "b", None], dtype=pl.Enum(["a", "b", "c"]))).to_list()
    ['a', 'b']
    """
    present = values.drop_nulls() if values.null_count() else values
    codes = codes_of(present)
    found = np.flatnonzero(met(codes, int(codes.max(initial=0)) + 1))
    physical = pl.Series(values.name, found, dtype=values.to_physical().dtype)
    return cast(pl.Series, cast(Any, physical.cat).to(values.dtype))


@kernel
def met(codes: UInt32, size: int) -> Bool:
    """Return which of the codes below ``size`` are there."""
    found = np.zeros(size, np.bool_)
    for i in range(codes.size):
        found[codes[i]] = True
    return found


def mapped(values: pl.Series, names: pl.Series, numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the number of each value of a column without nulls; ``names`` are its values, each once."""
    table = np.zeros(int(codes_of(names).max(initial=0)) + 1, numbers.dtype)
    table[codes_of(names)] = numbers
    return np.take(table, codes_of(values))
