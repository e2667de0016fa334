"""The log of a run, on standard error: lines for people, or JSON lines for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attribution.cli.show import say


def lines(form: str) -> Callable[..., None]:
    """Return what is called with each event of a run and what belongs to it."""
    return as_json if form == "json" else as_text


def as_json(event: str, **more: Any) -> None:
    """Print an event as one line of JSON."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "event": event, **more}, default=str), file=sys.stderr, flush=True)


def as_text(event: str, **more: Any) -> None:
    """Print an event as a line for people."""
    say(f"{event}: {', '.join(worded(name, value) for name, value in more.items())}")


def worded(name: str, value: Any) -> str:
    """Return a number or list with its name, as a person reads it.

    >>> worded("rows", 12345), worded("tables", {"spend": 3}), worded("seconds", 0.5)
    ('12,345 rows', 'spend 3', '0.5 s')
    """
    if isinstance(value, dict):
        return ", ".join(f"{key} {each:,}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if name == "seconds":
        return f"{value} s"
    return f"{value:,} {name}" if isinstance(value, int) else str(value)
