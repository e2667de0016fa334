"""Measurements: every process that was run, as a line of JSON, and the medians of one run of a trial."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import OK
from benchmarks.trials import Trial


@dataclass(frozen=True)
class Summary:
    """One entry of a trial over its rounds; a failure in any of them is its status."""

    seconds: float  # median
    least: float
    most: float
    peak: float  # bytes, median
    rounds: int
    status: str
    note: str
    differences: dict[str, float]  # largest of all rounds
    exact: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """One trial as one run measured it: only within it do ratios mean anything."""

    run: dict[str, Any]  # command, date, machine, versions, quick
    entries: dict[str, Summary]


def keep(path: Path, record: dict[str, Any]) -> None:
    """Append a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def load(path: Path) -> list[dict[str, Any]]:
    """Return all records, or none where nothing was measured."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def latest(records: Iterable[dict[str, Any]], trials: Sequence[Trial]) -> dict[str, Measured]:
    """Return each trial of the last run that measured all of it; else of the one that measured most."""
    records = list(records)
    runs = {each["run"]: each for each in records if "trial" not in each}
    chosen = {}
    for trial in trials:
        names = {entry.name for entry in trial.entries}
        found: dict[str, list[dict[str, Any]]] = {}
        for each in records:
            if each.get("trial") == trial.name and each["entry"] in names and each["run"] in runs:
                found.setdefault(each["run"], []).append(each)
        if found:
            best = max(found, key=lambda run: worth(found[run], runs[run]))
            measured = {name: summary([e for e in found[best] if e["entry"] == name]) for name in names}
            order = [entry.name for entry in trial.entries if measured[entry.name]]
            chosen[trial.name] = Measured(runs[best], {name: measured[name] for name in order})
    return chosen


def worth(measured: Sequence[dict[str, Any]], run: dict[str, Any]) -> tuple[int, bool, str]:
    """Return by what runs of a trial are chosen: entries measured, in earnest, the date."""
    return len({each["entry"] for each in measured}), not run["quick"], run["date"]


def summary(rounds: Sequence[dict[str, Any]]) -> Any:
    """Return the medians of an entry, or None if it was not run."""
    if not rounds:
        return None
    failed = [each for each in rounds if each["status"] != OK]
    seconds = [each["seconds"] for each in failed or rounds]
    models = dict.fromkeys(model for each in rounds for model in each["differences"])
    return Summary(
        median(seconds),
        min(seconds),
        max(seconds),
        median(each["peak"] for each in rounds),
        len(rounds),
        failed[0]["status"] if failed else OK,
        failed[0]["note"] if failed else "",
        {model: max(each["differences"].get(model, 0.0) for each in rounds) for model in models},
        tuple(rounds[0]["exact"]),
    )
