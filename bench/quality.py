"""How good samples are after some minutes of training on MNIST: Fréchet distances, in multiples of real digits' own.

The distance is of samples to the 10,000 test images, in the features of a classifier trained on the training images.
The floor is the distance of as many training images to the test images. Contenders train on the training images, one
after another, each in a process of its own; what they have done is kept in --out and not done again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import digits
import machine
import trials
from classifier import Judge
from peers import PEERS
from rich.table import Table
from trials import Contender, Trial

from anew.errors import AnewError
from anew.spaces import Grid


def measure(trial: Trial, judge: Judge, arguments: argparse.Namespace) -> dict[str, Any]:
    """The distances: of few samples for all contenders, of more for those that are fast."""
    few, most = arguments.few, arguments.samples
    samples = trials.drawn(trial, few)
    distances = {few: judge.frechet(samples.images)}
    if most > few and most / samples.per_second <= arguments.patience:
        samples = trials.drawn(trial, most)
        distances[most] = judge.frechet(samples.images)
    follows = judge.follows(samples.images, samples.labels)
    return {"samples_per_second": samples.per_second, "follows": follows, "at": distances}


def table(results: list[dict[str, Any]], judge: Judge, minutes: float) -> Table:
    """A row for each contender: the mean over its seeds, and the lowest and highest."""
    sizes = sorted(judge.floors)
    title = f"MNIST, {minutes:g} minutes: Fréchet distance to the test images, in multiples of real digits' own"
    out = Table(title=title)
    out.add_column("contender")
    floors = [f"× at {n:,}\n({judge.floors[n]:.2f})" for n in sizes]
    costs = ("samples/s", "parameters", "examples", "minutes")
    for column in ("given", "seeds", *floors, "label\nright", *costs):
        out.add_column(column, justify="right")
    for name in dict.fromkeys(result["contender"] for result in results):
        rows = [result for result in results if result["contender"] == name]
        distances = [trials.spread(row["at"][n]["times_floor"] for row in rows if n in row["at"]) for n in sizes]
        follows = [row["follows"] for row in rows if row["follows"] is not None]
        out.add_row(
            name,
            ", ".join(rows[0]["given"]) or "-",
            f"{len(rows)}",
            *distances,
            f"{mean(follows):.1%}" if follows else "",
            *(f"{mean(row[key] for row in rows):,.0f}" for key in ("samples_per_second", "parameters", "examples")),
            f"{mean(row['seconds'] for row in rows) / 60:.2f}",
        )
    return out


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("mnist"), help="a folder with the four idx files of MNIST")
    names = f"{trials.SYNTAX}; or {', '.join(PEERS)}; all of them if nothing is said"
    parser.add_argument("--models", nargs="+", help=names)
    parser.add_argument("--given", choices=("label", "none"), default="label", help="the peers are never given any")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=2_000, help="samples that all contenders make, the slow ones too")
    patience = "seconds that a contender may take for --samples; a slower one makes only --few"
    parser.add_argument("--patience", type=float, default=450.0, help=patience)
    trials.options(parser, "runs/quality")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.minutes, arguments.samples, arguments.few = 0.1, 500, 250
    return arguments


def make_trials(arguments: argparse.Namespace) -> list[Trial]:
    names = arguments.models or [*trials.serving(Grid(1, (28, 28))), *PEERS]
    contenders = [Contender.parse(name) for name in names]
    source = str(digits.mnist_file(arguments.data, "train").absolute())
    given = () if arguments.given == "none" else (arguments.given,)
    return trials.plan(contenders, source, given, [arguments.minutes], arguments.seeds, arguments.out)


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    try:
        planned = make_trials(arguments)
        judge = Judge(*digits.mnist(arguments.data))
    except AnewError as error:
        raise SystemExit(f"quality: {error}") from None
    console.print(f"classifier: {judge.accuracy:.2%} of the test images right")
    results = trials.each(planned, lambda trial: measure(trial, judge, arguments), console, arguments.at_once)
    console.print(table(results, judge, arguments.minutes))
    facts = {"minutes": arguments.minutes, "classifier_accuracy": judge.accuracy, "floors": judge.floors}
    record = machine.record(others, **facts, results=results)
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, 'quality')}")


if __name__ == "__main__":
    main()
