"""The four spaces a sample can live in, and the Batch that carries samples to a model.

In every space one sample is one tensor, so a batch of them is one tensor with the batch dimension first:

    Grid     float32 (B, C, *size)     in [-1, 1]
    Tokens   int64   (B, length)       0 is padding, codes run from 1 to vocabulary
    Fields   float32 (B, fields)       a category's code from 0, a number as its bin and how far it is within it
                                       (3.25), or a standardised number; NaN is "not known"
    Graph    int64   (B, nodes, nodes) the diagonal holds node kinds (0: no node), the rest edge kinds (0: no edge)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

PAD = 0


@dataclass(frozen=True)
class Grid:
    """Floats in [-1, 1] on a regular grid: images (H, W), waveforms (T), mel spectrograms (mels, frames).

    `levels` is how many values the source can tell apart (256 for 8-bit pictures); it sets how samples are
    stored and compared, and the bins of a discretised likelihood.
    """

    channels: int
    size: tuple[int, ...]
    levels: int = 256

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, *self.size)

    def contains(self, x: Tensor) -> bool:
        return x.dtype == torch.float32 and x.shape[1:] == self.shape and bool((x.abs() <= 1).all())

    def random(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """`n` samples drawn uniformly from the space."""
        return torch.rand(n, *self.shape, generator=generator) * 2 - 1

    def pack(self, x: Tensor) -> Tensor:
        """Quantise to `levels` for storage: uint8, or int32 where 8 bits do not hold them."""
        codes = ((x.clamp(-1, 1) + 1) * ((self.levels - 1) / 2)).round()
        return codes.to(torch.uint8 if self.levels <= 256 else torch.int32)

    def unpack(self, codes: Tensor) -> Tensor:
        return (codes.float() * (2 / (self.levels - 1)) - 1).clamp_(-1, 1)


@dataclass(frozen=True)
class Tokens:
    """Sequences of codes 1..vocabulary, padded with 0: text, tunes, levels, molecules, graph walks.

    Those of maps lie in rows of `columns`, one row after the other; 0 is a line.
    """

    vocabulary: int
    length: int
    columns: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)

    def contains(self, x: Tensor) -> bool:
        return _is_coded(x, self.shape, self.vocabulary)

    def random(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.randint(1, self.vocabulary + 1, (n, *self.shape), generator=generator)

    def pack(self, x: Tensor) -> Tensor:
        """As the smallest integers that hold the codes."""
        return x.to(torch.uint8 if self.vocabulary < 2**8 else torch.int16 if self.vocabulary < 2**15 else torch.int32)

    def unpack(self, codes: Tensor) -> Tensor:
        return codes.long()


class Field(NamedTuple):
    """One column: a category of `values` codes; or a number, as a bin and how far it is within it, or standardised
    where `values` is 0.

    The last `intervals` codes are bins that hold a range of numbers: 3.25 is a quarter of the way through bin 3. The
    codes before them hold one value each.
    """

    name: str
    values: int = 0
    intervals: int = 0


@dataclass(frozen=True)
class Fields:
    """One row of named categories and numbers: tables, labels, properties, sensor readings."""

    fields: tuple[Field, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.fields),)

    def contains(self, x: Tensor) -> bool:
        if x.dtype != torch.float32 or x.shape[1:] != self.shape:
            return False
        columns = zip(self.fields, x.unbind(1), strict=True)
        return all(_is_column(field, column[~column.isnan()]) for field, column in columns)

    def random(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.stack([_random_column(field, n, generator) for field in self.fields], 1)

    def pack(self, x: Tensor) -> Tensor:
        return x

    def unpack(self, codes: Tensor) -> Tensor:
        return codes.float()


@dataclass(frozen=True)
class Graph:
    """Up to `nodes` nodes of `node_kinds` kinds, joined by edges of `edge_kinds` kinds, as one matrix.

    For those who write edges one by one: `edges` is how many the largest graph of the data has, 0 where it is not
    known; `room` is how much the edges of a node of each kind take together at most, and `takes` how much one edge of
    each kind does (valences and orders of bonds), empty where there is no limit.
    """

    nodes: int
    node_kinds: int = 1
    edge_kinds: int = 1
    edges: int = 0
    room: tuple[int, ...] = ()
    takes: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.nodes, self.nodes)

    def contains(self, x: Tensor) -> bool:
        if not _is_coded(x, self.shape, max(self.node_kinds, self.edge_kinds)):
            return False
        kinds = x.diagonal(dim1=1, dim2=2)
        edges = x - torch.diag_embed(kinds)
        absent = kinds == 0
        loose = edges[absent].any() or edges.mT[absent].any()
        return not loose and bool((kinds <= self.node_kinds).all() and (edges <= self.edge_kinds).all())

    def random(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Undirected graphs with every node present."""
        upper = torch.randint(self.edge_kinds + 1, (n, *self.shape), generator=generator).triu(1)
        kinds = torch.randint(1, self.node_kinds + 1, (n, self.nodes), generator=generator)
        return upper + upper.mT + torch.diag_embed(kinds)

    def pack(self, x: Tensor) -> Tensor:
        return x.to(torch.int32)

    def unpack(self, codes: Tensor) -> Tensor:
        return codes.long()


Space = Grid | Tokens | Fields | Graph
_SPACES = {kind.__name__: kind for kind in (Grid, Tokens, Fields, Graph)}


class Batch(NamedTuple):
    """Samples `x` of one space and, where the task has one, what is `given` with each, of another."""

    x: Tensor
    given: Tensor | None = None

    @property
    def size(self) -> int:
        return len(self.x)

    def to(self, device: torch.device | str) -> Batch:
        return Batch(self.x.to(device), None if self.given is None else self.given.to(device))


def space_to_json(space: Space) -> dict[str, Any]:
    return {"space": type(space).__name__, **asdict(space)}


def space_from_json(data: dict[str, Any]) -> Space:
    """Inverse of `space_to_json`; raises KeyError or TypeError for what is not a space."""
    values = {key: value for key, value in data.items() if key != "space"}
    if data["space"] == "Grid":
        values["size"] = tuple(values["size"])
    if data["space"] == "Fields":
        values["fields"] = tuple(Field(*field) for field in values["fields"])
    if data["space"] == "Graph":
        values |= {name: tuple(values.get(name, ())) for name in ("room", "takes")}
    return _SPACES[data["space"]](**values)


def _is_coded(x: Tensor, shape: tuple[int, ...], highest: int) -> bool:
    return x.dtype == torch.int64 and x.shape[1:] == shape and bool(((x >= 0) & (x <= highest)).all())


def _is_column(field: Field, known: Tensor) -> bool:
    if not field.values:
        return bool(known.isfinite().all())
    one_value = known < field.values - field.intervals
    return bool((((known == known.floor()) | ~one_value) & (known >= 0) & (known < field.values)).all())


def _random_column(field: Field, n: int, generator: torch.Generator | None) -> Tensor:
    if not field.values:
        return torch.randn(n, generator=generator)
    codes = torch.randint(field.values, (n,), generator=generator).float()
    inside = torch.rand(n, generator=generator) * 0.99
    return torch.where(codes >= field.values - field.intervals, codes + inside, codes)
