"""Rectified flow (Liu et al. 2022), also called flow matching (Lipman et al. 2022), and shortcuts through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.models.model import Config, Model, Turn
from anew.nn.augment import HOW, moved
from anew.nn.conditioning import embedding
from anew.nn.conv import patch_side
from anew.nn.unet import UNet
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space

Field = Callable[[Tensor, float], Tensor]  # (x, t) -> velocity

STRIDES = 4  # of shortcuts: 1, 1/2, 1/4 and 1/8
MOVED = ((1500, 0.3), (400, 0.12))  # from how many passes over the data which share of the pictures is moved
NEAR = 0.05  # distance from the end, below which velocities are not taken to grow


@dataclass(frozen=True)
class FlowMatchingConfig(Config):
    batch: int = 64
    lr: float = 2e-3
    muon: float = 0.02
    width: int = 32
    blocks: int = 2  # residual blocks at each size
    patch: int = 0  # side of the squares of pixels that are treated as one; 0 goes by the size of the picture
    dropout: float = 0.0
    moved: float = 0.0  # share of the pictures that are mirrored, shifted or turned, which the network is told
    predict: str = "x"  # what the network says: x, the end of the path, or the velocity
    solver: str = "heun"  # or euler
    steps: int = 10  # of the solver; heun asks the network twice a step
    guidance: float = 1.0  # above 1 follows what is given more closely, at the cost of variety
    shortcut: float = 0.0  # share of examples that learn to go two steps in one, for samples in 1, 2, 4 or 8 steps
    shortcut_from: float = 0.4  # share of the budget after which they do: first there must be a flow to shorten


class FlowMatching(Model):
    """Learns the velocity v(x_t, t) = x - noise along straight paths x_t = (1 - t) noise + t x.

    Sampling integrates v from noise at t = 0 to data at t = 1 (Liu et al. 2022, equation 1). With `shortcut`, the
    network is also told how far the step goes, and learns the mean velocity over it (Frans et al. 2024).
    """

    spaces = (Grid,)

    def __init__(self, space: Space, given: Space | None, config: FlowMatchingConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Grid)
        if len(space.size) != 2:
            raise AnewError("flow_matching models grids of two dimensions so far")
        for kind, name, known in (("solver", config.solver, SOLVERS), ("prediction", config.predict, PREDICTIONS)):
            if name not in known:
                raise unknown(kind, name, known)
        told = 4 * config.width if given is not None or config.shortcut or config.moved else 0
        self.embed = embedding(given, told)
        self.moves = nn.Linear(HOW, told, bias=False) if config.moved else None
        self.strides = nn.Embedding(STRIDES + 1, told) if config.shortcut else None
        patch = config.patch or patch_side(space.size)
        self.net = UNet(
            space.channels, space.size, config.width, config.blocks, patch, told, dropout=config.dropout
        )  # fmt: skip

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given, goal, moves = self.some_given(batch, rng), batch.x, None
        if self.moves is not None:
            goal, moves = moved(goal, rng, self.config.moved)
        t = rng.normal().sigmoid()  # logit-normal times: the middle is the hard part (Esser et al. 2024, section 3.1)
        noise, stride = rng.normal(*self.space.shape), None
        velocity = goal - noise
        if self.config.shortcut and turn.progress >= self.config.shortcut_from:
            t, stride = self._shortcuts(t, rng)
        x, told = _at(t, noise, goal), self._told(batch.size, given, moves)
        if stride is not None:
            velocity = self._in_two_steps(velocity, x, t, stride, told)
        return (self._velocity(x, t, told, stride) - velocity).square().flatten(1).mean(1)

    def adapt(self, passes: float) -> dict[str, Any]:
        """Few pictures, seen often, are also seen from other sides, so that they are not learned by heart."""
        return {"moved": next((share for limit, share in MOVED if passes > limit), 0.0)}

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        x, steps = rng.normal(*self.space.shape), self.config.steps
        if self.strides is not None and steps in (2**k for k in range(STRIDES)):
            times, solver, stride = torch.linspace(0, 1, steps + 1).tolist(), euler, steps.bit_length() - 1
        else:
            times, solver, stride = _times(steps), SOLVERS[self.config.solver], STRIDES
        field = self._guided(n, given, stride)
        for now, after in zip(times[:-1], times[1:], strict=True):
            x = (solver if after < 1 else euler)(field, x, now, after)  # the last step ends at the predicted x
        return x.clamp(-1, 1)

    def _told(self, n: int, given: Tensor | None, moves: Tensor | None = None) -> Tensor | None:
        """(n, ...): what is given, and how pictures are moved, which is not at all if nothing is said."""
        told = self.condition(self.embed, given, n)
        if self.moves is not None:
            weight = self.moves.weight
            told = self.moves(weight.new_zeros(n, HOW) if moves is None else moves) + (0 if told is None else told)
        return told

    def _velocity(self, x: Tensor, t: Tensor, told: Tensor | None, stride: Tensor | None = None) -> Tensor:
        """The mean velocity from t over the stride, or at t itself for the last one and for None."""
        if self.strides is not None:
            if stride is None:
                stride = torch.full((len(x),), STRIDES, device=x.device)
            told = self.strides(stride) + (0 if told is None else told)
        return PREDICTIONS[self.config.predict](self.net(x, t, told).float(), x, t)

    # --- shortcuts

    def _shortcuts(self, t: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        """For a share of the examples a stride 2^-k, as k, and a time that is a multiple of it; k = STRIDES is none."""
        chosen, k, u = rng.uniform() < self.config.shortcut, rng.integers(STRIDES), rng.uniform()
        start = (u * 2.0**k).floor() / 2.0**k
        return torch.where(chosen, start, t), torch.where(chosen, k, STRIDES)

    @torch.no_grad()
    def _in_two_steps(self, v: Tensor, x: Tensor, t: Tensor, stride: Tensor, told: Tensor | None) -> Tensor:
        """v, but where there is a stride the mean of the velocities over its two halves (Frans et al. 2024, eq. 4)."""
        rows = (stride < STRIDES).nonzero().squeeze(1)
        if not len(rows):
            return v
        x, t, half, told = x[rows], t[rows], stride[rows] + 1, None if told is None else told[rows]
        first = self._velocity(x, t, told, half)
        far = 2.0 ** -half.float()
        second = self._velocity(x + far.view(-1, 1, 1, 1) * first, t + far, told, half)
        return v.index_copy(0, rows, (first + second) / 2)

    def _guided(self, n: int, given: Tensor | None, stride: int) -> Field:
        """The velocity field to follow; classifier-free guidance (Ho and Salimans 2022, equation 6)."""
        weight, told, nothing = self.config.guidance, self._told(n, given), self._told(n, None)

        def field(x: Tensor, t: float) -> Tensor:
            times, strides = x.new_full((n,), t), torch.full((n,), stride, device=x.device)
            velocity = self._velocity(x, times, told, strides)
            if given is None or weight == 1:
                return velocity
            free = self._velocity(x, times, nothing, strides)
            return free + weight * (velocity - free)

        return field


def _at(t: Tensor, noise: Tensor, x: Tensor) -> Tensor:
    """The point of the straight path from noise to x."""
    return torch.lerp(noise, x, t.view(-1, 1, 1, 1))


def _from_x(output: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The network says where the path ends: it need not carry the noise through (Li and He 2025, section 4)."""
    return (output - x) / (1 - t.view(-1, 1, 1, 1)).clamp(min=NEAR)


