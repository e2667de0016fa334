"""The job: one file, the same bytes every night, a manifest of what was done, and nothing half-done."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import attribution, done, names, refused

import attribution as at
from attribution import MODELS, ParameterError, TableError, sample
from attribution.errors import GateError, OutputError, OutputExistsError
from attribution.job import Job, Ran, job_of, load_job, run, schema
from attribution.job import folder as folders
from attribution.job.folder import Folder
from attribution.manifest import Manifest, checksum
from attribution.parameters import parameters
from attribution.tables import REASONS

DAY = datetime(2026, 3, 1, 8)
TABLES = ("touchpoints", "leads", "spend")


def tables_of(leads: int = 12, shift: int = 0) -> dict[str, pl.DataFrame]:
    """Return small tables: a customer a lead, two touchpoints each, a day apart."""
    days = [DAY + timedelta(days=day + shift) for day in range(leads)]
    channels = [["ads", "mail", "web"][day % 3] for day in range(leads)]
    ids = [f"c{day}" for day in range(leads)]
    return {
        "touchpoints": pl.DataFrame(
            {
                "customer_id": ids * 2,
                "timestamp": [day - timedelta(hours=1) for day in days]
                + [day - timedelta(hours=9) for day in days],
                "channel": channels + channels[::-1],
                "device": ["phone", "desk"] * leads,
            }
        ),
        "leads": pl.DataFrame(
            {
                "customer_id": ids,
                "timestamp": days,
                "wins": [day % 2 for day in range(leads)],
                "revenue": [day * 10.5 for day in range(leads)],
                "owner": [["Ann", "Bo"][day % 2] for day in range(leads)],
            }
        ),
        "spend": pl.DataFrame(
            {
                "date": [day.date() for day in days for _ in range(3)],
                "channel": ["ads", "mail", "web"] * leads,
                "spend": [1.5, 2.5, 4.0] * leads,
            }
        ),
    }


def put(folder: Path, tables: Mapping[str, pl.DataFrame], suffix: str = "parquet") -> None:
    """Write the tables into a folder."""
    for name, table in tables.items():
        getattr(table, f"write_{suffix}")(folder / f"{name}.{suffix}")


def job(suffix: str = "parquet", **sections: Any) -> Job:
    """Return a job over the small tables, with some sections of its own."""
    given = {
        "name": "nightly",
        "touchpoints": {"path": f"touchpoints.{suffix}"},
        "outcomes": {"path": f"leads.{suffix}"},
        "spend": {"path": f"spend.{suffix}"},
        "reading": {"timezone": "UTC"},
        "models": [{"name": "linear"}, {"name": "last_touch"}],
        "outputs": {"journeys": "journeys.parquet", "log": "log.parquet"},
    }
    return job_of(given | sections, "job.toml")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a folder with the small tables."""
    put(tmp_path, tables_of())
    return tmp_path


def sums(folder: Path) -> dict[str, str]:
    """Return the checksum of every output in a folder of results, but what tells of the run itself."""
    told = {"manifest.json", "timing.json"}
    return {path.name: checksum(path) for path in sorted(folder.iterdir()) if path.name not in told}


# What it makes.


def test_results_are_what_python_gives_and_carry_their_run(base: Path) -> None:
    ran = run(job(breakdowns=[{"file": "weekly.csv", "by": ["channel", "week"]}]), base)
    results = base / "results"
    tables = tables_of()
    journeys = at.stitch(tables["touchpoints"], tables["leads"], reading=at.Reading(timezone="UTC"))
    result = at.attribute(journeys, at.Linear(), at.LastTouch())
    log = at.credit_log(journeys, result)
    weekly = at.measure(log, tables["spend"], by=["channel", "week"]).table()
    expected = {
        "credits.csv": result.table(),
        "kpis.csv": at.measure(result, tables["spend"]).table(),
        "journeys.parquet": journeys.table(),
        "log.parquet": log.table().drop("touchpoint_row", "outcome_row"),
        "weekly.csv": weekly,
    }
    for name, table in expected.items():
        path = results / name
        found = (
            pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
        )
        assert found["run_id"].unique().to_list() == [ran.run_id], name
        assert_frame_equal(found.drop("run_id"), table, check_dtypes=False, categorical_as_str=True)
    assert ran.changed
    assert names(results) == sorted(
        [*expected, "manifest.json", "rejected.parquet", "report.csv", "timing.json"]
    )
    assert [path.name for path in base.iterdir() if path.suffix == ".partial"] == []


def test_the_log_of_a_job_can_be_measured(base: Path) -> None:
    run(job(outputs={"log": "log.parquet", "log_columns": ["owner"]}), base)
    results, spend = base / "results", tables_of()["spend"]
    by_channel = at.measure(results / "log.parquet", spend).table()
    assert_frame_equal(by_channel, pl.read_csv(results / "kpis.csv").drop("run_id"), check_row_order=False)
    owners = at.measure(results / "log.parquet", spend, by=["owner", "week"]).table()
    assert owners.filter(model="linear", owner="(total)")["leads"].item() == 12


