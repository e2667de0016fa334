"""Names: how columns and variants may be called, and which variant a value stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from attribution.errors import ParameterError

OWN = ("variant", "users", "customer_id")


def is_name(name: object) -> bool:
    """Return whether a value names one column, and is no pattern that may stand for several.

    >>> is_name("spend"), is_name("*"), is_name("^s.*$"), is_name(""), is_name(3)
    (True, False, False, False, False)
    """
    pattern = isinstance(name, str) and (name == "*" or (name.startswith("^") and name.endswith("$")))
    return isinstance(name, str) and bool(name) and not pattern


def checked_metrics(variant: str, metrics: Iterable[str], customer: str | None) -> tuple[str, ...]:
    """Return the metrics in their order, all columns being named as columns can be.

    Raises:
        ParameterError: a name is none of a column, or the metrics are no list of them.
    """
    for what, name in (("variant", variant), ("customer", customer)):
        if not (is_name(name) or (what == "customer" and name is None)):
            raise ParameterError.out_of_range(what, name, "the name of a column, and no pattern")
    ordered = isinstance(metrics, Iterable) and not isinstance(metrics, (str, bytes, set, frozenset))
    listed = tuple(metrics) if ordered else ()
    if not listed or not all(map(is_name, listed)) or len({*listed}) < len(listed) or {*listed} & {*OWN}:
        expected = f"a list of numeric columns, each once, no patterns, none of them {', '.join(OWN)}"
        raise ParameterError.out_of_range("metrics", [*listed] or metrics, expected)
    return listed


def variant_of(what: str, value: object, known: Collection[str]) -> str:
    """Return the variant that a text stands for, or a number or boolean that is in the column as text.

    >>> variant_of("control", " a ", ["a", "b"]), variant_of("control", 0, ["0", "1"])
    ('a', '0')
    >>> variant_of("control", False, ["false", "true"]), variant_of("control", False, ["False", "True"])
    ('false', 'False')

    Raises:
        ParameterError: it is neither, or none of the known variants.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, (str, int, float)):
        expected = "the name of a variant: text, a number, or true or false"
        raise ParameterError.out_of_range(what, value, expected)
    text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()
    if isinstance(value, bool) and text not in known:
        text = text.lower()  # as a column of booleans is read
    if text not in known:
        raise ParameterError.unknown(f"variant in {what!r}", text, known)
    return text
