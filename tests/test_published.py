"""Worked numbers of papers, vendors and other packages, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import RealData
from oracles import Row, shapley_by_orders, shapley_by_subsets
from strategies import credit_of, journeys_of

from attribution import from_paths
from attribution.credits import Credits
from attribution.engine import attribute
from attribution.journeys import Journeys
from attribution.models import (
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    Markov,
    Model,
    PositionBased,
    Shapley,
    TimeDecay,
)
from attribution.stitched import Stitched
from attribution.tables import Reading


def paths(*lines: tuple[str, float, float]) -> Journeys:
    """Return journeys of "a > b", conversions, nulls."""
    rows = [Row(tuple(path.split(" > ")), yes + no, (yes,)) for path, yes, no in lines]
    return journeys_of(rows, sorted({name for row in rows for name in row.path}), ("conversions",))


def aged(value: float, ages: Sequence[float], names: Sequence[str] | None = None) -> Journeys:
    """Return one journey worth a value, its touchpoints in channels of their own."""
    names = names or [f"{place} before" for place in range(len(ages))]
    row = Row(tuple(names), 1.0, (value,), tuple(ages))
    return journeys_of([row], sorted(set(names)), ("value",))


def by_channel(credits: Credits, outcome: int = 0) -> dict[str, float]:
    """Return the credits of one outcome by channel."""
    return dict(zip(credits.channels, credits.values[:, outcome].tolist(), strict=True))


def credits_of(model: Model, journeys: Journeys) -> dict[str, float]:
    """Return the model's credits by channel."""
    return by_channel(credit_of(model, journeys))


def printed(text: str) -> object:
    """Return what equals a number to its printed digits."""
    return pytest.approx(float(text), rel=0, abs=0.5 * 10.0 ** -len(text.partition(".")[2]) * (1 + 1e-6))


# Small examples, by hand.

TUTORIAL = paths(("C1 > C2 > C3", 1, 0), ("C1", 0, 1), ("C2 > C3", 0, 1))
PUZYROV = paths(("G", 2, 1), ("M", 1, 0), ("G > M", 1, 0))
VIGNETTE = paths(("A > B > A > B > B > A", 1, 0), ("A > B > B > A > A", 1, 0), ("A > A", 1, 0))


# Source: the worked example of several Markov tutorials (C1 > C2 > C3).
def test_the_removal_effects_of_the_tutorials() -> None:
    credits = credit_of(Markov(share="global"), TUTORIAL)
    assert credits.details.base_probability == pytest.approx(1 / 3, rel=1e-14)
    assert credits.details.removal_effects == pytest.approx({"C1": 0.5, "C2": 1, "C3": 1}, rel=1e-14)
    assert by_channel(credits) == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4}, rel=1e-14)


# Source: S. Puzyrov's worked example of a Markov chain for two channels.
def test_the_removal_effects_of_puzyrov() -> None:
    credits = credit_of(Markov(share="global"), PUZYROV)
    assert credits.details.base_probability == pytest.approx(0.8, rel=1e-14)
    assert credits.details.removal_effects == pytest.approx({"G": 0.75, "M": 0.5}, rel=1e-14)
    assert by_channel(credits) == pytest.approx({"G": 2.4, "M": 1.6}, rel=1e-14)


# Source: the vignette of the ChannelAttribution package.
@pytest.mark.parametrize(("order", "effect", "credit"), [(1, 0.5, (2, 1)), (2, 2 / 3, (1.8, 1.2))])
def test_the_vignette_of_channelattribution(order: int, effect: float, credit: tuple[float, float]) -> None:
    credits = credit_of(Markov(order=order, share="global"), VIGNETTE)
    assert credits.details.removal_effects == pytest.approx({"A": 1, "B": effect}, rel=1e-12)
    assert by_channel(credits) == pytest.approx(dict(zip("AB", credit, strict=True)), rel=1e-12)


# Source: solved by hand; the example of the model's own docstring.
def test_the_two_ways_to_share_by_removal_effects_differ() -> None:
    journeys = paths(("A > B", 1, 0), ("B", 1, 1), ("A", 0, 2))
    assert credits_of(Markov(), journeys) == pytest.approx({"A": 0.25, "B": 1.75}, rel=1e-14)
    assert credits_of(Markov(share="global"), journeys) == pytest.approx({"A": 0.5, "B": 1.5}, rel=1e-14)


