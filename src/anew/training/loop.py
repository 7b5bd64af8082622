"""The loop around the steps: it logs, shows, saves, and can be stopped and gone on from at any moment."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from types import FrameType

import torch

from anew.display import TrainingDisplay
from anew.run import Run, draw
from anew.training import metrics
from anew.training.checkpoint import load_checkpoint, save_checkpoint, save_weights
from anew.training.trainer import Group, Plan, Trainer
from anew.writing import alone, sweep, write

PREVIEWS, PREVIEWED = 10, 64  # how often samples are made, and how many
RECORDS = 400  # of metrics.jsonl
SAVE_SECONDS = 30.0  # from one checkpoint to the next, at most


def fit(group: Group, path: str, show: bool = True) -> None:
    """Trains the run at `path` to its end, from its checkpoint if there is one; Ctrl-C saves and returns."""
    run = Run.load(path)
    plan = read_plan(run)
    torch.set_num_threads(plan.threads)
    data = run.open_data()
    trainer = Trainer(run.new_model(), data.train, plan, group)
    with alone(run.path) if group.rank == 0 else nullcontext():
        Loop(run, trainer, show and group.rank == 0).run()


def read_plan(run: Run) -> Plan:
    try:
        return Plan(**{field.name: run.info["training"][field.name] for field in fields(Plan)})
    except (KeyError, TypeError) as error:
        raise run.damaged("run.json", error) from error


class Loop:
    def __init__(self, run: Run, trainer: Trainer, show: bool):
        self.run_folder, self.trainer, self.show = run, trainer, show
        self.meter, self.stopping = metrics.Meter(), False
        self.saved, self.saved_step = 0.0, -1  # when, and after which step, it was last done here
        self.record_steps = max(1, trainer.steps // RECORDS)
        self.preview_steps = max(1, trainer.steps // PREVIEWS)
        self.given = run.draw_given(PREVIEWED, {}, seed=0)
        if self.given is not None:  # like with like, so that a grid can be read
            self.given = self.given[self.given[:, 0].argsort(stable=True)]

    def run(self) -> None:
        trainer, run = self.trainer, self.run_folder
        self.spent = load_checkpoint(trainer, run.checkpoint)
        if self.leads:
            sweep(run.path)
            metrics.truncate(run.metrics, trainer.examples)
        self.began = self.saved = time.monotonic()
        with TrainingDisplay(trainer.steps * trainer.stride, self.show) as display, self._signals():
            while trainer.step < trainer.steps and not self._stop():
                self.meter.add(trainer.advance())
                self._after_step(display)
            if self.saved_step != trainer.step:
                self._save()
        if self.leads and trainer.step >= trainer.steps:
            self._finish()

    def _after_step(self, display: TrainingDisplay) -> None:
        trainer = self.trainer
        display.update(trainer.examples)
        if trainer.step % self.record_steps == 0 or trainer.step == trainer.steps:
            self._record(display)
        previewed = trainer.step % self.preview_steps == 0
        if previewed and self.leads:
            self._preview()
        if previewed or time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.trainer.group.rank == 0

    @property
    def seconds(self) -> float:
        """Spent on training, earlier sittings included."""
        return self.spent + time.monotonic() - self.began

    def _record(self, display: TrainingDisplay) -> None:
        values = self.meter.read()
        speed = self.trainer.examples / self.seconds
        display.update(self.trainer.examples, {"examples/s": speed, **values})
        if self.leads:
            record = {"examples": self.trainer.examples, "seconds": self.seconds, "examples_per_second": speed}
            metrics.append(self.run_folder.metrics, record | values)

    def _preview(self) -> None:
        run, trainer = self.run_folder, self.trainer
        x = draw(trainer.ema.model, PREVIEWED, self.given, seed=0)
        picture = run.codec.show(run.codec.decode(x))
        write(run.path / "samples" / f"{trainer.examples:010d}.png", picture)

    def _save(self) -> None:
        if self.leads:
            save_checkpoint(self.trainer, self.run_folder.checkpoint, self.seconds)
            save_weights(self.trainer, self.run_folder.weights)
        self.saved, self.saved_step = time.monotonic(), self.trainer.step

    def _finish(self) -> None:
        run = self.run_folder
        run.info["result"] = {
            "examples": self.trainer.examples,
            "seconds": round(self.seconds, 2),
            "examples_per_second": round(self.trainer.examples / self.seconds, 1),
            "parameters": sum(parameter.numel() for parameter in self.trainer.model.parameters()),
            "memory_megabytes": _peak_memory(),
        }
        run.save()

    def _stop(self) -> bool:
        """Whether to stop now; all processes answer alike."""
        group = self.trainer.group
        if group.size == 1:
            return self.stopping
        return self.trainer.step % self.record_steps == 0 and group.any(self.stopping)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and `kill` are obeyed after the present step; a second time, at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True

        numbers = (signal.SIGINT, signal.SIGTERM)
        try:
            before = [signal.signal(number, stop) for number in numbers]
        except ValueError:  # not the main thread: whoever runs it handles signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _peak_memory() -> int:
    """Megabytes: of the GPU, or of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() // 2**20
    if sys.platform == "win32":  # which has no getrusage
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2 ** (20 if sys.platform == "darwin" else 10)
