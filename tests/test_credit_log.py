"""The credit log: every breakdown is a sum of it, and plain Python over the tables says the same."""

from __future__ import annotations

import importlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import attribution as at
from attribution.credit_log import CreditLog
from attribution.errors import ParameterError, TableError, VocabularyError
from attribution.kpis import ratios_of
from attribution.models import MODELS, Model

START = datetime(2026, 2, 16, tzinfo=UTC)  # a Monday
CHANNELS = ("ads", "mail", "(total)", "Direct")
DEVICES = ("phone", "desktop", None)
CAMPAIGNS = ("spring", None, "(total)")
OWNERS = ("Ann", "Bob", None)
PRODUCTS = (1, 2)
OUTCOMES = ("leads", "wins", "revenue")


def every_model(ages: bool = True) -> list[Model]:
    """Return every registered model that shares journeys, the chain in two orders."""
    chains = [at.Markov(order=order, share="journey", name=f"markov {order}") for order in (1, 2)]
    rules = [cls() for name, cls in MODELS.items() if name != "markov" and (ages or not cls.needs_ages)]
    return [*rules, *chains]


# Random tables: touchpoints and outcomes of few customers, ties and all.


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw touchpoints and outcomes: equal instants, several outcomes a customer, refunds, null ids."""
    place = st.tuples(st.integers(0, 4), st.integers(0, 50))  # customer, day
    touched = draw(
        st.lists(st.tuples(place, st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=25)
    )
    unique = {(where, channel, campaign): device for where, channel, campaign, device in touched}
    touchpoints = pl.DataFrame(
        [
            (
                customer or None,
                START + timedelta(days=day),
                CHANNELS[channel],
                CAMPAIGNS[campaign],
                DEVICES[device],
            )
            for ((customer, day), channel, campaign), device in unique.items()
        ],
        schema={"customer_id": pl.Int64, "timestamp": pl.Datetime("us", "UTC"), "channel": pl.String}
        | {"campaign": pl.String, "device": pl.String},
        orient="row",
    )
    ended = draw(st.lists(st.tuples(place, *[st.integers(0, n) for n in (2, 2, 1)]), max_size=12))
    outcomes = pl.DataFrame(
        [
            # The revenue names the row: no two are equal.
            (
                customer or None,
                START + timedelta(days=day),
                min(wins, 1),
                (number + 1) * (-1.1) ** wins,
                OWNERS[owner],
                PRODUCTS[product],
            )
            for number, ((customer, day), wins, owner, product) in enumerate(ended)
        ],
        schema={"customer_id": pl.Int64, "timestamp": pl.Datetime("us", "UTC"), "wins": pl.Int64}
        | {"revenue": pl.Float64, "owner": pl.String, "product": pl.Int64},
        orient="row",
    )
    return touchpoints, outcomes


def spend_table(amounts: Iterable[tuple[int, int, int, float]]) -> pl.DataFrame:
    """Return spend by day, channel and campaign; a channel that nobody met is among them."""
    sums: dict[tuple[Any, ...], float] = defaultdict(float)
    for day, channel, campaign, amount in amounts:
        names = (*CHANNELS, "print")
        sums[(START + timedelta(days=day)).date(), names[channel], CAMPAIGNS[campaign]] += amount
    return pl.DataFrame(
        [(*key, amount) for key, amount in sums.items()],
        schema={"date": pl.Date, "channel": pl.String, "campaign": pl.String, "spend": pl.Float64},
        orient="row",
    )


SPENDS = st.lists(
    st.tuples(
        st.integers(0, 60), st.integers(0, 4), st.integers(0, 2), st.integers(0, 900).map(lambda n: n / 4)
    ),
    max_size=12,
).map(spend_table)


# The twin.


def shown(name: str | None) -> str | None:
    """Return a name as our tables write it."""
    return f'"{name}"' if name in ("(total)", "(unattributed)") else name


def twin(
    touchpoints: pl.DataFrame,
    outcomes: pl.DataFrame,
    journeys: at.Stitched,
    weights: Callable[[int], Sequence[float]],
) -> list[dict[str, Any]]:
    """Return the rows of the log, said plainly; weights are by the journey's number of touchpoints."""
    seen: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(touchpoints.iter_rows(named=True), key=lambda row: row["campaign"] or ""):
        seen[str(row["customer_id"]), row["timestamp"], shown(row["channel"])].append(row)
    ends = {row["revenue"]: row for row in outcomes.iter_rows(named=True)}
    rows = []
    for journey in journeys.table().filter(pl.col("leads") > 0).iter_rows(named=True):
        ended = ends[journey["revenue"]]
        end, names = journey["ends_at"], [shown(name) for name in journey["channel"]]
        times = [end - timedelta(microseconds=round(age * 86_400_000_000)) for age in journey["age_days"]]
        taken: dict[tuple[Any, ...], int] = defaultdict(int)
        places = list(zip(names, times, weights(len(names)), strict=True)) or [("(unattributed)", None, 1.0)]
        for position, (name, time, weight) in enumerate(places, start=1):
            key = journey["customer_id"], time, name
            touched = seen[key][taken[key]] if time else {"device": None, "campaign": None}
            taken[key] += 1  # those of one instant and channel stand in order of their campaign
            rows.append(
                {
                    "journey_id": journey["journey_id"],
                    "position": position if time else None,
                    "channel": name,
                    "weight": weight,
                    "campaign": shown(touched["campaign"]),
                    "device": touched["device"],
                    "owner": ended["owner"],
                    "product": ended["product"],
                    "week": monday(end),
                    "month": end.date().replace(day=1),
                    "touchpoint_week": monday(time) if time else None,
                    "touchpoint_month": time.date().replace(day=1) if time else None,
                    **{outcome: journey[outcome] * weight for outcome in OUTCOMES},
                }
            )
    return rows


