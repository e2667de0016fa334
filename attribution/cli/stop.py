"""Stop: a signal ends a run at once, whatever it is doing, and leaves nothing half-made."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread, current_thread, main_thread

STOPPED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(clean: Callable[[], None]) -> Iterator[None]:
    """Call ``clean`` on SIGINT or SIGTERM and leave with 130, without waiting for what computes.

    The signal is seen by a thread of its own: a long step in compiled code never sees it.
    """
    if current_thread() is not main_thread():  # only the main one is told of signals
        yield
        return
    watched, written = os.pipe()
    os.set_blocking(written, False)
    stopped = Event()

    def watch() -> None:
        signalled = os.read(watched, 1)
        os.close(watched)
        if signalled:
            stopped.set()
            clean()
            print("error: stopped; what was there is as it was", file=sys.stderr, flush=True)
            os._exit(STOPPED)

    Thread(target=watch, daemon=True).start()
    before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    handlers = {each: signal.signal(each, lambda *_: None) for each in SIGNALS}
    try:
        yield
    finally:
        if stopped.is_set():
            Event().wait()  # the process is about to end; nothing may speak of what was cleared away
        signal.set_wakeup_fd(before)
        for each, handler in handlers.items():
            signal.signal(each, handler)
        os.close(written)
