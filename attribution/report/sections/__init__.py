"""Sections: those of the page, in their order; one that has nothing to show is left out."""

from __future__ import annotations

from collections.abc import Callable

from attribution.report.material import Material
from attribution.report.parts import Section
from attribution.report.sections.channels import channels, win_rates
from attribution.report.sections.journeys import paths, transitions
from attribution.report.sections.loop import funnel, value
from attribution.report.sections.method import method, provenance
from attribution.report.sections.models import models, roles
from attribution.report.sections.plan import plan
from attribution.report.sections.quality import quality
from attribution.report.sections.summary import summary
from attribution.report.sections.trends import trends

SECTIONS: tuple[Callable[[Material], Section | None], ...] = (
    summary,
    models,
    channels,
    win_rates,
    funnel,
    value,
    paths,
    transitions,
    roles,
    trends,
    plan,
    quality,
    method,
    provenance,
)


def sections_of(material: Material) -> list[Section]:
    """Return the sections of a run that have something to show."""
    return [section for make in SECTIONS if (section := make(material)) is not None]
