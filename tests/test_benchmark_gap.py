"""The benchmark gap: by hand, against a naive twin, the laws it keeps, and benchmarks that cannot be used."""

from __future__ import annotations

import json
import math
import re
from datetime import date
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
        TableError, match=r"column 'industry': 2 values of industry.*\n.*\n.*'retail'; 'software'\n.*where="
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
    both = benchmarks({"channel": "ads", "product": "x", "value": 0.4})
    assert held(CELLS, pl.concat([given, both], how="diagonal")) == [0.4, 0.2, 0.3, None, None]
    with pytest.raises(TableError, match=r"rows 0, 1"):  # equal ones too
        at.benchmark_gap(CELLS, benchmarks({"value": 0.2}, {"value": 0.2}).with_columns(product=None))


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
    for _ in range(12):
        kpi, named = names[draw.integers(2)], depth[int(draw.integers(1, 4))]
        some = cells[draw.integers(len(cells) - 2)]
        key = tuple(some[name] if name in named else None for name in by)
        if sum(each is not None for each in key) == len(named):
            rows[kpi, key] = float(draw.random())
    rows["leads", (None, None, None)] = 0.5
    given = [
        {"kpi": kpi, **dict(zip(by, key, strict=True)), "value": value} for (kpi, key), value in rows.items()
    ]
    frame = pl.DataFrame(given, schema_overrides=dict.fromkeys(by, pl.String), infer_schema_length=None)
    table = pl.DataFrame(cells, infer_schema_length=None).cast({"leads": pl.Float64, "win_rate": pl.Float64})
    found = at.benchmark_gap(table, frame).table()
    for kpi in names:
        expected = twin(cells, given, by, kpi)
        assert found.filter(kpi=kpi)["benchmark"].to_list() in (expected, [])
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


def test_no_benchmark_of_the_table_gives_no_rows() -> None:
    found = at.benchmark_gap(kpis_of(ADS), benchmarks({"kpi": "cost_per_win", "value": 1}))
    assert found.table().columns == ["model", "channel", *COLUMNS]
    assert not len(found.table())
    assert "kpi_not_there" in found.warnings[0]


def test_a_share_in_percent_is_told() -> None:
    found = at.benchmark_gap(kpis_of(ADS), benchmarks({"value": 23.3}))
    assert "win_rate 23.3: a share above 1" in found.warnings[0]
    assert not at.benchmark_gap(kpis_of(ADS), benchmarks({"kpi": "cost_per_lead", "value": 23.3})).warnings


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


# The command line.


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
