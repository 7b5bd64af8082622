"""Makes reports: of a run, or of samples from anywhere beside real data. Measures, and writes the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anew.codecs.codec import Codec, Samples
from anew.codecs.dataset import Progress
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.anonymity import beside_real, check_columns
from anew.evaluation.copying import Pair, closest_pairs
from anew.evaluation.cost import cost
from anew.evaluation.examples import Examples, Losses
from anew.evaluation.gather import Effort, Truth, choose, effort, gather, take
from anew.evaluation.groups import groups
from anew.evaluation.likelihood import likelihood, losses
from anew.evaluation.page import Pictures, Shown, render, render_comparison
from anew.evaluation.report import Report
from anew.evaluation.row import Row
from anew.evaluation.tables import distances, sheet
from anew.evaluation.translation import translation, unseen
from anew.evaluation.verdict import trust, verdict
from anew.run import Run
from anew.training import metrics
from anew.writing import check_writable, write

SHOWN, READ, PAIRS = 64, 8, 20  # pictures, texts, pairs
SCORED = 1_000  # examples of which the likelihood is asked, at most


def make_report(
    run: Run,
    out: Path,
    quick: bool = False,
    n: int | None = None,
    on_progress: Progress | None = None,
    quasi: Sequence[str] = (),
    sensitive: str | None = None,
) -> Report:
    """Writes report.html and report.json into `out` and returns what is in them.

    `quasi` are columns of a table that others may know of people, and `sensitive` one that they must not: see
    anonymity.py.
    """
    check_writable(out)
    looked_at = effort(quick, n)
    truth = gather(run.open_data(original=True), looked_at, on_progress)
    check_columns(truth.real, quasi, sensitive)
    start = time.perf_counter()
    wanted = max(SHOWN, truth.real.n)
    samples = unseen(run, truth.chosen.held_out, wanted) or run.sample(wanted, seed=1, on_progress=on_progress)
    speed = len(samples) / (time.perf_counter() - start)
    generated = replace(truth.examples(samples.items, samples.given), losses=_losses(run, truth, looked_at))
    rows = card.measure(generated, truth.real, on_progress=on_progress) + _likelihood(run, truth)
    rows += translation(run, truth.chosen.test)
    rows += cost(run.info.get("result", {}) | {"samples_per_second": speed})
    report = describe(run.path.resolve().name, truth, generated, rows)
    report = replace(report, anonymity=beside_real(generated, truth.real, quasi, sensitive))
    return publish(_with_run(report, run), pictures(report, truth, generated, samples.items), out)


def describe(name: str, truth: Truth, generated: Examples, rows: list[Row]) -> Report:
    """What was measured, in words and with the closest pairs; without what is known of a run."""
    splits = {"train": truth.data.train, "validation": truth.data.validation, "test": truth.data.test}
    return Report(
        name=name,
        verdict=verdict(rows),
        rows=rows,
        groups=groups(generated, truth.real, truth.data.labels),
        trust=trust(rows, {name: len(split) for name, split in splits.items()}, truth.real),
        pairs=[pair._asdict() for pair in _closest(generated, truth)],
        columns=distances(generated, truth.real),
    )


def pictures(report: Report, truth: Truth, generated: Examples, samples: Samples) -> Pictures:
    """What the page shows beside the report, of samples in the ecosystem's own type."""
    codec, chosen = truth.data.codec, truth.chosen
    if codec.frames:
        return Pictures(sheet=sheet(generated, truth.real, report.pairs))
    train = codec.decode(chosen.train.x)
    pairs = [(samples[pair["sample"]], train[pair["train"]]) for pair in report.pairs]
    return Pictures(
        samples=shown(codec, samples),
        real=shown(codec, codec.decode(chosen.test.x[:SHOWN])),
        pairs=[(shown(codec, [one]), shown(codec, [other])) for one, other in pairs],
    )


def shown(codec: Codec, samples: Samples) -> Shown:
    """The first of them, as people look at them or read them."""
    return list(samples[:READ]) if codec.texts else codec.show(samples[:SHOWN])


def publish(report: Report, shown: Pictures, out: Path) -> Report:
    """Writes report.json and report.html."""
    write(out / "report.json", report.dumps())
    write(out / "report.html", render(report.to_json(), shown))
    return report


def compare(runs: list[Run], out: Path, on_progress: Progress | None = None) -> list[Report]:
    """Writes one page of several runs on the same data; a run without a report gets one first."""
    if len({_data(run) for run in runs}) > 1:
        listed = "; ".join(f"{run.path}: {_data(run)}" for run in runs)
        raise AnewError(f"these runs are not of the same data, and a card is for one ({listed})")
    reports = [_report_of(run, on_progress) for run in runs]
    data = runs[0].open_data(original=True)
    sheets = [Pictures()] * len(runs)
    if not data.codec.frames:
        real = shown(data.codec, data.codec.decode(choose(data, Effort(SHOWN, SHOWN)).test.x))
        sheets = [Pictures(shown(run.codec, run.sample(SHOWN, seed=1).items), real) for run in runs]
    write(out, render_comparison([report.to_json() for report in reports], sheets))
    return reports


def _losses(run: Run, truth: Truth, looked_at: Effort) -> Losses:
    """Of real examples in the form in which the model was trained on them."""
    chosen = truth.chosen if run.inner is None else choose(run.open_data(), looked_at)
    members = take(chosen.train, slice(len(truth.real.members)))
    return Losses(losses(run.model, members), losses(run.model, chosen.held_out))


def _likelihood(run: Run, truth: Truth) -> list[Row]:
    """None of latents: their bits are not the data's."""
    if run.inner is not None:
        return []
    some = slice(SCORED)
    codec = truth.data.codec
    of = take(truth.chosen.test, some), take(truth.chosen.train, some)
    return likelihood(run.model, *of, lambda x: codec.amounts(codec.decode(x)))


def _closest(generated: Examples, truth: Truth) -> list[Pair]:
    """By the view in which the eye compares: the first."""
    samples, real = truth.real.standardised(generated), truth.real
    view = next(iter(samples.views))
    return closest_pairs(samples.views[view], real.held_out.views[view], real.train.views[view], PAIRS)


def _data(run: Run) -> str:
    """Where a run's data are and what they became."""
    return f"{run.info['source']['location']}, {_kind(run)}"


def _kind(run: Run) -> str:
    """What the data became: the codec's line about itself without its advice."""
    return run.codec.describe().split(" (")[0]


def _report_of(run: Run, on_progress: Progress | None) -> Report:
    """The one there is, if it is newer than the weights and can be read."""
    path = run.path / "report.json"
    if path.exists() and path.stat().st_mtime >= run.weights.stat().st_mtime:
        try:
            return Report.loads(path.read_text(encoding="utf-8"))
        except AnewError:  # of an older anew
            pass
    return run.report(on_progress=on_progress)


def _with_run(report: Report, run: Run) -> Report:
    records = metrics.read(run.metrics)
    return replace(
        report,
        run=_facts(run),
        curves=[{name: value for name, value in record.items() if name != "seconds"} for record in records],
        guard=run.info.get("guard", []),
        commands=_commands(run),
    )


def _facts(run: Run) -> dict[str, Any]:
    model, plan, source = run.info["model"], run.info["training"], run.info["source"]
    seen = run.info.get("result", plan)["examples"]  # the guard may have stopped it, or the minutes
    return {
        "model": f"{model['recipe']}, size {model['size']}{_where(run)}",
        "data": source["location"],
        "kind": _kind(run),
        "given": ", ".join(run.info["given"]),
        "trained on": f"{seen:,} examples in {plan['precision']}",
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
