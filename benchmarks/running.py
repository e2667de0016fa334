"""Running: the entries of a trial take turns, round by round, and every answer is compared with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.comparing import Shares, differences
from benchmarks.processes import OK, Outcome, exact, run
from benchmarks.trials import PROCESS, Entry, Trial

TINY = 1_000  # journeys of the runs that warm the cache of kernels
BLOCK = 1 << 24  # bytes


def run_trial(
    trial: Trial, data: Path, most: int | None = None, tell: Callable[[str], None] = lambda _: None
) -> Iterator[dict[str, Any]]:
    """Yield one measurement a process; no entry has more than ``most`` rounds."""
    files = {case: case.files(data) for case in dict.fromkeys(e.case for e in trial.entries) if case}
    tell("warming up")
    for entry in warming(trial):
        run(entry, entry.case.files(data) if entry.case else ())
    for path in (path for paths in files.values() for path in paths):
        read_through(path)
    ours = references(trial, files)
    failed = set()
    for turn in range(max(entry.rounds for entry in trial.entries)):
        for entry in trial.entries:
            if turn >= min(entry.rounds, most or entry.rounds) or entry.name in failed:
                continue
            tell(entry.name)
            outcome = run(entry, files[entry.case] if entry.case else ())
            if entry.case and entry.contender == "ours" and outcome.status == OK:
                ours.setdefault(entry.case, outcome.credits)
            if outcome.status != OK:
                failed.add(entry.name)  # a timeout takes its time once
            yield measurement(trial, entry, outcome, ours.get(entry.case) if entry.case else None)


def warming(trial: Trial) -> list[Entry]:
    """Return every way in which ours is run, on a tiny case: each meets its kernels compiled."""
    warm: list[Entry] = []
    for entry in trial.entries:
        if entry.case and entry.contender == "ours":
            tiny = Case(TINY, channels=entry.case.channels, ids=entry.case.ids)
            each = replace(entry, name="", case=tiny, timed=PROCESS, cold=False, rounds=1)
            warm += [each] * (each not in warm)
    return warm


def references(trial: Trial, files: dict[Case, tuple[Path, Path]]) -> dict[Case, Shares]:
    """Return our credits on every case that others are compared on, by all the models that they have."""
    found: dict[Case, Shares] = {}
    for case, paths in files.items():
        if any(e.case == case and exact(e.contender) and e.contender != "ours" for e in trial.entries):
            outcome = run(Entry("reference", case, options={"models": list(trial.models)}), paths)
            if outcome.status == OK:
                found[case] = outcome.credits
    return found


def measurement(trial: Trial, entry: Entry, outcome: Outcome, ours: Shares | None) -> dict[str, Any]:
    """Return what is kept of one process."""
    kept = {name: value for name, value in asdict(outcome).items() if name != "credits"}
    return {
        "trial": trial.name,
        "entry": entry.name,
        "case": entry.case.name if entry.case else "",
        "timed": entry.timed,
        **kept,
        "differences": differences(ours, outcome.credits) if ours else {},
        "exact": [] if entry.command else [*exact(entry.contender)],
    }


def read_through(path: Path) -> None:
    """Read a file once, so that no contender pays for the disk."""
    with path.open("rb") as file:
        while file.read(BLOCK):
            pass
