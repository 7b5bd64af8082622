"""What the best precision brings to convolutional recipes: training speed beside plain fp32, and whether cards differ.

Speed is of whole steps, plain fp32 and what anew chooses by turns; what counts is the median of the ratios. With
--examples and --data both are trained on as many of MNIST's images, seed by seed, and get their report cards.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import Any

import digits
import machine
import torch
from contenders import EXAMPLES, images
from images import summary
from rich.table import Table
from trials import spread

import anew
from anew.codecs.dataset import Split
from anew.models import build
from anew.spaces import Grid
from anew.training.precision import choose, seconds_per_step
from anew.training.trainer import Plan, Trainer

RECIPES = ["vae", "dcgan", "sngan", "r3gan", "flow_matching"]
SPACES = {"28x28 grey": Grid(1, (28, 28)), "64x64 colour": Grid(3, (64, 64))}
ROUNDS = 7
ROWS = {"told_apart": "told apart", "mmd": "distance"}  # of the report card
PRECISIONS = ("fp32", "auto")


def speed(recipe: str, space: Grid, size: int, rounds: int) -> dict[str, Any]:
    """Images per second, of steps on noise: it costs as much as any picture."""
    data, plain = Split(images(space, 4096), None, space), Plan(EXAMPLES, threads=torch.get_num_threads())

    def make(plan: Plan) -> Trainer:
        torch.manual_seed(0)
        return Trainer(build(recipe, space, None, size), data, plan)

    best = choose(make, plain).plan
    trainers = [make(plan) for plan in (plain, best)]
    fp32, chosen = zip(*([_per_second(trainer) for trainer in trainers] for _ in range(rounds)))
    about = best.precision + (", channels last" if best.channels_last else "")
    return {"chosen": about, "fp32": fp32, "best": chosen, "ratio": summary(chosen, fp32)}


def _per_second(trainer: Trainer) -> float:
    torch.set_num_threads(trainer.plan.threads)
    return trainer.stride / seconds_per_step(trainer)


def card(recipe: str, source: str, examples: int, seed: int, precision: str, out: Path) -> dict[str, Any]:
    """Rows of the report card after so many examples, and the seconds of training."""
    folder = out / recipe / f"{precision}-seed{seed}"
    run = anew.train(source, recipe, examples=examples, seed=seed, precision=precision, out=folder, show=False)
    rows = {row.key: row.value.value for row in run.report(folder / "report").rows if row.key in ROWS and row.value}
    told = {"recipe": recipe, "precision": precision, "seed": seed, "seconds": run.info["result"]["seconds"]}
    return {**told, **rows}


def speeds_table(results: dict[str, dict[str, Any]]) -> Table:
    out = Table("what is trained", "chosen", "fp32, images/s", "chosen, images/s", "ratio", title="Training")
    for name, found in results.items():
        rates = (f"{sorted(found[key])[len(found[key]) // 2]:,.0f}" for key in ("fp32", "best"))
        ratio = found["ratio"]
        span = f"{ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"
        out.add_row(name, found["chosen"], *rates, span)
    return out


def cards_table(results: list[dict[str, Any]]) -> Table:
    out = Table("recipe", "precision", *ROWS.values(), "seconds", title="After as many examples")
    for recipe, precision in dict.fromkeys((found["recipe"], found["precision"]) for found in results):
        rows = [found for found in results if (found["recipe"], found["precision"]) == (recipe, precision)]
        out.add_row(recipe, precision, *(spread(row[key] for row in rows) for key in (*ROWS, "seconds")))
    return out


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--data", type=Path, help="a folder with the four idx files of MNIST")
    parser.add_argument("--examples", type=int, help="to train on for the cards; none without it")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/precision"), help="where the runs are kept")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    return parser.parse_args()


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    speeds, cards = {}, []
    for recipe, (name, space) in product(arguments.recipes, SPACES.items()):
        console.print(f"{recipe}, {name} ...")
        speeds[f"{recipe}, {name}"] = speed(recipe, space, arguments.size, 1 if arguments.quick else ROUNDS)
    console.print(speeds_table(speeds))
    if arguments.examples and arguments.data:
        source = str(digits.mnist_file(arguments.data, "train").absolute())
        for asked in product(arguments.recipes, arguments.seeds, PRECISIONS):
            recipe, seed, precision = asked
            cards.append(card(recipe, source, arguments.examples, seed, precision, arguments.out))
        console.print(cards_table(cards))
    record = machine.record(others, size=arguments.size, examples=arguments.examples, speeds=speeds, cards=cards)
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, 'precision')}")


if __name__ == "__main__":
    main()
