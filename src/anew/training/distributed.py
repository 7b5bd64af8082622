"""Devices and processes, through lightning-fabric: each process takes its rows of every batch."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import active_children
from types import FrameType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from anew.errors import AnewError
from anew.training.trainer import Group


class Processes(Group):
    """Gradients are averaged in one message of our own, so a model is any module, with any number of players."""

    def __init__(self, fabric: Fabric):
        super().__init__(fabric.device)
        self.fabric, self.rank, self.size = fabric, fabric.global_rank, fabric.world_size

    def average(self, tensors: list[Tensor]) -> None:
        if self.size == 1:
            return
        message = torch.cat([tensor.flatten() for tensor in tensors])
        mean = self._reduce(message, "mean")
        for tensor, part in zip(tensors, mean.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, flag: bool) -> bool:
        raised = torch.tensor(float(flag), device=self.device)
        return bool(self._reduce(raised, "sum") > 0)

    def told(self, number: int) -> int:
        said = torch.tensor(float(number if self.rank == 0 else 0), device=self.device)
        return round(self._reduce(said, "sum").item())

    def _reduce(self, tensor: Tensor, how: str) -> Tensor:
        reduced = self.fabric.all_reduce(tensor, reduce_op=how)
        assert isinstance(reduced, Tensor)
        return reduced


def launch(work: Callable[..., None], devices: int, *arguments: Any) -> None:
    """Runs work(group, *arguments) on `devices` GPUs where there are any, or else in as many processes."""
    _check(devices)
    strategy = "ddp_spawn" if devices > 1 else "auto"
    fabric = Fabric(accelerator="auto", devices=devices, strategy=strategy)
    try:
        with _patience() if devices > 1 else nullcontext():
            fabric.launch(_enter, work, *arguments)  # type: ignore[arg-type]
    except ProcessRaisedException as error:
        message = str(error).strip().splitlines()[-1]
        if message == "KeyboardInterrupt":
            raise KeyboardInterrupt from None
        name = f"{AnewError.__module__}.{AnewError.__qualname__}: "
        raise (AnewError(message.removeprefix(name)) if message.startswith(name) else error) from error


@contextmanager
def _patience() -> Iterator[None]:
    """Ctrl-C reaches the other processes by itself and `kill` is passed on to them; they save and end, then we do."""

    def wait(number: int, frame: FrameType | None) -> None:
        for process in active_children() if number == signal.SIGTERM else ():
            process.terminate()

    try:
        before = {number: signal.signal(number, wait) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever runs it handles signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def default_device() -> torch.device:
    """The one that `launch` would give to one process."""
    return Fabric(accelerator="auto", devices=1).device


def _enter(fabric: Fabric, work: Callable[..., None], *arguments: Any) -> None:
    try:
        work(Processes(fabric), *arguments)
    finally:  # a process that ends with its connections open may abort
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _check(devices: int) -> None:
    if torch.cuda.is_available() and devices > torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise AnewError(f"--devices {devices} asks for more than the {found} GPUs of this machine")
