"""The comparison of models: against naive twins, by hand, under the null, at the edges, on real data."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Row
from scipy.stats import binom, spearmanr
from strategies import journeys_of

import attribution as at
from attribution.comparison.apart import name_alike, tell_apart
from attribution.comparison.shares import ranked
from attribution.comparison.words import explained, percent
from attribution.statistics import Roles

NIGHTLY = os.environ.get("ATTRIBUTION_PROFILE") == "nightly"
RUNS = 2_000 if NIGHTLY else 400
LEVEL = 0.95
MOMENT = pl.Datetime("us", "UTC")


@pytest.fixture(scope="module")
def result() -> at.Result:
    """Return the sample's credits by four models, with replicates."""
    journeys = at.stitch(*at.sample.load()[:2], lookback_days=30)
    models = (at.FirstTouch(), at.LastTouch(), at.Linear(), at.Markov())
    return at.attribute(journeys, *models, intervals=LEVEL, replicates=200)


def paths(*rows: tuple[str, float, float]) -> at.Stitched:
    """Return the journeys of path, conversions, null."""
    table = pl.DataFrame(rows, schema=["path", "conversions", "null"], orient="row")
    return at.from_paths(table, null="null")


def of_channel(table: pl.DataFrame, channel: str, **more: str) -> dict[str, Any]:
    """Return the one row of a channel."""
    (row,) = table.filter(channel=channel, **more).to_dicts()
    return row


# Naive twins of the figures.


def bounds(values: Any) -> tuple[float, float]:
    """Return the ends as numpy's quantiles give them."""
    return np.quantile(values, (1 - LEVEL) / 2), np.quantile(values, (1 + LEVEL) / 2)


def drawn_shares(result: at.Result, model: str, outcome: int) -> np.ndarray[Any, Any]:
    """Return the shares in each replicate [R, k]."""
    replicates = result[model].replicates
    assert replicates is not None
    values = replicates.values[:, :, outcome]
    return np.array([each[:-1] / each.sum() for each in values])


def place_of(shares: Sequence[float], channel: int) -> int:
    """Return the rank of a channel: how many have more, or as much and stand before it."""
    return 1 + sum(
        other > shares[channel] + 1e-12 or (n < channel and abs(other - shares[channel]) < 1e-12)
        for n, other in enumerate(shares)
    )


@pytest.mark.parametrize("outcome", ["leads", "wins", "revenue"])
@pytest.mark.parametrize("reference", [None, "linear"])
def test_shares_ranks_and_differences_are_those_of_their_twins(
    result: at.Result, outcome: str, reference: str | None
) -> None:
    compared = at.compare(result, reference=reference, outcome=outcome)
    assert compared.outcome == outcome
    assert compared.reference == reference or (reference is None and compared.reference == "last_touch")
    assert len(compared.models) == sum(len(each.channels) for each in result.values())
    i = result["linear"].outcome_names.index(outcome)
    total = result["linear"].totals[i]
    base = result[compared.reference]
    for name, credits in result.items():
        drawn, drawn_base = (drawn_shares(result, each, i) for each in (name, compared.reference))
        shares = (credits.values[:, i] / total).tolist()
        for c, channel in enumerate(credits.channels):
            row = of_channel(compared.models, channel, model=name)
            places = [place_of(each, c) for each in drawn.tolist()]
            low, high = bounds(places)
            difference = shares[c] - base.values[c, i] / total
            expected = {
                "share": (shares[c], *bounds(drawn[:, c])),
                "rank": (place_of(shares, c), math.floor(low), math.ceil(high)),
                "difference": (difference, *bounds(drawn[:, c] - drawn_base[:, c])),
            }
            for figure, values in expected.items():
                ours = (row[figure], row[f"{figure}_low"], row[f"{figure}_high"])
                assert ours == pytest.approx(values, rel=1e-9, abs=1e-12), (name, channel, figure)
        ranks = compared.models.filter(model=name)["rank"].to_list()
        assert ranks == list(range(1, len(credits.channels) + 1))


def test_shares_and_what_is_unattributed_are_all_there_is(result: at.Result) -> None:
    for outcome in ("leads", "revenue"):
        compared = at.compare(result, outcome=outcome)
        i = result["linear"].outcome_names.index(outcome)
        for name, credits in result.items():
            rest = credits.unattributed[i] / credits.totals[i]
            assert rest > 0
            assert compared.models.filter(model=name)["share"].sum() + rest == pytest.approx(1)


def test_disagreement_is_the_widest_difference_of_two_models(result: at.Result) -> None:
    compared = at.compare(result)
    assert compared.channels["disagreement"].is_sorted(descending=True)
    drawn = np.stack([drawn_shares(result, name, 0) for name in result])
    for c, channel in enumerate(result["linear"].channels):
        row = of_channel(compared.channels, channel)
        shares = [each.values[c, 0] / each.totals[0] for each in result.values()]
        widest = [max(abs(a - b) for a, b in combinations(each, 2)) for each in drawn[:, :, c].T]
        assert (row["share_least"], row["share_most"]) == pytest.approx((min(shares), max(shares)))
        assert row["disagreement"] == pytest.approx(max(abs(a - b) for a, b in combinations(shares, 2)))
        assert (row["disagreement_low"], row["disagreement_high"]) == pytest.approx(bounds(widest))


