"""A contender in a process of its own, so that nothing that one changes reaches another; it works when it is asked."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

WARM_UP = 3  # steps that are not counted
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Worker:
    """Holds one contender. `make` and `train` answer when it is done, so one worker at a time has the machine."""

    def __init__(self, name: str, threads: int, clock: str):
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(name, threads, clock, other), daemon=True)
        self.process.start()
        other.close()
        self.name = name

    def make(self) -> None:
        """The contender, warm; for anew's this includes the choice of its precision."""
        self.pipe.send("make")
        self.batch, self.most, self.about, self.seconds_per_step = self._answer()

    def train(self, seconds: float) -> float:
        """Trains for about so long; returns images per second."""
        steps = min(self.most, max(1, round(seconds / self.seconds_per_step)))
        self.pipe.send(steps)
        took = self._answer()
        self.seconds_per_step = took / steps
        return self.batch * steps / took

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self.pipe.send(None)
        self.process.join()

    def _answer(self):  # type: ignore[no-untyped-def]
        try:
            answer = self.pipe.recv()
        except EOFError:
            answer = "it ended"
        if isinstance(answer, str):
            raise SystemExit(f"{self.name} failed: {answer}")
        return answer


def _serve(name: str, threads: int, clock: str, pipe: Connection) -> None:
    _be_quiet()
    try:
        import torch
        from contenders import CONTENDERS

        torch.set_num_threads(threads)
        now = CLOCKS[clock]
        pipe.recv()
        contender = CONTENDERS[name]()
        contender.train(WARM_UP)
        pipe.send((contender.batch, contender.most, contender.about, _time(contender.train, WARM_UP, now) / WARM_UP))
        while (steps := pipe.recv()) is not None:
            pipe.send(_time(contender.train, steps, now))
    except Exception:
        pipe.send(traceback.format_exc())


def _time(train: Callable[[int], None], steps: int, now: Callable[[], float]) -> float:
    start = now()
    train(steps)
    return now() - start


def _be_quiet() -> None:
    """The peers write to the console at each epoch; that is theirs to do, but not shown."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
