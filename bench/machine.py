"""Where and with what it was measured, whether others used the processors meanwhile, and where results are kept."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "anew", "torchgan", "pythae", "diffusers")
WIDTH = 160  # characters
QUIET = 0.03  # share of the processors that others may use


def about() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "bf16": torch.cpu._is_avx512_bf16_supported(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


class Others:
    """How busy other processes kept the machine since this was made. None where there is no /proc/stat."""

    def __init__(self) -> None:
        self.load = os.getloadavg()
        self._start = self._now()

    def share(self) -> float | None:
        """0 to 1, over all processors. Call it once the workers have ended: only then are they known as ours."""
        now = self._now()
        if now is None or self._start is None:
            return None
        busy, wall = (after - before for before, after in zip(self._start, now))
        return max(0.0, busy / (wall * (os.cpu_count() or 1)))

    @staticmethod
    def _now() -> tuple[float, float] | None:
        """(processor seconds of others, seconds)"""
        try:
            user, nice, system, *_ = Path("/proc/stat").read_text().split()[1:]
        except OSError:
            return None
        busy = (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy - sum(usage.ru_utime + usage.ru_stime for usage in usages), time.monotonic()


def console() -> Console:
    """Wide enough for a table where the output is a file."""
    made = Console()
    return made if made.is_terminal else Console(width=WIDTH)


def record(others: Others, **results: Any) -> dict[str, Any]:
    """The results with when, where and beside what they were measured. Call it once the workers have ended."""
    share = others.share()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": about(),
        "load_before": others.load,
        "others": share,
        "quiet": share is not None and share < QUIET,
        **results,
    }


def tell(console: Console, record: dict[str, Any]) -> None:
    """Whether the machine was left alone."""
    used = "unknown" if record["others"] is None else f"{record['others']:.0%} of the processors"
    console.print(f"load before: {record['load_before'][0]:.2f}; used by other processes meanwhile: {used}")
    if not record["quiet"]:
        console.print("[red]the machine was not left alone: these numbers are not to be quoted[/red]")


def write(record: dict[str, Any], name: str) -> Path:
    """By date; what was measured on a machine that was not left alone says so in its name."""
    path = RESULTS / f"{record['date'][:10]}-{name}{'' if record['quiet'] else '-noisy'}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
