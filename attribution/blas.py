"""BLAS: the linear algebra library under one thread, since its last bits depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Run products and solves of numpy on one thread."""
    with controller().limit(limits=1, user_api="blas"):
        yield


@cache
def controller() -> Any:
    """Return what limits the library that numpy has loaded, looked for once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
