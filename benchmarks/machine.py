"""The machine and the versions that a measurement belongs to."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "attribution-engine",
    "numpy",
    "numba",
    "polars",
    "pyarrow",
    "scipy",
    "pandas",
    "duckdb",
    "ChannelAttribution",
    "marketing-attribution-models",
    "pyspark",
)


def describe() -> dict[str, str]:
    """Return the processor, its cores, the memory and the system, in words."""
    return {
        "processor": processor(),
        "cores": f"{os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": platform.system(),
    }


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    told = Path("/proc/cpuinfo")
    names = [line for line in told.read_text().splitlines() if "model name" in line] if told.exists() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the version of Python and of every package that takes part."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
