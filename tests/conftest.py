"""How the tests run: how many examples the random ones try, and where real data may lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The fast profile draws the same examples in every run: what is red stays red; the nightly one looks further.
# How long a draw takes says how busy the machine is, and nothing about the code.
CALM = [HealthCheck.too_slow]
settings.register_profile(
    "fast", max_examples=100, deadline=None, derandomize=True, suppress_health_check=CALM
)
settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, print_blob=True, suppress_health_check=CALM
)
settings.load_profile(os.environ.get("ATTRIBUTION_PROFILE", "fast"))

# In the names of tests that share what is dear: a session of Java, or the run that a page is made of.
SHARED = ("spark", "test_report")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what deals out the tests: one by one, but those that share something to one process.

    The mark xdist_group, which is for this, is not heeded with pytest 9.2 (pytest-xdist, issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneSession(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for name in SHARED if name in nodeid), nodeid)

    return OneSession(config, log) if config.getoption("dist") == "load" else None


BESIDE = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class RealData:
    """The folder of public data sets, which are no part of the project."""

    folder: Path = Path(os.environ.get("ATTRIBUTION_DATA", BESIDE))

    def need(self, path: str) -> Path:
        """Return the path of a file or folder in it; skip the test where it is not there."""
        if not (self.folder / path).exists():
            pytest.skip(f"{path} is not there: set ATTRIBUTION_DATA to the folder of the public data")
        return self.folder / path


@pytest.fixture(scope="session")
def data() -> RealData:
    """Return the folder of real data; ``data.need("pathdata/paths.csv")`` gives a path or skips."""
    return RealData()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run the tests: one more than there are cores, since many tests wait."""
    return 1 + (os.cpu_count() or 1)
