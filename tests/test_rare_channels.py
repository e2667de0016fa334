"""Rare channels: grouped journeys are those that tables with the other names would have given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Row
from strategies import journeys, parts_of, rows_of
from test_cli import done, refused
from test_intervals import FEW, folded, world

import attribution as at
from attribution import ParameterError, group_rare
from attribution.job import job_of, run
from attribution.job.folder import Folder
from attribution.job.plan import plan
from attribution.journeys import Journeys

OTHER = "(other)"
CHANNELS = ("Ads", "Email", "Search", "Social", "Webinar")  # Ads has the most touchpoints, Webinar the fewest


def names_twin(rows: Sequence[Row], channels: Sequence[str], most: int) -> dict[str, str]:
    """Return what each channel is to be called, as plainly as it can be said."""
    touchpoints: Counter[str] = Counter()
    for row in rows:
        for name in row.path:
            touchpoints[name] += row.count  # type: ignore[assignment]
    ranked = sorted((name for name in channels if name != OTHER), key=lambda name: (-touchpoints[name], name))
    kept = {*ranked[:most], OTHER}
    return {name: name if name in kept else OTHER for name in channels}


WITH_OTHER = ("(Direct)", OTHER, "Ads", "Direct", "email")
VOCABULARIES = [("Ads", "Direct", "email"), ("(Direct)", "Ads", "Direct", "Social", "email"), WITH_OTHER]


@FEW
@given(batch=journeys(vocabularies=VOCABULARIES), most=st.integers(1, 6), draw=st.data())
def test_grouped_journeys_are_those_of_the_naive_twin(batch: Journeys, most: int, draw: Any) -> None:
    part = draw.draw(st.lists(st.integers(0, 3), min_size=len(batch), max_size=len(batch)))
    whole = folded(parts_of(batch, part, 4))
    grouped = group_rare(whole, most)
    names = names_twin(rows_of(batch), batch.channels, most)
    if names == {name: name for name in names}:
        assert grouped is whole
        return
    assert grouped.channels == tuple(sorted({*names.values(), OTHER}))
    for before, after in zip(whole, grouped, strict=True):
        rows, again = rows_of(before.journeys), rows_of(after.journeys)
        assert [row.path for row in again] == [tuple(names[name] for name in row.path) for row in rows]
        assert [(row.count, row.outcomes, row.ages) for row in again] == [
            (row.count, row.outcomes, row.ages) for row in rows
        ]
        assert after.report == before.report
    assert group_rare(grouped, most) is grouped


@FEW
@given(batch=journeys(vocabularies=VOCABULARIES), most=st.integers(1, 4))
def test_every_model_conserves_what_is_grouped_and_rules_give_others_the_sum(
    batch: Journeys, most: int
) -> None:
    whole = folded([batch])
    grouped = group_rare(whole, most)
    before, after = at.attribute(whole), at.attribute(grouped)
    names = names_twin(rows_of(batch), batch.channels, most)
    size = np.abs(batch.outcomes).sum(axis=0)
    for model in at.MODELS:
        assert (np.abs(after[model].totals - before[model].totals) <= 1e-9 * size).all()
        if model not in ("first_touch", "last_touch", "linear", "position_based", "time_decay"):
            continue  # the others look at names
        sums = dict.fromkeys(grouped.channels, 0.0)
        for name, values in zip(batch.channels, before[model].values, strict=True):
            sums[names[name]] = sums[names[name]] + values
        for name, values in zip(grouped.channels, after[model].values, strict=True):
            assert (np.abs(values - sums[name]) <= 1e-9 * size).all(), (model, name)


# The three ways in which journeys come, beside the same with the names written into the table.


def written(table: pl.DataFrame, kept: Sequence[str]) -> pl.DataFrame:
    """Return the touchpoints with the names that grouping gives."""
    return table.with_columns(pl.when(pl.col("channel").is_in(kept)).then("channel").otherwise(pl.lit(OTHER)))


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    touchpoints, outcomes = world(700, seed=3)
    return touchpoints, outcomes.with_columns(
        owner=pl.Series(["Ann", "Bo"] * len(outcomes)).head(len(outcomes))
    )


def pathed(touchpoints: pl.DataFrame) -> pl.DataFrame:
    """Return a path table of the customers."""
    paths = touchpoints.sort("customer_id", "timestamp", maintain_order=True).group_by(
        "customer_id", maintain_order=True
    )
    lines = paths.agg(pl.col("channel").str.join(" > ").alias("path"))
    return lines.with_row_index().select("path", conversions=pl.col("index") % 3, null=pl.col("index") % 5)


def sources(touchpoints: pl.DataFrame, outcomes: pl.DataFrame) -> dict[str, at.Stitched]:
    """Return the journeys of tables, of a journeys table, and of a path table."""
    stitched = at.stitch(touchpoints, outcomes)
    return {
        "tables": stitched,
        "journeys": at.from_journeys(stitched.table()),
        "paths": at.from_paths(pathed(touchpoints), null="null"),
    }


@pytest.mark.parametrize("source", ["tables", "journeys", "paths"])
def test_grouping_is_as_if_the_table_had_the_names(
    source: str, tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    touchpoints, outcomes = tables
    grouped = group_rare(sources(touchpoints, outcomes)[source], 3)
    expected = sources(written(touchpoints, CHANNELS[:3]), outcomes)[source]
    assert grouped.channels == expected.channels == (OTHER, *CHANNELS[:3])
    assert grouped.table().sort(pl.all()).equals(expected.table().sort(pl.all()))
    draws: dict[str, Any] = {"intervals": 0.9, "replicates": 100}
    ours, theirs = (at.attribute(journeys, **draws) for journeys in (grouped, expected))
    assert len(ours) >= 7
    for name in ours:
        assert ours[name].values == pytest.approx(theirs[name].values, rel=1e-9)
        if source != "paths":  # whose rows are dealt to folds in order of their path
            replicates = ours[name].replicates, theirs[name].replicates
            assert replicates[0].values == pytest.approx(replicates[1].values, rel=1e-9, abs=1e-9)
    assert [line for line in ours.report.warnings if "(other)" in line] == list(grouped.gate.warnings)
    assert ours.report.tables == theirs.report.tables
    assert ours.report.notes == theirs.report.notes


def test_paths_that_are_dealt_to_folds_are_grouped_as_well(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths = at.from_paths(pathed(tables[0]), null="null")
    draws: dict[str, Any] = {"intervals": 0.9, "replicates": 100, "seed": 5}
    ours = at.attribute(group_rare(paths, 3), at.Linear(), at.Markov(), **draws)
    whole = at.attribute(paths, at.Linear(), **draws)["linear"].replicates.values
    linear = ours["linear"].replicates.values
    rare = [CHANNELS.index(name) for name in CHANNELS[3:]]
    assert linear[:, 0] == pytest.approx(whole[:, rare].sum(axis=1), rel=1e-9)
    assert ours["markov"].replicates.values.sum(axis=1) == pytest.approx(linear.sum(axis=1), rel=1e-9)


def test_the_log_of_grouped_journeys_points_at_the_rows_behind_them(
    tables: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    touchpoints, outcomes = tables
    journeys = group_rare(at.stitch(touchpoints, outcomes), 3)
    result = at.attribute(journeys, at.Linear(), at.Markov(), intervals=0.9, replicates=100)
    log = at.credit_log(journeys, result)
    rows = log.table("owner")
    assert rows.filter(model="linear")["leads"].sum() == pytest.approx(len(outcomes))
    touched = rows.filter(pl.col("touchpoint_row").is_not_null())
    original = touchpoints["channel"].gather(touched["touchpoint_row"])
    names = original.to_frame().with_columns(grouped=touched["channel"]).unique()
    assert dict(names.iter_rows()) == {name: name if name in CHANNELS[:3] else OTHER for name in CHANNELS}
    for model, each in result.items():
        behind = log.behind(model=model, channel=OTHER)
        assert behind["leads"].sum() == pytest.approx(each.values[0, 0])
        assert behind["journey_id"].str.contains("/").all()
    spend = pl.DataFrame({"channel": [OTHER, *CHANNELS[:3]], "spend": [10.0] * 4})
    by_owner = at.measure(log, spend, by=["channel", "owner"]).table()
    assert by_owner.filter(model="linear", channel=OTHER)["leads"].sum() == pytest.approx(
        result["linear"].values[0, 0]
    )


def test_what_is_not_about_names_is_kept(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    accounts = tables[0].with_columns(account_id=pl.col("customer_id").str.slice(0, 3))
    whole = at.stitch(accounts, tables[1], lookback_days=9)
    grouped = group_rare(whole, 2)
    for name in ("outcome_names", "origins", "owners", "lookback_days", "until", "has_ages", "rejected"):
        assert getattr(grouped, name) is getattr(whole, name), name
    assert grouped.owners == "accounts"
    assert grouped.thinned is None
    assert grouped.report.tables == whole.report.tables
    assert at.TimeDecay.fit(grouped) == at.TimeDecay.fit(whole)
    names = ["journey_id", "customer_id", "ends_at", "age_days", "leads"]
    assert grouped.table().select(names).equals(whole.table().select(names))


# Which channels, and what is said of them.


def paths(**touchpoints: int) -> at.Stitched:
    """Return paths of one channel each."""
    table = {"path": list(touchpoints), "conversions": list(touchpoints.values())}
    return at.from_paths(pl.DataFrame(table))


def test_of_channels_that_are_as_frequent_the_first_by_name_are_kept() -> None:
    assert group_rare(paths(b=2, d=2, a=1, c=2), 2).channels == (OTHER, "b", "c")


def test_a_channel_outside_every_window_is_rare() -> None:
    touchpoints, outcomes = world(300)
    old = touchpoints.head(50).with_columns(
        channel=pl.lit("Old"), timestamp=pl.datetime(2020, 1, 1, time_zone="UTC"), customer_id=pl.lit("c1")
    )
    ended = pl.concat([outcomes, outcomes.head(1).with_columns(customer_id=pl.lit("c1"))])
    grouped = group_rare(at.stitch(pl.concat([touchpoints, old]), ended, maturity_days=1000), 5)
    assert grouped.channels == (OTHER, *CHANNELS)


@pytest.mark.parametrize("most", [3, 4, 100])
def test_no_more_channels_than_are_kept_are_the_same_journeys(most: int) -> None:
    whole = paths(a=1, b=2, c=3)
    assert group_rare(whole, most) is whole
    assert not whole.report.warnings


def test_the_warning_tells_how_many_channels_with_how_many_touchpoints() -> None:
    grouped = group_rare(paths(a=1, b=2000, c=3000, d=4), 2)
    told = "channels: 2 with 5 touchpoints became (other); the 2 with the most touchpoints keep their names"
    assert grouped.report.warnings == (told,)
    assert at.attribute(grouped, at.Linear()).report.warnings == (told,)


def test_rare_channels_join_one_that_has_their_name_already_and_the_warning_says_so() -> None:
    table = pl.DataFrame({"path": [OTHER, "a", "b", "c"], "conversions": [9, 5, 2, 1]})
    whole = at.from_paths(table)
    assert group_rare(whole, 3) is whole
    grouped = group_rare(whole, 1)
    assert at.attribute(grouped, at.Linear())["linear"].values.ravel().tolist() == [12, 5]
    (told,) = grouped.report.warnings
    assert told == (
        "channels: 2 with 3 touchpoints became (other), and joined those that had this name; "
        "the 1 with the most touchpoints keep their names"
    )


@pytest.mark.parametrize("most", [0, -1, True, 2.0, "2", None])
def test_a_number_that_cannot_be_is_refused_by_name(most: Any) -> None:
    with pytest.raises(ParameterError, match=r"parameter 'most': got .*, expected a whole number >= 1"):
        group_rare(paths(a=1), most)


def test_the_order_of_rows_and_the_folds_change_no_bit(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    touchpoints, outcomes = tables
    shuffled = touchpoints.sample(fraction=1, shuffle=True, seed=1), outcomes.reverse()
    results = [
        at.attribute(
            group_rare(at.stitch(*each), 2), at.Markov(), threads=threads, intervals=0.9, replicates=100
        )
        for each, threads in ((tables, 1), (shuffled, 2))
    ]
    one, two = (result["markov"] for result in results)
    assert one.values.tobytes() == two.values.tobytes()
    assert one.replicates.values.tobytes() == two.replicates.values.tobytes()
    assert results[0].report == results[1].report


# On the command line and in a job.


@pytest.fixture
def files(tables: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path) -> Path:
    for name, table in zip(("touchpoints", "leads"), tables, strict=True):
        table.write_parquet(tmp_path / f"{name}.parquet")
    pathed(tables[0]).write_csv(tmp_path / "paths.csv")
    return tmp_path


OPTION = ("--most-channels", "3")


@pytest.mark.parametrize("verb", ["attribute", "compare"])
@pytest.mark.parametrize("source", ["tables", "journeys", "paths"])
def test_verbs_that_read_journeys_group(verb: str, source: str, files: Path) -> None:
    tables = (files / "touchpoints.parquet", files / "leads.parquet")
    made = files / "journeys.parquet"
    done("stitch", *tables, "--out", made)
    given = {"tables": tables, "journeys": ("--journeys", made), "paths": ("--paths", files / "paths.csv")}
    models = ("--model", "linear", "--model", "markov")
    ran = done(verb, *given[source], *models, *OPTION, "--json")
    assert '"(other)"' in ran.out
    assert "Webinar" not in ran.out
    assert "became (other); the 3 with the most touchpoints keep their names" in ran.err


def test_stitch_writes_grouped_journeys(files: Path) -> None:
    made = files / "journeys.parquet"
    tables = (files / "touchpoints.parquet", files / "leads.parquet")
    assert "became (other)" in done("stitch", *tables, *OPTION, "--out", made).err
    assert at.from_journeys(made).channels == (OTHER, *CHANNELS[:3])
    assert "became (other)" in done("check", *tables, *OPTION).err


@pytest.mark.parametrize("verb", ["attribute", "compare", "check", "stitch"])
def test_a_number_that_cannot_be_is_refused_before_anything_is_read(verb: str, files: Path) -> None:
    out = ("--out", files / "out.parquet") if verb == "stitch" else ()
    absent = (files / "absent.parquet", files / "leads.parquet")
    told = refused(2, verb, *absent, "--most-channels", "0", *out)
    assert "'--most-channels': got 0, expected a whole number >= 1" in told


def test_a_job_groups_and_its_plan_says_so(files: Path) -> None:
    given = {
        "name": "nightly",
        "touchpoints": {"path": "touchpoints.parquet"},
        "outcomes": {"path": "leads.parquet"},
        "models": [{"name": "linear"}],
        "most_channels": 3,
    }
    job = job_of(given, "job.toml")
    ran = run(job, files)
    credits = pl.read_csv(files / "results" / "credits.csv")
    assert set(credits["channel"]) == {OTHER, *CHANNELS[:3], "(unattributed)"}
    assert any("became (other)" in line for line in ran.manifest.content["warnings"])
    assert run(job_of(given | {"most_channels": 4}, "job.toml"), files, force=True).changed
    steps = plan(job, files, Folder(files / "results"))
    assert ("group", "channels beyond the 3 with the most touchpoints") in steps
    with pytest.raises(ParameterError, match="key most_channels: got 0, expected how many channels keep"):
        job_of(given | {"most_channels": 0}, "job.toml")


def test_a_breakdown_of_other_channels_is_measured_again(files: Path) -> None:
    spend = pl.DataFrame({"date": ["2026-03-02"] * 5, "channel": CHANNELS, "spend": [1.0] * 5})
    spend.write_csv(files / "spend.csv")
    given = {
        "name": "nightly",
        "touchpoints": {"path": "touchpoints.parquet"},
        "outcomes": {"path": "leads.parquet"},
        "spend": {"path": "spend.csv"},
        "models": [{"name": "linear"}],
        "breakdowns": [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 7}],
    }
    run(job_of(given, "job.toml"), files)
    again = run(job_of(given | {"most_channels": 3}, "job.toml"), files, force=True)
    told = (
        "weekly.parquet: all periods were measured again: most_channels differ from those of the run before"
    )
    assert told in again.manifest.content["warnings"]
    assert OTHER in set(pl.read_parquet(files / "results" / "weekly.parquet")["channel"])
