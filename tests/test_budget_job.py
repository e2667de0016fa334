"""The budget of a job: the plan that Python gives, the same bytes again, and what is refused where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_budget_cli import COMPLETE, DRAWN, SAME, logged, world
from test_cli import attribution, done, names
from test_job import sums
from test_loop import job

import attribution as at
from attribution.errors import ConvergenceError, ParameterError, TableError
from attribution.job import run

PLAN: dict[str, Any] = {"total": 1600.0, "complete_before": COMPLETE, "file": "plan.parquet"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the sections of a job over the small world."""
    places = {
        name: {"path": str(place)} for name, place in world().put(tmp_path_factory.mktemp("world")).items()
    }
    drawn = {"level": DRAWN["intervals"], "replicates": DRAWN["replicates"]}
    return {
        "touchpoints": places["touchpoints"],
        "outcomes": places["leads"],
        "spend": places["spend"],
        "intervals": drawn,
    }


@pytest.fixture(scope="module")
def weekly() -> at.Measured:
    """Return what the job measures by channel and week."""
    return at.measure(logged(), world().spend, by=["channel", "week"])


def test_a_job_writes_the_plan_of_python_and_again_the_same_bytes(
    sources: dict[str, Any], weekly: at.Measured, tmp_path: Path
) -> None:
    files = {name: f"{name}.parquet" for name in ("response", "curve", "backtest")}
    section = (
        PLAN
        | files
        | {"half_life": 7, "backtest_periods": 3, "floors": {"Paid Search": 100.0}, "largest_share": 0.5}
    )
    nightly = job(**sources, budget=section)
    ran = run(nightly, tmp_path)
    scenario = at.FixedBudget(1600.0, floors={"Paid Search": 100.0}, largest_share=0.5)
    curves = at.response_curves(weekly, **SAME)
    theirs = {
        "plan": at.reallocate(weekly, scenario, **SAME).table(),
        "response": curves.table(),
        "curve": curves.curve(),
        "backtest": at.backtest_response(weekly, periods=3, **SAME),
    }
    for name, table in theirs.items():
        ours = pl.read_parquet(tmp_path / "results" / f"{name}.parquet")
        assert ours["run_id"].unique().to_list() == [ran.run_id]
        assert_frame_equal(ours.drop("run_id"), table, check_exact=True)
    assert any("without spend" in line for line in ran.manifest.content["warnings"])
    assert not run(nightly, tmp_path).changed
    run(nightly, tmp_path, out=tmp_path / "again")
    assert sums(tmp_path / "again") == sums(tmp_path / "results")


