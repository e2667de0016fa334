"""Letters: the bytes of a text column, by which most columns are known to hold nothing odd."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attribution.arrays import Int64

Letters: TypeAlias = NDArray[np.uint8]
SPACE, DELETE = 0x20, 0x7F  # between them are the letters of ASCII
MANY = 50_000  # values, below which Arrow is imported for more time than is saved


def letters_of(text: pl.Series) -> tuple[Int64, Letters]:
    """Return where each value ends (and the first begins) [n + 1], and the bytes of all; null has none."""
    import pyarrow as pa

    column = text.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return ends, np.frombuffer(data if data is not None else b"", np.uint8)


def is_plain(text: pl.Series, least: int = MANY) -> bool:
    """Return whether all of at least so many values are ASCII without spaces and controls, and none empty.

    >>> [is_plain(pl.Series(values), least=1) for values in (["a7", "b"], ["a 7"], ["a", ""])]
    [True, False, False]
    """
    if text.null_count() or len(text) < least:
        return False
    ends, letters = letters_of(text)
    used = letters[ends[0] : ends[-1]]
    lengths = np.diff(ends)
    return bool(lengths.min() > 0 and used.min() > SPACE and used.max() < DELETE)