def test_the_manifest_tells_what_was_read_used_set_aside_and_written(base: Path) -> None:
    tables = tables_of()
    tables["touchpoints"] = tables["touchpoints"].with_columns(
        channel=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("channel")
    )
    put(base, tables)
    ran = run(job(gate={"max_rejected": 0.5}), base)
    content = json.loads((base / "results" / "manifest.json").read_text())
    assert {**ran.manifest.content, "manifest_version": 1, "sha256": content["sha256"]} == content
    assert content["rows"]["touchpoints"] == {"read": 24, "used": 23, "set_aside": {"null_channel": 1}}
    for rows in content["rows"].values():
        assert rows["read"] == rows["used"] + sum(rows["set_aside"].values())
    for name, output in content["outputs"].items():
        data = (base / "results" / name).read_bytes()
        assert output["sha256"] == sha256(data).hexdigest()
        assert output["bytes"] == len(data)
    for name, each in content["inputs"].items():
        (file,) = each["files"]
        assert file["sha256"] == checksum(base / file["file"]), name
    for line in content["conservation"]:
        assert line["credited"] + line["unattributed"] == pytest.approx(line["outcomes_in"], rel=1e-9)
    assert {line["model"] for line in content["conservation"]} == {"linear", "last_touch"}
    assert content["config"]["window"]["lookback_days"] == 30.0
    assert content["models"] == {"linear": {"model": "Linear"}, "last_touch": {"model": "LastTouch"}}
    assert content["seed"] == 0x5EED_A77B
    timing = json.loads((base / "results" / "timing.json").read_text())
    assert timing["run_id"] == ran.run_id
    assert "seconds" not in content


def test_rejected_rows_are_a_file_with_reason_row_and_content(base: Path) -> None:
    tables = tables_of()
    tables["touchpoints"] = tables["touchpoints"].with_columns(
        channel=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("channel")
    )
    tables["spend"] = tables["spend"].with_columns(
        spend=pl.when(pl.int_range(pl.len()) == 5).then(-1.0).otherwise("spend")
    )
    put(base, tables)
    run(job(gate={"max_rejected": 0.5}), base)
    rejected = pl.read_parquet(base / "results" / "rejected.parquet")
    assert rejected.select("table", "row", "reason").rows() == [
        ("touchpoints", 3, "null_channel"),
        ("spend", 5, "negative_spend"),
    ]
    assert json.loads(rejected["content"][0])["customer_id"] == "c3"
    assert json.loads(rejected["content"][1])["spend"] == -1.0


def test_events_can_be_the_source(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", None],
            "timestamp": ["2026-03-01T08:00Z", "2026-03-02T08:00Z", "2026-03-02T09:00Z", "2026-03-02T09:00Z"],
            "channel": ["ads", "mail", "ads", "ads"],
            "conversion": [0, 1, 0, 0],
        }
    )
    table.write_csv(tmp_path / "events.csv")
    given = {"events": {"path": "events.csv"}, "models": [{"name": "linear"}], "gate": {"max_rejected": 1}}
    ran = run(job_of(given, "job.toml"), tmp_path)
    assert ran.manifest.content["rows"]["events"] == {"read": 4, "used": 3, "set_aside": {"null_user": 1}}
    credits = pl.read_csv(tmp_path / "results" / "credits.csv")
    assert dict(credits.select("channel", "leads").rows())["ads"] == 0.5


# The same again.


def test_the_same_run_again_changes_nothing_and_says_so(base: Path) -> None:
    first = run(job(), base)
    before = {
        path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (base / "results").iterdir()
    }
    again = run(job(), base)
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (base / "results").iterdir()}
    assert (again.run_id, again.changed) == (first.run_id, False)
    assert before == after


def test_a_result_that_was_touched_is_made_anew(base: Path) -> None:
    run(job(), base)
    (base / "results" / "credits.csv").write_text("touched")
    assert run(job(), base).changed
    assert not run(job(), base).changed


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_one_changed_value_of_any_input_is_another_run(suffix: str, tmp_path: Path) -> None:
    tables = tables_of()
    put(tmp_path, tables, suffix)
    seen = {run(job(suffix), tmp_path).run_id}
    changes = {
        "touchpoints": [pl.col("channel").replace("ads", "adz"), pl.col("device").replace("phone", "phome")],
        "leads": [pl.col("revenue") + 1, pl.col("owner").replace("Bo", "Ba")],
        "spend": [pl.col("spend") * 2],
    }
    for name, changed in changes.items():
        for change in changed:
            put(tmp_path, tables | {name: tables[name].with_columns(change)}, suffix)
            seen.add(run(job(suffix), tmp_path).run_id)
    assert len(seen) == 6


def test_a_changed_byte_of_a_csv_file_is_another_run(tmp_path: Path) -> None:
    put(tmp_path, tables_of(), "csv")
    first = run(job("csv"), tmp_path)
    path = tmp_path / "leads.csv"
    path.write_bytes(path.read_bytes().replace(b"10.5", b"11.5", 1))
    assert run(job("csv"), tmp_path).run_id != first.run_id


