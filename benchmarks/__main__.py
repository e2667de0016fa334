"""The command: ``python -m benchmarks`` runs the trials, prints their tables and writes RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.cases import ROOT
from benchmarks.goals import GOALS
from benchmarks.measurements import keep, latest, load
from benchmarks.processes import OK
from benchmarks.results import ENTRY_COLUMNS, GOAL_COLUMNS, entry_rows, goal_rows, page, size
from benchmarks.running import run_trial
from benchmarks.trials import TRIALS, Trial

KEPT = "measurements.jsonl"  # in the folder of data
CONSOLE = Console(highlight=False)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [trial.name for trial in TRIALS]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--quick", action="store_true", help="two minutes; prints, and writes no results")
    parser.add_argument("--rounds", type=int, help="most rounds of an entry")
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".benchmarks", help="folder of cases and measurements"
    )
    parser.add_argument("--results", type=Path, help="file of the results, benchmarks/RESULTS.md without it")
    parser.add_argument("--report", action="store_true", help="run nothing, write what was measured so far")
    asked = parser.parse_args(arguments)
    asked.data = asked.data.resolve()  # the processes run elsewhere
    return asked


def command(asked: argparse.Namespace) -> str:
    """Return what was asked for, but for the folders, as a command."""
    chosen = [] if len(asked.only) == len(TRIALS) else ["--only", *asked.only]
    rounds = [f"--rounds {asked.rounds}"] if asked.rounds else []
    return " ".join(["python -m benchmarks", *chosen, *["--quick"] * asked.quick, *rounds])


def main(arguments: Sequence[str]) -> None:
    """Run the trials and report."""
    asked = options(arguments)
    kept = asked.data / KEPT
    if not asked.report:
        run = {
            "run": uuid.uuid4().hex,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command(asked),
            "quick": asked.quick,
            "machine": machine.describe(),
            "versions": machine.versions(),
        }
        keep(kept, run)
        for trial in TRIALS:
            if trial.name in asked.only and (trial.quick or not asked.quick):
                chosen = trial.quickly() if asked.quick else trial
                measure(chosen, asked, run)
    measured = latest(load(kept), TRIALS)
    show("goals", GOAL_COLUMNS, goal_rows(measured, [goal for goal in GOALS if goal.trial in measured]))
    results = asked.results or (None if asked.quick else ROOT / "benchmarks" / "RESULTS.md")
    if results:
        results.write_text(page(measured, TRIALS), encoding="utf-8")
        CONSOLE.print(f"written: {results}")


def measure(trial: Trial, asked: argparse.Namespace, run: dict[str, Any]) -> None:
    """Run one trial, keep every measurement, and print its medians."""
    taken: list[dict[str, Any]] = []
    with CONSOLE.status(trial.name) as status:
        for each in run_trial(
            trial, asked.data, asked.rounds, lambda what: status.update(f"{trial.name}: {what}")
        ):
            taken.append(each | {"run": run["run"]})
            keep(asked.data / KEPT, taken[-1])
            how = (
                f"{each['seconds']:8.3f} s  {size(each['peak'])}" if each["status"] == OK else each["status"]
            )
            CONSOLE.print(f"{trial.name}: {each['entry']:40} {how}  {each['note']}")
    show(trial.name, ENTRY_COLUMNS, entry_rows(trial, latest([run, *taken], [trial])[trial.name]))


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    CONSOLE.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
