"""Modes that a model finds: stacked digits (Metz et al. 2017, section 3.3; Srivastava et al. 2017, section 4.2).

Three random digits are the red, green and blue of one picture: 1,000 modes, equally likely. A classifier of single
digits says which of them each sample is. Told are the modes that were found, and the Kullback-Leibler divergence of the
samples' modes from the uniform distribution, in nats; real stacks of test digits are counted alike. Without --data the
digits are those of 8x8 pixels that come with scikit-learn.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import classifier
import digits
import machine
import numpy as np
import trials
from classifier import Classifier
from digits import Digits
from rich.table import Table
from trials import Contender, Trial

from anew.errors import AnewError
from anew.models import recipes
from anew.spaces import Grid
from anew.writing import replacing

CLASSES = 10
MODES = CLASSES**3
FAMILIES = ("anew.models.gan:", "anew.models.flow_matching:")


def stacks(of: Digits, n: int, seed: int) -> np.ndarray:
    """uint8 (n, H, W, 3)"""
    rows = np.random.default_rng(seed).integers(len(of.images), size=(n, 3))
    return np.ascontiguousarray(of.images[rows].transpose(0, 2, 3, 1))


def stacks_file(of: Digits, n: int, folder: Path) -> str:
    """The stacks to train on, as a file that anew reads."""
    path = folder.absolute() / f"stacks-{of.side}-{n}.npz"
    if not path.exists():
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez(file, images=stacks(of, n, seed=0))
    return str(path)


def count(images: np.ndarray, judge: Classifier) -> dict[str, float]:
    """{"modes": how many of the 1,000 there are, "kl": from the uniform distribution over all of them, in nats}"""
    colours = [judge.classes(np.ascontiguousarray(images[..., channel])) for channel in range(3)]
    modes = np.ravel_multi_index(colours, (CLASSES,) * 3)
    shares = np.bincount(modes, minlength=MODES) / len(modes)
    found = shares[shares > 0]
    return {"modes": len(found), "kl": float((found * np.log(found * MODES)).sum())}


def table(results: list[dict[str, Any]], real: dict[str, float], title: str) -> Table:
    out = Table(title=title)
    out.add_column("contender")
    columns = ("seeds", "modes", "KL, nats", "samples/s", "parameters", "examples", "minutes")
    for column in columns:
        out.add_column(column, justify="right")
    for name in dict.fromkeys(result["contender"] for result in results):
        rows = [result for result in results if result["contender"] == name]
        modes = trials.spread((row["modes"] for row in rows), "{:,.0f}")
        divergence = trials.spread((row["kl"] for row in rows), "{:.3f}")
        costs = (f"{mean(row[key] for row in rows):,.0f}" for key in ("samples_per_second", "parameters", "examples"))
        out.add_row(name, f"{len(rows)}", modes, divergence, *costs, f"{mean(row['seconds'] for row in rows) / 60:.2f}")
    out.add_row("real test digits", "", f"{real['modes']:,}", f"{real['kl']:.3f}")
    return out


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with the four idx files of MNIST")
    parser.add_argument("--models", nargs="+", help=f"{trials.SYNTAX}; the GANs and flow_matching if nothing is said")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--samples", type=int, default=26_000)
    parser.add_argument("--stacks", type=int, default=50_000, help="pictures to train on, and held out")
    trials.options(parser, "runs/modes")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.minutes, arguments.samples, arguments.stacks = 0.1, 500, 2_000
    return arguments


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    try:
        train, test = digits.mnist(arguments.data) if arguments.data else digits.small()
        planned = make_trials(arguments, train)
    except AnewError as error:
        raise SystemExit(f"modes: {error}") from None
    judge = classifier.trained(train)
    accuracy, real = judge.accuracy(test), count(stacks(test, arguments.samples, seed=1), judge)
    console.print(f"classifier: {accuracy:.2%} of the test digits right")

    def measure(trial: Trial) -> dict[str, Any]:
        samples = trials.drawn(trial, arguments.samples)
        return count(samples.images, judge) | {"samples_per_second": samples.per_second}

    results = trials.each(planned, measure, console, arguments.at_once)
    title = f"{train.side}x{train.side} digits stacked, {arguments.minutes:g} minutes, {arguments.samples:,} samples"
    console.print(table(results, real, title))
    facts = {"minutes": arguments.minutes, "samples": arguments.samples, "classifier_accuracy": accuracy, "real": real}
    record = machine.record(others, **facts, results=results)
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, f'modes-{train.side}')}")


def make_trials(arguments: argparse.Namespace, train: Digits) -> list[Trial]:
    names = arguments.models or default_models(Grid(3, (train.side, train.side)))
    source = stacks_file(train, arguments.stacks, arguments.out)
    root = arguments.out / Path(source).stem
    return trials.plan(
        [Contender.parse(name) for name in names], source, (), [arguments.minutes], arguments.seeds, root
    )


def default_models(space: Grid) -> list[str]:
    return [name for name in trials.serving(space) if recipes()[name][0].startswith(FAMILIES)]


if __name__ == "__main__":
    main()
