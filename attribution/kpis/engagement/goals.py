"""Goals: what a visit may reach, with its value and layer, as a predicate over visits or pages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.dictionary import KPIS

Predicate: TypeAlias = str | pl.Expr
NAME = r"^[a-z][a-z0-9_]*$"
HOLDS = "the condition holds"  # no column of any table
TAKEN = {kpi.name for kpi in KPIS}


@dataclass(frozen=True, eq=False)
class Goal:
    """A goal: ``when`` holds for a page view of the visit, or for the visit; it counts once a visit.

    ``when`` is SQL (``page = '/thanks'``) or a polars expression; of rows that stand for several visits it
    is the column that counts those which reached the goal. ``value`` is what reaching it is worth, ``layer``
    what it belongs to (lead_generation, awareness).

    Raises:
        ParameterError: the name or the layer is no plain word, or the value no number.

    >>> Goal("signup", "page = '/thanks'", value=5).name
    'signup'
    """

    name: str
    when: Predicate
    value: float | None = None
    layer: str = ""

    def __post_init__(self) -> None:
        for what, word in (("name", self.name), ("layer", self.layer or "none")):
            if not isinstance(word, str) or not pl.Series([word]).str.contains(NAME).item():
                raise ParameterError.out_of_range(f"goal {what}", word, "a word such as signup or lead_form")
            if taken := {f"{word}_visits", f"{word}_rate"} & TAKEN:
                allowed = f"another word: {', '.join(taken)} is a KPI of another meaning"
                raise ParameterError.out_of_range(f"goal {what}", word, allowed)
        is_number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        if self.value is not None and not (is_number and 0 <= self.value < 1e15):
            raise ParameterError.out_of_range(f"value of goal {self.name}", self.value, "a number >= 0")


def checked_goals(goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """Return the goals; ParameterError where names meet, or where some have a value and others none."""
    if not isinstance(goals, Sequence) or not all(isinstance(goal, Goal) for goal in goals):
        raise ParameterError.out_of_range("goals", goals, "a list of at.Goal")
    names = [goal.name for goal in goals]
    layers = {goal.layer for goal in goals} - {""}
    for name in [*names, *layers]:
        if [*names, *layers].count(name) > 1:
            raise ParameterError.out_of_range("goals", name, "each name of a goal or a layer once")
    without = [goal.name for goal in goals if goal.value is None]
    if without and len(without) < len(goals):
        told = (
            f"a value for each goal, or for none (0 for what is worth nothing): {', '.join(without)} lack one"
        )
        raise ParameterError.out_of_range("goals", ", ".join(without), told)
    return tuple(goals)


def expression(predicate: Predicate, what: str) -> pl.Expr:
    """Return a predicate as an expression; ParameterError where it is no SQL."""
    if isinstance(predicate, pl.Expr):
        return predicate
    try:
        return pl.sql_expr(predicate)
    except (pl.exceptions.PolarsError, TypeError) as error:
        allowed = f"a condition in SQL, such as page_views >= 3 AND device = 'mobile' ({first_line(error)})"
        raise ParameterError.out_of_range(what, predicate, allowed) from None


def columns_of(predicate: Predicate, what: str) -> set[str]:
    """Return the columns that a predicate names."""
    return set(expression(predicate, what).meta.root_names())


def holds(predicate: Predicate, rows: pl.DataFrame, what: str) -> pl.Series:
    """Return for each row whether, or in how many of its visits, a predicate holds; unknown is not.

    Raises:
        ParameterError: it names no column of the rows, cannot be computed, or tells neither.
    """
    for name in sorted(columns_of(predicate, what)):
        if name not in rows.columns:
            raise ParameterError.unknown(f"column in {what}", name, rows.columns)
    how = expression(predicate, what).alias(HOLDS)
    if columns_of(predicate, what) and not is_of_rows(how, rows):
        raise ParameterError.out_of_range(
            what, str(predicate), "a condition on each row, not on all together"
        )
    try:
        found = rows.with_columns(how)[HOLDS]
    except pl.exceptions.PolarsError as error:
        found, why = pl.Series(HOLDS, [], pl.Null), f" ({first_line(error)})"
    else:
        why = f", not {found.dtype}"
    if not tells(found) and len(numbers := as_numbers(rows.select(columns_of(predicate, what)))):
        with suppress(pl.exceptions.PolarsError):
            found = rows.with_columns(numbers).with_columns(how)[HOLDS]
    if not tells(found):
        allowed = f"a condition that is true or false of each row{why}"
        raise ParameterError.out_of_range(what, str(predicate), allowed)
    return found.fill_null(0 if found.dtype.is_integer() else False)


def is_of_rows(how: pl.Expr, rows: pl.DataFrame) -> bool:
    """Return whether an expression says something of each row: of no rows it says nothing then."""
    try:
        return not len(rows.clear().select(how))
    except pl.exceptions.PolarsError:
        return True


def tells(found: pl.Series) -> bool:
    """Return whether a condition gave an answer, or a count, for each row."""
    return found.dtype.is_integer() or found.dtype == pl.Boolean


def as_numbers(rows: pl.DataFrame) -> list[pl.Series]:
    """Return the columns of text in which every value is a number, as such: a CSV file holds text.

    >>> as_numbers(pl.DataFrame({"orders": ["1", None], "device": ["tv", "1"]}))[0].to_list()
    [1, None]
    """
    found = []
    for column in rows:
        if column.dtype == pl.String:
            numbers = column.replace("", None).cast(pl.Float64, strict=False)
            if numbers.null_count() == column.replace("", None).null_count():
                whole = numbers.cast(pl.Int64, strict=False)
                found.append(whole if (whole == numbers).all() else numbers)
    return found


def first_line(error: Exception) -> str:
    """Return what a library says in its first line."""
    return str(error).split("\n", 1)[0]
