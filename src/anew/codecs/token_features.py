"""Views of sequences of codes in which Euclidean distance means something. All of them are learned here."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.codecs.view import View

_FITTED_ON = 10_000  # training examples, at most
_CHUNK = 500  # examples that are looked at at a time
_LONGEST = 3  # codes in a row that are counted
_BUCKETS = 2048  # that they are counted in
_NETWORKS = ((3, 3), (5, 2), (9, 1))  # (kernel size, layers) of the random networks
_WIDTH, _CHANNELS = 32, 64  # of a code's vector, and of the layers
_STEPS, _BATCH, _RATE = 300, 64, 3e-3  # of the encoder
_SEEN, _HIDDEN = 256, 0.3  # codes of an example that it is shown; the share that is hidden from it


class TokenFeatures:
    """Three views, each standardised on the training examples:

    "n-grams"  PCA of the square roots of how often one, two and three codes come in a row
    "random"   PCA of what untrained convolutional networks see
    "learned"  what a small network, trained to name hidden codes of the training examples only, sees on average

    Fitting draws on fixed seeds and leaves the global one as it is: the same examples give the same views.
    """

    def fit(self, x: Tensor, vocabulary: int, learn: bool = True) -> None:
        """x int64 (n, length), codes from 1, padded with 0."""
        chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:_FITTED_ON].sort().values
        x = x[chosen]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._networks = [_RandomNetwork(vocabulary, *shape) for shape in _NETWORKS]
            self._encoder = _train(x, vocabulary) if learn else None
        self._views = {name: View(rows) for name, rows in self._raw(x).items()}

    def transform(self, x: Tensor) -> dict[str, np.ndarray]:
        """{view: float32 (n, d)} with d at most 64"""
        return {name: self._views[name](rows) for name, rows in self._raw(x).items()}

    @torch.no_grad()
    def _raw(self, x: Tensor) -> dict[str, np.ndarray]:
        chunks = x.split(_CHUNK)
        views = {
            "n-grams": [n_grams(chunk) for chunk in chunks],
            "random": [torch.cat([network(chunk) for network in self._networks], 1) for chunk in chunks],
        }
        if self._encoder is not None:
            views["learned"] = [self._encoder(chunk) for chunk in chunks]
        return {name: torch.cat(parts).numpy() for name, parts in views.items()}


def n_grams(x: Tensor, longest: int = _LONGEST, buckets: int = _BUCKETS) -> Tensor:
    """(n, longest * buckets): square roots of the shares of n-grams, each length in hashed buckets of its own.

    The Euclidean distance of square roots is Hellinger's.
    """
    counts = torch.zeros(len(x), longest, buckets)
    hashed = torch.zeros_like(x)
    for n in range(longest):
        ends = x[:, n:]
        hashed = (hashed[:, : ends.shape[1]] * 1_000_003 + ends) % 2_147_483_647
        real = (ends > 0).float()
        counts[:, n].scatter_add_(1, hashed * 40_503 % buckets, real)
    return (counts / counts.sum(2, keepdim=True).clamp(min=1)).sqrt().flatten(1)


class _RandomNetwork(nn.Module):
    """Convolutions with orthogonal weights over random vectors of the codes; their means and deviations come out."""

    def __init__(self, vocabulary: int, kernel: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary + 1, _WIDTH, padding_idx=0)
        widths = [_WIDTH, *[_CHANNELS] * depth]
        layers = [nn.Conv1d(a, b, kernel, padding="same") for a, b in zip(widths, widths[1:])]
        for layer in layers:
            nn.init.orthogonal_(layer.weight, gain=math.sqrt(2))
        self.layers = nn.ModuleList(layers).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        moments, h, real = [], self.embed(x).mT, (x > 0)[:, None].float()
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2) * real
            moments += _moments(h, real)
        return torch.cat(moments, 1)


class _Encoder(nn.Module):
    """(B, length) to (B, 64), the mean of what it sees at each place."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary + 2, _CHANNELS, padding_idx=0)  # the last stands for what is hidden
        self.layers = nn.ModuleList(nn.Conv1d(_CHANNELS, _CHANNELS, 5, padding="same") for _ in range(3))
        self.head = nn.Linear(_CHANNELS, vocabulary + 1)

    def places(self, x: Tensor) -> Tensor:
        h = self.embed(x).mT
        for layer in self.layers:
            h = h + F.gelu(layer(h))
        return h.mT

    def forward(self, x: Tensor) -> Tensor:
        real = (x > 0)[:, :, None]
        h = F.layer_norm(self.places(x), (_CHANNELS,)) * real
        return h.sum(1) / real.sum(1).clamp(min=1)


def _train(x: Tensor, vocabulary: int) -> _Encoder:
    """After a few hundred steps of naming hidden codes."""
    encoder = _Encoder(vocabulary)
    optimiser = torch.optim.AdamW(encoder.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=_STEPS)
    for _ in range(_STEPS):
        rows = _part(x[torch.randint(len(x), (_BATCH,))])
        hidden = (torch.rand(rows.shape) < _HIDDEN) & (rows > 0)
        told = encoder.places(rows.masked_fill(hidden, vocabulary + 1))
        loss = F.cross_entropy(encoder.head(told[hidden]), rows[hidden])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return encoder.requires_grad_(False)


def _part(x: Tensor) -> Tensor:
    """A stretch of long examples, with something in it."""
    longest = int((x > 0).sum(1).max())
    start = int(torch.randint(max(1, longest - _SEEN + 1), ()))
    return x[:, start : start + _SEEN]


def _moments(h: Tensor, real: Tensor) -> list[Tensor]:
    """Mean and deviation over the places that are not padding."""
    n = real.sum(2).clamp(min=1)
    mean = h.sum(2) / n
    return [mean, ((h.square().sum(2) / n) - mean.square()).clamp(min=0).sqrt()]