# Source: the tests of the mta package.
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FirstTouch(), {"direct": 2, "search": 8, "email": 0, "social": 0}),
        (LastTouch(), {"direct": 2, "search": 0, "email": 8, "social": 0}),
        (Linear(), {"direct": 2, "search": 19 / 6, "email": 19 / 6, "social": 5 / 3}),
        (PositionBased(), {"direct": 2, "search": 3.5, "email": 3.5, "social": 1}),
    ],
)
def test_the_rules_of_mta(model: Model, expected: dict[str, float]) -> None:
    journeys = paths(("direct", 2, 1), ("search > email", 3, 2), ("search > social > email", 5, 4))
    assert credits_of(model, journeys) == pytest.approx(expected, rel=1e-14)


# Source: the game printed by DP6's Marketing-Attribution-Models; its value is exact.
GAME = {"a": 7, "b": 6, "c": 4, "ab": 15, "ac": 7, "bc": 9, "abc": 19}
VALUE = {"a": "7.666667", "b": "8.166667", "c": "3.166667"}


def game(members: frozenset[str]) -> float:
    """Return the worth of a coalition."""
    return GAME["".join(sorted(members))] if members else 0


@pytest.mark.parametrize("play", [shapley_by_subsets, shapley_by_orders])
def test_the_game_of_dp6(play: object) -> None:
    assert play("abc", game) == {name: printed(text) for name, text in VALUE.items()}


def test_the_game_of_dp6_as_journeys() -> None:
    # What a coalition is worth beyond all smaller ones is the outcome of its own journeys.
    dividends: dict[str, float] = {}
    for name in sorted(GAME, key=len):
        smaller = [dividends[other] for other in dividends if set(other) < set(name)]
        dividends[name] = GAME[name] - sum(smaller)
    assert dividends == {"a": 7, "b": 6, "c": 4, "ab": 2, "ac": -4, "bc": -1, "abc": 5}
    rows = [Row(tuple(name), 1.0, (1.0, worth)) for name, worth in dividends.items()]
    credits = credit_of(Shapley(), journeys_of(rows, "abc", ("leads", "revenue")))
    assert by_channel(credits, outcome=1) == {name: printed(text) for name, text in VALUE.items()}


# Time decay.


# Source: Adobe Analytics, "Time decay" attribution model.
def test_time_decay_of_adobe() -> None:
    credits = credit_of(TimeDecay(half_life=7), aged(50, [9, 6, 0, 0]))
    assert credits.values[:, 0].tolist() == [printed(text) for text in ("6.92", "9.32", "16.88", "16.88")]


# Source: PostHog's tests of its attribution functions.
def test_time_decay_of_posthog() -> None:
    credits = credit_of(TimeDecay(half_life=1), aged(1, [2, 1, 0]))
    assert credits.values[:, 0] == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=1e-14)


# Source: a public worked example, recomputed exactly.
def test_time_decay_of_a_deal_of_twelve_thousand() -> None:
    credits = credit_of(TimeDecay(), aged(12_000, [38, 33, 26, 8, 0]))
    expected = ("175.1952", "287.4376", "574.8752", "3417.045", "7545.4471")
    assert credits.values[:, 0].tolist() == [printed(text) for text in expected]


# Source: Google Ads and Adobe, whose half-life is a week; the ra_attribution models for dbt halve by day.
def test_half_lives_of_a_week_and_of_a_day() -> None:
    assert TimeDecay().half_life == 7
    weeks = credit_of(TimeDecay(), aged(1.5, [7, 0])).values[:, 0]
    assert weeks == pytest.approx([0.5, 1], rel=1e-14)
    days = credit_of(TimeDecay(half_life=1), aged(0.875, [2, 1, 0])).values[:, 0]
    assert days == pytest.approx([0.125, 0.25, 0.5], rel=1e-14)


# Positions.


# Source: the expected tables in the tests of Snowplow's attribution package.
def test_the_rules_of_snowplow() -> None:
    journey = aged(140, [2, 1, 0], ["Direct", "Organic_Search", "Direct"])
    assert credit_of(Linear(), journey).values[:, 0] == pytest.approx([280 / 3, 140 / 3], rel=1e-14)
    rule = PositionBased(first=0.4, last=0.4)
    assert 140 * rule.weights(journey) == pytest.approx([56, 28, 56], rel=1e-14)
    assert 140 * Linear().weights(journey) == pytest.approx([46.666667] * 3, rel=0, abs=5e-7)


