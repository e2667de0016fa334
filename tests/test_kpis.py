"""KPIs: ratios of sums by hand, what has no value says why, and nothing that was spent or earned is lost."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import attribution as at
from attribution import Credits, Result, TableError, measure, write_table
from attribution.kpis import FIGURES as EVERY_FIGURE
from attribution.kpis import ratios_of

ROLES = {"spend", "leads", "wins", "revenue"}
OUTCOMES = ("leads", "wins", "revenue")
KPIS = ratios_of(OUTCOMES)
NAMES = {kpi.name for kpi in KPIS}
FIGURES = tuple(name for name in EVERY_FIGURE if name.removesuffix("_shrunken") in NAMES)


def credits_of(
    by_channel: Mapping[str, Sequence[float]],
    unattributed: Sequence[float] | None = None,
    names: Sequence[str] = OUTCOMES,
    model: str = "linear",
    **more: Any,
) -> Credits:
    """Return credits from a row of outcomes a channel."""
    values = np.array(list(by_channel.values()), dtype=float).reshape(len(by_channel), len(names))
    rest = np.zeros(len(names)) if unattributed is None else unattributed
    return Credits(model, tuple(by_channel), tuple(names), values, rest, **more)


def spend_of(**by_channel: float) -> pl.DataFrame:
    """Return a spend table with a row a channel."""
    return pl.DataFrame({"channel": list(by_channel), "spend": list(by_channel.values())})


def row(table: pl.DataFrame, channel: str) -> dict[str, Any]:
    """Return the one row of a channel."""
    return table.row(by_predicate=pl.col("channel") == channel, named=True)


CREDITS = credits_of(
    {"ads": [40, 10, 5_000], "mail": [20, 10, 1_000], "fairs": [0, 0, 0], "direct": [30, 0, 0]}, [10, 5, 400]
)
SPEND = spend_of(ads=800.0, mail=100.0, fairs=500.0, print=100.0)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Return the KPIs of the example."""
    return measure(CREDITS, SPEND).table()


# The dictionary.


def test_every_kpi_is_defined_once_in_known_roles() -> None:
    names = [kpi.name for kpi in KPIS]
    assert len(set(names)) == len(names)
    for kpi in KPIS:
        assert {kpi.numerator, kpi.denominator} <= set(ROLES)
        assert kpi.numerator != kpi.denominator
        assert kpi.better in ("lower", "higher")
        assert kpi.better == ("lower" if kpi.numerator == "spend" else "higher")
        assert kpi.unit in ("money", "share", "ratio")
        assert kpi.name.isidentifier()
        for part in kpi.formula.split(" / "):
            assert part.removeprefix("credited ") in ROLES
        said = tuple(part.removeprefix("credited ") for part in kpi.formula.split(" / "))
        assert said == (kpi.numerator, kpi.denominator)
        assert bool(kpi.cost_basis) == ("spend" in said)
        assert kpi.by_journey == ("spend" not in said)  # a ratio of two credits


def test_every_kpi_is_a_column_of_the_table_after_the_outcomes(table: pl.DataFrame) -> None:
    assert [kpi.name for kpi in KPIS] == [name for name in FIGURES if not name.endswith("_shrunken")]
    assert table.columns == ["model", "channel", "spend", *OUTCOMES, *FIGURES, "reason"]


# By hand.


def test_the_conversion_rate_of_150_leads_and_35_customers_is_23_percent() -> None:
    measured = measure(credits_of({"ads": [150, 35]}, names=("leads", "wins")), spend_of(ads=50.0)).table()
    assert row(measured, "ads")["win_rate"] == 35 / 150
    assert round(100 * row(measured, "(total)")["win_rate"], 1) == 23.3


def test_a_tool_of_50_used_by_ten_campaigns_is_5_each() -> None:
    campaigns = {f"campaign {n}": [1, 0, 0] for n in range(10)}
    shared = pl.DataFrame({"channel": list(campaigns), "spend": [50.0 / len(campaigns)] * 10})
    measured = measure(credits_of(campaigns), shared).table()
    assert measured.filter(pl.col("channel") != "(unattributed)")["spend"].to_list() == [5.0] * 10 + [50.0]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("ads", (800, 40, 10, 5_000, 20.0, 0.25, 80.0, 500.0, 6.25)),
        ("mail", (100, 20, 10, 1_000, 5.0, 0.5, 10.0, 100.0, 10.0)),
        ("direct", (None, 30, 0, 0, None, 0.0, None, None, None)),
        ("fairs", (500, 0, 0, 0, None, None, None, None, 0.0)),
        ("print", (100, 0, 0, 0, None, None, None, None, 0.0)),
        ("(unattributed)", (None, 10, 5, 400, None, 0.5, None, 80.0, None)),
        ("(total)", (1_500, 100, 25, 6_400, 15.0, 0.25, 60.0, 256.0, 6_400 / 1_500)),
    ],
)
def test_every_row_is_what_a_hand_computes(
    table: pl.DataFrame, channel: str, expected: tuple[float | None, ...]
) -> None:
    raw = table.drop(pl.selectors.ends_with("_shrunken"))  # see test_shrinkage.py
    assert tuple(row(raw, channel).values())[2:-1] == expected


