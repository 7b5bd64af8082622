"""Pairs of texts: dates that are translated exactly, and functions that are written to their docstrings and parse.

Held-out dates are asked once, with the likeliest answer. Of each held-out docstring several functions are drawn, as
they come and by the grammar of Python, and the first that parses is taken; chrF is that of what is taken.

    bench/run pairs [--minutes 5] [--tries 8] [--only dates]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from torch import Tensor

import anew
from anew.codecs.text.code_parts import parses
from anew.codecs.text.grammar import Grammar
from anew.evaluation.translation import SURE, answers, chrf
from anew.nn.decoding import Style
from anew.run import Run
from anew.sampler import Sampler

WANTED = {"dates": 0.99, "python-docstrings": 0.90}
SETTINGS: dict[str, dict[str, str]] = {"dates": {}, "python-docstrings": {"codec.vocabulary": "1024"}}
LIKELY = Style(temperature=0.8, top_p=0.95)
ASKED = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, each")
    parser.add_argument("--tries", type=int, default=8, help="functions for a docstring, at most")
    parser.add_argument("--asked", type=int, default=ASKED, help="held-out texts, at most")
    parser.add_argument("--only", choices=list(WANTED))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    arguments, others = parser.parse_args(), machine.Others()
    settings = dict(each.split("=", 1) for each in arguments.set)
    found: dict[str, Any] = {"minutes": arguments.minutes}
    with tempfile.TemporaryDirectory() as folder:
        for name, given in (("dates", "english"), ("python-docstrings", "docstring")):
            if arguments.only in (None, name):
                out = Path(folder) / name
                run = anew.train(
                    name, given=given, minutes=arguments.minutes, out=out, settings=SETTINGS[name] | settings
                )
                found[name] = judge(name, run, arguments.asked, arguments.tries) | {"wanted": WANTED[name]}
                print(json.dumps(found), flush=True)
    record, console = machine.record(others, **found), machine.console()
    machine.tell(console, record)
    console.print(f"written: {machine.write(record, 'pairs')}")


def judge(name: str, run: Run, asked: int, tries: int) -> dict[str, Any]:
    test = run.open_data().test
    batch = test.batch(torch.arange(min(asked, len(test))))
    assert batch.given is not None
    real = list(run.codec.decode(batch.x))
    if name == "dates":
        made = answers(run, batch.given, SURE)
        return {"asked": len(made), "exact": float(np.mean([a == b for a, b in zip(made, real, strict=True)]))}
    ways = {"as it comes": None, "by the grammar": Grammar(language="python")}
    return {"asked": len(real)} | {way: functions(run, batch.given, real, tries, by) for way, by in ways.items()}


def functions(run: Run, given: Tensor, real: list[str], tries: int, grammar: Grammar | None) -> dict[str, Any]:
    first, best = written(Sampler(run.model, run.codec, LIKELY, grammar=grammar), given, tries)
    shares = {
        f"parses of {n}": float(np.mean([parses(text) for text in some])) for n, some in ((1, first), (tries, best))
    }
    near = np.mean([chrf(a, b) for a, b in zip(best, real, strict=True)])
    return shares | {"chrF": float(near), "examples": best[:3]}


def written(sampler: Sampler, given: Tensor, tries: int) -> tuple[list[str], list[str]]:
    """The first function that is drawn for each docstring, and the first that parses and is not empty, if one does."""
    first = best = sampler.items(sampler.draw(len(given), given, 0))
    for seed in range(1, tries):
        left = [i for i, text in enumerate(best) if not (text.strip() and parses(text))]
        if not left:
            break
        drawn = dict(zip(left, sampler.items(sampler.draw(len(left), given[left], seed)), strict=True))
        best = [drawn.get(i, text) for i, text in enumerate(best)]
    return first, best


if __name__ == "__main__":
    main()
