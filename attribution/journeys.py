"""Journeys: a batch of customer journeys as flat arrays, and its other face, the journeys table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import polars as pl

from attribution.arrays import Bool, Float64, Int64, UInt16, UInt32, frozen
from attribution.errors import VocabularyError
from attribution.kernels import kernel

DAY = 86_400_000_000  # microseconds
TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, eq=False)
class Journeys:
    """n journeys with t touchpoints and m outcomes, as a CSR of channel codes.

    Journey j owns the touchpoints ``offsets[j] : offsets[j + 1]``, oldest first; it may own none.

    Raises:
        ValueError: the shapes do not fit together.

    >>> two = Journeys(("ads", "mail"), ("leads",), [0, 2, 3], [0, 1, 1], None, [1, 1], [[1], [0]])
    >>> two.touchpoints, two.converting.offsets.tolist()
    (3, [0, 2])
    """

    channels: tuple[str, ...]  # vocabulary, sorted by name
    outcome_names: tuple[str, ...]  # column 0 is the conversion a model learns from
    offsets: Int64  # [n + 1]
    channel: UInt16  # [t] code into channels
    age_days: Float64 | None  # [t] days from the touchpoint to the end of its journey
    count: Float64  # [n] journeys this row stands for
    outcomes: Float64  # [n, m] total of each outcome over those journeys
    ends_at: Int64 | None = None  # [n] microseconds UTC
    outcome_row: Int64 | None = None  # [n] row in the outcomes table, -1 for a null journey
    touchpoint_row: UInt32 | None = None  # [t] row in the touchpoints table

    def __post_init__(self) -> None:
        codes = np.asarray(self.channel)
        if codes.size and not 0 <= codes.min() <= codes.max() < len(self.channels):
            raise ValueError("Journeys.channel: a code is outside the vocabulary")
        types = {
            "offsets": np.int64,
            "channel": np.uint16,
            "age_days": np.float64,
            "count": np.float64,
            "outcomes": np.float64,
            "ends_at": np.int64,
            "outcome_row": np.int64,
            "touchpoint_row": np.uint32,
        }
        for name, dtype in types.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        n, t = len(self.offsets) - 1, len(self.channel)
        shapes = {
            "age_days": (t,),
            "count": (n,),
            "outcomes": (n, len(self.outcome_names)),
            "ends_at": (n,),
            "outcome_row": (n,),
            "touchpoint_row": (t,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"Journeys.{name}: got shape {array.shape}, expected {shape}")
        if n < 0 or self.offsets[0] != 0 or self.offsets[-1] != t or (np.diff(self.offsets) < 0).any():
            raise ValueError(f"Journeys.offsets: expected to rise from 0 to {t} touchpoints")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def touchpoints(self) -> int:
        """Number of touchpoints t."""
        return len(self.channel)

    @cached_property
    def converting(self) -> Journeys:
        """The journeys with any outcome: the only ones a touchpoint rule has to look at."""
        return self.select(any_of(self.outcomes))

    @cached_property
    def age(self) -> Float64:
        """The ages, or ValueError where there are none (path tables)."""
        if self.age_days is None:
            raise ValueError("these journeys have no ages")
        return self.age_days

    def select(self, keep: Bool) -> Journeys:
        """Return the journeys that are kept, in their order."""
        if keep.all():
            return self
        kept = np.flatnonzero(keep)
        offsets, touched = touchpoints_of(self.offsets, kept)
        return replace(
            self,
            offsets=offsets,
            channel=self.channel[touched],
            age_days=None if self.age_days is None else self.age_days[touched],
            count=self.count[kept],
            outcomes=self.outcomes[kept],
            ends_at=None if self.ends_at is None else self.ends_at[kept],
            outcome_row=None if self.outcome_row is None else self.outcome_row[kept],
            touchpoint_row=None if self.touchpoint_row is None else self.touchpoint_row[touched],
        )

    @classmethod
    def joined(cls, parts: Sequence[Journeys]) -> Journeys:
        """Return the journeys of all parts, one after the other; the parts are alike."""
        ends = np.cumsum([0, *(part.touchpoints for part in parts)])
        offsets = [part.offsets[1:] + start for part, start in zip(parts, ends[:-1], strict=True)]
        flat = ("channel", "age_days", "count", "outcomes", "ends_at", "outcome_row", "touchpoint_row")
        columns: dict[str, list[Any]] = {name: [getattr(part, name) for part in parts] for name in flat}
        arrays: dict[str, Any] = {
            name: None if each[0] is None else np.concatenate(each) for name, each in columns.items()
        }
        return cls(
            parts[0].channels,
            parts[0].outcome_names,
            np.concatenate([[0], *offsets]),
            **arrays,
        )

    def recode(self, channels: Sequence[str]) -> Journeys:
        """Return the same journeys over another vocabulary that holds all their channels."""
        missing = sorted(set(self.channels) - set(channels))
        if missing:
            raise VocabularyError.differ("channels", self.channels, channels)
        place = {name: code for code, name in enumerate(channels)}
        codes = np.array([place[name] for name in self.channels], dtype=np.uint16)
        return replace(self, channels=tuple(channels), channel=codes[self.channel])

    def to_table(self) -> pl.DataFrame:
        """Return the journeys table without its names: ends_at, converted, lists, outcomes, count."""
        vocabulary = pl.Enum(self.channels)
        names = pl.Series(self.channels, dtype=vocabulary).gather(self.channel)
        ages = None if self.age_days is None else self.lists(pl.Series(self.age_days))
        return pl.DataFrame(
            [
                column("ends_at", self.ends_at, len(self), pl.Int64).cast(TIME),
                pl.Series("converted", self.outcomes[:, 0] > 0),
                self.lists(names).cast(pl.List(vocabulary)).alias("channel"),
                column("age_days", ages, len(self), pl.List(pl.Float64)),
                *(pl.Series(name, self.outcomes[:, i]) for i, name in enumerate(self.outcome_names)),
                pl.Series("count", self.count),
            ]
        )

    def lists(self, values: pl.Series) -> pl.Series:
        """Return one list a journey of a value per touchpoint: offsets and values are the list column."""
        import pyarrow as pa

        items = values.to_arrow()
        buffers = [None, pa.py_buffer(self.offsets)]  # pa.array would import pandas to look at an array
        lists = pa.Array.from_buffers(pa.large_list(items.type), len(self), buffers, children=[items])
        return cast(pl.Series, pl.from_arrow(lists))

    @classmethod
    def from_table(
        cls, table: pl.DataFrame, channels: tuple[str, ...], outcome_names: tuple[str, ...]
    ) -> Journeys:
        """Return the journeys of a journeys table, whose lists are the CSR."""
        offsets = np.concatenate([[0], np.cumsum(table["channel"].list.len().to_numpy())])
        codes = table["channel"].explode(empty_as_null=False).cast(pl.Enum(channels)).to_physical()
        ages = table["age_days"].explode(empty_as_null=False) if "age_days" in table.columns else None
        no_ages = ages is None or ages.null_count() > 0
        ends = table["ends_at"] if "ends_at" in table.columns else None
        return cls(
            channels,
            outcome_names,
            cast(Int64, offsets),
            codes.cast(pl.UInt16).to_numpy(),
            None if no_ages else cast(pl.Series, ages).to_numpy(),
            table["count"].to_numpy(),
            table.select(outcome_names).cast(pl.Float64).to_numpy(),
            None if ends is None or ends.null_count() else ends.to_physical().to_numpy(),
        )


@kernel
def any_of(outcomes: Float64) -> Bool:
    """Return which journeys have an outcome."""
    found = np.empty(outcomes.shape[0], np.bool_)
    for j in range(outcomes.shape[0]):
        any_here = False
        for i in range(outcomes.shape[1]):
            any_here |= outcomes[j, i] != 0.0
        found[j] = any_here
    return found


@kernel
def touchpoints_of(offsets: Int64, journeys: Int64) -> tuple[Int64, Int64]:
    """Return the offsets of some journeys one after the other, and where their touchpoints stand."""
    kept = np.zeros(journeys.size + 1, np.int64)
    for n in range(journeys.size):
        kept[n + 1] = kept[n] + offsets[journeys[n] + 1] - offsets[journeys[n]]
    touched = np.empty(kept[-1], np.int64)
    for n in range(journeys.size):
        for t in range(kept[n + 1] - kept[n]):
            touched[kept[n] + t] = offsets[journeys[n]] + t
    return kept, touched


def column(name: str, values: Any, length: int, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """Return a named column of the values, or of nulls where there are none."""
    if values is None:
        return pl.repeat(None, length, dtype=dtype, eager=True).alias(name)
    return pl.Series(name, values, dtype=dtype)
