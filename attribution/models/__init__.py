"""Models, one a file: each is its formula, its parameters and its kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from attribution.errors import ParameterError
from attribution.models.channel_weights import ChannelWeights
from attribution.models.described import described, model_of, sentence_of
from attribution.models.first_touch import FirstTouch
from attribution.models.half_life import HalfLife
from attribution.models.last_non_direct import LastNonDirect
from attribution.models.last_touch import LastTouch
from attribution.models.linear import Linear
from attribution.models.markov import Markov, MarkovDetails
from attribution.models.model import Model, TouchpointRule
from attribution.models.position_based import PositionBased
from attribution.models.shapley import Shapley
from attribution.models.time_decay import TimeDecay
from attribution.parameters import parameters

MODELS: dict[str, type[Model]] = {
    "first_touch": FirstTouch,
    "last_touch": LastTouch,
    "last_non_direct": LastNonDirect,
    "linear": Linear,
    "position_based": PositionBased,
    "time_decay": TimeDecay,
    "markov": Markov,
    "shapley": Shapley,
}

__all__ = [
    "MODELS",
    "ChannelWeights",
    "FirstTouch",
    "HalfLife",
    "LastNonDirect",
    "LastTouch",
    "Linear",
    "Markov",
    "MarkovDetails",
    "Model",
    "PositionBased",
    "Shapley",
    "TimeDecay",
    "TouchpointRule",
    "described",
    "model_of",
    "named_apart",
    "parse_model",
    "sentence_of",
]


def parse_model(text: str) -> Model:
    """Return the model that a text stands for: its name, then its parameters.

    Raises:
        ParameterError: the model or a parameter is unknown, or a value is outside its range.

    >>> parse_model("position_based:first=0.5,last=0.3").last
    0.3
    """
    name, _, rest = text.partition(":")
    if name not in MODELS:
        raise ParameterError.unknown("model", name, MODELS)
    declared, given = parameters(MODELS[name]), {}
    for part in filter(None, rest.split(",")):
        key, sign, value = part.partition("=")
        if key not in {*declared, "name"} or not sign:
            raise ParameterError.unknown(f"parameter of {name}", key, [*declared, "name"])
        given[key] = value if key == "name" else declared[key].parse(key, value)
    return MODELS[name](**given)


def named_apart(models: Sequence[Model]) -> list[Model]:
    """Return the models with distinct names: those that share one are told by the parameters that differ.

    Raises:
        ParameterError: a model is given twice.

    >>> [model.name for model in named_apart([Markov(), Linear(), Markov(order=2)])]
    ['markov_order_1', 'linear', 'markov_order_2']
    """
    shared = {name for name, times in Counter(model.name for model in models).items() if times > 1}
    apart = [replace(m, name=told(m, models)) if m.name in shared else m for m in models]
    twice = [name for name, times in Counter(model.name for model in apart).items() if times > 1]
    if twice:
        raise ParameterError(f"model {twice[0]!r} is given twice; leave one out, or give it name=")
    return apart


def told(model: Model, models: Sequence[Model]) -> str:
    """Return the model's name with the parameters in which its namesakes differ."""
    namesakes = [other for other in models if other.name == model.name]
    differing = [
        key for key in parameters(type(model)) if len({getattr(other, key, None) for other in namesakes}) > 1
    ]
    parts = [f"{key}_{getattr(model, key)}" for key in differing]
    return "_".join([model.name, *parts])
