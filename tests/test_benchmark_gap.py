"""The benchmark gap: by hand, against a naive twin, the laws it keeps, and benchmarks that cannot be used."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import done, refused

import attribution as at
from attribution import sample
from attribution.errors import ParameterError, TableError
from attribution.kpis import KPIS
from attribution.kpis.benchmarks.alike import kpi_of
from attribution.kpis.timing.cells import Asked

COLUMNS = [
    *("kpi", "unit", "value", "value_low", "value_high", "benchmark", "gap", "gap_low", "gap_high"),
    *("gap_relative", "verdict", "reason"),
]  # fmt: skip
FOLDER = sample.folder()


def kpis_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return a KPI table of rows of one model."""
    return pl.DataFrame([{"model": "linear", **row} for row in rows], infer_schema_length=None)


def benchmarks(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"kpi": "win_rate", **row} for row in rows], infer_schema_length=None)


def gaps(kpis: Any, given: Any, **more: Any) -> list[dict[str, Any]]:
    return at.benchmark_gap(kpis, given, **more).table().to_dicts()


def held(kpis: Any, given: Any, **more: Any) -> list[float | None]:
    """Return the benchmark of each row."""
    return [row["benchmark"] for row in gaps(kpis, given, **more)]


# By hand.

ADS = {"channel": "ads", "win_rate": 0.25, "win_rate_low": 0.2, "win_rate_high": 0.3, "cost_per_lead": 20.0}
MAIL = {"channel": "mail", "win_rate": 0.5, "win_rate_low": 0.4, "win_rate_high": 0.6, "cost_per_lead": None}
ADS |= {"cost_per_lead_low": 16.0, "cost_per_lead_high": 28.0, "reason": None}
MAIL |= {"cost_per_lead_low": None, "cost_per_lead_high": None, "reason": "cost_per_lead: no spend; x: y"}
TOTAL = {**ADS, "channel": "(total)"}


