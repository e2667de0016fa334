"""Progress: what takes its time says so on standard error, as a bar where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console

from attribution.cli.show import say
from attribution.kernels import on_first_compilation
from attribution.stitched import Progress


def compiling() -> None:
    """Say so when kernels have to be compiled, which happens once after an install."""
    on_first_compilation(lambda: say("compiling kernels: once after an install, some ten seconds"))


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """Give a progress callback that draws a bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}")),
        *(TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task(what, total=None, rows=""), monotonic()

        def tell(done: int, total: int, touchpoints: int) -> None:
            rate = touchpoints / max(monotonic() - began, 1e-3)
            rows = f"{touchpoints:,} touchpoints, {rate:,.0f}/s"
            bar.update(task, completed=done, total=total, rows=rows)

        yield tell
