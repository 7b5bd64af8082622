"""Randomness that is passed in: a sample's numbers depend on the seed and its index, never on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import torch
from torch import Tensor


def generator(*keys: object) -> torch.Generator:
    """A CPU generator seeded by any keys: generator(seed, "order", epoch)."""
    digest = blake2b(repr(keys).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


class Rng:
    """Draws for a batch: every method returns (B, *shape) on `device`.

    `for_samples` gives each row a stream of its own, so sample i is the same alone or in any batch.
    `for_step` draws the whole global batch and keeps this process's part, so that any number of processes
    sees the same numbers as one.
    """

    def __init__(self, streams: list[tuple[torch.Generator, int]], keep: slice, device: torch.device | str):
        self._streams, self._keep, self.device = streams, keep, device
        self.rows = len(range(sum(rows for _, rows in streams))[keep])

    @classmethod
    def for_samples(
        cls, seed: object, indices: Sequence[int], device: torch.device | str = "cpu", block: int = 1
    ) -> Rng:
        """`block` samples share a stream, where there are millions: `indices` are then consecutive and within one."""
        if block == 1:
            return cls([(generator(seed, "sample", i), 1) for i in indices], slice(None), device)
        number, first = divmod(indices[0], block)
        return cls([(generator(seed, "samples", number), block)], slice(first, first + len(indices)), device)

    @classmethod
    def for_step(cls, *keys: object, batch: int, keep: slice = slice(None), device: torch.device | str = "cpu") -> Rng:
        return cls([(generator("step", *keys), batch)], keep, device)

    def normal(self, *shape: int) -> Tensor:
        return self._draw(lambda rows, g: torch.randn(rows, *shape, generator=g))

    def uniform(self, *shape: int) -> Tensor:
        """In [0, 1)."""
        return self._draw(lambda rows, g: torch.rand(rows, *shape, generator=g))

    def integers(self, high: int, *shape: int) -> Tensor:
        """In 0..high-1, int64."""
        return self._draw(lambda rows, g: torch.randint(high, (rows, *shape), generator=g))

    def _draw(self, one) -> Tensor:  # type: ignore[no-untyped-def]
        parts = [one(rows, stream) for stream, rows in self._streams]
        return torch.cat(parts)[self._keep].to(self.device)
