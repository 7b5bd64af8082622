"""The contract of a codec: all that knows a modality. It turns records into a space, samples into files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from anew.errors import AnewError
from anew.nn.gaps import Gaps
from anew.nn.rules import Rules
from anew.spaces import Batch, Space

Samples = Sequence[Any]  # in the ecosystem's own type: PIL images, str, rows of a frame, numpy audio


class BadRecord(Exception):
    """A record that cannot be read, with the reason. It is counted, named and skipped."""


class Codec(ABC):
    """Learns from the training records how to write a kind of data as tensors of one space, and back.

    Life of a codec: `load` every record (bad ones drop out), `fit` on the training split, then `encode`.
    What it learned is plain JSON (`to_json`, `from_json`), so that a run holds no code.

    A record is one example, or, where `blocks` says so, a block of many, such as 50,000 rows of a table.
    """

    name: ClassVar[str]
    extension: ClassVar[str]  # of one sample written as a file: ".png"
    Options: ClassVar[type]  # a frozen dataclass: what `--set codec.KEY=VALUE` can change
    blocks: bool = False  # whether a record is a block of examples
    endings: tuple[str, ...] = ()  # of files that hold many samples, besides those that any kind of data has
    beside: tuple[str, ...] = ()  # of `endings`, those that each sample in a folder is also written as
    frames: bool = False  # whether samples are one pandas frame
    texts: bool = False  # whether samples are str, which people read rather than look at
    counted: tuple[str, ...] = ()  # traits that can be given: each example tells them itself
    tells: bool = False  # whether records hold what is given; `fit` refuses names that they lack
    held_out: int = 0  # examples that are held out for each split, at most; 0 is a tenth of all
    shown: str = ".png"  # ending of the file that samples are saved in if no other is asked for
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

    def give(self, names: Sequence[str]) -> None:  # noqa: B027 (most have nothing to leave out)
        """Before `fit`: these columns will be given, so what holds them leaves them out of x."""

    @abstractmethod
    def fit(self, loaded: Iterable[Any]) -> None:
        """One pass over the training split decides `space`."""

    @abstractmethod
    def describe(self) -> str:
        """What was decided, in one line a user can act on."""

    @abstractmethod
    def encode(self, loaded: Sequence[Any]) -> Tensor:
        """(B, *space.shape)"""

    # --- of a record that is a block of examples

    def count(self, loaded: Any) -> int:
        """How many examples there are in a loaded record."""
        return 1

    def pick(self, loaded: Any, rows: np.ndarray) -> Any:
        """The record with the examples where `rows`, bool (count,), is true; it is somewhere."""
        return loaded

    def digests(self, loaded: Any) -> list[bytes]:
        """The digest of each example."""
        return [self.digest(loaded)]

    def told(self, loaded: Any, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """What is given with each example, after `fit`: of what is known beside the record, or within it."""
        return [{name: given.get(name) for name in names}]

    def holes(self, loaded: Sequence[Any], part: str = "") -> Tensor:
        """(B, *space.shape) as `encode` returns, with -1 for what is to be filled in; or raises AnewError.

        `part` says what that is where the data don't: "5-8", of bars of music.
        """
        raise AnewError(f"data of the kind {self.name} have no holes to fill in; a prompt is gone on with: anew sample")

    # --- from tensors to samples, files and pictures

    @abstractmethod
    def decode(self, x: Tensor) -> Samples: ...

    def with_given(self, samples: Any, given: Sequence[Mapping[str, Any]]) -> Any:
        """Samples with what was given with each, where x left out a part of them."""
        return samples

    def rules(self, n: int) -> Rules | None:
        """What may follow in n sequences of tokens that grow one by one, so that each can be decoded; None is all."""
        return None

    def gaps(self, known: Tensor) -> Gaps | None:
        """The rules by which sequences that are `known` but for gaps (-1) are filled in; None of other data."""
        return None

    @abstractmethod
    def to_bytes(self, sample: Any) -> bytes:
        """One sample as a file of the kind `extension`."""

    def together(self, samples: Samples, given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """All samples as one file of a kind of `endings`, with what was given with each, if anything was."""
        raise NotImplementedError

    def files(self, samples: Samples) -> Mapping[str, bytes] | None:
        """What a folder of samples holds, by name; None: a file for each."""
        return None

    @abstractmethod
    def to_array(self, samples: Samples) -> np.ndarray:
        """(n, ...) for .npz files"""

    @abstractmethod
    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        """A PNG for people: all samples side by side, in rows of `columns`."""

    def mend(self, samples: Samples) -> tuple[Samples, str]:
        """Samples changed as little as makes them what they should be (a level: solvable), and what was done, in words.

        Raises AnewError where there is nothing to mend.
        """
        raise AnewError(f"samples of the kind {self.name} cannot be repaired; leave out --repair")

    # --- for measuring

    @abstractmethod
    def fit_features(self, train: Batch, learn: bool = True) -> None:
        """Fits the views on encoded training examples (given: labels, if there are any).

        Without `learn`, views for which a network has to be trained are left out.
        """

    @abstractmethod
    def features(self, samples: Samples) -> dict[str, np.ndarray]:
        """{view: (n, d) float32}; every view is comparable by Euclidean distance. Needs `fit_features`."""

    def amounts(self, samples: Samples) -> tuple[str, np.ndarray] | None:
        """What likelihoods are per, where it is not the values of x: ("byte", (n,)), how many there are in each."""
        return None

    def traits(self, samples: Samples) -> dict[str, np.ndarray]:
        """{what a person would count in a sample: (n,)}: numbers ("notes a bar"), or bool for what holds ("it parses").

        NaN where it makes no sense.
        """
        return {}

    def words(self, samples: Samples) -> list[list[str]] | None:
        """Of texts, what each is made of; None for what is no text."""
        return None

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
