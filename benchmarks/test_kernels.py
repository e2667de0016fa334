"""The kernels on their own: tally, transition counts, coalitions, and the stitching of a generated batch."""

import pytest

from attribution import FirstTouch, Markov, PositionBased, TimeDecay, attribute, stitch
from attribution.models.chain import removal_effects
from attribution.statistics import Coalitions, Totals, Transitions
from benchmarks.kernel_cases import coded_journeys, event_log

JOURNEYS = 200_000


@pytest.fixture(scope="module")
def journeys():
    return coded_journeys(JOURNEYS)


@pytest.fixture(scope="module")
def log():
    return event_log(JOURNEYS)


@pytest.mark.parametrize("rule", [FirstTouch(), PositionBased(), TimeDecay()], ids=lambda rule: rule.name)
def test_tally(benchmark, journeys, rule):
    benchmark(Totals(rule).observe, journeys)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_transition_counting(benchmark, journeys, order):
    benchmark(Transitions(order).observe, journeys)


def test_coalitions(benchmark, journeys):
    benchmark(Coalitions().observe, journeys)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_removal_effects(benchmark, journeys, order):
    benchmark(removal_effects, Transitions(order).observe(journeys))


def test_scattering(benchmark, log):
    benchmark(stitch, *log)


def test_assembling(benchmark, log):
    stitched = stitch(*log)
    benchmark(lambda: [fold() for fold in stitched.folds])


def test_the_river(benchmark, log):
    benchmark(lambda: attribute(stitch(*log), FirstTouch(), PositionBased(), TimeDecay(), Markov()))
