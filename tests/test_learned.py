"""Statistics are kept in a sealed file, come back as they were, and add up where they may."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution import statistics_file
from attribution.journeys import Journeys
from attribution.learned import Statistics
from attribution.models import MODELS
from attribution.statistics.cells import numbers_of, restored
from attribution.stitching import hashing
from attribution.tables.files import placed, stream_parquet

PATHS = pl.DataFrame(
    {"path": ["a > b", "b", "c > a > b", "c"], "conversions": [3, 1, 2, 0], "null": [5, 0, 4, 2]}
)
EVERY = [model() for model in MODELS.values()] + [at.Markov(order=2, name="two")]


@pytest.fixture(scope="module")
def sample() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables of the sample, without accounts, which halves of the customers would share."""
    touched, leads, _ = at.sample.load()
    return touched.drop("account_id", strict=False), leads.drop("account_id", strict=False)


@pytest.fixture(scope="module")
def whole(sample: tuple[pl.DataFrame, pl.DataFrame]) -> at.Result:
    """Return the credits of every model over the sample."""
    return at.attribute(at.stitch(*sample, folds=64), *EVERY, intervals=0.9)


def learned_from(
    tables: tuple[pl.DataFrame, pl.DataFrame], mine: pl.Expr, *models: at.Model, **how: Any
) -> Statistics:
    """Return what is learned from some of the customers."""
    some = (table.filter(mine) for table in tables)
    learned = at.attribute(
        at.stitch(*some, **{"folds": 64, **how}), *(models or EVERY), intervals=0.9
    ).learned
    assert isinstance(learned, Statistics)
    return learned


