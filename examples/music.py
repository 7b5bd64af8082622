"""Music: learn Bach's chorales, make new ones, and listen to them. About fifteen minutes on two cores.

python examples/music.py --out runs/chorales
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anew


def main(out: Path, minutes: float) -> None:
    run = anew.train("chorales", minutes=minutes, out=out)
    samples = run.sample(12)
    print("look at, and listen to:")
    for path in (samples.save(out / "samples.png"), samples.save(out / "samples.wav"), samples.save(out / "tunes")):
        print(f"  {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/chorales"), help="the run folder")
    parser.add_argument("--minutes", type=float, default=12, help="of training")
    arguments = parser.parse_args()
    main(arguments.out, arguments.minutes)