def monday(time: datetime) -> date:
    return time.date() - timedelta(days=time.weekday())


def equal_shares(touchpoints: int) -> list[float]:
    return [1 / touchpoints for _ in range(touchpoints)]


def cells_of(
    rows: Iterable[Mapping[str, Any]], spend: pl.DataFrame, by: Sequence[str]
) -> tuple[dict[tuple[Any, ...], list[float | None]], bool]:
    """Return spend and outcomes by cell, and whether the spend table knows the dimensions."""
    cells: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [None, 0.0, 0.0, 0.0])
    if list(by) == ["channel"]:
        cells["(unattributed)",] = [None, 0.0, 0.0, 0.0]
    for row in rows:
        cell = cells[tuple(row[name] for name in by)]
        for place, outcome in enumerate(OUTCOMES, start=1):
            cell[place] += row[outcome]
    known = {"channel", "campaign", "week", "month", "touchpoint_week", "touchpoint_month"}
    if not known.issuperset(by):
        return cells, False
    for row in spend.iter_rows(named=True):
        day = datetime(row["date"].year, row["date"].month, row["date"].day, tzinfo=UTC)
        week, month = monday(day), day.date().replace(day=1)
        of = {"channel": shown(row["channel"]), "campaign": shown(row["campaign"])}
        of |= {"week": week, "touchpoint_week": week, "month": month, "touchpoint_month": month}
        cell = cells[tuple(of[name] for name in by)]
        cell[0] = (cell[0] or 0.0) + row["spend"]
    return cells, True


def close(ours: float | None, theirs: float | None, size: float = 1.0) -> bool:
    """Return whether two numbers are equal but for rounding, in relation to what was added."""
    return ours is theirs if None in (ours, theirs) else abs(ours - theirs) <= 1e-12 * max(size, abs(theirs))  # type: ignore[operator]


DRILL = ("device", "owner", "week", "touchpoint_month", "campaign", "product", "month", "touchpoint_week")
BREAKDOWNS = (
    ["channel"],
    ["channel", "week"],
    ["week", "channel"],
    ["week"],
    ["owner"],
    ["campaign", "channel"],
    ["channel", "touchpoint_week"],
    ["product", "month"],
    ["campaign"],
    ["channel", "device"],
)


