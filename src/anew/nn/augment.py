"""Differentiable augmentation for discriminators that see few examples (Zhao et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from anew.errors import unknown
from anew.rng import Rng


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
