"""A parameter is declared once; its check, message, option, docs row and test values are read from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from attribution.errors import ParameterError

KEY = "parameter"


@dataclass(frozen=True)
class Parameter:
    """What a parameter may be: its meaning, kind and bounds."""

    default: Any
    meaning: str
    kind: type
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values in words.

        >>> Parameter(7.0, "", float, above=0).allowed
        'a number > 0'
        """
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        words = {
            float: "a number",
            int: "a whole number",
            bool: "true or false",
            tuple: "names",
            str: "text",
        }
        bounds = {">": self.above, ">=": self.low, "<=": self.high, "<": self.below}
        limits = " and ".join(f"{sign} {b:g}" for sign, b in bounds.items() if b is not None)
        return f"{words[self.kind]} {limits}".rstrip()

    def accepts(self, value: Any) -> bool:
        """Whether the value is of the kind and inside the bounds (NaN never is)."""
        if value is None:
            return self.optional
        if self.choices:
            return value in self.choices
        if self.kind is str:
            return isinstance(value, str) and bool(value)
        if self.kind is tuple:
            return isinstance(value, tuple) and all(isinstance(name, str) for name in value)
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        if not isinstance(value, int if self.kind is int else (int, float)) or value != value:  # NaN
            return False
        return (
            (self.low is None or value >= self.low)
            and (self.above is None or value > self.above)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
        )

    def parse(self, name: str, text: str) -> Any:
        """Return the value that a text on the command line stands for."""
        if self.kind is tuple:
            return tuple(text.split("|"))
        if self.kind is bool:
            text = {"true": "True", "false": "False"}.get(text.casefold(), text)
        try:
            value = {"True": True, "False": False}[text] if self.kind is bool else self.kind(text)
        except (ValueError, KeyError):
            value = text
        if not self.accepts(value):
            raise ParameterError.out_of_range(name, text, self.allowed)
        return value


def param(default: Any, meaning: str, kind: type | None = None, **bounds: Any) -> Any:
    """Declare a dataclass field with its meaning and bounds (low, above, high, below, choices, optional)."""
    declared = Parameter(default, meaning, kind or type(default), **bounds)
    return dataclasses.field(default=default, metadata={KEY: declared})


def parameters(cls: type) -> dict[str, Parameter]:
    """Return the declared parameters of a dataclass by name, in order."""
    return {f.name: f.metadata[KEY] for f in dataclasses.fields(cls) if KEY in f.metadata}


def check(instance: Any) -> None:
    """Raise ParameterError, naming the parameter and its range, unless all values are allowed."""
    for name, parameter in parameters(type(instance)).items():
        value = getattr(instance, name)
        if not parameter.accepts(value):
            raise ParameterError.out_of_range(name, value, parameter.allowed)
