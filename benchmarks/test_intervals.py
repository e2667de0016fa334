"""What intervals cost: the whole run from Parquet files without and with 1,000 replicates, in one group."""

import pytest

from attribution import (
    FirstTouch,
    LastTouch,
    Linear,
    Markov,
    PositionBased,
    TimeDecay,
    attribute,
    stitch,
)
from benchmarks.kernel_cases import event_log

JOURNEYS = 1_000_000
MODELS = (FirstTouch(), LastTouch(), Linear(), PositionBased(), TimeDecay(), Markov())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    paths = folder / "touchpoints.parquet", folder / "outcomes.parquet"
    for table, path in zip(event_log(JOURNEYS), paths, strict=True):
        table.write_parquet(path, row_group_size=1_000_000)
    return paths


@pytest.mark.benchmark(group="1M journeys, five rules and Markov order 1", min_rounds=5)
@pytest.mark.parametrize("intervals", [None, 0.95], ids=["no intervals", "1,000 replicates"])
def test_intervals(benchmark, files, intervals):
    benchmark(lambda: attribute(stitch(*files), *MODELS, intervals=intervals))
