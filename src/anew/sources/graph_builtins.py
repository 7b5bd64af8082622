"""Built-in graphs: networkx' atlas, and sets of the literature that a seed makes anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from anew.sources.graph_reading import library
from anew.sources.source import Record, Source

if TYPE_CHECKING:
    from networkx import Graph


class BuiltInGraphs(Source):
    """The same graphs every time."""

    codec: ClassVar[str] = "graph"
    count: ClassVar[int]

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "") -> None:
        library()
        self.name = self.location = self.builtin

    def __iter__(self) -> Iterator[Record]:
        for number, graph in enumerate(self._graphs(np.random.default_rng(0))):
            yield Record(graph, {}, f"{self.builtin}[{number}]")

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> str:
        return f"{self.builtin}-{self.count}"

    @abstractmethod
    def _graphs(self, rng: np.random.Generator) -> Iterator[Graph]: ...


class Atlas(BuiltInGraphs):
    """Read and Wilson 1998: each connected graph of 2 to 7 nodes, once."""

    reads: ClassVar[str] = "graphs: the 995 connected ones of 2 to 7 nodes"
    builtin: ClassVar[str] = "atlas"
    count: ClassVar[int] = 995

    def _graphs(self, rng: np.random.Generator) -> Iterator[Graph]:
        nx = library()
        yield from (graph for graph in nx.graph_atlas_g() if len(graph) > 1 and nx.is_connected(graph))


class Community(BuiltInGraphs):
    """You et al. 2018 (GraphRNN), section 4.1, "community-small": in each of two communities, two nodes are joined with
    a probability of 0.7; between them, as many edges as a twentieth of the nodes, one at least.
    """

    reads: ClassVar[str] = "graphs: 500 made of two communities, 12 to 20 nodes"
    builtin: ClassVar[str] = "community"
    count: ClassVar[int] = 500

    def _graphs(self, rng: np.random.Generator) -> Iterator[Graph]:
        nx = library()
        for _ in range(self.count):
            n = int(rng.integers(12, 21))
            sizes = (n // 2, n - n // 2)
            parts = [nx.gnp_random_graph(size, 0.7, seed=int(rng.integers(2**31))) for size in sizes]
            graph = nx.disjoint_union(*parts)
            for _ in range(max(1, round(0.05 * n))):
                graph.add_edge(int(rng.integers(sizes[0])), int(sizes[0] + rng.integers(sizes[1])))
            yield graph


class GridGraphs(BuiltInGraphs):
    """As in You et al. 2018, who have the sides 10 to 19; smaller, so that a minute teaches something."""

    reads: ClassVar[str] = "graphs: the 100 grids with sides of 3 to 12 nodes"
    builtin: ClassVar[str] = "grid-graphs"
    count: ClassVar[int] = 100

    def _graphs(self, rng: np.random.Generator) -> Iterator[Graph]:
        yield from (library().grid_2d_graph(a, b) for a in range(3, 13) for b in range(3, 13))


class Planar(BuiltInGraphs):
    """Martinkus et al. 2022 (SPECTRE), section 5: Delaunay triangulations of 64 points in the unit square."""

    reads: ClassVar[str] = "graphs: 200 planar ones of 64 nodes"
    builtin: ClassVar[str] = "planar"
    count: ClassVar[int] = 200

    def _graphs(self, rng: np.random.Generator) -> Iterator[Graph]:
        from scipy.spatial import Delaunay

        for _ in range(self.count):
            graph = library().empty_graph(64)
            for triangle in Delaunay(rng.random((64, 2))).simplices.tolist():
                graph.add_edges_from(zip(triangle, triangle[1:] + triangle[:1]))
            yield graph
