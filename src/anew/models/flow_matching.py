"""Rectified flow (Liu et al. 2022), also called flow matching (Lipman et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from anew.errors import AnewError, unknown
from anew.models.model import Config, Model, Turn
from anew.nn.conditioning import embedding, forget
from anew.nn.conv import patch_side
from anew.nn.unet import UNet
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space


@dataclass(frozen=True)
class FlowMatchingConfig(Config):
    width: int = 32
    blocks: int = 2  # residual blocks at each size
    patch: int = 0  # side of the squares of pixels that are treated as one; 0 goes by the size of the picture
    dropout: float = 0.0
    solver: str = "heun"  # or euler
    steps: int = 25  # of the solver; heun asks the network twice a step
    guidance: float = 1.0  # above 1 follows what is given more closely, at the cost of variety


class FlowMatching(Model):
    """Learns the velocity v(x_t, t) = x - noise along straight paths x_t = (1 - t) noise + t x.

    Sampling integrates v from noise at t = 0 to data at t = 1 (Liu et al. 2022, equation 1).
    """

    spaces = (Grid,)

    def __init__(self, space: Space, given: Space | None, config: FlowMatchingConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Grid)
        if len(space.size) != 2:
            raise AnewError("flow_matching models grids of two dimensions so far")
        if config.solver not in SOLVERS:
            raise unknown("solver", config.solver, SOLVERS)
        told = 4 * config.width if given is not None else 0
        self.embed = embedding(given, told)
        self.net = UNet(
            space.channels,
            space.size,
            config.width,
            config.blocks,
            config.patch or patch_side(space.size),
            told,
            dropout=config.dropout,
        )

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = batch.given
        if given is not None and self.config.given_dropout:
            given = forget(given, rng.uniform() < self.config.given_dropout)
        t = rng.normal().sigmoid()  # logit-normal times: the middle is the hard part (Esser et al. 2024, section 3.1)
        noise, at = rng.normal(*self.space.shape), t.view(-1, 1, 1, 1)
        velocity = self._velocity((1 - at) * noise + at * batch.x, t, given)
        return (velocity - (batch.x - noise)).square().flatten(1).mean(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        x = rng.normal(*self.space.shape)
        times = torch.linspace(0, 1, self.config.steps + 1, device=x.device).tolist()
        for now, after in zip(times[:-1], times[1:], strict=True):
            x = SOLVERS[self.config.solver](self._guided(given), x, now, after)
        return x.clamp(-1, 1)

    def _velocity(self, x: Tensor, t: Tensor, given: Tensor | None) -> Tensor:
        return self.net(x, t, self.condition(self.embed, given, len(x))).float()

    def _guided(self, given: Tensor | None):  # type: ignore[no-untyped-def]
        """The velocity field to follow; classifier-free guidance (Ho and Salimans 2022, equation 6)."""
        weight = self.config.guidance

        def field(x: Tensor, t: float) -> Tensor:
            times = x.new_full((len(x),), t)
            velocity = self._velocity(x, times, given)
            if given is None or weight == 1:
                return velocity
            free = self._velocity(x, times, None)
            return free + weight * (velocity - free)

        return field


def euler(field, x: Tensor, now: float, after: float) -> Tensor:  # type: ignore[no-untyped-def]
    return x + (after - now) * field(x, now)


def heun(field, x: Tensor, now: float, after: float) -> Tensor:  # type: ignore[no-untyped-def]
    """Second order: the mean of the slopes at both ends."""
    step, slope = after - now, field(x, now)
    return x + step / 2 * (slope + field(x + step * slope, after))


SOLVERS = {"euler": euler, "heun": heun}


def flow_matching(space: Space, given: Space | None, size: int, **changes: Any) -> FlowMatching:
    """A U-Net; its width grows with the size."""
    return FlowMatching(space, given, FlowMatchingConfig(width=16 * size, lr=2e-3).change(changes))
