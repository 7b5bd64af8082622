"""Data as latents of a trained model, so that any family can be trained in its latent space (Rombach et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from hashlib import blake2b
from importlib import import_module
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from anew.codecs.codec import Codec, Samples
from anew.codecs.fitted import Fitted
from anew.errors import AnewError
from anew.models import recipes
from anew.models.model import Encodes, Model
from anew.spaces import Batch, Grid

REACH = 3.0  # standard deviations that the grid holds; what lies beyond is clamped
LEVELS = 256  # one is 0.02 standard deviations
TOGETHER = 64  # samples that are decoded at a time
_CHUNK = 8  # records that are encoded at a time: eight photos fill half a gigabyte
_ROWS = 4096  # of a table that go through the model at a time


class LatentCodec(Fitted):
    """Records as the latents of `model`, which lives in the space of the codec `inner`, and samples back again.

    A map of latents (C, h, w) is a Grid of two dimensions, a vector (D,) one of one: Grid(D, (1,)). Each channel is
    standardised over the training split, and the grid's [-1, 1] are `REACH` deviations. The latent of a record is the
    model's mean for it. What was given to the model in its training is not told to it here. All that people see and
    that is measured is the inner codec's.
    """

    space: Grid

    def __init__(self, inner: Codec, model: Model):
        super().__init__(inner)
        if not isinstance(model, Encodes):
            able = ", ".join(encoders())
            raise AnewError(f"{type(model).__name__} has no latent space to train in; these models have one: {able}")
        self.model: Any = model
        channels, *size = model.latent_shape
        self.space = Grid(channels, tuple(size) or (1,), LEVELS)
        self.mean, self.deviation = torch.zeros(channels), torch.ones(channels)

    def fit(self, loaded: Iterable[Any]) -> None:
        """Mean and deviation of each channel."""
        records, n = iter(loaded), 0
        total = squares = torch.zeros(self.space.channels, dtype=torch.float64)
        while chunk := list(islice(records, 1 if self.blocks else _CHUNK)):
            values = self._latents(chunk).double().movedim(1, -1).flatten(0, -2)
            n, total, squares = n + len(values), total + values.sum(0), squares + values.square().sum(0)
        mean = total / n
        deviation = (squares / n - mean.square()).clamp(min=0).sqrt()
        self._learn(mean.tolist(), deviation.tolist())

    def describe(self) -> str:
        shape = "x".join(map(str, self.model.latent_shape))
        return f"{self.inner.describe().split(' (')[0]} (as {shape} latents)"

    def encode(self, loaded: Sequence[Any]) -> Tensor:
        """float32 (B, C, *size)"""
        return ((self._latents(loaded) - self._wide(self.mean)) / self._wide(REACH * self.deviation)).clamp(-1, 1)

    def decode(self, x: Tensor) -> Samples:
        return self.inner.decode(self._decoded(x))

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self.inner.fit_features(Batch(self._decoded(train.x), train.given), learn)

    def key(self) -> dict[str, Any]:
        """Changes with the model's weights."""
        digest = blake2b(digest_size=16)
        for name, tensor in self.model.state_dict().items():
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        model = {"model": type(self.model).__name__, **asdict(self.model.config)}
        return {**super().key(), **model, "weights": digest.hexdigest()}

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    def restored(self, state: dict[str, Any]) -> LatentCodec:
        codec = LatentCodec(self.inner, self.model)
        codec._learn(state["mean"], state["deviation"])
        return codec

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> LatentCodec:
        raise TypeError("latents are read with their model: see `restored`")

    def _learn(self, mean: list[float], deviation: list[float]) -> None:
        """A channel that never changes keeps its scale."""
        self.mean = torch.tensor(mean, dtype=torch.float32)
        deviations = torch.tensor(deviation, dtype=torch.float32)
        self.deviation = deviations.where(deviations > 1e-6, 1.0)
        if not self.mean.shape == self.deviation.shape == (self.space.channels,):
            raise ValueError(f"expected {self.space.channels} means and deviations")

    def _wide(self, channels: Tensor) -> Tensor:
        """(C,) -> (C, 1, ...)"""
        return channels.view(-1, *[1] * len(self.space.size))

    @torch.no_grad()
    def _latents(self, loaded: Sequence[Any]) -> Tensor:
        """(B, C, *size) on the CPU, as the model has them"""
        parts = self.inner.encode(loaded).split(_ROWS)
        z = torch.cat([self.model.encode(part.to(self._device)).cpu() for part in parts])
        return z.float().view(-1, *self.space.shape)

    @torch.no_grad()
    def _decoded(self, x: Tensor) -> Tensor:
        """(B, C, *size) -> samples in the space of the inner codec, on the CPU"""
        z = self._wide(self.mean) + self._wide(REACH * self.deviation) * x.detach().cpu().float()
        parts = z.view(-1, *self.model.latent_shape).split(TOGETHER)
        return torch.cat([self.model.decode(part.to(self._device)).cpu() for part in parts])

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device


def encoders() -> list[str]:
    """The recipes whose models have a latent space."""
    return [name for name, (where, _) in recipes().items() if _encodes(*where.split(":"))]


def _encodes(module: str, recipe: str) -> bool:
    """By the class that the recipe says it returns."""
    home = import_module(module)
    made = getattr(home, str(getattr(home, recipe).__annotations__.get("return")), None)
    return isinstance(made, type) and issubclass(made, Encodes)
