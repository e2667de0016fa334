"""Show: tables on a terminal, counts and warnings beside them, files and JSON instead."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attribution.errors import plain
from attribution.kpis import FIGURES, KPIS
from attribution.kpis.spelling import unit_of
from attribution.kpis.stages import IRREGULAR
from attribution.stitched import StitchReport
from attribution.tables import write_table

WIDE = 200  # columns of output that is no terminal
NAME = 32  # a longer name is cut on the screen, never in a file
DEFINED = {kpi.name for kpi in KPIS}
ENGAGED = [kpi for kpi in KPIS if kpi.verb == "engagement"]
FINE = {kpi.name for kpi in ENGAGED if kpi.unit == "share"}  # which may be far below 1 %
WHOLE = {kpi.name for kpi in ENGAGED if kpi.unit == "count"}


def printable(text: str) -> str:
    r"""Return the text cut to 32 characters, without anything that could steer a terminal.

    >>> printable("a" * 40)[-1], printable("red\x1b[31m")
    ('…', 'red�[31m')
    """
    clean = harmless(text)
    return clean if len(clean) <= NAME else clean[: NAME - 1] + "…"


def harmless(text: str) -> str:
    """Return the text without anything that could steer a terminal."""
    steers = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, and separators of lines
    return "".join("\ufffd" if unicodedata.category(sign) in steers else sign for sign in text)


class Screen(Console):
    """A console that leaves a reader who has gone to the command line."""

    def on_broken_pipe(self) -> None:
        """Say so, instead of leaving with an error."""
        raise BrokenPipeError


def console() -> Console:
    """Return the console of standard output."""
    return Screen(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def say(line: str) -> None:
    """Print a line for people to standard error."""
    print(plain(line), file=sys.stderr)


def number(value: Any, column: str, share: bool = False) -> str:
    """Return a cell as a person reads it, a ``share`` in percent.

    >>> number(1234.5, "leads"), number(0.25, "win_rate"), number(None, "spend")
    ('1,234.50', '25.0 %', '-')
    """
    if value is None:
        return "-"
    if not isinstance(value, float):
        return "\n".join(map(printable, str(value).split("\n")))
    if column in WHOLE or (column not in DEFINED and column.endswith("_visits")):
        return f"{value:,.0f}"
    if column in FINE:
        return f"{value:.2%}".replace("%", " %")
    share = share or unit_of(column) == "share"
    return f"{value:.1%}".replace("%", " %") if share else f"{value:,.2f}"


def show_table(
    title: str,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    column: str = "",
    share: bool = False,
    keep: int = 1,
) -> None:
    """Print a table: text to the left, numbers to the right; where it is too wide, in several parts.

    The first ``keep`` columns stand in every part.
    """
    cells = [
        [number(cell, column or name, share) for cell, name in zip(row, names, strict=True)] for row in rows
    ]
    columns = [[heading(name).plain, *(row[place] for row in cells)] for place, name in enumerate(names)]
    widths = [max(cell_len(line) for cell in each for line in cell.split("\n")) + 3 for each in columns]
    screen = console()
    for part in fitting(widths, keep, screen.width - 1):
        table = Table(title=heading(title), title_justify="left", title_style="bold")
        for place in part:
            table.add_column(heading(names[place]), justify="right" if place else "left")
        for row in cells:
            table.add_row(*(Text(row[place]) for place in part))
        screen.print(table)


def fitting(widths: Sequence[int], keep: int, most: int) -> list[list[int]]:
    """Return which columns stand in which part of a table, the first ones in all of them.

    >>> fitting([10, 5, 5, 5, 40], 1, 20)
    [[0, 1, 2], [0, 3], [0, 4]]
    """
    parts, room = [list(range(min(keep, len(widths))))], most - sum(widths[:keep])
    for place in range(keep, len(widths)):
        if widths[place] > room and len(parts[-1]) > keep:
            parts, room = [*parts, list(range(keep))], most - sum(widths[:keep])
        parts[-1].append(place)
        room -= widths[place]
    return parts


def heading(name: str) -> Text:
    """Return a name as words."""
    return Text(printable(name).replace("_", " "))


def show_text(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of text, whole."""
    table = Table(*names, title=Text(harmless(title)), title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row), end_section=True)
    console().print(table)