def test_rows_are_channels_then_those_with_spend_alone_then_the_rest_and_the_total(
    table: pl.DataFrame,
) -> None:
    assert table["channel"].to_list() == [
        "ads", "direct", "mail", "fairs", "print", "(unattributed)", "(total)"
    ]  # fmt: skip


def test_the_total_is_a_ratio_of_sums_and_no_mean_of_ratios(table: pl.DataFrame) -> None:
    channels = table.filter(~pl.col("channel").is_in(["(total)"]))
    total = row(table, "(total)")
    for kpi in KPIS:
        assert total[kpi.name] == total[kpi.numerator] / total[kpi.denominator]
        assert total[kpi.name] != channels[kpi.name].mean()


def test_unattributed_leads_and_spend_without_touchpoints_are_in_the_total(table: pl.DataFrame) -> None:
    total = row(table, "(total)")
    assert total["leads"] == CREDITS.totals[0] == 100
    assert total["wins"] == CREDITS.totals[1] == 25
    assert total["spend"] == SPEND["spend"].sum() == 1_500


def test_the_win_rate_weighted_by_leads_is_the_overall_win_rate(table: pl.DataFrame) -> None:
    parts = table.filter(pl.col("channel") != "(total)").drop_nulls("win_rate")
    assert (parts["win_rate"] * parts["leads"]).sum() / parts["leads"].sum() == 0.25
    assert row(table, "(total)")["win_rate"] == 0.25


def test_what_has_no_value_says_why(table: pl.DataFrame) -> None:
    reasons = dict(table.select("channel", "reason").iter_rows())
    assert reasons["ads"] is reasons["mail"] is reasons["(total)"] is None
    assert reasons["direct"] == (
        "cost_per_lead: no spend; cost_per_win: no spend; revenue_per_win: no credited wins; "
        "return_on_spend: no spend"
    )
    assert reasons["fairs"] == (
        "cost_per_lead: no credited leads; win_rate: no credited leads; "
        "cost_per_win: no credited wins; revenue_per_win: no credited wins"
    )
    assert reasons["(unattributed)"] == (
        "cost_per_lead: no spend; cost_per_win: no spend; return_on_spend: no spend"
    )


def test_a_null_has_a_reason_and_a_value_has_none(table: pl.DataFrame) -> None:
    for each in table.iter_rows(named=True):
        told = {part.split(":")[0] for part in (each["reason"] or "").split("; ") if part}
        assert told == {kpi.name for kpi in KPIS if each[kpi.name] is None}


def test_no_number_is_nan_or_infinite(table: pl.DataFrame) -> None:
    for column in table.select(pl.selectors.float()).iter_columns():
        assert column.drop_nulls().is_finite().all()


def test_money_that_was_spent_on_nothing_returns_nothing_and_no_money_has_no_return() -> None:
    measured = measure(credits_of({"ads": [1, 1, 9]}), spend_of(ads=0.0)).table()
    assert row(measured, "ads")["cost_per_lead"] == 0.0
    assert row(measured, "ads")["return_on_spend"] is None
    assert row(measured, "ads")["reason"] == "return_on_spend: no spend"


def test_a_credit_too_small_to_divide_by_has_no_infinite_cost() -> None:
    measured = measure(credits_of({"ads": [5e-324, 5e-324, 1.0]}), spend_of(ads=100.0)).table()
    for each in measured.iter_rows(named=True):
        for kpi in KPIS:
            assert each[kpi.name] is None or math.isfinite(each[kpi.name])
            assert (each[kpi.name] is None) == (f"{kpi.name}: " in (each["reason"] or ""))


# Columns that are not there, totals that were shared.


