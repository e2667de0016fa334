"""Intervals of KPIs: those of the result, of the credit log, of its file, and of a job that writes them."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import done, refused
from test_intervals import CHANNELS, world
from test_job import job, put, sums, tables_of

import attribution as at
from attribution import ParameterError
from attribution.arrays import Float64
from attribution.credits import Credits, Replicates
from attribution.job import run
from attribution.kpis import ratios_of
from attribution.models import Linear, Markov
from attribution.statistics import Resampling

OUTCOMES = ("leads", "wins", "revenue")
KPIS = ratios_of(OUTCOMES)
FIGURES = (*OUTCOMES, *(kpi.name for kpi in KPIS))
DRAWN: dict[str, Any] = {"intervals": 0.9, "replicates": 300, "seed": 4}
SPEND = pl.DataFrame({"channel": [*CHANNELS[:4], "Posters"], "spend": [900.0, 100.0, 300.0, 0.0, 70.0]})


@pytest.fixture(scope="module")
def stitched() -> at.Stitched:
    return at.stitch(*world(900, seed=6))


@pytest.fixture(scope="module")
def result(stitched: at.Stitched) -> at.Result:
    return at.attribute(stitched, Linear(), Markov(), **DRAWN)


@pytest.fixture(scope="module")
def kpis(result: at.Result) -> pl.DataFrame:
    return at.measure(result, SPEND).table()


@pytest.fixture(scope="module")
def log(stitched: at.Stitched, result: at.Result) -> at.CreditLog:
    return at.credit_log(stitched, result)


def ends_of(values: Float64) -> tuple[float | None, float | None]:
    """Return the quantiles of replicates, None where they are not numbers."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, [0.05, 0.95])
    return (float(low), float(high)) if np.isfinite([low, high]).all() else (None, None)


def naive(outcomes: Float64, spend: float | None) -> dict[str, tuple[float | None, float | None]]:
    """Return the intervals of a row from the outcomes of its replicates [R, 3], as plainly as can be."""
    columns = dict(zip(OUTCOMES, outcomes.T, strict=True))
    found = {name: ends_of(values) if values.any() else (None, None) for name, values in columns.items()}
    columns["spend"] = np.full(len(outcomes), math.nan if spend is None else spend)
    with np.errstate(divide="ignore", invalid="ignore"):
        for kpi in KPIS:
            above, below = columns[kpi.numerator], columns[kpi.denominator]
            if kpi.numerator != "spend" and not above.any():
                found[kpi.name] = (None, None)
            else:
                found[kpi.name] = ends_of(above / below)
    return found


def assert_rows_are(rows: pl.DataFrame, outcomes: Float64) -> int:
    """Compare a row with what is said naively; return how many figures have an interval."""
    (row,) = rows.to_dicts()
    seen = 0
    for name, (low, high) in naive(outcomes, row["spend"]).items():
        if row[name] is None:
            low = high = None
        assert (row[f"{name}_low"] is None) == (row[f"{name}_high"] is None) == (low is None), (name, row)
        if low is not None:
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx([low, high], rel=1e-9), name
            seen += 1
    return seen


# Of a result.


def test_every_figure_of_a_result_has_the_quantiles_of_its_replicates(
    result: at.Result, kpis: pl.DataFrame
) -> None:
    seen = 0
    for name, credits in result.items():
        drawn = credits.replicates.values
        rows = kpis.filter(model=name)
        assert rows["channel"].to_list()[-3:] == ["Posters", "(unattributed)", "(total)"]
        for c, channel in enumerate(credits.channels):
            seen += assert_rows_are(rows.filter(channel=channel), drawn[:, c])
        seen += assert_rows_are(rows.filter(channel="(unattributed)"), drawn[:, -1])
        seen += assert_rows_are(rows.filter(channel="(total)"), drawn.sum(axis=1))
        seen += assert_rows_are(rows.filter(channel="Posters"), np.zeros((300, 3)))
    assert seen > 80


