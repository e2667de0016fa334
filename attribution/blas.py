"""BLAS: the linear algebra library under one thread, since its last bits depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

INSIDE = ContextVar("INSIDE", default=False)  # to limit the library again would cost more than a small solve


@contextmanager
def one_thread() -> Iterator[None]:
    """Run products and solves of numpy on one thread."""
    if INSIDE.get():
        yield
        return
    token = INSIDE.set(True)
    try:
        with controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        INSIDE.reset(token)


@cache
def controller() -> Any:
    """Return what limits the library that numpy has loaded, looked for once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
