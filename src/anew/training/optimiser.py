"""What turns gradients into steps, as one: AdamW, Muon for hidden layers, EM for what is counted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anew.models.model import Config
from anew.nn.tables import LogProbabilities
from anew.training.em import EM
from anew.training.muon import Muon, is_hidden

PRIOR = 1.0  # examples' worth of what is expected of each kind of rows before any is seen


class Optimiser:
    """For the parameters of one player; `rate` multiplies all learning rates. `examples` is how many there are."""

    def __init__(self, player: nn.Module, config: Config, examples: int, precision: str = "fp32"):
        self.parameters = list(player.parameters())
        tables = [p for p in self.parameters if isinstance(p, LogProbabilities)]
        rest = [p for p in self.parameters if not isinstance(p, LogProbabilities)]
        hidden = [p for p in rest if config.muon and is_hidden(p)]
        others = [p for p in rest if not (config.muon and is_hidden(p))]
        self.parts: list[tuple[torch.optim.Optimizer, float]] = []
        if others:
            adamw = torch.optim.AdamW(others, config.lr, config.betas, weight_decay=config.weight_decay, fused=True)
            self.parts.append((adamw, config.lr))
        if hidden:
            dtype = torch.bfloat16 if precision == "bf16" else torch.float32
            self.parts.append((Muon(hidden, config.muon, weight_decay=config.weight_decay, dtype=dtype), config.muon))
        if tables:
            self.parts.append((EM(tables, config.lr, PRIOR / examples), config.lr))

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
    if isinstance(part, EM):
        return EM.fresh(parameter)
    if isinstance(part, Muon):
        return {"momentum": torch.zeros_like(parameter)}
    zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
    return {"step": torch.zeros((), device=parameter.device), **zeros}
