"""Processes: one entry as a whole process of its own, with its time, its peak memory and its answer."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import ROOT
from benchmarks.trials import PROCESS, Entry

OK, TIMEOUT, FAILED, ABSENT = "ok", "timeout", "failed", "not installed"
MAXRSS = 1 if sys.platform == "darwin" else 1024  # bytes


@dataclass(frozen=True)
class Outcome:
    """What became of one process."""

    status: str
    seconds: float = 0.0  # of the part that is timed
    wall: float = 0.0
    peak: int = 0  # bytes
    note: str = ""
    credits: dict[str, dict[str, float]] = field(default_factory=dict)


def run(entry: Entry, files: tuple[Path, ...]) -> Outcome:
    """Run the entry once; whatever happens to it is told and no error."""
    if not entry.command and not installed(entry.contender):
        return Outcome(ABSENT)
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer.json"
        task: dict[str, Any] = {
            "contender": entry.contender,
            "files": [str(path) for path in files],
            "options": dict(entry.options),
            "timed": entry.timed,
            "answer": str(answer),
        }
        arguments = entry.command or ("-m", "benchmarks.contending", json.dumps(task))
        environment = dict(os.environ, NUMBA_CACHE_DIR=scratch) if entry.cold else None
        with (Path(scratch) / "errors").open("w+b") as errors:
            status, wall, peak = watch([sys.executable, *arguments], environment, errors, entry.seconds)
            if status != OK:
                errors.seek(0)
                lines = errors.read().decode(errors="replace").strip().splitlines()
                return Outcome(status, wall, wall, peak, lines[-1][:200] if lines else "")
        if entry.command:
            return Outcome(OK, wall, wall, peak)
        found = json.loads(answer.read_text(encoding="utf-8"))
        seconds = wall if entry.timed == PROCESS else found["seconds"]
        return Outcome(OK, seconds, wall, peak, credits=found["credits"])


def watch(command: list[str], environment: Any, errors: Any, seconds: float) -> tuple[str, float, int]:
    """Return how a process ended, its seconds and the peak of its own memory in bytes."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors, stdin=subprocess.DEVNULL
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        _, ended, usage = os.wait4(process.pid, 0)  # the usage of this very child, and not of all there were
    except BaseException:
        process.kill()
        raise
    finally:
        taken = time.perf_counter() - begun
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(ended)
    status = TIMEOUT if late.is_set() else OK if process.returncode == 0 else FAILED
    return status, taken, usage.ru_maxrss * MAXRSS


def installed(contender: str) -> bool:
    """Return whether the contender's library is there."""
    module = importlib.import_module(f"benchmarks.contenders.{contender}")
    return importlib.util.find_spec(module.REQUIRES) is not None


def exact(contender: str) -> tuple[str, ...]:
    """Return the models in which the contender defines what we define."""
    return tuple(importlib.import_module(f"benchmarks.contenders.{contender}").EXACT)
