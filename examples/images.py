"""Pictures: learn handwritten digits, make new ones, and judge them. About two minutes on two cores.

python examples/images.py --out runs/demo
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anew


def main(out: Path, minutes: float) -> None:
    run = anew.train("digits", given="label", minutes=minutes, out=out)
    grid = run.sample(100).save(out / "samples.png")
    print(run.report().verdict)
    print("look at:")
    for path in (grid, out / "report.html", out):
        print(f"  {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="the run folder")
    parser.add_argument("--minutes", type=float, default=1.25, help="of training")
    arguments = parser.parse_args()
    main(arguments.out, arguments.minutes)
