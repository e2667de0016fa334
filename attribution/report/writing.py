"""Writing: a run as a page or as pictures, with libraries that are loaded when somebody asks for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from attribution.errors import MissingExtraError, OutputError, ParameterError
from attribution.report.published import Published
from attribution.tables import check_target
from attribution.tables.files import placed

FORMATS = ("svg", "png")


def write_report(run: str | Path, out: str | Path, *, force: bool = False) -> bool:
    """Write the page of a run, the folder that a job has published; return whether the file changed.

    It is one file for any browser, without a server and without a request to any host. No customer is
    in it, and the same run gives the same bytes.

    Raises:
        TableError: the folder holds no run, or a table is not as it was written.
        OutputExistsError: the file is there with other content and ``force`` is not set.
        OutputError: it cannot be written, or what it takes is not installed.
    """
    out = Path(out)
    check_target(out, suffixes=(".html",))
    published = Published.read(run)
    with naming_the_extra():
        from attribution.report.material import Material
        from attribution.report.page import page_of

        text = page_of(Material.of(published))
    return write_bytes(out, text.encode(), force)


def write_charts(
    run: str | Path, folder: str | Path, form: Literal["svg", "png"] = "svg", *, force: bool = False
) -> list[Path]:
    """Write each chart of a run's page as a file of its own, without a browser; return the files.

    Raises:
        ParameterError: there is no such format.
        TableError: the folder holds no run, or a table is not as it was written.
        OutputExistsError: a file is there with other content and ``force`` is not set.
        OutputError: the folder cannot be written, or what it takes is not installed.
    """
    if form not in FORMATS:
        raise ParameterError.unknown("format", form, FORMATS)
    folder, published = Path(folder), Published.read(run)
    if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK) or folder.is_file():
        raise OutputError(f"{folder}: cannot be written to; name a folder that can")
    with naming_the_extra():
        from attribution.report.material import Material
        from attribution.report.pictures import pictures_of

        pictures = pictures_of(Material.of(published), form)
    folder.mkdir(exist_ok=True)
    for name, content in pictures.items():
        write_bytes(folder / name, content, force)
    return [folder / name for name in pictures]


def write_bytes(path: Path, content: bytes, force: bool) -> bool:
    """Write a file as a whole or not at all; return whether it changed."""

    def fill(temporary: Path) -> None:
        temporary.write_bytes(content)

    return placed(path, force, fill)


@contextmanager
def naming_the_extra() -> Iterator[None]:
    """Say which extra has a library that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(error.name, "a report", "report") from error
