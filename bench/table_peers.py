"""A contender for tables, alone in its environment: it trains on a CSV file and writes rows of its own.

    python table_peers.py NAME[:DETAIL] FOLDER [...]    writes synthetic.csv and facts.json into the folder

NAME is anew (DETAIL a recipe), ctgan or tvae (DETAIL the epochs), or mostlyai. Training is timed from the file on, so
with all that a tool does to it first. The peers get the file as pandas reads it without the spaces after its commas;
"?" stays what it is there, a category. This file runs in each environment, so it imports no more than they all have.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype

WARM_UP = 1_000  # rows sampled before the clock runs
SAMPLED = 1  # the seed of samples


class Trained(NamedTuple):
    """`sample(n)` makes rows, `save(rows, path)` writes them as CSV."""

    sample: Callable[[int], Any]
    save: Callable[[Any, Path], Any]
    facts: dict[str, Any] | None = None


Train = Callable[[], Trained]


# Each imports what it needs, which is not timed, and returns the training, which is.


def anew(arguments: argparse.Namespace) -> Train:
    """Its default, or a recipe, within `seconds` of training; what it keeps of prepared data is not there yet."""
    os.environ["ANEW_CACHE"] = str(arguments.folder / "cache")
    import anew

    def train() -> Trained:
        run = anew.train(
            arguments.train,
            arguments.detail or "auto",
            minutes=arguments.seconds / 60,
            out=arguments.folder / "run",
            seed=arguments.seed,
            show=False,
        )
        facts = {"recipe": run.info["model"]["recipe"], **run.info["result"]}
        return Trained(lambda n: run.sample(n, seed=SAMPLED), lambda rows, path: rows.save(path), {"anew": facts})

    return train


def ctgan(arguments: argparse.Namespace) -> Train:
    """CTGAN of the package ctgan, for 30 epochs if nothing is said."""
    from ctgan import CTGAN

    return partial(_sdv, CTGAN, int(arguments.detail or 30), arguments)


def tvae(arguments: argparse.Namespace) -> Train:
    """TVAE of the package ctgan, for its default of 300 epochs if nothing is said."""
    from ctgan import TVAE

    return partial(_sdv, TVAE, int(arguments.detail or 300), arguments)


def _sdv(kind: Callable[..., Any], epochs: int, arguments: argparse.Namespace) -> Trained:
    frame, model = _read(arguments.train), kind(epochs=epochs)
    model.set_random_state(arguments.seed)
    model.fit(frame, [name for name in frame if not is_numeric_dtype(frame[name])])
    return Trained(model.sample, _save, {"epochs": epochs})


def mostlyai(arguments: argparse.Namespace) -> Train:
    """TabularARGN with its defaults: it stops by itself, or after DETAIL epochs."""
    from mostlyai.engine import TabularARGN

    def train() -> Trained:
        most = {"max_epochs": float(arguments.detail)} if arguments.detail else {}
        model = TabularARGN(random_state=arguments.seed, workspace_dir=arguments.folder / "workspace", **most)
        model.fit(_read(arguments.train))
        return Trained(model.sample, _save)

    return train


CONTENDERS = {  # the function, the package that is measured, its environment (None: the bench's own)
    "anew": (anew, "anew", None),
    "ctgan": (ctgan, "ctgan", "ctgan"),
    "tvae": (tvae, "ctgan", "ctgan"),
    "mostlyai": (mostlyai, "mostlyai-engine", "mostlyai"),
}


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, skipinitialspace=True)


def _save(rows: pd.DataFrame, path: Path) -> None:
    rows.to_csv(path, index=False)


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work(*arguments)
    return result, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", metavar="NAME[:DETAIL]")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=Path, required=True, help="the rows to train on, as CSV")
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for anew")
    parser.add_argument("--rows", type=int, default=100_000, help="how many to sample")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    name, _, arguments.detail = arguments.contender.partition(":")
    contender, package, _ = CONTENDERS[name]
    trained, seconds = _timed(contender(arguments))
    trained.sample(min(WARM_UP, arguments.rows))
    rows, sampling = _timed(trained.sample, arguments.rows)
    trained.save(rows, arguments.folder / "synthetic.csv")
    facts = {
        "seconds": round(seconds, 2),
        "rows_per_second": round(arguments.rows / sampling, 1),
        "versions": {package: version(package), "torch": version("torch")},
        **(trained.facts or {}),
    }
    (arguments.folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
