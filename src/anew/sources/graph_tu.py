"""Folders of graphs in the format of TU Dortmund's benchmark sets (Morris et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.graph_reading import library
from anew.sources.source import Record, Source, Unreadable


class TuFolder(Source):
    """NAME_A.txt has an edge a line ("2, 1": nodes count from 1 over all graphs), NAME_graph_indicator.txt a node's
    graph, and NAME_graph_labels.txt, NAME_node_labels.txt and NAME_edge_labels.txt, which may be missing, a label each.

    The labels of nodes and edges become their attribute "kind". Raises AnewError for files that do not fit together.
    """

    codec: ClassVar[str] = "graph"
    reads: ClassVar[str] = "graphs: a folder of NAME_A.txt and NAME_graph_indicator.txt, the format of TU Dortmund"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(_names(Path(location)))

    def __init__(self, location: str) -> None:
        library()
        self._root = Path(location).absolute()
        names = _names(self._root)
        if len(names) != 1:
            raise AnewError(f"'{location}' holds {len(names)} sets of graphs ({', '.join(names)}); give each a folder")
        self.name, self._prefix = readable(names[0]), names[0]
        self.location = str(self._root)
        self._graphs = self._numbers("graph_indicator")[:, 0]  # of each node
        if not len(self._graphs) or self._graphs.min() < 1 or (np.diff(self._graphs) < 0).any():
            raise AnewError(f"{self._file('graph_indicator')} is not a number for each node, from 1, in order; mend it")

    def __iter__(self) -> Iterator[Record]:
        labels = self._column("graph_labels", len(self))
        edges, kinds = self._edges()
        node_kinds = self._column("node_labels", len(self._graphs))
        first = np.searchsorted(self._graphs, np.arange(1, len(self) + 2))  # node of each graph
        order = np.argsort(edges[:, 0], kind="stable")
        starts = np.searchsorted(edges[order, 0], first)
        for number in range(len(self)):
            rows, nodes = order[starts[number] : starts[number + 1]], range(first[number], first[number + 1])
            given = {} if labels is None else {"label": int(labels[number])}
            graph = self._graph(nodes, edges[rows], node_kinds, None if kinds is None else kinds[rows])
            yield Record(graph, given, f"{self.name}: graph {number + 1}")

    def __len__(self) -> int:
        return int(self._graphs[-1])

    def fingerprint(self) -> str:
        return fingerprint("tu", sorted(self._root.glob(f"{self._prefix}_*.txt")), self._root)

    def _graph(
        self, nodes: range, edges: np.ndarray, node_kinds: np.ndarray | None, kinds: np.ndarray | None
    ) -> object:
        """Most sets list an edge in both directions, so the graph is taken as undirected."""
        if len(edges) and not ((edges >= nodes.start) & (edges < nodes.stop)).all():
            return Unreadable("has an edge to another graph")
        graph = library().Graph()
        for node in nodes:
            graph.add_node(node - nodes.start, **({} if node_kinds is None else {"kind": int(node_kinds[node])}))
        for place, (a, b) in enumerate((edges - nodes.start).tolist()):
            graph.add_edge(a, b, **({} if kinds is None else {"kind": int(kinds[place])}))
        return graph

    def _edges(self) -> tuple[np.ndarray, np.ndarray | None]:
        """(E, 2), nodes from 0, and the kind of each, if it is known."""
        edges = self._numbers("A", 2) - 1
        if edges.size and not (edges.min() >= 0 and edges.max() < len(self._graphs)):
            raise AnewError(
                f"{self._file('A')} names node {edges.max() + 1} of {len(self._graphs)}; nodes count from 1"
            )
        return edges, self._column("edge_labels", len(edges))

    def _column(self, what: str, n: int | None = None) -> np.ndarray | None:
        """The first number of each line (n,); None where there is no such file."""
        if not (self._root / f"{self._prefix}_{what}.txt").is_file():
            return None
        values = self._numbers(what)[:, 0]
        if n is not None and len(values) != n:
            raise AnewError(f"{self._file(what)} has {len(values)} lines; expected {n}")
        return values

    def _numbers(self, what: str, least: int = 1) -> np.ndarray:
        """(lines, columns)"""
        path = self._root / f"{self._prefix}_{what}.txt"
        try:
            text = path.read_text(encoding="utf-8-sig")
            rows = [[int(float(cell)) for cell in line.replace(",", " ").split()] for line in text.splitlines() if line]
            table = np.array(rows or np.zeros((0, least)), np.int64)
        except (OSError, ValueError, OverflowError) as error:
            raise AnewError(f"{self._file(what)} cannot be read ({error}); expected whole numbers in lines") from error
        if table.shape[1] < least:
            raise AnewError(f"{self._file(what)} has {table.shape[1]} numbers a line; expected {least}")
        return table

    def _file(self, what: str) -> str:
        return f"'{self._root / f'{self._prefix}_{what}.txt'}'"


def _names(root: Path) -> list[str]:
    """Of the sets that are in the folder."""
    if not root.is_dir():
        return []
    names = sorted(path.name.removesuffix("_graph_indicator.txt") for path in root.glob("*_graph_indicator.txt"))
    return [name for name in names if (root / f"{name}_A.txt").is_file()]
