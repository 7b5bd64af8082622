"""Convolutional bricks for 2-D grids of any size: residual blocks, an encoder and a decoder."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.nn.dropout import Dropout

Size = tuple[int, ...]


def halvings(size: Size, smallest: int = 4) -> list[Size]:
    """Sizes from `size` down, halved and rounded up until no side is above `smallest`: 28 -> [28, 14, 7, 4]."""
    sizes = [size]
    while max(sizes[-1]) > smallest:
        sizes.append(tuple(math.ceil(side / 2) if side > 1 else 1 for side in sizes[-1]))
    return sizes


def conv(inputs: int, outputs: int, kernel: int = 3, zero: bool = False) -> nn.Conv2d:
    """A convolution that keeps the size; `zero` starts it at nothing, for the end of a residual branch."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    if zero:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def group_norm(channels: int) -> nn.GroupNorm:
    """Groups of at least 8 channels, 32 groups at most."""
    groups = max(g for g in range(1, 33) if channels % g == 0 and (channels // g >= 8 or g == 1))
    return nn.GroupNorm(groups, channels)


def resize(x: Tensor, size: Size) -> Tensor:
    """Nearest neighbour up, mean down, to exactly `size`."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    if x.shape[2] >= size[0] and x.shape[3] >= size[1]:
        return F.adaptive_avg_pool2d(x, (size[0], size[1]))
    return F.interpolate(x, size=size)


def patch_side(size: Size, map: int = 0) -> int:
    """Side of the squares of pixels that networks treat as one: what small pictures don't need, and large ones do.

    No more than the side of the squares that a `map` treats as one.
    """
    side = max(size)
    patch = 1 if side < 20 else 2 if side < 64 else 4
    return min(patch, map or patch)


def folded(size: Size, patch: int) -> Size:
    """The size after `fold`."""
    return tuple(math.ceil(side / patch) for side in size)


def fold(x: Tensor, patch: int) -> Tensor:
    """Squares of pixels to channels, (B, C, H, W) -> (B, C p^2, H/p, W/p): a quarter of the cells and the time.

    Sides that the patch does not divide are padded.
    """
    high, wide = (-side % patch for side in x.shape[2:])
    return F.pixel_unshuffle(F.pad(x, (0, wide, 0, high)), patch)


def unfold(x: Tensor, patch: int, size: Size) -> Tensor:
    """The inverse of `fold`."""
    return F.pixel_shuffle(x, patch)[:, :, : size[0], : size[1]]


class ResidualBlock(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), scaled and shifted by a condition (FiLM, Perez et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, condition: int = 0, dropout: float = 0.0):
        super().__init__()
        self.norm1, self.conv1 = group_norm(inputs), conv(inputs, outputs)
        self.norm2, self.conv2 = group_norm(outputs), conv(outputs, outputs, zero=True)
        self.film = nn.Linear(condition, 2 * outputs) if condition else None
        self.skip = conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.film is not None and condition is not None:
            scale, shift = self.film(condition)[:, :, None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        return self.skip(x) + self.conv2(self.dropout(F.silu(h)))


class Encoder(nn.Module):
    """(B, C, H, W) -> (B, outputs): residual blocks at every size, doubling the width up to 4 times.

    With a `map` of n, convolutional all the way: (B, outputs, H/n, W/n), rounded up.
    """

    def __init__(
        self, channels: int, size: Size, width: int, outputs: int, condition: int = 0, patch: int = 1,
        map: int = 0, blocks: int = 1,
    ):  # fmt: skip
        super().__init__()
        self.patch, self.per_size = patch, blocks
        self.sizes = level_sizes(size, patch, map)
        widths = level_widths(width, len(self.sizes))
        self.stem = conv(channels * patch**2, widths[0])
        self.blocks = residual_blocks(widths, blocks, condition)
        last = (
            [conv(widths[-1], outputs)]
            if map
            else [nn.Flatten(), nn.Linear(widths[-1] * math.prod(self.sizes[-1]), outputs)]
        )
        self.head = nn.Sequential(group_norm(widths[-1]), nn.SiLU(), *last)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.stem(fold(x, self.patch))
        for i, block in enumerate(self.blocks):
            h = block(resize(h, self.sizes[i // self.per_size]), condition)
        return self.head(h)


class Decoder(nn.Module):
    """The encoder's way back, from a vector or a `map`, by nearest neighbour and convolution."""

    def __init__(
        self, inputs: int, channels: int, size: Size, width: int, condition: int = 0, patch: int = 1,
        map: int = 0, blocks: int = 1,
    ):  # fmt: skip
        super().__init__()
        self.patch, self.size, self.per_size = patch, size, blocks
        self.sizes = level_sizes(size, patch, map)[::-1]
        widths = level_widths(width, len(self.sizes))[::-1]
        first = (widths[0], *self.sizes[0])
        self.stem: nn.Module = (
            conv(inputs, widths[0])
            if map
            else nn.Sequential(nn.Linear(inputs, math.prod(first)), nn.Unflatten(1, first))
        )
        self.blocks = residual_blocks(widths, blocks, condition)
        self.head = nn.Sequential(group_norm(widths[-1]), nn.SiLU(), conv(widths[-1], channels * patch**2))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.stem(z)
        for i, block in enumerate(self.blocks):
            h = block(resize(h, self.sizes[i // self.per_size]), condition)
        return unfold(self.head(h), self.patch, self.size)


def level_sizes(size: Size, patch: int, map: int) -> list[Size]:
    """From the folded picture down to no side above 4, or, for a `map` of n, to 1/n of the picture's sides."""
    if not map:
        return halvings(folded(size, patch))
    levels = max(1, (map // patch).bit_length())
    if map != patch << levels - 1:
        able = ", ".join(str(patch << level) for level in range(4))
        raise AnewError(f"setting 'map' cannot be {map} where patch is {patch}; expected {able}, ...")
    return [folded(size, patch << level) for level in range(levels)]


def level_widths(width: int, levels: int) -> list[int]:
    """Channels at each size, doubled twice: 32 -> [32, 64, 128, 128, ...]."""
    return [width * min(2**level, 4) for level in range(levels)]


def residual_blocks(widths: list[int], each: int, condition: int) -> nn.ModuleList:
    """`each` of them at every width; the first of each changes it from the one before."""
    outputs = [width for width in widths for _ in range(each)]
    pairs = zip([widths[0], *outputs[:-1]], outputs, strict=True)
    return nn.ModuleList(ResidualBlock(a, b, condition) for a, b in pairs)
