"""Muon: momentum that is made orthogonal, so that every direction of a matrix learns at the same pace."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)  # of the Newton-Schulz iteration (Jordan et al. 2024)
ITERATIONS = 5
SMALLEST = 32  # side of a matrix, below which there is little to make orthogonal


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".

    Kernels of convolutions count as matrices (outputs, inputs * height * width). torch.optim.Muon takes none.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, group)

    def _step(self, parameter: nn.Parameter, group: dict[str, float]) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        average = state.setdefault("momentum", torch.zeros_like(parameter))
        average.lerp_(gradient, 1 - group["momentum"])
        update = orthogonal(gradient.lerp(average, group["momentum"]).flatten(1))  # Nesterov's look ahead
        wide = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update.view(parameter.shape), alpha=-group["lr"] * wide)


def orthogonal(matrix: Tensor) -> Tensor:
    """U V^T for matrix = U S V^T, roughly: singular values between 0.7 and 1.2. In float32."""
    a, b, c = QUINTIC
    x = matrix.float()
    x = x / (x.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.mT
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + torch.addmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x.mT if tall else x


def is_hidden(parameter: nn.Parameter) -> bool:
    """Whether it is a kernel with many inputs and outputs. (Matrices, such as those of conditions, gained nothing.)"""
    return parameter.dim() > 2 and parameter[0, 0].numel() > 1 and min(parameter.flatten(1).shape) >= SMALLEST
