"""A codec that has learned already, for writing other data the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from anew.codecs import load_codec, save_codec
from anew.codecs.codec import Codec, Samples
from anew.nn.gaps import Gaps
from anew.nn.rules import Rules
from anew.spaces import Batch


class Fitted(Codec):
    """The codec `inner` as it is: `fit` learns nothing, so that other records get the space that it has."""

    def __init__(self, inner: Codec):
        super().__init__(inner.options)
        self.inner, self.space, self.blocks = inner, inner.space, inner.blocks
        self.name, self.extension = inner.name, inner.extension  # type: ignore[misc]
        self.beside, self.tells, self.texts = inner.beside, inner.tells, inner.texts
        self.endings, self.shown, self.frames, self.held_out = inner.endings, inner.shown, inner.frames, inner.held_out

    def load(self, content: Any) -> Any:
        return self.inner.load(content)

    def digest(self, loaded: Any) -> bytes:
        return self.inner.digest(loaded)

    def give(self, names: Sequence[str]) -> None:
        """What is in x was decided when the inner codec was fitted."""

    def fit(self, loaded: Iterable[Any]) -> None:
        """Nothing is left to learn."""

    def count(self, loaded: Any) -> int:
        return self.inner.count(loaded)

    def pick(self, loaded: Any, rows: np.ndarray) -> Any:
        return self.inner.pick(loaded, rows)

    def digests(self, loaded: Any) -> list[bytes]:
        return self.inner.digests(loaded)

    def told(self, loaded: Any, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        return self.inner.told(loaded, given, names)

    def describe(self) -> str:
        return self.inner.describe()

    def encode(self, loaded: Sequence[Any]) -> Tensor:
        return self.inner.encode(loaded)

    def holes(self, loaded: Sequence[Any], part: str = "") -> Tensor:
        return self.inner.holes(loaded, part)

    def decode(self, x: Tensor) -> Samples:
        return self.inner.decode(x)

    def with_given(self, samples: Any, given: Sequence[Mapping[str, Any]]) -> Any:
        return self.inner.with_given(samples, given)

    def rules(self, n: int) -> Rules | None:
        return self.inner.rules(n)

    def gaps(self, known: Tensor) -> Gaps | None:
        return self.inner.gaps(known)

    def to_bytes(self, sample: Any) -> bytes:
        return self.inner.to_bytes(sample)

    def to_array(self, samples: Samples) -> np.ndarray:
        return self.inner.to_array(samples)

    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        return self.inner.show(samples, columns)

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self.inner.fit_features(train, learn)

    def features(self, samples: Samples) -> dict[str, np.ndarray]:
        return self.inner.features(samples)

    def together(self, samples: Samples, given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        return self.inner.together(samples, given, ending)

    def files(self, samples: Samples) -> Mapping[str, bytes] | None:
        return self.inner.files(samples)

    def mend(self, samples: Samples) -> tuple[Samples, str]:
        return self.inner.mend(samples)

    def amounts(self, samples: Samples) -> tuple[str, np.ndarray] | None:
        return self.inner.amounts(samples)

    def traits(self, samples: Samples) -> dict[str, np.ndarray]:
        return self.inner.traits(samples)

    def words(self, samples: Samples) -> list[list[str]] | None:
        return self.inner.words(samples)

    def key(self) -> dict[str, Any]:
        return {"fitted": save_codec(self.inner)}

    def to_json(self) -> dict[str, Any]:
        """The inner codec's: it reads what is written with this one."""
        return save_codec(self.inner)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Fitted:
        return cls(load_codec(state))
