"""Pairs of texts: learn to write dates in German, and be asked for some. About two minutes.

python examples/text.py --out runs/dates
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anew

ASKED = ("May 7, 2031", "the 1st of March 1999", "Dec 24, 1914")


def main(out: Path, minutes: float) -> None:
    run = anew.train("dates", given="english", minutes=minutes, out=out)
    for english in ASKED:
        print(f"{english}: {run.sample(1, given={'english': english}, style=anew.Style(temperature=0))[0]}")
    samples = run.sample(16)
    print("look at:")
    for path in (samples.save(out / "samples.png"), samples.save(out / "samples.txt"), samples.save(out / "new.jsonl")):
        print(f"  {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/dates"), help="the run folder")
    parser.add_argument("--minutes", type=float, default=2, help="of training")
    arguments = parser.parse_args()
    main(arguments.out, arguments.minutes)