# Source: Adobe Analytics, "U-shaped", "J curve", "Inverse J" and "Linear" attribution models, and its
# example of 50 dollars on four touchpoints.
@pytest.mark.parametrize(
    ("model", "touchpoints", "expected"),
    [
        (PositionBased(first=0.4, last=0.4), 1, [100]),
        (PositionBased(first=0.4, last=0.4), 2, [50, 50]),
        (PositionBased(first=0.4, last=0.4), 3, [40, 20, 40]),
        (PositionBased(first=0.4, last=0.4), 4, [40, 10, 10, 40]),
        (PositionBased(first=0.2, last=0.6), 1, [100]),
        (PositionBased(first=0.2, last=0.6), 2, [25, 75]),
        (PositionBased(first=0.2, last=0.6), 4, [20, 10, 10, 60]),
        (PositionBased(first=0.6, last=0.2), 2, [75, 25]),
        (PositionBased(first=0.6, last=0.2), 3, [60, 20, 20]),
        (Linear(), 4, [25, 25, 25, 25]),
    ],
)
def test_shares_by_position_of_adobe(model: Model, touchpoints: int, expected: list[float]) -> None:
    journey = aged(100, [0] * touchpoints)
    assert credit_of(model, journey).values[:, 0] == pytest.approx(expected, rel=1e-14)


def test_the_fifty_dollars_of_adobe() -> None:
    journey = aged(50, [3, 2, 1, 0], ["paid search", "social", "e-mail", "display"])
    expected = {"display": 30, "e-mail": 5, "paid search": 10, "social": 5}
    assert credits_of(PositionBased(first=0.2, last=0.6), journey) == pytest.approx(expected, rel=1e-14)
    assert credits_of(Linear(), journey) == pytest.approx(dict.fromkeys(expected, 12.5), rel=1e-14)


# Source: Marketo Measure, "U-shaped": the first touch and the lead creation share, nothing between.
@pytest.mark.parametrize(("touchpoints", "expected"), [(1, [1]), (2, [0.5, 0.5]), (4, [0.5, 0, 0, 0.5])])
def test_the_u_shape_of_marketo(touchpoints: int, expected: list[float]) -> None:
    credits = credit_of(PositionBased(first=0.5, last=0.5), aged(1, [0] * touchpoints))
    assert credits.values[:, 0].tolist() == expected


# Source: Amplitude's "J-shaped" splits the middle in half between two touchpoints (30 / 70), where
# Adobe and Mixpanel leave it out (25 / 75): a vendor's name is no definition.
def test_two_touchpoints_share_as_first_to_last_and_not_as_amplitude_does() -> None:
    shares = PositionBased(first=0.2, last=0.6).weights(aged(1, [1, 0]))
    assert shares == pytest.approx([0.25, 0.75], rel=1e-14)
    assert shares[0] != pytest.approx(0.3)


# Source: Google Analytics, "Last non-direct click"; GA4 gives direct nothing unless all is direct.
@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("email > (direct)", "email"),
        ("email > (direct) / (none) > Direct", "email"),
        ("google / cpc > email > direct > direct", "email"),
        ("direct > direct", "direct"),
        ("direct", "direct"),
        ("direct > email", "email"),
    ],
)
def test_direct_takes_nothing_unless_all_is_direct(path: str, takes: str) -> None:
    credits = credits_of(LastNonDirect(), paths((path, 3, 0)))
    assert {name: credit for name, credit in credits.items() if credit} == {takes: 3}


# Source: the textbook case of last click: e-mail, a social ad, a day later organic search and the form.
def test_the_textbook_case_of_last_click() -> None:
    journey = aged(1, [3, 1, 0], ["email", "social ad", "organic search"])
    assert credits_of(LastTouch(), journey) == {"email": 0, "organic search": 1, "social ad": 0}


# pathdata: 10,000 paths with nulls. Source: the data set of the ChannelAttribution package; the rules
# and global conversions are also what that package and exact solutions give.

