"""The one decorator of the compiled loops: numba with our flags, cached on disk, compiled at first use.

numba is imported by the first call and not by ``import attribution``. With the environment
variable ``ATTRIBUTION_PLAIN=1`` every kernel runs as the plain Python it is written in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any, Generic, ParamSpec, TypeVar, cast

import numpy as np

STARTING = Lock()
P = ParamSpec("P")
R = TypeVar("R")


class Kernel(Generic[P, R]):
    """A function over arrays and scalars that is compiled when it is first called."""

    def __init__(self, plain: Callable[P, R]) -> None:
        self.plain = cast(FunctionType, plain)
        self.__doc__ = plain.__doc__
        self.__name__ = plain.__name__
        self.__wrapped__ = plain
        self._compiled: Callable[P, R] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the kernel."""
        return (self._compiled or self.compiled())(*args, **kwargs)

    def compiled(self) -> Callable[P, R]:
        """Return the numba dispatcher (or the plain function), made once."""
        if self._compiled is None:
            self._compiled = self._compile()
        return self._compiled

    def _compile(self) -> Callable[P, R]:
        # Kernels called by this one are put into its globals compiled: numba knows no wrapper.
        inner = {
            name: value.compiled()
            for name in self.plain.__code__.co_names
            if isinstance(value := self.plain.__globals__.get(name), Kernel)
        }
        scope = {**self.plain.__globals__, **inner}
        function = FunctionType(self.plain.__code__, scope, self.__name__, self.plain.__defaults__)
        function.__module__, function.__qualname__ = self.plain.__module__, self.__name__
        if os.environ.get("ATTRIBUTION_PLAIN") == "1":
            return cast(Callable[P, R], wrapping(function))
        from numba import njit

        with STARTING:  # a thread that came second would find numba half loaded
            start()
        try:
            compiled: Any = mending(njit(cache=True, nogil=True, error_model="numpy")(function))
        except RuntimeError:  # no folder for the cache can be written: compile in every process
            compiled = njit(nogil=True, error_model="numpy")(function)
        return cast(Callable[P, R], compiled)


@cache
def start() -> None:
    """Load what numba needs for its first function, but for scipy's linear algebra: a quarter of a second.

    numba only asks whether it is there, which it is; no kernel needs it, and whoever does imports it then.
    """
    from numba.core.registry import cpu_target

    asked = "scipy.linalg.cython_blas"
    absent = asked not in sys.modules
    if absent:
        sys.modules[asked] = ModuleType(asked)
    try:
        cpu_target.target_context.refresh()
    finally:
        if absent:
            del sys.modules[asked]


def mending(compiled: Any) -> Any:
    """Return the dispatcher, which compiles anew what it finds damaged in its cache."""
    cache = compiled._cache
    load, save = cache.load_overload, cache.save_overload

    def loaded(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except Exception:  # whatever unpickling torn bytes raises
            with suppress(OSError):
                cache.flush()
            return None

    def saved(*arguments: Any) -> None:
        with suppress(Exception):  # a cache that cannot be written costs time, never a result
            save(*arguments)

    cache.load_overload, cache.save_overload = loaded, saved
    return compiled


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the plain function in which integers overflow as silently as they do when compiled."""

    def quiet(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return quiet


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Mark a function as a kernel: arrays and scalars in, arrays and scalars out, no function among them."""
    return Kernel(function)


def on_first_compilation(tell: Callable[[], None]) -> None:
    """Call ``tell`` once, when a kernel has to be compiled because the cache does not hold it."""
    from numba.core import event

    class Told(event.Listener):
        done = False

        def on_start(self, _: object) -> None:
            if not self.done:
                self.done = True
                tell()

        def on_end(self, _: object) -> None:
            """Nothing to do: the line has been printed."""

    event.register("numba:compile", Told())  # type: ignore[no-untyped-call]
