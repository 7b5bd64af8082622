"""One training step, the same for every family, and the state that it changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from anew.codecs.dataset import Split
from anew.models.model import Model, Turn
from anew.rng import Rng
from anew.spaces import Batch
from anew.training.ema import EMA
from anew.training.memory import keep_freed_memory
from anew.training.optimiser import Optimiser
from anew.training.order import Order
from anew.training.schedule import rate


@dataclass(frozen=True)
class Plan:
    """What was decided before the first step. It is saved, so that every resume trains the same way."""

    examples: int  # the budget, repeats counted
    precision: str = "fp32"  # or bf16: autocast
    channels_last: bool = False
    seed: int = 0
    threads: int = 1  # of each process
    devices: int = 1
    minutes: float | None = None  # that training shall take at most

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Group:
    """The processes that train together; on its own, this one. `training.distributed` has the other kind."""

    rank, size = 0, 1

    def __init__(self, device: torch.device | str = "cpu"):
        self.device = torch.device(device)

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    def average(self, tensors: list[Tensor]) -> None:
        """In place, over the processes."""

    def any(self, flag: bool) -> bool:
        """Whether it is raised in one of the processes."""
        return flag

    def told(self, number: int) -> int:
        """The number that the first process has, in all of them."""
        return number


class Trainer:
    """A model, its average and its optimisers, and `advance`, which is one step of all players.

    Everything random in step s is a function of (seed, s), so the state of a run is its tensors and `step`.
    """

    def __init__(self, model: Model, data: Split, plan: Plan, group: Group | None = None):
        keep_freed_memory()
        self.group = group or Group()
        self.data, self.plan, self.config = data, plan, model.config
        rate(0.0, self.config.warmup, self.config.decay)  # an unknown decay is told before anything is written
        self.model = model.to(self.group.device).train()
        if plan.channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = EMA(self.model, self.config.ema)
        self.optimisers = {
            turn: Optimiser(model.player(turn), model.config, len(data), plan.precision)
            for turn in dict.fromkeys(model.turns)
        }
        self.order = Order(len(data), plan.seed)
        self.batch, self.part = self._share()
        self.rounds = max(Counter(model.turns).values())  # batches that one step takes
        self.stride = self.batch * self.rounds  # examples that one step takes
        self.planned = max(1, round(plan.examples / self.stride))  # steps of the whole training
        self.steps = self.planned  # or fewer or more, to keep the minutes
        self.step = 0  # steps done
        self.skipped = 0  # turns in a row without a finite gradient
        self.slower = 1.0  # what the guard multiplies the rate by
        self.norms: dict[str, float] = {}  # of each player's last gradient
        self.memory: dict[str, Any] = {}  # what else checkpoints keep: JSON

    @property
    def seed(self) -> int:
        """Of everything random in training."""
        return self.plan.seed

    @property
    def examples(self) -> int:
        """Examples seen."""
        return self.step * self.stride

    @property
    def most(self) -> float:
        """Examples of as many passes as the model has use for."""
        return self.config.passes * len(self.data) or math.inf

    def keep_time(self, seconds: float) -> None:
        """As many steps as fit into the minutes, if any are to be kept, at the speed so far: the trial was short."""
        if self.plan.minutes is not None and self.step:
            fit = int(min(self.most / self.stride, self.step * 60 * self.plan.minutes / seconds))
            self.steps = self.group.told(max(self.step, fit))

    def every(self, times: int) -> int:
        """Steps from one to the next of what is done so many times, or up to twice as many if steps became more."""
        return max(1, self.planned // times) << max(0, (self.steps // self.planned).bit_length() - 1)

    def advance(self) -> dict[str, Tensor]:
        """One step; returns the mean loss of each player and what the model notes, as scalars."""
        progress, seen = self.step / self.steps, {}
        middle = (self.step + 0.5) / self.steps  # of the step: at its start, the first one would have no rate at all
        multiplier = rate(middle, self.config.warmup, self.config.decay)
        for index, (turn, batch) in enumerate(zip(self.model.turns, self._batches(), strict=True)):
            loss = seen[_title(turn)] = self.backward(index, Turn(turn, progress), batch, self.plan.precision)
            own = multiplier * self.slower * self.model.dials.get(f"{turn}_rate", 1.0)
            self._update(turn, [loss, *self.model.notes.values()], own)
        self.step += 1
        self.ema.update(self.step)
        return seen | self.model.notes

    def backward(self, index: int, turn: Turn, batch: Batch, precision: str) -> Tensor:
        """Leaves the gradients of the turn's player in place; returns the mean loss."""
        loss = self.losses(index, turn, batch, precision).mean()
        loss.backward()
        return loss.detach()

    def losses(self, index: int, turn: Turn, batch: Batch, precision: str) -> Tensor:
        """(B,): of each example, ready for the gradients of the turn's player."""
        model, keys, size = self.model, (self.seed, self.step, index), batch.size
        keep = slice(self.group.rank * size, (self.group.rank + 1) * size)
        rng = Rng.for_step(*keys, batch=size * self.group.size, keep=keep, device=self.group.device)
        self._seed_layers(hash(keys))
        if len(self.optimisers) > 1:
            model.requires_grad_(False)
            model.player(turn.name).requires_grad_(True)
        with self.group.autocast(precision):
            return model.loss(batch, turn, rng)

    def batches(self) -> list[Batch]:
        """The batches of the next step, one for each repetition of a turn; this process's part of them."""
        first = self.examples
        starts = range(first, first + self.stride, self.batch)
        parts = (self.order.at(start, self.batch)[self.part] for start in starts)
        return [self.data.batch(rows).to(self.group.device) for rows in parts]

    def _batches(self) -> Iterator[Batch]:
        """The batch of each turn: the n-th time that a player plays, the n-th of the step."""
        batches, played = self.batches(), Counter[str]()
        for turn in self.model.turns:
            yield batches[played[turn]]
            played[turn] += 1

    def _update(self, turn: str, seen: list[Tensor], rate: float) -> None:
        """Averages the gradients, and what is `seen`, over the processes; clips; takes the optimiser's step."""
        parameters = [p for p in self.optimisers[turn].parameters if p.grad is not None]
        gradients = [p.grad for p in parameters if p.grad is not None]
        self.group.average([*gradients, *seen])
        norm = get_total_norm(gradients)
        length = self.norms[turn] = norm.item()
        if math.isfinite(length):
            self.skipped = 0
            if 0 < self.config.clip < length:
                clip_grads_with_norm_(parameters, self.config.clip, norm)
            self.optimisers[turn].step(rate)
        else:
            self.skipped += 1
        self.optimisers[turn].zero_grad()

    def _seed_layers(self, seed: int) -> None:
        """For what layers draw themselves, such as dropout. (`torch.manual_seed` would take 50 times as long.)"""
        torch.default_generator.manual_seed(seed)
        if self.group.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _share(self) -> tuple[int, slice]:
        """The size of the global batch, and the rows of it that are this process's."""
        each = max(1, self.config.batch // self.group.size)
        return each * self.group.size, slice(self.group.rank * each, (self.group.rank + 1) * each)


def _title(turn: str) -> str:
    return "loss" if turn == "fit" else f"{turn}_loss"
