"""All of a trainer's state in one file: it is the old one or the new one, never half of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from anew.errors import AnewError
from anew.training.trainer import Trainer
from anew.writing import write


def save_checkpoint(trainer: Trainer, path: Path, seconds: float) -> None:
    """`seconds` is how long training has taken so far. Raises AnewError where it cannot be written."""
    about = {"step": trainer.step, "seconds": seconds, **_numbers(trainer)}
    write(path, save(_for_disk(_state(trainer)), {name: json.dumps(value) for name, value in about.items()}))


def save_weights(trainer: Trainer, path: Path) -> None:
    """The average, which samples are drawn from."""
    write(path, save(_for_disk(trainer.ema.model.state_dict())))


def load_checkpoint(trainer: Trainer, path: Path) -> float:
    """Puts the trainer where it was, if there is a checkpoint; returns the seconds it had taken."""
    if not path.exists():
        return 0.0
    about = _load_state(trainer, path)
    try:
        trainer.step, trainer.steps, seconds = int(about["step"]), int(about["steps"]), float(about["seconds"])
        trainer.skipped, trainer.slower = int(about["skipped"]), float(about["slower"])
        trainer.memory, trainer.model.dials = dict(about["memory"]), dict(about["dials"])
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error
    return seconds


def roll_back(trainer: Trainer, path: Path) -> None:
    """Weights, average and moments as they were; what was decided and how far training is stay as they are."""
    _load_state(trainer, path)


@torch.no_grad()
def _load_state(trainer: Trainer, path: Path) -> dict[str, Any]:
    """Copies the tensors into the trainer's; returns what else the file says."""
    state = _state(trainer)
    try:
        with safe_open(path, framework="pt") as file:
            if set(file.keys()) != set(state):
                raise KeyError("other tensors than this model has")
            for name, tensor in state.items():
                tensor.copy_(file.get_tensor(name))
            return {name: json.loads(text) for name, text in file.metadata().items()}
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> AnewError:
    return AnewError(f"the checkpoint '{path}' is damaged ({error}); delete it to train from the start")


def _numbers(trainer: Trainer) -> dict[str, Any]:
    """What training goes on from beside its tensors: JSON."""
    return {
        "steps": trainer.steps,
        "skipped": trainer.skipped,
        "slower": trainer.slower,
        "dials": trainer.model.dials,
        "memory": trainer.memory,
    }


def _state(trainer: Trainer) -> dict[str, Tensor]:
    """The tensors themselves, so that they can be saved and loaded into."""
    parts = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    parts |= {f"ema.{name}": tensor for name, tensor in trainer.ema.model.state_dict().items()}
    for turn, optimiser in trainer.optimisers.items():
        parts |= {f"{turn}.{name}": tensor for name, tensor in optimiser.state().items()}
    return parts


def _for_disk(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
