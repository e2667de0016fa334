"""Contending: the process of one contender on one case; it imports what the contender needs, no more."""

import importlib
import json
import sys
import time
from pathlib import Path


def contend(task: dict) -> dict:
    """Return the credits, and how long the timed part took where a part is timed."""
    contender = importlib.import_module(f"benchmarks.contenders.{task['contender']}")
    files, options, timed = [Path(path) for path in task["files"]], task["options"], task["timed"]
    if timed.endswith("share"):
        prepared = contender.prepare(*files)
        call = lambda: contender.share(prepared, **options)  # noqa: E731
    else:
        call = lambda: contender.credits(*files, **options)  # noqa: E731
    if timed.startswith("second"):
        call()
    begun = time.perf_counter()
    credits = call()
    return {"credits": credits, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    Path(task["answer"]).write_text(json.dumps(contend(task)), encoding="utf-8")