@pytest.mark.parametrize("names", [("leads",), ("leads", "wins"), ("leads", "revenue"), ("conversions",)])
def test_a_ratio_without_its_column_is_null_and_says_so(names: tuple[str, ...]) -> None:
    measured = measure(credits_of({"ads": [4.0] * len(names)}, names=names), spend_of(ads=8.0)).table()
    ads = row(measured, "ads")
    assert ads["cost_per_lead"] == 2.0
    for kpi in KPIS:
        missing = [
            role for role in (kpi.numerator, kpi.denominator) if role not in {*names, "spend", "leads"}
        ]
        assert (ads[kpi.name] is None) == bool(missing)
        assert not missing or f"{kpi.name}: no column {missing[0]}" in ads["reason"]
    assert "wins" in measured.columns or "wins" not in names


def test_the_first_outcome_plays_the_role_of_leads_whatever_its_name() -> None:
    measured = measure(
        credits_of({"ads": [4, 40]}, names=("conversions", "revenue")), spend_of(ads=8.0)
    ).table()
    assert row(measured, "ads")["cost_per_lead"] == 2.0
    assert row(measured, "ads")["return_on_spend"] == 5.0


def test_totals_that_were_shared_have_no_win_rate_and_no_revenue_per_win() -> None:
    journeys = at.stitch(
        pl.DataFrame(
            {
                "customer_id": ["a", "a", "b"],
                "timestamp": ["2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z", "2026-03-01T08:00:00Z"],
                "channel": ["ads", "mail", "ads"],
            }
        ),
        pl.DataFrame(
            {"customer_id": ["a"], "timestamp": ["2026-03-03T08:00:00Z"], "wins": [1], "revenue": [7.0]}
        ),
    )
    result = at.attribute(journeys, at.Markov(share="global"), at.Linear())
    measured = measure(result, spend_of(ads=10.0, mail=10.0)).table()
    for each in measured.filter(pl.col("model") == "markov").iter_rows(named=True):
        assert each["win_rate"] is each["revenue_per_win"] is None
        for name in ("win_rate", "revenue_per_win"):
            assert f"{name}: totals were shared, not journeys" in each["reason"]
    shared = measured.filter(pl.col("model") == "markov", channel="ads").row(0, named=True)
    assert shared["cost_per_lead"] == 10.0 / shared["leads"]
    assert row(measured.filter(pl.col("model") == "linear"), "ads")["win_rate"] == 1.0


# Spend.


def test_channels_that_only_one_side_knows_are_listed() -> None:
    measured = measure(CREDITS, SPEND)
    assert measured.warnings == (
        "spend without touchpoints: 'print'",
        "touchpoints without spend: 'direct'",
    )
    assert not measure(credits_of({"ads": [1, 0, 0]}), spend_of(ads=1.0)).warnings


def test_names_that_look_alike_are_hinted_at() -> None:
    spend = pl.DataFrame({"channel": ["E-Mail", "print"], "spend": [1.0, 2.0]})
    first, second = measure(credits_of({"email": [1, 0, 0], "Print ads": [1, 0, 0]}), spend).warnings
    assert first == "spend without touchpoints: 'E-Mail', 'print'; 'E-Mail' and 'email' look alike"
    assert second == "touchpoints without spend: 'Print ads', 'email'"


def test_names_are_matched_trimmed_and_composed() -> None:
    spend = pl.DataFrame({"channel": ["  Cafe\u0301 ", "Caf\u00e9"], "spend": [1.0, 2.0]})
    measured = measure(credits_of({"Caf\u00e9": [1, 0, 0]}), spend)
    assert row(measured.table(), "Caf\u00e9")["spend"] == 3.0
    assert not measured.warnings


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(-1.0, "negative_spend"), (math.nan, "not_finite"), (math.inf, "not_finite"), (None, "null_number")],
)
def test_spend_that_is_no_amount_is_set_aside_and_counted(bad: float | None, reason: str) -> None:
    spend = pl.DataFrame({"channel": ["ads", "ads", "mail"], "spend": [2.0, bad, 3.0]})
    measured = measure(credits_of({"ads": [1, 0, 0]}), spend)
    assert measured.spend_rows == at.tables.RowCount(3, 2, {reason: 1})
    assert row(measured.table(), "ads")["spend"] == 2.0
    assert row(measured.table(), "(total)")["spend"] == 5.0


def test_spend_without_a_channel_is_set_aside_and_counted() -> None:
    spend = pl.DataFrame({"channel": ["ads", None, " "], "spend": [2.0, 3.0, 4.0]})
    measured = measure(credits_of({"ads": [1, 0, 0]}), spend)
    assert measured.spend_rows.set_aside == {"null_channel": 2}
    assert row(measured.table(), "(total)")["spend"] == 2.0