def test_two_channels_by_hand() -> None:
    given = pl.DataFrame({"kpi": ["cost_per_lead", "win_rate"], "value": [32.0, 0.25]})
    found = at.benchmark_gap(kpis_of(ADS, MAIL), given)
    assert found.table().columns == ["model", "channel", *COLUMNS]
    assert found.by == ("channel",)
    assert (found.rows.read, found.rows.used, found.warnings) == (2, 2, ())
    head = {"model": "linear", "channel": "ads"}
    nothing = dict.fromkeys(COLUMNS)
    rate = {"kpi": "win_rate", "unit": "share", "benchmark": 0.25}
    cost = {"kpi": "cost_per_lead", "unit": "money", "benchmark": 32.0}
    assert found.table().to_dicts() == [
        {
            **head, **nothing, **rate, "value": 0.25, "value_low": 0.2, "value_high": 0.3,
            "gap": 0.0, "gap_low": 0.2 - 0.25, "gap_high": 0.3 - 0.25, "gap_relative": 0.0,
            "verdict": "not told apart",
        },
        {
            **head, **nothing, **cost, "value": 20.0, "value_low": 16.0, "value_high": 28.0,
            "gap": -12.0, "gap_low": -16.0, "gap_high": -4.0, "gap_relative": -0.375, "verdict": "better",
        },
        {
            **head, **nothing, **rate, "channel": "mail", "value": 0.5, "value_low": 0.4, "value_high": 0.6,
            "gap": 0.25, "gap_low": 0.4 - 0.25, "gap_high": 0.6 - 0.25, "gap_relative": 1.0,
            "verdict": "better",
        },
        {**head, **nothing, **cost, "channel": "mail", "reason": "no spend"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kpi", "elsewhere", "verdict", "reason"),
    [
        ("win_rate", 0.5, "worse", None),
        ("win_rate", 0.1, "better", None),
        ("win_rate", 0.2, "not told apart", None),  # the end of the interval
        ("win_rate", 0.3, "not told apart", None),
        ("cost_per_lead", 0.1, "worse", None),
        ("cost_per_lead", 0.5, "better", None),
        ("win_rate", 0.0, "better", "gap_relative: the benchmark is 0"),
        ("open", 0.5, None, "no verdict: neither more nor less is better"),
        ("open", 0.25, "not told apart", None),
        ("closes", 0.5, None, "no verdict: the dictionary has no such KPI"),
        ("spend", 0.5, None, "no interval"),
        ("wins", 0.5, None, "no interval"),  # only one end of it is there
        ("wins", 0.0, None, "gap_relative: the benchmark is 0; no interval"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_dictionary(
    kpi: str, elsewhere: float, verdict: str | None, reason: str | None
) -> None:
    ends = {} if kpi == "spend" else {f"{kpi}_low": 0.2, f"{kpi}_high": None if kpi == "wins" else 0.3}
    (row,) = gaps(
        kpis_of({"channel": "ads", kpi: 0.25, **ends}), benchmarks({"kpi": kpi, "value": elsewhere})
    )
    assert (row["verdict"], row["reason"]) == (verdict, reason)
    assert row["gap"] == 0.25 - elsewhere
    assert (row["gap_relative"] is None) == (elsewhere == 0)
    assert row["unit"] == {each.name: each.unit for each in KPIS}.get(kpi)


@pytest.mark.parametrize(
    ("kpi", "unit", "higher"),
    [
        *((f"within_{days}_days", "share", "better") for days in (30, 60, 90, 180, 365)),
        *((f"quartile_{place}_days", "days", "worse") for place in (1, 3)),
        *((f"quartile_{place}_days_of_reached", "days", "worse") for place in (1, 3)),
        ("cost_per_lead_shrunken", "money", "worse"),
        ("win_rate_shrunken", "share", "better"),
        *((f"{name}_entered", "count", "better") for name in ("leads", "mqls", "sqls", "wins")),
        ("opportunities_entered", "count", "better"),
        ("lost_entered", "count", "worse"),
        ("demos_entered", None, None),
        ("win_rate_entered", None, None),
        ("quartile_2_days", None, None),
        ("within_0_days", None, None),
    ],
)
def test_what_the_dictionary_says_alike_has_a_unit_and_a_verdict(
    kpi: str, unit: str | None, higher: str | None
) -> None:
    row = {"channel": "ads", kpi: 0.5, f"{kpi}_low": 0.4, f"{kpi}_high": 0.6}
    (found,) = gaps(kpis_of(row), benchmarks({"kpi": kpi, "value": 0.25}))
    assert (found["unit"], found["verdict"]) == (unit, higher)
    assert (found["reason"] is None) == (unit is not None)


def test_every_figure_of_velocity_and_measure_is_known(measured: at.Measured) -> None:
    asked = Asked((30, 60, 90, 180, 365), naive=True, has_intervals=False)
    assert [name for name in asked.columns if kpi_of(name) is None] == []
    figures = [name for name in measured.table().columns if name.endswith("_shrunken")]
    assert len(figures) == 2
    assert all(kpi_of(name).better == kpi_of(name.removesuffix("_shrunken")).better for name in figures)


def test_the_relative_gap_of_a_benchmark_below_0_has_the_sign_of_the_gap() -> None:
    kpi = "return_on_investment"
    (row,) = gaps(kpis_of({"channel": "ads", kpi: 0.25}), benchmarks({"kpi": kpi, "value": -0.5}))
    assert (row["gap"], row["gap_relative"]) == (0.75, 1.5)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("win_rate: no credited leads; cost_per_lead: no spend", "no credited leads"),
        ("x_win_rate: other; win_rate: own", "own"),
        ("no intervals: a file has none", "no intervals: a file has none"),
        ("cost_per_lead: no spend", "no value"),  # which tells of another KPI
        ("cost_per_lead: no spend; no intervals", "no intervals"),
        ("", "no value"),
        (None, "no value"),
    ],
)
def test_a_kpi_without_value_has_no_gap_and_the_reason_of_the_table(reason: str | None, told: str) -> None:
    table = kpis_of({"channel": "ads", "cost_per_lead": None, "win_rate": None, "reason": reason})
    (row,) = gaps(table, benchmarks({"value": 0.5}))
    assert [row[name] for name in COLUMNS[2:]] == [None] * 3 + [0.5] + [None] * 5 + [told]
    (bare,) = gaps(table.drop("reason"), benchmarks({"value": 0.5}))
    assert bare["reason"] == "no value"


# Which benchmark counts.

CELLS = kpis_of(
    *({"channel": name, "product": product, "win_rate": 0.5} for name in ("ads", "mail") for product in "xy"),
    {"channel": "(total)", "product": None, "win_rate": 0.5},
)  # fmt: skip


def test_the_benchmark_that_names_most_dimensions_counts() -> None:
    given = benchmarks(
        {"channel": None, "product": None, "value": 0.1},
        {"channel": "ads", "product": " ", "value": 0.2},
        {"channel": " ads ", "product": "x", "value": 0.3},
    )
    assert held(CELLS, given) == [0.3, 0.2, 0.1, 0.1, 0.1]
    assert held(CELLS, given[::-1]) == [0.3, 0.2, 0.1, 0.1, 0.1]
    assert held(CELLS, given[1:]) == [0.3, 0.2, None, None, None]


def test_a_total_is_held_to_what_leaves_the_dimensions_open() -> None:
    named = benchmarks(
        {"channel": "(total)", "product": None, "value": 0.1}, {"channel": "ads", "value": 0.2}
    )
    found = at.benchmark_gap(CELLS, named)
    assert found.table()["benchmark"].to_list() == [0.2, 0.2, None, None, None]
    assert found.rows.set_aside == {"no_such_cell": 1}
    assert found.table()["reason"][-1] == "no benchmark"
    assert found.warnings[1].endswith(
        "1 rows name (total): a total is held to the benchmarks whose cell is empty there"
    )


def test_a_dimension_that_the_kpis_have_not_is_chosen_and_counts_as_named() -> None:
    given = benchmarks(
        {"industry": "software", "channel": None, "value": 0.1},
        {"industry": "retail", "channel": None, "value": 0.2},
        {"industry": None, "channel": None, "value": 0.3},
        {"industry": "retail", "channel": "mail", "value": 0.4},
    ).with_columns(product=pl.lit(None, pl.String))
    assert held(CELLS, given, where={"industry": "software"}) == [0.1] * 5
    found = at.benchmark_gap(CELLS, given, where={"industry": "retail"})
    assert found.table()["benchmark"].to_list() == [0.2, 0.2, 0.4, 0.4, 0.2]
    assert (found.rows.read, found.rows.used, found.rows.set_aside) == (4, 3, {"not_chosen": 1})
    with pytest.raises(
        TableError, match=r"they differ in industry, which is no dimension.*\n.*\n.*\n.*where="
    ):
        at.benchmark_gap(CELLS, given)
    assert held(CELLS, given.filter(pl.col("industry") == "retail"))[0] == 0.2  # one value needs no choice
    sizes = given.with_columns(industry=pl.Series([5, 7, None, 7]))
    assert held(CELLS, sizes, where={"industry": 7}) == [0.2, 0.2, 0.4, 0.4, 0.2]


def test_two_that_name_as_many_are_refused_with_the_cell_and_the_rows() -> None:
    given = benchmarks(
        {"channel": "ads", "product": None, "value": 0.2},
        {"channel": None, "product": "x", "value": 0.3},
    )
    said = (
        r"several benchmarks of one cell.*\(2 rows\)\n.*\n.*win_rate of 'linear' / 'ads' / 'x': rows 0, 1\n"
    )
    with pytest.raises(TableError, match=said):
        at.benchmark_gap(CELLS, given)
    with pytest.raises(TableError, match="remove one of them, or say in a further dimension"):
        at.benchmark_gap(CELLS, given.with_columns(note=pl.lit("the same")))
    both = benchmarks({"channel": "ads", "product": "x", "value": 0.4})
    assert held(CELLS, pl.concat([given, both], how="diagonal")) == [0.4, 0.2, 0.3, None, None]
    with pytest.raises(TableError, match=r"rows 0, 1"):  # equal ones too
        at.benchmark_gap(CELLS, benchmarks({"value": 0.2}, {"value": 0.2}).with_columns(product=None))


def test_a_column_that_is_no_dimension_and_was_not_chosen_plays_no_part() -> None:
    given = benchmarks(
        {"channel": None, "note": "of a survey", "publisher": "A", "value": 0.1},
        {"channel": "ads", "note": None, "publisher": "B", "value": 0.2},
    ).with_columns(product=None, tags=pl.Series([["a"], ["b"]]), age=timedelta(1), seen=time(1))
    found = at.benchmark_gap(CELLS, given)  # the note of the first does not make it the closer one
    assert found.table()["benchmark"].to_list() == [0.2, 0.2, 0.1, 0.1, 0.1]
    assert found.rows.used == 2
    one = "column publisher of the benchmarks is no dimension of the KPIs and was not chosen: where= chooses"
    assert found.warnings == (one,)
    filled = given.with_columns(note=pl.Series(["of a survey", "a guess"]))
    two = "columns note, publisher of the benchmarks are no dimensions of the KPIs and were not chosen: "
    assert at.benchmark_gap(CELLS, filled).warnings == (f"{two}where= chooses",)
    assert held(CELLS, filled, where={"publisher": "B"}) == [0.2, 0.2, None, None, None]
    picked = at.benchmark_gap(CELLS, filled, where={"publisher": "B"})
    assert [line.partition(": ")[2] for line in picked.warnings] == [
        "1 rows set aside: not_chosen (they are of other values than those that were chosen)"
    ]
    with pytest.raises(ParameterError, match="unknown dimension in where= 'tags'"):
        held(CELLS, given, where={"tags": "a"})


def test_ignored_columns_are_named_where_two_benchmarks_differ_in_them_alone() -> None:
    given = benchmarks(
        {"channel": "ads", "industry": "retail", "note": "old", "size": 5, "value": 0.1},
        {"channel": "ads", "industry": "software", "note": None, "size": 5, "value": 0.2},
        {"channel": None, "industry": "farming", "note": "new", "size": 7, "value": 0.3},
    ).with_columns(product=None)
    said = (
        r"several benchmarks of one cell.*they differ in industry, note, which are no dimensions of the KPIs "
        r"\(2 rows\)\n.*\n.*\n.*choose: where=\{'industry': 'retail'\} \(--where industry=retail\)"
    )
    with pytest.raises(TableError, match=said):
        at.benchmark_gap(CELLS, given)
    assert held(CELLS, given, where={"industry": "retail"}) == [0.1, 0.1, None, None, None]
    chosen = {"industry": "retail", "note": "old"}
    crossed = benchmarks({"industry": "retail", "value": 0.1}, {"note": "old", "value": 0.2})
    with pytest.raises(TableError, match="remove one of them"):  # both were chosen: where= cannot help
        at.benchmark_gap(kpis_of(ADS), crossed, where=chosen)


def test_a_column_that_is_named_as_a_kpi_is_no_dimension() -> None:
    table = kpis_of({**ADS, "leads": 7.0, "within_30_days": 0.5})
    given = benchmarks({"channel": "ads", "leads": 900, "within_30_days": 0.1, "value": 0.4})
    found = at.benchmark_gap(table, given)
    assert found.by == ("channel",)
    assert found.table()["benchmark"].to_list() == [0.4]


@pytest.mark.parametrize("dtype", [pl.Datetime("ns"), pl.Datetime("ms", "Europe/Berlin"), pl.String, pl.Date])
def test_days_are_days_in_every_library(dtype: Any) -> None:
    days = pl.Series([datetime(2026, 1, 1), datetime(2026, 2, 1), None])
    given = days.dt.replace_time_zone(getattr(dtype, "time_zone", None)).cast(dtype)
    table = kpis_of(*({"month": month, "win_rate": 0.5} for month in days.dt.date()))
    marks = benchmarks({"value": 0.1}, {"value": 0.2}, {"value": 0.3}).with_columns(given.alias("month"))
    assert held(table, marks) == [0.1, 0.2, 0.3]
    assert held(table.with_columns(given.alias("month")), marks.with_columns(month=days.dt.date())) == [
        *(0.1, 0.2, 0.3)
    ]


def test_a_time_of_day_is_no_day() -> None:
    hours = pl.Series([datetime(2026, 1, 1), datetime(2026, 1, 1, 6)])
    table = kpis_of({"hour": hours[0], "win_rate": 0.5}, {"hour": hours[1], "win_rate": 0.5})
    days = benchmarks({"hour": "2026-01-01", "value": 0.1}, {"hour": None, "value": 0.2})
    assert held(table, days) == [0.2, 0.2]
    assert held(table, days.with_columns(hours.alias("hour").dt.cast_time_unit("ms"))) == [0.1, 0.2]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ([5, 7], [5.0, 2.5], [0.1, None]),  # cell by cell, beside one that is not whole
        ([5.0, 2.5], [2.5, 5.0], [0.2, 0.1]),
        ([5, 7], ["5.0", "7"], [0.1, 0.2]),  # as a CSV file has them
        ([True, False], ["True", "FALSE"], [0.1, 0.2]),
        (["true", "Truest"], [True, False], [0.1, None]),
        ([math.inf, 1.0], [1.0, math.inf], [0.2, 0.1]),
        ([1e300, 1e17], [1e300, 10**17], [0.1, 0.2]),
        ([-0.0, math.nan], [0, 1], [0.1, None]),
        ([timedelta(1), timedelta(2)], [timedelta(2), timedelta(3)], [None, 0.1]),
        ([2**53 + 1, 2**53], [2**53, 2**53 + 1], [0.2, 0.1]),
    ],
)
def test_numbers_and_flags_are_matched_whatever_their_type(ours: Any, theirs: Any, found: Any) -> None:
    table = kpis_of({"win_rate": 0.5}, {"win_rate": 0.5}).with_columns(pl.Series("size", ours))
    given = benchmarks({"value": 0.1}, {"value": 0.2}).with_columns(pl.Series("size", theirs, strict=False))
    assert held(table, given) == found


