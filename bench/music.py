"""How well chorales are learned: nats of unseen ones, what can be decoded, parallels beside Bach's, and piano rolls.

Learned is the training split of JSB Chorales (of which anew holds out a fifth for itself), scored are the other two, in
nats per note and per voice and sixteenth. Every model that gives the same sixteenths a probability, voice by voice and
in order of time, is comparable in the latter: Music Transformer (Huang et al. 2018, table 2) and Coconet are; figures
per step of 88 keys at quarters or eighths, as of RNN-RBM and TCN, are not. Pieces that have what training never had, or
are longer than all of it, cannot be written as they are: `exact` is the share of the others, which are scored.
`n-grams` are of the same codes.

python bench/music.py --data jsb-chorales-16th.json --minutes 10 --out runs/bench-music
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from rich.table import Table

import anew
from anew.codecs import load_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.tokens import unpadded
from anew.rng import Rng
from anew.writing import write, write_json

ORDER, TOGETHER, SHOWN = 5, 16, 24  # codes that an n-gram looks back, pieces scored at a time, rolls in a picture
VOICES = 4


class Grams:
    """Interpolated n-grams of codes (Witten and Bell 1991): a context counts by how many kinds followed it."""

    def __init__(self, rows: Iterable[Sequence[int]], vocabulary: int):
        self.after: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        self.kinds = vocabulary + 1
        for row in rows:
            for context, code in self.contexts(row):
                for start in range(len(context) + 1):
                    self.after[context[start:]][code] += 1

    def nats(self, row: Sequence[int]) -> float:
        return -sum(math.log(self.share(context, code)) for context, code in self.contexts(row))

    def share(self, context: tuple[int, ...], code: int) -> float:
        shorter = self.share(context[1:], code) if context else 1 / self.kinds
        found = self.after.get(context)
        return (found[code] + len(found) * shorter) / (found.total() + len(found)) if found else shorter

    @staticmethod
    def contexts(row: Sequence[int]) -> Iterable[tuple[tuple[int, ...], int]]:
        whole = [*row, 0]
        return ((tuple(whole[max(0, end - ORDER) : end]), code) for end, code in enumerate(whole))


def as_written(codec: Any) -> Any:
    """The codec without pieces in other keys."""
    state = save_codec(codec)
    return load_codec({**state, "options": {**state["options"], "transpose": 0}})


def score(run: anew.Run, pieces: list[Any], grams: Grams) -> dict[str, float]:
    """Nats of pieces that were not learned from, by name; of those that are written exactly."""
    codec: Any = as_written(run.codec)
    loaded = [codec.load(piece) for piece in pieces]
    exact = [codec.decode(codec.encode([passages])) == list(passages) for passages in loaded]
    x = codec.encode(list(compress(loaded, exact)))
    logs = []
    with torch.no_grad():
        for part in x.split(TOGETHER):
            logs.append(run.model.log_prob(part, None, Rng.for_samples(0, range(len(part)))))  # type: ignore[operator]
    cells = VOICES * sum(map(len, compress(pieces, exact)))
    notes = sum(score.note_num() for passages in compress(loaded, exact) for score in passages)
    nats = -float(torch.cat(logs).double().sum())
    return {
        "nats per voice and sixteenth": nats / cells,
        "nats per note": nats / notes,
        "of n-grams, per voice and sixteenth": sum(map(grams.nats, unpadded(x))) / cells,
        "exact": float(np.mean(exact)),
    }


def failures(codec: Any, samples: Sequence[Any]) -> int:
    """Samples without a note, or whose files are not read as they were written."""

    def fails(sample: Any) -> bool:
        try:
            read = sum(passage.note_num() for passage in codec.load(codec.to_bytes(sample)))
        except BadRecord:
            return True
        return read != sample.note_num()

    return sum(map(fails, samples))


def main(arguments: argparse.Namespace) -> None:
    console, others, out = machine.console(), machine.Others(), arguments.out
    pieces = json.loads(arguments.data.read_text(encoding="utf-8"))
    write(out / "train.json", json.dumps({"train": pieces["train"]}))
    settings = dict(each.split("=", 1) for each in arguments.set)
    run = anew.train(out / "train.json", arguments.model, minutes=arguments.minutes, out=out / "run", settings=settings)
    own = run.codec.encode([as_written(run.codec).load(piece) for piece in pieces["train"]])
    grams = Grams(unpadded(own), run.codec.space.vocabulary)
    found = {split: score(run, pieces[split], grams) for split in ("valid", "test")}
    samples = run.sample(arguments.n)
    bach = [one for piece in pieces["test"] for one in as_written(run.codec).load(piece)]
    traits = {"Bach": run.codec.traits(bach), "samples": run.codec.traits(samples)}
    found["failures"] = {"samples": failures(as_written(run.codec), samples), "of": len(samples)}
    found["traits"] = {who: {name: float(np.nanmean(x)) for name, x in each.items()} for who, each in traits.items()}
    tell(found, console)
    samples.save(out / "samples.wav")
    write(out / "samples.png", run.codec.show(samples[:SHOWN]))
    write(out / "bach.png", run.codec.show(bach[:SHOWN]))
    write_json(out / "music.json", {"asked": asked(arguments), "others": others.share(), **found})
    console.print(f"written: {out / 'music.json'}, samples.wav, samples.png, bach.png")


def tell(found: dict[str, Any], console: Any) -> None:
    table = Table("", "valid", "test")
    for name in found["test"]:
        table.add_row(name, *(f"{found[split][name]:.3f}" for split in ("valid", "test")))
    console.print(table)
    table = Table("a piece", "Bach (test)", "samples")
    for name in found["traits"]["Bach"]:
        table.add_row(name, *(f"{found['traits'][who][name]:.3f}" for who in ("Bach", "samples")))
    console.print(table)
    console.print("cannot be decoded: {samples} of {of}".format(**found["failures"]))


def asked(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: str(value) for name, value in vars(arguments).items() if name not in ("data", "out")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="JSB Chorales at sixteenths, as JSON")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of the model and the codec"
    )
    parser.add_argument("-n", type=int, default=200, help="samples")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-music"))
    main(parser.parse_args())
