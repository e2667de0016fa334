"""Method: the models and KPIs of the page as they are defined, and what the run was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attribution.kpis import KPIS
from attribution.models import MODELS, sentence_of
from attribution.report.material import Material
from attribution.report.names import clean
from attribution.report.parts import Cell, Grid, Row, Section, Sentence

LONGEST = 300  # signs of a definition


def method(material: Material) -> Section:
    """Return how models share outcomes, and what KPIs are."""
    names = {model.__name__: model for model in MODELS.values()}
    models = []
    for name, told in material.run.manifest.content["models"].items():
        parameters = ", ".join(f"{key} {value}" for key, value in told.items() if key != "model")
        does = sentence_of(names[told["model"]])
        models.append(Row(name, (Cell("what", does), Cell("parameters", clean(parameters, LONGEST)))))
    kpis = material.kpis
    columns = set() if kpis is None else set(kpis.columns)
    entries = tuple(
        Row(
            kpi.name,
            tuple(Cell(key, getattr(kpi, key)) for key in ("formula", "unit", "cost_basis", "aggregation")),
        )
        for kpi in KPIS
        if kpi.name in columns
    )
    shows = [Grid("models", "Models", "manifest.json", "model", ("what", "parameters"), tuple(models))]
    if entries:
        keys = ("formula", "unit", "cost_basis", "aggregation")
        shows.append(Grid("definitions", "KPIs", material.file("kpis"), "kpi", keys, entries, folded=True))
    said = "All outcomes of a lead share the weights of its journey, so a win rate lies between 0 and 1."
    return Section("method", "Method and definitions", (Sentence((said,)),), tuple(shows))


def provenance(material: Material) -> Section:
    """Return what the run read, how, and what it wrote."""
    content = material.run.manifest.content
    rows = [("run", content["run_id"]), ("job", content["job"]), ("package", content["version"])]
    rows += [(name, str(version)) for name, version in content["versions"].items()]
    rows += [(f"input {name}", clean(told, LONGEST)) for name, told in inputs(content["inputs"])]
    rows += [
        (f"output {name}", f"{told['rows']:,} rows, sha256 {told['sha256']}")
        for name, told in content["outputs"].items()
    ]
    given = {key: value for key, value in content["config"].items() if value not in (None, [], {})}
    rows.append(("job file", clean(json.dumps(given, ensure_ascii=False), 6000)))
    grid = Grid(
        "manifest",
        "Manifest",
        "manifest.json",
        "what",
        ("value",),
        tuple(Row(name, (Cell("value", text),)) for name, text in rows),
        folded=True,
    )
    said = f"Run {content['run_id']}: the same inputs and the same job give the same numbers, to the bit."
    return Section("manifest", "Manifest", (Sentence((said,)),), (grid,))


def inputs(given: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
    """Yield each input with its files and their checksums."""
    for name, told in given.items():
        files = told.get("files")
        listed = (
            [f"{each['file']} sha256 {each['sha256']}" for each in files] if isinstance(files, list) else []
        )
        rows = told.get("rows")
        yield name, "; ".join([f"{rows:,} rows" if isinstance(rows, int) else "", *listed]).strip("; ")