@pytest.mark.parametrize(
    "sections",
    [
        {"window": {"lookback_days": 10}},
        {"models": [{"name": "linear"}]},
        {"models": [{"name": "time_decay", "half_life": 3}]},
        {"outputs": {"credits": "other.csv"}},
        {"gate": {"max_rejected": 0.5}},
        {"as_of": date(2027, 1, 1)},
        {"reading": {"timezone": "Asia/Tokyo"}},
    ],
)
def test_another_config_is_another_run(sections: dict[str, Any], base: Path) -> None:
    assert run(job(**sections), base).run_id != run(job(), base).run_id


def test_spelling_is_no_part_of_a_run(tmp_path: Path) -> None:
    ids, outputs = set(), []
    tables = tables_of()
    mapped = tables | {"touchpoints": tables["touchpoints"].rename({"channel": "Kanal"})}
    kanal = {"touchpoints": {"path": "touchpoints.csv", "columns": {"channel": "Kanal"}}}
    variants: list[tuple[Mapping[str, pl.DataFrame], str, dict[str, Any]]] = [
        (tables, "parquet", {}),
        (tables, "csv", {}),
        ({name: each.sample(fraction=1, shuffle=True, seed=3) for name, each in tables.items()}, "csv", {}),
        ({name: each[::-1] for name, each in tables.items()}, "parquet", {}),
        (mapped, "csv", kanal),
    ]
    for place, (each, suffix, sections) in enumerate(variants):
        folder = tmp_path / str(place)
        folder.mkdir()
        put(folder, each, suffix)
        ids.add(run(job(suffix, **sections), folder, threads=1 + place % 2).run_id)
        outputs.append(sums(folder / "results"))
    assert len(ids) == 1
    assert all(each == outputs[0] for each in outputs)


# The sample, as it ships.


def shuffled(seed: int) -> dict[str, pl.DataFrame]:
    """Return the sample with its rows in another order."""
    return {
        name: table.sample(fraction=1, shuffle=True, seed=seed)
        for name, table in zip(TABLES, sample.load(), strict=True)
    }


def run_sample(folder: Path, suffix: str, tables: Mapping[str, pl.DataFrame], threads: int) -> Ran:
    """Run the job file of the sample over tables in a folder."""
    folder.mkdir()
    put(folder, tables, suffix)
    text = (sample.folder() / "job.toml").read_text().replace('.parquet"  #', f'.{suffix}"  #')
    for name in TABLES:
        text = text.replace(f'"{name}.parquet"', f'"{name}.{suffix}"')
    (folder / "job.toml").write_text(text)
    return run(load_job(folder / "job.toml"), folder, threads=threads)


def test_the_sample_gives_the_same_bytes_in_ten_runs(tmp_path: Path) -> None:
    expected: dict[str, str] = {}
    plain = dict(zip(TABLES, sample.load(), strict=True))
    for number in range(10):
        suffix, threads = ("csv", "parquet")[number % 2], (1, 2, 4)[number % 3]
        tables = plain if number < 2 else shuffled(number)
        ran = run_sample(tmp_path / str(number), suffix, tables, threads)
        found = sums(tmp_path / str(number) / "results")
        expected = expected or found
        assert found == expected, (number, suffix, threads)
        assert not run(load_job(tmp_path / str(number) / "job.toml"), tmp_path / str(number)).changed
        assert ran.changed


# The gate.


def spoiled(base: Path, rows: int) -> None:
    """Spoil some touchpoints of 24."""
    tables = tables_of()
    empty = pl.when(pl.int_range(pl.len()) < rows).then(None).otherwise("channel")
    put(base, tables | {"touchpoints": tables["touchpoints"].with_columns(channel=empty)})


def test_too_many_rejected_rows_stop_the_run_and_leave_what_was_there(base: Path) -> None:
    run(job(gate={"max_rejected": 0.1}), base)
    before = sums(base / "results")
    spoiled(base, 3)
    with pytest.raises(GateError) as caught:
        run(job(gate={"max_rejected": 0.1}), base)
    told = str(caught.value)
    assert caught.value.exit_code == 4
    assert "touchpoints.parquet" in told
    assert "3 of 24 rows set aside (3 null_channel, first in row 0), expected at most 10.0000%" in told
    assert "attribution check" in told
    assert sums(base / "results") == before
    spoiled(base, 2)
    assert run(job(gate={"max_rejected": 0.1}), base).changed


def test_not_one_row_is_allowed_for_a_reason_in_fail_on(base: Path) -> None:
    spoiled(base, 1)
    assert run(job(gate={"max_rejected": 0.1, "fail_on": ["bad_time"]}), base).changed
    with pytest.raises(GateError, match=r"1 rows set aside \(1 null_channel.*gate.fail_on"):
        run(job(gate={"max_rejected": 0.1, "fail_on": ["null_channel"]}), base)