def test_a_figure_stands_before_its_ends_and_inside_them(kpis: pl.DataFrame) -> None:
    names = [name for name in kpis.columns if not name.endswith("_shrunken")]
    expected = [each for name in FIGURES for each in (name, f"{name}_low", f"{name}_high")]
    assert names == ["model", "channel", "spend", *expected, "reason"]
    total = kpis.filter(channel="(total)")
    for name in FIGURES:
        assert (total[f"{name}_low"] < total[name]).all()
        assert (total[name] < total[f"{name}_high"]).all()
        known = kpis.filter(pl.col(f"{name}_low").is_not_null())
        assert (known[f"{name}_low"] <= known[f"{name}_high"]).all()


def without_ends(table: pl.DataFrame) -> pl.DataFrame:
    """Return a KPI table without the columns that intervals add to or change."""
    return table.drop(
        "reason", *(f"{name}_{end}" for name in FIGURES for end in ("low", "high")), strict=False
    )


def test_values_of_kpis_are_those_without_intervals_to_the_bit(
    stitched: at.Stitched, kpis: pl.DataFrame
) -> None:
    plain = at.measure(at.attribute(stitched, Linear(), Markov()), SPEND).table()
    assert not [name for name in plain.columns if name.endswith(("_low", "_high"))]
    assert without_ends(kpis).equals(plain.drop("reason"))
    for ours, theirs in zip(kpis["reason"], plain["reason"], strict=True):
        assert theirs is None or (ours or "").startswith(theirs)


def test_credits_of_one_model_have_the_kpis_that_they_have_in_the_result(
    result: at.Result, kpis: pl.DataFrame
) -> None:
    alone = at.measure(result["markov"], SPEND).table()
    assert alone.equals(kpis.filter(model="markov"))


def test_a_known_spend_of_nothing_is_a_cost_of_nothing_for_certain(kpis: pl.DataFrame) -> None:
    free = kpis.filter(channel="Social")
    assert (
        free.select("cost_per_lead", "cost_per_lead_low", "cost_per_lead_high").rows()
        == [(0.0, 0.0, 0.0)] * 2
    )
    assert free["return_on_spend_low"].null_count() == 2


def told(table: pl.DataFrame, **cell: Any) -> list[str]:
    """Return the reasons of a row."""
    return table.filter(**cell)["reason"].item().split("; ")


def test_a_channel_without_credit_says_why_it_has_no_interval(kpis: pl.DataFrame) -> None:
    reasons = told(kpis, model="linear", channel="Posters")
    assert [f"{name}: no interval without credit" for name in OUTCOMES] == [
        reason for reason in reasons if "no interval" in reason and ":" in reason and "credit" in reason
    ][:3]
    row = kpis.filter(model="linear", channel="Posters")
    assert row.select(pl.selectors.ends_with("_low", "_high")).null_count().row(0).count(1) == 16


def made_of(values: Float64, *, replicates: Float64 | None = None) -> Credits:
    """Return credits of channels a, b, ... with replicates."""
    channels = tuple("abcdef"[: len(values)])
    drawn = None
    if replicates is not None:
        drawn = Replicates(replicates, Resampling(0.9, len(replicates)), "bootstrap", 256)
    return Credits("linear", channels, OUTCOMES, values, np.zeros(3), replicates=drawn)


def test_leads_without_a_win_have_no_interval_of_their_win_rate() -> None:
    draws = np.random.default_rng(0).poisson(50, (200, 2, 3)).astype(float)
    draws[:, 0, 1:] = 0.0
    draws[:, -1] = 0.0
    credits = made_of(np.array([[50.0, 0.0, 0.0]]), replicates=draws)
    table = at.measure(credits, pl.DataFrame({"channel": ["a"], "spend": [10.0]})).table()
    row = table.row(0, named=True)
    assert (row["win_rate"], row["return_on_spend"]) == (0.0, 0.0)
    for name in ("win_rate", "return_on_spend", "wins", "revenue"):
        assert (row[f"{name}_low"], row[f"{name}_high"]) == (None, None), name
    assert row["cost_per_lead_low"] < 0.2 < row["cost_per_lead_high"]
    reasons = row["reason"].split("; ")
    assert "win_rate: no interval without credited wins" in reasons
    assert "return_on_spend: no interval without credited revenue" in reasons
    assert "wins: no interval without credit" in reasons
    assert reasons.count("win_rate: no interval without credited wins") == 1


