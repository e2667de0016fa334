"""The house rules as programs: layers, captions, kernels, the size of files, and what an import may load."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from oracles import ORACLES

from attribution.models import MODELS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "attribution"
MODULES = sorted(PACKAGE.rglob("*.py"))
FIGURES = {"array", "Float64", "Int64", "UInt16", "UInt32", "UInt64", "Bool"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_down_only():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_a_caption_of_one_sentence(path):
    caption = (ast.get_docstring(tree(path)) or "").split("\n\n")[0]
    assert caption, "no docstring"
    assert "\n" not in caption.strip()
    assert caption[0].isupper() or caption.split()[0].isidentifier()
    assert re.search(r"\.( |$)|[a-z`]::?$", caption), "the caption is a sentence"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_fits_in_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


def test_there_is_no_drawer():
    drawers = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
    assert not [path for path in PACKAGE.rglob("*") if path.stem in drawers]


def kernels() -> list[tuple[Path, ast.FunctionDef]]:
    return [
        (path, node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
        if isinstance(mark, ast.Name) and mark.id == "kernel"
    ]


def test_kernels_take_arrays_and_scalars_only():
    scalars = {"int", "float", "bool", "np.uint64", "np.ndarray"}
    for path, node in kernels():
        for argument in node.args.args:
            written = ast.unparse(argument.annotation)
            assert written in scalars | FIGURES, f"{name_of(path)}: {node.name}({argument.arg}: {written})"
        assert len(node.decorator_list) == 1


def test_numba_is_named_in_kernels_alone():
    naming = [path for path in MODULES if re.search(r"^\s*(import|from) numba", path.read_text(), re.M)]
    assert naming == [PACKAGE / "kernels.py"]


def test_kernels_call_kernels_of_their_own_module_only():
    # The cache on disk does not see a change in a kernel of another file.
    found = kernels()
    names = {node.name for _, node in found}
    for path, node in found:
        own = {other.name for where, other in found if where == path}
        called = {
            call.func.id
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
        assert called & names <= own, f"{name_of(path)}: {node.name}"


def test_every_model_has_a_twin():
    assert set(ORACLES) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_its_formula_its_example_and_its_source(name):
    text = MODELS[name].__doc__
    for part in ("Formula:", "Example:", ">>> ", "Source:"):
        assert part in text


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_named_as_its_file_and_its_class(name):
    model = MODELS[name]
    assert model.name == name
    assert model.__module__ == f"attribution.models.{name}"
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower() == name


def test_no_module_registers_itself_or_works_at_import():
    allowed = (
        ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.If,
    )  # fmt: skip
    for path in MODULES:
        if path.name == "__main__.py":
            continue
        for node in tree(path).body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            is_verb_list = path == PACKAGE / "cli" / "__init__.py" and isinstance(node, ast.For)
            assert is_docstring or is_verb_list or isinstance(node, allowed), f"{name_of(path)}:{node.lineno}"
