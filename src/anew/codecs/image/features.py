"""Views of images in which Euclidean distance means something. They need no download: all is learned here."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anew.codecs.view import DIMENSIONS, View

_LARGEST, _SMALL = 64, 32  # sides that images are reduced to: for "random", and for "pixels" and "learned"
_FITTED_ON = 10_000  # training images, at most
_CHUNK = 250  # images that go through a network at a time
_STEPS, _FEWEST, _EPOCHS = 300, 150, 4  # of the encoder: at most, at least, and between them by the examples
_BATCH, _RATE = 64, 2e-3
_STRIDED = 16  # side from which on the first layer may step over every other pixel
_NOISE = 0.5  # standard deviation
_NETWORKS = ((3, 3), (5, 2), (7, 1))  # (kernel size, layers) of the random networks
_MOST_CLASSES = 1000


class ImageFeatures:
    """Three views, each standardised on the training images (mean 0, mean variance 1 over the dimensions):

    "pixels"   PCA of the pixels
    "random"   PCA of what untrained convolutional networks see
    "learned"  the last hidden layer of a small network trained on the training images only: to name their
               label if there is one, to remove noise if not

    Fitting draws on fixed seeds and leaves the global one as it is: the same images give the same views.
    """

    def fit(self, x: Tensor, given: Tensor | None = None, learn: bool = True) -> None:
        """x (n, C, H, W) in [-1, 1]; given (n, F) with NaN for unknown, whose first column may be a label.

        Without `learn`, there is no view "learned".
        """
        chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:_FITTED_ON].sort().values
        x = _reduce(x[chosen], _LARGEST)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._networks = [_RandomNetwork(x.shape[1], *shape) for shape in _NETWORKS]
            classes = _classes(None if given is None else given[chosen])
            self._encoder = _train(_reduce(x, _SMALL), classes) if learn else None
        self._views = {name: View(rows) for name, rows in self._raw(x).items()}

    def transform(self, x: Tensor) -> dict[str, np.ndarray]:
        """{view: float32 (n, d)} with d at most 64"""
        raw = self._raw(_reduce(x, _LARGEST))
        return {name: self._views[name](rows) for name, rows in raw.items()}

    @torch.no_grad()
    def _raw(self, x: Tensor) -> dict[str, np.ndarray]:
        chunks = x.split(_CHUNK)
        random = [torch.cat([network(chunk) for network in self._networks], 1) for chunk in chunks]
        small = [_reduce(chunk, _SMALL) for chunk in chunks]
        views = {"pixels": [chunk.flatten(1) for chunk in small], "random": random}
        if self._encoder is not None:
            views["learned"] = [self._encoder(chunk) for chunk in small]
        return {name: torch.cat(parts).numpy() for name, parts in views.items()}


class _RandomNetwork(nn.Module):
    """Convolutions with orthogonal weights; what comes out is the mean and the deviation in each quarter."""

    def __init__(self, channels: int, kernel: int, depth: int) -> None:
        super().__init__()
        widths = [channels, *(16 * 2**layer for layer in range(depth))]
        layers = [nn.Conv2d(before, after, kernel, padding="same") for before, after in pairwise(widths)]
        for layer in layers:
            nn.init.orthogonal_(layer.weight, gain=math.sqrt(2))
        self.layers = nn.ModuleList(layers).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        moments = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            mean = F.adaptive_avg_pool2d(x, 2)
            deviation = (F.adaptive_avg_pool2d(x**2, 2) - mean**2).clamp(min=0).sqrt()
            moments += [mean.flatten(1), deviation.flatten(1)]
            x = _halve(x)
        return torch.cat(moments, 1)


class _Encoder(nn.Module):
    """(B, C, H, W) to (B, 64)"""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        stride = 2 if min(height, width) >= _STRIDED else 1
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 32, 3, stride, padding=1), nn.GroupNorm(8, 32), nn.GELU()),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.GroupNorm(8, 64), nn.GELU()),
            nn.AvgPool2d(2, ceil_mode=True),
            *(nn.Conv2d(64, 64, 3, padding=1), nn.GroupNorm(8, 64), nn.GELU()),
            *(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64 * 16, DIMENSIONS)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _train(x: Tensor, labels: Tensor | None) -> _Encoder:
    """The encoder after a few hundred steps of naming labels or, without labels, of removing noise."""
    encoder = _Encoder(*x.shape[1:])
    if labels is None:
        head = _mlp(DIMENSIONS, 256, math.prod(x.shape[1:]))
    else:
        x, labels = x[labels >= 0], labels[labels >= 0]
        head = _mlp(DIMENSIONS, int(labels.max()) + 1)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, _RATE)
    steps = min(_STEPS, max(_FEWEST, _EPOCHS * len(x) // _BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (_BATCH,))
        loss = _loss(encoder, head, x[rows], None if labels is None else labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return encoder.requires_grad_(False)


def _mlp(*widths: int) -> nn.Sequential:
    layers = [nn.Linear(before, after) for before, after in pairwise(widths)]
    return nn.Sequential(*(part for layer in layers for part in (nn.GELU(), layer)))


def _loss(encoder: _Encoder, head: nn.Module, x: Tensor, labels: Tensor | None) -> Tensor:
    if labels is None:
        return F.mse_loss(head(encoder(x + _NOISE * torch.randn_like(x))), x.flatten(1))
    return F.cross_entropy(head(encoder(x)), labels)


def _classes(given: Tensor | None) -> Tensor | None:
    """The first column as classes 0, 1, ..., -1 being unknown; None unless it holds two codes or more."""
    if given is None or not given.shape[1]:
        return None
    column = given[:, 0]
    known = ~column.isnan()
    codes, classes = column[known].unique(return_inverse=True)
    if not 2 <= len(codes) <= _MOST_CLASSES or not torch.equal(codes, codes.round()):
        return None
    return torch.full((len(column),), -1).masked_scatter(known, classes)


def _reduce(x: Tensor, largest: int) -> Tensor:
    """Averaged down so that no side is above `largest` pixels."""
    side = max(x.shape[2:])
    if side <= largest:
        return x
    height, width = (max(1, round(length * largest / side)) for length in x.shape[2:])
    return F.adaptive_avg_pool2d(x, (height, width))


def _halve(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True)
