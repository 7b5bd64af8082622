"""The run folder: everything that is known of one training run, as JSON and tensors. Loading it runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from anew.codecs import load_codec, save_codec
from anew.codecs.codec import Codec
from anew.codecs.dataset import Progress
from anew.codecs.table import TableCodec
from anew.errors import AnewError
from anew.models import build
from anew.models.model import Model
from anew.rng import Rng, generator
from anew.samples import Samples
from anew.writing import write_json

if TYPE_CHECKING:
    from anew.evaluation.report import Report

FORMAT, VERSION = "anew run", 1
TOGETHER = 64  # samples that are made at a time
KNOWN = 512  # examples of what is given that a run keeps, to draw from


class Run:
    """A folder with these files:

        run.json             all that repeats the run: source, model, plan, and how it went
        codec/               how samples become files: x.json, and given.json if something is given
        weights.safetensors  ready to sample
        checkpoint/          ready to go on training
        metrics.jsonl        losses and speed over the examples seen
        samples/             the same seeds over time
        report.html, report.json

    `info` is what run.json holds.
    """

    def __init__(self, path: Path, info: dict[str, Any]):
        self.path, self.info = path, info

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Run:
        """Raises AnewError for what is not a run, or is damaged, or was made by a newer anew."""
        folder = Path(path).expanduser()
        info = _read(folder / "run.json")
        if info.get("format") != FORMAT:
            raise AnewError(f"'{folder}' is not a run folder: its run.json is of another program")
        if info.get("version") != VERSION:
            found = info.get("version")
            raise AnewError(f"'{folder}' is a run of version {found}; this anew reads {VERSION}: upgrade anew")
        return cls(folder, info)

    @classmethod
    def create(cls, path: Path, info: dict[str, Any], codec: Codec, given: Codec | None, known: Tensor) -> Run:
        """`known` (n, F) are examples of what is given. run.json comes last: with it, the folder is a run."""
        write_json(path / "codec" / "x.json", save_codec(codec))
        if given is not None:
            some = torch.randperm(len(known), generator=generator("known"))[:KNOWN]  # a source may be sorted
            write_json(path / "codec" / "given.json", save_codec(given) | {"known": _rows(known[some])})
        run = cls(path, {"format": FORMAT, "version": VERSION, **info})
        run.save()
        return run

    def save(self) -> None:
        write_json(self.path / "run.json", self.info)

    # --- its files

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint" / "state.safetensors"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def finished(self) -> bool:
        return "result" in self.info

    # --- its parts

    @cached_property
    def codec(self) -> Codec:
        return self._codec("x")[0]

    @cached_property
    def given_codec(self) -> Codec | None:
        return self._codec("given")[0] if self._gives else None

    @cached_property
    def model(self) -> Model:
        """Ready to sample: with the averaged weights, in evaluation mode, on the GPU if there is one."""
        model = self.new_model()
        if not self.weights.exists():
            raise AnewError(f"'{self.path}' has no weights yet; run the same `anew train` command to go on")
        try:
            model.load_state_dict(load_file(self.weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            message = f"'{self.weights}' is damaged or not of this run's model"
            raise AnewError(f"{message}; train again, or restore the file") from error
        return model.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")

    def new_model(self) -> Model:
        """With fresh weights, which depend on the run's seed alone."""
        try:
            model, seed = self.info["model"], self.info["training"]["seed"]
            recipe, size, configuration = model["recipe"], model["size"], model["configuration"]
        except (KeyError, TypeError) as error:
            raise self._damaged("run.json", error) from error
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            given = self.given_codec.space if self.given_codec else None
            return build(recipe, self.codec.space, given, size, configuration)

    # --- what it is for

    def sample(
        self,
        n: int = 16,
        given: Mapping[str, Any] | None = None,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> Samples:
        """`n` new samples. Sample i depends on `seed` and i only.

        `given` is what they shall have, {"label": 7}; what it leaves open is drawn as it was in the training
        data. Raises AnewError for a name or a value that was not in the data.
        """
        if n < 1:
            raise AnewError(f"cannot make {n} samples; ask for 1 or more")
        told = self.draw_given(n, given or {}, seed)
        x = draw(self.model, n, told, seed, on_progress)
        return Samples(self.codec, self.codec.decode(x), self.given_rows(told))

    def report(self, out: str | PathLike[str] | None = None, on_progress: Progress | None = None) -> Report:
        """Measures samples against held-out data, and writes report.html and report.json to the run or `out`."""
        from anew.evaluation.build import make_report  # the one import up the order: a run shows how good it is

        return make_report(self, Path(out) if out else self.path, on_progress)

    def draw_given(self, n: int, wanted: Mapping[str, Any], seed: int) -> Tensor | None:
        """(n, F): what is wanted, and for the rest what rows of the training data that agree with it have."""
        if self.given_codec is None:
            if wanted:
                raise AnewError(f"'{self.path}' was trained without --given, so it cannot follow {', '.join(wanted)}")
            return None
        row = self._wanted(wanted)
        known = self._known(len(row))
        agree = known[((known == row) | row.isnan()).all(1)]
        known = agree if len(agree) else torch.full((1, len(row)), torch.nan)
        picks = [int(torch.randint(len(known), (), generator=generator(seed, "given", i))) for i in range(n)]
        return torch.where(row.isnan(), known[picks], row)

    def given_rows(self, told: Tensor | None) -> list[dict[str, Any]]:
        """In the terms of the data; empty if nothing is given."""
        return [] if told is None or self.given_codec is None else list(self.given_codec.decode(told))

    def _wanted(self, wanted: Mapping[str, Any]) -> Tensor:
        """(F,), NaN where nothing is wanted."""
        assert isinstance(self.given_codec, TableCodec)
        names = [field.name for field in self.given_codec.space.fields]
        for name in wanted:
            if name not in names:
                raise AnewError(f"'{name}' was not given in training; what was: {', '.join(names)}")
        return self.given_codec.encode([dict(wanted)])[0]

    def _known(self, columns: int) -> Tensor:
        """(n, F), NaN where nothing is known."""
        state = self._codec("given")[1]
        try:
            values = [torch.nan if value is None else value for row in state["known"] for value in row]
            return torch.tensor(values, dtype=torch.float32).reshape(-1, columns)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._damaged("codec/given.json", error) from error

    @property
    def _gives(self) -> bool:
        return bool(self.info.get("given"))

    def _codec(self, name: str) -> tuple[Codec, dict[str, Any]]:
        state = _read(self.path / "codec" / f"{name}.json")
        try:
            return load_codec(state), state
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(f"codec/{name}.json", error) from error

    def _damaged(self, file: str, error: Exception) -> AnewError:
        return AnewError(f"'{self.path / file}' is damaged ({error!r}); restore it, or train again with a new --out")

    # --- how it shows itself

    def __repr__(self) -> str:
        model, plan = self.info["model"], self.info["training"]
        state = "finished" if self.finished else "not finished"
        return f"Run('{self.path}': {model['recipe']}, size {model['size']}, {plan['examples']:,} examples, {state})"

    def _repr_png_(self) -> bytes:
        return self.sample(32)._repr_png_()


@torch.no_grad()
def draw(model: Model, n: int, given: Tensor | None, seed: int, on_progress: Progress | None = None) -> Tensor:
    """(n, *space.shape) on the CPU; sample i depends on `seed`, i and given[i] only."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, n, TOGETHER):
        rows = range(start, min(start + TOGETHER, n))
        told = None if given is None else given[rows.start : rows.stop].to(device)
        parts.append(model.sample(len(rows), told, Rng.for_samples(seed, rows, device)).cpu())
        if on_progress:
            on_progress("sampling", rows.stop, n)
    return torch.cat(parts)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        missing = f"there is no file '{path}'"
        raise AnewError(f"'{path.parent}' is not a whole run folder: {missing}; see: anew train --help") from None
    except (OSError, ValueError) as error:
        raise AnewError(f"'{path}' is damaged ({error}); restore it, or train again with a new --out") from error
    if not isinstance(data, dict):
        raise AnewError(f"'{path}' is damaged (not a JSON object); restore it, or train again with a new --out")
    return data


def _rows(x: Tensor) -> list[list[float | None]]:
    """As JSON, which has no NaN."""
    return [[None if value != value else value for value in row] for row in x.tolist()]
