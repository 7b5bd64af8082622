"""The codec of graphs: networkx graphs as matrices of kinds."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import BadRecord, Codec
from anew.codecs.graph.features import GraphFeatures, traits
from anew.codecs.graph.kinds import Kinds, KindsSeen, kept, telling
from anew.codecs.graph.order import order
from anew.codecs.graph.picture import draw_graphs
from anew.errors import AnewError
from anew.sources.graph_reading import library
from anew.spaces import Batch, Graph

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = library()

_MOST, _LARGEST = 512, 4096  # nodes: if nothing else is said, and that may be asked for; a matrix has their square
_MENDED = ("directed", "loops", "parallel")  # what `load` changes, counted in the attributes of its graphs


@dataclass(frozen=True)
class GraphOptions:
    """`nodes`: larger graphs are left out. `node_kind`, `edge_kind`: the attribute that tells them; empty for none."""

    nodes: int | None = None
    node_kind: str | None = None
    edge_kind: str | None = None

    def __post_init__(self) -> None:
        check_nodes(self.nodes)


def check_nodes(nodes: int | None) -> None:
    """Raises AnewError for an option `codec.nodes` that is out of range."""
    if nodes is not None and not 1 <= nodes <= _LARGEST:
        raise AnewError(f"codec.nodes={nodes} is out of range; expected 1 to {_LARGEST}")


class GraphCodec(Codec):
    """Undirected networkx graphs, without loops and with one edge between two nodes, to Graph and back.

    Nodes are numbers from 0, in an order that is the same for graphs that are alike (order.py); of a graph with more
    nodes than any in training, the first are kept.
    """

    name: ClassVar[str] = "graph"
    extension: ClassVar[str] = ".graphml"
    endings = (".jsonl",)
    counted: tuple[str, ...] = ("nodes", "edges", "density", "mean clustering", "triangles", "connected", "diameter")
    Options: ClassVar[type] = GraphOptions
    space: Graph
    _advice: ClassVar[str] = "--set codec.node_kind=NAME, codec.edge_kind=NAME and codec.nodes=N override"

    def __init__(self, options: GraphOptions | None = None) -> None:
        super().__init__(options or GraphOptions())
        self._seen: dict[str, Any] = {}
        self._features: GraphFeatures | None = None

    # --- from records to tensors

    def load(self, content: Any) -> nx.Graph:
        """Any networkx graph: directions are forgotten, loops and parallel edges but the first are left out."""
        if not isinstance(content, nx.Graph):
            raise BadRecord(f"is of the type {type(content).__name__}; expected a networkx graph")
        if not len(content):
            raise BadRecord("has no nodes")
        if len(content) > (most := self.options.nodes or _MOST):
            raise BadRecord(f"has {len(content):,} nodes; {most} are learned at most (--set codec.nodes=N)")
        return self._simple(content)

    def digest(self, loaded: nx.Graph) -> bytes:
        """16 bytes: the same for graphs that differ in the numbers and names of their nodes only."""
        nodes, edges = telling(d for _, d in loaded.nodes.data()), telling(d for *_, d in loaded.edges.data())
        known = {text: code for code, text in enumerate(sorted({*nodes, *edges}), 1)}
        matrix = _matrix(loaded, [known[text] for text in nodes], [known[text] for text in edges])
        digest = blake2b(json.dumps(sorted(known)).encode(), digest_size=16)
        digest.update(_ordered(matrix).tobytes())
        return digest.digest()

    def fit(self, loaded: Iterable[nx.Graph]) -> None:
        nodes, edges = map(KindsSeen, self._kinds_by)
        sizes: list[tuple[int, int]] = []
        mended: Counter[str] = Counter()
        for graph in loaded:
            nodes.add([data for _, data in graph.nodes.data()])
            edges.add([data for *_, data in graph.edges.data()])
            sizes.append((graph.number_of_nodes(), graph.number_of_edges()))
            mended.update({name: int(graph.graph.get(name, 0)) for name in _MENDED})
        if not sizes:
            raise AnewError("there are no graphs to learn from; expected at least one")
        self._nodes, self._edges = nodes.choose(), edges.choose()
        spans = [[min(column), max(column)] for column in zip(*sizes)]
        self._seen |= {"nodes": spans[0], "edges": spans[1], **mended}
        self.space = self._space(spans[0][1])

    def describe(self) -> str:
        (few, many), (least, most) = self._seen["nodes"], self._seen["edges"]
        nodes, edges = (f"{low}" if low == high else f"{low} to {high}" for low, high in ((few, many), (least, most)))
        sizes = f"graphs of {nodes} nodes ({self._nodes}) and {edges} edges ({self._edges})"
        texts = {
            "directed": "{:,} directed ones taken as undirected",
            "loops": "{:,} loops dropped",
            "parallel": "{:,} parallel edges dropped",
        }
        mended = "; ".join(text.format(self._seen[name]) for name, text in texts.items() if self._seen.get(name))
        return f"{sizes} ({mended + '; ' if mended else ''}{self._advice})"

    def told(self, loaded: nx.Graph, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """A graph's own attributes come before what can be counted."""
        wanted = {name for name in names if name in self.counted and name not in given}
        traits = self.traits([loaded]) if wanted else {}
        counted = {name: traits[name].item() for name in wanted}
        (row,) = super().told(loaded, given, names)
        return [row | {name: value for name, value in counted.items() if value == value}]

    def encode(self, loaded: Sequence[nx.Graph]) -> Tensor:
        """int64 (B, nodes, nodes)"""
        n = self.space.nodes
        x = np.zeros((len(loaded), n, n), np.int64)
        for row, graph in zip(x, loaded):
            matrix = _ordered(self._coded(graph))[:n, :n]
            row[: len(matrix), : len(matrix)] = matrix
        return torch.from_numpy(x)

    def holes(self, loaded: Sequence[nx.Graph], part: str = "") -> Tensor:
        """The nodes that are there are known, and whether they are joined; others may come."""
        if large := [len(graph) for graph in loaded if len(graph) > self.space.nodes]:
            raise AnewError(f"a graph has {large[0]:,} nodes; the run has learned graphs of up to {self.space.nodes:,}")
        x = self.encode(loaded)
        there = x.diagonal(dim1=1, dim2=2) > 0
        return x.masked_fill(~(there[:, :, None] & there[:, None]), -1)

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor) -> list[nx.Graph]:
        """Of the upper half of each matrix; what is joined to an absent node is left out."""
        return [self._graph(matrix) for matrix in x.cpu().numpy()]

    def to_bytes(self, sample: nx.Graph) -> bytes:
        file = io.BytesIO()
        nx.write_graphml_xml(sample, file)
        return file.getvalue()

    def together(self, samples: Sequence[nx.Graph], given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """A graph a line, in node-link form, with what was given as its attributes."""
        rows = [nx.node_link_data(graph, edges="edges") for graph in samples]
        for row, told in zip(rows, given):
            row["graph"] = {name: value for name, value in told.items() if value is not None}
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()

    def to_array(self, samples: Sequence[nx.Graph]) -> np.ndarray:
        """int64 (n, nodes, nodes): kinds of nodes on the diagonal, of edges elsewhere."""
        return self.encode(samples).numpy()

    def show(self, samples: Sequence[nx.Graph], columns: int | None = None) -> bytes:
        return draw_graphs([self._coded(graph) for graph in samples], columns)

    # --- for measuring

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self._features = GraphFeatures()
        self._features.fit([self._coded(graph) for graph in self.decode(train.x)], self.space)

    def features(self, samples: Sequence[nx.Graph]) -> dict[str, np.ndarray]:
        """Views "statistics" and "random"; see `GraphFeatures`."""
        if self._features is None:
            raise RuntimeError("fit_features comes before features")
        return self._features.transform([self._coded(graph) for graph in samples])

    def traits(self, samples: Sequence[nx.Graph]) -> dict[str, np.ndarray]:
        return traits([self._coded(graph) for graph in samples])

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        kinds = {"nodes": self._nodes.to_json(), "edges": self._edges.to_json()}
        return {"options": asdict(self.options), "size": self.space.nodes, **kinds, "seen": self._seen}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> GraphCodec:
        codec = cls(cls.Options(**state["options"]))
        codec._nodes, codec._edges = Kinds.from_json(state["nodes"]), Kinds.from_json(state["edges"])
        codec._seen = dict(state["seen"])
        codec.space = codec._space(int(state["size"]))
        return codec

    # --- its own

    def _space(self, nodes: int) -> Graph:
        return Graph(nodes, len(self._nodes.values), len(self._edges.values), self._seen["edges"][1])

    @property
    def _kinds_by(self) -> tuple[str | None, str | None]:
        """The attributes of nodes and edges that tell their kinds; None is whichever fits."""
        return self.options.node_kind, self.options.edge_kind

    def _simple(self, content: nx.Graph) -> nx.Graph:
        graph, place = nx.Graph(), {node: i for i, node in enumerate(content)}
        of_nodes, of_edges = self._kinds_by
        graph.add_nodes_from((place[node], kept(data, of_nodes)) for node, data in content.nodes.data())
        loops = parallel = 0
        pairs: set[tuple[int, int]] = set()
        for a, b, data in content.edges(data=True):
            pair = (place[a], place[b])
            loops, parallel = loops + (a == b), parallel + (a != b and pair in pairs)
            pairs.add(pair)
            if a != b and not graph.has_edge(*pair):
                graph.add_edge(*pair, **kept(data, of_edges))
        graph.graph.update(zip(_MENDED, (content.is_directed(), loops, parallel)))
        return graph

    def _coded(self, graph: nx.Graph) -> np.ndarray:
        """int64 (n, n) in the order of the graph."""
        nodes = [self._nodes.code(data) for _, data in graph.nodes.data()]
        return _matrix(graph, nodes, [self._edges.code(data) for *_, data in graph.edges.data()])

    def _graph(self, matrix: np.ndarray) -> nx.Graph:
        graph, kinds = nx.Graph(), np.diagonal(matrix)
        place = {int(node): i for i, node in enumerate(np.flatnonzero(kinds))}
        graph.add_nodes_from((i, self._nodes.attributes(kinds[node])) for node, i in place.items())
        for a, b in np.argwhere(np.triu(matrix, 1)).tolist():
            if a in place and b in place:
                graph.add_edge(place[a], place[b], **self._edges.attributes(matrix[a, b]))
        return graph


def _matrix(graph: nx.Graph, nodes: Sequence[int], edges: Sequence[int]) -> np.ndarray:
    """int64 (n, n) of the codes of nodes and edges, in the order of the graph."""
    place = {node: i for i, node in enumerate(graph)}
    matrix = np.diag(np.array(nodes, np.int64)) if nodes else np.zeros((0, 0), np.int64)
    for (a, b), code in zip(graph.edges(), edges):
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = code
    return matrix


def _ordered(matrix: np.ndarray) -> np.ndarray:
    kinds = np.diagonal(matrix)
    found = order(kinds.tolist(), matrix - np.diag(kinds))
    return matrix[np.ix_(found, found)]
