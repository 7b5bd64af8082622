"""Normalizing flows (Rezende and Mohamed 2015; Dinh et al. 2017; Durkan et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.models.model import Config, Encodes, Model, Scores, Turn
from anew.nn.bijection import Bijection, Chain, Folded, Mix, OnHalf, Planar, Scale
from anew.nn.conditioning import embedding
from anew.nn.conv import folded, patch_side
from anew.nn.coupling import Affine, Convolutional, Coupling, Perceptron, Spline, masks
from anew.nn.dequantise import reals
from anew.rng import Rng
from anew.spaces import Batch, Fields, Grid, Space

BIJECTIONS = ("affine", "spline", "planar")
MIXED = 256  # channels at most that a matrix mixes


@dataclass(frozen=True)
class FlowConfig(Config):
    batch: int = 64
    bijection: str = "affine"  # affine or spline couplings, or planar
    steps: int = 8  # of flow, at every scale
    width: int = 32  # of the networks in couplings
    blocks: int = 1  # hidden layers in them: residual blocks in convolutional ones
    network: str = "auto"  # conv for pictures, mlp for everything else
    patch: int = 0  # side of the squares of pixels that are folded first; 0 goes by the size of the picture
    bins: int = 8  # of a spline
    bound: float = 4.0  # a spline is the identity beyond
    temperature: float = 1.0  # of samples: below 1 they stay closer to the mode (Kingma and Dhariwal 2018, section 6)
    importance_samples: int = 16  # in the bound that `log_prob` reports


class Flow(Model, Encodes, Scores):
    """Maximises log N(f(v); 0, 1) + log |det df/dv|, with f invertible and v the sample as real numbers.

    This density is exact. Stored samples are codes, whose probability is the integral of the density over their bins:
    `loss` bounds it by one draw from the bin, `log_prob` by importance sampling (Ho et al. 2019, section 3.1).
    """

    spaces = (Grid, Fields)
    likelihood = "bound"
    lossless = True

    def __init__(self, space: Space, given: Space | None, config: FlowConfig):
        super().__init__(space, given, config)
        told = config.width if given is not None else 0
        self.embed = embedding(given, told)
        self.reals = reals(space)
        self.shape = space.shape if _is_convolutional(space, config) else (math.prod(space.shape),)
        self.latent_shape = (math.prod(space.shape),)
        self.bijection = _bijection(self.shape, config, told)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = self.some_given(batch, rng)
        loss = -self._log_weight(batch.x, given, rng)
        self.note(bits_per_value=loss / math.log(2) / math.prod(self.space.shape))
        return loss

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self.decode(self.config.temperature * rng.normal(math.prod(self.space.shape)), given)

    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """f of the middle of the bin, (B, D) with as many numbers as x has."""
        values, _ = self.reals.spread(x, torch.full(x.shape, 0.5, device=x.device))
        return self._forward(values, given)[0]

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        told = self.condition(self.embed, given, len(z))
        values = self.bijection.inverse(z.reshape(-1, *self.shape), told)
        return self.reals.gather(values.reshape(-1, *self.space.shape))

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """log 1/K sum_k p(v_k) / q(v_k | x), with v_k from the bins of x (Burda et al. 2016, eq. 8)."""
        logs = [self._log_weight(x, given, rng) for _ in range(self.config.importance_samples)]
        return torch.stack(logs).logsumexp(0) - math.log(len(logs))

    def _log_weight(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """log p(v) - log q(v | x) of one draw of v."""
        values, log_weight = self.reals.spread(x, rng.uniform(*self.space.shape))
        z, log_det = self._forward(values, given)
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + log_det + log_weight

    def _forward(self, values: Tensor, given: Tensor | None) -> tuple[Tensor, Tensor]:
        """z (B, D), and log |det dz/dv|"""
        told = self.condition(self.embed, given, len(values))
        z, log_det = self.bijection(values.reshape(-1, *self.shape), told)
        return z.flatten(1), log_det


def _bijection(shape: tuple[int, ...], config: FlowConfig, told: int) -> Bijection:
    if config.bijection not in BIJECTIONS:
        raise unknown("bijection", config.bijection, BIJECTIONS)
    if config.bijection == "planar":
        return Chain([Scale(shape, told), *(Planar(shape, told) for _ in range(config.steps))])
    if len(shape) == 1:
        return _steps(shape, config, told)
    patch = config.patch or patch_side(shape[1:])
    if any(side % patch for side in shape[1:]):
        patch = 1
    scales = _scales((shape[0] * patch**2, *folded(shape[1:], patch)), config, told)
    return Folded(scales, patch) if patch > 1 else scales


def _scales(shape: tuple[int, ...], config: FlowConfig, told: int) -> Bijection:
    """Steps at this size; then half of the channels are done, and the others go on at half of it (Dinh et al. 2017)."""
    channels, *size = shape
    steps = _steps(shape, config, told)
    if max(size) <= 4 or any(side % 2 for side in size):
        return steps
    deeper = Folded(_scales((4 * (channels // 2 or 1), *(side // 2 for side in size)), config, told), 2)
    return Chain([steps, deeper if channels == 1 else OnHalf(deeper)])


def _steps(shape: tuple[int, ...], config: FlowConfig, told: int) -> Bijection:
    """Steps of flow (Kingma and Dhariwal 2018, figure 2a): scale, mix the channels, couple."""
    kept, each = masks(shape), (shape[0], *[1] * len(shape[1:]))
    parts: list[Bijection] = [Scale(shape, told)]
    for step in range(config.steps):
        if 1 < shape[0] <= MIXED:
            parts.append(Mix(shape[0]))
        map = Affine() if config.bijection == "affine" else Spline(config.bins, config.bound)
        outputs = map.parameters * shape[0]
        if len(shape) == 1:
            net: nn.Module = Perceptron(shape[0], outputs, 8 * config.width, config.blocks, told)
        else:
            net = Convolutional(shape[0], outputs, config.width, config.blocks, told)
        parts += [Coupling(kept[step % len(kept)], net, map), Scale(each)]
    return Chain(parts)


def _is_convolutional(space: Space, config: FlowConfig) -> bool:
    if config.network not in ("auto", "conv", "mlp"):
        raise unknown("network", config.network, ("auto", "conv", "mlp"))
    picture = isinstance(space, Grid) and len(space.size) == 2
    if config.network == "conv" and not picture:
        raise AnewError("the network 'conv' needs grids of two dimensions; try --set network=mlp")
    return picture and config.network != "mlp" and config.bijection != "planar"


def planar(space: Space, given: Space | None, size: int, **changes: Any) -> Flow:
    """Rezende and Mohamed 2015, from data to noise; samples take the inverse, a search for a root in each layer."""
    return _recipe(space, given, size, changes, bijection="planar", steps=16 * size)


def realnvp(space: Space, given: Space | None, size: int, **changes: Any) -> Flow:
    """Dinh et al. 2017, with the actnorm and 1x1 convolutions of Glow (Kingma and Dhariwal 2018) for batch norm."""
    return _recipe(space, given, size, changes)


def spline_flow(space: Space, given: Space | None, size: int, **changes: Any) -> Flow:
    """Durkan et al. 2019: splines bend where an affine map can only stretch, so fewer steps do."""
    return _recipe(space, given, size, changes, bijection="spline", steps=4)


def _recipe(space: Space, given: Space | None, size: int, changes: dict[str, Any], **own: Any) -> Flow:
    return Flow(space, given, FlowConfig(width=8 * 2**size, lr=4e-3).change(own | changes))
