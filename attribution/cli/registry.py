"""The verbs models and kpis: the registries, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from attribution.cli.show import show_text
from attribution.kpis import KPIS, Kpi
from attribution.models import MODELS, sentence_of
from attribution.parameters import parameters

Markdown: TypeAlias = Annotated[bool, Parameter(help="Print a Markdown table.", negative="")]


def models(*, markdown: Markdown = False) -> None:
    """List the models with their parameters, defaults and allowed values."""
    rows = []
    for name, model in MODELS.items():
        declared = [f"{key}={p.default!r}: {p.meaning} ({p.allowed})" for key, p in parameters(model).items()]
        rows.append((name, f"at.{model.__name__}", sentence_of(model), "; ".join(declared) or "none"))
    show("models", ("model", "class", "what it does", "parameters"), rows, markdown)


def kpis(*, markdown: Markdown = False) -> None:
    """List the KPIs with their formulas, units and cost basis; in Markdown with everything."""
    short = ("name", "formula", "unit", "better", "cost_basis", "verb")
    told = [field.name for field in fields(Kpi) if field.name not in ("by_journey", "minus", "per")]
    names = told if markdown else short
    rows = [tuple(getattr(kpi, name) for name in names) for kpi in KPIS]
    show("KPIs", [name.replace("_", " ") for name in names], rows, markdown)


def show(title: str, names: Sequence[str], rows: Sequence[tuple[str, ...]], markdown: bool) -> None:
    """Print the registry as Markdown, or as a table."""
    if not markdown:
        show_text(title, names, rows)
        return
    for row in (names, ["---"] * len(names), *rows):
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
