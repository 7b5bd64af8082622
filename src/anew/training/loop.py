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
from torch import Tensor

from anew.codecs.dataset import Split
from anew.display import TrainingDisplay, say
from anew.drawing import Writing, draw
from anew.models.model import Model
from anew.run import Run
from anew.training import metrics
from anew.training.checkpoint import load_checkpoint, save_checkpoint, save_weights
from anew.training.guard import JUDGED, Event, Guard
from anew.training.private import make_trainer
from anew.training.private_promise import Privacy
from anew.training.trainer import Group, Plan, Trainer
from anew.writing import alone, sweep, write

PREVIEWS, PREVIEWED = 10, JUDGED  # how often samples are made, and how many
FEW, WRITTEN = 16, 256  # of sequences: how many, and codes of each
DRAWN = 0.05  # share of the time that samples may take which nobody judges
RECORDS = 400  # of metrics.jsonl
SAVE_SECONDS = 30.0  # from one checkpoint to the next, at most


def fit(group: Group, path: str, show: bool = True) -> None:
    """Trains the run at `path` to its end, from its checkpoint if there is one; Ctrl-C saves and returns."""
    run = Run.load(path)
    plan = read_plan(run)
    torch.set_num_threads(plan.threads)
    data = run.open_data()
    trainer = make_trainer(run.new_model(), data.train, plan, group, read_privacy(run))
    with alone(run.path) if group.rank == 0 else nullcontext():
        Loop(run, trainer, data.validation, show and group.rank == 0).run()


def read_plan(run: Run) -> Plan:
    try:
        return Plan(**{field.name: run.info["training"][field.name] for field in fields(Plan)})
    except (KeyError, TypeError) as error:
        raise run.damaged("run.json", error) from error


def read_privacy(run: Run) -> Privacy | None:
    """What the run promises; None if it is not private."""
    try:
        return Privacy(**run.info["privacy"]) if "privacy" in run.info else None
    except TypeError as error:
        raise run.damaged("run.json", error) from error


class Loop:
    def __init__(self, run: Run, trainer: Trainer, held_out: Split, show: bool):
        self.run_folder, self.trainer, self.held_out, self.show = run, trainer, held_out, show
        self.meter, self.stopping = metrics.Meter(), False
        self.saved, self.saved_step = 0.0, -1  # when, and after which step, it was last done here
        self.drawn = 0.0  # seconds that samples took here
        self.given = run.draw_given(PREVIEWED, {}, seed=0)
        if self.given is not None:  # like with like, so that a grid can be read
            self.given = self.given[self.given[:, 0].argsort(stable=True)]

    def run(self) -> None:
        trainer, run = self.trainer, self.run_folder
        self.spent = load_checkpoint(trainer, run.checkpoint)
        self.guard = Guard(trainer, self.held_out, run.checkpoint.parent)
        if self.leads:
            sweep(run.path)
            metrics.truncate(run.metrics, trainer.examples)
            if run.checkpoint.exists():  # killed after it was written, before it was kept
                self.guard.keep(run.checkpoint)
        self.began = self.saved = time.monotonic()
        with TrainingDisplay(trainer.steps * trainer.stride, self.show) as display, self._signals():
            if trainer.step == 0:
                self._save()  # the first state to come back to
            while not self._over and not self._stop():
                seen = trainer.advance()
                self.meter.add(seen)
                self._after_step(display, seen)
            if self.saved_step != trainer.step:
                self._save()
        if self.leads and self._over:
            self._finish()

    @property
    def _over(self) -> bool:
        return self.trainer.step >= self.trainer.steps or self.guard.stopped

    def _after_step(self, display: TrainingDisplay, seen: dict[str, Tensor]) -> None:
        trainer = self.trainer
        display.update(trainer.examples)
        if trainer.step % trainer.every(RECORDS) == 0 or trainer.step == trainer.steps:
            self._record(display)
            trainer.model.listen({name: value.item() for name, value in seen.items()})
        previewed = trainer.step % trainer.every(PREVIEWS) == 0 or trainer.step == trainer.steps
        if previewed and not self._over:
            trainer.keep_time(self.seconds)
            display.total = trainer.steps * trainer.stride
        events = self._watch(previewed)
        if previewed or events or time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()
        for event in events:
            self._tell(event)

    def _watch(self, previewed: bool) -> list[Event]:
        """What the guard did after this step."""
        guard = self.guard
        found = [guard.after_step(), guard.examine()]
        if previewed:
            found.append(guard.judge(self._preview() if self.leads else None))
        return [event for event in found if event]

    def _tell(self, event: Event) -> None:
        """Says it and writes it to the run."""
        say(str(event), self.show)
        if self.leads:
            self.run_folder.info["guard"] = [event._asdict() for event in self.guard.events]
            self.run_folder.save()

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

    def _preview(self) -> Tensor | None:
        """Samples of the average, which are also written as a picture; none where they are not worth their time."""
        run, trainer, start = self.run_folder, self.trainer, time.monotonic()
        if trainer.model.explains and not self._over and self.drawn > DRAWN * self.seconds:
            return None
        x = self._draw(trainer.ema.model)
        picture = run.codec.show(run.codec.decode(x))
        write(run.path / "samples" / f"{trainer.examples:010d}.png", picture)
        self.drawn += time.monotonic() - start
        return x

    def _draw(self, model: Model) -> Tensor:
        """Few where nobody judges them; of long sequences, the beginnings."""
        if not model.explains:
            return draw(model, PREVIEWED, self.given, seed=0)
        given = None if self.given is None else self.given[:: PREVIEWED // FEW]
        most = None if getattr(model.space, "columns", 0) else WRITTEN
        return draw(model, FEW, given, seed=0, writing=Writing(rules=self.run_folder.codec.rules, most=most))

    def _save(self) -> None:
        if self.leads:
            save_checkpoint(self.trainer, self.run_folder.checkpoint, self.seconds)
            save_weights(self.trainer, self.run_folder.weights)
            self.guard.keep(self.run_folder.checkpoint)
        self.saved, self.saved_step = time.monotonic(), self.trainer.step

    def _finish(self) -> None:
        run = self.run_folder
        if self.guard.stopped:
            run.info["stopped"] = self.guard.memory["stopped"]
        if self.guard.was_better:
            self.guard.best.replace(run.weights)
        run.info["result"] = {
            "examples": self.trainer.examples,
            "seconds": round(self.seconds, 2),
            "examples_per_second": round(self.trainer.examples / self.seconds, 1),
            "parameters": sum(parameter.numel() for parameter in self.trainer.model.parameters()),
            "memory_megabytes": _peak_memory(),
        }
        run.save()
        self.guard.clear()

    def _stop(self) -> bool:
        """Whether to stop now; all processes answer alike."""
        group = self.trainer.group
        if group.size == 1:
            return self.stopping
        return self.trainer.step % self.trainer.every(RECORDS) == 0 and group.any(self.stopping)

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
