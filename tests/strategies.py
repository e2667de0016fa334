"""Random journeys and parameters: what the package may be given, drawn by hypothesis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, combinations, pairwise
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from oracles import Row

from attribution.credits import Credits
from attribution.journeys import Journeys
from attribution.models import MODELS, Model
from attribution.parameters import Parameter, parameters

# In order of name, as in every vocabulary; last_non_direct passes over three of them.
NAMES = ("(Direct)", "Ads", "Direct", "Social", "direct", "email", "zebra > 7")
LONGEST = 8
OUTCOMES = ("leads", "wins", "revenue")
GAPS = (0.0, 0.0, 1.0, 0.25, 7.0, 30.5, 1e-6, 400.0)  # days between touchpoints; ties are frequent
COUNTS = (1.0, 1.0, 1.0, 2.0, 0.0, 0.25, 0.1, 7.0, 1000.5)
SHARES = (1.0, 0.0, 0.5, 0.2)  # of a row's journeys that became leads, of its leads that became wins


# Journeys.


BYTES = 3 + LONGEST  # a journey is drawn as a few bytes: quick to draw, and quick to shrink


@st.composite
def rows(
    draw: st.DrawFn,
    channels: Sequence[str],
    most: int = 30,
    longest: int = LONGEST,
    shortest: int = 0,
    ages: bool = True,
    negative: bool = True,
) -> list[Row]:
    """Draw rows of journeys over the channels: grouped, fractional, of weight 0, without touchpoints."""
    size = BYTES * draw(st.integers(0, most))
    drawn = draw(st.binary(min_size=size, max_size=size))
    return [
        row_of(drawn[start : start + BYTES], channels, longest, shortest, ages, negative)
        for start in range(0, size, BYTES)
    ]


def row_of(
    drawn: bytes, channels: Sequence[str], longest: int, shortest: int, ages: bool, negative: bool
) -> Row:
    """Return the row that a few bytes stand for."""
    number, revenue, length, *touchpoints = drawn
    rest, of_count = divmod(number, len(COUNTS))
    of_leads, of_wins = divmod(rest, len(SHARES))
    leads = COUNTS[of_count] * SHARES[of_leads % len(SHARES)]
    wins = leads * SHARES[of_wins]
    del touchpoints[shortest + length % (longest - shortest + 1) :]
    gaps = [GAPS[touchpoint // len(channels) % len(GAPS)] for touchpoint in touchpoints]
    return Row(
        tuple(channels[touchpoint % len(channels)] for touchpoint in touchpoints),
        COUNTS[of_count],
        (
            leads,
            wins,
            (revenue - 64 * negative) / 4 if leads or (COUNTS[of_count] and length % 4 == 3) else 0.0,
        ),
        tuple(accumulate(reversed(gaps)))[::-1] if ages else None,
    )


def journeys_of(rows: Sequence[Row], channels: Sequence[str], names: Sequence[str] = OUTCOMES) -> Journeys:
    """Return the rows as Journeys."""
    code = {name: place for place, name in enumerate(channels)}
    aged = all(row.ages is not None for row in rows)
    return Journeys(
        tuple(channels),
        tuple(names),
        [0, *accumulate(len(row.path) for row in rows)],
        np.array([code[name] for row in rows for name in row.path], dtype=np.uint16),
        [age for row in rows for age in row.ages or ()] if aged else None,
        [row.count for row in rows],
        np.array([row.outcomes for row in rows], dtype=np.float64).reshape(len(rows), len(names)),
    )


def rows_of(journeys: Journeys) -> list[Row]:
    """Return Journeys as plain rows."""
    bounds = journeys.offsets.tolist()
    names = [journeys.channels[code] for code in journeys.channel]
    ages = None if journeys.age_days is None else journeys.age_days.tolist()
    return [
        Row(
            tuple(names[start:stop]),
            float(journeys.count[j]),
            tuple(journeys.outcomes[j].tolist()),
            None if ages is None else tuple(ages[start:stop]),
        )
        for j, (start, stop) in enumerate(pairwise(bounds))
    ]


VOCABULARIES = [names for size in range(1, 6) for names in combinations(NAMES, size)]


@st.composite
def journeys(
    draw: st.DrawFn, vocabularies: Sequence[tuple[str, ...]] = VOCABULARIES, **limits: Any
) -> Journeys:
    """Draw Journeys over 1-5 channels, not all of which need to be met."""
    names = draw(st.sampled_from(vocabularies))
    return journeys_of(draw(rows(names, **limits)), names)


def joined(*parts: Journeys) -> Journeys:
    """Return the journeys of several batches of one vocabulary as one batch."""
    rows = [row for part in parts for row in rows_of(part)]
    return journeys_of(rows, parts[0].channels, parts[0].outcome_names)


def changed(journeys: Journeys, **changes: Any) -> Journeys:
    """Return the journeys with the same change made to every row."""
    return journeys_of(
        [replace(row, **{key: change(row) for key, change in changes.items()}) for row in rows_of(journeys)],
        journeys.channels,
        journeys.outcome_names,
    )


def parts_of(journeys: Journeys, part: Sequence[int], parts: int) -> list[Journeys]:
    """Return the journeys dealt out to several batches; ``part[j]`` says where journey j goes."""
    place = np.asarray(part, dtype=np.int64)
    return [journeys.select(place == each) for each in range(parts)]


def learned(model: Model, journeys: Journeys) -> list[Any]:
    """Return what the model's observers learn from the journeys."""
    return [observer.observe(journeys) for observer in model.observers]