def test_tables_of_pandas_are_matched_as_those_of_polars() -> None:
    pandas = pytest.importorskip("pandas")
    days = pandas.to_datetime(["2026-01-01", "2026-02-01"])
    table = pandas.DataFrame({"model": "m", "month": days, "size": [5, None], "win_rate": [0.5, 0.5]})
    months = [date(2026, 1, 1), date(2026, 2, 1)]
    given = benchmarks({"size": 5, "value": 0.1}, {"size": None, "value": 0.2}).with_columns(
        month=pl.Series(months)
    )
    assert held(table, given) == [0.1, 0.2]
    assert held(pl.from_pandas(table), given.to_pandas()) == [0.1, 0.2]


def test_periods_and_models_are_matched_as_text() -> None:
    rows = [
        {"month": date(2026, month, 1), "size": size, "win_rate": 0.5} for month, size in ((1, 5), (2, None))
    ]
    table = kpis_of(*rows)
    month = benchmarks({"month": "2026-02-01", "size": None, "value": 0.1}, {"size": 5.0, "value": 0.2})
    assert held(table, month) == [0.2, 0.1]
    days = benchmarks({"month": date(2026, 2, 1), "value": 0.1}).with_columns(size=None)
    assert held(table, days) == [None, 0.1]
    models = pl.concat([CELLS, CELLS.with_columns(model=pl.lit("markov"))])
    given = benchmarks({"model": "markov", "channel": None, "product": None, "value": 0.1})
    assert held(models, given) == [None] * 5 + [0.1] * 5


