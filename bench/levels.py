"""How good generated levels are: solvable before and after repair, different from one another, built like real ones.

Patterns of tiles are compared as Lucas and Volz (2019, Tile Pattern KL-Divergence for Analysing and Evolving Game
Levels, equations 1 to 3) do it; real levels that were not learned from, beside others, are the floor.

python bench/levels.py --minutes 5 --out runs/bench-levels
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
import numpy as np
from rich.table import Table

import anew
from anew.codecs.level.text import rows_of
from anew.writing import write, write_json

SHARES = ("solvable", "different", "new")
SIDES = (2, 3, 4)  # of the patterns
LITTLE = 1e-6  # for patterns that one side lacks
SHOWN = 48


def main(asked: argparse.Namespace) -> None:
    given = dict(each.split("=", 1) for each in asked.given)
    run = anew.train(asked.data, asked.model, given=given, size=asked.size, minutes=asked.minutes, out=asked.out)
    data = run.open_data()
    real, known = (run.codec.decode(split.space.unpack(split.x)) for split in (data.test, data.train))
    samples = list(run.sample(asked.n, given=given))
    mended, said = run.codec.mend(samples)
    table = Table("levels", *SHARES, *(f"{side}x{side}" for side in SIDES), title=said)
    found = {}
    for name, levels in {"held out": real, "samples": samples, "repaired": mended}.items():
        found[name] = judge(run.codec, levels, set(known), known[: len(real)])
        cells = (f"{value:.1%}" if key in SHARES else f"{value:.3f}" for key, value in found[name].items())
        table.add_row(name, *cells)
        write(asked.out / f"{name}.png", run.codec.show(levels[:SHOWN]))
    machine.console().print(table)
    write_json(asked.out / "levels.json", found)


def judge(codec: Any, levels: Sequence[str], known: set[str], beside: Sequence[str]) -> dict[str, float]:
    """Shares, and divergences from the levels `beside`, by name."""
    solvable = codec.traits(levels)["solvable"].mean()
    new = np.mean([level not in known for level in levels])
    shares = dict(zip(SHARES, (float(solvable), len(set(levels)) / len(levels), float(new))))
    return shares | {f"{side}x{side}": divergence(levels, beside, side) for side in SIDES}


def divergence(levels: Sequence[str], beside: Sequence[str], side: int) -> float:
    """The mean of the two Kullback-Leibler divergences of the patterns of as many levels, in nats."""
    n = min(len(levels), len(beside))
    p, q = (patterns(each[:n], side) for each in (levels, beside))
    both = p.keys() | q.keys()
    a, b = (
        np.array([(each[key] + LITTLE) for key in both]) / ((each.total() + LITTLE) * (1 + LITTLE)) for each in (p, q)
    )
    return float(((a - b) * np.log(a / b)).sum() / 2)


def patterns(levels: Sequence[str], side: int) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for level in levels:
        rows = list(rows_of(level))
        for top in range(len(rows) - side + 1):
            for left in range(len(rows[0]) - side + 1):
                found[tuple(",".join(row[left : left + side]) for row in rows[top : top + side])] += 1
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mazes", help="mazes, or levels with a legend")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--size", default="auto")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--given", nargs="*", default=["solvable=true"], metavar="NAME=VALUE", help="what is asked for")
    parser.add_argument("-n", type=int, default=1000, help="samples")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-levels"))
    main(parser.parse_args())