def test_agreement_is_spearmans_correlation_and_half_the_sum_of_differences(result: at.Result) -> None:
    compared = at.compare(result)
    assert compared.agreement.select("model", "other").rows() == list(combinations(result, 2))
    for row in compared.agreement.to_dicts():
        one, other = (result[row[name]].values[:, 0] for name in ("model", "other"))
        assert row["rank_correlation"] == pytest.approx(spearmanr(one, other).statistic)
        total = result["linear"].totals[0]
        assert row["total_variation"] == pytest.approx(math.fsum(abs(one - other)) / total / 2)
        moved = drawn_shares(result, row["model"], 0) - drawn_shares(result, row["other"], 0)
        ends = (row["total_variation_low"], row["total_variation_high"])
        assert ends == pytest.approx(bounds([math.fsum(abs(each)) / 2 for each in moved]))
    assert compared.agreement["rank_correlation"].n_unique() > 3


def test_spearmans_correlation_is_that_of_scipy_where_ranks_are_tied() -> None:
    journeys = paths(("a > b", 4, 0), ("c", 2, 0), ("d", 0, 5), ("e > d", 1, 1), ("b > f", 1, 0))
    compared = at.compare(at.attribute(journeys, at.FirstTouch(), at.LastTouch(), at.Linear()))
    shares = compared.models.pivot("model", index="channel", values="share").sort("channel")
    assert any(shares[name].n_unique() < len(shares) for name in ("first_touch", "last_touch", "linear"))
    for row in compared.agreement.to_dicts():
        expected = spearmanr(shares[row["model"]], shares[row["other"]]).statistic
        assert row["rank_correlation"] == pytest.approx(expected)


def test_conversion_rates_are_conversions_of_the_journeys_that_met_the_channel(result: at.Result) -> None:
    compared = at.compare(result)
    journeys = at.stitch(*at.sample.load()[:2], lookback_days=30).table()
    met = journeys.select(pl.col("channel").cast(pl.List(pl.String)).list.unique(), "leads", "count").explode(
        "channel"
    )
    twin = met.group_by("channel").agg(pl.col("leads").sum(), pl.col("count").sum())
    drawn = result.role_replicates
    assert drawn is not None
    for c, channel in enumerate(result["linear"].channels):
        row, other = of_channel(compared.channels, channel), of_channel(twin, channel)
        assert (row["journeys"], row["conversions"]) == (other["count"], other["leads"])
        assert row["conversion_rate"] == other["leads"] / other["count"]
        ends = (row["conversion_rate_low"], row["conversion_rate_high"])
        assert ends == pytest.approx(bounds(drawn[:, c, 1] / drawn[:, c, 0]))


def test_rounding_is_no_difference_of_ranks_and_no_reason_to_differ() -> None:
    circle = paths(("a > b > c", 7, 0), ("b > c > a", 7, 0), ("c > a > b", 7, 0))
    result = at.attribute(circle, at.Linear(), at.PositionBased(), at.Markov())
    assert len({each.values.tobytes() for each in result.values()}) > 1
    compared = at.compare(result)
    assert compared.agreement["rank_correlation"].to_list() == [None] * 3
    for name in result:
        assert compared.models.filter(model=name)["channel"].to_list() == ["a", "b", "c"]
    assert all(each.endswith("the models agree on it, 33 % of all conversions")
               for each in compared.channels["reason"])  # fmt: skip


def test_the_table_has_a_row_a_model_and_channel_with_everything_of_both(result: at.Result) -> None:
    compared = at.compare(result)
    table = compared.table()
    assert len(table) == len(compared.models) == len(result) * len(result["linear"].channels)
    assert table.select(compared.models.columns).equals(compared.models)
    assert set(table.columns) == {*compared.models.columns, *compared.channels.columns}
    for row in table.to_dicts():
        assert row["reason"] == of_channel(compared.channels, row["channel"])["reason"]


def test_no_digit_depends_on_threads_or_the_order_of_the_rows() -> None:
    touchpoints, leads, _ = at.sample.load()

    def table(touched: pl.DataFrame, ended: pl.DataFrame, threads: int) -> pl.DataFrame:
        journeys = at.stitch(touched, ended, lookback_days=30)
        models = (at.Linear(), at.Markov())
        drawn = at.attribute(journeys, *models, intervals=LEVEL, replicates=100, threads=threads)
        return at.compare(drawn).table()

    touchpoints, leads = pl.DataFrame(touchpoints), pl.DataFrame(leads)
    assert table(touchpoints, leads, 1).equals(table(touchpoints.reverse(), leads.reverse(), 3))


