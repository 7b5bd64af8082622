"""Views of levels in which Euclidean distance means something: as pictures, and by the patterns of their tiles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anew.codecs.image.features import ImageFeatures
from anew.codecs.view import View
from anew.spaces import Batch, Tokens

_CHANNELS = 16  # beyond, tiles are random directions and not axes
_SHAPES, _BUCKETS = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)), 1024  # of patterns, and what they are counted in
_FITTED_ON, _CHUNK = 10_000, 500


class LevelFeatures:
    """The views of `ImageFeatures`, the tiles being channels, and "patterns": PCA of the square roots of how often
    patterns of up to 2x2 and three tiles in line come (Lucas and Volz 2019 compare levels by patterns)."""

    def __init__(self, space: Tokens):
        self.space = space
        tiles = space.vocabulary + 1
        self._axes = torch.eye(tiles)
        if tiles > _CHANNELS:
            self._axes = torch.randn(tiles, _CHANNELS, generator=torch.Generator().manual_seed(0)) / _CHANNELS**0.5
        self._pictures = ImageFeatures()

    def fit(self, train: Batch, learn: bool = True) -> None:
        """x int64 (n, length)"""
        x = train.x[:_FITTED_ON]
        self._pictures.fit(self._seen(x), train.given if train.given is None else train.given[:_FITTED_ON], learn)
        self._patterns = View(self._counted(x))

    def transform(self, x: Tensor) -> dict[str, np.ndarray]:
        """{view: float32 (n, d)} with d at most 64"""
        return {**self._pictures.transform(self._seen(x)), "patterns": self._patterns(self._counted(x))}

    def _seen(self, x: Tensor) -> Tensor:
        """float32 (n, C, H, W)"""
        return self._axes[x.unflatten(1, (-1, self.space.columns))].permute(0, 3, 1, 2).contiguous()

    def _counted(self, x: Tensor) -> np.ndarray:
        chunks = x.unflatten(1, (-1, self.space.columns)).split(_CHUNK)
        return torch.cat(
            [torch.cat([patterns(chunk, shape).sqrt() for shape in _SHAPES], 1) for chunk in chunks]
        ).numpy()


def patterns(x: Tensor, shape: tuple[int, int], buckets: int = _BUCKETS) -> Tensor:
    """float32 (n, buckets): the shares of patterns of this shape in levels (n, H, W), hashed; 0 is no tile."""
    height, width = (max(0, side - part + 1) for side, part in zip(x.shape[1:], shape))
    hashed, real = torch.zeros(len(x), height, width, dtype=torch.int64), torch.ones(len(x), height, width)
    for row, column in np.ndindex(shape):
        tiles = x[:, row : row + height, column : column + width]
        hashed = (hashed * 1_000_003 + tiles) % 2_147_483_647
        real *= tiles > 0
    counts = torch.zeros(len(x), buckets).scatter_add_(1, (hashed * 40_503 % buckets).flatten(1), real.flatten(1))
    return counts / counts.sum(1, keepdim=True).clamp(min=1)
