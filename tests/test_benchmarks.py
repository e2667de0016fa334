"""The benchmark harness: seeded cases, contenders that agree with ours, goals, and the results page."""

import importlib
import json

import pytest

from benchmarks.__main__ import main
from benchmarks.cases import SHAPES, Case
from benchmarks.comparing import TOLERANCE, differences
from benchmarks.contenders import CONTENDERS, RULES, SIX, duckdb_sql, ours, polars_frames
from benchmarks.event_logs import write_event_log
from benchmarks.figures import UnmeasuredError
from benchmarks.goals import GOALS
from benchmarks.measurements import keep, latest, load
from benchmarks.processes import ABSENT, FAILED, OK, TIMEOUT, exact, installed, run
from benchmarks.results import goal_rows, page
from benchmarks.running import run_trial
from benchmarks.trials import GLOBAL_1, TRIALS, Entry, Trial

TINY = Case(1_500)
OTHERS = [  # those on Spark are compared where there is a session
    name for name in CONTENDERS if name not in ("ours", "decode_only", "spark_sql", "ours_on_spark")
]
RUN = {
    "run": "a",
    "date": "2026-01-01",
    "command": "python -m benchmarks",
    "quick": False,
    "machine": {},
    "versions": {},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("cases")


def files(case, data):
    folder = data / case.name
    if not folder.exists():
        folder.mkdir()
        write_event_log(case, folder)
    return folder / "touchpoints.parquet", folder / "outcomes.parquet"


@pytest.mark.parametrize("ids", ["integer", "text"])
def test_the_same_case_is_the_same_bytes(tmp_path, ids):
    written = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        write_event_log(Case(1_000, ids=ids), folder)
        written.append([(path.name, path.read_bytes()) for path in sorted(folder.iterdir())])
    assert written[0] == written[1]
    assert [name for name, _ in written[0]] == ["outcomes.parquet", "touchpoints.parquet"]


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_has_the_same_signature(name):
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    assert callable(contender.credits)
    assert set(contender.EXACT) <= set(SIX)
    assert isinstance(installed(name), bool)


@pytest.fixture(scope="module")
def credits(data):
    return ours.credits(*files(TINY, data), models=(*SIX, GLOBAL_1))


@pytest.mark.filterwarnings("ignore")  # of their libraries
@pytest.mark.parametrize("name", OTHERS)
def test_a_contender_agrees_with_ours(name, data, credits):
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    found = contender.credits(*files(TINY, data))
    apart = differences(credits, found)
    assert apart.keys() == found.keys()
    assert {model: apart[model] for model in contender.EXACT if apart[model] > TOLERANCE} == {}


@pytest.mark.parametrize("shape", [*SHAPES[1:], "text ids", "one channel"])
def test_skewed_customers_are_credited_as_by_hand(shape, data):
    case = Case(
        1 if shape == "one customer" else 1_500,
        channels={"one channel": 1, "one instant": 50}.get(shape, 12),
        ids="text" if shape == "text ids" else "integer",
        shape=shape if shape in SHAPES else "ordinary",
        touchpoints=5_000 if shape == "one customer" else None,
    )
    paths = files(case, data)
    found = ours.credits(*paths)
    for by_hand in (duckdb_sql, polars_frames):
        apart = differences(found, by_hand.credits(*paths))
        assert set(apart) == set(SIX)
        assert max(apart.values()) <= TOLERANCE


def test_sharing_prepared_journeys_gives_the_same_credits(data, credits):
    apart = differences(credits, ours.share(ours.prepare(*files(TINY, data))))
    assert set(apart) == set(SIX)
    assert max(apart.values()) <= TOLERANCE


def test_a_process_answers_as_the_call_does(data, credits):
    outcome = run(Entry("ours", TINY, options={"models": list(RULES)}), files(TINY, data))
    assert outcome.status == OK, outcome.note
    assert outcome.credits == {rule: credits[rule] for rule in RULES}
    assert outcome.peak > 10_000_000


def test_processes_take_turns_and_whatever_fails_is_told(data, monkeypatch):
    files(TINY, data)
    trial = Trial(
        "tiny",
        (
            Entry("floor", TINY, "decode_only", rounds=2),
            Entry("broken", TINY, "decode_only", {"nonsense": 1}, rounds=2),
            Entry("late", command=("-c", "import time; time.sleep(60)"), seconds=0.2, rounds=1),
            Entry("python", command=("-c", "pass"), rounds=2),
        ),
    )
    measured = list(run_trial(trial, data))
    assert [each["entry"] for each in measured] == ["floor", "broken", "late", "python", "floor", "python"]
    status = {each["entry"]: each["status"] for each in measured}
    assert status == {"floor": OK, "broken": FAILED, "late": TIMEOUT, "python": OK}
    assert "nonsense" in measured[1]["note"]
    json.dumps(measured)
    monkeypatch.setattr("benchmarks.processes.installed", lambda _: False)
    assert run(trial.entries[0], ()).status == ABSENT


def faked(run="a", seconds=1.0, status=OK):
    """Return measurements of every entry of every trial."""
    return [
        {
            "run": run,
            "trial": trial.name,
            "entry": entry.name,
            "status": status,
            "seconds": seconds,
            "peak": 2**30,
            "note": "",
            "differences": dict.fromkeys(() if entry.command else exact(entry.contender), 0.0),
            "exact": [] if entry.command else exact(entry.contender),
        }
        for trial in TRIALS
        for entry in trial.entries
    ]


def test_every_goal_can_be_computed():
    measured = latest([RUN, *faked()], TRIALS)
    values = {goal.measure: goal.value(measured) for goal in GOALS}
    assert len(values) == len(GOALS)
    assert values["100M journeys: of the time of 10M"] == 1
    assert values["time per journey, 10M to 100M"] == pytest.approx(0.1)


def test_a_missed_goal_says_by_how_much():
    rows = {row[0]: row for row in goal_rows(latest([RUN, *faked()], TRIALS))}
    *figures, verdict = rows["10M journeys, six models: faster than DuckDB"][1:]
    assert figures == [">= 5 x", "1 x"]
    assert verdict == f"missed: 20% of the goal; {GOALS[0].missed_because}"
    assert rows["... peak memory, of DuckDB's"][3].startswith("missed: 2.00 times the goal; ")
    assert rows["... against decoding only"][3] == "met"
    assert rows["start-up: 1M journeys"][1] == "reported"


def test_what_was_not_measured_or_stopped_is_no_figure():
    with pytest.raises(UnmeasuredError, match="not measured"):
        GOALS[0].value({})
    stopped = latest([RUN, *faked(status=TIMEOUT, seconds=900)], TRIALS)
    with pytest.raises(UnmeasuredError, match="timeout after 900 s"):
        GOALS[0].value(stopped)
    assert "timeout" in page(stopped, TRIALS)


def test_the_last_run_that_measured_a_whole_trial_counts():
    later = {**RUN, "run": "b", "date": "2026-01-02"}
    records = [RUN, *faked(), later, *faked("b", 2.0)[:2]]
    assert latest(records, TRIALS)["100k"].run["run"] == "a"
    assert latest([*records, *faked("b", 2.0)[2:]], TRIALS)["100k"].entries["ours"].seconds == 2
    quick = {**later, "quick": True}
    assert latest([RUN, *faked(), quick, *faked("b")], TRIALS)["100k"].run["run"] == "a"


def test_the_report_is_written_from_what_was_kept(tmp_path):
    for record in [RUN, *faked()]:
        keep(tmp_path / "measurements.jsonl", record)
    assert len(load(tmp_path / "measurements.jsonl")) == 1 + len(faked())
    main(["--report", "--data", str(tmp_path), "--results", str(tmp_path / "RESULTS.md")])
    written = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert all(goal.measure in written for goal in GOALS)
    assert all(f"## {trial.name}\n" in written for trial in TRIALS)
