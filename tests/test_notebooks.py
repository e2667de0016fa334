"""The notebooks run from top to bottom, write nothing where they are run, and lie here without outputs."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

EXTRA = "is not installed: pip install 'attribution-engine[notebooks]'"
nbclient = pytest.importorskip("nbclient", reason=f"nbclient {EXTRA}")
kernelspec = pytest.importorskip("ipykernel.kernelspec", reason=f"ipykernel {EXTRA}")
nbformat = pytest.importorskip("nbformat")  # both need it, as the next one
jupyter_client = pytest.importorskip("jupyter_client")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIMIT = 120  # seconds of a cell
LONGEST = 110  # characters of a line, as in the code
WHERE = "import sys, attribution; print(sys.executable, attribution.__file__, sep='\\n')"
OF_A_MACHINE = re.compile(r"/(home|Users|root|tmp|work|mnt|var)/|[A-Z]:\\|~/|localhost|https?://")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class ThisPython(jupyter_client.AsyncKernelManager):
    """A kernel of this interpreter, whichever kernels are installed."""

    @property
    def kernel_spec(self) -> Any:
        return jupyter_client.kernelspec.KernelSpec(resource_dir="", **kernelspec.get_kernel_dict())


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebooks_are_there_and_numbered():
    assert len(NOTEBOOKS) >= 5
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{place:02}_" for place in range(1, len(NOTEBOOKS) + 1)]


@each_notebook
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    here, own = tmp_path / "here", tmp_path / "own"
    here.mkdir()
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "TMPDIR"):
        (own / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(own / name))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(WHERE))
    options = {"kernel_manager_class": ThisPython, "resources": {"metadata": {"path": str(here)}}}
    nbclient.NotebookClient(notebook, timeout=LIMIT, **options).execute()

    cells = code_of(notebook)
    assert cells.pop().outputs[0].text.splitlines() == [
        sys.executable,
        str(ROOT / "attribution" / "__init__.py"),
    ]
    shown = [output for cell in cells for output in cell.outputs]
    assert not [output.text for output in shown if output.get("name") == "stderr"]
    data = [output.data for output in shown if "data" in output]
    assert all("image/svg+xml" in each or "text/html" in each for each in data), "a table or a picture"
    assert any("image/svg+xml" in each for each in data)
    assert all(len(each["text/plain"].splitlines()) <= 40 for each in data), "a cell prints pages"
    left = [each.name for folder in (here, own / "TMPDIR") for each in folder.iterdir()]
    assert not left


@each_notebook
def test_a_notebook_is_valid_and_has_no_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert not [cell.id for cell in code_of(notebook) if cell.outputs or cell.execution_count is not None]
    assert not [cell.id for cell in notebook.cells if cell.metadata]


@each_notebook
def test_a_notebook_is_short_and_told_in_words(path):
    notebook = read(path)
    assert 8 <= len(notebook.cells) <= 15
    assert notebook.cells[0].cell_type == "markdown"
    assert "pip install 'attribution-engine[notebooks]'" in notebook.cells[0].source
    lines = [line for cell in notebook.cells for line in cell.source.splitlines()]
    assert not [line for line in lines if len(line) > LONGEST]
    assert not [line for line in lines if OF_A_MACHINE.search(line)]
    named = [cell.id for cell in notebook.cells]
    assert all(re.fullmatch(r"[a-z][a-z-]{1,23}", each) for each in named), "a name, not a random number"


@each_notebook
def test_a_notebook_takes_only_the_package_numpy_and_polars(path):
    taken = set()
    for cell in code_of(read(path)):
        for node in ast.walk(ast.parse(cell.source)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            taken |= {*names, *([node.module] if isinstance(node, ast.ImportFrom) else [])}
    known = {"altair", "attribution", "numpy", "polars"} | sys.stdlib_module_names
    assert {each.split(".")[0] for each in taken} <= known


@each_notebook
def test_a_notebook_lies_as_it_is_written(path):
    text = path.read_text(encoding="utf-8")
    assert text == nbformat.writes(read(path)) + "\n"
    assert json.loads(text)["metadata"].keys() == {"kernelspec", "language_info"}