def credit_of(model: Model, journeys: Journeys) -> Credits:
    """Return the model's credits of one batch."""
    return model.credit(*learned(model, journeys))


# Parameters.


def valid(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Draw a value inside the declared bounds."""
    if parameter.choices:
        drawn: st.SearchStrategy[Any] = st.sampled_from(parameter.choices)
    elif parameter.kind is bool:
        drawn = st.booleans()
    elif parameter.kind is int:
        low = int(parameter.low or 0)
        high = low + 5 if parameter.high is None else int(parameter.high)
        drawn = st.integers(low, high) | st.just(high if parameter.high is not None else 10**9)
    elif parameter.kind is float:
        low = parameter.above if parameter.low is None else parameter.low
        drawn = st.floats(low, parameter.high, exclude_min=parameter.above is not None, allow_nan=False)
    elif parameter.kind is tuple:
        drawn = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
    else:
        drawn = st.text(min_size=1, max_size=5)
    return drawn | st.none() if parameter.optional else drawn


def invalid(parameter: Parameter) -> list[Any]:
    """Return values just outside every declared bound, and of kinds that it is not."""
    values: list[Any] = [] if parameter.optional else [None]
    whole = parameter.kind is int
    if parameter.low is not None:
        values += [parameter.low - 1 if whole else math.nextafter(parameter.low, -math.inf), -math.inf]
    if parameter.above is not None:
        values += [parameter.above, math.nextafter(parameter.above, -math.inf), -math.inf]
    if parameter.high is not None:
        values += [parameter.high + 1 if whole else math.nextafter(parameter.high, math.inf), math.inf]
    if parameter.below is not None:
        values += [parameter.below, math.inf]
    if parameter.kind in (int, float):
        values += [math.nan, True, "1", (1,), 1j] + [1.5, 1.0, math.inf, -math.inf] * whole
    elif parameter.kind is bool:
        values += [0, 1, "true", math.nan]
    elif parameter.kind is tuple:
        values += ["direct", ["direct"], (1,), ("direct", None), 1.0]
    else:
        values += ["", "no such choice"] if parameter.choices else [""]
        values += [1, ("journey",), True]
    return values


def halved(values: dict[str, Any]) -> dict[str, Any]:
    """Bring two shares to a sum that is not above 1 (nor 0: there would be nothing to share)."""
    assume(values["first"] + values["last"] > 0)
    half = values["first"] + values["last"] > 1
    return {key: value / 2 if half else value for key, value in values.items()}


COUPLED = {"position_based": halved}  # the one model whose parameters bind each other


def values_of(name: str, **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw valid parameters of a registered model; some may be fixed."""
    declared: Mapping[str, Parameter] = parameters(MODELS[name])
    drawn = st.fixed_dictionaries(
        {key: st.just(fixed[key]) if key in fixed else valid(each) for key, each in declared.items()}
    )
    return drawn.map(COUPLED[name]) if name in COUPLED else drawn


def models(name: str, **fixed: Any) -> st.SearchStrategy[Model]:
    """Draw a registered model: with its defaults, or with random valid parameters."""
    cls = MODELS[name]
    return st.just(cls(**fixed)) | values_of(name, **fixed).map(lambda values: cls(**values))