def test_spend_by_day_is_summed() -> None:
    spend = pl.DataFrame(
        {
            "date": ["2026-03-01", "2026-03-02", "2026-03-02", "2026-03-02"],
            "channel": ["ads", "ads", "ads", "mail"],
            "spend": [1.0, 2.0, 2.0, 4.0],
        }
    )
    credits = credits_of({"ads": [1, 0, 0], "mail": [1, 0, 0]})
    measured = measure(credits, spend, repeated_spend="sum").table()
    assert (row(measured, "ads")["spend"], row(measured, "mail")["spend"]) == (5.0, 4.0)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_spend_rows_changes_no_bit(amounts: list[float], chance: random.Random) -> None:
    rows = list(zip(itertools.cycle(["ads", "mail"]), amounts, strict=False))
    mixed = rows.copy()
    chance.shuffle(mixed)
    tables = [
        measure(CREDITS, pl.DataFrame(each, schema=["channel", "spend"], orient="row")).table()
        for each in (rows, mixed)
    ]
    assert_frame_equal(*tables, check_exact=True)
    assert row(tables[0], "(total)")["spend"] == pytest.approx(math.fsum(amounts), rel=1e-15)


def test_spend_columns_can_be_mapped() -> None:
    spend = SPEND.rename({"channel": "source", "spend": "cost"})
    mapped = measure(CREDITS, spend, columns={"channel": "source", "spend": "cost"}).table()
    assert_frame_equal(mapped, measure(CREDITS, SPEND).table())


def test_no_spend_at_all_leaves_the_ratios_of_credits() -> None:
    measured = measure(CREDITS, SPEND.clear())
    total = row(measured.table(), "(total)")
    assert (total["win_rate"], total["revenue_per_win"]) == (0.25, 256.0)
    assert total["spend"] in (0.0, None)
    assert any("no rows" in warning for warning in measured.warnings)


@pytest.mark.parametrize("name", ["(total)", "(unattributed)"])
def test_a_row_of_spend_named_as_one_of_ours_is_refused_or_told_from_it(name: str) -> None:
    spend = pl.concat([SPEND, spend_of(**{name: 1_500.0})])
    with contextlib.suppress(TableError):
        measured = measure(CREDITS, spend).table()
        assert measured["channel"].is_unique().all()
        assert row(measured, "(total)")["spend"] in (1_500.0, 3_000.0)


@pytest.mark.parametrize("name", ["(total)", "(unattributed)"])
def test_a_channel_named_as_one_of_our_rows_is_refused_or_told_from_it(name: str) -> None:
    touched = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-01T08:00:00Z"], "channel": [name]})
    ended = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-02T08:00:00Z"]})
    with contextlib.suppress(TableError):
        result = at.attribute(at.stitch(touched, ended), at.Linear())
        assert result.table()["channel"].is_unique().all()
        assert measure(result, SPEND).table()["channel"].is_unique().all()


@pytest.mark.parametrize("name", ["spend", "reason", "cost_per_lead", "channel", "model", "credited_by"])
def test_an_outcome_named_as_another_column_of_the_table_is_refused_by_name(name: str) -> None:
    with pytest.raises(at.AttributionError, match=name):
        measure(credits_of({"ads": [1, 2]}, names=("leads", name)), SPEND)


# Several models; credits from elsewhere.


def test_every_model_has_its_own_channels_rest_and_total() -> None:
    other = credits_of({"ads": [50, 10, 0], "mail": [40, 10, 0]}, [10, 5, 0], model="markov")
    measured = measure(Result({"linear": CREDITS, "markov": other}), SPEND).table()
    assert measured["model"].unique(maintain_order=True).to_list() == ["linear", "markov"]
    assert_frame_equal(measured.filter(pl.col("model") == "linear"), measure(CREDITS, SPEND).table())
    assert_frame_equal(measured.filter(pl.col("model") == "markov"), measure(other, SPEND).table())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "channel", ["ads", "Café, weekly", 'the "best"', "007", "1.50", "=1+1", "@brand", "'=x"]
)
def test_credits_from_a_file_are_the_credits_that_were_written(
    suffix: str, shared: bool, channel: str, tmp_path: Path
) -> None:
    credits = credits_of({channel: [1 / 3, 0.1, 7.5], "mail": [2 / 3, 0.2, 1e-9]}, [0.5, 0, 0])
    if shared:
        credits = credits_of(
            dict(zip(credits.channels, credits.values, strict=True)), [0.5, 0, 0], by_journey=False
        )
    path = tmp_path / f"credits.{suffix}"
    write_table(credits.table(), path)
    spend = pl.DataFrame({"channel": [channel, "print"], "spend": [1 / 7, 3.0]})
    told, direct = measure(path, spend), measure(credits, spend)
    assert_frame_equal(told.table(), direct.table(), check_exact=True)
    assert told.warnings == direct.warnings
    assert_frame_equal(measure(credits.table(), spend).table(), direct.table(), check_exact=True)