def test_the_plan_is_of_the_first_model_that_is_named(
    sources: dict[str, Any], weekly: at.Measured, tmp_path: Path
) -> None:
    section = {key: value for key, value in PLAN.items() if key != "total"}
    named = {"models": ["linear", "last_touch"], "target_cost_per_lead": 90, "hold_unsure": False}
    run(job(**sources, budget=section | named | {"outcome": "leads", "half_life": 7}), tmp_path)
    ours = pl.read_parquet(tmp_path / "results" / "plan.parquet").drop("run_id")
    theirs = at.reallocate(
        weekly, at.TargetCostPerLead(90), model="linear", hold_unsure=False, **SAME
    ).table()
    assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"total": None}, r"key budget: expected either total or target_cost_per_lead"),
        ({"target_cost_per_lead": 1.0}, r"key budget: expected either total or target_cost_per_lead"),
        ({"total": float("nan")}, r"key budget: parameter 'total': got nan, expected an amount > 0"),
        ({"total": -1}, r"key budget: parameter 'total': got -1"),
        ({"floors": {"Email": 20000}}, r"key budget: scenario: the floors, .* are above the total"),
        ({"caps": {"Email": float("inf")}}, r"key budget: parameter 'caps\[Email\]': got inf"),
        ({"floors": {"Email": "much"}}, r"key budget\.floors\.Email: got 'much'"),
        ({"largest_share": {"Email": -0.5}}, r"key budget: parameter 'largest_share\[Email\]': got -0.5"),
        ({"largest_amount": "much"}, r"key budget\.largest_amount"),
        ({"locked": "Email"}, r"key budget\.locked: got 'Email', expected channels whose spend stays"),
        ({"period": "fortnight"}, r"key budget\.period: got 'fortnight', expected day, week"),
        ({"flors": {}}, r"key budget\.flors: unknown; did you mean 'floors'\?"),
        ({"half_life": -1.0}, r"key budget\.half_life: got -1\.0, expected days"),
        ({"backtest_periods": 0}, r"key budget\.backtest_periods"),
        ({"models": []}, r"key budget\.models"),
        ({"file": "credits.csv"}, "a file name of its own"),
        ({"response": "plan.parquet"}, "a file name of its own"),
        ({"curve": "../curve.csv"}, r"key budget\.curve"),
        ({"backtest": "backtest.xlsx"}, r"file names in \.parquet or \.csv"),
        ({"complete_before": "soon"}, r"key budget\.complete_before"),
    ],
)
def test_a_section_is_refused_when_it_is_read(budget: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        job(budget=PLAN | budget)


def test_a_plan_needs_spend_and_journeys() -> None:
    with pytest.raises(ParameterError, match=r"\[spend\] for \[budget\]"):
        job(budget=PLAN, spend=None)
    spark = {"touchpoints": {"table": "t"}, "outcomes": {"table": "o"}}
    with pytest.raises(ParameterError, match=r"no \[budget\] with \[spark\]"):
        job(budget=PLAN, touchpoints=None, outcomes=None, spark=spark)


@pytest.mark.parametrize(
    ("budget", "error", "said"),
    [
        ({"locked": ["Emial"]}, ParameterError, r"\[budget\]: locked: unknown channel 'Emial'.*'Email'"),
        ({"models": ["makov"]}, ParameterError, r"\[budget\]: unknown model 'makov'"),
        ({"outcome": "sales"}, ParameterError, r"\[budget\]: unknown outcome 'sales'"),
        (
            {"period": "month"},
            ConvergenceError,
            r"\[budget\]: .* 6 months with spend and outcomes, expected at least 8 ",
        ),
        (
            {"total": None, "target_cost_per_lead": 1, "locked": ["Paid Search"]},
            ConvergenceError,
            r"\[budget\]: .*expected at least .*raise the target",
        ),
    ],
)
def test_what_is_found_wrong_in_the_run_names_the_section_and_writes_nothing(
    budget: dict[str, Any], error: type[Exception], said: str, sources: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(error, match=said):
        run(job(**sources, budget=PLAN | budget), tmp_path)
    assert not names(tmp_path / "results")
    assert [name for name in names(tmp_path) if "partial" in name] == []


def test_results_of_an_earlier_run_survive_a_plan_that_fails(sources: dict[str, Any], tmp_path: Path) -> None:
    run(job(**sources, budget=PLAN), tmp_path)
    before = sums(tmp_path / "results")
    with pytest.raises(ParameterError, match=r"\[budget\]: locked: unknown channel"):
        run(job(**sources, budget=PLAN | {"locked": ["Emial"]}), tmp_path)
    assert sums(tmp_path / "results") == before


def test_a_plan_is_read_and_shifted_as_the_job_says(sources: dict[str, Any], tmp_path: Path) -> None:
    shifted = sources | {"spend": {**sources["spend"], "lag_days": 7.0}}
    run(job(**shifted, reading={"timezone": "Asia/Tokyo"}, budget=PLAN), tmp_path)
    ours = pl.read_parquet(tmp_path / "results" / "plan.parquet").drop("run_id")

    def planned(zone: str, lag: float) -> pl.DataFrame:
        reading, touchpoints, leads = at.Reading(timezone=zone), world().touchpoints, world().leads
        journeys = at.stitch(touchpoints, leads, reading=reading)
        log = at.credit_log(journeys, at.attribute(journeys, at.LastTouch(), at.Linear(), **DRAWN))
        by = ["channel", "week"]
        measured = at.measure(log, world().spend, by=by, reading=reading, spend_lag_days=lag)
        return at.reallocate(measured, at.FixedBudget(1600.0), complete_before=COMPLETE).table()

    assert_frame_equal(ours, planned("Asia/Tokyo", 7.0), check_exact=True)
    assert not ours.equals(planned("UTC", 7.0))
    assert not ours.equals(planned("Asia/Tokyo", 0.0))


def test_spend_without_dates_makes_no_plan(sources: dict[str, Any], tmp_path: Path) -> None:
    spend = world().spend.group_by("channel").agg(pl.col("spend").sum())
    spend.write_csv(tmp_path / "spend.csv")
    with pytest.raises(TableError, match=r"\[budget\]: measured: .*\n.*spend by channel and period"):
        run(job(**sources | {"spend": {"path": "spend.csv"}}, budget=PLAN), tmp_path)
    assert "results" not in names(tmp_path)


def test_the_command_tells_the_plan_of_a_job_and_leaves_with_the_code_of_its_error(
    sources: dict[str, Any], tmp_path: Path
) -> None:
    text = f"""
        [touchpoints]
        path = "{sources["touchpoints"]["path"]}"
        [outcomes]
        path = "{sources["outcomes"]["path"]}"
        [spend]
        path = "{sources["spend"]["path"]}"
        [[models]]
        name = "linear"
        [budget]
        total = 9000
        period = "month"
        floors = {{ "Paid Search" = 100 }}
        response = "response.csv"
    """
    (tmp_path / "job.toml").write_text(text)
    told = done("run", tmp_path / "job.toml", "--dry-run").out
    assert "reallocate allocation.csv" in told
    assert "9,000.00 a month" in told
    assert "allocation.csv, response.csv" in " ".join(told.split())
    ran = attribution("run", tmp_path / "job.toml")
    assert (ran.code, "results" in names(tmp_path)) == (5, False)
    assert "error: [budget]: linear: response of leads: got 6 months" in ran.err