def test_a_win_rate_of_data_without_wins_has_no_interval(stitched: at.Stitched) -> None:
    touchpoints, outcomes = world(600, seed=6)
    lost = outcomes.with_columns(wins=0.0, revenue=0.0)
    table = at.measure(at.attribute(at.stitch(touchpoints, lost), Linear(), **DRAWN), SPEND).table()
    assert (table["win_rate"].drop_nulls() == 0).all()
    assert table["win_rate_low"].null_count() == len(table)
    assert all(
        "win_rate: no interval without credited wins" in each
        for each in table.filter(pl.col("win_rate").is_not_null())["reason"]
    )
    assert len(stitched.folds) == 256


@pytest.mark.parametrize(("share", "known"), [(0.02, True), (0.3, False)])
def test_a_denominator_that_many_replicates_lack_leaves_no_interval(share: float, known: bool) -> None:
    draws = np.random.default_rng(1).uniform(1, 3, (500, 2, 3))
    draws[: int(500 * share), 0, 1] = 0.0
    credits = made_of(np.array([[2.0, 1.0, 4.0]]), replicates=draws)
    table = at.measure(credits, pl.DataFrame({"channel": ["a"], "spend": [10.0]})).table()
    row = table.row(0, named=True)
    for name in ("cost_per_win", "revenue_per_win"):
        lacking = f"{name}: no interval, too many replicates lack wins"
        assert (row[f"{name}_low"] is not None) == (row[f"{name}_high"] is not None) == known
        assert (lacking in (row["reason"] or "")) != known
        assert row[name] is not None
    assert row["cost_per_lead_low"] is not None
    assert row["wins_low"] is not None


def test_few_customers_have_kpis_without_intervals_and_the_reason() -> None:
    tables = world(60, seed=2)
    stitched = at.stitch(*tables)
    few = at.attribute(stitched, Linear(), **DRAWN)
    why = few["linear"].unsure
    assert "fewer than the 256 folds" in why
    log = at.credit_log(stitched, few)
    for table in (
        at.measure(few, SPEND).table(),
        at.measure(log, SPEND).table(),
        at.measure(log, SPEND, by=["week"]).table(),
    ):
        ends = table.select(pl.selectors.ends_with("_low", "_high"))
        assert ends.width == 2 * len(FIGURES)
        assert set(ends.null_count().row(0)) == {len(table)}
        assert table["reason"].str.contains(why, literal=True).all()


# Of a log.


def cells_twin(log: at.CreditLog, by: list[str]) -> dict[Any, Float64]:
    """Return the outcomes of each cell in each replicate, from the rows of the log, one by one."""
    weights = Resampling(0.9, 300, 4).weights(256)
    found: dict[Any, Float64] = {}
    table = log.table(*(name for name in by if name != "channel"))
    asked = [pl.col(name).alias(f"{name} of the cell") for name in by]
    for model, fold, *rest in table.select("model", "fold", *asked, *OUTCOMES).iter_rows():
        key = (model, *rest[: len(by)])
        by_fold = found.setdefault(key, np.zeros((256, 3)))
        by_fold[fold] += rest[len(by) :]
    return {key: weights @ by_fold for key, by_fold in found.items()}


@pytest.mark.parametrize(
    "by",
    [
        ["channel"],
        ["channel", "week"],
        ["month", "channel"],
        ["touchpoint_week"],
        ["fold"],
        ["position", "channel"],
    ],
    ids=str,
)
def test_the_log_by_cell_has_the_quantiles_of_its_weighed_folds(log: at.CreditLog, by: list[str]) -> None:
    spend = SPEND if "channel" in by else SPEND.select(channel=pl.lit("Ads"), spend=pl.lit(50.0))
    table = at.measure(log, spend, by=by).table()
    cells = cells_twin(log, by)
    totals = {model: sum(v for k, v in cells.items() if k[0] == model) for model in ("linear", "markov")}
    seen = 0
    for model, total in totals.items():
        rows = table.filter(model=model)
        assert_rows_are(rows[-1], total)
        for row in rows[:-1].iter_slices(1):
            outcomes = cells.pop((model, *row.select(by).row(0)), np.zeros((300, 3)))
            seen += assert_rows_are(row, outcomes)
    assert not cells
    assert seen > 10