# Apart or not: the maximum over all pairs.


def apart_by_twin(
    values: Sequence[float], drawn: Sequence[Sequence[float]], level: float
) -> list[list[bool]]:
    """Return what can be told apart: one pair after the other, one replicate after the other."""
    k = len(values)
    known = [c for c in range(k) if not any(math.isnan(x) for x in [values[c], *(row[c] for row in drawn)])]
    size = max((abs(values[c]) for c in known), default=0.0)
    spread = {}
    for a, b in combinations(known, 2):
        moved = [row[a] - row[b] for row in drawn]
        middle = sum(moved) / len(moved)
        spread[a, b] = math.sqrt(sum((x - middle) ** 2 for x in moved) / len(moved))
    largest = [
        max(
            (
                abs((row[a] - row[b]) - (values[a] - values[b])) / s
                for (a, b), s in spread.items()
                if s > 1e-12 * size
            ),
            default=0.0,
        )
        for row in drawn
    ]
    critical = float(np.quantile(largest, level))
    told = [[False] * k for _ in range(k)]
    for (a, b), s in spread.items():
        told[a][b] = told[b][a] = abs(values[a] - values[b]) > max(critical * s, 1e-12 * size)
    return told


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(0, 7),
    level=st.sampled_from([0.5, 0.9, 0.95]),
    twist=st.sampled_from(["", "nan", "tie", "constant", "unknown", "large"]),
)
def test_what_can_be_told_apart_is_what_its_twin_says(seed: int, k: int, level: float, twist: str) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 3, k)
    drawn = values + draw.normal(0, draw.gamma(1, 1, k) + 0.1, (40, k))
    if k:
        if twist == "nan":
            drawn[draw.integers(0, 40), draw.integers(0, k)] = np.nan
        elif twist == "tie":
            values[-1], drawn[:, -1] = values[0], drawn[:, 0]
        elif twist == "constant":
            drawn[:, 0] = values[0]
            drawn[:, -1] = values[-1]
        elif twist == "unknown":
            values[0] = np.nan
        elif twist == "large":
            values, drawn = values + 1e6, drawn + 1e6
    assert tell_apart(values, drawn, level).tolist() == apart_by_twin(values.tolist(), drawn.tolist(), level)


@pytest.mark.parametrize("k", [2, 8, 25])
def test_channels_that_are_equal_are_told_apart_in_as_few_runs_as_the_level_says(k: int) -> None:
    draw, told = np.random.default_rng(k), 0
    spread = np.linspace(0.5, 3, k)
    for _ in range(RUNS):
        values = draw.normal(10, spread)
        told += bool(tell_apart(values, draw.normal(values, spread, (500, k)), LEVEL).any())
    low, high = binom.ppf([0.0005, 0.9995], RUNS, 1 - LEVEL)
    assert low <= told <= high


def test_equal_channels_with_shares_that_compete_are_told_apart_as_rarely() -> None:
    draw, told, k = np.random.default_rng(5), 0, 6
    folds = 256  # as many as there are by default; with few, spreads are known less well and 5 % become 7 %
    for _ in range(RUNS):
        leads = draw.multinomial(600, np.full(k, 1 / k))
        by_fold = np.stack([draw.multinomial(each, np.full(folds, 1 / folds)) for each in leads], axis=1)
        drawn = draw.multinomial(folds, np.full(folds, 1 / folds), 300) @ by_fold
        shares = drawn / drawn.sum(axis=1, keepdims=True)
        told += bool(tell_apart(leads / 600, shares, LEVEL).any())
    assert told <= binom.ppf(0.9995, RUNS, 1 - LEVEL)
    assert told > 0


