"""Every model equals its naive twin on random journeys with random valid parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import ORACLES, Answer, shapley_by_orders, shapley_by_subsets
from strategies import credit_of, journeys, models, rows_of

from attribution.credits import Credits
from attribution.journeys import Journeys
from attribution.models import MODELS, Model
from attribution.parameters import parameters

CLOSE = 1e-12  # of what there is to share
CHAINED = 1e-9  # where a linear system is solved


def twin_of(model: Model, journeys: Journeys) -> Answer:
    """Return what the model's twin says."""
    name = next(name for name, cls in MODELS.items() if type(model) is cls)
    values = {key: getattr(model, key) for key in parameters(type(model))}
    return ORACLES[name](rows_of(journeys), journeys.channels, len(journeys.outcome_names), **values)


def assert_equal(credits: Credits, twin: Answer, tolerance: float) -> None:
    """Compare credit by channel and outcome, and what no channel took."""
    assert credits.channels == tuple(twin.credit)
    for i, name in enumerate(credits.outcome_names):
        ours = [*credits.values[:, i], credits.unattributed[i]]
        theirs = [*(values[i] for values in twin.credit.values()), twin.unattributed[i]]
        scale = max(1.0, *(abs(value) for value in theirs))
        assert ours == pytest.approx(theirs, rel=tolerance, abs=tolerance * scale), name


def known(effects: Mapping[str, float | None]) -> dict[str, float]:
    """Return the removal effects with NaN, which equals no number, where there is none."""
    return {name: math.nan if effect is None else effect for name, effect in effects.items()}


@pytest.mark.parametrize("name", MODELS)
@given(draw=st.data())
def test_a_model_equals_its_twin(name: str, draw: DataObject) -> None:
    model = draw.draw(models(name))
    batch = draw.draw(journeys(negative=getattr(model, "share", None) != "global"))
    assert_equal(credit_of(model, batch), twin_of(model, batch), CHAINED if name == "markov" else CLOSE)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(batch=journeys(negative=False), draw=st.data())
def test_what_a_chain_learned_equals_its_twin(order: int, batch: Journeys, draw: DataObject) -> None:
    model = draw.draw(models("markov", order=order))
    credits, twin = credit_of(model, batch), twin_of(model, batch)
    assert_equal(credits, twin, CHAINED)
    details = credits.details
    assert details.states == twin.states
    assert details.base_probability == pytest.approx(twin.base, rel=1e-12, abs=1e-15)
    assert known(details.removal_effects) == pytest.approx(
        known(twin.removal_effects), abs=1e-12, nan_ok=True
    )


@given(worths=st.lists(st.integers(-20, 20), min_size=8, max_size=8))
def test_the_two_ways_to_play_a_game_agree(worths: list[int]) -> None:
    players = ("a", "b", "c")

    def worth(members: frozenset[str]) -> float:
        return float(worths[sum(1 << players.index(name) for name in members)])

    by_subsets = shapley_by_subsets(players, worth)
    assert by_subsets == pytest.approx(shapley_by_orders(players, worth), abs=1e-12)
    assert sum(by_subsets.values()) == pytest.approx(worths[7] - worths[0], abs=1e-12)