def test_every_statistic_comes_back_from_a_file_to_the_bit(whole: at.Result, tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    assert whole.save(path)
    assert not whole.save(path)
    kept = at.load_statistics(path)
    assert kept.models == tuple(EVERY)
    assert [model.name for model in kept.models] == list(whole)
    assert kept.settings == whole.learned.settings
    assert kept.report == whole.report
    again = at.attribute(kept, intervals=0.9)
    assert again.table().equals(whole.table())
    assert again.save(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


def test_kpis_and_comparisons_of_kept_statistics_are_those_of_the_run(
    whole: at.Result, tmp_path: Path
) -> None:
    whole.save(tmp_path / "kept.parquet")
    kept = at.attribute(at.load_statistics(tmp_path / "kept.parquet"), intervals=0.9)
    spend = at.sample.load().spend
    assert at.measure(kept, spend).table().equals(at.measure(whole, spend).table())
    assert at.compare(kept).table().equals(at.compare(whole).table())


def test_a_model_can_be_asked_for_by_itself_and_one_that_was_not_observed_is_refused(
    sample: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    learned = at.attribute(at.stitch(*sample), at.Linear(), at.Markov()).learned
    alone = at.attribute(learned, at.Markov())
    assert list(alone) == ["markov"]
    with pytest.raises(
        at.ParameterError, match=r"'markov' was not observed; these statistics serve linear, markov"
    ):
        at.attribute(learned, at.Markov(order=2))
    with pytest.raises(at.ParameterError, match="learned without their folds"):
        at.attribute(learned, intervals=0.95)


def test_path_tables_can_be_kept_too(tmp_path: Path) -> None:
    paths = at.from_paths(PATHS, null="null")
    one = at.attribute(paths, at.Linear(), at.Markov(), intervals=0.95)
    one.save(tmp_path / "paths.parquet")
    assert (
        at.attribute(at.load_statistics(tmp_path / "paths.parquet"), intervals=0.95)
        .table()
        .equals(one.table())
    )


# Statistics of disjoint customers add up.


@pytest.mark.parametrize("parts", [2, 5])
def test_disjoint_customers_add_up_to_all_of_them(
    parts: int, sample: tuple[pl.DataFrame, pl.DataFrame], whole: at.Result
) -> None:
    number = pl.col("customer_id").cast(pl.String).hash(7) % parts
    shards = [learned_from(sample, number == each) for each in range(parts)]
    for order in (shards, shards[::-1]):
        total = order[0]
        for shard in order[1:]:
            total = total + shard
        both = at.attribute(total, intervals=0.9)
        assert both.report == whole.report
        for name, credits in whole.items():
            assert both[name].replicates is not None
            for left, right in [
                (both[name].values, credits.values),
                (both[name].replicates.values, credits.replicates.values),  # type: ignore[union-attr]
            ]:
                np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12 * np.abs(right).max())


def test_channels_that_only_one_side_has_met_are_added_to_the_other() -> None:
    def of(path: str, conversions: int) -> Statistics:
        table = pl.DataFrame({"path": [path], "conversions": [conversions], "null": [1]})
        learned = at.attribute(at.from_paths(table, null="null"), *ALL_PATHS).learned
        assert isinstance(learned, Statistics)
        return learned

    both = at.attribute(of("b > d", 2) + of("a > b > c", 3))
    assert both["linear"].channels == ("a", "b", "c", "d")
    together = pl.DataFrame({"path": ["b > d", "a > b > c"], "conversions": [2, 3], "null": [1, 1]})
    for name, credits in at.attribute(at.from_paths(together, null="null"), *ALL_PATHS).items():
        np.testing.assert_allclose(both[name].values, credits.values, rtol=1e-12)


ALL_PATHS = [model for model in EVERY if not model.needs_ages]


@pytest.mark.parametrize("model", EVERY, ids=lambda model: model.name)
def test_statistics_survive_being_taken_to_cells_and_back(model: at.Model) -> None:
    journeys = Journeys(
        ("a", "b"),
        ("leads", "wins"),
        [0, 2, 3, 3],
        [0, 1, 1],
        [1.0, 0.0, 0.0],
        [1, 2, 1],
        [[1, 0], [0, 0], [1, 1]],
    )
    for observer in model.observers:
        statistic = observer.observe(journeys)
        empty = observer.observe(journeys.select(np.zeros(3, bool)))
        back = restored(empty, numbers_of(statistic))
        assert type(back) is type(statistic)
        for name, array in numbers_of(statistic).items():
            np.testing.assert_array_equal(numbers_of(back)[name], array)
        with pytest.raises(ValueError, match="got None"):
            restored(empty, {})


def test_what_differs_is_named_when_statistics_do_not_add_up(
    sample: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    everyone = pl.lit(True)
    one = learned_from(sample, everyone, at.Linear())
    for other, told in [
        (learned_from(sample, everyone, at.Linear(), lookback_days=7.0), r"lookback_days: 30\.0 and 7\.0"),
        (learned_from(sample, everyone, at.Linear(), folds=16), "folds: 64 and 16"),
        (learned_from(sample, everyone, at.Markov()), "models: .*linear.* and .*markov"),
        (
            learned_from(sample, everyone, at.Linear(), outcome_names=["leads"]),
            "outcomes: .*revenue.* and .*'leads'",
        ),
        (learned_from(sample, everyone, at.Linear(), maturity_days=1.0), "maturity_days: None and 1.0"),
        (replace(one, folds=None), "folds kept apart .*True and False"),
        (replace(one, settings={**one.settings, "hash_seed": 1}), "hash_seed: .* and 1"),
        (at.attribute(at.from_paths(PATHS), at.Linear()).learned, "owners: 'customers' and 'journeys'"),
        (
            at.attribute(at.group_rare(at.stitch(*sample, folds=64), 2), at.Linear(), intervals=0.9).learned,
            "kept_channels",
        ),
    ]:
        with pytest.raises(at.StatisticsError, match=f"do not add up, they differ in .*{told}"):
            one + other


# Files that are refused.


@pytest.fixture
def kept(whole: at.Result, tmp_path: Path) -> Path:
    """Return a file of statistics."""
    whole.save(tmp_path / "kept.parquet")
    return tmp_path / "kept.parquet"


def test_one_flipped_bit_anywhere_is_refused(kept: Path) -> None:
    content = kept.read_bytes()
    draw = np.random.default_rng(0)
    for place in draw.integers(0, len(content), 200):
        torn = bytearray(content)
        torn[place] ^= 1 << draw.integers(8)
        kept.write_bytes(torn)
        with pytest.raises(at.TableError, match="what to do"):
            at.load_statistics(kept)
    kept.write_bytes(content[: len(content) // 2])
    with pytest.raises(at.TableError, match="what to do"):
        at.load_statistics(kept)


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a file anew, sealed, with other things said of it."""
    about, _, _ = statistics_file.read_statistics(path)
    rows = pl.read_parquet(path)
    change(about)
    placed(path, True, lambda temporary: stream_parquet(iter([rows]), temporary, about))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, r"statistics of version 2.*\n.*expected: version 1"),
        ({"table": "credits"}, "holds 'credits'"),
    ],
)
def test_files_of_another_version_or_kind_are_refused(kept: Path, change: dict[str, Any], told: str) -> None:
    rewritten(kept, lambda about: about.update(change))
    with pytest.raises(at.TableError, match=told):
        at.load_statistics(kept)


def test_another_hash_seed_is_refused(kept: Path) -> None:
    rewritten(kept, lambda about: about["settings"].update(hash_seed=7))
    with pytest.raises(
        at.TableError, match=f"hash with the seed 0x7.*\n.*expected: the seed {hashing.SEED:#x}"
    ):
        at.load_statistics(kept)


def test_a_model_that_is_not_known_is_refused(kept: Path) -> None:
    rewritten(kept, lambda about: about["models"][0]["parameters"].update(model="Unheard"))
    with pytest.raises(at.AttributionError, match="'Unheard'"):
        at.load_statistics(kept)


@dataclass(frozen=True)
class Own(at.Linear):
    """Shares like linear. Not in the registry."""


def test_a_model_of_no_registry_cannot_be_kept(tmp_path: Path) -> None:
    result = at.attribute(at.from_paths(PATHS), Own(name="own"))
    with pytest.raises(at.ParameterError, match="'own' is none of the registry"):
        result.save(tmp_path / "own.parquet")


def test_a_result_that_was_put_together_by_hand_has_nothing_to_save(whole: at.Result, tmp_path: Path) -> None:
    with pytest.raises(at.ParameterError, match="not made by attribute"):
        at.Result(whole.credits).save(tmp_path / "kept.parquet")


def test_files_that_are_no_statistics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(at.TableError, match="no such file"):
        at.load_statistics(tmp_path / "none.parquet")
    PATHS.write_parquet(tmp_path / "other.parquet")
    with pytest.raises(at.TableError, match="a table that was not written here"):
        at.load_statistics(tmp_path / "other.parquet")
    at.write_table(PATHS, tmp_path / "ours.parquet")
    with pytest.raises(at.TableError, match="statistics that save has written"):
        at.load_statistics(tmp_path / "ours.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(at.TableError, match="what to do"):
        at.load_statistics(tmp_path / "text.parquet")
    with pytest.raises(at.ParameterError, match=r"suffix of \.parquet"):
        at.attribute(at.from_paths(PATHS), at.Linear()).save(tmp_path / "kept.csv")


def test_a_file_that_exists_is_not_replaced_unasked(whole: at.Result, tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    at.attribute(at.from_paths(PATHS), at.Linear()).save(path)
    with pytest.raises(at.OutputError, match="holds something else"):
        whole.save(path)
    assert whole.save(path, force=True)


def test_nothing_of_a_customer_is_in_a_file_without_open_journeys(
    kept: Path, sample: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    about, parts, tables = statistics_file.read_statistics(kept)
    assert not tables
    assert set(parts) == {"closed"}
    said = json.dumps(about) + "".join(cell.name for cell in parts["closed"])
    assert not [name for name in sample[0]["customer_id"].unique() if name in said]