@pytest.mark.parametrize(("journeys", "rate"), [(20, 0.05), (60, 0.01), (60, 0.05), (300, 0.01)])
def test_a_rare_channel_without_conversions_is_no_false_alarm(journeys: int, rate: float) -> None:
    draw, told, careless, folds = np.random.default_rng(journeys), 0, 0, 256
    even = np.full(folds, 1 / folds)
    for _ in range(RUNS // 2):
        met = np.stack([draw.multinomial(n, even) for n in (3_000, 3_000, 3_000, journeys)], axis=1)
        converted = draw.binomial(met, rate)
        weights = draw.multinomial(folds, even, 300)
        with np.errstate(invalid="ignore"):
            drawn = (weights @ converted) / (weights @ met)
        rates = converted.sum(axis=0) / met.sum(axis=0)
        told += bool(tell_apart(rates, drawn, LEVEL, 2 / met.sum(axis=0)).any())
        careless += bool(tell_apart(rates, drawn, LEVEL).any())
    assert told <= binom.ppf(0.9995, RUNS // 2, 1 - LEVEL)
    assert careless > told


def test_nothing_in_a_few_journeys_is_no_proof_and_nothing_in_many_is() -> None:
    rows = (("often", 150, 2_850), ("as often", 160, 2_840), ("few", 0, 20), ("many", 0, 3_000))
    drawn = at.attribute(paths(*rows), at.Linear(), intervals=LEVEL, replicates=300)
    alike = dict(at.compare(drawn).channels.select("channel", "rate_alike").rows())
    assert alike == {"often": "as often, few", "as often": "few, often", "many": "few",
                     "few": "as often, many, often"}  # fmt: skip


def test_channels_that_are_far_apart_are_told_so_among_equal_ones() -> None:
    draw = np.random.default_rng(3)
    for _ in range(50):
        means = np.array([10.0] * 10 + [20.0] * 2)
        values = draw.normal(means, 0.5)
        told = tell_apart(values, draw.normal(values, 0.5, (400, 12)), LEVEL)
        assert told[:10, 10:].all()
        assert (told == told.T).all()
        assert not told.diagonal().any()


def test_looking_at_many_pairs_asks_for_more_than_looking_at_one() -> None:
    draw = np.random.default_rng(4)
    drawn = draw.normal([0.0, 3.2, *[0.0] * 40], 1, (2_000, 42))
    values = np.array([0.0, 3.2, *[0.0] * 40])
    assert tell_apart(values[:2], drawn[:, :2], LEVEL)[0, 1]
    assert not tell_apart(values, drawn, LEVEL)[0, 1]


def test_200_channels_are_looked_at_together() -> None:
    draw = np.random.default_rng(6)
    values = np.repeat([0.0, 50.0], 100)
    told = tell_apart(values, draw.normal(values, 1, (300, 200)), LEVEL)
    assert told[:100, 100:].all()
    assert told.sum() == 2 * 100 * 100


def test_one_quantity_or_none_is_apart_from_nothing() -> None:
    assert tell_apart(np.array([1.0]), np.ones((100, 1)), LEVEL).tolist() == [[False]]
    assert tell_apart(np.empty(0), np.empty((100, 0)), LEVEL).shape == (0, 0)
    assert name_alike(["a"], np.zeros((1, 1), dtype=np.bool_)) == [""]


def test_what_never_varies_is_apart_where_it_differs_by_more_than_rounding() -> None:
    values = np.array([0.1, 0.1 + 1e-16, 0.3, 0.0])
    told = tell_apart(values, np.tile(values, (100, 1)), LEVEL)
    assert told.tolist() == [[False, False, True, True]] * 2 + [
        [True, True, False, True],
        [True] * 3 + [False],
    ]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5]), max_size=6))
def test_ranks_are_places_with_ties_in_order(values: list[float]) -> None:
    expected = [place_of(values, c) for c in range(len(values))]
    assert ranked(np.array(values)).tolist() == expected
    assert ranked(np.array([values, values])).tolist() == [expected, expected]


# Roles.


def roles_of(*rows: tuple[str, float, float]) -> dict[str, list[float]]:
    """Return the counts by channel of (channels as letters, conversions, nulls)."""
    names = sorted({name for path, _, _ in rows for name in path})
    journeys = journeys_of([Row(tuple(p), c + n, (c,)) for p, c, n in rows], names, ("leads",))
    return dict(zip(names, Roles().observe(journeys).counts.tolist(), strict=True))


def test_opens_assists_and_closes_by_hand() -> None:
    found = roles_of(("abca", 3, 2), ("b", 1, 0), ("cab", 0, 7), ("cb", 5, 0))
    # journeys, conversions, opens, closes, assists
    assert {name: counts[:5] for name, counts in found.items()} == {
        "a": [12, 3, 3, 3, 0],
        "b": [18, 9, 1, 6, 3],
        "c": [17, 8, 5, 0, 3],
    }


@pytest.mark.parametrize(
    ("path", "quarters"),
    [
        ("a", {"a": (1 / 4, 1 / 2, 1 / 4)}),
        ("ab", {"a": (1 / 4, 1 / 4, 0), "b": (0, 1 / 4, 1 / 4)}),
        ("abc", {"a": (1 / 4, 1 / 12, 0), "b": (0, 1 / 3, 0), "c": (0, 1 / 12, 1 / 4)}),
        ("abcd", {"a": (1 / 4, 0, 0), "b": (0, 1 / 4, 0), "c": (0, 1 / 4, 0), "d": (0, 0, 1 / 4)}),
        (
            "abcde",
            {
                "a": (1 / 5, 0, 0),
                "b": (1 / 20, 3 / 20, 0),
                "c": (0, 1 / 5, 0),
                "d": (0, 3 / 20, 1 / 20),
                "e": (0, 0, 1 / 5),
            },
        ),
        ("aba", {"a": (1 / 4, 1 / 6, 1 / 4), "b": (0, 1 / 3, 0)}),
    ],
)
def test_quarters_of_a_journey_by_hand(path: str, quarters: dict[str, tuple[float, ...]]) -> None:
    found = roles_of((path, 2, 3))
    assert set(found) == set(quarters)
    for name, parts in quarters.items():
        assert found[name][5:8] == pytest.approx([2 * part for part in parts], abs=1e-15)


