"""Trials: contenders that train within a budget, one after another, each in a process of its own.

What a trial has done is kept in its folder: one that is finished is not done again, and anew's runs go on where they
were stopped. To do it again, remove the folder, or name another one.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import torch
from peers import PEERS
from rich.console import Console
from safetensors.torch import load_file, save_file

import anew
from anew.codecs.image.codec import ImageCodec
from anew.drawing import draw
from anew.errors import AnewError
from anew.evaluation.report import Report
from anew.models import build, recipes
from anew.run import Run
from anew.sources import open_source
from anew.spaces import Space
from anew.writing import replacing, write, write_json

SYNTAX = "RECIPE:KEY=VALUE,...@KEY=VALUE,...: after the colon what is trained, after the @ how it samples"
SHOWN = 64  # samples in a picture
CORES = sorted(os.sched_getaffinity(0))
own = threading.local()  # .cores: those of the trials of this thread; all of them if nothing is said
locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)  # so that no folder is trained in twice


@dataclass(frozen=True)
class Contender:
    """A recipe or a peer, with changes: flow_matching:size=3,lr=1e-3@steps=4,solver=euler.

    After the colon stands what is trained (`size`, and what --set takes), after the @ how the same run samples.
    """

    recipe: str
    settings: tuple[tuple[str, str], ...] = ()
    sampling: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Contender:
        trained, _, sampling = text.partition("@")
        recipe, _, settings = trained.partition(":")
        return cls(recipe, _pairs(settings, text), _pairs(sampling, text))

    @property
    def size(self) -> str:
        return dict(self.settings).get("size", "auto")

    @property
    def trained(self) -> str:
        """The name without how it samples: what has this in common has one run."""
        return self.recipe + _text(":", self.settings)

    def __str__(self) -> str:
        return self.trained + _text("@", self.sampling)


@dataclass(frozen=True)
class Trial:
    """One contender on one source, within `minutes`, with one seed; kept somewhere below `root`."""

    contender: Contender
    source: str
    given: tuple[str, ...]
    minutes: float
    seed: int
    root: Path

    @property
    def folder(self) -> Path:
        given = "-".join(self.given) or "nothing"
        name = self.contender.trained.replace(":", "-")
        return self.root / f"given-{given}" / f"{self.minutes:g}min" / name / f"seed{self.seed}"

    def to_json(self) -> dict[str, Any]:
        told = {"contender": str(self.contender), "given": list(self.given)}
        return told | {"source": self.source, "budget": self.minutes, "seed": self.seed}


class Drawn(NamedTuple):
    """`images` uint8 (n, H, W) or (n, H, W, 3); `labels` (n,), those that were asked for, NaN if none was"""

    images: np.ndarray
    labels: np.ndarray
    per_second: float


class Failed(Exception):
    """A trial that did not end well; the table says so and goes on."""


def plan(
    contenders: Sequence[Contender], source: str, given: Sequence[str], minutes: Sequence[float],
    seeds: Sequence[int], root: Path,
) -> list[Trial]:  # fmt: skip
    """All of them: seed by seed, so that an interrupted bench has something of each contender."""
    rows = product(minutes, seeds, contenders)
    asked = ((contender, () if contender.recipe in PEERS else tuple(given), *rest) for *rest, contender in rows)
    return [Trial(contender, source, told, budget, seed, root) for contender, told, budget, seed in asked]


def options(parser: argparse.ArgumentParser, out: str) -> None:
    """What every bench of trials can be told."""
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=Path(out), help="where what is done is kept")
    parser.add_argument(
        "--at-once", type=int, default=1, choices=range(1, len(CORES) + 1), help="each on its own cores"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")


def each(
    planned: Sequence[Trial], measure: Callable[[Trial], dict[str, Any]], console: Console, at_once: int = 1
) -> list[dict[str, Any]]:
    """What is measured of each trial, in the order of the plan; one that fails is told, and left out.

    Trials that run `at_once` share the cores out, so each is as fast as on a machine with so many fewer.
    """

    def one(trial: Trial) -> dict[str, Any] | None:
        console.print(f"{trial.folder}{_text('@', trial.contender.sampling)} ...", highlight=False)
        try:
            return {**trial.to_json(), **trained(trial), **measure(trial)}
        except Failed as error:
            console.print(f"[red]{error}[/red]", highlight=False)
            return None

    shares = [CORES[i::at_once] for i in range(at_once)]
    pool = ThreadPoolExecutor(at_once, initializer=lambda: setattr(own, "cores", shares.pop()))
    try:
        return [result for result in pool.map(one, planned) if result]
    finally:
        pool.shutdown(cancel_futures=True)


def spread(values: Iterable[float], text: str = "{:.2f}") -> str:
    """The mean over seeds, with the lowest and the highest."""
    found = list(values)
    if len(found) < 2:
        return "".join(text.format(value) for value in found)
    return f"{text.format(mean(found))} ({text.format(min(found))} to {text.format(max(found))})"


def serving(space: Space) -> list[str]:
    """The recipes that model it."""
    return [name for name in recipes() if _serves(name, space)]


# What is done with a trial. Each is done in a process of its own, and its result is read from the folder.


def trained(trial: Trial) -> dict[str, Any]:
    """{"parameters", "examples", "seconds", "cores"} of training"""
    path = trial.folder / "facts.json"
    with locks[trial.folder]:
        if not path.exists():
            _apart(_train, trial)
    return json.loads(path.read_text())


def drawn(trial: Trial, n: int) -> Drawn:
    """`n` samples, and a picture of the first of them beside."""
    path = trial.folder / f"samples{_text('@', trial.contender.sampling)}-{n}.npz"
    if not path.exists():
        _apart(_draw, trial, n, path)
    with np.load(path) as arrays:
        return Drawn(arrays["images"], arrays["labels"], float(arrays["per_second"]))


def reported(trial: Trial) -> Report:
    """anew's report card of a run."""
    folder = trial.folder / f"report{_text('@', trial.contender.sampling)}"
    if not (folder / "report.html").exists():
        _apart(_report, trial, folder)
    return Report.loads((folder / "report.json").read_text(encoding="utf-8"))


