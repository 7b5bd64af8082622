"""Makes the report of a run: draws samples, measures them against held-out data, and writes the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import Codec, Samples
from anew.codecs.dataset import Dataset, Progress, Split
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.baseline import independent
from anew.evaluation.copying import Pair, closest_pairs
from anew.evaluation.cost import cost
from anew.evaluation.page import Pictures, render, render_comparison
from anew.evaluation.report import Report
from anew.evaluation.row import Row
from anew.rng import generator
from anew.run import Run
from anew.training import metrics
from anew.writing import check_writable, write

COMPARED = 2_000  # samples, and held-out examples, at most
NEIGHBOURS = 10_000  # training examples in which copies are looked for, at most
SHOWN, PAIRS = 64, 20  # pictures
STAGES = 5

Views = dict[str, np.ndarray]


def make_report(run: Run, out: Path, on_progress: Progress | None = None) -> Report:
    """Writes report.html and report.json into `out` and returns what is in them."""
    check_writable(out)
    stage = _stages(on_progress)
    stage()
    data = run.open_data(original=True)
    stage()
    n = max(SHOWN, min(COMPARED, len(data.test), len(data.validation)))
    start = time.perf_counter()
    samples = list(run.sample(n, seed=1, on_progress=on_progress))
    speed = n / (time.perf_counter() - start)
    stage()
    real = {name: _some(split, most) for name, split, most in _splits(data)}
    views = _views(data, samples, real)
    stage()
    rows = card.measure(
        views["generated"], views["reference"], views["held_out"], views["train"], views["baseline"], limit=COMPARED
    )
    stage()
    report = _report(run, data, rows, views, speed)
    write(out / "report.json", report.dumps())
    write(out / "report.html", render(report.to_json(), _pictures(data.codec, samples, real, report.pairs)))
    return report


def compare(runs: list[Run], out: Path, on_progress: Progress | None = None) -> list[Report]:
    """Writes one page of several runs on the same data; a run without a report gets one first."""
    if len({_data(run) for run in runs}) > 1:
        listed = "; ".join(f"{run.path}: {_data(run)}" for run in runs)
        raise AnewError(f"these runs are not of the same data, and a card is for one ({listed})")
    reports = [_report_of(run, on_progress) for run in runs]
    data = runs[0].open_data(original=True)
    real = data.codec.show(data.codec.decode(_some(data.test, SHOWN)))
    sheets = [Pictures(run.sample(SHOWN, seed=1)._repr_png_(), real) for run in runs]
    write(out, render_comparison([report.to_json() for report in reports], sheets))
    return reports


def _data(run: Run) -> str:
    """Where a run's data are and what they became."""
    return f"{run.info['source']['location']}, {_kind(run)}"


def _kind(run: Run) -> str:
    """What the data became: the codec's line about itself without its advice."""
    return run.codec.describe().split(" (")[0]


def _report_of(run: Run, on_progress: Progress | None) -> Report:
    path = run.path / "report.json"
    newer = path.exists() and path.stat().st_mtime >= run.weights.stat().st_mtime
    return Report.loads(path.read_text(encoding="utf-8")) if newer else run.report(on_progress=on_progress)


def _stages(on_progress: Progress | None) -> Callable[[], None]:
    """What is called as each stage of a report begins."""
    done = iter(range(STAGES))

    def stage() -> None:
        if on_progress:
            on_progress("report", next(done), STAGES)

    return stage


def _splits(data: Dataset) -> list[tuple[str, Split, int]]:
    """(name, split, how many of it are measured)"""
    return [
        ("train", data.train, NEIGHBOURS),
        ("validation", data.validation, COMPARED),
        ("test", data.test, COMPARED),
    ]


def _some(split: Split, most: int) -> Tensor:
    """Up to `most` examples, drawn at random."""
    return split.batch(_rows(split, most)).x


def _rows(split: Split, most: int) -> Tensor:
    return torch.randperm(len(split), generator=generator(0, "report"))[:most]


def _views(data: Dataset, samples: Samples, real: dict[str, Tensor]) -> dict[str, Views]:
    """{role in `card.measure`: {view: (n, d)}}. Samples and real ones have both been what files hold: quantised."""
    codec = data.codec
    codec.fit_features(data.train.batch(_rows(data.train, NEIGHBOURS)))
    baseline = independent(real["train"][: len(samples)], generator(0, "baseline"))
    seen = {name: codec.features(codec.decode(x)) for name, x in (real | {"baseline": baseline}).items()}
    return {
        "generated": codec.features(samples),
        "reference": seen["test"],
        "held_out": seen["validation"],
        "train": seen["train"],
        "baseline": seen["baseline"],
    }


def _report(run: Run, data: Dataset, rows: list[Row], views: dict[str, Views], speed: float) -> Report:
    records = metrics.read(run.metrics)
    costs = cost(run.info.get("result", {}) | {"samples_per_second": speed})
    return Report(
        name=run.path.resolve().name,
        verdict=card.verdict(rows),
        rows=rows + costs,
        run=_facts(run),
        trust=card.trust(rows, {name: len(split) for name, split, _ in _splits(data)}, list(views["generated"])),
        curves=[{name: value for name, value in record.items() if name != "seconds"} for record in records],
        pairs=[pair._asdict() for pair in _closest(views)],
        guard=run.info.get("guard", []),
        commands=_commands(run),
    )


def _closest(views: dict[str, Views]) -> list[Pair]:
    """By the view in which the eye compares: the first."""
    view = next(iter(views["generated"]))
    return closest_pairs(views["generated"][view], views["held_out"][view], views["train"][view], PAIRS)


def _pictures(codec: Codec, samples: Samples, real: dict[str, Tensor], pairs: list[dict[str, Any]]) -> Pictures:
    train = codec.decode(real["train"])
    return Pictures(
        samples=codec.show(samples[:SHOWN]),
        real=codec.show(codec.decode(real["test"][:SHOWN])),
        pairs=[(codec.show([samples[pair["sample"]]]), codec.show([train[pair["train"]]])) for pair in pairs],
    )


def _facts(run: Run) -> dict[str, Any]:
    model, plan, source = run.info["model"], run.info["training"], run.info["source"]
    return {
        "model": f"{model['recipe']}, size {model['size']}{_where(run)}",
        "data": source["location"],
        "kind": _kind(run),
        "given": ", ".join(run.info["given"]),
        "trained on": f"{plan['examples']:,} examples in {plan['precision']}",
        "made": run.info["created"][:16].replace("T", " ") + " UTC",
    }


def _where(run: Run) -> str:
    if run.inner is None:
        return ""
    model = run.inner.info["model"]
    return f", in the latent space of {model['recipe']}, size {model['size']}"


def _commands(run: Run) -> list[str]:
    asked = run.info["request"]
    options = [f"--model {asked['model']}", f"--size {asked['size']}", f"--seed {asked['seed']}"]
    options += [f"--given {name}" for name in asked["given"]]
    options += [f"--in {asked['inside']}"] if asked.get("inside") else []
    options += [f"--{key} {asked[key]}" for key in ("minutes", "examples") if asked[key] is not None]
    options += [f"--set {key}={value}" for key, value in asked["settings"].items()]
    return [f"anew train {asked['source']} {' '.join(options)} --out {run.path}", f"anew report {run.path}"]
