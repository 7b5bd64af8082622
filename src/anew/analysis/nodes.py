"""What is counted of each node of a network: how central it is, which community it is in, and what role it plays."""

from __future__ import annotations

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


def _communities(adjacency: Any, seed: int) -> np.ndarray:
    """(n,) the number of each node's, the largest being 1 (Blondel et al. 2008, Louvain's method)."""
    from scipy.sparse import csr_matrix

    try:
        from sknetwork.clustering import Louvain
    except ModuleNotFoundError as error:
        raise AnewError("communities need scikit-network: pip install 'anew[graphs]'") from error
    return 1 + Louvain(shuffle_nodes=True, random_state=seed).fit_predict(csr_matrix(adjacency))


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
