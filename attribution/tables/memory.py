"""Memory: what reading and stitching a file takes, held against what there is, before anything is read."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from attribution.errors import ParameterError, TableError

# Measured with 4 million touchpoints: bytes taken for each of a text file, or of an unpacked Parquet file.
PER_BYTE = {"text": 6, "parquet": 10}
AT_LEAST = 300 << 20  # kernels and the tables that come out
RESERVED, RESERVED_BY_CORE = 2 << 30, 128 << 20  # address space that threads and libraries take unused
MEGABYTE = 1 << 20
UNITS = {"": 1, **{f"{sign}{end}": 1000**n if end == "b" else 1024**n
                   for n, sign in enumerate("kmgt", start=1) for end in ("b", "ib")}}  # fmt: skip
LIMIT: ContextVar[int | None] = ContextVar("LIMIT", default=None)


@contextmanager
def limited_to(limit: str | int | None) -> Iterator[None]:
    """Let the process take no more memory than a limit, as far as is told before it is taken.

    Raises:
        ParameterError: the limit is no size.
    """
    token = LIMIT.set(None if limit is None else size_of(limit))
    try:
        yield
    finally:
        LIMIT.reset(token)


def size_of(limit: str | int) -> int:
    """Return a size in bytes.

    Raises:
        ParameterError: it is none.

    >>> size_of("2GB"), size_of("1.5 GiB"), size_of(300_000_000)
    (2000000000, 1610612736, 300000000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?b)?", str(limit).strip().lower(), re.ASCII)
    size = int(float(found[1]) * UNITS[found[2] or ""]) if found else 0
    if size < 1:
        raise ParameterError.out_of_range("memory_limit", limit, "a size such as 2GB, 500MB or 1.5GiB")
    return size


def check_memory(where: str, size: int, kind: str) -> None:
    """Raise TableError, with the estimate, if a file of so many unpacked bytes would not fit.

    A decoder that gets no memory ends the process without a word, so it is asked for before.
    """
    needed = AT_LEAST + PER_BYTE[kind] * size
    free, limit = available()
    if free < needed:
        raise TableError.of(
            where,
            f"needs about {needed // MEGABYTE:,} MB of memory, "
            f"{max(0, free) // MEGABYTE:,} MB are free ({limit})",
            "a table that fits into memory",
            "raise the limit, take a machine with more memory, or split the tables by customer and add up",
        )


def available() -> tuple[int, str]:
    """Return the bytes that this process may still take, and what limits them."""
    found = [(1 << 62, "no limit")]
    if (limit := LIMIT.get()) is not None:
        found.append((limit - numbers("/proc/self/status").get("VmRSS", 0), "memory_limit"))
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        reserved = RESERVED + RESERVED_BY_CORE * (os.cpu_count() or 1)
        taken = max(reserved, numbers("/proc/self/status").get("VmSize", 0))
        found.append((soft - taken, "ulimit -v"))
    if "MemAvailable" in numbers("/proc/meminfo"):
        found.append((numbers("/proc/meminfo")["MemAvailable"], "memory of the machine"))
    most, used = (number(Path("/sys/fs/cgroup") / f"memory.{name}") for name in ("max", "current"))
    if most is not None and used is not None:
        found.append((most - used, "memory limit of the container"))
    return min(found)


def numbers(path: str) -> dict[str, int]:
    """Return the sizes that a file of the kernel tells, in bytes; none where there is no such file."""
    if not Path(path).exists():
        return {}
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) << 10 for words in lines if words[2:] == ["kB"]}


def number(path: Path) -> int | None:
    """Return the number that a file of the kernel holds, None for "max" or where there is none."""
    text = path.read_text().strip() if path.is_file() else ""
    return int(text) if text.isdecimal() else None
