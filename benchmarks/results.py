"""Results: every goal with its figure, then all medians, for the terminal and as benchmarks/RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.comparing import TOLERANCE
from benchmarks.figures import UnmeasuredError
from benchmarks.goals import GOALS, Goal
from benchmarks.measurements import Measured, Summary
from benchmarks.processes import OK
from benchmarks.trials import PROCESS, Trial

GOAL_COLUMNS = ("measure", "goal", "figure", "")
ENTRY_COLUMNS = ("entry", "timed", "median", "least to most", "rounds", "peak", "credits")
OPENING = """# Results of `python -m benchmarks`

Whole processes that take turns on the same Parquet files, medians over the rounds, our kernels compiled
before. Only ratios within one trial carry over to another machine. Peak is the memory of that very process.
Credits are compared with ours by the largest relative difference of any channel: exact is up to 1e-9.
"""


def page(measured: Mapping[str, Measured], trials: Sequence[Trial]) -> str:
    """Return RESULTS.md."""
    return "\n".join(
        [OPENING, *goal_part(measured), *(line for t in trials for line in trial_part(t, measured))]
    )


def goal_part(measured: Mapping[str, Measured]) -> Iterator[str]:
    """Yield the table of goals."""
    yield "## Goals\n"
    yield from markdown(GOAL_COLUMNS, goal_rows(measured))


def goal_rows(measured: Mapping[str, Measured], goals: Sequence[Goal] = GOALS) -> list[tuple[str, ...]]:
    """Return measure, goal, figure and verdict."""
    rows = []
    for goal in goals:
        try:
            value = goal.value(measured)
        except UnmeasuredError as reason:
            rows.append((goal.measure, goal.bound(), "-", str(reason)))
        else:
            rows.append((goal.measure, goal.bound(), f"{value:.3g}{goal.spaced}", goal.verdict(value)))
    return rows


def trial_part(trial: Trial, measured: Mapping[str, Measured]) -> Iterator[str]:
    """Yield one trial: what was run where, and its table."""
    if trial.name not in measured:
        return
    run = measured[trial.name].run
    yield f"## {trial.name}\n"
    yield f"`{run['command']}`, {run['date'][:10]}; " + ", ".join(run["machine"].values()) + "\n"
    yield ", ".join(f"{name} {version}" for name, version in run["versions"].items()) + "\n"
    yield from markdown(ENTRY_COLUMNS, entry_rows(trial, measured[trial.name]))


def entry_rows(trial: Trial, measured: Measured) -> list[tuple[str, ...]]:
    """Return one row an entry that was run."""
    timed = {entry.name: entry.timed for entry in trial.entries}
    return [
        (name, "" if timed[name] == PROCESS else timed[name], *cells(each))
        for name, each in measured.entries.items()
    ]


def cells(each: Summary) -> tuple[str, ...]:
    """Return times, rounds, memory and agreement as texts."""
    if each.status != OK:
        told = f"{each.status}: {each.note}" if each.note else each.status
        return ("-", "-", str(each.rounds), "-", told)
    spread = f"{each.least:.3g} to {each.most:.3g} s"
    return (f"{each.seconds:.3g} s", spread, str(each.rounds), size(each.peak), agreement(each))


def agreement(each: Summary) -> str:
    """Return how far the credits lie from ours."""
    equal = [each.differences[model] for model in each.exact if model in each.differences]
    parts = []
    if equal:
        told = "equal" if max(equal) == 0 else f"exact ({max(equal):.0e})"
        parts = [told if max(equal) <= TOLERANCE else f"DIFFERS ({max(equal):.1e})"]
    parts += [f"{m} {d:.2g} off" for m, d in each.differences.items() if m not in each.exact]
    return ", ".join(parts)


def size(octets: float) -> str:
    """Return a size of memory."""
    return f"{octets / 2**30:.2f} GiB" if octets >= 2**30 else f"{octets / 2**20:.0f} MiB"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, and an empty one."""
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"
    yield ""
