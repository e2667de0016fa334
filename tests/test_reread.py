"""Journeys tables: what was written comes back as the same journeys, and credits have the same bits."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import attribution as at

START = datetime(2026, 1, 1, tzinfo=UTC)


KINDS: Mapping[str, Any] = {
    "integers": int,
    "text": "customer {}".format,
    "both": lambda number: str(number) if number % 2 else f"customer {number}",
}


@cache
def stitch(kind: str = "integers", size: int = 250) -> at.Stitched:
    """Return journeys with ties, several outcomes a customer, values, and some unattributed."""
    lot, customer = random.Random(size), KINDS[kind]

    def rows(count: int, days: int) -> tuple[list[Any], list[datetime]]:
        times = [START + timedelta(days=lot.randrange(days)) for _ in range(count)]
        return [customer(lot.randrange(size)) for _ in times], times

    ids, times = rows(4 * size, 60)
    channels = [lot.choice(["ads", "mail", "Direct", "search"]) for _ in ids]
    touchpoints = pl.DataFrame({"customer_id": ids, "timestamp": times, "channel": channels})
    ids, times = rows(size, 70)
    wins = [lot.randrange(2) for _ in ids]
    revenue = [lot.randrange(-3, 9) / 7 * won for won in wins]
    outcomes = pl.DataFrame({"customer_id": ids, "timestamp": times, "wins": wins, "revenue": revenue})
    return at.stitch(touchpoints, outcomes, lookback_days=20)


@cache
def credited(kind: str = "integers") -> at.Result:
    return at.attribute(stitch(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [None, 1])
def test_a_table_that_was_written_gives_bit_equal_credits_in_any_order_of_rows(
    kind: str, seed: int | None, tmp_path: Path
) -> None:
    journeys = stitch(kind)
    assert journeys.report.unattributed
    table = journeys.table()
    written = table if seed is None else table.sample(fraction=1, shuffle=True, seed=seed)
    at.write_table(written, tmp_path / "journeys.parquet")
    reread = at.from_journeys(tmp_path / "journeys.parquet")
    assert reread.channels == journeys.channels
    assert reread.outcome_names == journeys.outcome_names == ("leads", "wins", "revenue")
    assert reread.table().equals(table)
    assert at.attribute(reread).table().equals(credited(kind).table())


def test_the_sample_comes_back_bit_equal(tmp_path: Path) -> None:
    sample = at.sample.load()
    journeys = at.stitch(sample.touchpoints, sample.leads)
    at.write_table(journeys.table(), tmp_path / "journeys.parquet")
    reread = at.from_journeys(tmp_path / "journeys.parquet")
    assert at.attribute(reread).table().equals(at.attribute(journeys).table())
    for what in ("journeys", "converting_journeys", "null_journeys"):
        assert reread.report.notes[what] == journeys.report.notes[what]
    assert reread.report.tables["journeys"].read == len(journeys.table())


def test_more_than_nine_journeys_of_a_customer_at_one_instant_stay_in_order() -> None:
    touchpoints = pl.DataFrame({"customer_id": ["c"], "timestamp": [START], "channel": ["ads"]})
    values = [float(n) / 3 for n in range(25)]
    outcomes = pl.DataFrame({"customer_id": ["c"] * 25, "timestamp": [START] * 25, "revenue": values})
    table = at.stitch(touchpoints, outcomes).table()
    assert at.from_journeys(table.sample(fraction=1, shuffle=True, seed=1)).table().equals(table)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return stitch().table()


def test_without_ages_the_models_that_need_them_are_left_out(table: pl.DataFrame) -> None:
    ours = at.from_journeys(table.drop("age_days"))
    assert not ours.has_ages
    assert set(at.attribute(ours)) == {name for name, model in at.MODELS.items() if not model.needs_ages}
    with pytest.raises(at.ParameterError, match="'time_decay' needs the ages"):
        at.attribute(ours, at.TimeDecay())
    others = [model() for model in at.MODELS.values() if not model.needs_ages]
    for name, each in at.attribute(ours, *others).items():
        assert each.table().equals(credited()[name].table()), name


@pytest.mark.parametrize("missing", ["customer_id", "ends_at", "converted", "count"])
def test_columns_that_are_not_needed_may_be_absent(table: pl.DataFrame, missing: str) -> None:
    ours = at.from_journeys(table.drop(missing))
    result, expected = at.attribute(ours), credited()
    assert set(result) == set(expected)
    for name, each in result.items():  # in another order of customers, where their ids are those of journeys
        assert each.values.ravel().tolist() == pytest.approx(
            expected[name].values.ravel().tolist(), rel=1e-12, abs=1e-12
        ), name


def test_without_customers_a_journey_stands_for_itself(table: pl.DataFrame) -> None:
    ours = at.from_journeys(table.drop("customer_id")).table()
    assert ours["customer_id"].null_count() == len(table)
    assert sorted(ours["journey_id"]) == sorted(table["journey_id"])
    shuffled = table.drop("customer_id").sample(fraction=1, shuffle=True, seed=3)
    assert at.from_journeys(shuffled).table().equals(ours)


@pytest.mark.parametrize("missing", ["journey_id", "channel"])
def test_columns_that_are_needed_are_missed_by_name(table: pl.DataFrame, missing: str) -> None:
    with pytest.raises(at.TableError, match=f"'{missing}'"):
        at.from_journeys(table.drop(missing))


def test_a_table_without_outcomes_is_an_error(table: pl.DataFrame) -> None:
    with pytest.raises(at.TableError, match="no outcome column"):
        at.from_journeys(table.drop("leads", "wins", "revenue"))


def test_the_outcomes_can_be_chosen(table: pl.DataFrame) -> None:
    ours = at.from_journeys(table, outcome_names=["wins", "leads"])
    assert ours.outcome_names == ("wins", "leads")
    assert at.attribute(ours, at.Linear())["linear"].totals[0] == pytest.approx(
        table["wins"].sum(), rel=1e-12
    )


def test_columns_can_be_mapped(table: pl.DataFrame) -> None:
    names = {"journey_id": "id", "customer_id": "who", "channel": "path", "age_days": "ages", "count": "n"}
    ours = at.from_journeys(table.rename(names), columns=names)
    assert ours.table().equals(table)


def one(channel: Any = ("ads", "mail"), age: Any = (1.0, 0.5), **more: Any) -> pl.DataFrame:
    """Return a table of one plain journey, and one with the given lists."""
    plain = {
        "journey_id": "a/1",
        "customer_id": "a",
        "channel": ["ads"],
        "age_days": [0.0],
        "leads": 1.0,
        "count": 1.0,
    }
    given = {
        "journey_id": "b/1",
        "customer_id": "b",
        "channel": channel,
        "age_days": age,
        "leads": 1.0,
        "count": 1.0,
    }
    schema = {"channel": pl.List(pl.String), "age_days": pl.List(pl.Float64)}
    rows = [plain, given | more]
    return pl.DataFrame(
        {name: pl.Series([row[name] for row in rows], dtype=schema.get(name)) for name in plain}
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"age": [1.0]}, "ages_do_not_match"),
        ({"age": []}, "ages_do_not_match"),
        ({"channel": []}, "ages_do_not_match"),
        ({"channel": None}, "null_channel"),
        ({"channel": ["ads", None]}, "null_channel"),
        ({"channel": ["ads", " "]}, "null_channel"),
        ({"count": -1.0}, "negative_count"),
        ({"count": math.nan}, "not_finite"),
        ({"leads": math.inf}, "not_finite"),
        ({"journey_id": None}, "null_user"),
        ({"channel": ["ads", "ma\x1bil"]}, "control_char"),
    ],
    ids=str,
)
def test_rows_that_are_no_journeys_are_set_aside_with_a_reason(row: dict[str, Any], reason: str) -> None:
    ours = at.from_journeys(one(**row))
    rows = ours.report.tables["journeys"]
    assert (rows.read, rows.used, dict(rows.set_aside)) == (2, 1, {reason: 1})
    for name, each in at.attribute(ours, at.Linear(), at.Markov()).items():
        assert each.totals.tolist() == [1.0], name


@pytest.mark.parametrize(
    "ages", [[1.0, None], [1.0, math.nan], [math.inf, 0.0], [math.inf, math.inf]], ids=str
)
def test_ages_that_are_no_numbers_never_reach_a_credit(ages: list[Any]) -> None:
    ours = at.from_journeys(one(age=ages))
    rows = ours.report.tables["journeys"]
    assert (rows.read, rows.used, sum(rows.set_aside.values())) == (2, 1, 1)
    assert at.attribute(ours, at.TimeDecay())["time_decay"].totals.tolist() == [1.0]


@pytest.mark.parametrize("leads", [-3.0, 3.0], ids=["fewer than none", "more than there are journeys"])
def test_an_impossible_number_of_conversions_makes_no_impossible_probability(leads: float) -> None:
    result = at.attribute(at.from_journeys(one(leads=leads)), at.Markov())
    assert 0.0 <= result["markov"].details.base_probability <= 1.0


@pytest.mark.parametrize("column", ["channel", "age_days"])
def test_lists_as_text_are_refused_with_a_way_out(column: str) -> None:
    with pytest.raises(at.TableError, match=f"'{column}'") as error:
        at.from_journeys(one().with_columns(pl.lit("ads > mail").alias(column)))
    assert "Parquet" in str(error.value)


def test_lists_of_text_are_no_ages() -> None:
    table = one().with_columns(age_days=pl.Series([["young"], ["old", "young"]]))
    with pytest.raises(at.TableError, match="age_days"):
        at.attribute(at.from_journeys(table))


def test_a_journeys_file_as_csv_is_refused_with_a_way_out(table: pl.DataFrame, tmp_path: Path) -> None:
    at.write_table(table, tmp_path / "journeys.csv")
    with pytest.raises(at.TableError, match="Parquet"):
        at.from_journeys(tmp_path / "journeys.csv")


@pytest.mark.parametrize("column", ["ends_at", "age_days"])
def test_a_column_that_some_rows_lack_is_lacking_in_the_table(table: pl.DataFrame, column: str) -> None:
    gappy = table.with_columns(pl.when(pl.int_range(pl.len()) % 3 > 0).then(column).alias(column))
    ours = at.from_journeys(gappy)
    assert len(ours.table()) == len(table)
    assert at.attribute(ours, at.Linear())["linear"].totals[0] == pytest.approx(
        table["leads"].sum(), rel=1e-12
    )


def test_no_journeys_are_zero_credits(table: pl.DataFrame) -> None:
    ours = at.from_journeys(table.head(0))
    assert len(ours.table()) == 0
    assert any("no rows" in line for line in ours.report.warnings)
    for name, each in at.attribute(ours).items():
        assert not each.totals.any(), name


def test_names_are_normalised_and_those_that_look_alike_reported() -> None:
    ours = at.from_journeys(one(channel=[" Ads ", "e\u0301"]))
    assert ours.channels == ("Ads", "ads", "\u00e9")
    assert any("'Ads', 'ads'" in line for line in ours.report.warnings)


def test_grouped_journeys_count_as_often_as_they_say() -> None:
    ours = at.from_journeys(one(count=10.0, leads=4.0))
    result = at.attribute(ours, at.FirstTouch(), at.Markov())
    assert result["first_touch"].values.tolist() == [[5.0], [0.0]]
    assert result["markov"].details.base_probability == pytest.approx(5 / 11, rel=1e-12)


def test_conversions_without_touchpoints_are_unattributed() -> None:
    ours = at.from_journeys(one(channel=[], age=[]))
    assert ours.report.unattributed == {"no_touchpoints": 1}
    for name, each in at.attribute(ours).items():
        assert each.unattributed.tolist() == [1.0], name
