"""Described: a model as plain values, as a manifest or a file tells it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attribution.errors import ParameterError
from attribution.models.model import Model
from attribution.parameters import parameters


def described(model: Model) -> dict[str, Any]:
    """Return what a model is, with all its parameters.

    >>> from attribution.models import Linear
    >>> described(Linear())
    {'model': 'Linear'}
    """
    given = {name: getattr(model, name) for name in parameters(type(model))}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return {"model": type(model).__name__, **values}


def model_of(values: Mapping[str, Any], name: str, known: Mapping[str, type[Model]]) -> Model:
    """Return the model that was described, by its name in tables.

    Raises:
        ParameterError: it is none of the known ones, or a value is outside its range.

    >>> from attribution.models import MODELS
    >>> model_of({"model": "Markov", "order": 2}, "m", MODELS).order
    2
    """
    kinds = {kind.__name__: kind for kind in known.values()}
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items() if key != "model"}
    kind = kinds.get(values["model"])
    if kind is None or not set(given) <= set(parameters(kind)):
        raise ParameterError.unknown("model", str(values["model"]), kinds)
    return kind(**given, name=name)


def sentence_of(model: type[Model]) -> str:
    """Return what a kind of model does: the first line of its docstring.

    >>> from attribution.models import Linear
    >>> sentence_of(Linear)
    'Credit is shared equally among the touchpoints.'
    """
    return (model.__doc__ or "").splitlines()[0]
