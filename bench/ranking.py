"""Does the card's headline row rank runs by how long they were trained? Spearman's correlation over ten runs on MNIST.

What is done is kept in --out and not done again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import digits
import machine
from rich.table import Table
from scipy.stats import spearmanr

import anew
from anew.evaluation.report import Report

EXAMPLES = [2_000, 4_000, 8_000, 12_000, 18_000, 27_000, 40_000, 60_000, 90_000, 135_000]
ROWS = {"told_apart": 1, "auc": 1, "mmd": 1, "sliced_wasserstein": 1, "fidelity": -1, "coverage": -1}  # 1: low is good


def measure(source: str, model: str, examples: int, out: Path) -> dict[str, Any]:
    """{"examples", row key: value} of a run of so many examples."""
    folder = out / f"{model}-{examples}"
    run = anew.train(source, model, given="label", size=1, examples=examples, out=folder, show=False)
    path = folder / "report.json"
    report = Report.loads(path.read_text(encoding="utf-8")) if path.exists() else run.report()
    values = {row.key: row.value.value for row in report.rows if row.key in ROWS and row.value}
    return {"examples": examples, **values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("mnist"), help="a folder with the four idx files of MNIST")
    parser.add_argument("--model", default="flow_matching")
    parser.add_argument("--out", type=Path, default=Path("runs/ranking"))
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments, console, others = parser.parse_args(), machine.console(), machine.Others()
    source = str(digits.mnist_file(arguments.data, "train").absolute())
    lengths = EXAMPLES[:2] if arguments.quick else EXAMPLES
    results = [measure(source, arguments.model, examples, arguments.out) for examples in lengths]
    table = Table("examples", *ROWS)
    for result in results:
        table.add_row(f"{result['examples']:,}", *(f"{result[key]:.3f}" for key in ROWS))
    ranks = {
        key: -sign * spearmanr([r["examples"] for r in results], [r[key] for r in results])[0]
        for key, sign in ROWS.items()
    }
    table.add_row("Spearman", *(f"{rank:.3f}" for rank in ranks.values()))
    console.print(table)
    record = machine.record(others, model=arguments.model, results=results, spearman=ranks)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, 'ranking')}")


if __name__ == "__main__":
    main()