PREDICTIONS = {"x": _from_x, "velocity": lambda output, x, t: output}


def _times(steps: int) -> list[float]:
    """From 0 to 1, in steps that shorten towards the end, where the picture is made out of noise."""
    even = torch.linspace(0, 1, steps + 1)
    return (2 * even / (1 + even)).tolist()


def euler(field: Field, x: Tensor, now: float, after: float) -> Tensor:
    return x + (after - now) * field(x, now)


def heun(field: Field, x: Tensor, now: float, after: float) -> Tensor:
    """Second order: the mean of the slopes at both ends."""
    step, slope = after - now, field(x, now)
    return x + step / 2 * (slope + field(x + step * slope, after))


SOLVERS = {"euler": euler, "heun": heun}


def flow_matching(space: Space, given: Space | None, size: int, **changes: Any) -> FlowMatching:
    """A U-Net; its width grows with the size."""
    return FlowMatching(space, given, FlowMatchingConfig(width=16 * size).change(changes))


def shortcut(space: Space, given: Space | None, size: int, **changes: Any) -> FlowMatching:
    """The same, for samples in four steps, two or one (Frans et al. 2024)."""
    own: dict[str, Any] = {"shortcut": 0.4, "steps": 4}
    return flow_matching(space, given, size, **(own | changes))
