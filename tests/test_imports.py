"""Importing the package loads no heavy library, says nothing, writes nothing, compiles and asks nobody."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "altair", "cyclopts", "duckdb", "matplotlib", "narwhals", "networkx", "numba", "pandas", "plotly",
    "pyarrow", "pyspark", "rich", "scipy",
}  # fmt: skip
WATCHED = """
import json, os, sys
seen = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and path != os.devnull:
            seen.append(f"{event} {path!r}")
    elif event.startswith("socket.") or event in ("subprocess.Popen", "os.system", "os.mkdir", "os.remove"):
        seen.append(event)

sys.addaudithook(watch)
exec(sys.argv[1])
sys.stderr.write(json.dumps({"seen": seen, "modules": [*sys.modules]}))
"""


def watched(code: str) -> dict[str, list[str]]:
    """Run code in a fresh interpreter; return what it did; it must not print."""
    ran = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCHED, code], capture_output=True, text=True, check=True
    )
    assert not ran.stdout
    told: dict[str, list[str]] = json.loads(ran.stderr)
    return told


@pytest.fixture(scope="module")
def importing() -> dict[str, list[str]]:
    """Return what importing the package does."""
    return watched("import attribution")


def test_importing_loads_no_heavy_library(importing: dict[str, list[str]]) -> None:
    assert not HEAVY & {name.partition(".")[0] for name in importing["modules"]}
    assert "attribution.models.markov" in importing["modules"]


def test_importing_writes_no_file_and_opens_no_socket(importing: dict[str, list[str]]) -> None:
    assert not importing["seen"]


def test_attributing_loads_no_library_that_it_does_not_need() -> None:
    told = watched(
        "import attribution as at, polars as pl\n"
        "paths = at.from_paths(pl.DataFrame({'path': ['a > b', 'b'], 'conversions': [1, 2]}))\n"
        "at.measure(at.attribute(paths), pl.DataFrame({'channel': ['a'], 'spend': [1.0]})).table()"
    )
    loaded = {name.partition(".")[0] for name in told["modules"]}
    assert not (HEAVY - {"numba", "scipy"}) & loaded
    assert not [event for event in told["seen"] if event.startswith("socket.")]


def test_the_public_names_are_there_and_no_others_are_promised() -> None:
    told = watched(
        "import attribution as at\n"
        "assert len(at.__all__) == len(set(at.__all__))\n"
        "assert all(hasattr(at, name) for name in at.__all__)\n"
        "assert {'stitch', 'attribute', 'measure', 'from_paths', 'split_events'} <= {*at.__all__}"
    )
    assert told["modules"]
