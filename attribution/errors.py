"""Every error a user can meet: what was got, what was expected, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

EXAMPLES = 5
CUT = 80


def shown(value: object) -> str:
    r"""Return a value as one printable line of at most 80 characters.

    >>> shown("a" * 100)[-4:], shown("tab\there")
    ("aa…'", "'tab\\there'")
    """
    text = ascii(value) if not str(value).isprintable() else repr(value)
    return text if len(text) <= CUT else text[: CUT - 2] + "…" + text[-1]


def plain(text: str) -> str:
    r"""Return a text in which nothing can steer a terminal or begin a line of its own.

    >>> plain("a\x1b[31m\nb")
    'a�[31m�b'
    """
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


class AttributionError(Exception):
    """What this package raises when a user can do something about it."""

    exit_code = 1


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a table, with the rows that show it."""

    where: str
    got: str
    expected: str
    remedy: str
    column: str | None = None
    count: int | None = None
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = plain(self.where) + (f", column {self.column!r}" if self.column else "")
        count = f" ({self.count:,} rows)" if self.count is not None else ""
        lines = [f"{place}: {plain(self.got)}{count}", f"  expected: {plain(self.expected)}"]
        if self.examples:
            lines.append(f"  for example: {plain('; '.join(self.examples[:EXAMPLES]))}")
        lines.append(f"  what to do: {plain(self.remedy)}")
        return "\n".join(lines)


class TableError(AttributionError):
    """A table cannot be used; carries every fault that was found in it."""

    exit_code = 3

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def of(cls, where: str, got: str, expected: str, remedy: str, **more: object) -> TableError:
        """Return the error of a single fault."""
        return cls([Fault(where, got, expected, remedy, **more)])  # type: ignore[arg-type]


class ParameterError(AttributionError):
    """A parameter is outside what it may be; names it and the allowed range."""

    exit_code = 2

    @classmethod
    def out_of_range(cls, name: str, value: object, allowed: str) -> ParameterError:
        """Return the error of a parameter that got a value it cannot have."""
        return cls(f"parameter {name!r}: got {shown(value)}, expected {allowed}")

    @classmethod
    def unknown(cls, what: str, value: str, known: Iterable[str]) -> ParameterError:
        """Return the error of a name that is not among the known ones, with the closest."""
        names = list(known)
        return cls(f"unknown {what} {shown(value)}{closest(value, names)}; known: {', '.join(names)}")


class VocabularyError(AttributionError):
    """Values that speak of different channels or outcomes cannot be put together."""

    exit_code = 3

    @classmethod
    def differ(cls, what: str, left: Sequence[str], right: Sequence[str]) -> VocabularyError:
        """Return the error of two vocabularies that are not the same."""
        only = sorted(set(left) ^ set(right))
        seen = ", ".join(map(shown, only[:EXAMPLES])) or "their order"
        return cls(f"{what} differ in {seen}; bring both to one vocabulary with recode(channels)")


class StatisticsError(AttributionError):
    """Statistics that were made in different ways do not add up; names what differs."""

    exit_code = 3


class ConvergenceError(AttributionError):
    """There is not enough data, or an iteration did not reach its tolerance."""

    exit_code = 5

    @classmethod
    def after(cls, sweeps: int, residual: float, tolerance: float) -> ConvergenceError:
        """Return the error of an iteration that was cut off."""
        return cls(
            f"removal effects did not converge: residual {residual:.1e} after {sweeps:,} sweeps, "
            f"expected {tolerance:.1e}; use a lower order, or collapse_repeats=True"
        )

    @classmethod
    def too_short(cls, what: str, got: str, expected: str, remedy: str) -> ConvergenceError:
        """Return the error of a history that is too short for what is asked of it."""
        return cls(f"{what}: got {got}, expected {expected}; {remedy}")


class GateError(AttributionError):
    """The data are worse than a job allows."""

    exit_code = 4


class OutputError(AttributionError):
    """A file cannot be written, or must not be."""

    exit_code = 7


class MissingExtraError(OutputError):
    """A library that an output takes is not installed."""

    @classmethod
    def of(cls, library: str | None, what: str, extra: str) -> MissingExtraError:
        """Return the error that names the library, what it is for, and the extra that has it."""
        return cls(f"{library} is needed for {what}: pip install 'attribution-engine[{extra}]'")


class OutputExistsError(OutputError):
    """The output is there already and holds something else."""

    exit_code = 6


def closest(name: str, names: Iterable[str]) -> str:
    """Return a hint at the most similar name, or nothing.

    >>> closest("chanel", ["channel", "spend"])
    "; did you mean 'channel'?"
    """
    known = {each.casefold(): each for each in names}
    found = get_close_matches(name.casefold(), known, n=1, cutoff=0.6)
    return f"; did you mean {shown(known[found[0]])}?" if found else ""


def option(name: str, value: object) -> str:
    """Return how to set an option, in Python and on the command line.

    >>> option("time_unit", "ms")
    "time_unit='ms' (--time-unit 'ms')"
    """
    return f"{name}={value!r} (--{name.replace('_', '-')} {value!r})"