@settings(max_examples=8)
@given(tables(), st.booleans())
def test_the_log_is_what_plain_python_says(drawn: tuple[pl.DataFrame, pl.DataFrame], restart: bool) -> None:
    journeys = at.stitch(*drawn, restart=restart)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear()))
    ours, theirs = log.table(*DRILL), twin(*drawn, journeys, equal_shares)
    kept = ["journey_id", "position", "channel", "weight", *DRILL, *OUTCOMES]
    order = ["journey_id", "position", "ends_at", "revenue"]
    assert len(ours) == len(theirs)
    for row, said in zip(ours.select(kept).iter_rows(named=True), theirs, strict=True):
        assert {name: row[name] for name in kept if name not in OUTCOMES} == {
            name: said[name] for name in kept if name not in OUTCOMES
        }
        assert all(close(row[name], said[name], 0.0) for name in OUTCOMES), order


@settings(max_examples=12)
@given(tables(), st.booleans(), SPENDS, st.sampled_from(BREAKDOWNS))
def test_kpis_of_a_breakdown_are_what_plain_python_says(
    drawn: tuple[pl.DataFrame, pl.DataFrame], restart: bool, spend: pl.DataFrame, by: list[str]
) -> None:
    journeys = at.stitch(*drawn, restart=restart)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear()))
    kpis = at.measure(log, spend, by=by).table()
    rows = twin(*drawn, journeys, equal_shares)
    cells, known = cells_of(rows, spend, by)
    if by == ["channel"]:
        for name in journeys.channels:
            cells.setdefault((shown(name),), [None, 0.0, 0.0, 0.0])
    *ours, total = kpis.iter_rows(named=True)
    size = sum(abs(row["revenue"]) for row in rows) + len(rows)
    keys = [tuple(row[name] for name in by) for row in ours]
    assert set(keys) == set(cells)
    assert len(keys) == len(cells)
    for key, row in zip(keys, ours, strict=True):
        assert all(close(row[n], v, size) for n, v in zip(("spend", *OUTCOMES), cells[key], strict=True))
    in_order = keys if by == ["channel"] else sorted(keys, key=lambda key: order_of(key, by))
    assert keys == in_order
    told = sum(spend["spend"]) if len(spend) else None
    assert close(total["spend"], told, 1e5)
    for place, name in enumerate(OUTCOMES, start=1):
        assert close(total[name], math.fsum(cell[place] for cell in cells.values()), size)  # type: ignore[misc]
    texts = [name for name in by if kpis.schema[name] == pl.String]
    assert [total[name] for name in by] == ["(total)" if name in texts[:1] else None for name in by]
    assert sum("(total)" in key for key in keys) == 0
    for row in (*ours, total):
        for kpi in ratios_of(log.outcome_names):
            above, below = row[kpi.numerator], row[kpi.denominator]
            if above is None or not below:
                assert row[kpi.name] is None
                assert f"{kpi.name}: " in row["reason"]
            else:
                assert row[kpi.name] == above / below
        if not known and row is not total and row["leads"]:
            unknown = [name for name in by if name in ("owner", "product", "device")]
            assert f"cost_per_lead: spend is not known by {', '.join(unknown)}" in row["reason"]


def order_of(key: tuple[Any, ...], by: Sequence[str]) -> list[Any]:
    """Return how cells stand: by dimension in turn, what has no value last, the rest behind the channels."""
    return [
        (part is None, name == "channel" and part == "(unattributed)", part if part is not None else 0)
        for name, part in zip(by, key, strict=True)
    ]


# Laws, of every model.


