"""Tables: how long contenders train, how fast they sample, and how much their rows are like real ones.

Each trains on the same 26,000 rows (of Adult; two thirds of a smaller table), in a process and an environment of its
own, and is scored beside the other rows by bench/table_scores.py. `real` is real rows in the place of generated ones:
what could be reached. Of anew, --seconds are of training; the table shows what the call took in all, as for the others.
The test with 20,000 rows a side is beside the training rows; `real` has halves of those. A smaller table has fewer.
What is done is kept in --work and not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import environment
import machine
import table_data
import table_scores
from rich.console import Console
from rich.table import Table
from table_peers import CONTENDERS

import anew.writing

REAL = "real"
HEADINGS = {
    "seconds": "training\nseconds",
    "rows_per_second": "rows/s\nsampled",
    "told_apart": "told apart\n(AUC)",
    "told_apart_large": "told apart,\n20,000 a side",
    "shape": "shape",
    "trend": "pair\ntrend",
    "quality": "shape and\ntrend",
    "utility": "trained on it,\ntested on real",
    "copies": "copies",
    "membership": "membership\nTPR at 1 %",
}
FORMATS = {"seconds": "{:,.1f}", "rows_per_second": "{:,.0f}", "copies": "{:.3%}", "membership": "{:.2%}"}


class Failed(Exception):
    """A contender that did not end well; the table goes on without it."""


def folder(name: str, arguments: argparse.Namespace) -> Path:
    """Where a contender's rows are: what it was asked for is in the path."""
    asked = f"{name.replace(':', '-')}-{arguments.sample}"
    return arguments.work / (f"{asked}-{arguments.seconds:g}s" if name.startswith("anew") else asked)


def run(name: str, files: table_data.Files, arguments: argparse.Namespace) -> dict[str, Any]:
    """The facts of a contender that has trained and sampled. Raises Failed and NoEnvironment."""
    own = CONTENDERS[name.partition(":")[0]][2]
    python = environment.interpreter(own) if own else Path(sys.executable)
    there = folder(name, arguments)
    if not (there / "facts.json").exists():
        shutil.rmtree(there, ignore_errors=True)  # of one that failed
        there.mkdir(parents=True)
        asked = {"train": files.train, "seconds": arguments.seconds, "rows": arguments.sample, "seed": arguments.seed}
        options = (f"--{key}={value}" for key, value in asked.items())
        with (there / "log.txt").open("w", encoding="utf-8") as log:
            script = Path(__file__).with_name("table_peers.py")
            done = subprocess.run([python, script, name, there, *options], stdout=log, stderr=log, check=False)
        if done.returncode:
            last = (there / "log.txt").read_text(errors="replace").strip().splitlines() or ["it ended"]
            raise Failed(f"{name}: {last[-1]} ({there / 'log.txt'})")
    return json.loads((there / "facts.json").read_text(encoding="utf-8"))


def measure(names: list[str], files: table_data.Files, arguments: argparse.Namespace, console: Console) -> list[dict]:
    """All train first, so that scoring disturbs none of them; one that fails is told, and left out."""
    facts: dict[str, dict[str, Any]] = {}
    for name in names:
        console.print(f"{name} ...", highlight=False)
        try:
            facts[name] = {} if name == REAL else run(name, files, arguments)
        except (Failed, environment.NoEnvironment) as error:
            console.print(f"[red]{error}[/red]", highlight=False)
    return [{"contender": name, **told, **_scores(name, files, arguments)} for name, told in facts.items()]


def _scores(name: str, files: table_data.Files, arguments: argparse.Namespace) -> dict[str, float | None]:
    train = table_data.read(files.train)
    numbers = table_data.numbers(train)
    test = table_data.read(files.test, numbers)
    if name == REAL:
        found = table_scores.floor(train, test, files.target, arguments.seed)
    else:
        rows = table_data.read(folder(name, arguments) / "synthetic.csv", numbers)[train.columns]
        found = table_scores.scores(rows, train, test, files.target, arguments.seed)
    found["quality"] = (found["shape"] + found["trend"]) / 2
    return {key: None if math.isnan(value) else value for key, value in found.items()}


def table(results: list[dict[str, Any]], title: str) -> Table:
    out = Table(title=title)
    out.add_column("contender")
    for heading in HEADINGS.values():
        out.add_column(heading, justify="right")
    for row in results:
        cells = (FORMATS.get(key, "{:.3f}").format(row[key]) if row.get(key) is not None else "-" for key in HEADINGS)
        out.add_row(row["contender"], *cells)
    return out


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shipped = ", ".join(table_data.SHIPPED)
    parser.add_argument("--data", default="adult.csv", help=f"a CSV file with a header, or {shipped}")
    parser.add_argument("--target", help=f"the column that is told from the others ({table_data.TARGET})")
    names = "anew, anew:RECIPE, ctgan:EPOCHS, tvae:EPOCHS, mostlyai or real, with commas between"
    parser.add_argument("--contenders", default="anew,ctgan,tvae,mostlyai,real", help=names)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long anew trains")
    parser.add_argument("--rows", type=int, default=26_000, help="to train on")
    parser.add_argument("--sample", type=int, default=100_000, help="rows that are made, for their rate")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the contenders and the scores")
    parser.add_argument("--out", type=Path, help="the results as JSON (bench/results/DATE-tables-DATA.json)")
    parser.add_argument("--work", type=Path, default=Path("runs/tables"), help="where what is done is kept")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result unless --out is given")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.rows, arguments.sample = 3.0, min(arguments.rows, 400), 1_000
    return arguments


def chosen(arguments: argparse.Namespace) -> list[str]:
    """The contenders that are asked for; in a smoke test the peers train for one epoch."""
    names = [name.strip() for name in arguments.contenders.split(",")]
    known = {*CONTENDERS, REAL}
    if wrong := [name for name in names if name.partition(":")[0] not in known]:
        raise ValueError(f"there is no contender '{wrong[0]}'; expected {', '.join(sorted(known))}")
    return [f"{name}:1" if arguments.quick and CONTENDERS.get(name, ("", "", None))[2] else name for name in names]


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    about = Path(arguments.data).stem
    try:
        names = chosen(arguments)
        arguments.work = arguments.work.absolute() / f"{about}-{arguments.rows}-seed{arguments.seed}"
        files = table_data.write(arguments.data, arguments.target, arguments.rows, arguments.seed, arguments.work)
    except (OSError, ValueError) as error:
        raise SystemExit(f"tables: {error}") from None
    results = measure(names, files, arguments, console)
    console.print(table(results, "{}: {:,} rows to train on, {:,} to test".format(about, *files.counts)))
    facts = {key: getattr(arguments, key) for key in ("seconds", "sample", "seed")}
    facts |= {"data": about, "target": files.target, "rows": files.counts}
    record = machine.record(others, **facts, results=results)
    machine.tell(console, record)
    if arguments.out:
        anew.writing.write_json(arguments.out, record)
        console.print(f"written: {arguments.out}")
    elif not arguments.quick:
        console.print(f"written: {machine.write(record, f'tables-{about}')}")


if __name__ == "__main__":
    main()
