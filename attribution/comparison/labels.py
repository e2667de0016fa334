"""Labels: the channels of a table under other names: several as one, or each in its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from attribution.channels import MOST, near_duplicates, normalised
from attribution.errors import ParameterError
from attribution.models import Model
from attribution.parameters import parameters
from attribution.tables import CONTROL


class Labelled(NamedTuple):
    """A column of labels in the place of channels, and the channels that each label stands for."""

    column: pl.Series
    channels: Mapping[str, tuple[str, ...]]


def check_merge(merge: Mapping[str, Sequence[str]], channels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups of channels that are merged, by the name of each.

    Raises:
        ParameterError: a group is no list of channels, names an unknown one or one twice, or takes the
            name of a channel that is not in it.
    """
    groups: dict[str, tuple[str, ...]] = {}
    met: set[str] = set()
    for name, given in merge.items():
        if not name.strip() or re.search(CONTROL, name) or normalised(name) in groups:
            raise ParameterError.out_of_range("merge", name, "a name of its own for the merged channels")
        if isinstance(given, str) or not given or not all(isinstance(each, str) for each in given):
            raise ParameterError.out_of_range("merge", given, f"a list of the channels that are {name!r}")
        group = tuple(normalised(each) for each in given)
        for each in group:
            if each not in channels:
                raise ParameterError.unknown("channel in merge=", each, channels)
            if each in met:
                raise ParameterError(f"parameter 'merge': channel {each!r} is named twice; name it once")
            met.add(each)
        groups[normalised(name)] = group
    for name, group in groups.items():
        if name in channels and name not in group:
            raise ParameterError(
                f"parameter 'merge': {name!r} is a channel and not among those that are merged under its "
                "name; add it to them, or choose another name"
            )
    return groups


def alike(channels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups of channels that look alike, by the first of each.

    >>> alike(["Email", "Search", "e-mail"])
    {'Email': ('Email', 'e-mail')}
    """
    return {group[0]: group for group in near_duplicates(channels)}


def merged(column: pl.Series, groups: Mapping[str, Sequence[str]]) -> Labelled:
    """Return the column with each channel of a group under the name of the group."""
    name_of = {channel: name for name, group in groups.items() for channel in group}
    names = {raw: name_of.get(clean, raw) for raw, clean in clean_names(column).items()}
    return Labelled(column.replace(names), {name: tuple(group) for name, group in groups.items()})


def divided(column: pl.Series, parts: pl.Series) -> Labelled:
    """Return the column with a label for each channel and part, in their order; no part is one as well.

    Raises:
        ParameterError: the parts cannot be put in order, or are too many.
    """
    if parts.dtype.is_nested() or parts.dtype in (pl.Object, pl.Binary):
        raise ParameterError.out_of_range("split", parts.name, f"a column of text, not {parts.dtype}")
    names = clean_names(column)
    clean = column.replace_strict(names, default=None, return_dtype=pl.String)
    pairs = pl.DataFrame([clean.alias("channel"), parts.cast(pl.String).alias("part")])
    known = pairs.drop_nulls("channel").unique().sort("channel", "part")
    if len(known) > MOST:
        raise ParameterError.out_of_range(
            "split", parts.name, f"a column that makes at most {MOST:,} channels, not {len(known):,}"
        )
    place = pl.int_range(pl.len()).cast(pl.String).str.zfill(len(str(len(known))))
    known = known.with_columns(place.alias("label"))
    labels = pairs.join(known, on=["channel", "part"], how="left", nulls_equal=True, maintain_order="left")
    channels = {label: (channel,) for label, channel in known.select("label", "channel").iter_rows()}
    return Labelled(labels["label"].fill_null(column), channels)


def clean_names(column: pl.Series) -> dict[str, str]:
    """Return the normalised name of each raw one that passes the gate."""
    raw = column.unique().drop_nulls().sort()
    return {name: normalised(name) for name in raw if not re.search(CONTROL, name)}


def told_of(model: Model, channels: Mapping[str, Sequence[str]]) -> Model:
    """Return the model with the labels of channels that a parameter of it names.

    >>> from attribution.models import LastNonDirect
    >>> told_of(LastNonDirect(direct=("direct",)), {"7": ("Direct",), "8": ("ads",)}).direct
    ('direct', '7')
    """
    changes: dict[str, Any] = {}
    for name, declared in parameters(type(model)).items():
        if declared.kind is tuple:
            given = getattr(model, name)
            known = {each.casefold() for each in given}
            labels = [label for label, group in channels.items() if {c.casefold() for c in group} <= known]
            changes[name] = tuple(dict.fromkeys([*given, *labels]))
    return replace(model, **changes) if changes else model