def assert_is_the_credit(journeys: at.Stitched, result: at.Result) -> None:
    """Compare the sums of the log with the credits, and the journeys in it with the journeys."""
    table, stitched = at.credit_log(journeys, result).table(), journeys.table()
    size = np.abs(stitched.select(journeys.outcome_names).to_numpy()).sum(axis=0) + 1e-300
    for model, credits in result.items():
        rows = table.filter(pl.col("model") == model)
        found = {
            name: part.select(journeys.outcome_names).to_numpy().sum(axis=0)
            for (name,), part in rows.partition_by("channel", as_dict=True).items()
        }
        names = [*map(shown, credits.channels), "(unattributed)"]
        assert set(found) <= set(names)
        for name, credit in zip(names, [*credits.values, credits.unattributed], strict=True):
            assert (np.abs(found.get(name, 0.0) - credit) <= 1e-12 * size).all(), (model, name)
        weights = rows.group_by("journey_id", "ends_at").agg(pl.col("weight").sum())["weight"].to_numpy()
        assert np.abs(weights - 1).max(initial=0) <= 1e-12
        whole = stitched.filter(pl.any_horizontal(pl.col(journeys.outcome_names) != 0))
        sums = rows.group_by("journey_id").agg(pl.col(journeys.outcome_names).sum())
        both = whole.join(sums, on="journey_id", how="full", suffix="_log")
        assert not both["journey_id"].null_count()
        for name in journeys.outcome_names:
            gap = (both[name] - both[f"{name}_log"]).abs() - 1e-12 * both[name].abs()
            assert (gap <= 1e-300).all()


@cache
def sample() -> tuple[at.Stitched, at.Result]:
    """Return the journeys of the sample and every model's credits."""
    tables = at.sample.load()
    journeys = at.stitch(tables.touchpoints, tables.leads)
    return journeys, at.attribute(journeys, *every_model())


def test_the_log_of_the_sample_is_its_credits() -> None:
    assert_is_the_credit(*sample())


@settings(max_examples=3)
@given(tables(), st.booleans())
def test_the_log_of_random_tables_is_their_credits(
    drawn: tuple[pl.DataFrame, pl.DataFrame], restart: bool
) -> None:
    journeys = at.stitch(*drawn, restart=restart)
    assert_is_the_credit(journeys, at.attribute(journeys, *every_model()))
    written = journeys.table()
    if len(written):
        reread = at.from_journeys(written)
        assert_is_the_credit(reread, at.attribute(reread, *every_model()))


PATHS = st.tuples(
    st.lists(st.sampled_from(CHANNELS), max_size=4), st.integers(0, 5), st.integers(0, 3), st.integers(-9, 9)
)


@settings(max_examples=30)
@given(st.lists(PATHS, min_size=1, max_size=8))
def test_the_log_of_paths_is_their_credits(drawn: list[tuple[list[str], int, int, int]]) -> None:
    rows = [(" > ".join(path), won, lost, float(value) if won else 0.0) for path, won, lost, value in drawn]
    schema = {"path": pl.String, "conversions": pl.Int64, "null": pl.Int64, "value": pl.Float64}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    journeys = at.from_paths(table, null="null", value="value")
    assert_is_the_credit(journeys, at.attribute(journeys, *every_model(ages=False)))


def test_the_log_of_split_events_is_their_credits() -> None:
    events = pl.DataFrame(
        {
            "customer_id": [1, 1, 1, 2, 2, 3],
            "timestamp": [START + timedelta(days=day) for day in (0, 1, 1, 2, 2, 9)],
            "channel": ["ads", "mail", "ads", "mail", "ads", "ads"],
            "conversion": [0, 1, 0, 1, 1, 0],
            "revenue": [0.0, 7.0, 0.0, -1.5, 3.0, 0.0],
        }
    )
    split = at.split_events(events)
    journeys = at.stitch(split.touchpoints, split.outcomes)
    assert_is_the_credit(journeys, at.attribute(journeys, *every_model()))


def test_credits_of_totals_have_no_log_and_say_why() -> None:
    journeys = sample()[0]
    result = at.attribute(journeys, at.Linear(), at.Markov(share="global"))
    for credits in (result, result["markov"]):
        with pytest.raises(ParameterError, match="model 'markov' shares totals and not journeys"):
            at.credit_log(journeys, credits)


def test_credits_that_were_not_attributed_here_have_no_log() -> None:
    journeys, result = sample()
    each = result["linear"]
    bare = at.Credits("linear", each.channels, each.outcome_names, each.values, each.unattributed)
    with pytest.raises(ParameterError, match="was not made by attribute"):
        at.credit_log(journeys, bare)


def test_credits_of_other_journeys_are_refused() -> None:
    theirs = at.from_paths(pl.DataFrame({"path": ["x > y"], "conversions": [1]}))
    with pytest.raises(VocabularyError, match="channels differ"):
        at.credit_log(sample()[0], at.attribute(theirs, at.Linear()))