RULES = """
alpha   6308 8447 7574.718594 19121.27236 28414.21427 24524.70957
beta    2831 989  2083.500145 12235.59174 3850.020987 8954.266717
delta   1    5    1.725       6.119       10.972      4.40405
epsilon 99   531  272.1704377 412.3012429 2202.612289 1106.270065
eta     3164 4167 3539.951157 11909.47621 16754.2038  13783.49705
gamma   165  92   121.041639  718.9779918 506.0139918 569.4173579
iota    4606 3355 3857.096221 19597.26128 13487.97427 15988.989
kappa   74   230  137.9640779 305.74325   1069.38425  599.7477863
lambda  902  1207 1035.257572 3735.602165 5249.949985 4430.316169
mi      2    2    2.222222222 5.273       5.273       6.081444444
theta   1606 653  1022.801394 6652.349347 2799.091988 4295.743619
zeta    27   107  136.5515405 103.004     453.26075   539.5287631
"""
CHAINS = """
alpha   0.5583994895   5344.947682 5617.453854 .542633
beta    0.2640385357   2527.352167 2439.648976 .221279
delta   0.000481995758 4.613618311 5.159056316 .000455
epsilon 0.06263858228  599.5706505 614.3735235 .057518
eta     0.3490263319   3340.847402 3391.858163 .314177
gamma   0.01787997442  171.1454427 171.9181832 .016578
iota    0.4058350045   3884.614702 3810.511044 .348496
kappa   0.02866338666  274.363256  266.027054  .023705
lambda  0.1340221228   1282.847223 1189.472022 .103816
mi      0.0001799458199 1.722424556 2.073189   .000202
theta   0.2060104628   1971.91288  1902.473610 .165125
zeta    0.03981051782  381.0625528 374.031325  .033005
"""


def column(table: str, place: int) -> dict[str, object]:
    """Return a column of a printed table by channel, each number to its digits."""
    lines = [line.split() for line in table.strip().splitlines()]
    return {line[0]: printed(line[place]) for line in lines}


@cache
def read(path: Path) -> Stitched:
    """Return the journeys of the path table."""
    return from_paths(
        path,
        conversions="total_conversions",
        null="total_null",
        value="total_conversion_value",
        reading=Reading(delimiter=";"),
    )


@pytest.fixture
def pathdata(data: RealData) -> Stitched:
    return read(data.need("pathdata/paths.csv"))


def solved(journeys: Stitched, model: Model) -> Credits:
    """Return the credits of one model."""
    return attribute(journeys, model)[model.name]


def test_pathdata_has_its_totals(pathdata: Stitched) -> None:
    (batch,) = pathdata
    journeys = batch.journeys
    assert len(journeys) == 10_000
    assert journeys.touchpoints == 59_454
    assert np.diff(journeys.offsets).max() == 89
    conversions, value = journeys.outcomes.sum(axis=0)
    assert conversions == 19_785
    assert journeys.count.sum() - conversions == 68_602
    assert value == pytest.approx(74_802.97158721073, rel=1e-13)
    assert (np.diff(journeys.offsets) * journeys.count).sum() == 378_209


@pytest.mark.parametrize(
    ("model", "place"), [(FirstTouch(), 1), (LastTouch(), 2), (Linear(), 3)], ids=lambda each: str(each)[:6]
)
def test_pathdata_under_the_rules(model: Model, place: int, pathdata: Stitched) -> None:
    credits = solved(pathdata, model)
    assert by_channel(credits) == column(RULES, place)
    assert by_channel(credits, outcome=1) == column(RULES, place + 3)


def test_pathdata_under_shapley(pathdata: Stitched) -> None:
    assert by_channel(solved(pathdata, Shapley()))["alpha"] == printed("7627.94")


@pytest.mark.parametrize("order", [1, 2, 3])
def test_pathdata_has_one_base_at_every_order(order: int, pathdata: Stitched) -> None:
    details = solved(pathdata, Markov(order=order)).details
    assert details.base_probability == printed("0.223845135597")
    assert details.base_probability == pytest.approx(19_785 / (19_785 + 68_602), rel=1e-13)


def test_pathdata_has_an_expected_value(pathdata: Stitched) -> None:
    credits = solved(pathdata, Markov(share="global"))
    assert credits.totals[1] / (19_785 + 68_602) == printed("0.846311919029")


def test_pathdata_has_its_removal_effects(pathdata: Stitched) -> None:
    assert solved(pathdata, Markov()).details.removal_effects == column(CHAINS, 1)


@pytest.mark.parametrize(("order", "place"), [(1, 2), (2, 3)])
def test_pathdata_shared_by_totals(order: int, place: int, pathdata: Stitched) -> None:
    assert by_channel(solved(pathdata, Markov(order=order, share="global"))) == column(CHAINS, place)


@pytest.mark.parametrize("order", [89, 100])
def test_pathdata_above_its_longest_path_has_shares_of_conversions(order: int, pathdata: Stitched) -> None:
    assert solved(pathdata, Markov(order=order)).details.removal_effects == column(CHAINS, 4)


def test_pathdata_is_conserved_by_every_model(pathdata: Stitched) -> None:
    for credits in attribute(pathdata).values():
        assert credits.totals == pytest.approx([19_785, 74_802.97158721073], rel=1e-12)
