"""The budget on the command line: what Python gives, as a person reads it, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import done, names, refused

import attribution as at
from attribution.cli.plans import figure, show_allocation, spans

FIRST, WEEKS = date(2026, 1, 5), 24
COMPLETE = FIRST + timedelta(weeks=WEEKS - 1)
UNTIL = ("--complete-before", COMPLETE)
CURVES = (*UNTIL, "--half-life", 7)  # one that is given is fitted sooner than the best of six
SAME: dict[str, Any] = {"complete_before": COMPLETE, "half_life": 7}
DRAWN: dict[str, Any] = {"intervals": 0.9, "replicates": 100}
BRINGS = {"Paid Search": (1000.0, 5.0), "Email": (100.0, 6.0), "=cmd()": (400.0, 4.0)}


class World(NamedTuple):
    """Three tables: channels whose weekly leads grow with the root of their spend, and one without spend."""

    touchpoints: pl.DataFrame
    leads: pl.DataFrame
    spend: pl.DataFrame

    def put(self, folder: Path) -> dict[str, Path]:
        """Write the tables into a folder; return where they are."""
        places = {name: folder / f"{name}.parquet" for name in self._fields}
        for name, place in places.items():
            getattr(self, name).write_parquet(place)
        return places


def world() -> World:
    """Return the same small world in every call."""
    random = np.random.default_rng(5)
    touched, won, spent = [], [], []
    for week in range(WEEKS):
        monday = datetime(FIRST.year, FIRST.month, FIRST.day, 9, tzinfo=UTC) + timedelta(weeks=week)
        for channel, (usual, leads) in BRINGS.items():
            share = float(random.uniform(0.3, 1.7))
            spent.append((monday.date(), channel, round(usual * share, 2)))
            for each in range(random.poisson(leads * share**0.5)):
                customer = f"{channel}{week}-{each}"
                lead = monday + timedelta(days=float(random.uniform(0.5, 6.5)))
                touched.append((customer, lead - timedelta(hours=3), channel))
                if random.uniform() < 0.4:
                    other = ["Direct", *BRINGS][random.integers(4)]
                    touched.append((customer, lead - timedelta(hours=2), other))
                won.append((customer, lead, channel, int(random.uniform() < 0.5)))
    return World(
        pl.DataFrame(touched, ["customer_id", "timestamp", "channel"], orient="row"),
        pl.DataFrame(won, ["customer_id", "timestamp", "channel", "wins"], orient="row"),
        pl.DataFrame(spent, ["date", "channel", "spend"], orient="row"),
    )


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the files of the world."""
    return world().put(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def spend(places: dict[str, Path]) -> Path:
    """Return the file of the spend."""
    return places["spend"]


def logged() -> at.CreditLog:
    """Return the log of the world by two models."""
    touchpoints, leads, _ = world()
    journeys = at.stitch(touchpoints, leads)
    return at.credit_log(journeys, at.attribute(journeys, at.LastTouch(), at.Linear(), **DRAWN))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the log."""
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    logged().write(path)
    return path


@pytest.fixture(scope="module")
def weekly(file: Path, spend: Path) -> at.Measured:
    """Return what the log says by channel and week."""
    return at.measure(file, spend, by=["channel", "week"])


def planned(file: Path, spend: Path, *arguments: object) -> pl.DataFrame:
    """Return the plan that the verb prints as JSON, and as nothing else."""
    ran = done("reallocate", file, "--spend", spend, *CURVES, *arguments, "--json")
    return pl.DataFrame(json.loads(ran.out), infer_schema_length=None)


# What it gives.


def test_the_verb_gives_the_plan_of_python_with_every_column(
    file: Path, spend: Path, weekly: at.Measured, tmp_path: Path
) -> None:
    how = ("--model", "linear", "--floor", "Paid Search=100, Email=50", "--cap", "Email=150")
    more = ("--largest-share", "0.5", "--largest-amount", "Paid Search=300", "--locked", "=cmd()")
    scenario = at.FixedBudget(
        1600,
        floors={"Paid Search": 100, "Email": 50},
        caps={"Email": 150},
        largest_share=0.5,
        largest_amount={"Paid Search": 300},
        locked=("=cmd()",),
    )
    theirs = at.reallocate(weekly, scenario, model="linear", outcome="wins", **SAME).table()
    numbers = [name for name, kind in theirs.schema.items() if kind == pl.Float64]
    assert len(numbers) == 12
    for suffix in ("parquet", "csv"):
        path = tmp_path / f"plan.{suffix}"
        given = ("--budget", 1600, *how, *more, *CURVES, "--outcome", "wins", "--out", path)
        ran = done("reallocate", file, "--spend", spend, *given)
        assert (ran.out, "wrote" in ran.err) == ("", True)
    whole, text = pl.read_parquet(tmp_path / "plan.parquet"), pl.read_csv(tmp_path / "plan.csv")
    assert_frame_equal(whole, theirs, check_exact=True)
    assert text.columns == theirs.columns
    assert_frame_equal(text.select(numbers), theirs.select(numbers), check_exact=True)


def test_a_target_finds_the_most_at_a_cost_and_unsure_moves_are_made_if_asked(
    file: Path, spend: Path, weekly: at.Measured
) -> None:
    sure, unsure = (planned(file, spend, "--target-cost", 90, *how) for how in ((), ("--move-unsure",)))
    theirs = at.reallocate(weekly, at.TargetCostPerLead(90), hold_unsure=False, **SAME).table()
    assert unsure["spend_proposed"].to_list() == theirs["spend_proposed"].to_list()
    assert unsure.columns == sure.columns == theirs.columns
    assert sure["spend_proposed"].to_list() != unsure["spend_proposed"].to_list()


def test_the_curves_their_points_and_their_test_need_no_scenario(
    file: Path, spend: Path, weekly: at.Measured, tmp_path: Path
) -> None:
    response = at.response_curves(weekly, complete_before=COMPLETE)
    theirs = {
        "response": response.table(),
        "curve": response.curve(),
        "backtest": at.backtest_response(weekly, periods=3, complete_before=COMPLETE),
    }
    about = {"response": "usual spend is the mean", "curve": "seen: ", "backtest": "sums over"}
    for name, table in theirs.items():
        asked = ("--spend", spend, *UNTIL, "--table", name, "--backtest-periods", 3)
        done("reallocate", file, *asked, "--out", tmp_path / f"{name}.parquet")
        assert_frame_equal(pl.read_parquet(tmp_path / f"{name}.parquet"), table, check_exact=True)
        shown = done("reallocate", file, *asked).out
        assert about[name] in shown
        assert all(channel in shown for channel in table["channel"])


def test_a_table_of_leads_knows_no_channel_and_is_refused(places: dict[str, Path]) -> None:
    told = refused(2, "reallocate", places["leads"], "--spend", places["spend"], "--budget", 1600)
    assert "pass the credit log" in told


def test_weeks_that_one_table_alone_knows_are_left_out_and_told(
    file: Path, spend: Path, tmp_path: Path
) -> None:
    whole = pl.read_parquet(spend)
    days = whole["date"].unique().sort()
    early = tmp_path / "early.parquet"
    whole.filter(pl.col("date") < days[-5]).write_parquet(early)
    ran = done("reallocate", file, "--spend", early, "--budget", 1600, *CURVES, "--json")
    assert "are left out of the curves: there is not both spend and an outcome" in ran.err
    rows = {row["channel"]: row for row in json.loads(ran.out)}
    last = whole.filter(pl.col("date") < days[-5], pl.col("channel") == "Email").sort("date").tail(4)
    assert rows["Email"]["spend_now"] == pytest.approx(last["spend"].mean(), abs=0.0051)
    renamed = tmp_path / "renamed.parquet"
    whole.with_columns(pl.col("channel") + "!").write_parquet(renamed)
    told = refused(3, "reallocate", file, "--spend", renamed, "--budget", 1600, *CURVES)
    assert "no leads of a channel that has spend" in told


def test_spend_that_is_set_aside_is_told(file: Path, spend: Path, tmp_path: Path) -> None:
    whole = pl.read_parquet(spend)
    odd = tmp_path / "odd.parquet"
    amount = pl.when(pl.int_range(pl.len()) < 3).then(-1.0).otherwise("spend")
    whole.with_columns(spend=amount).write_parquet(odd)
    ran = done("reallocate", file, "--spend", odd, "--budget", 1600, *CURVES)
    assert "spend: 3 rows set aside: negative_spend" in ran.err
    none = tmp_path / "none.parquet"
    whole.with_columns(spend=pl.lit(-1.0)).write_parquet(none)
    told = refused(3, "reallocate", file, "--spend", none, "--budget", 1600, *CURVES)
    assert f"rows of the spend table set aside: {len(whole):,} negative_spend" in told


def test_spend_may_count_for_later_leads(file: Path, spend: Path) -> None:
    measured = at.measure(file, spend, by=["channel", "week"], spend_lag_days=7)
    theirs = at.response_curves(measured, **SAME).table()
    given = ("--spend", spend, *CURVES, "--table", "response", "--spend-lag-days", 7, "--json")
    rows = json.loads(done("reallocate", file, *given).out)
    assert [row["usual_spend"] for row in rows] == theirs["usual_spend"].to_list()
    assert [row["elasticity"] for row in rows] == theirs["elasticity"].to_list()
    unshifted = at.response_curves(at.measure(file, spend, by=["channel", "week"]), **SAME).table()
    assert unshifted["elasticity"].to_list() != theirs["elasticity"].to_list()


# How it looks.


def test_the_terminal_tells_what_a_period_and_now_are_and_why_and_json_all(file: Path, spend: Path) -> None:
    ran = done("reallocate", file, "--spend", spend, "--budget", 1600, *CURVES)
    plan = planned(file, spend, "--budget", 1600)
    assert {"held", "models_disagree", "reason", "gain_low", "marginal_cost_proposed"} <= {*plan.columns}
    assert plan["channel"][-1] == "(total)"
    for heading in ("spend now", "spend proposed", "change", "leads now", "leads expected", "gain"):
        assert heading in ran.out
    assert "last touch" in ran.out or "last_touch" in ran.out
    assert "spend and leads are those of a week" in ran.out
    assert "now is the mean of the weeks of " in plan["reason"][-1]
    lines = ran.out.splitlines()
    for row in plan.iter_rows(named=True):
        assert f"{row['channel']}: {row['reason']}" in lines
    email = plan.row(by_predicate=pl.col("channel") == "Email", named=True)
    low, high = email["leads_expected_low"], email["leads_expected_high"]
    assert f"{email['leads_expected']:.2f} ({low:.2f} to {high:.2f})" in ran.out
    assert f"{email['change']:+,.2f}" in ran.out
    assert "warning: touchpoints without spend" in ran.err


def test_what_other_models_say_stands_below_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = pl.DataFrame(
        {
            "model": "markov",
            "period": "month",
            "channel": ["red\x1b[31m", "mail"],
            "spend_now": [1.0, 2.0],
            "spend_proposed": [2.0, 2.0],
            "change": [1.0, 0.0],
            "revenue_now": [5.0, 6.0],
            "revenue_expected": [12345678.0, None],
            "revenue_expected_low": [11111111.0, None],
            "revenue_expected_high": [13333333.0, None],
            "gain": [1.0, 0.0],
            "gain_low": [-1.0, 0.0],
            "gain_high": [2.0, 0.0],
            "marginal_cost_now": [0.5, None],
            "marginal_cost_proposed": [0.6, None],
            "models_disagree": ["linear: down", None],
            "reason": ["because", "locked"],
        }
    )
    show_allocation(table)
    out = capsys.readouterr().out
    assert "spend and revenue are those of a month" in out
    assert "red\ufffd[31m: because\nmail: locked\n" in out
    assert out.endswith("red\ufffd[31m: other models would move it the other way: linear: down\n")
    assert "\x1b" not in out
    assert "+1.00 (-1.00 to 2.00)" in out
    assert spans(table, "revenue_expected") == ["12,345,678\n(11,111,111 to 13,333,333)", None]
    assert [figure(each, "+") for each in (999.994, 1000.0, 0.0)] == ["+999.99", "+1,000", "0.00"]


def test_a_channel_that_a_spreadsheet_would_run_is_escaped_in_csv(
    file: Path, spend: Path, tmp_path: Path
) -> None:
    out = tmp_path / "response.csv"
    done("reallocate", file, "--spend", spend, *CURVES, "--table", "response", "--out", out)
    assert ",'=cmd()," in out.read_text()
    assert "\n=cmd()" not in out.read_text()


# What is refused.


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, (), "got neither of --budget and --target-cost, expected one"),
        (2, ("--budget", "1500", "--target-cost", "100"), "got both of --budget and --target-cost"),
        (2, ("--budget", "nan"), "parameter '--budget': got nan, expected an amount > 0"),
        (2, ("--budget=-5",), "parameter '--budget': got -5.0, expected an amount > 0"),
        (2, ("--budget", "0"), "parameter '--budget': got 0.0"),
        (2, ("--budget", "much"), "--budget"),
        (2, ("--target-cost", "inf"), "parameter '--target-cost': got inf"),
        (2, ("--budget", "100", "--floor", "Email=80,Paid Search=30"), "are above the total, 100.00"),
        (2, ("--budget", "100", "--floor", "Email=nan"), "'floors[Email]': got nan, expected an amount >= 0"),
        (2, ("--budget", "100", "--cap", "Email=-1"), "'caps[Email]': got -1.0, expected an amount >= 0"),
        (2, ("--budget", "100", "--floor", "Email"), "'--floor': got 'Email', expected CHANNEL=AMOUNT"),
        (2, ("--budget", "100", "--floor", "Email=much"), "'--floor': got 'much', expected a number"),
        (2, ("--budget", "100", "--floor", "Email=1, Email =2"), "each of the channels once"),
        (2, ("--budget", "100", "--largest-share", "some"), "'--largest-share': got 'some'"),
        (2, ("--budget", "100", "--largest-share", "Email=-0.1"), "'largest_share[Email]': got -0.1"),
        (2, ("--budget", "100", "--floor", "Email=9", "--cap", "Email=8"), "is above its cap, 8.00"),
        (2, ("--budget", "1500", "--locked", "Emial"), "did you mean 'Email'?"),
        (2, ("--budget", "1500", "--locked", "Direct"), "expected channels with spend"),
        (2, ("--budget", "1500", "--model", "makov"), "unknown model 'makov'"),
        (2, ("--budget", "1500", "--outcome", "sales"), "unknown outcome 'sales'"),
        (2, ("--budget", "1500", "--half-life=-1"), "'half_life': got -1.0"),
        (2, ("--budget", "90000"), "is below the total, 90,000.00"),
        (2, ("--table", "backtest", "--backtest-periods", "40"), "'periods': got 40, expected 1 to 15"),
        (2, ("--budget", "1500", "--complete-from", "2030-01-07"), "'complete_from': got "),
        (5, ("--target-cost", "1", "--locked", "Paid Search"), "target cost: got 1.00, expected at least"),
        (5, ("--budget", "1500", "--period", "month"), "expected at least 8 periods"),
    ],
)
def test_what_cannot_be_leaves_with_its_code_and_writes_nothing(
    code: int, arguments: tuple[str, ...], said: str, file: Path, spend: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "plan.csv")
    err = refused(code, "reallocate", file, "--spend", spend, *UNTIL, *arguments, *out)
    assert said in err
    assert not names(tmp_path)


def test_a_plan_needs_spend_and_never_writes_over_what_it_reads(
    file: Path, spend: Path, tmp_path: Path
) -> None:
    assert "got no --spend" in refused(2, "reallocate", file, "--budget", 1500)
    with_sums = tmp_path / "sums.csv"
    with_sums.write_text("channel,spend\nEmail,100\nPaid Search,200\n")
    assert "dates" in refused(3, "reallocate", file, "--spend", with_sums, "--budget", 1500)
    copy = tmp_path / "spend.parquet"
    copy.write_bytes(spend.read_bytes())
    given = ("--budget", 1600, *CURVES, "--out", copy, "--force")
    assert "the output is also an input" in refused(6, "reallocate", file, "--spend", copy, *given)
    assert copy.read_bytes() == spend.read_bytes()
