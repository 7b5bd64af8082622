"""Networks that are like one: how it is walked is learned, and links are drawn where walks go."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import sparse

RANK, RATE, STEPS, LOOK = 16, 0.05, 400, 2  # numbers learned of each node; of learning; steps between two looks at it
REPEATED = 0.25  # of the links that do not come again by degrees and communities, the share that may
LEARNED = 3_000  # nodes of a network whose walks can be learned: they take the square of them


class LookAlikes(NamedTuple):
    """`networks` as symmetric sparse matrices; `table` has the network itself, them, and the plainest ones."""

    networks: list[Any]
    table: pd.DataFrame  # network, repeated, largest_degree, clustering, triangles, modularity

    def __str__(self) -> str:
        again, plain = self.table["repeated"].iloc[1], self.table["repeated"].iloc[-1]
        return f"{again:.0%} of the links come again in them, {plain:.0%} by degrees and communities alone"


def look_alikes(adjacency: Any, communities: np.ndarray, count: int, seed: int) -> LookAlikes:
    """`count` networks of as many nodes and links as a symmetric sparse matrix of 0 and 1 has.

    A network of more than LEARNED nodes has those of its degrees and communities only.
    """
    rng = np.random.default_rng(seed)
    plain = [by_communities(adjacency, communities, rng) for _ in range(max(1, count))]
    made, rows = plain, {"the network": [adjacency]}
    if adjacency.shape[0] <= LEARNED:
        scores = walked(adjacency, communities, rng, seed)
        made = rows["look-alikes"] = [draw(scores, adjacency, rng) for _ in range(count)]
    rows["by communities"] = plain
    table = [{"network": name, **_means(found, adjacency, communities)} for name, found in rows.items()]
    return LookAlikes(made, pd.DataFrame(table))


def walked(adjacency: Any, communities: np.ndarray, rng: np.random.Generator, seed: int) -> np.ndarray:
    """(n, n): how often a random walk goes from one node to another, either way.

    Where it goes next is, at first, by degrees and communities; what is different in the network is learned with a low
    rank (Rendsburg et al. 2020, "NetGAN without GAN", equations 3 to 5), until REPEATED of the other links come again.
    """
    n, (a, b) = adjacency.shape[0], (torch.from_numpy(ends).long() for ends in adjacency.nonzero())
    expected = torch.from_numpy(_expected(adjacency, communities)).float().log()
    generator = torch.Generator().manual_seed(seed)
    factors = [torch.randn(n, RANK, generator=generator).mul_(0.1).requires_grad_() for _ in range(2)]
    optimiser = torch.optim.Adam(factors, RATE)
    most = None
    for step in range(STEPS):
        logs = F.log_softmax(expected + factors[0] @ factors[1].T, 1)
        if step % LOOK == 0:
            scores = _flow(logs)
            again = repeated(draw(scores, adjacency, rng), adjacency)
            most = most or again + REPEATED * (1 - again)
            if again >= most:
                return scores
        loss = -logs[a, b].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return _flow(logs)


def _expected(adjacency: Any, communities: np.ndarray) -> np.ndarray:
    """(n, n): links between two nodes, by their degrees and those between their communities, and a few for all."""
    degrees, hot = np.diff(adjacency.indptr), np.eye(communities.max() + 1)[communities]
    between = hot.T @ (adjacency @ hot)
    ends = between.sum(1).clip(min=1)
    of_groups = (between + 1 / len(ends)) / ends[:, None] / ends
    return of_groups[communities][:, communities] * (degrees[:, None] + 0.1) * (degrees + 0.1)


@torch.no_grad()
def _flow(logs: torch.Tensor) -> np.ndarray:
    """Both ways between two nodes, of a walk that has gone on for long."""
    steps = logs.exp()
    at = torch.full((1, len(steps)), 1 / len(steps))
    for _ in range(100):
        at = (at @ steps + at) / 2  # it rests now and then, so that it does not swing for ever
    flow = at.T * steps
    return (flow + flow.T).numpy()


def draw(scores: np.ndarray, adjacency: Any, rng: np.random.Generator) -> Any:
    """As many links as there are, in proportion to their scores; first of all one for each node that has any."""
    n, links, joined = len(scores), adjacency.nnz // 2, np.flatnonzero(np.diff(adjacency.indptr))
    with np.errstate(divide="ignore"):
        keys = np.log(scores) + rng.gumbel(size=scores.shape)  # the largest keys are a draw without repetition
    keys = np.triu(keys, 1) + np.triu(keys, 1).T
    np.fill_diagonal(keys, -np.inf)
    first = np.sort(np.stack([joined, keys[joined].argmax(1)]), 0)
    firsts = np.unique(first[0] * n + first[1])[:links]
    rest = np.where(np.triu(np.ones((n, n), bool), 1), keys, -np.inf).ravel()
    rest[firsts] = -np.inf
    more = links - len(firsts)
    others = np.argpartition(-rest, more)[:more] if more else np.zeros(0, np.int64)
    return _matrix(np.concatenate([firsts, others]), n)


def by_communities(adjacency: Any, communities: np.ndarray, rng: np.random.Generator) -> Any:
    """Ends of links as often at each node as in the network, between the same communities (Karrer and Newman 2011)."""
    n, ends = adjacency.shape[0], np.stack(sparse.triu(adjacency, 1).nonzero())
    degrees = np.diff(adjacency.indptr)
    order = np.argsort(communities, kind="stable")
    upto = np.concatenate([[0], degrees[order].cumsum()])
    first = np.searchsorted(communities[order], np.arange(communities.max() + 2))
    found = np.zeros(0, np.int64)
    for _ in range(20):  # pairs that came before, and loops, are drawn again
        of = communities[ends[:, rng.permutation(ends.shape[1])[: ends.shape[1] - len(found)]]]
        low, high = upto[first[of]], upto[first[of + 1]]
        at = np.searchsorted(upto, low + rng.random(of.shape) * (high - low), "right") - 1
        pairs = np.sort(order[at], 0)
        pairs = pairs[:, pairs[0] < pairs[1]]
        found = np.unique(np.concatenate([found, pairs[0] * n + pairs[1]]))
        if len(found) == ends.shape[1]:
            break
    return _matrix(found, n)


def repeated(made: Any, adjacency: Any) -> float:
    """The share of the links of one network that another has, too."""
    return float(made.multiply(adjacency).sum() / adjacency.sum())


def _matrix(pairs: np.ndarray, n: int) -> Any:
    """Of pairs of nodes a, b, written as a n + b."""
    half = sparse.coo_array((np.ones(len(pairs)), (pairs // n, pairs % n)), (n, n))
    return (half + half.T).tocsr()


def _means(found: list[Any], adjacency: Any, communities: np.ndarray) -> pd.Series:
    rows = [{"repeated": repeated(made, adjacency), **_counted(made, communities)} for made in found]
    return pd.DataFrame(rows).mean()


def _counted(a: Any, communities: np.ndarray) -> dict[str, float]:
    """Modularity (Newman 2006, equation 1) is that of the network's own communities."""
    degrees, closed = np.diff(a.indptr), (a @ a).multiply(a).sum(1)
    triangles = np.asarray(closed).ravel() / 2
    pairs = degrees * (degrees - 1) / 2
    clustering = np.divide(triangles, pairs, out=np.zeros(len(pairs)), where=pairs > 0)
    i, j = a.nonzero()
    shares = np.bincount(communities, degrees) / degrees.sum()
    return {
        "largest_degree": degrees.max(),
        "clustering": clustering.mean(),
        "triangles": triangles.sum() / 3,
        "modularity": (communities[i] == communities[j]).mean() - (shares**2).sum(),
    }