def _report(trial: Trial, folder: Path) -> None:
    load_run(trial).report(folder)


def _train(trial: Trial) -> None:
    facts = _train_peer(trial) if trial.contender.recipe in PEERS else _train_anew(trial)
    write_json(trial.folder / "facts.json", facts | {"cores": len(os.sched_getaffinity(0))})


def _train_anew(trial: Trial) -> dict[str, Any]:
    run = anew.train(
        trial.source,
        trial.contender.recipe,
        given=trial.given,
        size=trial.contender.size,
        minutes=trial.minutes,
        out=trial.folder / "run",
        seed=trial.seed,
        settings={key: value for key, value in trial.contender.settings if key != "size"},
        show=False,
    )
    if not run.finished:
        raise AnewError("stopped; the same command goes on from here")
    facts = {key: run.info["result"][key] for key in ("parameters", "examples", "seconds")}
    seen = [event["signal"] for event in run.info.get("guard", [])]
    return {"size": run.info["model"]["size"], "guard": seen, "stopped": run.info.get("stopped"), **facts}


def _train_peer(trial: Trial) -> dict[str, Any]:
    torch.manual_seed(trial.seed)
    peer = PEERS[trial.contender.recipe]()
    seen = peer.train(pictures(trial.source), 60 * trial.minutes)
    save_file(peer.module.state_dict(), trial.folder / "weights.safetensors")
    parameters = sum(parameter.numel() for parameter in peer.module.parameters())
    return {"parameters": parameters, "examples": seen.examples, "seconds": round(seen.seconds, 2)}


def _draw(trial: Trial, n: int, path: Path) -> None:
    (_draw_peer if trial.contender.recipe in PEERS else _draw_anew)(trial, n, path)


def _draw_anew(trial: Trial, n: int, path: Path) -> None:
    run = load_run(trial)
    model, given = run.model, told(run, n)
    start = time.perf_counter()
    x = draw(model, n, given, seed=1)
    per_second = n / (time.perf_counter() - start)
    images = run.codec.to_array(run.codec.decode(x))
    labels = np.full(n, np.nan) if given is None or run.given is None else _column(run.given.rows(given))
    keep(Drawn(images, labels, per_second), path)


def _draw_peer(trial: Trial, n: int, path: Path) -> None:
    torch.manual_seed(trial.seed)
    peer = PEERS[trial.contender.recipe]()
    peer.module.load_state_dict(load_file(trial.folder / "weights.safetensors"))
    peer.fit(pictures(trial.source))
    start = time.perf_counter()
    images = peer.sample(n).numpy()
    keep(Drawn(images, np.full(n, np.nan), n / (time.perf_counter() - start)), path)


def pictures(source: str) -> torch.Tensor:
    """uint8 (n, H, W), all of them"""
    return torch.from_numpy(np.stack([record.content for record in open_source(source)]))


def load_run(trial: Trial) -> Run:
    """The run of a trial of anew's, with the contender's way of sampling."""
    run = Run.load(trial.folder / "run")
    run.info["model"]["configuration"] |= dict(trial.contender.sampling)
    return run


def told(run: Run, n: int) -> torch.Tensor | None:
    """(n, F): what was given with examples all over the training split, so in its proportions; None if nothing was."""
    given = run.open_data().train.given
    return None if given is None else given[torch.arange(n) * len(given) // n]


def keep(samples: Drawn, path: Path) -> None:
    codec = ImageCodec()
    shown = [codec.load(image) for image in samples.images[:: max(1, len(samples.images) // SHOWN)][:SHOWN]]
    codec.fit(shown)
    write(path.with_suffix(".png"), codec.show(shown))
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **samples._asdict())


def _column(rows: list[dict[str, Any]]) -> np.ndarray:
    return np.array([row.get("label", np.nan) for row in rows], np.float64)


def _serves(name: str, space: Space) -> bool:
    try:
        build(name, space, None, size=1)
    except AnewError:
        return False
    return True


# A process of its own


def _apart(work: Callable[..., None], trial: Trial, *rest: Any) -> None:
    """`work(trial, *rest)`; what it says goes to log.txt in the trial's folder. Raises Failed."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    log = trial.folder / "log.txt"
    cores = getattr(own, "cores", CORES)
    process = get_context("spawn").Process(target=_alone, args=(log, cores, work, trial, *rest))
    process.start()
    process.join()
    if process.exitcode:
        last = log.read_text(errors="replace").strip().splitlines() or ["it ended"]
        raise Failed(f"{trial.contender}: {last[-1]} ({log})")


def _alone(log: Path, cores: Sequence[int], work: Callable[..., None], *arguments: Any) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(len(cores))
    try:
        work(*arguments)
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None


def _pairs(text: str, whole: str) -> tuple[tuple[str, str], ...]:
    """ "lr=1e-3,betas=0,0.9" -> (("lr", "1e-3"), ("betas", "0,0.9"))"""
    parts: list[str] = []
    for part in text.split(",") if text else ():
        if "=" in part:
            parts.append(part)
        elif parts:
            parts[-1] += "," + part
        else:
            raise AnewError(f"'{whole}' is no contender; expected {SYNTAX}")
    return tuple((key, value) for key, _, value in (part.partition("=") for part in parts))


def _text(mark: str, pairs: tuple[tuple[str, str], ...]) -> str:
    return mark + ",".join("=".join(pair) for pair in pairs) if pairs else ""
