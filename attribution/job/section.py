"""The section: a table of the job file, and how declared parameters become its keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from attribution.parameters import Parameter, parameters

Columns = Annotated[dict[str, str], Field(description="our name = name in the source")]


class Section(BaseModel):
    """A table of the job file: no unknown keys, no values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def field_of(parameter: Parameter) -> tuple[Any, Any]:
    """Return the type and the field of a declared parameter: its bounds are said once."""
    kind: Any = list[str] if parameter.kind is tuple else parameter.kind
    if parameter.choices:
        kind = Literal[parameter.choices]
    default = list(parameter.default) if parameter.kind is tuple else parameter.default
    about = f"{parameter.meaning} ({parameter.allowed})"
    bounds = {"ge": parameter.low, "gt": parameter.above, "le": parameter.high, "lt": parameter.below}
    limits: Any = {name: bound for name, bound in bounds.items() if bound is not None}
    return (kind | None if parameter.optional else kind, Field(default, description=about, **limits))


def section_of(declared: type, title: str, /, **more: Any) -> type[Section]:
    """Return the section that holds the declared parameters of a class."""
    fields = {key: field_of(parameter) for key, parameter in parameters(declared).items()}
    made: Any = create_model
    return cast(type[Section], made(title, __base__=Section, **more, **fields))
