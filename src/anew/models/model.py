"""The contract of a model family: a loss per example, samples, and a configuration that is plain data."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple, Self, get_args, get_origin, get_type_hints

from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.nn.conditioning import forget, nothing_known
from anew.rng import Rng
from anew.spaces import Batch, Fields, Space, Tokens


class Turn(NamedTuple):
    """Who learns now, and how far training is: `progress` runs from 0 to 1 over the budget."""

    name: str
    progress: float


@dataclass(frozen=True)
class Config:
    """What every family lets you set; each family adds its own. All of it is saved with the run."""

    batch: int = 128  # examples in one step, over all devices
    passes: int = 0  # over the training data, after which there is nothing left to learn; 0 is no limit
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)  # of AdamW
    muon: float = 0.0  # rate of Muon, which learns hidden layers in place of AdamW; 0 is none
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of a gradient; 0 is no limit
    warmup: float = 0.02  # share of the budget in which the rate rises
    decay: str = "cosine"  # then: cosine, linear or constant
    ema: float = 0.05  # averages over the last tenth or so of training; 0 is no averaging
    given_dropout: float = 0.1  # share of examples that are not told what is given
    guard: bool = True  # whether training is watched, and mended where it goes wrong

    def change(self, changes: dict[str, Any]) -> Self:
        """A copy with some values replaced, read from text where need be; an unknown name is an AnewError."""
        hints = get_type_hints(type(self))
        for name in changes:
            if name not in hints:
                raise unknown("setting", name, [field.name for field in fields(self)])
        lowest = {name: 0 if getattr(type(self), name) == 0 else 1 for name in changes}  # of whole numbers
        return replace(self, **{name: _read(name, text, hints[name], lowest[name]) for name, text in changes.items()})


_SHARES = (
    "warmup",
    "given_dropout",
    "kl_warmup",
    "dropout",
    "word_dropout",
    "pretrain",
    "ordered",
    "penalty_end",
    "penalty_share",
    "shortcut",
    "shortcut_from",
    "moved",
)  # 1 at most


def _read(name: str, value: Any, kind: Any, lowest: int) -> Any:
    """One setting from text or JSON: '0.5' -> 0.5, '0,0.9' -> (0.0, 0.9). Raises AnewError."""
    try:
        read = _parse(value, kind)
    except (ValueError, KeyError, TypeError, OverflowError):
        expected = getattr(kind, "__name__", str(kind))
        raise AnewError(f"setting '{name}' cannot be '{value}'; it takes a value of the kind {expected}") from None
    if limits := _limits(name, read, lowest):
        raise AnewError(f"setting '{name}' cannot be '{value}'; expected {limits}")
    return read


def _parse(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        parts = value.strip("()").split(",") if isinstance(value, str) else value
        return tuple(one(part) for one, part in zip(get_args(kind), parts, strict=True))
    if kind is bool and isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
    return kind(value)


def _limits(name: str, value: Any, lowest: int) -> str:
    """What was expected, if the value is out of its limits."""
    match value:
        case bool() | str():
            return ""
        case int():
            return "" if value >= lowest else f"{lowest} or more"
        case tuple():
            return "" if all(0 <= part < 1 for part in value) else "numbers from 0 to below 1"
    if name in _SHARES:
        return "" if 0 <= value <= 1 else "a share from 0 to 1"
    return "" if 0 <= value < math.inf else "a number from 0 up"


class Model(nn.Module, ABC):
    """Learns p(x | given) over one space. See the class of each family for its papers.

    `turns` is the order of play within a step; a name may stand several times, each with a batch of its own.
    `block` is how many samples are drawn from one stream of random numbers, for samples that are made by the million.
    `precision` is what the model was trained in; a family whose samples can bear bf16 looks at it.
    `blind` are the turns whose loss takes nothing of a batch but its size.
    `couples` says why an example's loss depends on the rest of its batch; empty where it does not.
    `private` are settings for private training, which is noisy, where the user leaves them open.
    `dials` are numbers that may be turned while the model trains, by itself or by who watches over it. Checkpoints
    keep them.
    """

    spaces: ClassVar[tuple[type, ...]]
    turns: tuple[str, ...] = ("fit",)
    blind: tuple[str, ...] = ()
    couples: str = ""
    block: int = 1
    precision: str = "fp32"
    private: ClassVar[dict[str, Any]] = {}

    def __init__(self, space: Space, given: Space | None, config: Any):
        super().__init__()
        if not isinstance(space, self.spaces):
            able = " or ".join(kind.__name__ for kind in self.spaces)
            raise AnewError(
                f"{type(self).__name__} models {able} data, not {type(space).__name__}; see: anew list models"
            )
        self.space, self.given, self.config = space, given, config
        self.notes: dict[str, Tensor] = {}
        self.dials: dict[str, float] = {}
        self.generates = True  # whether its samples are meant to be good; those of an autoencoder are not
        self.explains = False  # whether its loss on held-out examples says how good it is

    @abstractmethod
    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """(B,) in float32: one value per example, to be minimised by the parameters of `player(turn.name)`."""

    @abstractmethod
    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        """(n, *space.shape), in the space; `given` is (n, *given.shape) or None for "not known"."""

    def player(self, turn: str) -> nn.Module:
        """The part that learns in this turn."""
        return self

    def note(self, **values: Tensor) -> None:
        """Keeps means worth watching for the log."""
        self.notes |= {name: value.detach().float().mean() for name, value in values.items()}

    def listen(self, values: dict[str, float]) -> None:
        """Called at each record of the log with its means, for a family that turns its `dials` by them."""

    def examine(self, train: Batch, held_out: Batch, rng: Rng) -> dict[str, float]:
        """Vital signs by name, of those that training/guard.py knows, on as many examples of each kind."""
        return {}

    def adapt(self, passes: float) -> dict[str, Any]:
        """Settings for so many passes over the training data, where the user leaves them open."""
        return {}

    def some_given(self, batch: Batch, rng: Rng) -> Tensor | None:
        """What is given, left out of the share `given_dropout` of the examples."""
        if batch.given is None or not self.config.given_dropout:
            return batch.given
        return forget(batch.given, rng.uniform() < self.config.given_dropout)

    def condition(self, embed: nn.Module | None, given: Tensor | None, n: int) -> Tensor | None:
        """What is given as a vector (n, width), "not known" where nothing is; None for unconditional models."""
        if embed is None or self.given is None:
            return None
        if given is None:
            given = nothing_known(self.given, n, next(embed.parameters()).device)
        return embed(given)


def check_bins(space: Fields, who_needs: str) -> None:
    """Raises AnewError for numbers that are standardised: "mixtures need" them in bins."""
    if loose := [field.name for field in space.fields if not field.values]:
        raise AnewError(f"'{loose[0]}' is a standardised number; {who_needs} numbers in bins")


def check_length(space: Tokens, most: int, who: str, better: int) -> None:
    """Raises AnewError for sequences that are too long for a model that sees them whole."""
    if space.length > most:
        message = f"{who} takes sequences of {most} codes at most, these have {space.length}"
        raise AnewError(f"{message}; shorten them: --set codec.length={better}")


def check_labels(given: Space | None, who: str) -> Fields | None:
    """What is given; raises AnewError for texts, which not every model reads."""
    if given is None or isinstance(given, Fields):
        return given
    raise AnewError(f"{who} can be given labels, no texts; try model autoregressive")


class Encodes(ABC):
    """An ability: samples to latents and back."""

    latent_shape: tuple[int, ...]  # (D,) for a vector, (C, h, w) for a map
    lossless: ClassVar[bool] = False  # decode(encode(x)) is x, as stored and but for rounding

    @abstractmethod
    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """(B, *space.shape) -> (B, *latent_shape)"""

    @abstractmethod
    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """(B, *latent_shape) -> (B, *space.shape)"""


class Scores(ABC):
    """An ability: how likely a sample is."""

    likelihood: ClassVar[str]  # "exact" or "bound"

    @abstractmethod
    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """(B,) in nats, of the sample as stored (quantised): a probability, so never above 0 for coded data."""


class Completes(ABC):
    """An ability: fill in what is not known of a sample."""

    @abstractmethod
    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """`mask` is True where `known` holds; those places come back unchanged."""
