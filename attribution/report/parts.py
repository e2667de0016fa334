"""Parts: what a page is made of: sections with sentences, figures and grids of numbers."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from attribution.channels import TOTAL
from attribution.kpis.spelling import spelled, unit_of


@dataclass(frozen=True)
class Number:
    """A figure in a text: its value, its unit, and the file in which it stands."""

    value: float
    unit: str
    file: str

    def __str__(self) -> str:
        return spelled(self.value, self.unit)


@dataclass(frozen=True)
class Sentence:
    """What the numbers say, in words and figures; of one model or outcome, or of all."""

    words: tuple[str | Number, ...]
    model: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart, and what it shows in words."""

    key: str
    chart: Any
    alt: str


@dataclass(frozen=True)
class Cell:
    """A cell of a grid: its value, the ends of its interval, and what is written in it."""

    column: str
    value: float | str | None
    low: float | None = None
    high: float | None = None
    share: bool = False  # of a whole, whatever its name says

    @property
    def unit(self) -> str:
        """The unit of its number."""
        return "share" if self.share else unit_of(self.column)

    @property
    def text(self) -> str:
        """What is written: a number by its unit, a dash where nothing is known."""
        if self.value is None:
            return "–"
        return self.value if isinstance(self.value, str) else spelled(self.value, self.unit)

    @property
    def span(self) -> str:
        """The interval in words, empty without one."""
        if self.low is None or self.high is None:
            return ""
        return f"{spelled(self.low, self.unit)} to {spelled(self.high, self.unit)}"


@dataclass(frozen=True)
class Row:
    """A row of a grid: its head, its cells, its model if the reader chooses one; a total stays below."""

    head: str
    cells: tuple[Cell, ...]
    model: str = ""
    total: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of a file as people look at it: its columns by name, with a word on the basis of each."""

    key: str
    caption: str
    file: str
    head: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: Mapping[str, str] = field(default_factory=dict)  # by column: the basis of a cost
    outcome: str = ""
    across: str = ""  # the column that all cells show, where columns are models
    folded: bool = False  # opened by who wants it


@dataclass(frozen=True)
class Section:
    """A part of the page with a title, what it says, and what it shows."""

    key: str
    title: str
    says: tuple[Sentence, ...]
    shows: tuple[Figure | Grid, ...]


def rows_of(
    table: pl.DataFrame, head: str, columns: Sequence[str], shares: Container[str] = ()
) -> tuple[Row, ...]:
    """Return the rows of a table, each cell with the ends of its interval; the total is last.

    >>> table = pl.DataFrame({"channel": ["ads"], "leads": [2.0], "leads_low": [1.0], "leads_high": [4.0]})
    >>> rows_of(table, "channel", ["leads"])[0].cells[0].span
    '1 to 4'
    """
    rows = []
    for record in table.to_dicts():
        cells = tuple(
            Cell(
                name,
                plain(record[name]),
                record.get(f"{name}_low"),
                record.get(f"{name}_high"),
                name in shares,
            )
            for name in columns
        )
        text = "–" if record[head] is None else str(record[head])
        rows.append(Row(text, cells, record.get("model", ""), text == TOTAL))
    return tuple(sorted(rows, key=lambda row: row.total))


def plain(value: Any) -> float | str | None:
    """Return a value of a table as a number, or as text."""
    if value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return float(value) if isinstance(value, int) else str(value)


def told_columns(table: pl.DataFrame, leave: Iterable[str] = ()) -> list[str]:
    """Return the columns of numbers that tell something: no ends of intervals, and not all null.

    >>> told_columns(pl.DataFrame({"leads": [2.0], "leads_low": [1.0], "spend": [None], "reason": ["x"]}))
    ['leads']
    """
    ends = {f"{name}{end}" for name in table.columns for end in ("_low", "_high")}
    left = {*leave, *ends}
    return [
        name
        for name, kind in table.schema.items()
        if name not in left and kind.is_numeric() and table[name].null_count() < len(table)
    ]
