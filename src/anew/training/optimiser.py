"""What turns gradients into steps: AdamW, or Muon for the kernels of convolutions and AdamW for the rest, as one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anew.models.model import Config
from anew.training.muon import Muon, is_hidden


class Optimiser:
    """For the parameters of one player; `rate` multiplies all learning rates."""

    def __init__(self, player: nn.Module, config: Config):
        self.parameters = list(player.parameters())
        hidden = [p for p in self.parameters if config.muon and is_hidden(p)]
        others = [p for p in self.parameters if not (config.muon and is_hidden(p))]
        adamw = torch.optim.AdamW(others, config.lr, config.betas, weight_decay=config.weight_decay, fused=True)
        self.parts: list[tuple[torch.optim.Optimizer, float]] = [(adamw, config.lr)]
        if hidden:
            self.parts.append((Muon(hidden, config.muon, weight_decay=config.weight_decay), config.muon))

    def step(self, rate: float) -> None:
        for part, lr in self.parts:
            part.param_groups[0]["lr"] = lr * rate
            part.step()

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves, by the number of the parameter; those that the first step makes, as it does."""
        found: dict[str, Tensor] = {}
        for part, _ in self.parts:
            for parameter in part.param_groups[0]["params"]:
                if not part.state[parameter]:
                    part.state[parameter] = _fresh(part, parameter)
        for index, parameter in enumerate(self.parameters):
            for part, _ in self.parts:
                found |= {f"{index}.{name}": tensor for name, tensor in part.state.get(parameter, {}).items()}
        return found


def _fresh(part: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, Tensor]:
    if isinstance(part, Muon):
        return {"momentum": torch.zeros_like(parameter)}
    zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
    return {"step": torch.zeros((), device=parameter.device), **zeros}
