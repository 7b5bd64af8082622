"""A U-Net (Ronneberger et al. 2015) with residual blocks and a time, as in DDPM (Ho et al. 2020), made small."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.conditioning import fourier
from anew.nn.conv import (
    ResidualBlock,
    Size,
    conv,
    fold,
    folded,
    group_norm,
    halvings,
    level_widths,
    resize,
    unfold,
)  # fmt: skip


class Attention(nn.Module):
    """Self-attention over the cells of a 2-D grid, added to its input (Vaswani et al. 2017, equation 1)."""

    def __init__(self, channels: int, head: int = 32):
        super().__init__()
        self.heads = max(1, channels // head)
        self.norm, self.qkv = group_norm(channels), conv(channels, 3 * channels, 1)
        self.out = conv(channels, channels, 1, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1)).mT
        attended = F.scaled_dot_product_attention(*qkv.unbind(1))
        return x + self.out(attended.mT.reshape(x.shape))


class UNet(nn.Module):
    """(B, C, H, W), time (B,) in [0, 1] and a condition (B, condition) -> (B, C, H, W).

    `patch` folds squares of pixels into channels first: a quarter of the cells, a quarter of the time.
    """

    def __init__(
        self, channels: int, size: Size, width: int, blocks: int = 2, patch: int = 1, condition: int = 0,
        smallest: int = 7, dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        self.patch, self.size, self.width = patch, size, width
        self.sizes = halvings(folded(size, patch), smallest)
        widths, time = level_widths(width, len(self.sizes)), 4 * width
        cells = channels * patch**2
        self.time = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.condition = nn.Linear(condition, time) if condition else None
        self.stem = conv(cells, widths[0])
        self.down, skips, now = nn.ModuleList(), [widths[0]], widths[0]
        for wide in widths:
            for _ in range(blocks):
                self.down.append(ResidualBlock(now, wide, time, dropout))
                now = wide
                skips.append(now)
        self.middle1 = ResidualBlock(now, now, time, dropout)
        self.attention = Attention(now)
        self.middle2 = ResidualBlock(now, now, time, dropout)
        self.up = nn.ModuleList()
        for wide in widths[::-1]:
            for _ in range(blocks):
                self.up.append(ResidualBlock(now + skips.pop(), wide, time, dropout))
                now = wide
        self.blocks = blocks
        self.head = nn.Sequential(group_norm(now + widths[0]), nn.SiLU(), conv(now + widths[0], cells, zero=True))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor | None = None) -> Tensor:
        told = self.time(fourier(t, self.width))
        if self.condition is not None and condition is not None:
            told = told + self.condition(condition)
        told = F.silu(told)
        h = self.stem(fold(x, self.patch))
        skips = [h]
        for i, block in enumerate(self.down):
            h = block(resize(h, self.sizes[i // self.blocks]), told)
            skips.append(h)
        h = self.middle2(self.attention(self.middle1(h, told)), told)
        for block in self.up:
            skip = skips.pop()
            h = block(torch.cat([resize(h, tuple(skip.shape[2:])), skip], 1), told)
        return unfold(self.head(torch.cat([h, skips.pop()], 1)), self.patch, self.size)
