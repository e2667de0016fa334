"""The folder of results: locked, filled beside itself, and replaced in one step or not at all."""

from __future__ import annotations

import ctypes
import fnmatch
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from attribution.errors import OutputError, OutputExistsError, shown
from attribution.manifest import NAME, PAGE, TIMING, Manifest
from attribution.tables import PUBLISHING
from attribution.tables.unfinished import remove

HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


@dataclass(frozen=True)
class Folder:
    """A folder of results that belongs to one job as a whole."""

    path: Path

    @property
    def staging(self) -> Path:
        """Where the next results are made."""
        return self.path.with_name(f".{self.path.name}.attribution-partial")

    @property
    def previous(self) -> Path:
        """Where the results are for the moment of their replacement, where it takes two steps."""
        return self.path.with_name(f".{self.path.name}.attribution-previous")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against every other run, and clear away what a killed one has left.

        Raises:
            OutputError: another run holds it, or its place cannot be written to.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=0)
        try:
            if self.path.exists() and not self.path.is_dir():
                raise NotADirectoryError(20, "a file is in the place of the folder")
            if not self.path.name or self.path.is_mount():
                raise OSError(16, "it is a disk of its own and cannot be replaced: name a folder in it")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(self.path.parent, os.W_OK):
                raise PermissionError(13, "Permission denied")
            lock.acquire()
        except Timeout:
            raise OutputError(
                f"{self.path}: another run is writing these results; wait for it, or give each job a folder"
            ) from None
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        with lock:
            self.recover()
            if self.staging.exists():
                raise OutputError(f"{self.staging}: half-made results cannot be removed; remove them by hand")
            yield

    def recover(self) -> None:
        """Put back results that a kill caught between two steps, and remove half-made ones."""
        if self.previous.exists() and not self.path.exists():
            self.previous.rename(self.path)
        self.discard()

    def discard(self) -> None:
        """Remove results that were not published."""
        for leftover in (self.staging, self.previous):
            remove(leftover)

    def check_replaceable(
        self, old: Manifest | None, job: str, files: Iterable[str], inputs: Iterable[Path], force: bool
    ) -> None:
        """Raise OutputExistsError where the folder holds what is not this job's to replace."""
        if not self.path.exists():
            return
        read = sorted(path.name for path in inputs if self.path in path.resolve().parents)
        if read:
            raise OutputExistsError(
                f"{self.path} holds inputs of the job: {', '.join(map(shown, read[:5]))}; "
                "read them from elsewhere, or choose another folder"
            )
        known = {NAME, TIMING, PAGE, *(files if old is None else old.content["outputs"])}
        names = {path.name for path in self.path.iterdir()}
        killed = fnmatch.filter(names, f".{PAGE}-*.part")  # pages that were never finished
        foreign = sorted(names - known - {*killed})
        if foreign:
            raise OutputExistsError(
                f"{self.path} holds files that no run of this job wrote: "
                f"{', '.join(map(shown, foreign[:5]))}; move them away, or choose another folder"
            )
        if old is not None and old.content["job"] != job and not force:
            raise OutputExistsError(
                f"{self.path} holds the results of another job, {shown(old.content['job'])}; "
                "choose another folder, or pass --force to replace them"
            )
        if old is None and any(self.path.iterdir()) and not force:
            raise OutputExistsError(
                f"{self.path} holds files without a manifest; pass --force to replace them"
            )

    def publish(self) -> None:
        """Put the staged results in the place of the old ones: a reader sees all of these or all of those."""
        for path in (*self.staging.iterdir(), self.staging):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        with PUBLISHING:
            if not self.path.exists():
                self.staging.rename(self.path)
            else:
                shutil.copymode(self.path, self.staging)
                if not exchanged(self.staging, self.path):
                    self.path.rename(self.previous)
                    self.staging.rename(self.path)
            self.discard()


def exchanged(left: Path, right: Path) -> bool:
    """Swap two folders in one step, where the system can; return whether it did."""
    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    return swap is not None and swap(HERE, os.fsencode(left), HERE, os.fsencode(right), EXCHANGE) == 0
