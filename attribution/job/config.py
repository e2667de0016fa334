"""The job file: read as TOML and checked as a whole before anything else is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from attribution.errors import ParameterError, closest, shown
from attribution.job.section import Section
from attribution.job.sections import Job, ModelSections, built
from attribution.models import MODELS

LARGEST = 1 << 20  # bytes of a job file
KINDS = ("float", "dict[str,float]")  # of a union, which stand in the place of a fault like keys


def load_job(path: str | Path) -> Job:
    """Return the job of a TOML file.

    Raises:
        ParameterError: the file is not there or no TOML, or keys and values that cannot be, each by name.
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise ParameterError(
            f"job file {shown(str(path))}: expected a .toml file; other formats are not read"
        )
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ParameterError(f"job file {path}: got {size:,} bytes, expected at most {LARGEST:,}")
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"job file {path}: cannot be read: {error.strerror}; check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParameterError(f"job file {path}: is no TOML: {error or 'nested too deeply'}") from None
    job = job_of(given, str(path))
    return job.model_copy(update={"name": job.name or path.stem})


def job_of(given: Mapping[str, Any], where: str) -> Job:
    """Return the job that nested values describe; all that is wrong with them is told at once."""
    try:
        job = Job.model_validate(given)
    except ValidationError as error:
        faults = dict.fromkeys(told(each, where) for each in error.errors())  # a union has one for each kind
        raise ParameterError("\n".join(faults)) from None
    for place, each in enumerate(job.models):
        try:
            built(each)
        except ParameterError as error:
            raise ParameterError(f"{where}, key models[{place}]: {error}") from None
    try:
        if job.budget is not None:
            job.budget.scenario()
    except ParameterError as error:
        raise ParameterError(f"{where}, key budget: {error}") from None
    return job


def told(error: Any, where: str) -> str:
    """Return one fault with its key, what it got and what is allowed."""
    parts = [part for part in error["loc"] if part not in MODELS and part not in KINDS]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    section, last = section_of(error["loc"]), str(parts[-1]) if parts else ""
    if error["type"] == "extra_forbidden":
        known = list(section.model_fields)
        return f"{where}, key {key}: unknown{closest(last, known)}; known: {', '.join(known)}"
    if error["type"].startswith("union_tag"):
        name = str(error["input"].get("name", "")) if isinstance(error["input"], dict) else ""
        got = f"got {shown(name)}" if name else "has no name"
        return f"{where}, key {key}.name: {got}{closest(name, MODELS)}; expected one of {', '.join(MODELS)}"
    field = section.model_fields.get(last)
    allowed = re.sub(r"^(Input should be|Value error,) ", "", error["msg"])
    if field is not None and field.description:
        allowed = field.description
    got = "" if error["type"] in ("missing", "value_error") else f"got {shown(error['input'])}, "
    return f"{where}{f', key {key}' if key else ''}: {got}expected {allowed}"


def section_of(place: tuple[Any, ...]) -> type[Section]:
    """Return the section in which a key stands."""
    section: type[Section] = Job
    for part in place[:-1]:
        if part in MODELS:
            section = next(each for each in ModelSections if each.__name__ == MODELS[part].__name__)
        elif isinstance(part, str) and part in section.model_fields:
            inner: Any = section.model_fields[part].annotation
            kinds = [inner, *getattr(inner, "__args__", ())]
            inside = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
            section = inside[0] if inside else section
    return section


def schema() -> dict[str, Any]:
    """Return the JSON Schema of job files."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **TypeAdapter(Job).json_schema()}