@given(st.lists(st.tuples(st.text("abc", max_size=30), st.sampled_from([0.0, 1.0, 2.5]), st.just(1.0))))
def test_the_parts_of_journeys_are_all_conversions_with_touchpoints(
    rows: list[tuple[str, float, float]],
) -> None:
    counts = np.array(list(roles_of(*rows).values())).reshape(-1, 8)
    touched = math.fsum(conversions for path, conversions, _ in rows if path)
    early, middle, late = counts[:, 5:8].sum(axis=0)
    assert (early, middle, late) == pytest.approx((touched / 4, touched / 2, touched / 4))
    assert counts[:, 2].sum() == counts[:, 3].sum() == touched
    assert (counts[:, 4] <= counts[:, 1]).all()
    assert (counts > -1e-12).all()


def test_roles_of_the_comparison_by_hand() -> None:
    journeys = paths(("ads > mail > shop", 3, 1), ("ads > shop", 1, 1), ("shop", 0, 4), ("fair", 0, 1))
    channels = at.compare(at.attribute(journeys, at.FirstTouch(), at.LastTouch())).channels
    found = {row["channel"]: row for row in channels.to_dicts()}
    names = ["opens", "assists", "closes", "first_quarter", "middle", "last_quarter", "role", "journeys"]
    assert {channel: [row[name] for name in names] for channel, row in found.items()} == {
        "ads": [1, 0, 0, pytest.approx(1 / 1.5), pytest.approx(0.5 / 1.5), 0, "opens", 6],
        "mail": [0, 1, 0, 0, pytest.approx(1), pytest.approx(0, abs=1e-15), "assists", 4],
        "shop": [0, 0, 1, 0, pytest.approx(0.5 / 1.5), pytest.approx(1 / 1.5), "closes", 10],
        "fair": [None] * 7 + [1],
    }
    alone = at.compare(at.attribute(paths(("a", 3, 1), ("a > a > a", 2, 0)), at.Linear())).channels
    assert alone["role"].to_list() == [None]
    assert found["shop"]["conversion_rate"] == 0.4
    assert found["fair"]["conversion_rate"] == 0


# Words.


@pytest.mark.parametrize(
    ("linear", "last_touch", "agree", "said"),
    [
        (0.2, 0.1, False, "linear gives it 2.0 x what last touch does"),
        (0.1, 0.2, False, "last touch gives it 2.0 x what linear does"),
        (0.2, 0.0, False, "linear gives it 20 % of all leads, last touch none"),
        (0.2, -0.1, False, "linear gives it 20 % of all leads, last touch -10 %"),
        (0.2, 0.1, True, "the models agree on it, 10 % to 20 % of all leads"),
        (0.2, 0.0, True, "the models agree on it, 0 % to 20 % of all leads"),
        (0.2, 0.2, False, "the models agree on it, 20 % of all leads"),
        (0.0, 0.0, False, "the models agree on it, 0 % of all leads"),
        (0.02, 0.02, False, "the models agree on it, 2.0 % of all leads"),
    ],
)
def test_the_sentence_of_a_channel(linear: float, last_touch: float, agree: bool, said: str) -> None:
    shares = {"linear": linear, "last_touch": last_touch}
    does = "opens 50 % of its journeys, closes 25 %: "
    assert explained(shares, 0.5, 0.25, "leads", agree) == does + said


def test_the_sentence_of_a_channel_without_conversions() -> None:
    nothing = explained({"linear": 0.0, "markov": 0.0}, None, None, "leads", False)
    assert nothing == "met no journey that converts: no model gives it anything"
    something = explained({"linear": 0.0, "markov": 0.3}, None, None, "leads", False)
    assert something == "met no journey that converts: markov gives it 30 % of all leads, linear none"


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (1, "100 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (0.0123, "1.2 %"), (-0.5, "-50 %")],
)
def test_a_share_in_percent(share: float, said: str) -> None:
    assert percent(share) == said


def test_sentences_name_the_models_with_the_most_and_the_least(result: at.Result) -> None:
    for outcome in ("leads", "revenue"):
        compared = at.compare(result, outcome=outcome)
        told = compared.channels.filter(pl.col("reason").str.contains(" x what "))
        assert len(told) > 2
        for row in told.to_dicts():
            rows = (
                compared.models.filter(channel=row["channel"])
                .sort("share")["model"]
                .str.replace_all("_", " ")
            )
            times = row["share_most"] / row["share_least"]
            said = f": {rows[-1]} gives it {times:.1f} x what {rows[0]} does"
            assert row["reason"].endswith(said)


def test_models_agree_where_their_difference_may_be_chance() -> None:
    few = paths(("a > b", 2, 50), ("b > a", 3, 50), ("a", 40, 300), ("b", 40, 300))
    drawn = at.attribute(few, at.FirstTouch(), at.LastTouch(), intervals=LEVEL, replicates=400)
    plain = at.attribute(few, at.FirstTouch(), at.LastTouch())
    assert all("the models agree on it" in each for each in at.compare(drawn).channels["reason"])
    assert not any("agree" in each for each in at.compare(plain).channels["reason"])


