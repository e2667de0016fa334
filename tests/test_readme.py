"""What the README shows is what happens: its blocks are run, its tables and its map compared."""

import ast
import io
import re
import shlex
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from attribution.cli import app
from attribution.job import job_of
from attribution.report.star.schema import STAR

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_blocks_print_what_stands_below_them():
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.S)
    assert len(blocks) == README.count("```python")
    names = {}
    for code, output in blocks:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == output


@pytest.mark.parametrize("verb", ["models", "kpis"])
def test_the_registry_is_the_one_that_the_command_prints(verb, capsys):
    app([verb, "--markdown"], result_action="return_value")
    assert capsys.readouterr().out in README


def test_the_map_says_the_captions():
    drawn = dict(re.findall(r"^(\S+)\s{2,}(.+)$", README.split("## The map")[1].split("```")[1], re.M))
    captions = {}
    for path in (ROOT / "attribution").iterdir():
        module = path / "__init__.py" if path.is_dir() else path
        if module.suffix == ".py" and module.exists() and not path.name.startswith("__"):
            caption = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))).splitlines()[0]
            captions[path.name + "/" * path.is_dir()] = caption
    assert drawn == captions


def test_the_tables_of_the_star_are_those_of_its_schema():
    rows = [
        f"| {each.name} | {each.grain.removeprefix('one row ')} | {', '.join(each.keys)} |" for each in STAR
    ]
    assert "\n".join(rows) in README


def test_the_make_targets_are_there():
    targets = set(re.findall(r"^make (\w+)", README, re.M))
    made = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert targets
    assert targets <= made


def test_the_commands_name_real_verbs_and_options():
    lines = re.findall(r"^attribution (.+)$", README, re.M)
    assert len(lines) >= 6
    for line in lines:
        _, bound, *_ = app.parse_args(shlex.split(line, comments=True), exit_on_error=False)
        assert bound is not None


def test_the_job_files_are_some():
    spark, files = (
        job_of(tomllib.loads(text), "README.md") for text in re.findall(r"```toml\n(.*?)```", README, re.S)
    )
    assert [model.name for model in files.built()] == ["markov"]
    assert spark.spark.outcomes.table == "crm.leads"
