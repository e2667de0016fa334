"""Pictures: the charts of a run as the bytes of files, drawn without a browser."""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import Literal

from attribution.report.material import Material
from attribution.report.parts import Figure
from attribution.report.sections import sections_of

SCALE = 2  # pixels of a PNG for each of the chart


def pictures_of(material: Material, form: Literal["svg", "png"]) -> dict[str, bytes]:
    """Return each chart of the page as a file, by name."""
    import vl_convert  # noqa: F401  # altair draws with it, and says nothing of an extra where it is not there

    shown = [part for section in sections_of(material) for part in section.shows]
    return {f"{part.key}.{form}": drawn(part, form) for part in shown if isinstance(part, Figure)}


def drawn(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Return a chart as the bytes of a file."""
    if form == "svg":
        text = StringIO()
        figure.chart.save(text, format="svg")
        return text.getvalue().encode()
    file = BytesIO()
    figure.chart.save(file, format="png", scale_factor=SCALE)
    return file.getvalue()