def test_an_accent_is_one_sign_or_two() -> None:
    table = kpis_of({"channel": "Caf\u00e9", "win_rate": 0.5})
    assert held(table, benchmarks({"channel": "Cafe\u0301", "value": 0.4})) == [0.4]


# The naive twin.


def twin(
    table: list[dict[str, Any]], given: list[dict[str, Any]], by: list[str], kpi: str
) -> list[float | None]:
    found = []
    for cell in table:
        best: list[tuple[int, float]] = []
        for row in given:
            named = {name: row[name] for name in by if row[name] is not None}
            if row["kpi"] == kpi and all(cell[name] == value != "(total)" for name, value in named.items()):
                best.append((len(named), row["value"]))
        found.append(max(best)[1] if best else None)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_random_benchmarks_are_matched_as_by_the_twin(seed: int) -> None:
    draw = np.random.default_rng(seed)
    by, names = ["channel", "product", "owner"], ("win_rate", "leads")
    cells = [
        {"model": model, "channel": a, "product": b, "owner": c, "win_rate": draw.random(), "leads": 1.0}
        for model in "mn" for a in ["ads", "mail"] for b in ["x", "y", None] for c in ["Ann", "Bob"]
    ]  # fmt: skip
    cells += [
        {**dict.fromkeys(by), "model": model, "channel": "(total)", "win_rate": 1, "leads": 2}
        for model in "mn"
    ]
    depth = {1: ["channel"], 2: ["channel", "product"], 3: by}  # no two of one depth meet
    rows = {}
    for place in range(12):
        kpi, named = names[place % 2], depth[int(draw.integers(1, 4))]
        some = cells[draw.integers(len(cells) - 2)]
        key = tuple(some[name] if name in named else None for name in by)
        if sum(each is not None for each in key) == len(named):
            rows[kpi, key] = float(draw.random())
    rows["leads", (None, None, None)] = 0.5
    given = [
        {"kpi": kpi, **dict(zip(by, key, strict=True)), "value": value, "note": f"from page {place % 5}"}
        for place, ((kpi, key), value) in enumerate(rows.items())
    ]
    frame = pl.DataFrame(given, schema_overrides=dict.fromkeys(by, pl.String), infer_schema_length=None)
    table = pl.DataFrame(cells, infer_schema_length=None).cast({"leads": pl.Float64, "win_rate": pl.Float64})
    found = at.benchmark_gap(table, frame).table()
    for kpi in names:
        expected = twin(cells, given, by, kpi)
        assert any(expected)
        assert found.filter(kpi=kpi)["benchmark"].to_list() == expected
    order = draw.permutation(len(frame))
    assert_frame_equal(at.benchmark_gap(table, frame[order]).table(), found)
    backwards = at.benchmark_gap(table[::-1], frame).table()
    keys = ["model", *by, "kpi"]
    assert_frame_equal(backwards.sort(keys, nulls_last=True), found.sort(keys, nulls_last=True))