def test_the_gate_sees_what_is_rejected_after_events_were_split(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "timestamp": ["2026-03-01T08:00Z", "2026-03-02T08:00Z", "2027-03-02T09:00Z", "2026-03-02T09:00Z"],
            "channel": ["ads", "mail", "ads", "ads"],
            "conversion": [0, 1, 1, 0],
        }
    )
    table.write_csv(tmp_path / "events.csv")
    given = {"events": {"path": "events.csv"}, "as_of": "2026-04-01", "gate": {"max_rejected": 0.2}}
    with pytest.raises(GateError, match=r"1 of 4 rows set aside \(1 future_time, first in row 2\)"):
        run(job_of(given, "job.toml"), tmp_path)


def test_a_reason_that_there_is_not_protects_nothing_and_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"gate\.fail_on\[0\]: got 'bad_tme'"):
        job(gate={"fail_on": ["bad_tme"]})


def test_every_reason_of_the_gate_is_one_that_a_row_can_have() -> None:
    package = Path(at.__file__).parent
    folders = [package / name for name in ("tables", "stitching", "kpis")]
    text = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    given = set(re.findall(r'(?:set_aside\(|without_rows\(\w+, |\("|: |\[\()"?([a-z]+_[a-z_]+)"', text))
    elsewhere = {"bad_age", "ages_do_not_match", "negative_count", "negative_delay"}
    elsewhere |= {
        "negative_seconds",
        "null_visit",
        "null_page",
        "null_kpi",
        "null_variant",
    }  # of visits and pages, which no gate counts
    looks = ("bad_", "negative_", "null_", "not_finite", "future_", "ragged_", "control_", "wins_", "no_l")
    assert {name for name in given if name.startswith(looks)} - elsewhere <= {*REASONS}
    assert {*REASONS} - {"duplicate", "superseded"} <= given


def test_models_that_share_totals_alone_have_no_log(base: Path) -> None:
    alone = [{"name": "markov", "share": "global"}]
    with pytest.raises(ParameterError, match='give one share="journey"'):
        run(job(models=alone), base)
    assert run(job(models=alone, outputs={}), base).changed


def test_repeats_are_no_bad_rows(base: Path) -> None:
    tables = tables_of()
    repeated = pl.concat([tables["leads"].with_columns(outcome_id="customer_id")] * 2)
    put(base, tables | {"leads": repeated})
    ran = run(job(), base)
    assert ran.manifest.content["rows"]["outcomes"] == {
        "read": 24,
        "used": 12,
        "set_aside": {"duplicate": 12},
    }


# The folder.


def test_the_results_of_another_job_are_kept_unless_forced(base: Path) -> None:
    first = run(job(), base)
    other = job(name="other", models=[{"name": "linear"}])
    with pytest.raises(OutputExistsError, match="results of another job, 'nightly'") as caught:
        run(other, base)
    assert caught.value.exit_code == 6
    read = Manifest.read(base / "results")
    assert read is not None
    assert read.run_id == first.run_id
    assert run(other, base, force=True).changed


def test_a_new_output_never_takes_the_place_of_somebody_elses_file(base: Path) -> None:
    run(job(outputs={}), base)
    (base / "results" / "journeys.csv").write_text("precious")
    with pytest.raises(OutputExistsError, match=r"'journeys\.csv'"):
        run(job(outputs={"journeys": "journeys.csv"}), base)
    assert (base / "results" / "journeys.csv").read_text() == "precious"


@pytest.mark.parametrize("force", [False, True])
def test_row_49_an_input_is_never_replaced(force: bool, base: Path) -> None:
    (base / "results").mkdir()
    (base / "spend.parquet").rename(base / "results" / "spend.parquet")
    before = (base / "results" / "spend.parquet").read_bytes()
    with pytest.raises(OutputExistsError, match=r"holds inputs of the job: 'spend\.parquet'"):
        run(job(spend={"path": "results/spend.parquet"}), base, force=force)
    assert (base / "results" / "spend.parquet").read_bytes() == before
    (base / "job.toml").write_text(GOOD)
    err = refused(6, "check", base / "job.toml", "--rejected", base / "leads.parquet", "--force")
    assert "also an input" in err


def test_a_page_that_was_killed_unfinished_is_in_nobodys_way(base: Path) -> None:
    run(job(), base)
    (base / "results" / ".report.html-0123.part").touch()
    assert not run(job(), base).changed
    assert run(job(as_of="2026-03-20"), base).changed
    assert not list((base / "results").glob(".*"))


def test_a_link_to_the_folder_stays_a_link(base: Path) -> None:
    (base / "there").mkdir()
    (base / "link").symlink_to(base / "there")
    for models in ([{"name": "linear"}], [{"name": "last_touch"}], [{"name": "linear"}]):
        assert run(job(models=models), base, out=base / "link").changed
    assert (base / "link").is_symlink()
    assert "credits.csv" in names(base / "there")


