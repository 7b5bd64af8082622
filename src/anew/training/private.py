"""Training with differential privacy: DP-SGD (Abadi et al. 2016), what it promises, and what it refuses."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from anew.codecs.dataset import Dataset, Split
from anew.errors import AnewError, unknown
from anew.models.model import Model, Turn
from anew.rng import generator
from anew.spaces import Batch
from anew.training.private_account import calibrate
from anew.training.private_gradients import Recorder
from anew.training.trainer import Group, Plan, Trainer

PREFIX = "private."  # of a setting that is neither the model's nor the codec's
FEWEST = 100  # examples: the split of fewer depends on all of them
NOISE, CODEC_NOISE = "codec.noise", 15.0  # divided by epsilon: about a tenth of what may be spent
FEW = 4  # that are made up for a check
ELSE = "so it cannot be trained privately; choose another --model, such as vae"
NOT_COVERED = (
    "people with k examples, who are promised k times the epsilon; several runs on the same data, of which each adds "
    "its own",
    "what is taken to be public: how many examples there are and how many cannot be read, where they lie, the "
    "fingerprint of their files, and the names and types of columns",
    "reports, which compare samples with the data themselves; the prepared data in the cache on this machine",
    "the checkpoint of a run that is not finished, which holds the key of the noise",
    "how long steps took, and attacks on the rounding of noise and on generators of random numbers",
)
STATED = "what the codecs learned (codec/), with examples of what is given: stated to be public by private.codec=public"


@dataclass(frozen=True)
class Options:
    """What `--set private.KEY=VALUE` can change."""

    delta: float = 0.0  # 0 is 1 / (10 n) for n training examples
    clip: float = 1.0  # the largest norm of the gradient at one example
    repeats: int = 1  # how often the gradient at an example is drawn anew, before their mean is clipped
    codec: str = ""  # "public": what codecs learn of the data may be known to all


@dataclass(frozen=True)
class Privacy:
    """What a run promises, as run.json states it.

    With or without any one example, every outcome is as probable, up to a factor of e^epsilon and but for a probability
    of delta (Dwork et al. 2006). The noise on a sum of gradients has a standard deviation of noise_multiplier * clip.
    """

    epsilon: float
    delta: float
    unit: str = "one example (a row of a table, a picture), added or removed"
    accountant: str = ""
    noise_multiplier: float = 1.0
    clip: float = 1.0
    repeats: int = 1  # how often the gradient at an example is drawn anew, before their mean is clipped
    sampling_rate: float = 0.0  # the probability of an example to be in a batch
    steps: int = 0  # noisy sums that are released
    codec_noise_multiplier: float = 0.0  # of what a codec of tables learned; 0 is none
    not_covered: tuple[str, ...] = NOT_COVERED

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "not_covered": list(self.not_covered)}

    def __str__(self) -> str:
        noise = f"noise {self.noise_multiplier:.3g} of a clip of {self.clip:g}"
        steps = f"{self.steps:,} steps of {self.sampling_rate:.2%} of the examples"
        return f"epsilon {self.epsilon:.3g} at delta {self.delta:.2g} for one example; {noise}, {steps}"


def make_trainer(model: Model, data: Split, plan: Plan, group: Group, privacy: Privacy | None) -> Trainer:
    return Trainer(model, data, plan, group) if privacy is None else PrivateTrainer(model, data, plan, privacy, group)


class PrivateTrainer(Trainer):
    """Each batch is a Poisson sample; the gradient at each example is clipped, and noise added to their sum.

    All that is random follows from a secret that is drawn anew, kept in checkpoints, and forgotten with the last step:
    who knew it could take the noise away. Losses are not shown, as they tell of the examples.
    """

    def __init__(self, model: Model, data: Split, plan: Plan, privacy: Privacy, group: Group | None = None):
        super().__init__(model, data, plan, group)
        if model.couples:
            raise AnewError(f"{type(model).__name__} has {model.couples}, which ties examples together, {ELSE}")
        self.privacy = privacy
        self.memory["secret"] = secrets.randbits(128)
        self.recorders = {turn: Recorder(model.player(turn)) for turn in self.optimisers if turn not in model.blind}

    @property
    def seed(self) -> int:
        return self.memory["secret"]

    @property
    def rate(self) -> float:
        """The probability of an example to be in a batch."""
        return min(1.0, self.batch / len(self.data))

    @property
    def releases(self) -> int:
        """Noisy sums, over all of training."""
        return self.steps * sum(turn in self.recorders for turn in self.model.turns)

    def advance(self) -> dict[str, Tensor]:
        super().advance()
        if self.step == self.steps:
            del self.memory["secret"]
        return {}

    def backward(self, index: int, turn: Turn, batch: Batch, precision: str) -> Tensor:
        """Algorithm 1 of Abadi et al. 2016; the sum is divided by the size that batches have on average."""
        if turn.name in self.model.blind:
            return super().backward(index, turn, batch, precision)
        sums = self._clipped_sums(index, turn, batch)
        for number, parameter in enumerate(self.optimisers[turn.name].parameters):
            noise = self._noise(parameter, self.step, index, number)
            parameter.grad = (noise + sums.get(parameter, 0)) / self.batch
        return torch.zeros(())

    def _clipped_sums(self, index: int, turn: Turn, batch: Batch) -> dict[nn.Parameter, Tensor]:
        """An example whose gradient is not finite has no say."""
        if not batch.size:
            return {}
        repeats = self.privacy.repeats
        several = Batch(*(None if part is None else torch.cat([part] * repeats) for part in batch))
        recorded = self.recorders[turn.name](lambda: self.losses(index, turn, several, "fp32") / repeats, repeats)
        norms = recorded.norms()
        if (finite := norms.isfinite()).all():
            return recorded.sums((self.privacy.clip / norms).clamp(max=1))
        some = Batch(batch.x[finite], None if batch.given is None else batch.given[finite])
        return self._clipped_sums(index, turn, some)

    def _noise(self, parameter: nn.Parameter, *keys: int) -> Tensor:
        """A normal draw for each of its numbers."""
        noise, clip = self.privacy.noise_multiplier, self.privacy.clip
        draws = torch.randn(parameter.shape, generator=generator(self.seed, "noise", *keys))
        return draws.mul_(noise * clip if noise else 0.0).to(parameter.device)

    def _batches(self) -> Iterator[Batch]:
        """Of each turn its own, so that each is a sample by itself."""
        for index, turn in enumerate(self.model.turns):
            if turn in self.model.blind:
                yield self._nothing()
            else:
                keys = (self.seed, "rows", self.step, index)
                yield self.data.batch(poisson(len(self.data), self.rate, *keys)).to(self.group.device)

    def _nothing(self) -> Batch:
        """What a turn is shown that needs no data."""
        space = self.data.space
        return Batch(torch.full((self.batch, *space.shape), torch.nan, device=self.group.device))

    def check(self) -> None:
        """Of the model, on examples that are made up: see `Recorder.check`. Raises AnewError."""
        stream, given = generator("made up"), self.model.given
        batch = Batch(self.data.space.random(FEW, stream), None if given is None else given.random(FEW, stream))
        before = [buffer.clone() for buffer in self.model.buffers()]
        for index, name in enumerate(self.model.turns):
            if recorder := self.recorders.get(name):
                loss = partial(self.losses, index, Turn(name, 0.5), batch.to(self.group.device), "fp32")
                recorder.check(loss, torch.rand(FEW, generator=stream).to(self.group.device))
        if not all(map(torch.equal, before, self.model.buffers())):
            raise AnewError(f"{type(self.model).__name__} keeps statistics of its batches, {ELSE}")


def check_request(
    epsilon: float | None, settings: Mapping[str, str], devices: int, precision: str, inside: object
) -> None:
    """Before anything is read. Raises AnewError for what would not be private."""
    _read_options(settings)
    if epsilon is None:
        if own := [key for key in settings if key.startswith(PREFIX)]:
            raise AnewError(f"{own[0]} is a setting of private training; ask for it: --private 3")
        return
    if inside is not None:
        raise AnewError("private training in the latents of another run would leave that run out; leave out --in")
    if devices > 1 or precision == "bf16":
        raise AnewError("private training is in fp32 and on one device; leave out --devices and --precision")
    if str(settings.get("guard", "false")).lower() in ("true", "1"):
        raise AnewError("the guard looks at the examples, so private training has none; leave out --set guard")


def codec_settings(epsilon: float | None, settings: Mapping[str, str], codec: str) -> dict[str, str]:
    """With the noise that a codec of tables learns with, unless what it learns may be known to all."""
    usual = {}
    if epsilon is not None and codec == "table" and not _read_options(settings).codec:
        usual[NOISE] = f"{CODEC_NOISE / epsilon:.4g}"
    return {**usual, **settings}


def draft(epsilon: float, settings: Mapping[str, str], data: Dataset) -> Privacy:
    """What is to be promised, before it is known with how much noise. Raises AnewError if it cannot be."""
    options, n = _read_options(settings), len(data.train)
    if (examples := n + len(data.validation) + len(data.test)) < FEWEST:
        raise AnewError(f"there are {examples} examples; private training needs {FEWEST}, and thousands to be of use")
    told = Privacy(epsilon, options.delta or 1 / (10 * n), clip=options.clip, repeats=options.repeats)
    if options.codec:
        return replace(told, not_covered=(*NOT_COVERED, STATED))
    if data.given_codec is not None:
        given = "what is given would be in the run as it is, with examples"
        raise AnewError(f"{given}; if all may know it: --set private.codec=public; or leave out --given")
    if not (noise := getattr(data.codec.options, "noise", 0.0)) > 0:
        learned = f"what the codec learned of the data would be in the run as it is ({data.codec.describe()})"
        raise AnewError(f"{learned}; if all may know it: --set private.codec=public")
    return replace(told, codec_noise_multiplier=noise)


def settle(trainer: Trainer) -> Privacy:
    """The promise, with the noise that it takes over all of training. Raises AnewError for a model that cannot be."""
    assert isinstance(trainer, PrivateTrainer)
    trainer.check()
    privacy, rate, releases = trainer.privacy, trainer.rate, trainer.releases
    first, delta = privacy.codec_noise_multiplier, privacy.delta
    if first:
        from anew.codecs.columns.private import UNSEEN  # and pandas, only for tables

        if delta <= UNSEEN:
            raise AnewError(f"private.delta cannot be {delta:g}; the codec of tables takes {UNSEEN:g} of it already")
        delta -= UNSEEN
    noise, epsilon, accountant = calibrate(privacy.epsilon, delta, rate, releases, first)
    found = replace(privacy, epsilon=epsilon, accountant=accountant, noise_multiplier=noise)
    return replace(found, sampling_rate=rate, steps=releases)


def poisson(n: int, rate: float, *keys: object) -> Tensor:
    """Indices out of 0..n-1, each with probability `rate`, int64: how many is binomial, and any as many are alike."""
    stream = np.random.default_rng(generator(*keys).initial_seed())
    return torch.from_numpy(stream.choice(n, stream.binomial(n, rate), replace=False, shuffle=False))


def _read_options(settings: Mapping[str, str]) -> Options:
    """From {"private.clip": "2"}; raises AnewError for names and values that there are not."""
    texts = {key.removeprefix(PREFIX): text for key, text in settings.items() if key.startswith(PREFIX)}
    known = [field.name for field in fields(Options)]
    for name in texts:
        if name not in known:
            raise unknown("setting", PREFIX + name, [PREFIX + option for option in known])
    codec = texts.pop("codec", "")
    if codec not in ("", "public"):
        raise AnewError(f"private.codec cannot be '{codec}'; it is 'public', or left out")
    return Options(codec=codec, **{name: _number(name, text) for name, text in texts.items()})  # type: ignore[arg-type]


def _number(name: str, text: str) -> float:
    kind, most = {"delta": (float, 1.0), "clip": (float, math.inf), "repeats": (int, math.inf)}[name]
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not 0 < value < most:
        whole = "whole " * (kind is int)
        raise AnewError(f"private.{name} cannot be '{text}'; expected a {whole}number above 0 and below {most:g}")
    return value
