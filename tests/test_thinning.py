"""Thinning: the folds of a path table add up to it, and vary as its journeys would if they were customers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_intervals import FEW, bits, numbers_of

import attribution as at
from attribution.journeys import Journeys
from attribution.models import Linear, Markov
from attribution.statistics import Coalitions, Resampling, Totals, Transitions, total
from attribution.stitched import FOLDS
from attribution.thinning import ROWS, deal, thin

PATHS = pl.DataFrame(
    {
        "path": ["Ads", "Ads > Email", "Email > Search > Ads", "Search", "", "Email > Email", "Social > Ads"],
        "conversions": [120.0, 300.0, 81.0, 0.0, 40.0, 17.0, 500.0],
        "null": [4000.0, 1500.0, 0.0, 900.0, 200.0, 1.0, 2500.0],
        "value": [1300.5, 9100.25, 77.7, 0.0, 12.0, 0.1, 20000.0],
    }
)
MODELS = (Linear(), at.LastTouch(), Markov(), Markov(order=2, share="global", name="global"))


def stitched(table: pl.DataFrame) -> at.Stitched:
    """Return the journeys of a path table."""
    return at.from_paths(table, null="null", value="value")


def journeys_of(table: pl.DataFrame) -> Journeys:
    """Return its rows."""
    (batch,) = stitched(table)
    return batch.journeys


def dealt(journeys: Journeys, seed: int) -> list[Journeys]:
    """Return the folds that they are dealt out to."""
    folds = [fold().journeys for fold in thin(journeys, seed)]
    assert len(folds) == FOLDS
    return folds


def sums_of(parts: Sequence[Journeys]) -> dict[tuple[int, ...], np.ndarray]:
    """Return count and outcomes of each path."""
    found: dict[tuple[int, ...], np.ndarray] = {}
    for part in parts:
        for j in range(len(part)):
            path = tuple(part.channel[part.offsets[j] : part.offsets[j + 1]].tolist())
            found[path] = found.get(path, 0.0) + np.append(part.count[j], part.outcomes[j])
    return found


COUNTS = st.sampled_from([0.0, 1.0, 2.0, 0.5, 0.1, 7.25, 300.0, 1000.5, 10.0**6])


@FEW
@given(
    counts=st.lists(st.tuples(COUNTS, COUNTS, st.floats(0, 1e6)), min_size=1, max_size=12),
    seed=st.integers(0, 2**40),
)
def test_folds_add_up_to_the_table(counts: list[tuple[float, float, float]], seed: int) -> None:
    rows = [(won, null, value if won + null else 0.0) for won, null, value in counts]
    table = pl.DataFrame(
        {
            "path": [" > ".join("abc"[: 1 + n % 3] * (1 + n // 3)) for n in range(len(rows))],
            "conversions": [row[0] for row in rows],
            "null": [row[1] for row in rows],
            "value": [row[2] for row in rows],
        }
    )
    journeys = journeys_of(table)
    whole, folds = sums_of([journeys]), sums_of(dealt(journeys, seed))
    for path, numbers in whole.items():
        found = folds.get(path, np.zeros(3))
        if float(numbers[0]).is_integer():
            assert found[0] == numbers[0]
        assert found == pytest.approx(numbers, rel=1e-12, abs=1e-15)
    assert set(folds) <= set(whole)


def test_counts_of_whole_journeys_stay_whole_and_outcomes_follow_conversions() -> None:
    folds = dealt(journeys_of(PATHS), 3)
    rate = {path: n[2] / n[1] for path, n in sums_of([journeys_of(PATHS)]).items() if n[1]}
    seen = 0
    for fold in folds:
        assert (fold.count > 0).all()
        assert (fold.count == np.floor(fold.count)).all()
        assert (fold.outcomes[:, 0] == np.round(fold.outcomes[:, 0], 9)).all()
        assert (fold.outcomes[:, 0] <= fold.count).all()
        for path, (_, conversions, revenue) in sums_of([fold]).items():
            if conversions:
                assert revenue == pytest.approx(conversions * rate[path], rel=1e-9)
                seen += 1
    assert seen > FOLDS


def test_value_without_conversions_follows_the_null_journeys() -> None:
    table = pl.DataFrame({"path": ["a"], "conversions": [0], "null": [900], "value": [90.0]})
    folds = dealt(journeys_of(table), 0)
    assert sum(len(fold) for fold in folds) > 200
    for fold in folds:
        assert fold.outcomes[:, 1] == pytest.approx(fold.count / 10)


def test_a_fraction_of_a_journey_falls_to_one_fold_whole() -> None:
    table = pl.DataFrame(
        {"path": ["a", "b"], "conversions": [0.3, 0.25], "null": [0, 0], "value": [1.0, 2.0]}
    )
    met = [fold for fold in dealt(journeys_of(table), 11) if len(fold)]
    found = sums_of(met)
    assert sum(map(len, met)) == 2
    assert found[(0,)].tolist() == [0.3, 0.3, 1.0]
    assert found[(1,)].tolist() == [0.25, 0.25, 2.0]
    places = {
        number
        for seed in range(8)
        for number, fold in enumerate(dealt(journeys_of(table), seed))
        if len(fold)
    }
    assert len(places) > 8


def test_a_row_of_huge_counts_is_dealt_without_loss() -> None:
    table = pl.DataFrame(
        {"path": ["a", "b"], "conversions": [1e15, 3.0], "null": [4e15, 0.0], "value": [1e12, 1.0]}
    )
    folds = dealt(journeys_of(table), 0)
    found = sums_of(folds)
    assert found[(0,)][0] == 5e15
    assert found[(0,)][1:] == pytest.approx([1e15, 1e12], rel=1e-12)
    assert all(fold.count.max() > 1e13 for fold in folds)
    credits = at.attribute(stitched(table), Linear(), intervals=0.95)["linear"]
    error = credits.replicates.values[:, 0, 0].std()
    assert error == pytest.approx(math.sqrt(1e15), rel=0.15)


def test_statistics_of_the_folds_add_up_to_those_of_the_table() -> None:
    journeys = journeys_of(PATHS)
    folds = dealt(journeys, 5)
    for observer in (Transitions(), Transitions(2), Coalitions(), Totals(Linear())):
        ours = numbers_of(total([observer.observe(fold) for fold in folds]))
        theirs = numbers_of(observer.observe(journeys))
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_more_rows_than_are_dealt_at_once_are_dealt_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attribution.thinning.ROWS", 3)
    found = sums_of(dealt(journeys_of(PATHS), 1))
    for path, numbers in sums_of([journeys_of(PATHS)]).items():
        assert found[path] == pytest.approx(numbers, rel=1e-12)
    assert ROWS > 3


# Intervals.


def test_credits_with_intervals_are_those_without_to_the_bit() -> None:
    plain = at.attribute(stitched(PATHS), *MODELS)
    drawn = at.attribute(stitched(PATHS), *MODELS, intervals=0.95, replicates=200)
    for name, each in plain.items():
        assert drawn[name].values.tobytes() == each.values.tobytes()
        assert drawn[name].unattributed.tobytes() == each.unattributed.tobytes()
        assert drawn[name].details == each.details
        assert drawn[name].replicates.values[:, :-1, 0].std(axis=0).max() > 0
        low, high = drawn[name].bounds()
        credited = each.values[:, 0] > 0
        assert credited.sum() >= 2
        assert (low[:-1, 0] <= each.values[:, 0])[credited].all()
        assert (each.values[:, 0] <= high[:-1, 0])[credited].all()
    assert drawn.report == plain.report


def test_standard_errors_are_those_of_counting() -> None:
    sizes = [40, 100, 256, 400, 1000]
    table = pl.DataFrame(
        {
            "path": [f"ch{n:02}" for n in range(50)],
            "conversions": [sizes[n % 5] for n in range(50)],
            "null": [10_000] * 50,
        }
    )
    made = at.attribute(at.from_paths(table, null="null"), Linear(), intervals=0.95)["linear"]
    everyone = float(table["conversions"].sum() + table["null"].sum())
    ours = made.replicates.values[:, :, 0].var(axis=0)[:-1]
    truth = made.values[:, 0] * (1 - made.values[:, 0] / everyone)
    ratio = ours / truth
    assert ((ratio > 0.6) & (ratio < 1.5)).all(), ratio
    for size in sizes:
        assert ratio[made.values[:, 0] == size].mean() == pytest.approx(1, abs=0.12), size
    conversions = made.values.sum()
    error = made.replicates.values.sum(axis=1)[:, 0].std()
    assert error == pytest.approx(math.sqrt(conversions * (1 - conversions / everyone)), rel=0.12)


def test_what_deals_journeys_out_is_not_what_weighs_the_folds() -> None:
    for seed in range(3):
        weights = Resampling(0.95, 100, seed).weights(FOLDS)
        table = pl.DataFrame({"path": [f"ch{n:02}" for n in range(40)], "conversions": [FOLDS] * 40})
        (batch,) = at.from_paths(table)
        folds = dealt(batch.journeys, seed)
        counts = np.zeros((40, FOLDS))
        for number, fold in enumerate(folds):
            counts[fold.channel, number] = fold.count
        assert (counts.sum(axis=1) == FOLDS).all()
        drawn = weights[:40] @ counts.T
        assert np.diagonal(drawn).max() < FOLDS + 6 * math.sqrt(FOLDS)
        assert np.corrcoef(weights[:40].ravel(), counts.ravel())[0, 1] == pytest.approx(0, abs=0.05)


def test_the_order_of_the_rows_is_no_matter() -> None:
    expected = bits(at.attribute(stitched(PATHS), *MODELS, intervals=0.95, replicates=100))
    for seed in range(2):
        mixed = PATHS.sample(fraction=1, shuffle=True, seed=seed)
        assert not mixed.equals(PATHS)
        result = at.attribute(stitched(mixed), *MODELS, intervals=0.95, replicates=100, threads=1 + seed)
        assert bits(result) == expected


def test_rows_of_one_path_in_any_order_are_the_same() -> None:
    twice = pl.concat([PATHS, PATHS.with_columns(pl.col("conversions") + 3, pl.col("value") * 2)])
    made = [
        bits(at.attribute(stitched(table), *MODELS, intervals=0.95, replicates=100))
        for table in (twice, twice.reverse())
    ]
    assert made[0] == made[1]


def test_another_seed_deals_and_weighs_anew() -> None:
    made = [
        bits(at.attribute(stitched(PATHS), Linear(), intervals=0.95, replicates=100, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert made[0] == made[1]
    assert made[0]["linear"] != made[2]["linear"]
    folds = [[fold.count.tolist() for fold in dealt(journeys_of(PATHS), seed)] for seed in (0, 0, 1)]
    assert folds[0] == folds[1] != folds[2]


def test_a_csv_of_the_paths_gives_the_same_bits(tmp_path: Path) -> None:
    expected = bits(at.attribute(stitched(PATHS), *MODELS, intervals=0.95, replicates=100))
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"paths.{suffix}"
        getattr(PATHS, f"write_{suffix}")(path)
        read = at.from_paths(path, null="null", value="value")
        assert bits(at.attribute(read, *MODELS, intervals=0.95, replicates=100)) == expected


def test_fewer_journeys_than_folds_have_no_intervals_and_no_remedy_that_cannot_be_followed() -> None:
    table = pl.DataFrame({"path": ["a > b", "b"], "conversions": [100, 50], "null": [10, 40]})
    credits = at.attribute(at.from_paths(table, null="null"), Linear(), intervals=0.95)["linear"]
    assert credits.values.sum() == 150
    assert credits.unsure == (
        "no intervals: 200 journeys are fewer than the 256 folds that are drawn from: too few for any"
    )
    more = table.with_columns(pl.col("null") * 10)
    assert at.attribute(at.from_paths(more, null="null"), Linear(), intervals=0.95)["linear"].replicates


def test_a_table_without_journeys_has_no_intervals() -> None:
    empty = at.attribute(at.from_paths(PATHS.clear(), null="null"), Linear(), intervals=0.95)["linear"]
    assert empty.unsure.startswith("no intervals: 0 journeys")
    zero = PATHS.with_columns(conversions=0.0, null=0.0, value=0.0)
    assert at.attribute(stitched(zero), Linear(), intervals=0.95)["linear"].unsure
    row, fold, count, share = deal(np.random.default_rng(0), journeys_of(zero), 0)
    assert len(row) == len(fold) == len(count) == len(share) == 0


def test_the_kpis_of_paths_have_intervals_and_their_log_says_why_not() -> None:
    paths = stitched(PATHS)
    result = at.attribute(paths, Linear(), intervals=0.95)
    spend = pl.DataFrame({"channel": ["Ads", "Email"], "spend": [100.0, 50.0]})
    kpis = at.measure(result, spend).table().filter(channel="Ads")
    assert kpis["cost_per_lead_low"].item() < kpis["cost_per_lead"].item() < kpis["cost_per_lead_high"].item()
    logged = at.measure(at.credit_log(paths, result), spend).table()
    assert logged["cost_per_lead_low"].null_count() == len(logged)
    told = "no intervals: paths have no customers; measure the result, by channel"
    assert logged["reason"].str.contains(told, literal=True).all()
