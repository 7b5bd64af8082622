"""What is counted of each node of a network: how central it is, which community it is in, and what role it plays."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from anew.errors import AnewError
from anew.sources.graph_reading import library

WORK = 8_000_000  # nodes and edges that are passed to measure betweenness: beyond, it is estimated from some nodes
COUNTED = ("degree", "clustering", "betweenness", "pagerank", "core")
ROLES, COMPARED = 6, 2_000  # how many there may be, and nodes by which their number is chosen
ROUNDS = 2  # neighbours of neighbours that a role looks at


def estimated_from(graph: Any) -> int:
    """Nodes whose shortest paths are followed: all of a small network."""
    return min(len(graph), max(20, WORK // (len(graph) + graph.number_of_edges())))


def count_nodes(graph: Any, adjacency: Any, seed: int) -> pd.DataFrame:
    """node, what is COUNTED, community and role: a row for each node of a simple graph, in its order.

    `adjacency` is its matrix of 0 and 1, scipy's sparse one.
    """
    nx = library()
    some = estimated_from(graph)
    counts = {
        "degree": dict(graph.degree),
        "clustering": nx.clustering(graph),
        "betweenness": nx.betweenness_centrality(graph, k=None if some == len(graph) else some, seed=seed),
        "pagerank": nx.pagerank(graph),
        "core": nx.core_number(graph),
    }
    table = pd.DataFrame({name: [found[node] for node in graph] for name, found in counts.items()})
    table.insert(0, "node", [str(node) for node in graph])
    table["community"] = _communities(adjacency, seed)
    table["role"] = _roles(table[list(COUNTED)].to_numpy(float), adjacency, seed)
    return table


def method() -> str:
    """By which communities are found: Leiden's where graspologic-native is installed."""
    return "Louvain" if find_spec("graspologic_native") is None else "Leiden"


def _communities(adjacency: Any, seed: int) -> np.ndarray:
    """(n,) the number of each node's, the largest being 1."""
    found = _louvain(adjacency, seed) if method() == "Louvain" else _leiden(adjacency, seed)
    _, labels, sizes = np.unique(found, return_inverse=True, return_counts=True)
    return 1 + (-sizes).argsort(kind="stable").argsort()[labels]


def _louvain(adjacency: Any, seed: int) -> np.ndarray:
    """Blondel et al. 2008"""
    from scipy.sparse import csr_matrix

    try:
        from sknetwork.clustering import Louvain
    except ModuleNotFoundError as error:
        raise AnewError("communities need scikit-network: pip install 'anew[graphs]'") from error
    return Louvain(shuffle_nodes=True, random_state=seed).fit_predict(csr_matrix(adjacency))


def _leiden(adjacency: Any, seed: int) -> np.ndarray:
    """Traag et al. 2019: Louvain's communities, but each in one piece. A node without links is one of its own."""
    from graspologic_native import leiden
    from scipy.sparse import triu

    pairs = zip(*(ends.tolist() for ends in triu(adjacency, 1).nonzero()))
    _, found = leiden([(str(a), str(b), 1.0) for a, b in pairs], seed=seed)
    return np.array([found.get(str(node), len(found) + node) for node in range(adjacency.shape[0])])


def _roles(counts: np.ndarray, adjacency: Any, seed: int) -> np.ndarray:
    """(n,) the number of each node's, the one of the highest degrees being 1. Nodes of a role are alike in what is
    counted of them, of their neighbours, and of theirs (Henderson et al. 2012, RolX, with k-means as the grouping).
    """
    from sklearn.cluster import KMeans

    features = _around(counts, adjacency)
    most = min(ROLES, len(np.unique(features.round(6), axis=0)))
    if most < 2:
        return np.ones(len(counts), int)
    found = [KMeans(k, n_init=4, random_state=seed).fit_predict(features) for k in range(2, most + 1)]
    best = max(found, key=lambda labels: _how_clear(features, labels, seed))
    means = pd.Series(counts[:, 0]).groupby(best).mean().sort_values(ascending=False)
    return pd.Series(best).map({label: number for number, label in enumerate(means.index, 1)}).to_numpy()


def _around(counts: np.ndarray, adjacency: Any) -> np.ndarray:
    """Logarithms of the counts, beside their means over neighbours near and far, all standardised."""
    logs = np.log1p(counts / np.maximum(counts.mean(0), 1e-12))
    parts, degrees = [logs], np.asarray(adjacency.sum(1)).reshape(-1, 1).clip(min=1)
    for _ in range(ROUNDS):
        parts.append(adjacency @ parts[-1] / degrees)
    features = np.concatenate(parts, 1)
    return (features - features.mean(0)) / features.std(0).clip(min=1e-9)


def _how_clear(features: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    some = np.random.default_rng(seed).permutation(len(labels))[:COMPARED]
    if len(np.unique(labels[some])) < 2 or len(np.unique(labels[some])) == len(some):
        return -1.0
    return float(silhouette_score(features[some], labels[some]))
