"""Telling: what several tasks say of their rows is said once, with the rows counted together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from attribution.errors import EXAMPLES, Fault

COUNTED = re.compile(r"((?:.*?: )?)([\d,]+) ((?:rows|outcome ids) [^,:;]*)(.*)")


def once(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the lines; those that differ in how many rows they speak of are one, of all these rows.

    >>> once(["a: 2 rows lie in the future, up to 2030", "b", "a: 1 rows lie in the future, up to 2031"])
    ('a: 3 rows lie in the future, up to 2031', 'b')
    """
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for line in lines:
        match = COUNTED.fullmatch(line)
        where, count, what, more = match.groups() if match else ("", "0", line, "")
        rows, last = found.get((where, what), (0, ""))
        found[where, what] = (rows + int(count.replace(",", "")), max(last, more))
    return tuple(
        f"{where}{rows:,} {what}{more}" if rows else what for (where, what), (rows, more) in found.items()
    )


def merged(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults; those that several tasks found in their rows are one, of all these rows.

    >>> one = Fault("outcomes", "1 outcome ids differ", "each once", "keep one", count=2, examples=("'a'",))
    >>> merged([one, replace(one, count=3, examples=("'b'",))])[0].examples
    ("'a'", "'b'")
    """
    alike: dict[tuple[str | None, ...], list[Fault]] = {}
    for fault in faults:
        match = COUNTED.fullmatch(fault.got)
        what = match[3] if match else fault.got
        alike.setdefault((fault.where, what, fault.expected, fault.remedy, fault.column), []).append(fault)
    return [together(each) for each in alike.values()]


def together(faults: list[Fault]) -> Fault:
    """Return faults of one kind as one."""
    counts = [fault.count for fault in faults if fault.count is not None]
    examples = dict.fromkeys(example for fault in faults for example in fault.examples)
    return replace(
        faults[0],
        got=once(fault.got for fault in faults)[0],
        count=sum(counts) if counts else None,
        examples=tuple(examples)[:EXAMPLES],
    )
