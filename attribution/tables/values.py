"""Values: cells brought to ids, text and numbers, with the reasons of those that are none."""

from __future__ import annotations

import polars as pl

from attribution.errors import Fault
from attribution.tables.categories import distinct
from attribution.tables.columns import Column
from attribution.tables.letters import is_plain
from attribution.tables.reading import Reading

CONTROL = r"[\x00-\x1f\x7f-\x9f]"
TOO_LARGE = 2.0**63 / 100  # money beyond int64 cents
EXACT = 2.0**53  # floats below are exact as integers
FLAGS = {"1": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "false": 0.0, "no": 0.0, "": 0.0}


def is_scalar(dtype: pl.DataType) -> bool:
    """Return whether a column of the type can be read as text."""
    return not (dtype.is_nested() or dtype.is_temporal() or dtype in (pl.Binary, pl.Object))


def holds_numbers(dtype: pl.DataType) -> bool:
    """Return whether a column of the type can be read as numbers."""
    return dtype.is_numeric() or dtype in (pl.String, pl.Boolean, pl.Null, pl.Categorical, pl.Enum)


def as_text(raw: pl.Series, column: Column, reading: Reading) -> pl.Series:
    """Return ids as integers or text, everything else as text; blank is null."""
    if column.kind == "id" and raw.dtype.is_integer():
        return raw
    if raw.dtype.is_float():
        raw = raw.fill_nan(None)
        present = raw.drop_nulls()
        if ((present == present.round()) & (present.abs() < EXACT)).all():
            raw = raw.cast(pl.Int64)  # whole numbers that a frame with gaps holds as floats
            if column.kind == "id":
                return raw
    if (column.coded or column.kind == "id") and raw.dtype in (pl.Categorical, pl.Enum):
        names = distinct(raw).cast(pl.String)
        odd = (names.str.strip_chars() == "") | names.str.contains(CONTROL)
        if not odd.any() and not (reading.null_channel and raw.null_count()):
            return raw
    text = raw.cast(pl.String)
    if is_plain(text):
        return text
    blank = (text.str.strip_chars() == "").fill_null(False)
    if blank.any():
        text = text.set(blank, None)
    if column.kind == "name" and column.name == "channel" and reading.null_channel:
        text = text.fill_null(reading.null_channel)
    return text


def as_number(raw: pl.Series, column: Column) -> tuple[pl.Series, list[tuple[str, pl.Series]]]:
    """Return the column as numbers, with the reasons of the cells that are none."""
    if raw.dtype in (pl.Categorical, pl.Enum):
        raw = raw.cast(pl.String)
    if column.kind == "flag" and raw.dtype in (pl.String, pl.Boolean):
        text = raw.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
        numbers = text.replace_strict(FLAGS, default=None, return_dtype=pl.Float64)
        return numbers.alias(column.name), [("bad_flag", numbers.is_null())]
    given = raw.str.strip_chars() if raw.dtype == pl.String else raw
    empty = (given.is_null() | (given == "")) if raw.dtype == pl.String else given.is_null()
    if column.kind == "whole":
        numbers = given.cast(pl.Int64, strict=False).alias(column.name)
        if given.dtype == pl.String and (numbers.is_null() & ~empty).any():  # "2.0", as a gap makes of 2
            floats = given.cast(pl.Float64, strict=False)
            floats = floats.set((floats != floats.floor()).fill_null(False), None)
            numbers = numbers.fill_null(floats.cast(pl.Int64, strict=False))
        if given.dtype.is_float():
            numbers = numbers.set((given != given.floor()).fill_null(False), None)
        return numbers, [("bad_number", numbers.is_null() & ~empty)]
    numbers = given.cast(pl.Float64, strict=False).alias(column.name)
    rules = [("bad_number", numbers.is_null() & ~empty)]
    infinite = (numbers.is_nan() | numbers.is_infinite()).fill_null(False)
    rules.append(("not_finite", infinite))
    numbers = numbers.set(infinite, 0.0)
    if column.kind == "flag":
        flags = numbers.fill_null(0.0)
        return flags, [*rules, ("bad_flag", ~flags.is_in([0.0, 1.0]))]
    if column.gaps:
        return numbers, rules
    if column.null is None:
        return numbers.fill_null(0.0), [*rules, ("null_number", empty)]
    return numbers.set(numbers.is_null() & empty, column.null).fill_null(0.0), rules


def overflow(numbers: pl.Series, where: str, name: str) -> list[Fault]:
    """Return the fault of numbers beyond what can be summed to the cent."""
    if numbers.dtype != pl.Float64 or not (large := numbers.filter(numbers.abs() >= TOO_LARGE)).len():
        return []
    return [
        Fault(
            where,
            "numbers overflow 64-bit cents",
            f"values below {TOO_LARGE:.3g}",
            "check the unit of the column",
            name,
            len(large),
            tuple(f"{value:g}" for value in large.head(5)),
        )
    ]
