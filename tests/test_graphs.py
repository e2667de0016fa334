"""Graphs: the chain as networkx sees it has the counts of the statistic and the same removal effects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import journeys

import attribution as at
from attribution import OutputError, ParameterError, Stitched, transition_graph, write_graphml
from attribution.graphs import graph_of
from attribution.journeys import Journeys
from attribution.models.chain import removal_effects
from attribution.statistics import TransitionCounts, Transitions

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"
LETTERS = [tuple("ab"), tuple("abc"), tuple("abcd"), tuple("abcdef")]


def conversion_rate(graph: nx.DiGraph[Any], without: str | None = None) -> float:
    """Return P(conversion), with arrivals at states that hold a channel sent to null: a linear system."""
    lost = {node for node in graph if node not in (START, CONVERSION, NULL) and without in node.split(" > ")}
    kept = graph.subgraph(node for node in graph if node not in lost)
    moving = [node for node in kept if node not in (CONVERSION, NULL)]
    moves = nx.to_numpy_array(kept, nodelist=[*moving, CONVERSION], weight="probability") \
        if CONVERSION in kept else np.zeros((len(moving) + 1,) * 2)  # fmt: skip
    rates = np.linalg.solve(np.eye(len(moving)) - moves[:-1, :-1], moves[:-1, -1])
    return float(rates[moving.index(START)])


@pytest.mark.parametrize("order", [1, 2, 3])
@given(batch=journeys(LETTERS, ages=False, negative=False), collapse=st.booleans())
def test_removal_effects_are_those_of_the_graph_without_the_channel(
    order: int, batch: Journeys, collapse: bool
) -> None:
    counts = Transitions(order, collapse).observe(batch)
    graph, (rates, effects) = graph_of(counts), removal_effects(counts)
    if counts.journeys == 0:
        assert np.isnan(effects).all()
        return
    rate = conversion_rate(graph)
    assert rate == pytest.approx(rates[0], abs=1e-12)
    assert rate == pytest.approx(counts.ends[:, 0].sum() / counts.journeys, abs=1e-12)
    for channel, effect in zip(counts.channels, effects[:, 0], strict=True):
        if rate == 0:
            assert np.isnan(effect)
        else:
            assert effect == pytest.approx(1 - conversion_rate(graph, channel) / rate, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(batch=journeys(ages=False, negative=False), collapse=st.booleans())
def test_the_graph_has_every_count_of_the_statistic(order: int, batch: Journeys, collapse: bool) -> None:
    counts = Transitions(order, collapse).observe(batch)
    graph = graph_of(counts)
    ends = {CONVERSION, NULL}
    assert len(graph.nodes - ends) == len(counts.states)
    moves = sorted(data["count"] for _, target, data in graph.edges(data=True) if target not in ends)
    assert moves == sorted(counts.count.tolist())
    converted, failed = (sum(graph[a][b]["count"] for a, b in graph.in_edges(end)) if end in graph else 0
                         for end in (CONVERSION, NULL))  # fmt: skip
    assert converted == pytest.approx(counts.ends[:, 0].sum(), rel=1e-12)
    assert failed == pytest.approx(counts.nulls.sum(), rel=1e-12)
    assert graph.nodes[START]["visits"] == counts.journeys
    assert graph.graph == {"order": order}


@pytest.mark.parametrize("order", [1, 2, 3])
@given(batch=journeys(ages=False, negative=False))
def test_probabilities_of_the_moves_from_every_state_sum_to_1(order: int, batch: Journeys) -> None:
    counts = Transitions(order).observe(batch)
    graph = graph_of(counts)
    for node, leaving in graph.out_degree(weight="probability"):
        assert leaving == pytest.approx(0 if node in (CONVERSION, NULL) or not counts.journeys else 1)
    for node, arrivals in graph.in_degree(weight="count"):
        if node not in (START, CONVERSION, NULL):
            assert arrivals == pytest.approx(graph.nodes[node]["visits"])
    assert graph.in_degree(START) == 0
    assert not list(graph.successors(NULL) if NULL in graph else [])


def stitched(*paths: str) -> Stitched:
    """Return journeys of these paths, "a > b" converting and "a > b !" not."""
    touched, ended = [], []
    for customer, path in enumerate(paths):
        names = path.removesuffix(" !").split(" > ")
        touched += [(customer, f"2026-03-01T{hour:02}:00:00Z", name) for hour, name in enumerate(names)]
        ended += [(customer, "2026-03-02T00:00:00Z")] * (not path.endswith(" !"))
    return at.stitch(
        pl.DataFrame(touched, schema=["customer_id", "timestamp", "channel"], orient="row"),
        pl.DataFrame(ended, schema={"customer_id": pl.Int64, "timestamp": pl.String}, orient="row"),
    )


EXAMPLE = ("ads > mail", "mail", "mail !", "ads !", "ads > ads !")


def test_a_small_graph_by_hand() -> None:
    graph = transition_graph(stitched(*EXAMPLE))
    assert {node: data["visits"] for node, data in graph.nodes(data=True) if "visits" in data} == {
        START: 5, "ads": 4, "mail": 3
    }  # fmt: skip
    assert {(a, b): (data["count"], data["probability"]) for a, b, data in graph.edges(data=True)} == {
        (START, "ads"): (3, 3 / 5),
        (START, "mail"): (2, 2 / 5),
        ("ads", "ads"): (1, 1 / 4),
        ("ads", "mail"): (1, 1 / 4),
        ("ads", NULL): (2, 2 / 4),
        ("mail", CONVERSION): (2, 2 / 3),
        ("mail", NULL): (1, 1 / 3),
    }
    effects = nx.get_node_attributes(graph, "removal_effect")
    assert effects == pytest.approx({"ads": 1 / 3, "mail": 1})


def test_removal_effects_are_those_of_the_model_at_order_1_and_absent_above() -> None:
    journeys = stitched(*EXAMPLE)
    details = at.attribute(journeys, at.Markov())["markov"].details
    assert nx.get_node_attributes(transition_graph(journeys), "removal_effect") == details.removal_effects
    assert not nx.get_node_attributes(transition_graph(journeys, order=2), "removal_effect")


def test_states_of_higher_orders_are_named_oldest_first() -> None:
    graph = transition_graph(stitched("a > b > c > b"), order=2)
    assert nx.shortest_path(graph, START, CONVERSION) == [START, "a", "a > b", "b > c", "c > b", CONVERSION]


def test_repeats_can_be_collapsed() -> None:
    assert set(transition_graph(stitched("a > a > b"), collapse_repeats=True).edges) == {
        (START, "a"), ("a", "b"), ("b", CONVERSION)
    }  # fmt: skip


def test_without_a_conversion_there_are_no_removal_effects() -> None:
    graph = transition_graph(stitched("ads !"))
    assert set(graph) == {START, "ads", NULL}
    assert not nx.get_node_attributes(graph, "removal_effect")


def test_without_journeys_there_is_the_start_alone() -> None:
    assert set(transition_graph(stitched())) <= {START}


@pytest.mark.parametrize("name", [START, CONVERSION, NULL])
@pytest.mark.parametrize("order", [1, 2])
def test_a_channel_named_as_a_state_of_the_chain_is_told_from_it(name: str, order: int) -> None:
    plain = transition_graph(stitched("x > mail", "mail > x !", "x !"), order=order)
    named = transition_graph(stitched(*(f"{name} > mail", f"mail > {name} !", f"{name} !")), order=order)
    assert nx.is_isomorphic(plain, named, edge_match=lambda a, b: a == b)


@pytest.mark.parametrize("order", [2, 3])
def test_a_channel_that_holds_the_sign_between_channels_is_told_from_two(order: int) -> None:
    paths = (["a > b", "b"], ["a", "b", "b"], ["b", "a > b"], ["a > b > b"])
    other = {"a > b": "x", "a > b > b": "y"}
    plain = graph_of(counts_of([[other.get(name, name) for name in path] for path in paths], order))
    named = graph_of(counts_of(paths, order))
    assert nx.is_isomorphic(plain, named, edge_match=lambda a, b: a == b)


def counts_of(paths: Sequence[Sequence[str]], order: int) -> TransitionCounts:
    """Return the counts of journeys that all convert."""
    names = tuple(sorted({name for path in paths for name in path}))
    codes = [names.index(name) for path in paths for name in path]
    ones = np.ones(len(paths))
    batch = Journeys(names, ("leads",), np.cumsum([0, *map(len, paths)]), codes, None, ones, ones[:, None])
    return Transitions(order).observe(batch)


@pytest.mark.parametrize("order", [0, -1, 1.5, "2", True])
def test_an_order_that_is_none_is_refused_by_name(order: Any) -> None:
    with pytest.raises(ParameterError, match="'order'"):
        transition_graph(stitched("ads"), order=order)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("as_path", [str, Path])
def test_graphml_comes_back_as_the_same_graph(order: int, as_path: Any, tmp_path: Path) -> None:
    graph = transition_graph(stitched(*EXAMPLE, "Café <\"&'> {x}", "日本 > =1+1"), order=order)
    write_graphml(graph, as_path(tmp_path / "chain.graphml"))
    back = nx.read_graphml(tmp_path / "chain.graphml")
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert sorted(back.edges(data=True)) == sorted(graph.edges(data=True))
    assert back.graph["order"] == order
    assert isinstance(back, nx.DiGraph)


def test_a_graph_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "chain.graphml", tmp_path):
        with pytest.raises(OutputError, match="cannot be written") as caught:
            write_graphml(transition_graph(stitched("ads")), path)
        assert str(path) in str(caught.value)
        assert caught.value.exit_code == 7