def test_the_rights_of_the_folder_and_the_users_mask_are_kept(base: Path) -> None:
    run(job(), base)
    (base / "results").chmod(0o2770)
    mask = os.umask(0o077)
    try:
        run(job(models=[{"name": "linear"}]), base)
    finally:
        os.umask(mask)
    assert (base / "results").stat().st_mode & 0o7777 == 0o2770
    assert (base / "results" / "credits.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("force", [False, True])
def test_files_of_somebody_else_are_never_removed(force: bool, base: Path) -> None:
    run(job(), base)
    (base / "results" / "notes.txt").write_text("precious")
    with pytest.raises(OutputExistsError, match=r"'notes\.txt'"):
        run(job(models=[{"name": "linear"}]), base, force=force)
    assert (base / "results" / "notes.txt").read_text() == "precious"


def test_an_output_that_is_no_longer_made_is_gone(base: Path) -> None:
    run(job(), base)
    run(job(outputs={}), base)
    assert "log.parquet" not in names(base / "results")


def test_two_runs_at_once_one_waits_for_nobody(base: Path) -> None:
    with (
        Folder(base / "results").locked(),
        pytest.raises(OutputError, match="another run is writing") as caught,
    ):
        run(job(), base)
    assert caught.value.exit_code == 7
    assert run(job(), base).changed


@pytest.mark.parametrize("exchange", [True, False])
def test_results_are_replaced_as_a_whole(exchange: bool, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(job(), base)
    seen: list[bool] = []
    swap = folders.exchanged

    def watched(left: Path, right: Path) -> bool:
        seen.append((left / "manifest.json").exists() and (right / "manifest.json").exists())
        return exchange and swap(left, right)

    monkeypatch.setattr(folders, "exchanged", watched)
    ran = run(job(models=[{"name": "linear"}]), base)
    read = Manifest.read(base / "results")
    assert read is not None
    assert read.run_id == ran.run_id
    assert not read.changed(base / "results")
    assert seen == [True]
    assert sorted(path.name for path in base.iterdir() if path.is_dir()) == ["results"]


def test_a_kill_between_the_two_steps_of_a_replacement_is_mended_at_the_next_start(base: Path) -> None:
    first = run(job(), base)
    (base / "results").rename(base / ".results.attribution-previous")
    (base / ".results.attribution-partial").mkdir()
    (base / ".results.attribution-partial" / "credits.csv").write_text("half")
    assert run(job(), base) == Ran(False, first.manifest)
    assert sorted(path.name for path in base.iterdir() if path.is_dir()) == ["results"]


def test_a_damaged_manifest_is_found(base: Path) -> None:
    run(job(), base)
    path = base / "results" / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 12', '"rows": 13', 1))
    with pytest.raises(TableError, match="not as it was written"):
        run(job(), base)
    assert run(job(), base, force=True).changed


@pytest.mark.parametrize("where", ["../out", "/tmp/out", ".", "link", "a/../.."])
def test_row_41_a_folder_outside_of_the_job_files_is_refused(
    where: str, base: Path, tmp_path_factory: Any
) -> None:
    (base / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ParameterError, match=r"outputs\.folder"):
        run(job(outputs={"folder": where}), base)


def test_the_caller_may_name_any_folder(base: Path, tmp_path_factory: Any) -> None:
    out = tmp_path_factory.mktemp("elsewhere") / "deep" / "results"
    assert run(job(), base, out=out).changed
    assert "credits.csv" in names(out)


@pytest.mark.parametrize("change", ["content", "gone"])
def test_an_input_that_changes_during_the_run_is_found(change: str, base: Path) -> None:
    def tell(event: str, **_: object) -> None:
        if event == "stitched" and change == "gone":
            (base / "leads.parquet").unlink()
        elif event == "stitched":
            tables_of(13)["leads"].write_parquet(base / "leads.parquet")

    with pytest.raises(TableError, match=r"leads\.parquet") as caught:
        run(job(), base, tell=tell)
    assert caught.value.exit_code == 3
    assert ("changed during the run" in str(caught.value)) == (change == "content")
    assert "results" not in {path.name for path in base.iterdir()}


# Late data.


def test_periods_that_are_over_keep_what_was_published(base: Path) -> None:
    late = {"file": "daily.parquet", "by": ["day", "channel"], "reprocess_days": 3}
    nightly = job(breakdowns=[late])
    run(nightly, base)
    before = pl.read_parquet(base / "results" / "daily.parquet").drop("run_id")
    tables = tables_of()
    doubled = tables["leads"].with_columns(revenue=pl.col("revenue") * 2)
    put(base, tables | {"leads": doubled})
    ran = run(nightly, base)
    first = date(2026, 3, 12) - timedelta(days=3)
    assert ran.manifest.content["kept_before"] == {"daily.parquet": first.isoformat()}
    after = pl.read_parquet(base / "results" / "daily.parquet").drop("run_id")
    old, recent = pl.col("day") < first, pl.col("day") >= first
    assert_frame_equal(after.filter(old), before.filter(old))
    twice = pl.col("revenue") * 2
    assert_frame_equal(
        after.filter(recent).select("model", "day", "channel", "revenue"),
        before.filter(recent).with_columns(twice).select("model", "day", "channel", "revenue"),
    )
    for model in ("linear", "last_touch"):
        rows = after.filter(model=model)
        cells, total = rows.filter(pl.col("channel") != "(total)"), rows.filter(channel="(total)")
        assert total["revenue"].item() == pytest.approx(cells["revenue"].sum())
        assert total["cost_per_lead"].item() == pytest.approx(cells["spend"].sum() / cells["leads"].sum())
    assert not run(nightly, base).changed


def test_what_was_published_is_checked_before_it_is_kept(base: Path) -> None:
    nightly = job(breakdowns=[{"file": "daily.parquet", "by": ["day"], "reprocess_days": 3}])
    run(nightly, base)
    path = base / "results" / "daily.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    put(base, {"leads": tables_of(13)["leads"]})
    with pytest.raises(TableError, match=r"published results.*daily\.parquet.*checksum differs"):
        run(nightly, base)
    assert path.read_bytes() == data


def late_job(by: Sequence[str] = ("day",), days: int = 3, **sections: Any) -> Job:
    """Return a job with one breakdown that keeps what was published."""
    late = {"file": "late.parquet", "by": list(by), "reprocess_days": days}
    return job(breakdowns=[late], **sections)


def late_table(base: Path) -> pl.DataFrame:
    """Return what that job wrote."""
    return pl.read_parquet(base / "results" / "late.parquet").drop("run_id")


def total(table: pl.DataFrame, name: str) -> float:
    """Return a sum of the total row of the linear model."""
    return float(table.filter(model="linear")[name][-1])


def test_a_period_is_over_at_its_end(base: Path) -> None:
    put(base, tables_of(20))
    run(late_job(["month"], 5), base)
    put(base, tables_of(28))
    run(late_job(["month"], 5), base)
    assert total(late_table(base), "leads") == 28


def test_a_period_that_was_never_published_is_measured_now(base: Path) -> None:
    put(base, tables_of(5))
    run(late_job(), base)
    put(base, tables_of(28))
    run(late_job(), base)
    table = late_table(base)
    assert total(table, "leads") == 28
    assert table.filter(model="linear")["day"].drop_nulls().is_unique().all()


def test_planned_spend_is_no_end_of_the_data(base: Path) -> None:
    tables = tables_of()
    planned = tables["spend"].tail(1).with_columns(pl.lit(date(2027, 1, 1)).alias("date"))
    put(base, tables | {"spend": pl.concat([tables["spend"], planned])})
    run(late_job(), base)
    put(base, {"leads": tables["leads"].with_columns(pl.col("revenue") * 2)})
    run(late_job(), base)
    assert total(late_table(base), "revenue") > sum(day * 10.5 for day in range(12))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (late_job(["channel", "day"]), "breakdown"),
        (late_job(models=[{"name": "linear"}]), "models"),
        (late_job(models=[{"name": "linear"}, {"name": "time_decay", "half_life": 2}]), "models"),
        (late_job(outcomes={"path": "leads.parquet", "names": ["leads"]}), "outcomes"),
        (late_job(name="other"), "job"),
    ],
)
def test_what_another_configuration_published_is_measured_again_with_a_warning(
    other: Job, said: str, base: Path
) -> None:
    run(late_job(), base)
    put(base, {"leads": tables_of()["leads"].with_columns(pl.col("revenue") * 2)})
    ran = run(other, base, force=True)
    (warning,) = [line for line in ran.manifest.content["warnings"] if line.startswith("late.parquet")]
    assert "all periods were measured again" in warning
    assert said in warning
    shutil.rmtree(base / "results")
    expected = run(other, base)
    assert ran.manifest.content["outputs"] == expected.manifest.content["outputs"]


