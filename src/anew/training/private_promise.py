"""What private training promises, what it can be asked for, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from anew.codecs.dataset import Dataset
from anew.errors import AnewError, unknown

PREFIX = "private."  # of a setting that is neither the model's nor the codec's
FEWEST = 100  # examples: the split of fewer depends on all of them
NOISE, CODEC_NOISE = "codec.noise", 15.0  # divided by epsilon: about a tenth of what may be spent
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
    repeats: int = 2  # how often the gradient at an example is drawn anew, before their mean is clipped
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
