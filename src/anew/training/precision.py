"""Which precision and memory layout are right and fastest here: measured, not assumed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from anew.models.model import Turn
from anew.training.trainer import Plan, Trainer

PRECISIONS = ("fp32", "bf16")
ROUNDS = 3  # of trials
SECONDS, STEPS = 0.5, 12  # of a trial, whichever ends first
AGREEMENT = 0.97  # cosine of the gradients in bf16 and in fp32, at least; two batches' are far further apart
GAIN = 0.95  # another choice than the plain one must take less of its time than this


class Speed(NamedTuple):
    plan: Plan
    seconds: float  # of a step


def choose(make: Callable[[Plan], Trainer], plan: Plan, precision: str = "auto") -> Speed:
    """The fastest plan whose gradients are right. `make` builds a trainer with fresh weights.

    They are tried in turns, so that what slows the machine down for a moment doesn't decide.
    """
    wanted = PRECISIONS if precision == "auto" else (precision,)
    plans = [replace(plan, precision=name, channels_last=last) for name, last in product(wanted, (False, True))]
    times: dict[Plan, list[float]] = defaultdict(list)
    for tried in plans * ROUNDS:
        trainer = make(tried)
        if not tried.channels_last or _has_convolutions(trainer):
            times[tried].append(seconds_per_step(trainer))
    best: Speed | None = None
    for tried, seconds in times.items():
        speed = Speed(tried, median(seconds))
        if best and (speed.seconds > GAIN * best.seconds or (precision == "auto" and not _agrees(make(tried)))):
            continue
        best = speed
    assert best is not None
    return _on_one_thread(make, best)


def _on_one_thread(make: Callable[[Plan], Trainer], best: Speed) -> Speed:
    """The same on one thread, if that is faster: where steps are short or the machine is busy, threads wait."""
    if best.plan.threads == 1:
        return best
    alone, times = replace(best.plan, threads=1), defaultdict(list)
    for tried in (alone, best.plan) * ROUNDS:
        torch.set_num_threads(tried.threads)
        times[tried].append(seconds_per_step(make(tried)))
    torch.set_num_threads(best.plan.threads)
    one, several = (Speed(tried, median(times[tried])) for tried in (alone, best.plan))
    return one if one.seconds < GAIN * several.seconds else several


def seconds_per_step(trainer: Trainer) -> float:
    """The median of a few, after one that is not counted. Changes the trainer's state."""
    trainer.advance()
    times: list[float] = []
    while len(times) < 2 or (len(times) < STEPS and sum(times) < SECONDS):
        start = time.perf_counter()
        trainer.advance()
        _wait(trainer)
        times.append(time.perf_counter() - start)
    return median(times)


def agreement(trainer: Trainer) -> float:
    """The smallest cosine, over the turns, between the gradients in bf16 and in fp32 at the present weights."""
    cosines = []
    for turn in dict.fromkeys(trainer.model.turns):
        low, full = (_gradient(trainer, turn, precision) for precision in ("bf16", "fp32"))
        cosines.append(F.cosine_similarity(low, full, dim=0).item())
    return min(cosines)


def _agrees(trainer: Trainer) -> bool:
    return trainer.plan.precision == "fp32" or agreement(trainer) > AGREEMENT


def _gradient(trainer: Trainer, turn: str, precision: str) -> Tensor:
    index = trainer.model.turns.index(turn)
    trainer.backward(index, Turn(turn, trainer.step / trainer.steps), trainer.batches()[0], precision)
    gradients = [p.grad.flatten() for p in trainer.model.player(turn).parameters() if p.grad is not None]
    trainer.model.zero_grad()
    return torch.cat(gradients)


def _has_convolutions(trainer: Trainer) -> bool:
    return any(parameter.dim() == 4 for parameter in trainer.model.parameters())


def _wait(trainer: Trainer) -> None:
    if trainer.group.device.type == "cuda":
        torch.cuda.synchronize()