def test_intervals_and_the_run_in_a_credits_file_are_no_outcomes_and_give_no_intervals() -> None:
    credits = CREDITS.table().with_columns(leads_low=pl.lit(1.0), leads_high=pl.lit(2.0), run_id=pl.lit("x"))
    told, direct = measure(credits, SPEND).table(), measure(CREDITS, SPEND).table()
    assert_frame_equal(told.select(direct.columns[:-1]), direct.drop("reason"))
    ends = told.select(pl.selectors.ends_with("_low", "_high"))
    assert ends.width == 2 * (len(CREDITS.outcome_names) + len(KPIS))
    assert ends.null_count().sum_horizontal().item() == ends.width * len(told)
    why = "no intervals: a credits file has no replicates; measure the result itself"
    assert told["reason"].str.ends_with(why).all()


def test_a_credits_table_without_an_outcome_is_refused() -> None:
    with pytest.raises(TableError, match="no outcome column"):
        measure(CREDITS.table().select("model", "channel", "credited_by"), SPEND)


@pytest.mark.parametrize(
    ("column", "bad", "reason"),
    [("leads", "x", "bad_number"), ("leads", "NaN", "not_finite"), ("channel", None, "null_channel")],
)
def test_a_credits_table_with_rows_that_are_no_credits_is_refused_with_their_numbers(
    column: str, bad: str | None, reason: str
) -> None:
    credits = CREDITS.table().cast(pl.String).with_row_index("n")
    broken = credits.with_columns(pl.when(pl.col("n") == 2).then(pl.lit(bad)).otherwise(column).alias(column))
    with pytest.raises(TableError) as caught:
        measure(broken.drop("n"), SPEND)
    assert reason in str(caught.value)
    assert "for example: row 2\n" in str(caught.value)


def test_a_credits_table_without_its_columns_is_refused_with_the_closest() -> None:
    with pytest.raises(TableError, match="did you mean 'Model'"):
        measure(CREDITS.table().rename({"model": "Model"}), SPEND)


# Laws.

AMOUNTS = st.integers(0, 10**9).map(lambda cents: cents / 100)
SHARES = st.integers(0, 1_000).map(lambda share: share / 1_000)
ROWS = st.tuples(AMOUNTS, SHARES, AMOUNTS, st.none() | AMOUNTS)


@given(st.lists(ROWS, max_size=6), AMOUNTS, SHARES, AMOUNTS)
def test_ratios_times_their_denominators_are_their_numerators(
    rows: list[tuple[float, float, float, float | None]], rest: float, rate: float, unmatched: float
) -> None:
    by_channel = {
        f"channel {n}": (leads, leads * won, worth) for n, (leads, won, worth, _) in enumerate(rows)
    }
    amounts = {f"channel {n}": spent for n, (*_, spent) in enumerate(rows) if spent is not None}
    spend = pl.DataFrame(
        {"channel": [*amounts, "print"], "spend": [*amounts.values(), unmatched]},
        schema={"channel": pl.String, "spend": pl.Float64},
    )
    table = measure(credits_of(by_channel, [rest, rest * rate, 0.0]), spend).table()
    for each in table.iter_rows(named=True):
        for kpi in KPIS:
            if each[kpi.name] is None:
                assert each["spend"] is None or not each[kpi.denominator]
                assert f"{kpi.name}: " in each["reason"]
            else:
                assert each[kpi.name] * each[kpi.denominator] == pytest.approx(each[kpi.numerator], rel=1e-12)
        assert each["win_rate"] is None or 0 <= each["win_rate"] <= 1
    parts, total = table.filter(pl.col("channel") != "(total)"), row(table, "(total)")
    for name in ("spend", *OUTCOMES):
        assert math.fsum(parts[name].drop_nulls()) == total[name]
    if total["leads"]:
        weighted = math.fsum(
            share * leads
            for share, leads in parts.select("win_rate", "leads").iter_rows()
            if share is not None
        )
        assert weighted / total["leads"] == pytest.approx(total["win_rate"], rel=1e-12)
        assert total["cost_per_lead"] == pytest.approx(total["spend"] / total["leads"], rel=1e-15)
