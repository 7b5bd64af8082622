"""What the guard measures on a few dozen samples, in a view that is the same for every space and every run."""

from __future__ import annotations

import torch
from torch import Tensor

from anew.nn.conditioning import vector_size, vectors
from anew.rng import generator
from anew.spaces import Space

DIMENSIONS, TOGETHER = 512, 500  # of the view, at most; examples that are brought down at a time
UNIQUE = 1 / 3  # a sample this much closer to one example than to any other is that example


class View:
    """(B, *space.shape) -> (B, d): vectors, brought down by a fixed random projection where they are long.

    Such a projection keeps distances (Johnson and Lindenstrauss 1984).
    """

    def __init__(self, space: Space):
        self.space, size, self.projection = space, vector_size(space), None
        if size > DIMENSIONS:
            self.projection = torch.randn(size, DIMENSIONS, generator=generator("view")) * DIMENSIONS**-0.5

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([self._of(part) for part in x.cpu().split(TOGETHER)])

    def _of(self, x: Tensor) -> Tensor:
        flat = vectors(self.space, x).float()
        return flat if self.projection is None else flat @ self.projection


def spread(x: Tensor) -> float:
    """The mean distance of two of (n, d)."""
    return (torch.cdist(x, x).sum() / max(1, len(x) * (len(x) - 1))).item()


def vendi(x: Tensor, scale: float) -> float:
    """How many different ones are among (n, d), 1 to n (Friedman and Dieng 2023, equation 1): a Gaussian kernel."""
    kernel = torch.exp(-torch.cdist(x, x).square() / (2 * scale**2)).double()
    shares = torch.linalg.eigvalsh(kernel / len(x)).clamp(min=1e-12)
    return torch.exp(-(shares * shares.log()).sum()).item()


def to_nearest(x: Tensor) -> Tensor:
    """(n,): how far each of (n, d) is from the nearest other one."""
    return torch.cdist(x, x).fill_diagonal_(torch.inf).amin(1)


def energy_distance(x: Tensor, y: Tensor) -> float:
    """Between two samples, 0 (in the mean, for one distribution) to 1 (Szekely and Rizzo 2013, "E-coefficient")."""
    across = 2 * torch.cdist(x, y).mean().item()
    return (across - spread(x) - spread(y)) / across if across > 0 else 0.0


def memorised(x: Tensor, train: Tensor) -> float:
    """The share of x that is one example of `train` (Yoon et al. 2023): three times as close as to the second."""
    if len(train) < 2:
        return 0.0
    near, second = torch.cdist(x, train).topk(2, dim=1, largest=False).values.unbind(1)
    return (near < UNIQUE * second).float().mean().item()
