"""How long the report card takes, and how much memory: 10,000 samples beside 10,000 real ones, and the quick card.

Nothing is trained: MNIST's test images stand for samples, 40,000 training images for what they were learned from, and
the other 20,000 for unseen ones, half of them for the floor. Each card is made in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import digits
import machine
import numpy as np
from rich.table import Table

import anew

CARDS: dict[str, dict[str, Any]] = {"10,000 samples": {"n": 10_000}, "2,000 samples": {}, "--quick": {"quick": True}}
LEARNED = 40_000


def write(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    np.savez(folder.with_suffix(".npz"), x=images, label=labels)
    return folder.with_suffix(".npz")


def sources(data: Path, folder: Path) -> dict[str, Path]:
    train, test = digits.mnist(data)
    parts = {"generated": test, "real": train.take(slice(LEARNED)), "held_out": train.take(slice(LEARNED, None))}
    return {name: write(folder / name, part.images, part.labels) for name, part in parts.items()}


def card(paths: dict[str, Path], out: Path, options: dict[str, Any], answer: Connection) -> None:
    start = time.perf_counter()
    report = anew.judge(**paths, out=out, given=["label"], **options)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    answer.send({"seconds": time.perf_counter() - start, "megabytes": peak, "compared": report.trust["compared"]})


def measure(paths: dict[str, Path], out: Path, options: dict[str, Any]) -> dict[str, Any]:
    receive, send = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=card, args=(paths, out, options, send))
    process.start()
    send.close()
    found: dict[str, Any] = receive.recv()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("mnist"), help="a folder with the four idx files of MNIST")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments, console, others = parser.parse_args(), machine.console(), machine.Others()
    names = ["--quick"] if arguments.quick else list(CARDS)
    table, results = Table("card", "seconds", "peak memory, MB", "compared"), []
    with tempfile.TemporaryDirectory() as folder:
        paths = sources(arguments.data, Path(folder))
        for name in names:
            found = measure(paths, Path(folder) / "card", CARDS[name])
            table.add_row(name, f"{found['seconds']:.1f}", f"{found['megabytes']:,.0f}", f"{found['compared']:,}")
            results.append({"card": name, **found})
    console.print(table)
    if not arguments.quick:
        console.print(f"written: {machine.write(machine.record(others, results=results), 'card')}")


if __name__ == "__main__":
    main()