# The edges.


def test_the_reference_is_last_touch_or_the_first_model_or_the_one_that_is_named() -> None:
    journeys = paths(("a > b", 2, 1), ("b", 1, 0))
    three = at.attribute(journeys, at.FirstTouch(), at.LastTouch(), at.Linear())
    two = at.attribute(journeys, at.Linear(), at.FirstTouch())
    assert at.compare(three).reference == "last_touch"
    assert at.compare(two).reference == "linear"
    for result in (three, two):
        for name in result:
            compared = at.compare(result, reference=name)
            assert compared.reference == name
            assert compared.models.filter(model=name)["difference"].to_list() == [0.0, 0.0]
            assert (compared.models.filter(pl.col("model") != name)["difference"] != 0).all()


@pytest.mark.parametrize(("what", "value"), [("reference", "makov"), ("outcome", "wons"), ("reference", "")])
def test_a_model_or_outcome_that_is_not_there_is_refused(result: at.Result, what: str, value: str) -> None:
    kind = "model" if what == "reference" else "outcome"
    with pytest.raises(at.ParameterError, match=f"unknown {kind} '{value}'"):
        at.compare(result, **{what: value})


def test_credits_without_their_journeys_and_no_models_are_refused(result: at.Result) -> None:
    with pytest.raises(at.ParameterError, match=r"expected the result of at\.attribute"):
        at.compare(replace(result, roles=None))
    with pytest.raises(at.ParameterError, match="nothing to compare"):
        at.compare(replace(result, credits={}))


def test_without_replicates_there_is_no_interval_and_nothing_said_of_alike() -> None:
    compared = at.compare(at.attribute(paths(("a > b", 2, 1), ("b", 1, 0)), at.FirstTouch(), at.LastTouch()))
    for table in (compared.models, compared.channels, compared.agreement):
        ends = [name for name in table.columns if name.endswith(("_low", "_high"))]
        assert ends
        assert all(table[name].null_count() == len(table) for name in ends)
    assert compared.models["alike"].null_count() == len(compared.models)
    assert compared.channels["rate_alike"].null_count() == len(compared.channels)
    assert not compared.warnings


def test_too_few_customers_for_intervals_are_told() -> None:
    touchpoints = pl.DataFrame(
        {"customer_id": range(100), "timestamp": ["2026-03-01"] * 100, "channel": ["a", "b"] * 50}
    )
    leads = pl.DataFrame({"customer_id": range(40), "timestamp": ["2026-03-02"] * 40})
    result = at.attribute(at.stitch(touchpoints, leads), at.Linear(), intervals=LEVEL)
    compared = at.compare(result)
    assert compared.models["share"].to_list() == [0.5, 0.5]
    assert compared.models["share_low"].null_count() == compared.models["alike"].null_count() == 2
    assert len(compared.warnings) == 1
    assert "100 customers are fewer than the 256 folds" in compared.warnings[0]


def test_a_model_without_replicates_leaves_what_does_not_need_it() -> None:
    journeys = paths(("a > b", 90, 200), ("b", 60, 10), ("c", 5, 90))
    result = at.attribute(journeys, at.Linear(), at.Markov(), intervals=LEVEL, replicates=100)
    unsure = replace(result["markov"], replicates=None, unsure="no intervals: it did not converge")
    compared = at.compare(replace(result, credits={**result.credits, "markov": unsure}))
    assert compared.warnings == ("no intervals: it did not converge",)
    assert compared.models["share_low"].null_count() == len(compared.models)
    whole = at.compare(result).channels.select("channel", "conversion_rate_low", "rate_alike")
    assert compared.channels.select(whole.columns).sort("channel").equals(whole.sort("channel"))
    neither = replace(result, credits={"markov": unsure})
    assert at.compare(neither).channels["conversion_rate_low"].null_count() == 3


def refunds(revenue: Sequence[float], **how: Any) -> at.Stitched:
    """Return the journeys of customers of three channels with this revenue."""
    ids = range(len(revenue))
    touchpoints = pl.DataFrame(
        {"customer_id": ids, "timestamp": "2026-03-01", "channel": [("a", "b", "c")[n % 3] for n in ids]}
    )
    leads = pl.DataFrame({"customer_id": ids, "timestamp": "2026-03-02", "leads": 1.0, "revenue": revenue})
    return at.stitch(touchpoints, leads, **how)


@pytest.mark.parametrize("revenue", [[0.0] * 30, [1.0, -1.0] * 15, [-2.0, 1.0, 0.5] * 10])
def test_an_outcome_without_a_total_to_share_is_refused(revenue: list[float]) -> None:
    result = at.attribute(refunds(revenue), at.Linear())
    with pytest.raises(at.TableError, match=r"(?s)outcome 'revenue': a total of .* more than 0 to share"):
        at.compare(result, outcome="revenue")
    assert at.compare(result).models["share"].sum() == pytest.approx(1)


