"""Graphs: learn networks of two communities, make new ones, and judge them. About two minutes on two cores.

python examples/graphs.py --out runs/graphs
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anew


def main(out: Path, minutes: float) -> None:
    run = anew.train("community", "graph-vae", minutes=minutes, out=out)
    samples = run.sample(64)
    print(run.report().verdict)
    print("look at:")
    for path in (samples.save(out / "samples.png"), samples.save(out / "samples.jsonl"), out / "report.html"):
        print(f"  {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/graphs"), help="the run folder")
    parser.add_argument("--minutes", type=float, default=1, help="of training")
    arguments = parser.parse_args()
    main(arguments.out, arguments.minutes)
