"""The contract of a codec: all that knows a modality. It turns records into a space, samples into files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from anew.spaces import Batch, Space

Samples = Sequence[Any]  # in the ecosystem's own type: PIL images, str, rows of a frame, numpy audio


class BadRecord(Exception):
    """A record that cannot be read, with the reason. It is counted, named and skipped."""


class Codec(ABC):
    """Learns from the training records how to write a kind of data as tensors of one space, and back.

    Life of a codec: `load` every record (bad ones drop out), `fit` on the training split, then `encode`.
    What it learned is plain JSON (`to_json`, `from_json`), so that a run holds no code.
    """

    name: ClassVar[str]
    extension: ClassVar[str]  # of one sample written as a file: ".png"
    Options: ClassVar[type]  # a frozen dataclass: what `--set codec.KEY=VALUE` can change
    space: Space  # known after `fit`

    def __init__(self, options: Any) -> None:
        self.options = options

    # --- from records to tensors

    @abstractmethod
    def load(self, content: Any) -> Any:
        """The content of a record in the ecosystem's own type; raises BadRecord."""

    @abstractmethod
    def digest(self, loaded: Any) -> bytes:
        """A hash of what a person would call the same content, however it was stored. Decides the split."""

    @abstractmethod
    def fit(self, loaded: Iterable[Any]) -> None:
        """One pass over the training split decides `space`."""

    @abstractmethod
    def describe(self) -> str:
        """What was decided, in one line a user can act on."""

    @abstractmethod
    def encode(self, loaded: Sequence[Any]) -> Tensor:
        """(B, *space.shape)"""

    # --- from tensors to samples, files and pictures

    @abstractmethod
    def decode(self, x: Tensor) -> Samples: ...

    @abstractmethod
    def to_bytes(self, sample: Any) -> bytes:
        """One sample as a file of the kind `extension`."""

    @abstractmethod
    def to_array(self, samples: Samples) -> np.ndarray:
        """(n, ...) for .npz files"""

    @abstractmethod
    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        """A PNG for people: all samples side by side, in rows of `columns`."""

    # --- for measuring

    @abstractmethod
    def fit_features(self, train: Batch, learn: bool = True) -> None:
        """Fits the views on encoded training examples (given: labels, if there are any).

        Without `learn`, views for which a network has to be trained are left out.
        """

    @abstractmethod
    def features(self, samples: Samples) -> dict[str, np.ndarray]:
        """{view: (n, d) float32}; every view is comparable by Euclidean distance. Needs `fit_features`."""

    # --- for the run folder

    @abstractmethod
    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    @abstractmethod
    def from_json(cls, state: dict[str, Any]) -> Codec: ...

    def restored(self, state: dict[str, Any]) -> Codec:
        """One of the same kind with what `to_json` kept."""
        return self.from_json(state)

    def key(self) -> dict[str, Any]:
        """What decides, before `fit`, how records will be written: prepared data are kept by it."""
        return asdict(self.options)
