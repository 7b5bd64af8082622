"""Which graphs are the same but for the numbers of their nodes: for how many of them are unique, and new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np


def classes(graphs: Sequence[nx.Graph]) -> np.ndarray:
    """int64 (n,): equal for isomorphic graphs, whose nodes and edges have the same attributes, and for no others."""
    numbers = np.zeros(len(graphs), np.int64)
    alike: defaultdict[str, list[int]] = defaultdict(list)  # by what is quick to tell: the first of each class
    for place, graph in enumerate(graphs):
        firsts = alike[_hash(graph)]
        same = (first for first in firsts if nx.is_isomorphic(graphs[first], graph, dict.__eq__, dict.__eq__))
        if (first := next(same, None)) is None:
            firsts.append(place)
        numbers[place] = place if first is None else first
    return numbers


def unique(graphs: Sequence[nx.Graph]) -> float:
    """How many different graphs there are for each."""
    return len(np.unique(classes(graphs))) / len(graphs)


def new(graphs: Sequence[nx.Graph], known: Sequence[nx.Graph]) -> np.ndarray:
    """bool (n,): whether each is like none of those that are known."""
    numbers = classes([*known, *graphs])
    return ~np.isin(numbers[len(known) :], numbers[: len(known)])


def valid_unique_new(graphs: Sequence[nx.Graph], known: Sequence[nx.Graph], valid: Callable[[nx.Graph], bool]) -> float:
    """The share that is valid, is the first of its class, and is like none that is known (Martinkus et al. 2022)."""
    first = classes(graphs) == np.arange(len(graphs))
    good = [i for i in np.flatnonzero(first).tolist() if valid(graphs[i])]
    return float(new([graphs[i] for i in good], known).sum()) / len(graphs)


def _hash(graph: nx.Graph) -> str:
    """Weisfeiler and Lehman's, of the structure and of all attributes."""
    told = nx.Graph()
    told.add_nodes_from((node, {"told": str(sorted(data.items()))}) for node, data in graph.nodes.data())
    told.add_edges_from((a, b, {"told": str(sorted(data.items()))}) for a, b, data in graph.edges.data())
    return nx.weisfeiler_lehman_graph_hash(told, edge_attr="told", node_attr="told")