# Of the sample, with intervals.


@pytest.fixture(scope="module")
def measured() -> at.Measured:
    tables = at.sample.load()
    journeys = at.stitch(tables.touchpoints, tables.leads)
    result = at.attribute(journeys, at.Linear(), at.LastTouch(), intervals=0.9, replicates=100)
    return at.measure(result, tables.spend)


OF_SAMPLE = pl.DataFrame(
    {
        "channel": [None, "Email", None, "Paid Social", None],
        "kpi": ["cost_per_lead", "cost_per_lead", "win_rate", "win_rate", "spend"],
        "value": [250.0, 30.0, 0.2, 0.08, 1000.0],
    }
)


def test_the_gaps_of_the_sample_keep_their_laws(measured: at.Measured) -> None:
    found = at.benchmark_gap(measured, OF_SAMPLE)
    rows = found.table().to_dicts()
    assert len(rows) == 3 * len(measured.table())
    told = {(row["model"], row["channel"]): row for row in measured.table().to_dicts()}
    better = {kpi.name: kpi.better for kpi in KPIS}
    seen = set()
    for row in rows:
        cell, kpi = told[row["model"], row["channel"]], row["kpi"]
        named = [each for each in OF_SAMPLE.to_dicts() if each["kpi"] == kpi]
        own = [each["value"] for each in named if each["channel"] == row["channel"]]
        assert row["benchmark"] == (own or [each["value"] for each in named if not each["channel"]])[0]
        assert row["value"] == cell[kpi]
        if row["value"] is None:
            assert row["gap"] is row["gap_low"] is row["gap_high"] is row["verdict"] is None
            assert row["reason"].startswith("no ")
            continue
        assert row["gap"] + row["benchmark"] == pytest.approx(row["value"], rel=1e-12)
        assert row["gap_relative"] == row["gap"] / row["benchmark"]
        if kpi == "spend":
            assert (row["gap_low"], row["verdict"], row["reason"]) == (None, None, "no interval")
            continue
        assert row["gap_low"] == cell[f"{kpi}_low"] - row["benchmark"]
        assert row["gap_high"] == cell[f"{kpi}_high"] - row["benchmark"]
        assert row["gap_high"] - row["gap_low"] == pytest.approx(cell[f"{kpi}_high"] - cell[f"{kpi}_low"])
        sign = 0 if row["gap_low"] <= 0 <= row["gap_high"] else math.copysign(1, row["gap_low"])
        good = 1 if better[kpi] == "higher" else -1
        assert row["verdict"] == {0: "not told apart", good: "better", -good: "worse"}[sign]
        assert row["reason"] is None
        seen.add(row["verdict"])
    assert seen == {"better", "worse", "not told apart"}


def test_benchmarks_that_are_the_kpis_themselves_leave_no_gap(measured: at.Measured) -> None:
    own = measured.table().filter(pl.col("channel") != "(total)").drop_nulls("win_rate")
    given = own.select("model", "channel", pl.lit("win_rate").alias("kpi"), pl.col("win_rate").alias("value"))
    rows = at.benchmark_gap(measured, given).table().drop_nulls("gap")
    assert len(rows) == len(given)
    assert set(rows["gap"]) == {0.0}
    assert set(rows["verdict"]) == {"not told apart"}


def test_without_intervals_nothing_is_better_or_worse(measured: at.Measured) -> None:
    plain = measured.table().select(pl.exclude("^.*_(low|high)$"))
    rows = at.benchmark_gap(plain, OF_SAMPLE).table()
    assert rows["verdict"].null_count() == len(rows)
    assert set(rows.drop_nulls("gap")["reason"]) == {"no interval"}
    same = at.benchmark_gap(measured, OF_SAMPLE).table()
    assert rows["gap"].equals(same["gap"])


