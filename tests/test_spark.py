"""Spark gives what one machine gives, to the bit, whichever task fails or stays empty."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
import attribution.spark
from attribution.errors import GateError
from attribution.job import job_of, run
from attribution.journeys import Journeys
from attribution.models import MODELS
from attribution.spark.keys import keys_of, task_of
from attribution.statistics.cells import cells_of
from benchmarks.cases import Case, million
from benchmarks.comparing import TOLERANCE, differences
from benchmarks.contenders import SIX, ours

pyspark = pytest.importorskip(
    "pyspark", reason="pyspark is not installed: pip install 'attribution-engine[spark]'"
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).parents[1]
ZONE = "America/New_York"  # of the session: whatever took it for UTC would be hours away
START = datetime(2026, 1, 5, tzinfo=UTC)
Tables: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]


def java_version() -> int:
    """Return the version of Java that Spark would start, 0 where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr if java else ""
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


pytestmark = [
    pytest.mark.skipif(java_version() < 17, reason="Java 17 is not there: install a JRE, or set JAVA_HOME"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a session of two executors, processes of their own; all its files are temporary."""
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    # Workers of a local cluster write into work/ of Spark's home, which is site-packages otherwise.
    home = folder / "home"
    home.mkdir()
    for path in Path(pyspark.__file__).parent.iterdir():
        (home / path.name).symlink_to(path)
    pyspark.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder}",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": ZONE,
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_HOME", str(home))
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master("local-cluster[2,1,2048]").appName("tests")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def sample() -> Tables:
    """Return the tables of the sample, without accounts, which Spark does not use."""
    touched, leads, _ = at.sample.load()
    return touched.drop("account_id", strict=False), leads.drop("account_id", strict=False)


def sent(spark: SparkSession, tables: Tables) -> tuple[DataFrame, DataFrame]:
    """Return tables as Spark has them."""
    touched, ended = (
        spark.createDataFrame(each.to_arrow(compat_level=pl.CompatLevel.oldest())) for each in tables
    )
    return touched, ended


def assert_same(ours: at.Result, local: at.Result) -> None:
    """All that is known of two results is the same, to the bit."""
    assert list(ours) == list(local)
    one, other = ours.learned, local.learned
    for name in ("models", "settings", "channels", "outcome_names", "report", "has_ages", "owners"):
        assert getattr(one, name) == getattr(other, name), name
    assert ours.report == local.report
    for left, right in zip(cells_of(one.whole, one.folds), cells_of(other.whole, other.folds), strict=True):
        assert left[:3] == right[:3]
        np.testing.assert_array_equal(left.array, right.array, err_msg=str(left[:3]))
    for name, credits in local.items():
        np.testing.assert_array_equal(ours[name].values, credits.values)
        np.testing.assert_array_equal(ours[name].unattributed, credits.unattributed)
        assert (ours[name].replicates is None) == (credits.replicates is None)
        if credits.replicates is not None:
            np.testing.assert_array_equal(ours[name].replicates.values, credits.replicates.values)
    assert ours.table().equals(local.table())


def assert_as_local(
    spark: SparkSession, tables: Tables, *models: at.Model, partitions: int | None = None, **how: Any
) -> at.Result:
    """Attribute tables on Spark and here: both are the same, to the bit; return the one of Spark."""
    intervals = how.pop("intervals", None)
    how.setdefault("folds", 16)  # few are sooner sent
    theirs = at.spark.attribute(
        *sent(spark, tables), *models, intervals=intervals, partitions=partitions, **how
    )
    assert_same(theirs, at.attribute(at.stitch(*tables, **how), *models, intervals=intervals))
    return theirs


EVERY = [*(model() for model in MODELS.values()), at.Markov(order=2, name="two")]


@pytest.mark.parametrize(
    "how",
    [
        {"intervals": 0.95, "folds": 256},
        {"intervals": 0.9, "maturity_days": 20.0, "folds": 64},
        {"restart": False, "max_touchpoints": 3, "lookback_days": 60.0},
        {"as_of": "2025-05-01", "outcome_names": ["revenue", "leads"]},
    ],
    ids=lambda how: ", ".join(how),
)
def test_the_sample_is_attributed_as_here(spark: SparkSession, sample: Tables, how: dict[str, Any]) -> None:
    assert_as_local(spark, sample, *EVERY, **how)


def test_without_models_those_run_that_run_here(spark: SparkSession, sample: Tables) -> None:
    assert len(assert_as_local(spark, sample)) == len(MODELS)


# The credit log.

LOGGED = [model for model in EVERY if model.name not in ("markov", "two")] + [
    at.Markov(order=2, share="journey")
]


def test_the_credit_log_is_that_of_here_but_for_row_numbers(spark: SparkSession, sample: Tables) -> None:
    names = ("campaign", "week", "touchpoint_week", "owner")
    journeys = at.stitch(*sample)
    result = at.attribute(journeys, *LOGGED)
    log = at.spark.credit_log(*sent(spark, sample), result, *names)
    theirs = pl.DataFrame(log.toArrow())
    ours = at.credit_log(journeys, result).table(*names).drop("touchpoint_row", "outcome_row")
    assert theirs.columns == ours.columns
    ours = ours.with_columns(pl.col("fold", "position").cast(pl.Int32))
    order = ["model", "journey_id", "position"]
    theirs = theirs.with_columns(pl.col("timestamp", "ends_at").dt.convert_time_zone("UTC"))
    assert_frame_equal(theirs.sort(order), ours.sort(order), check_dtypes=False, check_exact=True)
    for name, credits in result.items():
        sums = (
            theirs.filter(pl.col("model") == name).group_by("channel", "campaign").agg(pl.col("leads").sum())
        )
        by_channel = dict(sums.group_by("channel").agg(pl.col("leads").sum()).iter_rows())
        expected = dict(zip(credits.channels, credits.values[:, 0].tolist(), strict=True))
        assert {k: by_channel.get(k, 0.0) for k in expected} == pytest.approx(expected, rel=1e-9)
        assert by_channel["(unattributed)"] == pytest.approx(credits.unattributed[0])


# Larger tables.


def test_criteo_is_attributed_as_here(spark: SparkSession, data: Any) -> None:
    table = pl.read_parquet(data.need("criteo_journeys/touches.parquet"))
    start = datetime(2020, 1, 1, tzinfo=UTC)
    events = table.select(
        pl.format("{}/{}", "split", "seq_id").alias("customer_id"),
        (start + pl.duration(seconds="t")).alias("timestamp"),
        pl.format("campaign {}", "campaign").alias("channel"),
        pl.col("converted").alias("conversion"),
        pl.col("step").alias("sequence"),
    )
    split = at.split_events(
        events.rename({"customer_id": "journey"}),
        columns={"customer_id": "journey", "journey": "journey"},
        flag="journey",
    )
    models = [model for model in EVERY if model.name != "shapley"]
    result = assert_as_local(
        spark, (split.touchpoints, split.outcomes), *models, lookback_days=3650.0, intervals=0.95
    )
    assert result.report.notes["journeys"] == 196_560


@pytest.fixture(scope="module")
def ten_million(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of 2.5 million journeys: 10 million touchpoints."""
    return million(2.5).files(tmp_path_factory.mktemp("events"))


def test_ten_million_touchpoints_of_a_parquet_file_are_attributed_as_here(
    spark: SparkSession, ten_million: tuple[Path, Path]
) -> None:
    models = [*map(at.parse_model, SIX)]
    touched, ended = (spark.read.parquet(str(path)) for path in ten_million)
    result = at.spark.attribute(touched, ended, *models, intervals=0.95)
    assert result.report.tables["touchpoints"].read > 9_900_000
    assert_same(result, at.attribute(at.stitch(*ten_million), *models, intervals=0.95))


@pytest.mark.parametrize("name", ["spark_sql", "ours_on_spark"])
@pytest.mark.usefixtures("spark")
def test_the_contenders_of_the_benchmark_agree(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = Case(1_500).files(tmp_path_factory.mktemp(name))
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    apart = differences(ours.credits(*paths), contender.credits(*paths))
    assert set(apart) == set(SIX)
    assert max(apart.values()) <= TOLERANCE


# Tasks that fail.


@dataclass(frozen=True)
class Struck(at.Linear):
    """Shares like linear. The first task that weighs with it kills its process, or its executor."""

    marker: str = field(default="", kw_only=True)
    victim: str = field(default="task", kw_only=True)

    def weigh(self, journeys: Journeys) -> np.ndarray:
        if journeys.touchpoints:
            strike(self.marker, self.victim)
        return super().weigh(journeys)


def strike(marker: str, victim: str) -> None:
    """Kill this process, or the Java process that it works for; only the first to leave the mark does."""
    daemon = os.getppid()  # of the worker; Java is its parent
    executor = int(Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1])
    if "CoarseGrainedExecutorBackend" not in Path(f"/proc/{executor}/cmdline").read_text():
        return  # the tests themselves
    try:
        with Path(marker).open("x"):
            os.kill(os.getpid() if victim == "task" else executor, signal.SIGKILL)
    except FileExistsError:
        return


@pytest.mark.parametrize("victim", ["task", "executor"])
def test_a_task_that_is_killed_is_run_again_and_counts_once(
    spark: SparkSession, sample: Tables, tmp_path: Path, victim: str
) -> None:
    model = Struck(marker=str(tmp_path / "struck"), victim=victim)
    models = (at.FirstTouch(), model, at.Markov())
    theirs = at.spark.attribute(*sent(spark, sample), *models, intervals=0.95)
    assert (tmp_path / "struck").exists()
    assert_same(theirs, at.attribute(at.stitch(*sample), *models, intervals=0.95))


# Tables of all kinds.


def small(customers: int = 30, seed: int = 1) -> Tables:
    """Return random tables of a few customers, of whom every other becomes a lead."""
    draw = np.random.default_rng(seed)
    rows = [
        (f"c{each}", START + timedelta(minutes=int(draw.integers(40_000))), f"ch {draw.integers(5)}")
        for each in range(customers)
        for _ in range(draw.integers(1, 9))
    ]
    leads = [
        (f"c{each}", START + timedelta(days=28, hours=each), each % 3) for each in range(0, customers, 2)
    ]
    instants = {"timestamp": pl.Datetime("us", "UTC")}
    touched = pl.DataFrame(rows, ["customer_id", "timestamp", "channel"], orient="row")
    ended = pl.DataFrame(leads, ["customer_id", "timestamp", "wins"], orient="row")
    ended = ended.with_columns(
        pl.min_horizontal("wins", 1).alias("wins"), (pl.col("wins") * 99.5).alias("revenue")
    )
    return touched.cast(instants), ended.cast(instants)


def test_one_customer_with_half_of_all_rows_is_attributed_as_here(spark: SparkSession) -> None:
    touched, ended = small(200)
    big = pl.DataFrame(
        {
            "customer_id": ["c1"] * len(touched),
            "timestamp": [START + timedelta(minutes=31 * row) for row in range(len(touched))],
            "channel": [f"ch {row % 7}" for row in range(len(touched))],
        }
    )
    result = assert_as_local(
        spark, (pl.concat([touched, big.cast(touched.schema)]), ended), *EVERY, intervals=0.95
    )
    assert len(result.learned.channels) == 7


@pytest.mark.parametrize("partitions", [1, 16])
def test_any_number_of_tasks_gives_the_same_though_most_have_no_rows(
    spark: SparkSession, partitions: int
) -> None:
    assert_as_local(spark, small(12), *EVERY, partitions=partitions, intervals=0.95)


@pytest.mark.parametrize("missing", ["touchpoints", "outcomes", "both"])
def test_tables_without_rows_are_attributed_as_here(spark: SparkSession, missing: str) -> None:
    touched, ended = small(6)
    touched = touched if missing == "outcomes" else touched.clear()
    ended = ended if missing == "touchpoints" else ended.clear()
    result = assert_as_local(spark, (touched, ended), at.Linear(), at.Markov(), partitions=4, intervals=0.9)
    assert sum("no rows" in line for line in result.report.warnings) == (2 if missing == "both" else 1)
    log = at.spark.credit_log(
        *sent(spark, (touched, ended)), at.attribute(at.stitch(touched, ended), at.Linear()), partitions=4
    )
    assert log.count() == (3 if missing == "touchpoints" else 0)


def test_a_channel_that_one_task_alone_has_seen_is_known_to_all(spark: SparkSession) -> None:
    touched, ended = small(40)
    alone = touched["customer_id"] == "c3"
    touched = touched.with_columns(
        channel=pl.when(alone).then(pl.concat_str(pl.lit("a "), "channel")).otherwise("channel")
    )
    ended = pl.concat([ended, ended[:1].with_columns(customer_id=pl.lit("c3"))])
    chains = [at.Markov(order=order, name=f"markov {order}") for order in (1, 2, 3)]
    result = assert_as_local(spark, (touched, ended), *chains, at.Shapley(), partitions=16, intervals=0.95)
    assert any(name.startswith("a ch") for name in result.learned.channels)


def test_text_and_numbers_are_one_customer(spark: SparkSession) -> None:
    touched, ended = small(40)
    number = pl.col("customer_id").str.strip_prefix("c").cast(pl.Int64) * 1_000_003 - 7
    numbers = touched.with_columns(number), ended.with_columns(number)
    text = pl.col("customer_id").cast(pl.String)
    expected = assert_as_local(spark, numbers, *EVERY, intervals=0.95)
    for mixed in [(numbers[0].with_columns(text), numbers[1]), (numbers[0], numbers[1].with_columns(text))]:
        assert_same(assert_as_local(spark, mixed, *EVERY, intervals=0.95), expected)


def test_bad_rows_are_set_aside_with_the_reasons_of_here(spark: SparkSession) -> None:
    touched, ended = small(40)
    bad = pl.DataFrame(
        {
            "customer_id": ["c1", None, "c2", " ", "c\x003", "c4", None],
            "timestamp": [START, START, None, START, START, START, None],
            "channel": [None, "ch 1", "ch 1", "ch 2", "ch 2", "\t", None],
        },
        schema_overrides=touched.schema,
    )
    wrong = pl.DataFrame(
        {
            "customer_id": ["c1", None, "c2", "c3", "c4", "c5", "c6"],
            "timestamp": [None] + [START + timedelta(days=20)] * 6,
            "wins": [0, 0, 5, -1, 0, 0, None],
            "revenue": [0.0, 0.0, 0.0, 0.0, float("nan"), float("inf"), None],
        },
        schema_overrides=ended.schema,
    )
    tables = pl.concat([touched, bad]), pl.concat([ended, wrong])
    late = [table[-1:].with_columns(timestamp=START + timedelta(days=99)) for table in (bad, wrong)]
    late[1] = late[1].with_columns(wins=pl.lit(9, pl.Int64))  # more than leads
    tables = tuple(pl.concat([*each]) for each in zip(tables, late, strict=True))
    result = assert_as_local(spark, tables, *EVERY, intervals=0.95, maturity_days=2.0)
    assert set(result.report.tables["touchpoints"].set_aside) >= {
        "null_user",
        "null_channel",
        "bad_time",
        "control_char",
    }
    assert set(result.report.tables["outcomes"].set_aside) >= {
        "null_user",
        "bad_time",
        "wins_out_of_range",
        "not_finite",
    }
    assert_as_local(spark, tables, at.Linear(), reading=at.Reading(null_channel="(unknown)"))


def test_times_without_a_zone_and_dates_are_instants_of_utc_as_here(spark: SparkSession) -> None:
    touched, ended = (table.with_columns(pl.col("timestamp").dt.replace_time_zone(None)) for table in small())
    with_ntz = [
        spark.createDataFrame(
            each.with_columns(pl.col("timestamp").dt.to_string()).to_arrow(
                compat_level=pl.CompatLevel.oldest()
            )
        )
        for each in (touched, ended)
    ]
    with_ntz = [each.withColumn("timestamp", each["timestamp"].cast("timestamp_ntz")) for each in with_ntz]
    assert dict(with_ntz[0].dtypes)["timestamp"] == "timestamp_ntz"
    theirs = at.spark.attribute(*with_ntz, *EVERY, intervals=0.95, maturity_days=3.0)
    assert_same(theirs, at.attribute(at.stitch(touched, ended, maturity_days=3.0), *EVERY, intervals=0.95))
    days = touched, ended.with_columns(pl.col("timestamp").dt.date())
    dated = with_ntz[0], with_ntz[1].withColumn("timestamp", with_ntz[1]["timestamp"].cast("date"))
    theirs = at.spark.attribute(*dated, *EVERY, intervals=0.95, maturity_days=3.0)
    assert_same(theirs, at.attribute(at.stitch(*days, maturity_days=3.0), *EVERY, intervals=0.95))


def test_columns_of_other_names_and_further_outcomes_are_read_as_here(spark: SparkSession) -> None:
    touched, ended = small()
    names = {"customer_id": "cookie", "timestamp": "at time"}
    ended = ended.with_columns(pl.lit(2.5).alias("kg"), pl.col("wins").alias("deals"))
    tables = touched.rename({**names, "channel": "Touch.Medium"}), ended.rename(names)
    columns = {"touchpoints": {**names, "channel": "Touch.Medium"}, "outcomes": {**names, "wins": "deals"}}
    assert_as_local(
        spark,
        tables,
        *EVERY,
        columns=columns,
        outcome_names=["kg", "wins"],
        intervals=0.95,
        as_of="2026-02-01",
    )


def test_repeated_rows_count_once_as_here(spark: SparkSession) -> None:
    touched, ended = small(40)
    touched = touched.with_columns(pl.format("e{}", pl.int_range(pl.len())).alias("event_id"))
    ended = ended.with_columns(pl.format("o{}", pl.int_range(pl.len())).alias("outcome_id"))
    later = ended[::2].with_columns(
        revenue=pl.col("revenue") + 7, sql_at=pl.col("timestamp") + pl.duration(days=3)
    )
    ended = pl.concat([ended, ended[:4], later], how="diagonal")
    touched = pl.concat([touched, touched[::3]])
    result = assert_as_local(
        spark, (touched, ended), *EVERY, repeated_outcomes="latest", intervals=0.95, partitions=16
    )
    assert result.report.tables["outcomes"].set_aside == {"duplicate": 4, "superseded": 10}
    assert result.report.tables["touchpoints"].set_aside["duplicate"] > 40


# Statistics.


def test_what_is_learned_on_spark_is_kept_and_added_to_what_is_learned_here(
    spark: SparkSession, sample: Tables, tmp_path: Path
) -> None:
    mine = pl.col("customer_id").hash(3) % 3 == 0
    there, here = (tuple(table.filter(which) for table in sample) for which in (mine, ~mine))
    at.spark.attribute(*sent(spark, there), *EVERY, intervals=0.95).save(tmp_path / "there.parquet")
    local = at.attribute(at.stitch(*here), *EVERY, intervals=0.95).learned
    whole = at.attribute(at.stitch(*sample), *EVERY, intervals=0.95)
    both = at.attribute(at.load_statistics(tmp_path / "there.parquet") + local, intervals=0.95)
    assert both.report == whole.report
    for name, credits in whole.items():
        for left, right in [
            (both[name].values, credits.values),
            (both[name].replicates.values, credits.replicates.values),
        ]:
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12 * np.abs(right).max())


# Errors.


def test_what_the_columns_tell_is_refused_before_anything_runs(spark: SparkSession) -> None:
    touched, ended = sent(spark, small(3))
    text = touched.withColumn("timestamp", touched["timestamp"].cast("string"))
    with pytest.raises(
        at.TableError, match=r"touchpoints \(Spark\), column 'timestamp': type string"
    ) as told:
        at.spark.attribute(text, ended, at.Linear())
    assert "what to do: convert it: touchpoints.withColumn('timestamp', to_timestamp(" in str(told.value)
    double = ended.withColumn("customer_id", ended["wins"].cast("double"))
    with pytest.raises(at.TableError, match=r"outcomes \(Spark\), column 'customer_id': type double"):
        at.spark.attribute(touched, double, at.Linear())
    with pytest.raises(at.TableError, match=r"no column 'channel'; found 'customer_id', 'timestamp'"):
        at.spark.attribute(touched.drop("channel"), ended, at.Linear())
    with pytest.raises(at.ParameterError, match=r"'partitions': got 3, expected a power of two"):
        at.spark.attribute(touched, ended, at.Linear(), partitions=3)


def test_our_keys_go_where_spark_sends_them(spark: SparkSession) -> None:
    from pyspark.sql import functions

    rows = spark.range(-100, 2000).select("id", functions.pmod(functions.hash("id"), functions.lit(64)))
    assert [task for _, task in rows.collect()] == [task_of(key, 64) for key in range(-100, 2000)]
    assert [task_of(key, 64) for key in keys_of(64)] == list(range(64))


def test_an_outcome_of_several_customers_is_refused(spark: SparkSession) -> None:
    touched, ended = small(6)
    shared = ended.with_columns(outcome_id=pl.Series(["o1", "o2", "o1"]))
    with pytest.raises(at.TableError, match="outcome ids that belong to several customers") as told:
        at.spark.attribute(*sent(spark, (touched, shared)), at.Linear())
    assert "'o1'" in str(told.value)
    assert "'o2'" not in str(told.value)


def test_a_fault_that_only_tasks_see_is_told_once_and_in_our_words(spark: SparkSession) -> None:
    touched, ended = small(40)
    ended = ended.with_columns(pl.format("o {}", "customer_id").alias("outcome_id"))
    differing = pl.concat([ended, ended[:12].with_columns(pl.col("revenue") + 1)])
    with pytest.raises(at.TableError) as here:
        at.stitch(touched, differing)
    with pytest.raises(at.TableError) as there:
        at.spark.attribute(*sent(spark, (touched, differing)), at.Linear(), partitions=8)
    (theirs,), (ours,) = there.value.faults, here.value.faults
    assert (theirs.column, theirs.count, theirs.got) == (ours.column, ours.count, ours.got)
    assert set(theirs.examples) <= {f"'o c{each}'" for each in range(0, 24, 2)}
    naive = touched.with_columns(pl.col("timestamp").dt.to_string("%F %T"))
    frames = sent(spark, (naive, ended))
    without = frames[0].withColumn("timestamp", frames[0]["timestamp"].cast("timestamp_ntz")), frames[1]
    with pytest.raises(at.TableError, match="times name no zone") as told:
        at.spark.attribute(*without, at.Linear(), partitions=8)
    assert len(told.value.faults) == 1


def test_rows_in_the_future_are_told_once(spark: SparkSession) -> None:
    touched, ended = small(40)
    later = pl.col("timestamp") + pl.duration(days=3650)
    tables = touched.with_columns(later), ended.with_columns(later)
    theirs = at.spark.attribute(*sent(spark, tables), at.Linear(), partitions=8).report.warnings
    assert theirs == at.attribute(at.stitch(*tables), at.Linear()).report.warnings


def test_accounts_are_not_used_and_a_user_is_told(spark: SparkSession) -> None:
    touched, ended = small(6)
    owned = touched, ended.with_columns(account_id=pl.lit("acme"))
    result = at.spark.attribute(*sent(spark, owned), at.Linear(), intervals=0.95)
    told = "outcomes (Spark), column 'account_id': not used: intervals draw customers"
    assert told in result.report.warnings
    assert result.learned.owners == "customers"
    assert result.table().equals(at.attribute(at.stitch(touched, ended), at.Linear(), intervals=0.95).table())


# A job whose tables Spark holds.


@pytest.fixture
def folder(tmp_path: Path, sample: Tables) -> Path:
    """Return a folder with the sample's tables, and its spend."""
    for name, table in zip(("touchpoints", "leads"), sample, strict=True):
        table.write_parquet(tmp_path / f"{name}.parquet")
    at.sample.load().spend.write_parquet(tmp_path / "spend.parquet")
    return tmp_path


def job_over(leads: dict[str, Any], **sections: Any) -> Any:
    """Return a job over the sample as Spark holds it."""
    spark = {"touchpoints": {"path": "touchpoints.parquet"}, "outcomes": leads, "partitions": 4}
    models = [{"name": "linear"}, {"name": "markov"}]
    common = {
        "name": "kpis",
        "spend": {"path": "spend.parquet"},
        "models": models,
        "intervals": {"folds": 64},
    }
    return job_of({"spark": spark, **common, **sections}, "test")


def test_a_job_over_tables_of_spark_writes_what_one_over_files_does(
    spark: SparkSession, folder: Path
) -> None:
    spark.read.parquet(str(folder / "leads.parquet")).createOrReplaceTempView("won_leads")
    job = job_over({"table": "won_leads"})
    ran = run(job, folder)
    assert ran.changed
    assert not run(job, folder).changed
    moved = run(job_over({"path": str(folder / "leads.parquet")}), folder)
    assert moved.run_id == ran.run_id
    files = {"touchpoints": {"path": "touchpoints.parquet"}, "outcomes": {"path": "leads.parquet"}}
    here = job.model_dump(exclude_none=True, exclude={"spark", "outputs"}) | files
    run(job_of(here | {"outputs": {"folder": "local"}}, "test"), folder)
    for name in ("credits.csv", "kpis.csv", "report.csv"):
        left, right = (pl.read_csv(folder / each / name).drop("run_id") for each in ("results", "local"))
        assert left.equals(right), name
    inputs = ran.manifest.content["inputs"]
    assert inputs["outcomes"] == {
        "path": "won_leads",
        "rows": 998,
        "rows_sha256": inputs["outcomes"]["rows_sha256"],
    }
    assert inputs["spend"]["files"][0]["file"] == "spend.parquet"


@pytest.mark.usefixtures("spark")
def test_one_changed_row_in_spark_is_another_run(folder: Path, sample: Tables) -> None:
    ids = set()
    for leads in (sample[1], sample[1].reverse(), sample[1].with_columns(pl.col("revenue") * 2)):
        leads.write_parquet(folder / "leads.parquet")
        ids.add(run(job_over({"path": "leads.parquet"}), folder).run_id)
    assert len(ids) == 2


@pytest.mark.usefixtures("spark")
def test_the_gate_of_a_job_counts_rows_of_spark(folder: Path, sample: Tables) -> None:
    nobody = sample[0].with_columns(
        pl.when(pl.int_range(pl.len()) < 300).then(None).otherwise("customer_id").alias("customer_id")
    )
    nobody.write_parquet(folder / "touchpoints.parquet")
    with pytest.raises(GateError, match=r"Spark\): 300 of 22,546 rows set aside \(300 null_user\), expected"):
        run(job_over({"path": "leads.parquet"}), folder)
    strict = {"gate": {"max_rejected": 1.0, "fail_on": ["null_user"]}}
    with pytest.raises(GateError, match="expected none"):
        run(job_over({"path": "leads.parquet"}, **strict), folder)


@pytest.mark.usefixtures("spark")
def test_what_a_job_cannot_do_with_spark_is_told(folder: Path) -> None:
    with pytest.raises(at.TableError, match=r"outcomes \(nowhere, Spark\)"):
        run(job_over({"table": "nowhere"}), folder)
    for sections, told in [
        ({"outputs": {"log": "log.parquet"}}, r"no outputs\.log with \[spark\]"),
        ({"breakdowns": [{"file": "weekly.csv", "by": ["week"]}]}, r"no \[\[breakdowns\]\] with \[spark\]"),
        ({"touchpoints": {"path": "a"}}, r"either \[touchpoints\] and \[outcomes\], or \[events\], or"),
    ]:
        with pytest.raises(at.ParameterError, match=told):
            job_over({"path": "leads.parquet"}, **sections)
    with pytest.raises(at.ParameterError, match="either table or path"):
        job_over({"path": "leads.parquet", "table": "leads"})


def test_what_the_readme_shows_runs(spark: SparkSession, folder: Path) -> None:
    (block,) = re.findall(r"```py\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    (folder / "events").mkdir()
    (folder / "touchpoints.parquet").rename(folder / "events" / "part-0.parquet")
    spark.sql("CREATE DATABASE crm")
    spark.read.parquet(str(folder / "leads.parquet")).write.saveAsTable("crm.leads")
    block = block.replace('"events/"', repr(str(folder / "events")))
    names: dict[str, Any] = {"session": spark}
    exec(block, names)
    log = pl.DataFrame(names["log"].toArrow())
    assert {"campaign", "week"} <= set(log.columns)
    assert log["leads"].sum() == pytest.approx(2 * 998)
    spark.sql("DROP DATABASE crm CASCADE")
