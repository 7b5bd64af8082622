"""Augmentation where there are few examples: for discriminators, and for models that are told of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from anew.errors import unknown
from anew.rng import Rng

SHIFT, ANGLE, ZOOM = 0.25, math.pi / 12, 1.25  # the most that `moved` does: a shift in halves of a side
HOW = 6  # numbers that say how a picture was moved


# For discriminators: differentiable (Zhao et al. 2020)


def translation(x: Tensor, rng: Rng) -> Tensor:
    """Up to an eighth in each direction, filled with -1. A shift is a product with a shifted identity."""
    lifted = x + 1
    for dim in (2, 3):
        lifted = torch.einsum("bchw,bhk->bckw" if dim == 2 else "bchw,bwk->bchk", lifted, _shift(x.shape[dim], rng))
    return lifted - 1


def _shift(side: int, rng: Rng) -> Tensor:
    """(B, side, side)"""
    by = (rng.uniform() * 2 - 1).mul(max(1, side // 8)).round()
    at = torch.arange(side, device=rng.device, dtype=torch.float32)
    return (at[None, :, None] - at[None, None, :] == by[:, None, None]).float()


def cutout(x: Tensor, rng: Rng) -> Tensor:
    """A square of half the side becomes 0."""
    inside = [_span(x.shape[dim], rng) for dim in (2, 3)]
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return x * ~hole


def _span(side: int, rng: Rng) -> Tensor:
    at = torch.arange(side, device=rng.device)
    return (at - (rng.uniform() * side)[:, None]).abs() < side / 4


def color(x: Tensor, rng: Rng) -> Tensor:
    """Brightness by up to a half, contrast from a half to one and a half."""
    brightness, contrast = (rng.uniform(1, 1, 1) for _ in range(2))
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * (contrast + 0.5) + mean + brightness - 0.5


AUGMENTATIONS = {"translation": translation, "cutout": cutout, "color": color}


def check(names: str) -> None:
    """Raises AnewError unless all that are named exist."""
    for name in filter(None, names.split(",")):
        if name not in AUGMENTATIONS:
            raise unknown("augmentation", name, AUGMENTATIONS)


def augment(names: str, x: Tensor, rng: Rng, share: float = 1.0) -> Tensor:
    """By those named in "translation,cutout,color", none for an empty text; `share` of the examples, at random."""
    check(names)
    changed = x
    for name in filter(None, names.split(",")):
        changed = AUGMENTATIONS[name](changed, rng)
    if share >= 1 or changed is x:
        return changed
    return torch.where(rng.uniform(1, 1, 1) < share, changed, x)


# For models that are told how a picture was changed, and so can draw unchanged ones (Karras et al. 2022, appendix F.2)


def moved(x: Tensor, rng: Rng, share: float) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) mirrored, shifted and turned with a zoom, each of the three for a share of them, and how
    (B, HOW): 0 where nothing was done.
    """
    mirror, shift, turn = (rng.uniform(3) < share).unbind(1)
    by = (rng.uniform(4) * 2 - 1) * torch.stack([shift, shift, turn, turn], 1)
    angle, zoom, flip = by[:, 2] * ANGLE, ZOOM ** by[:, 3], 1 - 2 * mirror.float()
    rotation = torch.stack([angle.cos() * flip, -angle.sin(), angle.sin() * flip, angle.cos()], 1) * zoom[:, None]
    matrix = torch.cat([rotation.view(-1, 2, 2), SHIFT * by[:, :2, None]], 2)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    seen = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    how = (matrix - torch.eye(2, 3, device=x.device)).flatten(1)
    return torch.where((mirror | shift | turn).view(-1, 1, 1, 1), seen, x), how
