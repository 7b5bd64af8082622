"""What privacy costs: examples a second of private and of ordinary training, in turns and in one process.

On made-up rows of a table as wide as Adult (15 columns) and made-up pictures of 28x28 pixels. What both take for
drawing batches, noise and the optimiser is part of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product
from statistics import median
from typing import Any

import machine
import torch
from rich.table import Table

from anew.codecs.dataset import Split
from anew.models import build
from anew.spaces import Field, Fields, Grid, Space
from anew.training.private import PrivateTrainer
from anew.training.private_promise import Privacy
from anew.training.trainer import Plan, Trainer

CATEGORIES, NUMBERS = (9, 16, 7, 15, 6, 5, 2, 42, 2), (74, 101, 101, 92, 96, 16)  # values, and bins
SPACES: dict[str, Space] = {
    "table": Fields(
        (*(Field(f"category {i}", n) for i, n in enumerate(CATEGORIES)),
         *(Field(f"number {i}", n, n) for i, n in enumerate(NUMBERS)))
    ),
    "pictures": Grid(1, (28, 28)),
}  # fmt: skip
RECIPES = {  # {name: (space, recipe, settings)}: perceptrons
    "autoregressive": ("table", "autoregressive", {}),
    "vae": ("table", "vae", {}),
    "vae of pictures": ("pictures", "vae", {"network": "mlp"}),
}
BATCHES, ROWS, SIZE, WARMING = (128, 256, 512, 1024), 20_000, 2, 5
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def pair(name: str, batch: int, repeats: int) -> tuple[Trainer, Trainer]:
    """An ordinary and a private trainer of the same model."""
    space_name, recipe, settings = RECIPES[name]
    space = SPACES[space_name]
    changes = {**settings, "batch": batch, "guard": False}
    models = [build(recipe, space, None, SIZE, changes) for _ in range(2)]
    data = Split(space.pack(space.random(ROWS, torch.Generator().manual_seed(0))), None, space)
    plan = Plan(10**9)
    return Trainer(models[0], data, plan), PrivateTrainer(models[1], data, plan, Privacy(3.0, 1e-5, repeats=repeats))


def measure(name: str, batch: int, repeats: int, steps: int, clock: Callable[[], float]) -> dict[str, Any]:
    """Examples a second of both; the first steps don't count."""
    trainers = pair(name, batch, repeats)
    times = [[_seconds(trainer, clock) for trainer in trainers] for _ in range(WARMING + steps)][WARMING:]
    ordinary, private = (median(column) for column in zip(*times, strict=True))
    shares = sorted(plain / slower for plain, slower in times)
    speeds = {"ordinary": batch / ordinary, "private": batch / private, "share": ordinary / private}
    return {
        "recipe": name,
        "batch": batch,
        **speeds,
        "quartiles": (shares[len(shares) // 4], shares[-len(shares) // 4]),
    }


def _seconds(trainer: Trainer, clock: Callable[[], float]) -> float:
    start = clock()
    trainer.advance()
    return clock() - start


def table(results: list[dict[str, Any]]) -> Table:
    out = Table(title=f"Training, examples per second, size {SIZE}: medians, and quartiles of the share")
    for column in ("recipe", "batch", "ordinary", "private", "share"):
        out.add_column(column, justify="left" if column == "recipe" else "right")
    for r in results:
        share = f"{r['share']:.2f} ({r['quartiles'][0]:.2f} to {r['quartiles'][1]:.2f})"
        out.add_row(r["recipe"], str(r["batch"]), f"{r['ordinary']:,.0f}", f"{r['private']:,.0f}", share)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="of each trainer")
    parser.add_argument("--repeats", type=int, default=1, help="draws of the gradient at each example")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    clock = "cpu counts processor time: with --threads 1 it says something even where others use the machine"
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help=clock)
    arguments, others = parser.parse_args(), machine.Others()
    torch.set_num_threads(arguments.threads)
    cases = product(RECIPES, BATCHES)
    how = (arguments.repeats, arguments.steps, CLOCKS[arguments.clock])
    results = [measure(name, batch, *how) for name, batch in cases]
    record = machine.record(others, **vars(arguments), cases=results)
    console = machine.console()
    console.print(table(results))
    machine.tell(console, record)
    console.print(f"written: {machine.write(record, 'private')}")


if __name__ == "__main__":
    main()
