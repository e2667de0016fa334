"""Graphs: the chain of journeys as a networkx graph, to inspect, draw and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from attribution.channels import path_part
from attribution.errors import OutputError
from attribution.models import Markov
from attribution.models.chain import removal_effects
from attribution.statistics import TransitionCounts
from attribution.statistics.observing import observe
from attribution.stitched import Stitched

if TYPE_CHECKING:
    import networkx as nx

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"


def transition_graph(journeys: Stitched, order: int = 1, collapse_repeats: bool = False) -> nx.DiGraph[Any]:
    """Return the moves between start, windows of channels, conversion and null.

    Edges carry ``count`` (journeys) and ``probability``; nodes ``visits``, and those of order 1
    their channel's ``removal_effect``. A window of several channels is named "a > b"; a channel that
    could be taken for a window or an end is quoted.

    Raises:
        ParameterError: the order is no whole number >= 1.
    """
    chain = Markov(order, share="global", collapse_repeats=collapse_repeats).observers[0]
    statistics, _ = observe(journeys, (chain,))
    return graph_of(statistics[chain])


def graph_of(counts: TransitionCounts) -> nx.DiGraph[Any]:
    """Return the graph of the counts."""
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.DiGraph(order=counts.order)
    names = [
        " > ".join(node(counts.channels[code - 1]) for code in window[::-1] if code) or START
        for window in counts.windows
    ]
    for name, visits in zip(names, counts.visits.tolist(), strict=True):
        graph.add_node(name, visits=visits)
    ends = counts.ends[:, 0]
    for source, target, count in zip(counts.source, counts.target, counts.count, strict=True):
        graph.add_edge(names[source], names[target], count=float(count))
    for state, name in enumerate(names):
        for end, count in ((CONVERSION, ends[state]), (NULL, counts.nulls[state])):
            if count:
                graph.add_edge(name, end, count=float(count))
    for source, _, data in graph.edges(data=True):
        data["probability"] = data["count"] / graph.nodes[source]["visits"]
    if counts.order == 1:
        _, effects = removal_effects(counts)
        for channel, effect in zip(counts.channels, effects[:, 0], strict=True):
            if node(channel) in graph and not np.isnan(effect):
                graph.nodes[node(channel)]["removal_effect"] = float(effect)
    return graph


def node(channel: str) -> str:
    """Return the channel's name, quoted where it could be taken for something else.

    >>> node("ads"), node("(null)")
    ('ads', '"(null)"')
    """
    return path_part(channel, (START, CONVERSION, NULL))


def transition_table(journeys: Stitched, collapse_repeats: bool = False) -> pl.DataFrame:
    """Return the moves of the chain of order 1, the most frequent first: source, target, count, probability.

    ``probability`` is the part of those who were at the source; names are those of ``transition_graph``.

    >>> from attribution import from_paths
    >>> paths = pl.DataFrame({"path": ["ads > mail", "ads"], "conversions": [2, 0], "null": [0, 1]})
    >>> transition_table(from_paths(paths, null="null")).rows()[:2]
    [('(start)', 'ads', 3.0, 1.0), ('ads', 'mail', 2.0, 0.6666666666666666)]
    """
    graph = transition_graph(journeys, collapse_repeats=collapse_repeats)
    rows = [(*ends, data["count"], data["probability"]) for *ends, data in graph.edges(data=True)]
    kinds = {"source": pl.String, "target": pl.String, "count": pl.Float64, "probability": pl.Float64}
    table = pl.DataFrame(rows, schema=kinds, orient="row")
    return table.sort("count", "source", "target", descending=[True, False, False])


def write_graphml(graph: nx.DiGraph[Any], path: str | Path) -> None:
    """Write the graph as GraphML, which Gephi, yEd and Cytoscape read.

    Raises:
        OutputError: the file cannot be written.
    """
    import networkx as nx

    try:
        nx.write_graphml(graph, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
