"""What the two players of adversarial training minimise."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# Each loss maps logits of real and generated examples (B,) to what the discriminator and the generator minimise.
Pair = tuple[Tensor, Tensor]


def minimax(real: Tensor, fake: Tensor) -> Pair:
    """Goodfellow et al. 2014, equation 1."""
    return F.softplus(-real) + F.softplus(fake), -F.softplus(fake)


def non_saturating(real: Tensor, fake: Tensor) -> Pair:
    """Goodfellow et al. 2014, section 3: the generator maximises log D instead."""
    return F.softplus(-real) + F.softplus(fake), F.softplus(-fake)


def least_squares(real: Tensor, fake: Tensor) -> Pair:
    """Mao et al. 2017, equation 9."""
    return ((real - 1).square() + fake.square()) / 2, (fake - 1).square() / 2


def wasserstein(real: Tensor, fake: Tensor) -> Pair:
    """Arjovsky et al. 2017, equation 2."""
    return fake - real, -fake


def hinge(real: Tensor, fake: Tensor) -> Pair:
    """Lim and Ye 2017; Miyato et al. 2018, equation 16."""
    return F.relu(1 - real) + F.relu(1 + fake), -fake


def relativistic(real: Tensor, fake: Tensor) -> Pair:
    """Pairs of a real and a generated example (Jolicoeur-Martineau 2018; Huang et al. 2024, equation 2)."""
    return F.softplus(fake - real), F.softplus(real - fake)


LOSSES: dict[str, Callable[[Tensor, Tensor], Pair]] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
}


def squared_gradient(logits: Tensor, x: Tensor) -> Tensor:
    """|d logit / d x|^2 for each example (B,), itself differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.float().flatten(1).square().sum(1)
