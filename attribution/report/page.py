"""Page: one offline HTML file of a run, which asks no host for anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib import resources
from typing import Any

from attribution.channels import TOTAL
from attribution.report.charts.canvas import words
from attribution.report.material import Material
from attribution.report.names import clean
from attribution.report.parts import Figure, Grid, Row, Sentence
from attribution.report.sections import sections_of


def page_of(material: Material) -> str:
    """Return the HTML of a run."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    sections = sections_of(material)
    specs = {
        part.key: spec_of(part) for section in sections for part in section.shows if isinstance(part, Figure)
    }
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("attribution.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters |= {"words": words, "models": models_of, "is_text": is_text}
    style, script, bundle = template("page.css"), template("page.js"), vega()
    return environment.get_template("page.html").render(
        title=f"Attribution: {clean(material.run.manifest.content['job'])}",
        run_id=material.run.run_id,
        sections=sections,
        specs=specs,
        choices=choices_of(material, specs.values()),
        policy=policy_of([style], [bundle, script]),
        style=Markup(style),
        script=Markup(script),
        bundle=Markup(bundle),
    )


def template(name: str) -> str:
    """Return a file that stands beside the templates."""
    return (resources.files("attribution.report") / "templates" / name).read_text(encoding="utf-8")


def vega() -> str:
    """Return the scripts that draw the charts, in one piece."""
    from altair import SCHEMA_VERSION
    from vl_convert import javascript_bundle

    version = ".".join(SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    script = javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return script.replace("</script", "<\\/script")


def policy_of(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Return what a browser lets the page do: run these scripts and styles, and nothing from anywhere.

    >>> policy_of([], [])
    "default-src 'none'; script-src 'none'; style-src 'none'; base-uri 'none'; form-action 'none'"
    """
    hashed = [
        " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts)
        or "'none'"
        for texts in (scripts, styles)
    ]
    rules = ("base-uri 'none'", "form-action 'none'")
    return "; ".join(["default-src 'none'", f"script-src {hashed[0]}", f"style-src {hashed[1]}", *rules])


def models_of(parts: Iterable[Row | Sentence]) -> list[str]:
    """Return the models that rows or sentences belong to.

    >>> models_of([Sentence(("a",), "linear"), Sentence(("b",))])
    ['linear']
    """
    return list(dict.fromkeys(part.model for part in parts if part.model))


def is_text(grid: Grid, column: str) -> bool:
    """Return whether a column of a grid holds words."""
    place = grid.columns.index(column)
    return any(isinstance(row.cells[place].value, str) for row in grid.rows)


def spec_of(figure: Figure) -> dict[str, Any]:
    """Return the chart of a figure as the page draws it: as wide as its place, its choices the page's."""
    spec: dict[str, Any] = figure.chart.to_dict()
    params = spec.get("params", [])
    choices = {each["name"]: each.pop("bind")["options"] for each in params if "bind" in each}
    for key in ("title", "$schema"):
        spec.pop(key, None)
    return spec | {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "description": figure.alt,
        "usermeta": {"choices": choices},
    }


def choices_of(material: Material, specs: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str], str]]:
    """Return what the reader of the page chooses, from what, and what is chosen first."""
    offered: dict[str, dict[str, None]] = {"model": dict.fromkeys(material.models)}
    for spec in specs:
        for name, options in spec["usermeta"]["choices"].items():
            offered.setdefault(name, {}).update(dict.fromkeys(options))
    first: Mapping[str, str] = {"model": material.model, "channel": TOTAL}
    return [
        (name, list(options), first.get(name, next(iter(options))))
        for name, options in offered.items()
        if len(options) > 1
    ]