def test_an_outcome_named_as_a_column_of_the_log_is_refused() -> None:
    touchpoints, outcomes = EXAMPLE
    journeys = at.stitch(touchpoints, outcomes.with_columns(position=1), outcome_names=["leads", "position"])
    with pytest.raises(ParameterError, match="'position'"):
        at.credit_log(journeys, at.attribute(journeys, at.Linear()))


# An example that a hand can follow.

EXAMPLE = (
    pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "x"],
            "timestamp": [START + timedelta(days=day) for day in (0, 7, 8, 9)],
            "channel": ["ads", "mail", "ads", "mail"],
            "device": ["phone", "desktop", "phone", "desktop"],
        }
    ),
    pl.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "timestamp": [START + timedelta(days=day) for day in (8, 9, 20)],
            "wins": [1, 0, 0],
            "owner": ["Ann", "Bob", "Ann"],
        }
    ),
)
SPEND = pl.DataFrame({"date": [START.date()], "channel": ["ads"], "spend": [30.0]})


def example(**more: Any) -> CreditLog:
    """Return the log of the example, with further columns of the touchpoints (or the outcomes: o_...)."""
    touchpoints, outcomes = EXAMPLE
    touchpoints = touchpoints.with_columns(
        pl.Series(name, values) for name, values in more.items() if not name.startswith("o_")
    )
    outcomes = outcomes.with_columns(
        pl.Series(name.removeprefix("o_"), values) for name, values in more.items() if name.startswith("o_")
    )
    return linear(touchpoints, outcomes)


def linear(*tables: Any, **more: Any) -> CreditLog:
    """Return the log of the linear model over the tables."""
    journeys = at.stitch(*tables, **more)
    return at.credit_log(journeys, at.attribute(journeys, at.Linear()))