def test_a_file_of_the_table_gives_the_same(measured: at.Measured, tmp_path: Path) -> None:
    expected = at.benchmark_gap(measured, OF_SAMPLE).table()
    for name in ("kpis.parquet", "kpis.csv"):
        at.write_table(measured.table(), tmp_path / name)
        at.write_table(OF_SAMPLE, tmp_path / f"of_{name}")
        found = at.benchmark_gap(tmp_path / name, tmp_path / f"of_{name}").table()
        assert_frame_equal(found, expected, check_exact=True)
    escaped = pl.DataFrame({"model": ["m"], "channel": ["-ads"], "win_rate": [0.5]})
    at.write_table(escaped, tmp_path / "escaped.csv")
    given = benchmarks({"channel": "-ads", "value": 0.5})
    assert gaps(tmp_path / "escaped.csv", given)[0]["channel"] == "-ads"
    assert held(tmp_path / "escaped.csv", given) == [0.5]


def test_funnels_velocities_and_values_have_gaps_too() -> None:
    leads = {"customer_id": ["a", "b", "c"], "timestamp": ["2026-03-02"] * 3, "owner": ["Ann", "Ann", "Bob"]}
    times = {
        "mql_at": ["2026-03-03", None, None],
        "won_at": ["2026-04-01", None, "2026-03-05"],
        "revenue": 10.0,
    }
    log = at.lead_log(
        pl.DataFrame(leads | times).with_columns(wins=pl.col("won_at").is_not_null().cast(pl.Int64))
    )
    funnel = at.funnel(log, by=["owner"])
    assert held(funnel, benchmarks({"owner": "Ann", "value": 0.4})) == [0.4, None, None]
    assert held(funnel, benchmarks({"value": 0.4})) == [0.4] * 3  # by is known without a column owner
    entered = at.stage_entries(log, "month", by=["owner"])
    given = benchmarks({"kpi": "mqls_entered", "entered_month": "2026-03-01", "value": 2})
    assert held(entered, given).count(2.0) == 2
    velocity = at.velocity(log, by=["owner"])
    soon = benchmarks({"kpi": "within_90_days", "value": 0.5})
    with pytest.raises(
        TableError, match="name the other dimensions as columns of the benchmarks, left empty"
    ):
        at.benchmark_gap(velocity, soon)
    steps = soon.with_columns(owner=None, from_stage=None, to_stage=pl.lit("wins"))
    found = at.benchmark_gap(velocity, steps)
    assert found.by == ("owner", "from_stage", "to_stage")
    to_wins = found.table().filter(to_stage="wins")
    assert len(to_wins)
    assert set(to_wins["benchmark"]) == {0.5}
    value = at.customer_value(log, by=["owner"])
    worth = benchmarks({"kpi": "revenue_per_customer", "owner": "Bob", "value": 5})
    assert [row["gap"] for row in gaps(value, worth) if row["owner"] == "Bob"] == [5.0]


# What is set aside, and what is refused.


def test_rows_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.csv"
    path.write_text(
        "kpi,channel,value\nwin_rate,ads,0.4\n,ads,1\nwin_rate,mail,much\nwin_rate,mail,\nwin_rate,mail,inf\n"
        "win_rate,tv,0.1\ncost_per_win,,9\nwin_rate,mail,1,2\n"
    )
    found = at.benchmark_gap(kpis_of(ADS, MAIL), path)
    expected = {
        **{"bad_number": 1, "kpi_not_there": 1, "no_such_cell": 1, "not_finite": 1},
        **{"null_kpi": 1, "null_number": 1, "ragged_row": 1},
    }
    assert found.rows.set_aside == expected
    assert (found.rows.read, found.rows.used, found.rows.lost) == (8, 1, 0)
    assert found.table()["benchmark"].to_list() == [0.4, None]
    for reason in expected:
        assert any(f"1 rows set aside: {reason} (" in line for line in found.warnings)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{"kpi": "cost_per_win", "value": 1}],
            r"set aside: 1 kpi_not_there\n.*\n.*kpi: 'cost_per_win' in the benchmarks, 'win_rate', "
            "'cost_per_lead' in the KPIs",
        ),
        (
            [{"channel": name, "value": 1} for name in ("tv", "radio", "tv", "press", "fair")],
            r"set aside: 5 no_such_cell\n.*\n.*channel: 'tv', 'radio', 'press', \.\.\. in the benchmarks, "
            "'ads', 'mail' in the KPIs",
        ),
        (
            [{"channel": "(total)", "value": 1}],
            r"a total is held to the benchmarks whose cell is empty there",
        ),
        ([{"value": "23.3%"}, {"value": " 5 % "}], r"2 values are in percent: for 23\.3 % write 0\.233"),
        (
            [{"channel": "tv", "value": 1}, {"channel": "ads", "value": "much"}],
            r"set aside: 1 bad_number, 1 no_such_cell\n.*\n.*channel: 'tv' in the benchmarks, 'ads', 'mail'",
        ),
        ([{"value": "much"}], r"set aside: 1 bad_number\n.*\n.*value: 'much'\n"),
        ([{"value": None}], r"set aside: 1 null_number\n.*\n.*value: nothing\n"),
    ],
)
def test_benchmarks_of_which_none_matches_are_refused_with_both_sides(rows: Any, said: str) -> None:
    with pytest.raises(TableError, match=f"no benchmark matches a cell of the KPIs(.|\n)*{said}") as told:
        at.benchmark_gap(kpis_of(ADS, MAIL, TOTAL), benchmarks(*rows))
    assert told.value.exit_code == 3