def test_spend_that_the_breakdown_does_not_know_is_in_the_total_still(base: Path) -> None:
    for revenue in (1, 2):
        put(base, {"leads": tables_of()["leads"].with_columns(pl.col("revenue") * revenue)})
        run(late_job(["owner", "day"]), base)
        assert total(late_table(base), "spend") == 12 * 8.0


def test_periods_of_the_touchpoints_need_the_lookback_window(base: Path) -> None:
    with pytest.raises(ParameterError, match="reprocess_days of at least 30, the lookback window"):
        late_job(["touchpoint_week"], 7)
    assert run(late_job(["touchpoint_week"], 30), base).changed


def test_without_a_period_nothing_can_be_late(base: Path) -> None:
    with pytest.raises(
        ParameterError, match=r"breakdowns\.by of owners\.parquet: got owner, expected a period"
    ):
        run(job(breakdowns=[{"file": "owners.parquet", "by": ["owner"], "reprocess_days": 3}]), base)


# The file.

GOOD = '[touchpoints]\npath = "touchpoints.parquet"\n[outcomes]\npath = "leads.parquet"\n'


def test_a_job_file_is_read_and_named_after_itself(base: Path) -> None:
    (base / "weekly.toml").write_text(GOOD + "[window]\nlookback_days = 7\n[[models]]\nname = 'linear'\n")
    loaded = load_job(base / "weekly.toml")
    assert (loaded.name, loaded.window.lookback_days, loaded.built()) == ("weekly", 7.0, [at.Linear()])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[window]\nlookback_day = 3",
            ["key window.lookback_day: unknown", "did you mean 'lookback_days'", "restart"],
        ),
        ("[window]\nlookback_days = -3", ["key window.lookback_days: got -3", "a number >= 0"]),
        ("[window]\nlookback_days = nan", ["key window.lookback_days: got nan", "a number >= 0"]),
        ('[window]\nlookback_days = "30"', ["key window.lookback_days: got '30'", "a number >= 0"]),
        ('[window]\nrestart = "yes"', ["key window.restart: got 'yes'", "true or false"]),
        (
            "[[models]]\nname = 'time_decay'\nhalf_life = 0",
            ["key models[0].half_life: got 0", "a number > 0"],
        ),
        (
            "[[models]]\nname = 'time_decay'\nhalf_life = nan",
            ["models[0].half_life: got nan", "a number > 0"],
        ),
        (
            "[[models]]\nname = 'markv'",
            ["key models[0].name: got 'markv'", "did you mean 'markov'", "shapley"],
        ),
        ("[[models]]\norder = 2", ["key models[0].name: has no name", "markov"]),
        ("[[models]]\nname = 'markov'\nordr = 2", ["key models[0].ordr: unknown; did you mean 'order'"]),
        (
            "[[models]]\nname = 'position_based'\nfirst = 0.9\nlast = 0.8",
            ["key models[0]: parameter 'first + last'", "<= 1"],
        ),
        (
            "[outputs]\ncredits = '../../etc/passwd'",
            ["key outputs.credits: got '../../etc/passwd'", "without a path"],
        ),
        ("[outputs]\ncredits = 'a.csv'\nreport = 'a.csv'", ["a file name of its own", "'a.csv'"]),
        ("[outputs]\ncredits = 'a.pkl'", [".parquet or .csv", "'a.pkl'"]),
        ("[gate]\nmax_rejected = 2", ["key gate.max_rejected: got 2", "share of a table's rows"]),
        ("[[breakdowns]]\nfile='a.csv'\nby=['week']", ["[spend] for [[breakdowns]]"]),
        (
            "[spend]\npath='s'\n[[breakdowns]]\nfile='a.csv'\nby=['week']\nreprocess_days=3",
            ["a .parquet file"],
        ),
        ("[touchpoint]\npath = 'x'", ["key touchpoint: unknown; did you mean 'touchpoints'"]),
        ("[events]\npath = 'x'", ["either [touchpoints] and [outcomes], or [events]"]),
        ("[outcomes]\npath = 'x'", ["is no TOML"]),
        ("as_of = 3", ["key as_of"]),
        ("x = [" * 2000, ["is no TOML"]),
    ],
)
def test_row_42_a_key_that_cannot_be_is_named_with_its_range(text: str, says: list[str], base: Path) -> None:
    (base / "job.toml").write_text(text + "\n" + GOOD if text.startswith("as_of") else GOOD + text)
    err = refused(2, "run", base / "job.toml")
    assert "job.toml" in err
    for part in says:
        assert part in err
    assert "results" not in names(base)


