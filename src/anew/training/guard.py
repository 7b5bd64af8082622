"""Watches a run: sees what goes wrong, says so with the figure, mends it, and stops with the best state if it can't."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, pstdev
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anew.codecs.dataset import Split
from anew.errors import AnewError
from anew.models.model import Turn
from anew.nn.temperature import temperatures
from anew.rng import Rng, generator
from anew.spaces import Batch
from anew.training.calibrate import calibrate
from anew.training.checkpoint import roll_back, save_weights
from anew.training.remedies import SIGNALS
from anew.training.signals import View, energy_distance, memorised, spread, to_nearest, vendi
from anew.training.trainer import Trainer
from anew.writing import replacing

ACTIONS = 3  # after which the next alarm stops the run
SKIPS = 3  # turns in a row without a finite gradient
LASTING = 3  # examinations in a row that must see the same
GRACE = 0.1  # share of the budget for which a signal is left alone after it was acted upon
EXAMINATIONS, EXAMINED = 100, 128  # how often vital signs are taken, and on how many examples
PART = 16  # of them, whose loss is taken at a time
JUDGED, REAL, LOOKED_UP = 64, 1_000, 20_000  # samples; held-out and training examples that they are held against
EARLY, YOUNG = 0.3, 500  # share of the budget, and steps, before which samples may be poor, if they never were good
GOOD, COLLAPSED = 0.7, 0.5  # spread of the samples over that of data
CHANCES = 20  # draws of data, which tell how much of a distance is chance
ENDS = ("memorisation", "overfitting")  # for which there is no remedy
FEW, NARROW = 0.4, 1 / 3  # Vendi score of the samples over that of data; its kernel's scale over their spread
TWIN, TWINS = 0.3, 0.1  # how near a twin is, next to what is usual; share of samples with one, above that of data
OVERFIT, SURE, VANISHED = 0.6, 0.99, 0.2
LOST, WORSE = 0.15, 3  # distance to data (0 to 1) that samples had not before, and how many times the best so far
RISEN, SURELY = 1.03, 0.02  # loss on held-out examples: times the least so far, and beyond
COPIED = 0.2  # share of samples that are a training example, above that of held-out data


class Event(NamedTuple):
    """What the guard saw after so many examples, and what it did."""

    examples: int
    signal: str
    saw: str
    did: str

    def __str__(self) -> str:
        return f"guard, after {self.examples:,} examples: {self.saw}; {self.did}"


class Guard:
    """The training loop calls `after_step`, `examine` and `judge`; each returns an Event if something was done.

    What it remembers is `trainer.memory`, which is part of the checkpoint. In a group of processes the first
    one looks, and all act.
    """

    def __init__(self, trainer: Trainer, held_out: Split, folder: Path):
        self.trainer, self.held_out, self.folder = trainer, held_out, folder
        self.on = trainer.config.guard
        self.memory = trainer.memory
        for name, first in _FIRST.items():
            self.memory.setdefault(name, type(first)(first))
        self.by_loss = trainer.model.explains
        if self.on and self.leads and not self.by_loss:
            self._look_at_data()

    @property
    def leads(self) -> bool:
        return self.trainer.group.rank == 0

    @property
    def events(self) -> list[Event]:
        return [Event(*event) for event in self.memory["events"]]

    @property
    def stopped(self) -> bool:
        return bool(self.memory["stopped"])

    # --- when the loop calls

    def after_step(self) -> Event | None:
        """Every process sees the same gradients, so each knows by itself."""
        if not self.on or self.trainer.skipped < SKIPS:
            return None
        self.trainer.skipped = 0
        return self._alarm("not finite", f"no finite gradient in {SKIPS} turns in a row")

    def examine(self) -> Event | None:
        """Takes the vital signs of the model; what lasts is an alarm."""
        if self.trainer.step % self.trainer.every(EXAMINATIONS):
            return None
        return self._ask(self._examine)

    def judge(self, x: Tensor | None) -> Event | None:
        """Holds samples of the average against data; healthy ones make this the state to come back to.

        `x` is None in processes other than the first. Models that explain are held against held-out data.
        """
        return self._ask(self._judge_by_loss if self.by_loss else lambda: self._judge(x))

    def keep(self, checkpoint: Path) -> None:
        """Keeps a copy of the checkpoint as the state to roll back to, if that is what it is."""
        if self.on and self.memory["good"] == self.trainer.step:
            with replacing(self.good) as beside:
                shutil.copyfile(checkpoint, beside)

    @property
    def was_better(self) -> bool:
        """Whether the state to keep is the best, not the last."""
        return self.stopped or (self.on and self.by_loss and 0 < self.memory["best"] < self.trainer.examples)

    def clear(self) -> None:
        for path in (self.good, self.best):
            path.unlink(missing_ok=True)

    @property
    def good(self) -> Path:
        """The last healthy state."""
        return self.folder / "good.safetensors"

    @property
    def best(self) -> Path:
        """The weights that were nearest to held-out data."""
        return self.folder / "best.safetensors"

    # --- looking

    def _ask(self, look: Callable[[], tuple[str, str] | None]) -> Event | None:
        """The first process looks; all hear which signal it is, and act."""
        if not self.on:
            return None
        found = look() if self.leads else None
        names = list(SIGNALS)
        number = self.trainer.group.told(names.index(found[0]) if found else -1)
        return self._alarm(names[number], found[1] if found else "") if number >= 0 else None

    def _look_at_data(self) -> None:
        data, view = self.trainer.data, View(self.trainer.model.space)
        self.view = view
        self.real, self.train = view(_some(self.held_out, REAL).x), view(_some(data, LOOKED_UP).x).unique(dim=0)
        self.copies = memorised(self.real, self.train)
        draws = [energy_distance(self._train_examples(draw), self.real) for draw in range(CHANCES)]
        self.chance = 2 * pstdev(draws)

    def _train_examples(self, draw: int) -> Tensor:
        """As many as are judged."""
        return self.train[torch.randperm(len(self.train), generator=generator("guard", draw))[:JUDGED]]

    def _examine(self) -> tuple[str, str] | None:
        trainer, seed = self.trainer, (self.trainer.plan.seed, "guard", self.trainer.step)
        n = min(EXAMINED, len(self.held_out), len(trainer.data))
        train, held_out = (_some(split, n, *seed).to(trainer.group.device) for split in (trainer.data, self.held_out))
        trainer.model.eval()
        with torch.no_grad():
            signs = trainer.model.examine(train, held_out, Rng.for_step(*seed, batch=n, device=trainer.group.device))
        trainer.model.train()
        seen = dict(self._symptoms(signs))
        lasting = {name: self.memory["lasting"].get(name, 0) + 1 for name in seen}
        self.memory["lasting"] = lasting
        name = next((name for name, times in lasting.items() if times >= LASTING), None)
        if name is None:
            return None
        self.memory["lasting"] = {}
        return name, seen[name]

    def _symptoms(self, signs: dict[str, float]) -> list[tuple[str, str]]:
        found = []
        if signs.get("overfit", 0) > OVERFIT:
            share = f"{signs['overfit']:.0%} of the way from training examples to generated ones"
            found.append(("discriminator overfits", f"the discriminator puts held-out examples {share}"))
        if "accuracy" in signs:
            norm = self.trainer.norms.get("generator", math.nan)
            usual = self._usual(norm)
            if signs["accuracy"] > SURE and norm < VANISHED * usual:
                figure = f"{norm:.2g}, usually {usual:.2g}; the discriminator is right in {signs['accuracy']:.0%}"
                found.append(("generator's gradient vanishes", f"the generator's gradient vanishes ({figure})"))
        if signs.get("active_units", 1) < 1 and self.trainer.step > 0.2 * self.trainer.steps:
            found.append(("posterior collapse", f"{signs['active_units']:.0f} latents say anything about the data"))
        return found

    def _usual(self, norm: float) -> float:
        norms = self.memory["norms"]
        if math.isfinite(norm):
            norms.append(float(f"{norm:.6g}"))
        return median(norms) if norms else math.nan

    def _judge(self, x: Tensor | None) -> tuple[str, str] | None:
        assert x is not None
        seen = self.view(x)
        if not seen.isfinite().all():
            return "not finite", "samples are not finite"
        distance, nearest = energy_distance(seen, self.real), self.memory["nearest"]
        if self.trainer.model.generates:
            if found := self._collapse(seen):
                return found
            if found := self._copying(seen):
                if not self.memory["best"]:
                    self._keep_best(distance)
                return found
            if found := self._twins(seen):
                return found
            if distance > max(LOST, WORSE * nearest):
                return "divergence", f"samples are {distance:.2f} of 1 away from data, and were {nearest:.2f} before"
        self.memory["good"] = self.trainer.step
        self._keep_best(distance)
        return None

    def _judge_by_loss(self) -> tuple[str, str] | None:
        loss, least = self._held_out_loss(), self.memory["least"]
        if not math.isfinite(loss):
            return "not finite", "the loss on held-out examples is not finite"
        if loss < least:
            self.memory |= {"least": loss, "best": self.trainer.examples}
            save_weights(self.trainer, self.best)
        elif loss > RISEN * least + SURELY:
            return "overfitting", f"held-out examples lose {loss:.4g}, and lost {least:.4g} before"
        self.memory["good"] = self.trainer.step
        return None

    def _held_out_loss(self) -> float:
        """Of the average, always of the same examples in the same places, after its temperature was set by them."""
        trainer, model = self.trainer, self.trainer.ema.model
        n, device = min(EXAMINED, len(self.held_out)), trainer.group.device
        batch = _some(self.held_out, n).to(device)

        def parts() -> Iterator[Tensor]:
            for start in range(0, n, PART):
                rows = slice(start, start + PART)
                part = Batch(batch.x[rows], None if batch.given is None else batch.given[rows])
                rng = Rng.for_step("guard", batch=n, keep=rows, device=device)
                with trainer.group.autocast(trainer.plan.precision):
                    yield model.loss(part, Turn(model.turns[0], 1.0), rng).sum() / n

        least = calibrate(model, parts)
        for latest, average in zip(temperatures(trainer.model), temperatures(model), strict=True):
            latest.copy_(average)  # so that averaging leaves it as it is
        return least

    def _keep_best(self, distance: float) -> None:
        """The latest of those that are no further from held-out data than chance can tell."""
        nearest = self.memory["nearest"]
        if distance < nearest + self.chance:
            self.memory |= {"nearest": min(distance, nearest), "best": self.trainer.examples}
            save_weights(self.trainer, self.best)

    def _collapse(self, seen: Tensor) -> tuple[str, str] | None:
        real = self._train_examples(0)
        usual = spread(real)
        if usual < 1e-6:
            return None
        apart, kinds = spread(seen) / usual, vendi(seen, NARROW * usual) / vendi(real, NARROW * usual)
        self.memory["spread"] = max(self.memory["spread"], apart)
        if (self._late or self.memory["spread"] > GOOD) and (apart < COLLAPSED or kinds < FEW):
            return "mode collapse", f"samples are {apart:.0%} as far apart as data are, and {kinds:.0%} as varied"
        return None

    def _twins(self, seen: Tensor) -> tuple[str, str] | None:
        """One kind of samples may be always the same one, and the others as varied as ever."""
        if not self._late:
            return None
        usual = to_nearest(self._train_examples(0))
        same, of_data = ((near < TWIN * usual.median()).float().mean().item() for near in (to_nearest(seen), usual))
        if same - of_data <= TWINS:
            return None
        return "mode collapse", f"{same:.0%} of the samples have a twin ({of_data:.0%} of the data have)"

    @property
    def _late(self) -> bool:
        return self._over or self.trainer.step > max(YOUNG, EARLY * self.trainer.steps)

    @property
    def _over(self) -> bool:
        return self.trainer.step >= self.trainer.steps

    def _copying(self, seen: Tensor) -> tuple[str, str] | None:
        share = memorised(seen, self.train)
        if share - self.copies <= COPIED:
            return None
        usual = f"{self.copies:.0%} of held-out examples are as close"
        return "memorisation", f"{share:.0%} of the samples are training examples ({usual})"

    # --- acting

    def _alarm(self, signal: str, saw: str) -> Event | None:
        step, resting = self.trainer.step, self.memory["resting"]
        if step < resting.get(signal, 0):
            return None
        resting[signal] = step + GRACE * self.trainer.steps if signal != "not finite" else 0
        act, advice = SIGNALS[signal]
        used_up = len(self.memory["events"]) >= ACTIONS
        did = "" if used_up else self._too_late(signal, advice) or act(self)
        if not did and not (used_up or signal in ENDS):
            return None  # nothing can be turned further
        if not did:
            did = self._stop(saw, advice)
        event = Event(self.trainer.examples, signal, saw, did)
        self.memory["events"].append(list(event))
        self.memory["norms"] = []
        return event

    def _too_late(self, signal: str, advice: str) -> str:
        """What to say instead of going back at the end, where there is nothing to go back to."""
        if signal != "mode collapse" or not self._over or self.memory["spread"] > GOOD:
            return ""
        return f"too late to mend it; train for longer, or {self._advise(advice)}"

    def _stop(self, saw: str, advice: str) -> str:
        best = self.trainer.group.told(self.memory["best"])
        if not best:
            raise AnewError(f"training diverged: {saw}; {self._advise(advice)} and a new --out")
        self.memory["stopped"] = f"{saw}; {self._advise(advice)}"
        return f"stopped, with the best state so far ({best:,} examples); {self._advise(advice)}"

    def _advise(self, advice: str) -> str:
        return advice.format(lr=self.trainer.config.lr / 10)

    def back(self) -> str:
        """To the last healthy state; its examples are not given back."""
        roll_back(self.trainer, self.good)
        return f"went back to the state of {self.memory['good'] * self.trainer.stride:,} examples"


_FIRST: dict[str, Any] = {
    "events": [], "stopped": "", "good": 0, "best": 0, "nearest": 1.0, "least": 1e9, "spread": 0.0, "norms": [],
    "lasting": {}, "resting": {},
}  # fmt: skip


def _some(split: Split, most: int, *keys: object) -> Batch:
    """Up to `most` examples, drawn at random."""
    return split.batch(torch.randperm(len(split), generator=generator("guard", *keys))[:most])