def test_a_table_without_benchmarks_is_refused() -> None:
    with pytest.raises(TableError, match=r"set aside: nothing, as there are no rows"):
        at.benchmark_gap(kpis_of(ADS), benchmarks({"value": 1.0}).clear())


def test_percent_as_text_is_told_how_to_write_it() -> None:
    found = at.benchmark_gap(kpis_of(ADS, MAIL), benchmarks({"value": "0.2"}, {"value": "23,3 %"}))
    assert found.table()["benchmark"].to_list() == [0.2, 0.2]
    assert "1 values are in percent: for 23,3 % write 0.233" in found.warnings[1]


def test_a_share_in_percent_is_told() -> None:
    found = at.benchmark_gap(kpis_of(ADS), benchmarks({"value": 23.3}))
    assert "win_rate 23.3: a share above 1" in found.warnings[0]
    assert not at.benchmark_gap(kpis_of(ADS), benchmarks({"kpi": "cost_per_lead", "value": 23.3})).warnings
    soon = kpis_of({"channel": "ads", "within_30_days": 0.5})
    assert (
        "a share above 1"
        in at.benchmark_gap(soon, benchmarks({"kpi": "within_30_days", "value": 50})).warnings[0]
    )


def test_columns_map_our_names_to_those_of_the_benchmarks() -> None:
    given = pl.DataFrame({"metric": ["win_rate"], "median": [0.4], "kanal": ["ads"], "value": ["x"]})
    mapped = {"kpi": "metric", "value": "median", "channel": "kanal"}
    assert held(kpis_of(ADS, MAIL), given, columns=mapped) == [0.4, None]
    ranged = benchmarks(
        {"channel": "ads", "value": 0.4, "value_low": 0.3, "value_high": 0.5},
        {"channel": "mail", "value": 0.5, "value_low": 0.4, "value_high": 0.6},
    )
    assert held(kpis_of(ADS, MAIL), ranged) == [0.4, 0.5]  # the ends are no dimensions, and not used
    with pytest.raises(TableError, match=r"no column 'metrik'.*\n.*\n.*did you mean 'metric'"):
        held(kpis_of(ADS), given, columns={**mapped, "kpi": "metrik"})
    with pytest.raises(ParameterError, match="each column of the benchmarks once"):
        held(kpis_of(ADS), given, columns={"kpi": "metric", "channel": "metric"})
    with pytest.raises(ParameterError, match="parameter 'columns': got 'kpi=metric', expected names"):
        held(kpis_of(ADS), given, columns="kpi=metric")


@pytest.mark.parametrize(
    ("given", "where", "error", "said"),
    [
        ({"kpi": "win_rat", "value": 1}, {}, TableError, r"no KPI \(1 rows\)\n.*\n.*mean 'win_rate'"),
        ({"kpi": "win_rate_low", "value": 1}, {}, TableError, "'win_rate_low'; did you mean 'win_rate'"),
        ({"kpi": "channel", "value": 1}, {}, TableError, "names that are no KPI"),
        ({"metric": "a"}, {}, TableError, "no column 'value'"),
        ({"kpi": [1], "value": 1}, {}, TableError, "type List"),
        ({"value": 1, "industry": "a"}, {"indstry": "a"}, ParameterError, "did you mean 'industry'"),
        ({"value": 1, "industry": "retail"}, {"industry": "retial"}, ParameterError, "did you mean 'retail'"),
        ({"value": 1, "channel": "ads"}, {"channel": "ads"}, ParameterError, "broken down by channel"),
        ({"value": 1}, {"kpi": "win_rate"}, ParameterError, "unknown dimension in where= 'kpi'"),
        ({"value": 1, "industry": "a"}, "industry=a", ParameterError, "'where': got 'industry=a', expected"),
        ({"value": 1, "industry": "a"}, ["industry"], ParameterError, r"as \{\"industry\": \"software\"\}"),
        ({"value": 1, "industry": "a"}, {"industry": ["a"]}, ParameterError, "unknown industry in where="),
        ({"value": 1, "industry": "a"}, {"industry": None}, ParameterError, "in where= 'None'"),
        ({"value": 1, "industry": "a"}, {3: "a"}, ParameterError, "unknown dimension in where= '3'"),
    ],
)  # fmt: skip
def test_benchmarks_that_cannot_be_used_are_refused(given: Any, where: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        at.benchmark_gap(kpis_of(ADS), benchmarks(given), where=where)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pl.DataFrame({"channel": ["ads"], "win_rate": [0.5]}), "a KPI table: model, dimensions and KPIs"),
        (kpis_of(ADS).clear(), "0 rows"),
        (kpis_of(ADS, ADS), r"several rows of one model and channel \(2 rows\)\n.*\n.*'linear' / 'ads'"),
        (kpis_of({"win_rate": 0.1}, {"win_rate": 0.2}), "several rows of one model and cell"),
        (
            kpis_of({**ADS, "win_rate": math.nan}),
            r"column 'win_rate': cells that are no finite number \(1 rows\)",
        ),
        (kpis_of({**ADS, "win_rate": "much"}), "for example: 'much'"),
        (
            kpis_of({"channel": "ads", "cost_per_lead": 1.0, "owner": "Ann", "n": "3"}),
            "'cost_per_lead', 'n' in the KPIs\n",
        ),
        (3, "got int"),
    ],
)
def test_a_kpi_table_that_cannot_be_used_is_refused(table: Any, said: str) -> None:
    with pytest.raises(TableError, match=said):
        at.benchmark_gap(table, benchmarks({"value": 0.5}))


