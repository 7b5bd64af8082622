"""From a source to a trained run: decide everything, write it down, then train."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anew.codecs.dataset import Dataset, fingerprint, prepare
from anew.codecs.table.codec import TableCodec
from anew.display import bars, say, say_table
from anew.errors import AnewError, unknown
from anew.given import Given
from anew.models import recipes
from anew.models.auto import read_size
from anew.run import Run, codec_for
from anew.sources import open_source
from anew.training.decide import Request, decide
from anew.training.distributed import launch
from anew.training.loop import fit
from anew.training.precision import PRECISIONS
from anew.training.private_promise import check_request, codec_settings
from anew.writing import check_writable, is_leftover

if TYPE_CHECKING:
    import pandas as pd


def train(
    source: str | PathLike[str] | pd.DataFrame,
    model: str = "auto",
    *,
    given: str | Iterable[str] = (),
    inside: str | PathLike[str] | None = None,
    size: str | int = "auto",
    minutes: float | None = None,
    examples: int | None = None,
    out: str | PathLike[str] | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    devices: int = 1,
    precision: str = "auto",
    private: float | None = None,
    show: bool = True,
) -> Run:
    """Learns what the data at `source` look like, and returns the run, ready to sample.

    source     a folder, a file, a pandas frame, or the name of a built-in: "digits"
    model      a recipe (`anew list models`), or "auto"
    given      what the model shall follow, by name: "label"
    inside     a run, such as of an autoencoder, whose latent space to train in instead of the data's own
    size       1 (small) to 6 (large), or "auto"
    minutes    how long to train (5 if nothing is said), or
    examples   how many examples to train on, repeats counted
    out        the run folder; runs/<name of the source> if nothing is said
    settings   changes to the model's configuration ({"lr": 1e-3}) and the codec's ({"codec.size": 32})
    devices    GPUs, or processes where there is none
    precision  "fp32", "bf16", or "auto": the fastest that is right, measured first
    private    epsilon, for training with differential privacy, such as 3.0 (docs/privacy.md)

    The same call again goes on where the run was stopped. Raises AnewError for what cannot be done.
    """
    given = (given,) if isinstance(given, str) else tuple(given)
    texts = {key: str(value) for key, value in (settings or {}).items()}
    _check(model, str(size), minutes, examples, devices, precision, private)
    check_request(private, texts, devices, precision, inside)
    opened = open_source(source)
    if about := opened.describe():
        say(f"{opened.location}: {about}", show)
    texts = codec_settings(private, texts, opened.codec)
    inner = None if inside is None else Run.load(Path(inside).expanduser().resolve())
    codec = codec_for(opened, texts, inner)
    data = fingerprint(opened, codec, given)
    asked = (model, str(size), given, minutes, examples, seed, texts, devices, precision)
    request = Request(opened.location, data, *asked, str(inner.path) if inner else None, private)
    folder, run = _find(Path(out).expanduser() if out else None, opened.name, request)
    check_writable(folder)
    if run is None:
        with bars(show) as on_progress:
            dataset = prepare(opened, codec, given, on_progress)
        _say_data(dataset, show)
        run = _begin(folder, request, dataset, inner, show)
    if run.finished:
        say(f"'{folder}' is finished already; for more of the same, choose another --out or --seed", show)
        return run
    launch(fit, devices, str(folder), show)
    return _ended(Run.load(folder), show)


def _check(
    model: str,
    size: str,
    minutes: float | None,
    examples: int | None,
    devices: int,
    precision: str,
    private: float | None,
) -> None:
    """Before anything is read."""
    if model != "auto" and model not in recipes():
        raise unknown("model", model, ["auto", *recipes()])
    if size != "auto":
        read_size(size)
    if precision not in ("auto", *PRECISIONS):
        raise unknown("precision", precision, ("auto", *PRECISIONS))
    if minutes is not None and examples is not None:
        raise AnewError("a budget is either in minutes or in examples; give one of the two")
    for name, value in (("minutes", minutes), ("examples", examples), ("devices", devices), ("private", private)):
        if value is not None and not 0 < value < float("inf"):
            raise AnewError(f"{name} cannot be {value}; expected a number above 0")


def _find(out: Path | None, name: str, request: Request) -> tuple[Path, Run | None]:
    """The folder to train in, and the run that is there if it is to be gone on with."""
    if out is not None:
        run = _open(out)
        if run and (other := _difference(run, request)):
            raise AnewError(f"'{out}' holds a run that was asked for otherwise ({other}); choose another --out")
        return out, run
    number, folder = 1, Path("runs") / name
    while (run := _open(folder)) and _difference(run, request):
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder, run


def _open(folder: Path) -> Run | None:
    """The run in the folder; None if it is free. Raises AnewError if something else is there."""
    if (folder / "run.json").exists():
        return Run.load(folder)
    if folder.exists() and not folder.is_dir():
        raise AnewError(f"'{folder}' is a file; a run needs a folder: choose another --out")
    inside = folder.iterdir() if folder.exists() else ()
    strangers = {path.name for path in inside if not is_leftover(path)} - {"codec", "inner"}
    if strangers:
        raise AnewError(f"'{folder}' holds other files ({sorted(strangers)[0]}); choose another --out")
    return None


def _difference(run: Run, request: Request) -> str:
    """The first thing that is not the same, in words; empty if all is."""
    there, here = run.info.get("request", {}), request.to_json()
    keys = [key for key in here if key != "data"] + ["data"]
    for key in keys:
        if there.get(key) != here[key]:
            return "the data have changed" if key == "data" else f"{key}: {there.get(key)} there, {here[key]} here"
    return ""


def _begin(folder: Path, request: Request, data: Dataset, inner: Run | None, show: bool) -> Run:
    """Writes a run with all that is decided."""
    found = decide(request, data, inner is not None, show)
    info = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "request": request.to_json(),
        "source": _about(request, data),
        "given": list(request.given),
        "inside": request.inside,
        "model": {"recipe": found.recipe, "size": found.size, "configuration": asdict(found.model.config)},
        "training": found.plan.to_json(),
    }
    if found.privacy:
        info["privacy"] = found.privacy.to_json()
    given = None
    if data.given_codec is not None and data.train.given is not None:
        given = Given.learn(data.given_codec, data.train.given)
    return Run.create(folder, info, data.codec, given, inner)


def _about(request: Request, data: Dataset) -> dict[str, Any]:
    splits = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    return {
        "location": request.source,
        "fingerprint": data.fingerprint,
        **splits,
        "skipped": data.skipped_count,
        "skipped_names": [name for name, _ in data.skipped[:20]] if request.private is None else [],
    }


def _say_data(data: Dataset, show: bool) -> None:
    counts = f"{len(data.train):,} to train on, {len(data.validation):,} and {len(data.test):,} held out"
    say(f"{counts}; {data.codec.describe()}", show)
    if isinstance(data.codec, TableCodec):
        say_table(data.codec.overview(), show)
    if data.given_codec:
        say(f"given: {data.given_codec.describe()}", show)
    if data.skipped_count:
        first = "; ".join(f"'{name}' {reason}" for name, reason in data.skipped[:3])
        more = " ..." if data.skipped_count > 3 else ""
        say(f"left out {data.skipped_count:,} that cannot be read: {first}{more}", show)


def _ended(run: Run, show: bool) -> Run:
    if run.finished:
        early = f" (stopped early: {run.info['stopped']})" if "stopped" in run.info else ""
        say(f"trained: {run.path}{early}", show)
    else:
        say(f"stopped and saved in {run.path}; the same command goes on from here", show)
    return run