# Names.


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ([], "names of dimensions"),
        ("channel", "names of dimensions"),
        (["week", "week"], "names of dimensions"),
        ([1], "names of dimensions"),
        (["model"], "'model'"),
        (["weight"], "'weight'"),
        (["leads"], "'leads'"),
        (["ownr"], "did you mean 'owner'"),
        (["*"], "no pattern"),
        (["^o.*$"], "no pattern"),
    ],
)
def test_what_is_no_dimension_is_refused_by_name(by: Any, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        at.measure(example(), SPEND, by=by)


@pytest.mark.parametrize(
    "name", ["position", "fold", "model", "weight", "week", "ends_at", "touchpoint_week"]
)
def test_a_column_named_as_one_of_the_log_is_never_taken_for_it(name: str) -> None:
    log = example(**{name: list("wxyz")})
    with pytest.raises(ParameterError, match=f"got {name!r}.*rename the column"):
        log.table(name)
    with pytest.raises(ParameterError):
        at.measure(log, SPEND, by=[name])


def test_a_column_named_as_one_of_the_log_has_a_name_of_its_own() -> None:
    log = example(position=list("wxyz"), o_reason=["price", None, "time"])
    assert log.table("touchpoint_position")["touchpoint_position"].drop_nulls().to_list() == ["w", "x", "y"]
    kpis = at.measure(log, SPEND, by=["outcome_reason"]).table()
    assert kpis["outcome_reason"].to_list() == ["price", "time", None, "(total)"]
    with pytest.raises(ParameterError, match="'reason'"):
        at.measure(log, SPEND, by=["reason"])


def test_a_column_of_both_tables_is_told_apart() -> None:
    log = example(source=list("wxyz"), o_source=["A", "B", "C"])
    with pytest.raises(ParameterError, match="write touchpoint_source or outcome_source"):
        log.table("source")
    rows = log.table("touchpoint_source", "outcome_source").sort("ends_at", "position")
    assert rows.select("touchpoint_source", "outcome_source").rows() == [
        ("w", "A"), ("x", "A"), ("y", "B"), (None, "C")
    ]  # fmt: skip


def test_campaign_and_channel_are_those_of_the_touchpoint() -> None:
    log = example(campaign=list("wxyz"), o_campaign=list("ABC"), o_channel=list("DEF"))
    rows = log.table("outcome_campaign", "outcome_channel").sort("ends_at", "position")
    assert rows["campaign"].to_list() == ["w", "x", "y", None]
    assert rows["outcome_campaign"].to_list() == ["A", "A", "B", "C"]
    assert rows["channel"].to_list() == ["ads", "mail", "ads", "(unattributed)"]
    assert rows["outcome_channel"].to_list() == ["D", "D", "E", "F"]


@pytest.mark.parametrize(
    "values",
    [[1, 2, 2, 3], [1.5, math.nan, 2.0, None], [True, False, None, True], [START.date()] * 4]
    + [pl.Series(["b", "a", "b", None], dtype=dtype) for dtype in (pl.Categorical, pl.Enum(["b", "a"]))],
)
@pytest.mark.parametrize("name", ["plain", "with space", "ü.x/€", "place", "journey"])
def test_plain_values_of_any_type_are_dimensions(values: Any, name: str) -> None:
    log = example(**{name: values})
    kpis = at.measure(log, SPEND, by=[name]).table()
    given = [*pl.Series(values)[:3], None]  # of a, a, b; c has no touchpoint
    plain = [None if value is None or value != value else value for value in given]
    sums: dict[Any, float] = defaultdict(float)
    for value, lead in zip(plain, [0.5, 0.5, 1.0, 1.0], strict=True):
        sums[value] += lead
    assert dict(kpis[:-1].select(name, "leads").iter_rows()) == sums
    assert kpis[name][:-1].to_list() == sorted(sums, key=lambda value: (value is None, value))
    assert kpis["spend"].to_list() == [None] * len(sums) + [30.0]
    assert kpis["cost_per_lead"].to_list() == [None] * len(sums) + [10.0]


@pytest.mark.parametrize("name", ["place", "journey"])
def test_a_column_of_any_name_leaves_the_weights_where_they_are(name: str) -> None:
    touchpoints, leads, _ = at.sample.load()
    named = touchpoints.with_columns(pl.Series(name, range(len(touchpoints))[::-1]))
    journeys = at.stitch(named, leads)
    log = at.credit_log(journeys, at.attribute(journeys, at.PositionBased())).table(name)
    columns = [each for each in log.columns if each != name]
    assert log.select(columns).equals(
        at.credit_log(journeys, at.attribute(journeys, at.PositionBased())).table()
    )


def test_lists_are_no_dimension() -> None:
    with pytest.raises(ParameterError, match="plain values, not of List"):
        at.measure(example(tags=[["a"], [], ["b"], None]), SPEND, by=["tags"])


# Time and money.


def test_money_is_spent_once_where_both_clocks_are_asked_for() -> None:
    kpis = at.measure(example(), SPEND, by=["week", "touchpoint_week"]).table()
    assert kpis["spend"].to_list() == [None] * (len(kpis) - 1) + [30.0]
    assert "spend is not known by week" in kpis["reason"][0]


def test_a_day_is_that_of_the_declared_zone() -> None:
    berlin = at.Reading(timezone="Europe/Berlin")
    touched = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-02 00:10"], "channel": ["ads"]})
    ended = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-02 00:30"]})
    spend = pl.DataFrame({"date": [date(2026, 3, 2)], "channel": ["ads"], "spend": [5.0]})
    log = linear(touched, ended, reading=berlin)
    for by in ("day", "touchpoint_day", "week"):
        kpis = at.measure(log, spend, by=[by], reading=berlin).table()
        assert kpis.select(by, "cost_per_lead").rows()[0] == (date(2026, 3, 2), 5.0)


def test_types_that_differ_between_credits_and_spend_are_refused_or_joined() -> None:
    log = example(size=[1, 1, 2, 2])
    whole = SPEND.with_columns(size=pl.lit(1, pl.UInt8))
    assert at.measure(log, whole, by=["size"]).table()["spend"][0] == 30.0
    with pytest.raises(TableError, match="type String\n  expected: Int64"):
        at.measure(log, SPEND.with_columns(size=pl.lit("1")), by=["size"])


def test_a_log_without_leads_still_shows_what_was_spent() -> None:
    log = linear(EXAMPLE[0], EXAMPLE[1].clear())
    for by in (["channel"], ["week"], ["owner"]):
        total = at.measure(log, SPEND, by=by).table().row(-1, named=True)
        assert (total["spend"], total["leads"], total["cost_per_lead"]) == (30.0, 0.0, None)


def test_by_channel_the_log_measures_as_the_credits_do() -> None:
    journeys, result = sample()
    spend = at.sample.load().spend
    theirs = at.measure(result, spend).table().sort("model", "channel")
    ours = at.measure(at.credit_log(journeys, result), spend).table().sort("model", "channel")
    assert {"mqls", "opportunities", "cost_per_opportunity"} <= {*ours.columns} - {*theirs.columns}
    for told, also in zip(theirs["reason"], ours["reason"], strict=True):
        assert {*(told or "").split("; ")} - {""} <= {*(also or "").split("; ")}
    ours, theirs = ours.select(theirs.columns).drop("reason"), theirs.drop("reason")
    assert_frame_equal(ours, theirs, check_exact=False, rel_tol=1e-12, abs_tol=1e-9)


def test_weeks_days_and_months_have_one_sum() -> None:
    journeys, result = sample()
    log, spend = at.credit_log(journeys, result["linear"]), at.sample.load().spend
    days = at.measure(log, spend, by=["day"]).table()[:-1]
    for by, every in (("week", "1w"), ("month", "1mo")):
        ours = at.measure(log, spend, by=[by]).table()[:-1]
        sums = days.group_by(pl.col("day").dt.truncate(every).alias(by)).agg(pl.col("spend", *OUTCOMES).sum())
        assert_frame_equal(ours.select(by, "spend", *OUTCOMES), sums.sort(by), rel_tol=1e-12, abs_tol=1e-9)


# Row numbers.


def test_rows_that_are_set_aside_or_shuffled_shift_nothing(tmp_path: Path) -> None:
    touchpoints, outcomes = EXAMPLE
    bad = touchpoints.with_columns(customer_id=pl.lit(None, pl.String), device=pl.lit("wrong"))
    mixed = pl.concat([bad, touchpoints, bad]).sample(fraction=1, shuffle=True, seed=4)
    for number, part in enumerate((mixed[:5], mixed[5:])):
        part.write_parquet(tmp_path / f"{number}.parquet")
    renamed, columns = mixed.rename({"customer_id": "cookie"}), {"touchpoints": {"customer_id": "cookie"}}
    mixed.write_csv(tmp_path / "all.csv")
    duck = duckdb.from_arrow(mixed.to_arrow())
    expected = example().table("device", "owner").drop("touchpoint_row")
    for source in (
        mixed,
        mixed.lazy(),
        mixed.to_pandas(),
        duck,
        tmp_path / "*.parquet",
        tmp_path / "all.csv",
    ):
        ours = linear(source, outcomes).table("device", "owner").drop("touchpoint_row")
        assert_frame_equal(ours, expected, check_exact=True)
    ours = linear(renamed, outcomes, columns=columns).table("device", "owner").drop("touchpoint_row")
    assert_frame_equal(ours, expected, check_exact=True)


@pytest.mark.parametrize("what", ["customer_id", "timestamp"])
def test_a_lazy_table_that_changes_is_refused(what: str) -> None:
    now = [EXAMPLE[0]]
    lazy = pl.defer(lambda: now[0], schema=EXAMPLE[0].schema)
    log = linear(lazy, EXAMPLE[1])
    assert len(log.table("device")) == 4
    now[0] = EXAMPLE[0].with_columns(pl.col(what).reverse())
    with pytest.raises(TableError, match="the table has changed since it was stitched"):
        log.table("device")


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    EXAMPLE[0].write_csv(tmp_path / "a.csv")
    log = linear(tmp_path / "*.csv", EXAMPLE[1])
    assert len(log.table("device")) == 4
    EXAMPLE[0].with_columns(device=pl.lit("other")).write_csv(tmp_path / "a.csv")
    with pytest.raises(TableError, match="files were written to"):
        log.table("device")


# Files.


def test_a_file_in_row_groups_holds_the_log_and_measures_as_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys, result = sample()
    log, spend = at.credit_log(journeys, result), at.sample.load().spend
    whole = log.table("owner", "week", *log.stages)
    monkeypatch.setattr("attribution.tables.files.ROW_GROUP", 3_000)
    # The package has a function of the module's name.
    monkeypatch.setattr(importlib.import_module("attribution.credit_log"), "BATCH", 500)
    for name in ("a.parquet", "b.parquet", "a.csv"):
        assert log.write(tmp_path / name, "owner", "week")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups > 3
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    keys = ["model", "fold", "journey_id", "position"]
    assert_frame_equal(pl.read_parquet(tmp_path / "a.parquet").sort(keys), whole.sort(keys), check_exact=True)
    told = pl.read_csv(tmp_path / "a.csv", schema_overrides=dict(whole.select(keys).schema)).sort(keys)
    kept = [*keys, "owner", *OUTCOMES]
    assert_frame_equal(told.select(kept), whole.sort(keys).select(kept), check_exact=True)
    for by in (["channel"], ["owner", "week"], ["month"]):
        ours, theirs = (at.measure(each, spend, by=by).table() for each in (tmp_path / "a.parquet", log))
        order = ["model", *by]
        assert_frame_equal(ours.sort(order), theirs.sort(order), rel_tol=1e-12, abs_tol=1e-9)
    with pytest.raises(ParameterError, match="unknown dimension"):
        at.measure(tmp_path / "a.parquet", spend, by=["device"])
    with pytest.raises(TableError, match="a credit log, which has a row a touchpoint"):
        at.measure(tmp_path / "a.csv", spend)


def test_cells_that_a_spreadsheet_would_run_are_escaped(tmp_path: Path) -> None:
    example(device=["=1+1", "@x", "-2", "ok"]).write(tmp_path / "a.csv", "device")
    assert set(pl.read_csv(tmp_path / "a.csv")["device"]) == {"'=1+1", "'@x", "'-2", None}


def test_the_log_has_the_same_bits_for_any_threads_and_order_of_rows() -> None:
    tables, logs = at.sample.load(), []
    for threads, seed in ((1, None), (2, 7)):
        touched, ended = (
            each if seed is None else each.sample(fraction=1, shuffle=True, seed=seed) for each in tables[:2]
        )
        journeys = at.stitch(touched, ended)
        result = at.attribute(journeys, at.Linear(), at.Markov(share="journey"), threads=threads)
        logs.append(at.credit_log(journeys, result).table("owner").drop("touchpoint_row", "outcome_row"))
    assert_frame_equal(*logs, check_exact=True)


# What is behind a cell.


def test_the_journeys_behind_a_cell_sum_to_it() -> None:
    journeys, result = sample()
    log = at.credit_log(journeys, result["linear"])
    kpis = at.measure(log, at.sample.load().spend, by=["channel", "month"]).table()
    for cell in kpis[:-1][::9].iter_rows(named=True):
        rows = log.behind(channel=cell["channel"], month=cell["month"].isoformat())
        assert rows["journey_id"].is_unique().all()
        assert all(close(rows[name].sum(), cell[name], 1e6) for name in OUTCOMES)


def test_nothing_and_the_unattributed_have_journeys_behind_them() -> None:
    log = example()
    assert log.behind(channel="(unattributed)").select("customer_id", "touchpoints", "leads").rows() == [
        ("c", 0, 1.0)
    ]
    assert log.behind(device=None)["customer_id"].to_list() == ["c"]
    assert log.behind(device="phone", owner="Ann").select("customer_id", "touchpoints", "leads").rows() == [
        ("a", 1, 0.5)
    ]
    assert len(log.behind(week="1999-01-04")) == 0
    assert example(self=list("wxyz")).behind(**{"self": "w"})["leads"].to_list() == [0.5]


@pytest.mark.parametrize("cell", [{"week": "March"}, {"channel": 1}, {"position": "x"}, {"devise": "phone"}])
def test_what_no_cell_can_be_is_refused_by_name(cell: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(cell))):
        example().behind(**cell)
