"""All of a trainer's state in one file: it is the old one or the new one, never half of each."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from anew.errors import AnewError
from anew.training.trainer import Trainer
from anew.writing import write


def save_checkpoint(trainer: Trainer, path: Path, seconds: float) -> None:
    """`seconds` is how long training has taken so far. Raises AnewError where it cannot be written."""
    about = {"step": str(trainer.step), "seconds": repr(seconds)}
    write(path, save(_for_disk(_state(trainer)), about))


def save_weights(trainer: Trainer, path: Path) -> None:
    """The average, which samples are drawn from."""
    write(path, save(_for_disk(trainer.ema.model.state_dict())))


@torch.no_grad()
def load_checkpoint(trainer: Trainer, path: Path) -> float:
    """Puts the trainer where it was, if there is a checkpoint; returns the seconds it had taken."""
    if not path.exists():
        return 0.0
    state = _state(trainer)
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            if set(file.keys()) != set(state):
                raise KeyError("other tensors than this model has")
            for name, tensor in state.items():
                tensor.copy_(file.get_tensor(name))
            trainer.step, seconds = int(about["step"]), float(about["seconds"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise AnewError(f"the checkpoint '{path}' is damaged ({error}); delete it to train from the start") from error
    return seconds


def _state(trainer: Trainer) -> dict[str, Tensor]:
    """The tensors themselves, so that they can be saved and loaded into."""
    _begin(trainer)
    parts = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    parts |= {f"ema.{name}": tensor for name, tensor in trainer.ema.model.state_dict().items()}
    for turn, optimiser in trainer.optimisers.items():
        for index, parameter in enumerate(optimiser.param_groups[0]["params"]):
            parts |= {f"{turn}.{index}.{name}": tensor for name, tensor in optimiser.state[parameter].items()}
    return parts


def _begin(trainer: Trainer) -> None:
    """Gives the optimisers the tensors that their first step makes, where there was none yet."""
    for optimiser in trainer.optimisers.values():
        for parameter in optimiser.param_groups[0]["params"]:
            if not optimiser.state[parameter]:
                zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
                optimiser.state[parameter] = {"step": torch.zeros((), device=parameter.device), **zeros}


def _for_disk(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
