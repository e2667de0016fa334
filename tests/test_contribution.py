"""Contribution: volume, mix and rate add up to the change, by cell and in total."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_trends import CELLS, DRAWN, OUTCOMES, by_fold, made

from attribution import ConvergenceError, ParameterError
from attribution.kpis import Measured
from attribution.kpis.periods.contribution import contribution

BEFORE, NOW = date(2026, 1, 1), date(2026, 3, 1)
SUMS, RATIOS = ("wins", "spend", "revenue"), ("win_rate", "cost_per_lead")
PARTS = ["volume", "mix", "rate"]


def two(cells: dict[str, tuple[Sequence[float | None], Sequence[float | None]]]) -> Measured:
    """Return what was measured by channel in two months: leads, wins, spend; an empty one was not met."""
    rows = [
        {
            "channel": channel,
            "month": month,
            "leads": leads,
            "wins": wins,
            "spend": spend,
            "revenue": wins * 7.0,
        }
        for channel, pair in cells.items()
        for month, values in zip((BEFORE, NOW), pair, strict=True)
        if values
        for leads, wins, spend in [values]
    ]
    return made(rows, ["channel", "month"])


def asked(measured: Measured, of: str, **more: Any) -> pl.DataFrame:
    """Return the contributions between January and March."""
    return contribution(measured, **({"before": BEFORE, "now": NOW} | more), of=of)


def row(table: pl.DataFrame, channel: str, *names: str) -> list[float | None]:
    """Return figures of a channel: by default change, volume, mix, rate."""
    return list(table.filter(channel=channel).select(names or ["change", *PARTS]).row(0))


# 32 leads become 64: Ads keeps 16, Mail goes from 16 to 48; Ads wins 1/4 instead of 1/2, Mail still 1/4.
HAND = two({"Ads": ((16, 8, 32.0), (16, 4, 64.0)), "Mail": ((16, 4, 16.0), (48, 12, 48.0))})


def test_wins_come_from_volume_mix_and_rate() -> None:
    table = asked(HAND, "wins")
    assert table.columns == [
        "model",
        "channel",
        "of",
        "before",
        "now",
        "change",
        *PARTS,
        "contribution",
        "reason",
    ]
    assert row(table, "Ads") == [-4, 8, -8, -4]
    assert row(table, "Mail") == [8, 4, 4, 0]
    assert row(table, "(total)") == [4, 12, -4, -4]
    assert row(table, "(total)", "before", "now", "contribution") == [12, 16, 4]
    assert table["channel"].to_list() == ["Ads", "Mail", "(total)"]
    assert table["reason"].null_count() == 3


def test_spend_comes_from_volume_mix_and_price() -> None:
    table = asked(HAND, "spend")
    assert row(table, "Ads") == [32, 32, -32, 32]
    assert row(table, "Mail") == [32, 16, 16, 0]
    assert row(table, "(total)") == [64, 48, -16, 32]


def test_revenue_is_taken_apart_as_wins_are() -> None:
    assert row(asked(HAND, "revenue"), "(total)") == [28, 84, -28, -28]


def test_a_win_rate_has_mix_and_rate_and_what_each_cell_adds() -> None:
    table = asked(HAND, "win_rate")
    # Overall 12/32 = 3/8 before, of which Ads is 1/8 above and Mail 1/8 below.
    assert row(table, "Ads", "before", "now", "change") == [0.5, 0.25, -0.25]
    assert row(table, "Ads", *PARTS, "contribution") == [0, -1 / 32, -1 / 16, -3 / 32]
    assert row(table, "Mail", "change", *PARTS, "contribution") == [0, 0, -1 / 32, 0, -1 / 32]
    assert row(table, "(total)", "before", "now") == [3 / 8, 1 / 4]
    assert row(table, "(total)", "change", *PARTS, "contribution") == [-1 / 8, 0, -1 / 16, -1 / 16, -1 / 8]


def test_a_cost_per_lead_has_mix_and_price() -> None:
    table = asked(HAND, "cost_per_lead")
    assert row(table, "Ads", "before", "now", "contribution") == [2, 4, -1 / 8 + 1 / 2]
    assert row(table, "(total)", "before", "now") == [48 / 32, 112 / 64]
    assert row(table, "(total)") == [1 / 4, 0, -1 / 4, 1 / 2]


def test_a_cell_without_leads_before_takes_its_rate_from_now() -> None:
    measured = two({"Ads": ((8, 4, 8.0), (8, 4, 8.0)), "New": ((), (8, 2, 4.0))})
    assert row(asked(measured, "wins"), "New") == [2, 0, 2, 0]
    assert row(asked(measured, "wins"), "Ads") == [0, 4, -4, 0]
    rates = asked(measured, "win_rate")
    assert row(rates, "New", "before", "now", "change") == [None, 0.25, None]
    assert row(rates, "New", "mix", "rate", "contribution") == [-1 / 8, 0, -1 / 8]
    assert rates["reason"].to_list() == [None, "no credited leads in one of the periods", None]


def test_a_cell_that_left_takes_its_rate_from_before() -> None:
    measured = two({"Ads": ((8, 4, 8.0), (16, 8, 8.0)), "Old": ((8, 2, 4.0), ())})
    assert row(asked(measured, "wins"), "Old") == [-2, 0, -2, 0]
    assert row(asked(measured, "wins"), "(total)") == [2, 0, 2, 0]
    assert row(asked(measured, "win_rate"), "Old", "mix", "rate") == [1 / 16, 0]


def test_spend_that_brought_no_lead_is_price() -> None:
    measured = two({"Ads": ((8, 4, 8.0), (8, 4, 8.0)), "Posters": ((0, 0, 5.0), (0, 0, 9.0))})
    assert row(asked(measured, "spend"), "Posters") == [4, 0, 0, 4]
    rates = asked(measured, "cost_per_lead")
    assert row(rates, "Posters", "before", "now", "mix", "rate") == [None, None, 0, 0.5]
    assert row(rates, "(total)", "before", "now", "contribution") == [13 / 8, 17 / 8, 0.5]
    stopped = two({"Ads": ((8, 4, 8.0), (8, 4, 8.0)), "TV": ((8, 4, 8.0), (0, 0, 3.0))})
    assert row(asked(stopped, "spend"), "TV") == [-5, -4, -4, 3]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((), (8, 4, 8.0), [4, 4, 0, 0]),
        ((8, 4, 8.0), (), [-4, -4, 0, 0]),
        ((0, 0, 3.0), (0, 0, 5.0), [0, 0, 0, 0]),
    ],
)
def test_a_period_without_any_lead_is_all_volume_and_has_no_ratio(
    before: Any, now: Any, expected: list[float]
) -> None:
    measured = two({"Ads": (before, now), "Mail": ((0, 0, 1.0), (0, 0, 1.0))})
    assert row(asked(measured, "wins"), "(total)") == expected
    (total,) = asked(measured, "win_rate").filter(channel="(total)").to_dicts()
    assert [total[name] for name in ("change", *PARTS, "contribution")] == [None] * 5
    assert total["reason"] == "no credited leads in one of the periods"


def test_unknown_spend_is_nothing_beside_known_spend_and_null_alone() -> None:
    measured = two({"Ads": ((8, 4, 8.0), (8, 4, 9.0)), "(unattributed)": ((8, 4, None), (8, 4, None))})
    assert row(asked(measured, "spend"), "(unattributed)") == [0, 0, 0, 0]
    assert row(asked(measured, "spend"), "(total)") == [1, 0, 0, 1]
    assert row(asked(measured, "cost_per_lead"), "(total)", "before") == [0.5]
    alone = two({"Ads": ((8, 4, None), (8, 4, None))})
    table = asked(alone, "spend")
    assert row(table, "(total)") == [None] * 4
    assert table["reason"].to_list() == ["spend: no spend"] * 2


def test_by_a_period_alone_there_is_no_mix() -> None:
    rows = [{"month": BEFORE, "leads": 8.0, "wins": 4.0}, {"month": NOW, "leads": 16.0, "wins": 4.0}]
    table = asked(made(rows, ["month"]), "wins")
    assert table.select("change", *PARTS).rows() == [(0, 4, 0, -4)]


def test_any_day_of_a_period_names_it() -> None:
    later = contribution(HAND, before=date(2026, 1, 31), now=date(2026, 3, 17))
    assert later.equals(asked(HAND, "wins"))
    (gap,) = contribution(HAND, before=date(2026, 2, 3), now=NOW).filter(channel="(total)").to_dicts()
    assert (gap["before"], gap["now"], gap["volume"]) == (0, 16, 16)


# Laws and twin.


def random_cells(seed: int) -> dict[str, Any]:
    """Return cells of which some lack a period, leads, or spend."""
    draws = np.random.default_rng(seed)

    def values() -> tuple[float | None, ...]:
        if draws.random() < 0.2:
            return ()
        leads = draws.gamma(1.0, 20.0) * (draws.random() < 0.85)
        spend = None if draws.random() < 0.2 else draws.gamma(1.0, 500.0)
        return (leads, leads * draws.random(), spend)

    return {"abcdefgh"[i]: (values(), values()) for i in range(8)} | {"z": ((1, 0, 1.0), (1, 0, 1.0))}


def twin(cells: dict[str, Any], of: str) -> dict[str, tuple[float, float, float]]:
    """Return volume, mix and rate of each cell, plainly."""
    pairs = {
        name: [tuple(v or 0.0 for v in each) or (0.0, 0.0, 0.0) for each in pair]
        for name, pair in cells.items()
    }
    column = {"wins": 1, "win_rate": 1, "revenue": 1, "spend": 2, "cost_per_lead": 2}[of]
    times = 7.0 if of == "revenue" else 1.0
    total = [sum(pair[t][0] for pair in pairs.values()) for t in (0, 1)]
    everything = [times * sum(pair[t][column] for pair in pairs.values()) for t in (0, 1)]
    found = {}
    for name, ((l0, *rest0), (l1, *rest1)) in pairs.items():
        n0, n1 = times * rest0[column - 1], times * rest1[column - 1]
        if of in RATIOS:
            share0, share1, size0, size1 = l0 / total[0], l1 / total[1], 1.0, 1.0
            n0, n1, against = n0 / total[0], n1 / total[1], everything[0] / total[0]
        else:
            share0, share1, size0, size1, against = l0 / total[0], l1 / total[1], total[0], total[1], 0.0
        if l0 > 0 or l1 > 0:
            old = n0 / (size0 * share0) if l0 > 0 else n1 / (size1 * share1)
            volume = (size1 - size0) * share0 * old
            mix = size1 * (share1 - share0) * (old - against)
            found[name] = (volume, mix, n1 - n0 - volume - size1 * (share1 - share0) * old)
        else:
            found[name] = (0.0, 0.0, n1 - n0)
    return found


@pytest.mark.parametrize("of", [*SUMS, *RATIOS])
@pytest.mark.parametrize("seed", range(8))
def test_parts_are_those_of_the_twin_and_add_up(seed: int, of: str) -> None:
    cells = random_cells(seed)
    table = asked(two(cells), of)
    parts, total = table[:-1], table.row(-1, named=True)
    expected = twin({name: pair for name, pair in cells.items() if any(pair)}, of)
    size = max(
        abs(total["before"]), abs(total["now"]), *(abs(each) for row in expected.values() for each in row)
    )
    assert parts["channel"].to_list() == sorted(expected)
    for name, *found in parts.select("channel", *PARTS).iter_rows():
        assert found == pytest.approx(expected[name], abs=1e-12 * size), name
    for name in (*PARTS, "contribution"):
        assert total[name] == pytest.approx(parts[name].sum(), abs=1e-12 * size)
    assert total["contribution"] == pytest.approx(total["now"] - total["before"], abs=1e-12 * size)
    summed = parts.select(pl.sum_horizontal(PARTS)).to_series()
    assert summed.to_list() == pytest.approx(parts["contribution"].to_list(), abs=1e-12 * size)
    if of in SUMS:
        assert parts["contribution"].equals(parts["change"].alias("contribution"))
        assert parts["change"].equals((parts["now"] - parts["before"]).alias("change"))
    else:
        assert set(table["volume"]) == {0.0}
        moved = max(abs(each[1]) + abs(each[2]) for each in expected.values())
        assert moved > 0.01 * size


@pytest.mark.parametrize("of", [*SUMS, *RATIOS])
def test_the_order_of_the_rows_changes_no_bit(of: str) -> None:
    cells = random_cells(1)
    mixed = dict(reversed(list(cells.items())))
    assert asked(two(cells), of).equals(asked(two(mixed), of))


# Intervals.

DAYS = {"before": CELLS[0][1], "now": CELLS[1][1]}
FIGURES = ["change", *PARTS, "contribution"]


@pytest.mark.parametrize("of", [*SUMS, *RATIOS])
def test_parts_have_the_quantiles_of_their_replicates(of: str) -> None:
    measured, sums = by_fold(["channel", "month"], CELLS, np.array([90.0, 120.0, 300.0, 200.0]), seed=1)
    table = asked(measured, of, **DAYS)
    drawn = {cell: DRAWN.weights(64) @ values for cell, values in sums.items()}
    replicates = []
    for r in range(DRAWN.replicates):
        cells = {
            name: tuple((drawn[name, day][r, 0], drawn[name, day][r, 1], 50.0) for day in DAYS.values())
            for name in ("Ads", "Mail")
        }
        found = twin(cells, of)
        total = tuple(np.sum([*found.values()], axis=0))
        replicates.append([*found["Ads"], *found["Mail"], *total])
    if of == "revenue":
        replicates = [[each / 7 * 100 for each in row] for row in replicates]  # 100 a win there, 7 here
    ends = np.quantile(replicates, [0.05, 0.95], axis=0).T.reshape(3, 3, 2)
    for found, expected in zip(table.iter_rows(named=True), ends, strict=True):
        for part, (low, high) in zip(PARTS, expected, strict=True):
            if low == high:
                assert (found[f"{part}_low"], found[f"{part}_high"]) == (None, None)
            else:
                assert [found[f"{part}_low"], found[f"{part}_high"]] == pytest.approx([low, high], rel=1e-7)
                assert found[f"{part}_low"] < found[part] < found[f"{part}_high"]
    certain = {"spend": {"change", "contribution"}}.get(of, {"volume"} if of in RATIOS else set())
    for name in FIGURES:
        assert table[f"{name}_low"].null_count() == (3 if name in certain else 0), name
    assert table["reason"].null_count() == 3


def test_intervals_of_parts_hold_the_truth_as_often_as_they_say() -> None:
    # Ads 100 -> 200, Mail 100 -> 100 leads, 40 % won.
    mix = 300 * (2 / 3 - 1 / 2) * 0.4
    truth = {"change": (40.0, 0.0, 40.0), "volume": (20.0, 20.0, 40.0), "rate": (0.0, 0.0, 0.0)}
    truth["mix"] = (mix, -mix, None)  # with equal rates that in sum is nothing but noise
    held = {(name, i): 0 for name, values in truth.items() for i in range(3) if values[i] is not None}
    for seed in range(80):
        measured, _ = by_fold(
            ["channel", "month"], CELLS, np.array([100.0, 200.0, 100.0, 100.0]), 2000 + seed
        )
        table = asked(measured, "wins", **DAYS)
        for name, i in held:
            held[name, i] += table[f"{name}_low"][i] <= truth[name][i] <= table[f"{name}_high"][i]
    # 0.9 of 80 with a standard error of 2.7; four of them down.
    assert all(61 <= number <= 80 for number in held.values()), held


def test_without_replicates_the_ends_are_null_for_the_reason_given() -> None:
    rows = [{"month": BEFORE, "leads": 8.0}, {"month": NOW, "leads": 16.0}]
    table = asked(made(rows, ["month"], replicated="no intervals: too few"), "wins")
    ends = table.select(pl.selectors.ends_with("_low", "_high"))
    assert (ends.width, set(ends.null_count().row(0))) == (10, {1})
    assert table["reason"].to_list() == ["no intervals: too few"]
    assert not asked(made(rows, ["month"]), "wins").select(pl.selectors.ends_with("_low")).width


# What cannot be.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"of": "win"},
            "unknown quantity 'win'; did you mean 'wins'.; known: wins, spend, revenue, win_rate",
        ),
        ({"of": "leads"}, "unknown quantity 'leads'"),
        ({"before": NOW}, "'before': got .* a day in a month before that of 2026-03-01"),
        ({"before": date(2026, 3, 9)}, "'before'"),
        (
            {"now": date(2026, 4, 1)},
            "'now': got .* one of the months that begin from 2026-01-01 to 2026-03-01",
        ),
        ({"before": date(2025, 12, 31)}, "'before': got .* one of the months"),
        ({"now": "2026-03-01"}, "'now': got '2026-03-01'"),
        ({"now": datetime(2026, 3, 1)}, "'now'"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        contribution(HAND, **({"before": BEFORE, "now": NOW} | change))


def test_dimensions_that_cannot_be_are_refused() -> None:
    days = {"before": BEFORE, "now": NOW}
    with pytest.raises(ParameterError, match="one period among them"):
        contribution(made([{"channel": "Ads"}], ["channel"]), **days)
    with pytest.raises(ParameterError, match="'by': got 'mix'"):
        contribution(made([{"mix": "a", "month": NOW}], ["mix", "month"]), **days)
    with pytest.raises(ParameterError, match="unknown quantity 'wins'; known: spend, cost_per_lead"):
        contribution(made([{"month": NOW}], ["month"], OUTCOMES[:1]), **days)
    with pytest.raises(ConvergenceError, match="nothing was measured"):
        contribution(made([{"touchpoint_day": None}], ["touchpoint_day"]), **days)
