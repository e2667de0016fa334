"""Pictures: the charts of a run as the bytes of files, drawn without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Literal

from attribution.report.material import Material
from attribution.report.parts import Figure
from attribution.report.sections import SECTIONS

SCALE = 2  # pixels of a PNG for each of the chart


def pictures_of(material: Material, form: Literal["svg", "png"]) -> dict[str, bytes]:
    """Return each chart of the page as a file, by name."""
    import vl_convert  # noqa: F401  # altair draws with it, and says nothing of an extra where it is not there

    return {f"{figure.key}.{form}": drawn(figure, form) for figure in figures_of(material)}


def figures_of(material: Material) -> Iterator[Figure]:
    """Yield the charts of the page, in its order."""
    for make in SECTIONS:
        section = make(material)
        for part in section.shows if section is not None else ():
            if isinstance(part, Figure):
                yield part


def drawn(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Return a chart as the bytes of a file."""
    if form == "svg":
        text = StringIO()
        figure.chart.save(text, format="svg")
        return text.getvalue().encode()
    file = BytesIO()
    figure.chart.save(file, format="png", scale_factor=SCALE)
    return file.getvalue()
