"""Which links a network may miss, by a variational graph autoencoder, beside the plainest guess."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn

from anew.models.vae import kl_to_standard_normal
from anew.nn.gnn import GCN, Sparse

HIDDEN, LATENT, STEPS, RATE = 32, 16, 200, 0.01  # Kipf and Welling 2016, section 3
WORK = 10_000_000  # links that are learned from, repeats counted: of large networks, in fewer steps
HELD_OUT, FEWEST = 0.1, 50  # share of the links that are hidden from it to see how well it guesses; links it needs
CANDIDATES, PATHS = 500_000, 50_000_000  # pairs that are scored, and paths between them that are followed, at most


class Told(NamedTuple):
    """Area under the ROC curve (0.5 is a guess, 1 is always), and average precision."""

    auc: float
    precision: float


class Links(NamedTuple):
    """Pairs of nodes (k, 2) that are not joined, the likeliest first, with scores (k,) from 0 to 1, no probabilities.

    `found` says how well links that were hidden are told from pairs that are none, and `common` how well the number of
    common neighbours tells them, weighted by how few each has.
    """

    pairs: np.ndarray
    score: np.ndarray
    found: Told
    common: Told


class LinkAutoencoder(nn.Module):
    """Two graph convolutions to a normal distribution for each node; z_i · z_j is the logit of a link (Kipf and Welling
    2016, equations 1 and 2). Nodes have no features, so the first layer's input is learned.
    """

    def __init__(self, nodes: int):
        super().__init__()
        self.nodes = nn.Parameter(torch.randn(nodes, HIDDEN) * HIDDEN**-0.5)
        self.first, self.mean, self.log_var = GCN(HIDDEN, HIDDEN), GCN(HIDDEN, LATENT), GCN(HIDDEN, LATENT)

    def forward(self, neighbours: Sparse) -> tuple[Tensor, Tensor]:
        h = F.relu(self.first(self.nodes, neighbours))
        return self.mean(h, neighbours), self.log_var(h, neighbours).clamp(-12, 6)

    def fit(self, pairs: Tensor, seed: int) -> Tensor:
        """The means (nodes, LATENT) after learning links (2, E), each there once, beside as many random pairs."""
        generator = torch.Generator().manual_seed(seed)
        neighbours, n = Sparse(torch.cat([pairs, pairs.flip(0)], 1)), len(self.nodes)
        optimiser = torch.optim.Adam(self.parameters(), RATE)
        for _ in range(min(STEPS, max(20, WORK // pairs.shape[1]))):
            mean, log_var = self(neighbours)
            z = mean + (log_var / 2).exp() * torch.randn(mean.shape, generator=generator)
            others = torch.randint(n, pairs.shape, generator=generator)
            loss = F.softplus(-logits(z, pairs)).mean() + F.softplus(logits(z, others)).mean()
            loss = loss + kl_to_standard_normal(mean, log_var).sum(1).mean() / n
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            return self(neighbours)[0]


def logits(z: Tensor, pairs: Tensor) -> Tensor:
    return (z[pairs[0]] * z[pairs[1]]).sum(1)


def find_links(adjacency: Any, most: int, seed: int = 0) -> Links | None:
    """Of a symmetric sparse matrix (n, n) of 0 and 1; None for one of too few links, or of all that there can be."""
    from scipy import sparse

    pairs = np.stack(sparse.triu(adjacency, 1).nonzero()).astype(np.int64)
    rng = np.random.default_rng(seed)
    candidates = _candidates(adjacency, pairs, rng)
    if pairs.shape[1] < FEWEST or not candidates.shape[1]:
        return None
    told, common = _test(adjacency.shape[0], pairs[:, rng.permutation(pairs.shape[1])], rng, seed)
    z = _learned(adjacency.shape[0], pairs, seed)
    score = logits(z, torch.from_numpy(candidates).long()).sigmoid().numpy()
    best = np.argsort(-score, kind="stable")[:most]
    return Links(candidates[:, best].T, score[best], told, common)


def _learned(n: int, pairs: np.ndarray, seed: int) -> Tensor:
    """A latent vector for each of n nodes, (n, LATENT), of the links (2, E)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LinkAutoencoder(n).fit(torch.from_numpy(pairs).long(), seed)


def _test(n: int, pairs: np.ndarray, rng: np.random.Generator, seed: int) -> tuple[Told, Told]:
    """What the autoencoder and common neighbours tell, both without the links that are hidden."""
    hidden = max(1, round(HELD_OUT * pairs.shape[1]))
    positive, known = pairs[:, :hidden], pairs[:, hidden:]
    others = np.sort(rng.integers(n, size=(2, 100 * hidden)), 0)
    others = _free(others[:, others[0] < others[1]], pairs, n)[:, :hidden]
    tested = np.concatenate([positive, others], 1)
    truth = np.arange(tested.shape[1]) < hidden
    z = _learned(n, known, seed)
    guesses = logits(z, torch.from_numpy(tested).long()).numpy(), _common(known, n, tested)
    found, common = (Told(roc_auc_score(truth, x), average_precision_score(truth, x)) for x in guesses)
    return found, common


def _common(known: np.ndarray, n: int, pairs: np.ndarray) -> np.ndarray:
    """Common neighbours, each divided by the logarithm of its degree (Adamic and Adar 2003)."""
    from scipy import sparse

    a = sparse.coo_matrix((np.ones(known.shape[1]), known), (n, n)).tocsr()
    a = a + a.T
    weights = 1 / np.log(np.asarray(a.sum(1)).ravel().clip(min=2))
    return np.asarray(a[pairs[0]].multiply(a[pairs[1]]) @ weights).ravel()


def _candidates(adjacency: Any, links: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, k): pairs with a common neighbour that are not joined; of very many, some."""
    from scipy import sparse

    degrees = np.diff(adjacency.indptr)
    if (degrees.astype(float) ** 2).sum() <= PATHS:
        pairs = np.stack(sparse.triu(adjacency @ adjacency, 1).nonzero()).astype(np.int64)
    else:
        pairs = _some_paths(adjacency, degrees, rng)
    pairs = _free(pairs, links, adjacency.shape[0])
    return pairs[:, np.sort(rng.permutation(pairs.shape[1])[:CANDIDATES])]


def _some_paths(adjacency: Any, degrees: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, k): the ends of paths of two links, drawn from all of them."""
    paths = degrees * (degrees - 1.0)
    middle = np.searchsorted(paths.cumsum(), rng.random(2 * CANDIDATES) * paths.sum(), "right")
    places = adjacency.indptr[middle] + (rng.random((2, len(middle))) * degrees[middle]).astype(np.int64)
    pairs = np.sort(adjacency.indices[places], 0).astype(np.int64)
    return np.unique(pairs[:, pairs[0] < pairs[1]], axis=1)


def _free(pairs: np.ndarray, links: np.ndarray, n: int) -> np.ndarray:
    """Those of pairs (2, k), the lower node first, that are no links."""
    return pairs[:, ~np.isin(pairs[0] * n + pairs[1], links[0] * n + links[1])]