def show_side_by_side(
    table: pl.DataFrame, values: Sequence[str], by: Sequence[str] = ("channel",), share: bool = False
) -> None:
    """Print one table a value: channels, or other cells, down, models across."""
    models = table["model"].unique(maintain_order=True).to_list()
    for value in values:
        found: dict[tuple[Any, ...], dict[str, str]] = {}
        for model, cell, row in zip(
            table["model"], cells_of(table, value, share), table.select(by).iter_rows(), strict=True
        ):
            found.setdefault(row, {})[model] = cell
        rows = [[*row, *(cells.get(model) for model in models)] for row, cells in found.items()]
        if list(by) == ["channel"]:
            rows.sort(key=lambda row: row[0].startswith("("))
        show_table(value, [*by, *models], rows, value, share, keep=len(by))


def cells_of(table: pl.DataFrame, column: str, share: bool = False) -> list[str]:
    r"""Return the cells of a column as a person reads them, their intervals below them.

    >>> cells_of(pl.DataFrame({"leads": [2.0], "leads_low": [1.25], "leads_high": [3.0]}), "leads")
    ['2.00\n1.25 - 3.00']
    """
    cells = [number(value, column, share) for value in table[column]]
    if f"{column}_low" not in table.columns:
        return cells
    ends = table.select(f"{column}_low", f"{column}_high").iter_rows()
    return [
        cell if low is None else f"{cell}\n{number(low, column, share)} - {number(high, column, share)}"
        for cell, (low, high) in zip(cells, ends, strict=True)
    ]


def show_kpis(table: pl.DataFrame, by: Sequence[str] = ("channel",)) -> None:
    """Print the KPIs: of one model as one table, of several side by side."""
    several = table["model"].n_unique() > 1
    show_figures(table, by, [name for name in FIGURES if name in table.columns] if several else None)


def show_figures(table: pl.DataFrame, by: Sequence[str], names: Sequence[str] | None = None) -> None:
    """Print the named columns, or all that tell something: one model as one table, several side by side."""
    if names is None:
        known = {"model", "reason", "run_id", *by}
        ends = {f"{name}{end}" for name in table.columns for end in ("_low", "_high")}
        names = [name for name in table.columns if name not in known | ends]
    told = [name for name in names if table[name].null_count() < len(table)]
    told = [name for name in told if not (name.startswith(IRREGULAR) and (table[name] == 0).all())]
    if table["model"].n_unique() > 1:
        show_side_by_side(table, told, by)
        return
    title = table["model"][0] if len(table) else "no credits"
    cells = [cells_of(table, name) for name in (*by, *told)]
    show_table(title, [*by, *told], zip(*cells, strict=True), keep=len(by))


def show_report(report: StitchReport) -> None:
    """Say what was read, used and set aside, and the warnings, on standard error."""
    for name, rows in report.tables.items():
        aside = ", ".join(f"{count:,} {reason}" for reason, count in rows.set_aside.items())
        say(
            f"{name}: {rows.read:,} rows read, {rows.used:,} used"
            + (f"; set aside: {aside}" if aside else "")
        )
    if report.unattributed:
        why = ", ".join(f"{count:,} {reason}" for reason, count in report.unattributed.items())
        say(f"unattributed outcomes: {why}")
    notes = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in report.notes.items() if count)
    if notes:
        say(f"journeys: {notes}")
    show_warnings(report.messages)


def show_warnings(warnings: Iterable[str]) -> None:
    """Say the warnings on standard error, nothing in them able to steer a terminal."""
    for line in warnings:
        say(f"warning: {line}")


def write(table: pl.DataFrame, path: Path, force: bool) -> None:
    """Write a file and say so."""
    changed = write_table(table, path, force)
    say(f"{'wrote' if changed else 'unchanged:'} {path} ({len(table):,} rows)")


def deliver(
    table: pl.DataFrame, out: Path | None, json: bool, force: bool, show: Callable[[], object]
) -> None:
    """Write the table where a file is named, print it as JSON where that is asked for, else show it."""
    if out is not None:
        write(table, out, force)
    if json:
        show_json(table)
    elif out is None:
        show()


def show_json(table: pl.DataFrame) -> None:
    """Print the rows as JSON records."""
    print(table.write_json())
