"""Levels: learn caves, rooms and mazes, make new ones, and repair those that cannot be solved. About seven minutes.

python examples/levels.py --out runs/levels
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anew
from anew.samples import Samples


def main(out: Path, minutes: float) -> None:
    run = anew.train("mazes", given=("kind", "solvable"), minutes=minutes, out=out)
    samples = run.sample(48, given={"solvable": True})
    mended, said = run.codec.mend(samples)
    print(said)
    repaired = Samples(run.codec, mended, samples.given)
    print("look at:")
    for path in (samples.save(out / "samples.png"), repaired.save(out / "repaired.png"), repaired.save(out / "levels")):
        print(f"  {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/levels"), help="the run folder")
    parser.add_argument("--minutes", type=float, default=5, help="of training")
    arguments = parser.parse_args()
    main(arguments.out, arguments.minutes)
