"""Pictures: the charts of a run as files, drawn without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attribution.errors import OutputError, ParameterError
from attribution.report.material import Material
from attribution.report.parts import Figure
from attribution.report.published import Published
from attribution.report.sections import SECTIONS
from attribution.tables.files import placed

FORMATS = ("svg", "png")
SCALE = 2  # pixels of a PNG for each of the chart


def write_charts(
    run: str | Path, folder: str | Path, form: Literal["svg", "png"] = "svg", *, force: bool = False
) -> list[Path]:
    """Write each chart of a run's page as a file of its own; return the files.

    Raises:
        ParameterError: there is no such format.
        TableError: the folder holds no run, or a table is not as it was written.
        OutputExistsError: a file is there with other content and ``force`` is not set.
        OutputError: the folder cannot be written.
    """
    if form not in FORMATS:
        raise ParameterError.unknown("format", form, FORMATS)
    figures = list(figures_of(Material.of(Published.read(run))))
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: cannot be written to")
    files = [folder / f"{figure.key}.{form}" for figure in figures]
    for figure, file in zip(figures, files, strict=True):
        picture = drawn(figure, form)
        placed(file, force, lambda temporary, picture=picture: temporary.write_bytes(picture))  # type: ignore[misc]
    return files


def figures_of(material: Material) -> Iterator[Figure]:
    """Yield the charts of the page, in its order."""
    for make in SECTIONS:
        section = make(material)
        for part in section.shows if section is not None else ():
            if isinstance(part, Figure):
                yield part


def drawn(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Return a chart as the bytes of a file."""
    from io import BytesIO, StringIO

    if form == "svg":
        text = StringIO()
        figure.chart.save(text, format="svg")
        return text.getvalue().encode()
    file = BytesIO()
    figure.chart.save(file, format="png", scale_factor=SCALE)
    return file.getvalue()
