"""What codecs of sequences have in common: text, tunes, levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import Codec, Samples
from anew.codecs.token_features import TokenFeatures
from anew.errors import AnewError
from anew.spaces import Batch, Tokens


class TokenCodec(Codec):
    """A codec whose space is Tokens. A subclass says what the codes mean; `digest` is of its own type."""

    space: Tokens
    _features: TokenFeatures | None = None

    def to_array(self, samples: Samples) -> np.ndarray:
        """int64 (n, length): codes, padded with 0"""
        return self.encode(samples).numpy()

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self._features = TokenFeatures()
        self._features.fit(train.x, self.space.vocabulary, learn)

    def features(self, samples: Sequence[Any]) -> dict[str, np.ndarray]:
        """Views "n-grams", "random" and, if it was learned, "learned"; see `TokenFeatures`."""
        if self._features is None:
            raise RuntimeError("fit_features comes before features")
        return self._features.transform(self.encode(samples))


def padded(rows: Sequence[Sequence[int]], length: int) -> Tensor:
    """int64 (n, length), cut or padded with 0"""
    x = np.zeros((len(rows), length), np.int64)
    for row, codes in zip(x, rows):
        row[: len(codes)] = codes[:length]
    return torch.from_numpy(x)


def unpadded(x: Tensor) -> Iterator[list[int]]:
    """The codes of each row up to the first 0."""
    for row in x.tolist():
        yield row[: row.index(0)] if 0 in row else row


def check_length(length: int | None, least: int = 2, most: int = 65_536) -> None:
    """Raises AnewError for an option `codec.length` that is out of range."""
    if length is not None and not least <= length <= most:
        raise AnewError(f"codec.length={length} is out of range; expected {least} to {most}")