def test_draws_without_anything_to_share_have_no_shares_and_no_ranks() -> None:
    revenue = [1.0] * 34 + [-1.0] * 30
    journeys = refunds(revenue, folds=16)
    result = at.attribute(journeys, at.Linear(), at.FirstTouch(), intervals=LEVEL, replicates=400)
    replicates = result["linear"].replicates
    assert replicates is not None
    drawn = replicates.values[:, :, 1]
    sums = drawn.sum(axis=1)
    assert (sums == 0).any()
    assert (sums < 0).any()
    shares = drawn[sums > 0, :-1] / sums[sums > 0, None]
    compared = at.compare(result, outcome="revenue")
    for c, channel in enumerate("abc"):
        row = of_channel(compared.models, channel, model="linear")
        assert (row["share_low"], row["share_high"]) == pytest.approx(bounds(shares[:, c]))
        low, high = bounds([place_of(each, c) for each in shares.tolist()])
        assert (row["rank_low"], row["rank_high"]) == (math.floor(low), math.ceil(high))
        assert row["alike"] == ", ".join(name for name in "abc" if name != channel)


def test_shares_may_be_below_0_and_above_1() -> None:
    touchpoints = pl.DataFrame(
        {
            "customer_id": [1, 1, 2],
            "timestamp": ["2026-03-01", "2026-03-02", "2026-03-01"],
            "channel": list("abc"),
        }
    )
    leads = pl.DataFrame(
        {"customer_id": [1, 2], "timestamp": "2026-03-03", "leads": 1.0, "revenue": [-5.0, 20.0]}
    )
    journeys = at.stitch(touchpoints, leads)
    compared = at.compare(at.attribute(journeys, at.FirstTouch(), at.LastTouch()), outcome="revenue")
    assert of_channel(compared.models, "c", model="first_touch")["share"] == pytest.approx(4 / 3)
    assert of_channel(compared.models, "a", model="first_touch")["share"] == pytest.approx(-1 / 3)
    assert of_channel(compared.channels, "a")["reason"].endswith(
        "last touch gives it 0 % of all revenue, first touch -33 %"
    )


def test_one_model_and_one_channel_are_compared_with_nothing() -> None:
    result = at.attribute(paths(("a", 300, 300)), at.Linear(), intervals=LEVEL, replicates=100)
    compared = at.compare(result)
    assert (len(compared.models), len(compared.channels), len(compared.agreement)) == (1, 1, 0)
    (row,) = compared.table().to_dicts()
    assert (row["share"], row["rank"], row["rank_low"], row["rank_high"]) == (1, 1, 1, 1)
    assert (row["difference"], row["disagreement"], row["alike"], row["rate_alike"]) == (0, 0, "", "")
    assert compared.agreement.schema["model"] == compared.agreement.schema["other"] == pl.String


def test_one_channel_has_no_rank_correlation() -> None:
    compared = at.compare(at.attribute(paths(("a", 3, 3)), at.Linear(), at.LastTouch()))
    (row,) = compared.agreement.to_dicts()
    assert (row["rank_correlation"], row["total_variation"]) == (None, 0)


def test_a_model_that_credits_nothing_of_a_channel_ranks_it_last() -> None:
    compared = at.compare(at.attribute(paths(("a > b", 3, 3), ("c", 0, 9)), at.FirstTouch(), at.LastTouch()))
    assert of_channel(compared.models, "c", model="first_touch")["rank"] == 3
    assert of_channel(compared.models, "b", model="first_touch")["share"] == 0
    assert of_channel(compared.channels, "a")["reason"] == (
        "opens 100 % of its journeys, closes 0 %: "
        "first touch gives it 100 % of all conversions, last touch none"
    )


def test_a_channel_that_is_in_the_vocabulary_only_has_no_role_and_no_rate() -> None:
    touchpoints = pl.DataFrame(
        {
            "customer_id": range(300),
            "timestamp": ["2026-03-01"] * 299 + ["2025-03-01"],
            "channel": ["a", "b"] * 149 + ["a", "never"],
        }
    )
    leads = pl.DataFrame({"customer_id": range(300), "timestamp": "2026-03-02"})
    drawn = at.attribute(at.stitch(touchpoints, leads), at.Linear(), intervals=LEVEL, replicates=100)
    assert "never" in drawn["linear"].channels
    row = of_channel(at.compare(drawn).table(), "never")
    assert (row["share"], row["rank"], row["journeys"]) == (0, 3, 0)
    for name in ("opens", "assists", "closes", "middle", "role", "conversion_rate", "conversion_rate_low"):
        assert row[name] is None
    assert row["alike"] == ""
    assert row["rate_alike"] == "a, b"
    assert row["reason"] == "met no journey that converts: no model gives it anything"


