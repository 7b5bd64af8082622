"""The run folder: everything that is known of one training run, as JSON and tensors. Loading it runs no code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from anew.codecs import PREFIX, codec_changes, load_codec, make_codec, save_codec
from anew.codecs.codec import Codec
from anew.codecs.dataset import Dataset, Progress, fingerprint, prepare
from anew.codecs.fitted import Fitted
from anew.constraints import Constraints
from anew.display import say
from anew.drawing import draw_until
from anew.errors import AnewError
from anew.given import Given
from anew.latent import LatentCodec
from anew.models import build
from anew.models.model import Completes, Model
from anew.nn.decoding import PLAIN, Style
from anew.sampler import Sampler, cut
from anew.samples import Samples
from anew.sources import Source, open_source
from anew.sources.dialogue import marker
from anew.writing import write, write_json

if TYPE_CHECKING:
    import pandas as pd

    from anew.codecs.table.codec import TableCodec
    from anew.codecs.text.codec import TextCodec
    from anew.codecs.text.grammar import Grammar
    from anew.evaluation.report import Report
    from anew.evaluation.selftest import SelfTest

FORMAT, VERSION = "anew run", 1

Part = TypeVar("Part")


class Run:
    """A folder with these files:

        run.json             all that repeats the run: source, model, plan, and how it went
        codec/               how samples become files: x.json, and given.json if something is given
        weights.safetensors  ready to sample
        inner/               a copy of the run in whose latent space this one was trained, if it was in one
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
    def create(
        cls, path: Path, info: dict[str, Any], codec: Codec, given: Given | None, inner: Run | None = None
    ) -> Run:
        """run.json comes last: with it, the folder is a run."""
        if inner is not None:
            inner.copy_to(path / "inner")
        write_json(path / "codec" / "x.json", save_codec(codec))
        if given is not None:
            write_json(path / "codec" / "given.json", given.to_json())
        run = cls(path, {"format": FORMAT, "version": VERSION, **info})
        run.save()
        return run

    def save(self) -> None:
        write_json(self.path / "run.json", self.info)

    def copy_to(self, folder: Path) -> None:
        """What sampling, encoding and decoding need."""
        for name in ("codec/x.json", "codec/given.json", "weights.safetensors", "run.json"):
            if (self.path / name).exists():
                write(folder / name, (self.path / name).read_bytes())

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
    def inner(self) -> Run | None:
        """The run in whose latent space this one was trained; None if it was not in one."""
        return Run.load(self.path / "inner") if self.info.get("inside") else None

    @cached_property
    def codec(self) -> Codec:
        return self._part("codec/x.json", self.inner.latents().restored if self.inner else load_codec)

    def latents(self) -> LatentCodec:
        """What writes records as latents of this run's model; still to be fitted. Raises AnewError if it cannot."""
        if self.info.get("inside"):
            raise AnewError(f"'{self.path}' was itself trained in a latent space; give a run that was not")
        if not self.finished:
            raise AnewError(f"'{self.path}' is not finished; run the same `anew train` command to go on, then this")
        return LatentCodec(self.codec, self.model)

    @cached_property
    def given(self) -> Given | None:
        """What samples can be asked for; None if nothing was given in training."""
        return self._part("codec/given.json", Given.from_json) if self.info.get("given") else None

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
            raise self.damaged("run.json", error) from error
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            given = self.given.codec.space if self.given else None
            built = build(recipe, self.codec.space, given, size, configuration)
            built.precision = str(self.info["training"].get("precision", "fp32"))
            return built

    # --- what it is for

    def sample(
        self,
        n: int = 16,
        given: Mapping[str, Any] | None = None,
        seed: int = 0,
        on_progress: Progress | None = None,
        *,
        balance: str | None = None,
        constraints: Constraints | None = None,
        style: Style = PLAIN,
        prompt: str | None = None,
        length: int | None = None,
        stop: Sequence[str] = (),
        grammar: Grammar | None = None,
        best_of: int = 1,
        beam: int | None = None,
        show: Callable[[Tensor], None] | None = None,
    ) -> Samples:
        """`n` new samples. Sample i depends on `seed` and i only.

        `given` is what they shall have, {"label": 7}: something given in training, or, of tables, any columns. What
        was given in training and is left open is drawn as it was in the data. `balance` is a column of a table of
        which each value comes equally often; `constraints` are met by drawing again. For `style`, `prompt`, `length`,
        `stop`, `grammar`, `best_of`, `beam` and `show`, see `Sampler`. Raises AnewError for a name or a value that was
        not in the data.
        """
        if n < 1:
            raise AnewError(f"cannot make {n} samples; ask for 1 or more")
        asked, columns = self._sort(given or {}, balance)
        sampler = Sampler(self.model, self.codec, style, prompt, length, stop, grammar, best_of, beam, show)
        told: list[Tensor] = []  # what was given with all that was made, in order

        def make(first: int, count: int) -> Tensor:
            numbers, codec = range(first, first + count), cast("TableCodec", self.codec)
            given = self.draw_given(count, asked, seed, first)
            if given is not None:
                told.append(given)
            known = codec.known(numbers, columns, balance) if columns or balance else None
            return sampler.draw(count, given, seed, on_progress, first, known)

        def samples(x: Tensor, numbers: Tensor, tried: int) -> Samples:
            rows = self.given.rows(torch.cat(told)[numbers]) if self.given else []
            return Samples(self.codec, sampler.items(x), rows, tried)

        def see(x: Tensor, numbers: Tensor) -> pd.DataFrame:
            return cast("TableCodec", self.codec).typed(samples(x, numbers, n).frame, learned=False)

        wishes = self._with_data(constraints or Constraints())
        x, numbers, tried = draw_until(n, make, see, wishes)
        if warning := sampler.warning(x):
            say(warning)
        made = samples(x, numbers, tried)
        return made.replaced(wishes.derived(see(x, numbers))) if wishes else made

    def answer(self, said: str, line: str, style: Style = PLAIN, seed: int = 0) -> tuple[str, str]:
        """All that was said with the `line` and its answer, and the answer, of a model of dialogues."""
        if self.codec.name != "text":
            raise AnewError(
                f"'{self.path}' was not trained on text, so nobody answers; train on dialogues: docs/text.md"
            )
        codec, said = cast("TextCodec", self.codec), f"{said}{marker('user')}{line}\n{marker('assistant')}"
        prompt = said
        while len(codec.begun(prompt)) > codec.space.length // 2 and marker("user") in prompt[1:]:
            prompt = prompt[prompt.index(marker("user"), 1) :]
        made = self.sample(1, seed=seed + len(said), style=style, prompt=prompt).items[0]
        answer = cut(made[len(prompt) :], (marker("user"), marker("assistant"), marker("system"))).strip()
        return f"{said}{answer}\n", answer

    def complete(self, rows: Any, seed: int = 0, on_progress: Progress | None = None) -> Samples:
        """The rows of a table (a file, or a frame) with every missing cell filled in, as likely as it is; levels with
        tiles in place of "?", texts with something in place of "[...]", music with some bars written again
        ("x.mid?bars=5-8"), graphs with more nodes.

        What is there stays as it is. Raises AnewError for a model that cannot, and for other columns.
        """
        from anew.editing.complete import complete  # an import up the order, as those below

        return complete(self, rows, seed, on_progress)

    def report(
        self,
        out: str | PathLike[str] | None = None,
        quick: bool = False,
        n: int | None = None,
        on_progress: Progress | None = None,
        *,
        quasi: Sequence[str] = (),
        sensitive: str | None = None,
    ) -> Report:
        """Measures samples against held-out data, and writes report.html and report.json to the run or `out`.

        `n` samples are compared with as many held-out examples, if there are as many; 2,000 or, `quick`, 500. Of a
        table, `quasi` are columns that others may know of people, and `sensitive` is one that they may not.
        """
        from anew.evaluation.build import make_report

        return make_report(self, Path(out) if out else self.path, quick, n, on_progress, quasi, sensitive)

    def selftest(
        self, out: str | PathLike[str] | None = None, quick: bool = False, on_progress: Progress | None = None
    ) -> SelfTest:
        """Holds the report card against impostors made of the run's data: see evaluation/selftest.py."""
        from anew.evaluation.selftest import selftest

        return selftest(self.open_data(original=True), Path(out) if out else self.path, quick, on_progress)

    @property
    def fills(self) -> bool:
        """Whether the model can be told some columns of a row, and fills in the rest."""
        return self.codec.frames and isinstance(self.model, Completes)

    def _with_data(self, wishes: Constraints) -> Constraints:
        """With the real rows that combinations of values are looked up in; raises AnewError if the data are gone."""
        if not wishes.together or not self.codec.frames:
            return wishes
        codec, train = cast("TableCodec", self.codec), self.open_data().train
        told = self.given.rows(train.given) if self.given and train.given is not None else []
        rows = Samples(codec, codec.decode(train.batch(torch.arange(len(train))).x), told)
        return replace(wishes, real=codec.typed(rows.frame, learned=False))

    def _sort(self, wanted: Mapping[str, Any], balance: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is wanted, by whether it was given in training or is a column of the table."""
        columns = {name: value for name, value in wanted.items() if name not in self.info["given"] and self.fills}
        if balance is not None and not self.fills:
            raise AnewError(f"'{self.path}' cannot balance {balance}; train a table with --model autoregressive")
        return {name: value for name, value in wanted.items() if name not in columns}, columns

    def draw_given(self, n: int, wanted: Mapping[str, Any], seed: int, first: int = 0) -> Tensor | None:
        """(n, F), see `Given.draw`; None if nothing was given in training."""
        if self.given is not None:
            return self.given.draw(n, wanted, seed, first)
        if wanted:
            raise AnewError(f"'{self.path}' was trained without --given, so it cannot follow {', '.join(wanted)}")
        return None

    def open_data(self, original: bool = False) -> Dataset:
        """What the run was trained on, in its splits; raises AnewError if it is gone or has changed.

        `original` is what samples are compared with: the data themselves where the run was trained on latents.
        """
        told, given = self.info["source"], self.info["given"]
        source = open_source(told["location"])
        codec = codec_for(source, self.info["request"]["settings"], self.inner)
        if fingerprint(source, codec, given) != told["fingerprint"]:
            raise AnewError(f"the data at '{source.location}' changed since '{self.path}' was begun; start a new run")
        data = prepare(source, Fitted(self.inner.codec) if original and self.inner else codec, given)
        if "privacy" in self.info and save_codec(data.codec) != save_codec(
            self.codec
        ):  # learned again, with other noise
            return prepare(source, Fitted(self.codec), given)
        return data

    def _part(self, file: str, read: Callable[[dict[str, Any]], Part]) -> Part:
        state = _read(self.path / file)
        try:
            return read(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self.damaged(file, error) from error

    def damaged(self, file: str, error: Exception) -> AnewError:
        """For a file of the run that does not hold what it should."""
        return AnewError(f"'{self.path / file}' is damaged ({error!r}); restore it, or train again with a new --out")

    # --- how it shows itself

    def __repr__(self) -> str:
        model, plan = self.info["model"], self.info["training"]
        state = "finished" if self.finished else "not finished"
        return f"Run('{self.path}': {model['recipe']}, size {model['size']}, {plan['examples']:,} examples, {state})"

    def _repr_png_(self) -> bytes:
        return self.sample(32)._repr_png_()


def codec_for(source: Source, settings: Mapping[str, str], inner: Run | None) -> Codec:
    """What turns the records of the source into data, or into latents of `inner`; raises AnewError if it cannot."""
    changes = codec_changes(settings)
    if inner is None:
        return make_codec(source.codec, changes)
    if changes:
        asked = f"--set {PREFIX}{next(iter(changes))}"
        raise AnewError(f"{asked} does not go with --in: '{inner.path}' says how data are read; leave it out")
    if source.codec != inner.codec.name:
        kinds = f"'{inner.path}' was trained on data of the kind {inner.codec.name}, '{source.name}' is {source.codec}"
        raise AnewError(f"{kinds}; give a run of the same kind")
    return inner.latents()


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
