"""Training speed on images, end to end, side by side with other tools: the same networks, batch, data and machine.

Each tool has a process of its own, and they take turns, A B C A B C ..., so that what slows the machine down slows
all of them down. What counts is the median of the ratios of neighbouring turns.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median
from typing import Any

import machine
import torch
from rich.console import Console
from rich.table import Table
from worker import CLOCKS, Worker

ROUNDS = 7


@dataclass(frozen=True)
class Case:
    """`names` are the peer, anew as it chooses to train, and anew in plain fp32."""

    title: str
    names: tuple[str, str, str]
    target: float  # how many times as fast as the peer anew shall be
    note: str


CASES = {
    "gan": Case(
        "DCGAN 32x32, batch 64",
        ("torchgan", "anew-gan", "anew-gan-fp32"),
        2.0,
        "torchgan's Trainer and networks, a turn is an epoch; anew also averages the weights (EMA)",
    ),
    "vae": Case(
        "VAE 784-512-16, batch 64",
        ("pythae", "anew-vae", "anew-vae-fp32"),
        1.5,
        "pythae's BaseTrainer; anew also clips gradients and averages the weights (EMA)",
    ),
    "flow": Case(
        "UNet2DModel 32x32, batch 16",
        ("diffusers", "anew-flow", "anew-flow-fp32"),
        2.0,
        "the step of diffusers' example script in fp32, its default, with EMA; its --mixed_precision is not used",
    ),
}


def measure(case: Case, seconds: float, rounds: int, threads: int, clock: str) -> dict[str, Any]:
    """Images per second of each contender in each round, and the ratios to the peer."""
    workers = [Worker(name, threads, clock) for name in case.names]
    for worker in workers:
        worker.make()
    turn = seconds / (rounds * len(workers))
    speeds = [[worker.train(turn) for worker in workers] for _ in range(rounds)]
    for worker in workers:
        worker.close()
    peer, chosen, plain = zip(*speeds)
    return {
        "title": case.title,
        "note": case.note,
        "target": case.target,
        "precision": workers[1].about,
        "images_per_second": {name: list(values) for name, values in zip(case.names, (peer, chosen, plain))},
        "ratio": summary(chosen, peer),
        "ratio_fp32": summary(plain, peer),
        "seconds_of_a_turn": turn,
    }


def summary(ours: tuple[float, ...], theirs: tuple[float, ...]) -> dict[str, float]:
    ratios = [a / b for a, b in zip(ours, theirs)]
    return {"median": median(ratios), "lowest": min(ratios), "highest": max(ratios)}


def table(results: dict[str, dict[str, Any]]) -> Table:
    out = Table(title="Training, images per second: medians, and the ratio with its lowest and highest")
    for column in ("case", "peer", "anew", "ratio", "target", "met", "in fp32", "ratio in fp32"):
        out.add_column(column, justify="left" if column == "case" else "right")
    for result in results.values():
        names, values = zip(*result["images_per_second"].items())
        peer, chosen, plain = (f"{median(value):,.0f}" for value in values)
        met = "yes" if result["ratio"]["median"] >= result["target"] else "no"
        ratios = (_spread(result[key]) for key in ("ratio", "ratio_fp32"))
        cells = (f"{names[0]} {peer}", f"{chosen} ({result['precision']})", next(ratios))
        out.add_row(result["title"], *cells, f"{result['target']:g}", met, plain, next(ratios))
    return out


def _spread(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=75.0, help="of training in each case, all tools together")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    clock = "cpu counts processor time: with --threads 1 it says something even where others use the machine"
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help=clock)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.quick else ROUNDS
    if arguments.quick:
        arguments.seconds = 3.0
    return arguments


def main() -> None:
    arguments, console, others = read_arguments(), Console(), machine.Others()
    results = {}
    for name in arguments.cases:
        console.print(f"{CASES[name].title}: {CASES[name].note} ...")
        results[name] = measure(CASES[name], arguments.seconds, arguments.rounds, arguments.threads, arguments.clock)
    record = machine.record(others, threads=arguments.threads, clock=arguments.clock, cases=results)
    record["quiet"] = record["quiet"] and arguments.clock == "wall"
    console.print(table(results))
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, 'images')}")


if __name__ == "__main__":
    main()