@pytest.mark.parametrize("intervals", [None, LEVEL])
def test_no_channel_at_all_is_a_comparison_without_rows(intervals: float | None) -> None:
    touchpoints = pl.DataFrame(schema={"customer_id": pl.Int64, "timestamp": MOMENT, "channel": pl.String})
    leads = pl.DataFrame({"customer_id": range(300), "timestamp": "2026-03-02T00:00Z"})
    journeys = at.stitch(touchpoints, leads)
    compared = at.compare(
        at.attribute(journeys, at.Linear(), at.Markov(), intervals=intervals, replicates=100)
    )
    table = compared.table()
    assert len(table) == 0
    assert pl.Null not in table.dtypes
    assert {name: table.schema[name] for name in ("model", "channel", "reason")} == dict.fromkeys(
        ("model", "channel", "reason"), pl.String
    )
    assert compared.agreement["total_variation"].to_list() == [0.0]


def test_channels_that_are_named_as_our_rows_are_quoted_and_kept_apart() -> None:
    journeys = paths(("(unattributed) > b", 3, 1), ("b", 1, 1), ("(total)", 1, 1), ("", 2, 0))
    compared = at.compare(at.attribute(journeys, at.FirstTouch(), at.LastTouch()))
    table = compared.table()
    assert len(table) == 6
    assert set(table["channel"]) == {'"(unattributed)"', '"(total)"', "b"}
    row = of_channel(table, '"(unattributed)"', model="first_touch")
    assert (row["share"], row["opens"]) == (3 / 7, 1)
    assert table["share"].sum() == pytest.approx(2 * 5 / 7)


def test_totals_that_are_shared_by_removal_effects_are_compared_too() -> None:
    journeys = paths(("A", 300, 0), ("C > A", 0, 300), ("B", 10, 10))
    models = (at.Linear(), at.Markov(share="global"), at.Markov())
    compared = at.compare(at.attribute(journeys, *models, intervals=LEVEL, replicates=100))
    names = compared.models["model"].unique(maintain_order=True).to_list()
    assert len(names) == 3
    shared = [name for name in names if "global" in name]
    assert len(shared) == 1
    row = of_channel(compared.models, "C", model=shared[0])
    assert row["share"] > 0.2
    assert row["share_low"] <= row["share"] <= row["share_high"]
    assert of_channel(compared.models, "C", model="linear")["share"] == 0
    said = of_channel(compared.channels, "C")["reason"]
    assert said.startswith(f"met no journey that converts: {shared[0].replace('_', ' ')} gives it ")
    assert said.endswith(" none")


def test_100_channels_are_compared() -> None:
    draw = np.random.default_rng(0)
    names = [f"channel {n:03}" for n in range(100)]
    rows = [(" > ".join(draw.choice(names, 3)), float(draw.integers(1, 9)), 20.0) for _ in range(600)]
    result = at.attribute(paths(*rows), at.Linear(), at.FirstTouch(), intervals=LEVEL, replicates=200)
    compared = at.compare(result)
    assert len(compared.channels) == 100
    assert len(compared.table()) == 200
    ranks = compared.models.filter(model="linear")
    assert ranks["rank"].to_list() == list(range(1, 101))
    assert (ranks["rank_low"] <= ranks["rank"]).mean() > 0.9
    alike = {row["channel"]: row["alike"].split(", ") for row in ranks.to_dicts()}
    assert sum(map(len, alike.values())) > 5_000
    assert all(name in alike[other] for name, others in alike.items() for other in others)
    assert ranks["channel"][0] not in alike[ranks["channel"][99]]


# Real data.


def test_no_channel_of_null_10k_can_be_told_from_another_by_its_conversion_rate(data: Any) -> None:
    rows = pl.read_csv(data.need("null_10k/touchpoints.csv"))
    events = rows.select(
        customer_id="User ID",
        timestamp=pl.col("Timestamp"),
        channel="Channel",
        conversion=(pl.col("Conversion") == "Yes").cast(pl.Int64),
    )
    split = at.split_events(events)
    journeys = at.stitch(split.touchpoints, split.outcomes, lookback_days=30)
    compared = at.compare(at.attribute(journeys, at.Linear(), at.LastTouch(), intervals=LEVEL))
    names = compared.channels["channel"].to_list()
    assert len(names) == rows["Channel"].n_unique() > 3
    assert compared.channels["conversions"].sum() > 3_000
    for row in compared.channels.to_dicts():
        assert sorted(row["rate_alike"].split(", ")) == sorted(
            name for name in names if name != row["channel"]
        )
        assert row["conversion_rate_low"] < row["conversion_rate"] < row["conversion_rate_high"]


def test_channels_of_the_sample_can_be_told_apart_by_their_conversion_rate(result: at.Result) -> None:
    alike = dict(at.compare(result).channels.select("channel", "rate_alike").rows())
    assert "Display" not in alike["Webinar"].split(", ")
    assert "Webinar" not in alike["Display"].split(", ")
