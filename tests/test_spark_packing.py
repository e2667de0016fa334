"""What Spark is given: rows come out of their messages as they went in, and pyspark is not needed before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from attribution.spark.packing import Packing, gathered, messages, places_of, read, unpacked, written
from attribution.stitching.hashing import hashed
from attribution.tables import PIECE

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 500


def table(ids: str) -> pl.DataFrame:
    """Return touchpoints of some customers, every fiftieth of nobody."""
    numbers = pl.Series([None if row % 50 == 7 else row * 7 % 60 for row in range(ROWS)], dtype=pl.Int64)
    return pl.DataFrame(
        {
            "customer_id": numbers if ids == "integer" else pl.select(pl.format("c{}", numbers)).to_series(),
            "timestamp": [START + timedelta(minutes=row) for row in range(ROWS)],
            "channel": [None if row % 30 == 4 else f"ch {row % 11}" for row in range(ROWS)],
            "sequence": list(range(ROWS)),
        }
    )


def batches(rows: pl.DataFrame, size: int) -> Iterator[pa.RecordBatch]:
    """Yield rows as Spark does: plain Arrow, so many at once."""
    return iter(rows.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(max_chunksize=size))


def by_place(packed: Sequence[pa.RecordBatch]) -> dict[int, pa.RecordBatch]:
    """Return the messages of each place, as the task of the place gets them."""
    rows = pa.Table.from_batches(packed)
    return {
        place: rows.filter(pa.compute.equal(rows["place"], place)).combine_chunks().to_batches()[0]
        for place in rows["place"].unique().to_pylist()
    }


@pytest.mark.parametrize("ids", ["integer", "text"])
@pytest.mark.parametrize("places", [1, 2, 8, 1024])
def test_every_row_comes_out_once_and_in_the_place_of_its_customer(ids: str, places: int) -> None:
    rows = table(ids)
    keys = [1000 + place for place in range(places)]
    packing = Packing("touchpoints", "customer_id", ["channel"], keys, rows.columns)
    packed = by_place([each for size in (70, 200) for each in packing.pack(batches(rows, size))])
    empty = {
        "touchpoints": written(rows.clear().with_columns(pl.col("channel").cast(pl.Categorical))),
        "outcomes": written(pl.DataFrame({"customer_id": pl.Series(dtype=pl.String)})),
    }
    found = {}
    for place, message in packed.items():
        assert set(message["key"].to_pylist()) == {keys[place]}
        unpacking = unpacked(iter([message]), empty)
        assert unpacking is not None
        assert unpacking[0] == place
        found[place] = unpacking[1]["touchpoints"]
        assert found[place].schema["channel"] == pl.Categorical
        assert not len(unpacking[1]["outcomes"])
    owners = [set(each["customer_id"].to_list()) for each in found.values()]
    assert sum(map(len, owners)) == len(set().union(*owners)) == 61
    back = pl.concat(found.values()).with_columns(pl.col("channel").cast(pl.String))
    assert_frame_equal(back.sort("sequence"), pl.concat([rows, rows]).sort("sequence"))


def test_customers_of_null_are_in_one_place_and_so_are_a_number_and_its_text() -> None:
    numbers = pl.Series([1, 42, None, -7, None, 2**62])
    for places in (1, 64):
        found = places_of(numbers, places)
        known = numbers.is_not_null().to_numpy()
        assert found[known].tolist() == places_of(numbers.cast(pl.String), places)[known].tolist()
        assert len(set(found[~known].tolist())) == 1
        assert found.min() >= 0
        assert found.max() < places


@pytest.mark.parametrize("folds", [16, 256, 1024])
@pytest.mark.parametrize("places", [1, 4, 16])
def test_a_place_holds_whole_folds_in_their_order(places: int, folds: int) -> None:
    customers = pl.Series([f"customer {number}" for number in range(5000)])
    fold = (hashed(customers)[0] >> np.uint64(65 - folds.bit_length())).astype(np.int64)
    np.testing.assert_array_equal(places_of(customers, places), fold * places // folds)


def test_small_batches_are_gathered_to_a_million_rows() -> None:
    held = pa.RecordBatch.from_pydict({"number": np.arange(PIECE // 4 + 1)})
    frames = list(gathered(iter([held] * 9), ["a.b"]))
    assert [len(rows) for rows in frames] == [4 * len(held), 4 * len(held), len(held)]
    assert frames[0].columns == ["a.b"]
    assert not list(gathered(iter([]), []))


def test_no_rows_are_no_messages_and_a_task_without_messages_has_no_tables() -> None:
    packing = Packing("outcomes", "customer_id", [], [0, 1], ["customer_id"])
    assert not list(packing.pack(iter([])))
    assert messages([]).num_rows == 0
    assert unpacked(iter([]), {}) is None
    assert unpacked(iter([messages([])]), {}) is None
    nothing = table("text").clear()
    assert_frame_equal(read(written(nothing)), nothing)


def test_everything_but_a_run_on_spark_works_without_pyspark() -> None:
    refusing = (
        "import sys\n"
        "class Refusing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('pyspark', 'py4j'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refusing())\n"
        "import attribution as at\n"
        "import attribution.spark\n"
        "assert at.spark.attribute and at.spark.learn and at.spark.credit_log\n"
        "import polars as pl\n"
        "from attribution.spark.packing import places_of\n"
        "places_of(pl.Series(['a']), 4)\n"
        "at.attribute(at.from_paths(pl.DataFrame({'path': ['a > b'], 'conversions': [1]})))\n"
        "assert 'pyspark' not in sys.modules\n"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", refusing], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