def test_row_42_all_wrong_keys_are_told_at_once(base: Path) -> None:
    (base / "job.toml").write_text(GOOD + "[window]\nlookback_days = -1\nwindow = 3\n[gate]\nmax = 1\n")
    err = refused(2, "run", base / "job.toml")
    assert err.count("job.toml, key") == 3


def test_row_43_other_formats_are_not_read(base: Path) -> None:
    for name in ("job.yaml", "job.json", "job.pkl", "job"):
        (base / name).write_text("!!python/object:os.system")
        assert "expected a .toml file" in refused(2, "run", base / name)
    (base / "huge.toml").write_text("# " + "x" * (1 << 20))
    assert "expected at most 1,048,576" in refused(2, "run", base / "huge.toml")
    assert "cannot be read" in refused(2, "run", base / "none.toml")


def test_a_file_of_another_encoding_is_no_toml(base: Path) -> None:
    (base / "job.toml").write_bytes(GOOD.encode() + "# Größe".encode("latin-1"))
    assert "is no TOML" in refused(2, "run", base / "job.toml")


def test_every_key_has_its_range_in_the_schema() -> None:
    published = json.loads(done("schema", "job").out)
    assert published == schema()
    text = json.dumps(published)
    for name, model in MODELS.items():
        assert f'"const": "{name}"' in text
        for key, parameter in parameters(model).items():
            assert f"{parameter.meaning} ({parameter.allowed})" in json.loads(json.dumps(text)), key
    assert published["additionalProperties"] is False


# The command line.


@pytest.fixture
def file(base: Path) -> Path:
    """Return a job file over the small tables."""
    path = base / "job.toml"
    path.write_text(
        GOOD + '[spend]\npath = "spend.parquet"\n[[models]]\nname = "linear"\n[reading]\ntimezone = "UTC"\n'
    )
    return path


def test_the_command_runs_a_job_and_says_that_again_changes_nothing(file: Path) -> None:
    first = done("run", file)
    assert "touchpoints 24, outcomes 12, spend 36" in first.err
    again = done("run", file)
    assert re.search(r"unchanged: [0-9a-f]{16}", again.err)


