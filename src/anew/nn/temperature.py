"""How sure a model is of what it says."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Temperature(nn.Module):
    """Divides logits by a number that is not learned from training examples (Guo et al. 2017, equation 9).

    Those are known too well to tell how sure to be of others: see training/calibrate.py. While learning it is 1.
    """

    inverse: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("inverse", torch.ones(()))

    def forward(self, logits: Tensor) -> Tensor:
        return logits if self.training else logits * self.inverse


def temperatures(model: nn.Module) -> list[Tensor]:
    """The inverse of each that a model has: the buffers themselves."""
    return [module.inverse for module in model.modules() if isinstance(module, Temperature)]
