"""What a run can be asked for: the codec of what was given in training, and examples of it to draw from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from anew.codecs import save_codec
from anew.codecs.dataset import GivenCodec, read_given
from anew.errors import AnewError
from anew.nn.conditioning import nothing_known
from anew.rng import generator

KNOWN = 512  # examples that a run keeps


class Given:
    """`known` (n, F) are rows that training examples had, as the codec writes them."""

    def __init__(self, codec: GivenCodec, known: Tensor):
        self.codec, self.known = codec, known

    @classmethod
    def learn(cls, codec: GivenCodec, rows: Tensor) -> Given:
        """From what was given with all training examples (n, F)."""
        some = torch.randperm(len(rows), generator=generator("known"))[:KNOWN]  # a source may be sorted
        return cls(codec, rows[some])

    def draw(self, n: int, wanted: Mapping[str, Any], seed: int, first: int = 0) -> Tensor:
        """(n, F): what is wanted, and for the rest what known rows that agree with it have.

        They are for samples number `first` and on; that of sample i depends on `seed`, i and `wanted` only. Raises
        AnewError for a name or a value that was not given.
        """
        row = self._encode(wanted)
        free = row.isnan() if row.is_floating_point() else (row == 0).all().expand(len(row))
        agree = self.known[((self.known == row) | free).all(1)]
        known = agree if len(agree) else nothing_known(self.codec.space, 1, "cpu")
        picks = [
            int(torch.randint(len(known), (), generator=generator(seed, "given", i))) for i in range(first, first + n)
        ]
        return torch.where(free, known[picks], row)

    def rows(self, told: Tensor) -> list[dict[str, Any]]:
        """In the terms of the data."""
        return list(self.codec.decode(told))

    def to_json(self) -> dict[str, Any]:
        """Without NaN, which JSON lacks."""
        known = [[None if value != value else value for value in row] for row in self.known.tolist()]
        return save_codec(self.codec) | {"known": known}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Given:
        """Inverse of `to_json`; raises KeyError, TypeError, ValueError or RuntimeError for what is none."""
        codec = read_given(state)
        values = [torch.nan if value is None else value for row in state["known"] for value in row]
        dtype = nothing_known(codec.space, 1, "cpu").dtype
        return cls(codec, torch.tensor(values, dtype=dtype).reshape(-1, *codec.space.shape))

    def _encode(self, wanted: Mapping[str, Any]) -> Tensor:
        """(F,), NaN, or no codes, where nothing is wanted."""
        names = self.codec.options.columns
        for name in wanted:
            if name not in names:
                raise AnewError(f"'{name}' was not given in training; what was: {', '.join(names)}")
        return self.codec.encode([dict(wanted)])[0]