def test_a_dry_run_tells_the_plan_with_rows_and_writes_nothing(file: Path) -> None:
    before = names(file.parent)
    ran = done("run", file, "--dry-run")
    for part in ("24 rows", "12 rows", "36 rows", "lookback_days=30.0", "linear", "credits.csv", "new"):
        assert part in ran.out
    assert names(file.parent) == before


def test_a_dry_run_estimates_the_rows_of_a_csv_file(tmp_path: Path) -> None:
    put(tmp_path, tables_of(1200), "csv")
    (tmp_path / "job.toml").write_text(GOOD.replace("parquet", "csv"))
    found = re.search(r"about ([\d,]+) rows", done("run", tmp_path / "job.toml", "--dry-run").out)
    assert found
    assert int(found[1].replace(",", "")) == pytest.approx(2400, rel=0.05)


def test_the_log_can_be_json_lines(file: Path) -> None:
    ran = attribution("run", file, "--log-format", "json")
    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert [line["event"] for line in lines] == ["read", "stitched", "attributed", "wrote", "done"]
    assert all(line["time"] for line in lines)
    assert lines[-1]["manifest"]["rows"]["outcomes"]["used"] == 12
    again = attribution("run", file, "--log-format", "json")
    lines = [json.loads(line) for line in again.err.splitlines()]
    assert [line["event"] for line in lines] == ["read", "unchanged"]


def test_an_error_is_a_json_line_too(file: Path) -> None:
    (file.parent / "leads.parquet").unlink()
    ran = attribution("run", file, "--log-format", "json")
    (line,) = [json.loads(line) for line in ran.err.splitlines()]
    assert (ran.code, line["event"], line["code"]) == (3, "error", 3)
    assert "leads.parquet" in line["message"]


def test_exit_codes_of_a_run(file: Path) -> None:
    base = file.parent
    done("run", file)
    (base / "results" / "notes.txt").write_text("mine")
    spoiled(base, 3)
    assert attribution("run", file).code == 6
    (base / "results" / "notes.txt").unlink()
    ran = attribution("run", file)
    assert (ran.code, "gate.max_rejected" in ran.err) == (4, True)
    (base / "leads.parquet").write_bytes(b"PAR1torn")
    assert "leads.parquet" in refused(3, "run", file)


def test_check_tells_all_faults_of_all_tables_in_one_answer(file: Path) -> None:
    base, tables = file.parent, tables_of()
    put(base, {"touchpoints": tables["touchpoints"].drop("channel").rename({"timestamp": "time"})})
    put(base, {"leads": tables["leads"].drop("customer_id"), "spend": tables["spend"].drop("spend")})
    err = refused(3, "check", file)
    for part in (
        "touchpoints.parquet",
        "'channel'",
        "'timestamp'",
        "leads.parquet",
        "'customer_id'",
        "'spend'",
    ):
        assert part in err
    assert err.count("what to do:") == 4


def test_check_writes_the_quarantine_and_leaves_by_the_gate(file: Path) -> None:
    spoiled(file.parent, 3)
    out = file.parent / "rejected.csv"
    ran = attribution("check", file, "--rejected", out)
    assert ran.code == 4
    assert pl.read_csv(out)["row"].to_list() == [0, 1, 2]
    assert "results" not in names(file.parent)
    spoiled(file.parent, 0)
    assert "touchpoints: 24 rows read, 24 used" in done("check", file).err


def test_check_takes_tables_as_attribute_does(base: Path) -> None:
    tables = (base / "touchpoints.parquet", base / "leads.parquet")
    ran = done("check", *tables, "--spend", base / "spend.parquet", "--lookback-days", 5)
    assert "outcomes: 12 rows read, 12 used" in ran.err
    assert "expected a number >= 0" in refused(2, "check", *tables, "--lookback-days", -1)
    assert "OUTCOMES" in refused(2, "check", tables[0])


@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[breakdowns]]\nfile = 'a.csv'\nby = ['channel', 'ownr']\n",
            "key breakdowns[0].by: unknown dimension 'ownr'",
        ),
        (
            "[outputs]\nlog = 'log.csv'\nlog_columns = ['devise']\n",
            "key outputs.log_columns: unknown dimension 'devise'",
        ),
    ],
)
def test_a_dimension_that_there_is_not_is_told_by_check_and_by_run(
    verb: str, text: str, said: str, file: Path
) -> None:
    file.write_text(file.read_text() + text)
    ran = attribution(verb, file)
    assert ran.code == 2
    assert said in ran.err
    assert "did you mean" in ran.err


def test_a_copy_of_the_samples_job_runs_as_it_is(tmp_path: Path) -> None:
    shutil.copytree(sample.folder(), tmp_path / "job")
    done("run", tmp_path / "job" / "job.toml")
    assert "weekly.parquet" in names(tmp_path / "job" / "results")


def test_a_job_over_spark_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, tables_of())
    table = {"path": "touchpoints.parquet"}
    over = job_of({"spark": {"touchpoints": table, "outcomes": table}, "name": "there"}, "test")
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)  # as where it is not installed
    with pytest.raises(ParameterError, match=r"key spark: pyspark is not installed: pip install"):
        run(over, tmp_path)
    assert not (tmp_path / "results").exists()
