"""Muon: momentum that is made orthogonal, so that every direction of a matrix learns at the same pace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from anew.nn.matrix import Matrix

QUINTICS = (  # a x + b x³ + c x⁵ one after the other bring 0.003 to 1 near 1 (Amsel et al. 2025, "Polar Express")
    (8.3032, -24.0473, 17.4738), (4.0122, -2.9304, 0.5431), (3.5082, -2.5812, 0.5054), (2.5298, -1.8451, 0.4277),
)  # fmt: skip
SMALLEST = 32  # side of a matrix, below which there is little to make orthogonal


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".

    Kernels of convolutions count as matrices (outputs, inputs * height * width). torch.optim.Muon takes none.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append(parameter)
            for parameters in alike.values():
                self._step(parameters, group)

    def _step(self, parameters: list[Tensor], group: dict[str, float]) -> None:
        """Of parameters of one shape, together."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        averages = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, averages, group["momentum"])  # Nesterov's look
        updates = orthogonal(torch.stack([update.flatten(1) for update in ahead]), self.dtype)
        wide = max(1.0, updates.shape[1] / updates.shape[2]) ** 0.5
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, list(updates.view(-1, *parameters[0].shape)), alpha=-group["lr"] * wide)


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """U V^T for each matrix = U S V^T (n, rows, columns), roughly: singular values between 0.78 and 1.22. In float32.

    `dtype` is what is multiplied in; bfloat16 will do, and is several times as fast on processors that know it.
    """
    x = matrices.float()
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    if tall := x.shape[-2] > x.shape[-1]:
        x = x.mT
    for a, b, c in QUINTICS:
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


def is_hidden(parameter: nn.Parameter) -> bool:
    """Whether it is a `Matrix`, or a kernel with many inputs and outputs. (Those of conditions gained nothing.)"""
    if isinstance(parameter, Matrix):
        return min(parameter.shape) >= SMALLEST
    return parameter.dim() > 2 and parameter[0, 0].numel() > 1 and min(parameter.flatten(1).shape) >= SMALLEST