def test_a_dimension_named_as_a_column_of_the_gaps_is_refused() -> None:
    table = at.Funnel(kpis_of({"verdict": "a", "win_rate": 0.5}), (), ("verdict",))
    with pytest.raises(ParameterError, match="the gap table has such a column"):
        at.benchmark_gap(table, benchmarks({"value": 0.5}))


@pytest.mark.parametrize("name", ["benchmark row", "cell number", "dimensions named", "*", "^.*$"])
def test_a_column_of_any_name_is_refused_as_a_dimension_and_harmless_as_none(name: str) -> None:
    with pytest.raises(ParameterError, match="another name: rename the column of the KPIs"):
        at.benchmark_gap(
            at.Funnel(kpis_of({name: "a", "win_rate": 0.5}), (), (name,)), benchmarks({"value": 1})
        )
    with pytest.raises(ParameterError, match="another name: rename the column of the KPIs"):
        at.benchmark_gap(kpis_of({name: "a", "win_rate": 0.5}), benchmarks({"value": 0.5, name: "a"}))
    given = benchmarks({"value": 0.1, name: "a", "x": 1}, {"value": 0.2, name: "b", "x": 2})
    assert held(kpis_of(ADS), given, where={name: "b"}) == [0.2]
    with pytest.raises(TableError, match=f"they differ in {re.escape(name)}, x"):
        at.benchmark_gap(kpis_of(ADS), given)
    assert held(kpis_of({**ADS, name: 1.0}), given.select("kpi", "value", "x"), where={"x": 2}) == [0.2]


# The command line.


@pytest.mark.parametrize("name", ["kpis.json", "kpis.xlsx", "KPIS.JSON"])
def test_files_for_people_are_refused_in_words(name: str, tmp_path: Path) -> None:
    given = tmp_path / "benchmarks.csv"
    given.write_text("kpi,value\nwin_rate,0.5\n")
    path = tmp_path / name
    path.write_text("[]")
    said = refused(3, "gap", path, "--benchmarks", given)
    assert "written for people and not read" in said
    assert ".parquet, .csv or .ndjson" in said
    assert "benchmarks (" in refused(3, "gap", given, "--benchmarks", path) or "kpis (" in said
    told = done("gap", "--help").out
    assert ".parquet, .csv or .ndjson" in re.sub(r"\s+", " ", told)
    assert "(.json, .xlsx) are not read" in re.sub(r"\s+", " ", told)


def test_a_difference_of_shares_is_shown_in_points(tmp_path: Path) -> None:
    kpis, given = tmp_path / "kpis.csv", tmp_path / "benchmarks.csv"
    row = {
        "channel": "ads",
        "win_rate": 0.1,
        "win_rate_low": 0.08,
        "win_rate_high": 0.12,
        "cost_per_lead": 2.0,
    }
    at.write_table(kpis_of(row), kpis)
    given.write_text("kpi,value,publisher\nwin_rate,0.201,A\ncost_per_lead,4,B\n")
    ran = done("gap", kpis, "--benchmarks", given)
    for told in ("-10.1 points", "-12.1 - -8.1 points", "-50.2 %", "-2.00", "-50.0 %"):
        assert told in ran.out
    assert "column publisher of the benchmarks is no dimension" in ran.err
    given.write_text("kpi,channel,value\nwin_rate,tv,0.2\n")
    assert "channel: 'tv' in the benchmarks, 'ads' in the KPIs" in refused(
        3, "gap", kpis, "--benchmarks", given
    )


def test_the_command_gives_what_python_gives(measured: at.Measured, tmp_path: Path) -> None:
    kpis, given, out = tmp_path / "kpis.csv", tmp_path / "benchmarks.csv", tmp_path / "gaps.csv"
    at.write_table(measured.table(), kpis)
    industries = pl.concat([
        OF_SAMPLE.with_columns(industry=pl.lit("software")),
        OF_SAMPLE.with_columns(pl.col("value") * 2, industry=pl.lit("retail")),
    ])  # fmt: skip
    industries.write_csv(given)
    arguments = ("gap", kpis, "--benchmarks", given)
    assert "--where industry=retail" in refused(3, *arguments)
    chosen = (*arguments, "--where", "industry=software")
    expected = at.benchmark_gap(measured, OF_SAMPLE).table()
    ran = done(*chosen)
    assert "5 rows set aside: not_chosen" in ran.err
    text = re.sub(r"[│┃ ]+", " ", ran.out)
    for row in expected.filter(model="linear", kpi="win_rate").to_dicts():
        assert f"{row['value']:.1%}".replace("%", " %") in text
        assert row["verdict"] in text
    assert "no interval" in text
    assert json.loads(done(*chosen, "--json").out) == expected.to_dicts()
    done(*chosen, "--out", out)
    assert_frame_equal(pl.read_csv(out, schema_overrides=expected.schema), expected, check_exact=True)
    assert "also an input" in refused(6, *chosen, "--out", kpis)
    assert "COLUMN=VALUE" in refused(2, *arguments, "--where", "industry")
    assert "each column once" in refused(2, *chosen, "--where", "industry=retail")
    assert "--benchmarks" in refused(2, "gap", kpis)
