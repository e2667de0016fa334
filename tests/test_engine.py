"""The engine: every model over folds in one pass, the same bits for any number of threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import Row
from strategies import credit_of, journeys, journeys_of, parts_of

from attribution.channels import MOST
from attribution.credits import Credits
from attribution.engine import attribute, check_conserved, defaults
from attribution.errors import ConvergenceError, ParameterError
from attribution.journeys import Journeys
from attribution.models import MODELS, FirstTouch, LastTouch, Linear, Markov, Model, Shapley, TimeDecay, chain
from attribution.rare_channels import group_rare
from attribution.statistics import Coalitions, OutcomeSums, Sums, Totals, Transitions
from attribution.statistics.observing import observe
from attribution.stitched import Batch, Stitched, StitchReport
from attribution.tables import RowCount


def stitched(batches: Sequence[Journeys], ages: bool = True) -> Stitched:
    """Return batches as the folds of a run; each counts its journeys."""
    reports = [StitchReport({"rows": RowCount(len(batch), len(batch))}) for batch in batches]
    folds = [
        lambda batch=batch, report=report: Batch(batch, report)
        for batch, report in zip(batches, reports, strict=True)
    ]
    gate = StitchReport({"rows": RowCount(2, 0, {"bad_time": 2})}, warnings=("gate",))
    names = pl.DataFrame
    return Stitched(batches[0].channels, batches[0].outcome_names, folds, gate, names, ages)


def many(folds: int = 64, seed: int = 7) -> Stitched:
    """Return folds of random journeys with outcomes whose sums depend on their order."""
    chance = np.random.default_rng(seed)
    names = ("Ads", "Direct", "email", "shop")
    batches = []
    for _ in range(folds):
        rows = [
            Row(
                tuple(names[code] for code in chance.integers(0, 4, chance.integers(0, 6))),
                1.0,
                (float(leads := chance.integers(0, 2)), 0.0, float(leads * chance.normal(100, 33))),
            )
            for _ in range(chance.integers(0, 9))
        ]
        rows = [replace(row, ages=tuple(sorted(chance.exponential(9, len(row.path)))[::-1])) for row in rows]
        batches.append(journeys_of(rows, names))
    return stitched(batches)


def bits(credits: Credits) -> tuple[Any, ...]:
    """Return everything in which two credits can differ."""
    return credits.values.tobytes(), credits.unattributed.tobytes(), credits.details, credits.warnings


ONE = journeys_of(
    [Row(("a", "b"), 1.0, (1.0, 0.0, 9.0), (2.0, 0.0)), Row(("b",), 3.0, (1.0, 1.0, 1.0), (0.0,))], "ab"
)


# One pass.


@given(batch=journeys(negative=False), draw=st.data())
def test_folds_give_what_one_batch_gives(batch: Journeys, draw: DataObject) -> None:
    part = draw.draw(st.lists(st.integers(0, 3), min_size=len(batch), max_size=len(batch)))
    result = attribute(stitched(parts_of(batch, part, 4)), threads=2)
    scale = np.abs(batch.outcomes).sum(axis=0)
    for name, credits in result.items():
        whole = credit_of(MODELS[name](), batch)
        assert (np.abs(credits.values - whole.values) <= 1e-9 * scale).all()
        assert (np.abs(credits.unattributed - whole.unattributed) <= 1e-12 * scale).all()


def test_without_models_every_registered_one_answers() -> None:
    assert list(attribute(stitched([ONE]))) == list(MODELS)
    assert [type(model) for model in defaults(stitched([ONE]))] == list(MODELS.values())


def test_without_ages_the_models_that_need_none_answer() -> None:
    bare = stitched([replace(ONE, age_days=None)], ages=False)
    assert list(attribute(bare)) == [name for name in MODELS if name != "time_decay"]


def test_a_model_that_needs_ages_is_refused_where_there_are_none() -> None:
    bare = stitched([replace(ONE, age_days=None)], ages=False)
    with pytest.raises(
        ParameterError, match=r"model 'mine' needs the ages of touchpoints; these journeys have none"
    ):
        attribute(bare, Linear(), TimeDecay(name="mine"))


def crowded(channels: int, read: bool = True) -> Stitched:
    """Return one journey among many channels."""
    names = [f"ch{code:05}" for code in range(channels)]
    whole = stitched([journeys_of([Row((names[0], names[-1]), 2.0, (1.0,), (1.0, 0.0))], names, ("leads",))])
    return whole if read else replace(whole, folds=[lambda: pytest.fail("a fold was read")])


@pytest.mark.parametrize("model", [Markov(), Markov(order=2), Markov(share="global")])
def test_more_channels_than_a_chain_compares_are_refused_before_anything_is_read(model: Model) -> None:
    told = (
        r"model 'markov': got 2,001 channels, expected at most 2,000: group the rare ones with "
        r"group_rare\(journeys, most\) \(--most-channels\), most below 2,000, or leave the model out"
    )
    with pytest.raises(ParameterError, match=told):
        attribute(crowded(2001, read=False), Linear(), model)


def test_a_chain_of_as_many_channels_as_it_compares_answers() -> None:
    assert attribute(crowded(2000), Markov())["markov"].values.sum() == pytest.approx(1)


def test_of_more_channels_the_models_that_compare_none_answer() -> None:
    answers = attribute(crowded(2001))
    assert list(answers) == [name for name in MODELS if name != "markov"]
    assert [name for name, cls in MODELS.items() if cls.most_channels < MOST] == ["markov"]
    assert attribute(crowded(MOST), Linear(), Shapley())["shapley"].values.sum() == pytest.approx(1)


def test_what_a_refusal_advises_helps() -> None:
    grouped = group_rare(crowded(2001), 1999)
    assert len(grouped.channels) == 2000
    assert "markov" in attribute(grouped)


def test_models_of_one_name_answer_under_names_of_their_own() -> None:
    result = attribute(stitched([ONE]), Markov(), Linear(), Markov(order=2))
    assert list(result) == ["markov_order_1", "linear", "markov_order_2"]
    assert [credits.model for credits in result.values()] == list(result)
    assert result["markov_order_2"].details.states == 4


def test_a_model_given_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="model 'linear' is given twice"):
        attribute(stitched([ONE]), Linear(), Markov(), Linear())


@pytest.mark.parametrize("threads", [0, -1])
def test_no_thread_at_all_is_refused(threads: int) -> None:
    with pytest.raises(
        ParameterError, match=f"parameter 'threads': got {threads}, expected a whole number >= 1"
    ):
        attribute(stitched([ONE]), Linear(), threads=threads)


def test_a_model_that_did_not_answer_is_not_in_the_result() -> None:
    result = attribute(stitched([ONE]), Linear())
    with pytest.raises(ParameterError, match="unknown model 'markov'; known: linear"):
        _ = result["markov"]


@dataclass(frozen=True)
class Watched:
    """An observer that writes down what it sees."""

    seen: list[int]

    def __hash__(self) -> int:
        return 0

    def observe(self, journeys: Journeys) -> int:
        """Return the number of journeys."""
        self.seen.append(len(journeys))
        return len(journeys)


def test_each_fold_is_assembled_and_observed_once() -> None:
    assembled, watched = [], Watched([])
    folds = [lambda i=i: assembled.append(i) or Batch(ONE, StitchReport()) for i in range(5)]
    statistics, _ = observe(replace(stitched([ONE]), folds=folds), (watched, watched), threads=1)
    assert assembled == [0, 1, 2, 3, 4]
    assert watched.seen == [2] * 10
    assert statistics == {watched: 10}


def test_equal_observers_of_several_models_observe_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for cls in (Totals, Coalitions, Transitions):
        plain = cls.observe
        monkeypatch.setattr(
            cls, "observe", lambda self, batch, plain=plain: asked.append(self) or plain(self, batch)
        )
    attribute(
        stitched([ONE]), Markov(), Markov(order=2), Shapley(), Linear(), Linear(name="again"), threads=1
    )
    expected = [Transitions(1), Coalitions(), Transitions(2), Totals(Shapley()), Totals(Linear())]
    assert asked == expected


class Shown(str):
    """A statistic that shows in which order it was added up."""

    __slots__ = ()

    def __add__(self, other: str) -> Shown:
        return Shown(f"({self!s}{other!s})")


@dataclass(frozen=True)
class Named:
    """An observer that tells batches apart by the weight of their journey."""

    def observe(self, journeys: Journeys) -> Shown:
        """Return the weight as a letter."""
        return Shown("abcdefg"[int(journeys.count[0])])


@pytest.mark.parametrize("threads", [1, 3])
def test_folds_are_added_in_their_order_neighbours_first(threads: int) -> None:
    batches = [journeys_of([Row(("a",), float(i), (0.0, 0.0, 0.0))], "a") for i in range(7)]
    statistics, _ = observe(stitched(batches, ages=False), (Named(),), threads=threads)
    assert statistics[Named()] == "(((ab)(cd))((ef)g))"


# Bits.


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_no_bit_depends_on_the_threads(threads: int) -> None:
    models = [
        *(cls() for cls in MODELS.values()),
        Markov(order=3, name="order 3"),
        Markov(share="global", name="g"),
    ]
    alone = attribute(many(), *models, threads=1)
    for _ in range(2):
        together = attribute(many(), *models, threads=threads)
        for name, credits in alone.items():
            assert bits(together[name]) == bits(credits), name


@pytest.mark.parametrize("models", [[Linear()], [Markov(), Linear(), FirstTouch()], [LastTouch(), Linear()]])
def test_no_bit_of_a_model_depends_on_the_others(models: list[Any]) -> None:
    alone = attribute(many(), *models)["linear"]
    assert bits(alone) == bits(attribute(many())["linear"])


def test_the_journeys_can_be_attributed_many_times() -> None:
    run = many(folds=5)
    assert bits(attribute(run, Markov())["markov"]) == bits(attribute(run, Markov())["markov"])


# What is told on the way.


def test_the_report_adds_the_gate_and_all_folds_up() -> None:
    result = attribute(stitched([ONE, ONE, ONE]), Linear())
    assert result.report.tables == {"rows": RowCount(8, 6, {"bad_time": 2})}
    assert result.report.warnings == ("gate",)
    assert result.report == stitched([ONE, ONE, ONE]).report


def test_a_row_that_was_lost_is_an_error() -> None:
    lost = StitchReport({"rows": RowCount(3, 2)})
    run = replace(stitched([ONE]), folds=[lambda: Batch(ONE, lost)])
    with pytest.raises(RuntimeError, match="rows: rows do not add up"):
        attribute(run, Linear())


def test_progress_is_told_fold_by_fold() -> None:
    told = []
    attribute(stitched([ONE] * 4), Linear(), progress=lambda *seen: told.append(seen))
    assert told == [(place, 4, place * ONE.touchpoints) for place in (1, 2, 3, 4)]


def test_warnings_of_a_model_reach_the_result() -> None:
    null = journeys_of([Row(("a", "b"), 2.0, (0.0, 0.0, 0.0), (1.0, 0.0))], "ab")
    result = attribute(stitched([null]), Markov(), Linear())
    assert result["linear"].warnings == ()
    assert result.warnings == result["markov"].warnings
    assert "no journey converts" in result.warnings[0]


def test_an_error_in_a_fold_reaches_the_caller() -> None:
    def broken() -> Batch:
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        attribute(replace(stitched([ONE]), folds=[broken]), Linear())


def test_a_chain_that_does_not_converge_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "is_small", lambda _: False)
    monkeypatch.setattr(chain, "SWEEPS", 1)
    with pytest.raises(ConvergenceError, match=r"did not converge: residual .* after 1 sweeps"):
        attribute(stitched([ONE]), Markov())


# Conservation is checked at the end of each run.


@given(batch=journeys())
def test_the_sums_to_be_conserved_are_those_of_all_journeys(batch: Journeys) -> None:
    sums = Sums().observe(batch)
    assert sums.outcomes.tolist() == batch.outcomes.sum(axis=0).tolist()
    assert sums.sizes.tolist() == np.abs(batch.outcomes).sum(axis=0).tolist()


@pytest.mark.parametrize("lost", [1e-6, -1e-6, 1.0, math.nan, math.inf])
def test_credits_that_do_not_add_up_are_an_error(lost: float) -> None:
    credits = Credits("m", ("a",), ("leads",), np.array([[8.0 - lost]]), np.array([2.0]))
    sums = OutcomeSums(("a",), ("leads",), np.array([10.0]), np.array([10.0]))
    check_conserved(replace(credits, values=np.array([[8.0 - 1e-12]])), sums)
    with pytest.raises(RuntimeError, match=r"m: credits .* do not add up to"):
        check_conserved(credits, sums)


@pytest.mark.parametrize("name", MODELS)
def test_a_run_checks_that_each_model_conserves_its_outcomes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        MODELS[name],
        "credit",
        lambda self, *_: Credits(self.name, ("a", "b"), ONE.outcome_names, np.zeros((2, 3)), np.zeros(3)),
    )
    with pytest.raises(RuntimeError, match=f"{name}: credits .* do not add up"):
        attribute(stitched([ONE]), MODELS[name]())
