"""What a budget buys: every recipe of pictures, trained for some minutes on small, larger and coloured ones.

Each run gets anew's own report card; on MNIST also the Fréchet distance of bench/quality.py. The sets are the digits of
scikit-learn, MNIST's training images (with --data) and crops of photographs (bench/photos.py). What is done is kept in
--out and not done again, so that a bench of hours can be stopped at any time. The table goes into docs/ too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

import digits
import machine
import photos
import trials
from classifier import Judge
from rich.table import Table
from trials import Contender, Trial

from anew.errors import AnewError
from anew.spaces import Grid
from anew.writing import write

SETS = {"digits": Grid(1, (8, 8)), "mnist": Grid(1, (28, 28)), "photos": Grid(3, (32, 32))}
ROWS = {  # of the report card
    "told_apart": "told apart",
    "mmd": "distance",
    "fidelity": "fidelity",
    "coverage": "coverage",
    "diversity": "diversity",
    "missed": "modes missed",
    "copying": "copies",
}
FRECHET = 2_000  # samples
NOTES = """Told apart: 0 is never, 1 always. Distance: kernel distance in units of its noise. Fidelity, coverage,
diversity, modes missed and copies: shares. In brackets: what real data scores. Fréchet: in multiples of what as many
real digits score. Means over the seeds. Guard: what it saw and acted upon.
What they mean: [the report card](report.md)."""


def sources(arguments: argparse.Namespace) -> dict[str, str]:
    """{set: what anew opens}; the photographs are made if they are not there."""
    found = {"digits": "digits"}
    if arguments.data:
        found["mnist"] = str(digits.mnist_file(arguments.data, "train").absolute())
    if "photos" in arguments.sets:
        folder, side = arguments.out.absolute() / f"photos-{arguments.photos}", SETS["photos"].size[0]
        if not folder.exists():
            photos.make(folder.with_suffix(".new"), arguments.photos, side).rename(folder)
        found["photos"] = str(folder)
    return {name: found[name] for name in arguments.sets if name in found}


def make_trials(arguments: argparse.Namespace) -> list[Trial]:
    """The short budgets of all sets come first."""
    planned = []
    given = () if arguments.given == "none" else (arguments.given,)
    for name, source in sources(arguments).items():
        contenders = [Contender.parse(text) for text in arguments.models or trials.serving(SETS[name])]
        root = arguments.out / name
        planned += trials.plan(contenders, source, given, arguments.minutes, arguments.seeds, root)
    return sorted(planned, key=lambda trial: trial.minutes)


def measure(trial: Trial, judge: Judge | None) -> dict[str, Any]:
    """{"set", "card": {key: [value, floor]}, "times_floor": of the Fréchet distance, or None}"""
    rows = {row.key: row for row in trials.reported(trial).rows if row.key in ROWS and row.value and row.floor}
    card = {key: [row.value.value, row.floor.value] for key, row in rows.items() if row.value and row.floor}
    result: dict[str, Any] = {"set": trial.root.name, "card": card, "times_floor": None}
    if judge and trial.root.name == "mnist":
        result |= judge.frechet(trials.drawn(trial, FRECHET).images)
    return result


def lines(results: list[dict[str, Any]]) -> list[list[str]]:
    """A heading and a line for each set, budget and contender."""
    out = [["set", "minutes", "model", "size", "parameters", "examples", *ROWS.values(), "Fréchet", "guard"]]
    keys = dict.fromkeys((row["set"], row["budget"], row["contender"]) for row in results)
    for key in sorted(keys):
        rows = [row for row in results if (row["set"], row["budget"], row["contender"]) == key]
        costs = (f"{mean(row[name] for row in rows):,.0f}" for name in ("parameters", "examples"))
        cards = (_card(name, (row["card"].get(name) for row in rows)) for name in ROWS)
        frechet = trials.spread(row["times_floor"] for row in rows if row["times_floor"] is not None)
        seen = ", ".join(signal for row in rows for signal in row["guard"])
        out.append([key[0], f"{key[1]:g}", key[2], str(rows[0]["size"]), *costs, *cards, frechet, seen])
    return out


def _card(name: str, found: Iterable[list[float] | None]) -> str:
    """The mean over seeds, and in brackets that of real data."""
    pairs = [pair for pair in found if pair]
    if not pairs:
        return ""
    value, floor = (mean(numbers) for numbers in zip(*pairs))
    return f"{value:.2f} ({floor:.2f})"


def table(results: list[dict[str, Any]]) -> Table:
    heading, *rows = lines(results)
    out = Table(*heading, title="What a budget buys; in brackets what real data scores")
    for row in rows:
        out.add_row(*row)
    return out


def page(record: dict[str, Any]) -> str:
    """The table as Markdown."""
    heading, *rows = lines(record["results"])
    about = record["machine"]
    quiet = "" if record["quiet"] else " **The machine was not left alone: these numbers are not to be quoted.**"
    cores = " or ".join(sorted({str(row["cores"]) for row in record["results"]}))
    which = f"each trained on {cores} of {about['cores']} cores of {about['processor']}"
    where = f"`bench/run budget`, {record['date'][:10]}; {which}.{quiet}"
    text = ["# What a budget buys", where, NOTES]
    marks = ["---"] + ["---:"] * (len(heading) - 1)
    return "\n\n".join([*text, "\n".join(f"| {' | '.join(row)} |" for row in [heading, marks, *rows])]) + "\n"


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with the four idx files of MNIST; without it, no MNIST")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--models", nargs="+", help=f"{trials.SYNTAX}; all that serve a set if nothing is said")
    parser.add_argument("--given", choices=("label", "none"), default="label")
    parser.add_argument("--minutes", nargs="+", type=float, default=[1.0, 5.0, 20.0])
    parser.add_argument("--photos", type=int, default=4_000, help="crops of photographs")
    parser.add_argument("--docs", type=Path, default=Path("docs/budget.md"), help="where the table is written")
    trials.options(parser, "runs/budget")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.minutes, arguments.photos = [0.1], 700
    return arguments


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    try:
        planned = make_trials(arguments)
        judge = Judge(*digits.mnist(arguments.data)) if arguments.data and "mnist" in arguments.sets else None
    except AnewError as error:
        raise SystemExit(f"budget: {error}") from None
    results = trials.each(planned, lambda trial: measure(trial, judge), console, arguments.at_once)
    console.print(table(results))
    record = machine.record(others, results=results)
    machine.tell(console, record)
    if not arguments.quick:
        write(arguments.docs, page(record))
        console.print(f"written: {machine.write(record, 'budget')}, {arguments.docs}")


if __name__ == "__main__":
    main()