def test_a_rule_has_the_same_intervals_by_channel_in_its_log(kpis: pl.DataFrame, log: at.CreditLog) -> None:
    logged = at.measure(log, SPEND).table()
    ours, theirs = (table.filter(model="linear").sort("channel") for table in (logged, kpis))
    assert_frame_equal(ours, theirs, rel_tol=1e-9)
    chain = [table.filter(model="markov").sort("channel") for table in (logged, kpis)]
    assert_frame_equal(without_ends(chain[0]), without_ends(chain[1]), rel_tol=1e-9)
    assert not chain[0]["leads_low"].equals(chain[1]["leads_low"])


@pytest.mark.parametrize("by", [["channel"], ["channel", "week"]], ids=str)
def test_values_of_the_log_are_those_without_intervals_to_the_bit(
    by: list[str], stitched: at.Stitched, log: at.CreditLog
) -> None:
    plain = at.credit_log(stitched, at.attribute(stitched, Linear(), Markov()))
    ours, theirs = (at.measure(each, SPEND, by=by).table() for each in (log, plain))
    assert without_ends(ours).equals(theirs.drop("reason"))
    assert ours.width == theirs.width + 2 * len(FIGURES)
    assert log.table().equals(plain.table())


@pytest.mark.parametrize("by", [["channel"], ["channel", "week"]], ids=str)
def test_the_file_of_a_log_gives_the_intervals_of_the_log(
    by: list[str], log: at.CreditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(tmp_path / "log.parquet")
    spend = SPEND if "channel" in by else SPEND.head(1)
    ours, theirs = (at.measure(each, spend, by=by).table() for each in (tmp_path / "log.parquet", log))
    assert ours.equals(theirs)
    monkeypatch.setattr(sys.modules["attribution.credit_log"], "BATCH", 100)
    log.write(tmp_path / "pieces.parquet")
    assert at.measure(tmp_path / "pieces.parquet", spend, by=by).table().equals(theirs)
    assert theirs["leads_low"].null_count() < len(theirs)


def test_cells_beyond_a_block_have_the_intervals_that_they_have_in_one(
    log: at.CreditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = ["channel", "day"]
    whole = at.measure(log, SPEND, by=by).table()
    assert len(whole) > 80
    monkeypatch.setattr("attribution.kpis.intervals.CELLS", 7)
    assert_frame_equal(at.measure(log, SPEND, by=by).table(), whole, rel_tol=1e-12)


def with_columns_of(**columns: Any) -> at.CreditLog:
    """Return a log with further columns of the touchpoints."""
    touchpoints, outcomes = world(400, seed=8)
    stitched = at.stitch(touchpoints.with_columns(**columns), outcomes, folds=16)
    return at.credit_log(stitched, at.attribute(stitched, Linear(), **DRAWN))


def test_a_dimension_of_any_name_and_type_has_intervals() -> None:
    row = pl.int_range(pl.len())
    log = with_columns_of(
        number=row % 3, number_=(row % 2).cast(pl.Int8), rank=pl.lit(None), cell=pl.lit("x"), size=row / 7
    )
    spend = SPEND.with_columns(number=1, number_=pl.lit(1, pl.Int64), rank=pl.lit(2), cell=pl.lit("x"))
    for by in (
        ["number"],
        ["channel", "number"],
        ["channel", "number", "number_"],
        ["channel", "rank"],
        ["cell"],
        ["size"],
    ):
        table = at.measure(
            log, spend.select("channel", "spend", *(set(by) & {"number", "number_", "rank"})), by=by
        ).table()
        assert table["leads_low"][-1] < table["leads"][-1] < table["leads_high"][-1]
        credited = table.filter(pl.col("leads") > 1)
        assert credited["leads_low"].null_count() == 0
        assert (credited["leads_low"] <= credited["leads"]).all()


def test_a_dimension_named_as_an_end_of_an_interval_is_refused() -> None:
    log = with_columns_of(leads_low=pl.lit("x"))
    with pytest.raises(ParameterError, match="'by': got 'leads_low'"):
        at.measure(log, SPEND, by=["channel", "leads_low"])


# Of a file of credits.


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_of_credits_has_kpis_without_intervals_and_the_reason(
    suffix: str, result: at.Result, kpis: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / f"credits.{suffix}"
    at.write_table(result.table(), path)
    table = at.measure(path, SPEND).table()
    assert table.columns == kpis.columns
    ends = table.select(pl.selectors.ends_with("_low", "_high"))
    assert set(ends.null_count().row(0)) == {len(table)}
    why = "no intervals: a credits file has no replicates; measure the result itself"
    assert table["reason"].str.ends_with(why).all()
    assert_frame_equal(without_ends(table), without_ends(kpis), rel_tol=1e-12)
    at.write_table(result.table().select("model", "channel", *OUTCOMES), tmp_path / f"plain.{suffix}")
    assert "leads_low" not in at.measure(tmp_path / f"plain.{suffix}", SPEND).table().columns


def test_an_outcome_that_is_called_low_is_no_end_of_an_interval() -> None:
    credits = pl.DataFrame(
        {"model": ["m"], "channel": ["Ads"], "leads": [3.0], "sales_low": [2.0], "leads_low": [1.0]}
    )
    table = at.measure(credits, SPEND).table()
    assert table.filter(channel="Ads").select("sales_low", "leads_low").row(0) == (2.0, 1.0)
    assert "leads_high" not in table.columns


# The command line.


def write(folder: Path, customers: int, seed: int = 2) -> list[Any]:
    """Write tables; return the arguments that name them."""
    touchpoints, outcomes = world(customers, seed=seed)
    for name, table in (("touchpoints", touchpoints), ("outcomes", outcomes), ("spend", SPEND)):
        table.write_parquet(folder / f"{name}.parquet")
    return [folder / "touchpoints.parquet", folder / "outcomes.parquet"]


def test_few_customers_on_the_command_line_are_a_warning_and_no_error(tmp_path: Path) -> None:
    sources = write(tmp_path, 40)
    out = tmp_path / "credits.csv"
    ran = done("attribute", *sources, "--model", "linear", "--intervals", "0.95", "--out", out)
    assert "fewer than the 256 folds that are drawn from: stitch with folds=" in " ".join(ran.err.split())
    table = pl.read_csv(out)
    assert table["leads_low"].null_count() == len(table)
    assert table["reason"].str.contains("fewer than the 256 folds").all()
    done(
        "attribute",
        *sources,
        "--model",
        "linear",
        "--intervals",
        "0.95",
        "--folds",
        "16",
        "--out",
        out,
        "--force",
    )
    assert pl.read_csv(out)["leads_low"].null_count() == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--intervals", "1"], "'intervals'"),
        (["--intervals", "nan"], "'intervals'"),
        (["--intervals", "-1"], "'intervals'"),
        (["--intervals", "0.9", "--replicates", "99"], "'replicates'"),
        (["--intervals", "0.9", "--seed", "-1"], "'seed'"),
        (["--intervals", "0.9", "--folds", "100"], "'folds'"),
    ],
)
def test_intervals_that_cannot_be_leave_the_command_line_with_2(
    given: list[str], said: str, tmp_path: Path
) -> None:
    assert said in refused(2, "attribute", *write(tmp_path, 20), "--model", "linear", *given)


# The job.

LEVEL = {"level": 0.9, "replicates": 100, "seed": 4, "folds": 16}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    put(tmp_path, tables_of(40))
    return tmp_path


def drawn_job(suffix: str = "parquet", **more: Any) -> Any:
    """Return a job with intervals and two breakdowns."""
    weekly = {"file": "weekly.parquet", "by": ["channel", "week"]}
    owners = {"file": "owners.csv", "by": ["owner"], "models": ["linear"]}
    return job(suffix, **({"intervals": LEVEL, "breakdowns": [weekly, owners]} | more))


def test_a_job_with_intervals_writes_what_python_gives(base: Path) -> None:
    run(drawn_job(), base)
    tables = tables_of(40)
    reading = at.Reading(timezone="UTC")
    stitched = at.stitch(tables["touchpoints"], tables["leads"], reading=reading, folds=16)
    made = at.attribute(stitched, Linear(), at.LastTouch(), intervals=0.9, replicates=100, seed=4)
    log = at.credit_log(stitched, made)
    one = at.credit_log(stitched, at.Result({"linear": made["linear"]}))
    expected = {
        "credits.csv": made.table(),
        "kpis.csv": at.measure(made, tables["spend"]).table(),
        "weekly.parquet": at.measure(log, tables["spend"], by=["channel", "week"]).table(),
        "owners.csv": at.measure(one, tables["spend"], by=["owner"]).table(),
    }
    for name, table in expected.items():
        path = base / "results" / name
        found = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
        assert table["leads_low"].null_count() < len(table)
        assert_frame_equal(found.drop("run_id"), table, check_dtypes=False)
    again = at.measure(base / "results" / "log.parquet", tables["spend"], by=["channel", "week"]).table()
    assert again.equals(expected["weekly.parquet"])


def test_a_job_without_intervals_has_none_and_the_same_values(base: Path) -> None:
    run(drawn_job(), base)
    drawn = pl.read_csv(base / "results" / "kpis.csv")
    run(drawn_job(intervals=None), base)
    plain = pl.read_csv(base / "results" / "kpis.csv")
    assert "leads_low" not in plain.columns
    assert without_ends(drawn).drop("run_id").equals(plain.drop("reason", "run_id"))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_job_with_intervals_gives_the_same_bytes_for_any_order_and_threads(
    base: Path, tmp_path_factory: pytest.TempPathFactory, threads: int
) -> None:
    expected = run(drawn_job(), base)
    other = tmp_path_factory.mktemp("shuffled")
    mixed = {
        name: table.sample(fraction=1, shuffle=True, seed=threads) for name, table in tables_of(40).items()
    }
    put(other, mixed)
    ran = run(drawn_job(), other, threads=threads)
    assert ran.run_id == expected.run_id
    assert sums(other / "results") == sums(base / "results")
    assert len(sums(base / "results")) > 6


def test_csv_inputs_give_a_job_the_same_bytes(base: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    run(drawn_job(), base)
    other = tmp_path_factory.mktemp("csv")
    put(other, tables_of(40), "csv")
    run(drawn_job("csv"), other)
    assert sums(other / "results") == sums(base / "results")


def test_another_seed_or_level_is_another_run(base: Path) -> None:
    first = run(drawn_job(), base)
    assert not run(drawn_job(), base).changed
    seen = {first.run_id}
    for change in ({"seed": 5}, {"level": 0.8}, {"folds": 32}):
        ran = run(drawn_job(intervals=LEVEL | change), base)
        assert ran.changed
        seen.add(ran.run_id)
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"level": 1.0}, "intervals.level"),
        ({"level": 0.0}, "intervals.level"),
        ({"level": math.nan}, "intervals.level"),
        ({"replicates": 99}, "intervals.replicates"),
        ({"seed": -1}, "intervals.seed"),
        ({"folds": 100}, "folds"),
        ({"folds": True}, "intervals.folds"),
        ({"folds": "256"}, "intervals.folds"),
        ({"levels": 0.9}, "intervals.levels"),
    ],
)
def test_intervals_that_cannot_be_are_refused_when_the_job_is_read(
    section: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        drawn_job(intervals=section)


def test_few_customers_in_a_job_are_a_warning_in_its_manifest(tmp_path: Path) -> None:
    put(tmp_path, tables_of(12))
    ran = run(drawn_job(), tmp_path)
    (warning,) = [line for line in ran.manifest.content["warnings"] if line.startswith("no intervals")]
    assert "12 customers are fewer than the 16 folds" in warning
    for name in ("credits.csv", "kpis.csv", "owners.csv"):
        table = pl.read_csv(tmp_path / "results" / name)
        assert table["leads_low"].null_count() == len(table)
        assert table["reason"].str.contains(warning, literal=True).all()


# Late data.

REPROCESSED = {"file": "late.parquet", "reprocess_days": 5}


def late(base: Path, by: list[str], intervals: Mapping[str, Any] | None = LEVEL) -> pl.DataFrame:
    """Run the job with a breakdown that keeps what was published; return it."""
    run(drawn_job(breakdowns=[{**REPROCESSED, "by": by}], intervals=intervals), base)
    return pl.read_parquet(base / "results" / "late.parquet").drop("run_id")


def doubled(base: Path) -> pl.DataFrame:
    """Double the revenue of all leads and add late ones, so that old periods would change."""
    tables = tables_of(40)
    leads = tables["leads"].with_columns(pl.col("revenue") * 2)
    more = leads.head(20).with_columns(pl.format("{}x", "customer_id").alias("customer_id"))
    put(base, tables | {"leads": pl.concat([leads, more])})
    return leads


ENDS = [f"{name}_{end}" for name in FIGURES for end in ("low", "high")]
FIRST = date(2026, 4, 9) - timedelta(days=5)


@pytest.mark.parametrize("by", [["day"], ["day", "channel"]], ids=str)
def test_periods_that_are_over_keep_their_intervals_as_published(by: list[str], base: Path) -> None:
    before = late(base, by)
    doubled(base)
    after = late(base, by)
    old = pl.col("day") < FIRST
    assert len(after.filter(old)) > 50
    assert before.filter(old)["revenue_high"].null_count() < len(before.filter(old))
    assert_frame_equal(after.filter(old), before.filter(old))
    measured = drawn_job(breakdowns=[{"file": "late.parquet", "by": by}])
    run(measured, base, force=True)
    fresh = pl.read_parquet(base / "results" / "late.parquet").drop("run_id")
    recent = pl.col("day") >= FIRST
    same = ["model", *by, *FIGURES, *ENDS, "reason"]
    assert_frame_equal(after.filter(recent).select(same), fresh.filter(recent).select(same))
    assert not fresh.filter(old)["revenue_high"].equals(before.filter(old)["revenue_high"])


@pytest.mark.parametrize("by", [["day"], ["day", "channel"]], ids=str)
def test_totals_over_several_runs_have_no_interval_and_the_reason(by: list[str], base: Path) -> None:
    first = late(base, by)
    for model in ("linear", "last_touch"):
        assert first.filter(model=model)["leads_low"][-1] is not None
    doubled(base)
    after = late(base, by)
    for model in ("linear", "last_touch"):
        (total,) = after.filter(model=model)[-1].to_dicts()
        assert total["leads"] > 0
        assert all(total[name] is None for name in ENDS)
        assert "no intervals: a sum of periods that were measured in several runs" in total["reason"]
    cells = after.filter(pl.int_range(pl.len()).over("model") < pl.len().over("model") - 1)
    assert not cells["reason"].fill_null("").str.contains("several runs").any()


def test_every_missing_interval_of_late_data_has_a_reason(base: Path) -> None:
    late(base, ["day", "channel"])
    doubled(base)
    after = late(base, ["day", "channel"])
    lacking = after.filter(pl.any_horizontal(pl.col(name).is_null() for name in ENDS))
    assert len(lacking) > 10
    assert lacking["reason"].null_count() == 0


def test_periods_that_were_published_without_intervals_say_so(base: Path) -> None:
    before = late(base, ["day", "channel"], None)
    assert "leads_low" not in before.columns
    doubled(base)
    after = late(base, ["day", "channel"])
    old = after.filter(pl.col("day") < FIRST)
    assert_frame_equal(
        old.select(before.drop("reason").columns), before.filter(pl.col("day") < FIRST).drop("reason")
    )
    assert set(old.select(ENDS).null_count().row(0)) == {len(old)}
    assert old["reason"].str.contains("no intervals: published without them").all()
    recent = after.filter(pl.col("day") >= FIRST)
    assert recent["leads_low"].null_count() < len(recent)


def test_a_run_that_keeps_nothing_has_the_intervals_of_all_it_measured(base: Path) -> None:
    before = drawn_job(breakdowns=[{"file": "late.parquet", "by": ["month"], "reprocess_days": 60}])
    run(before, base)
    doubled(base)
    run(before, base)
    table = pl.read_parquet(base / "results" / "late.parquet")
    assert table["revenue_low"].null_count() == 0
    assert table["month"].null_count() == 2
    assert table["month"].max() < datetime(2026, 5, 1).date()
