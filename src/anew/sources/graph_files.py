"""Files of graphs: a folder with one or several graphs a file, or one file of several; and a list from Python."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from anew.sources.files import fingerprint, labels, readable, walk
from anew.sources.graph_reading import READERS, count_graphs, library, looks_like_graphs, read_graphs
from anew.sources.source import Record, Source, Unreadable
from anew.writing import cache_folder, write

if TYPE_CHECKING:
    from networkx import Graph

_OWN = (".graphml", ".gml", ".edgelist", ".edges")  # endings that only graphs have
_ONE_FILE = (*_OWN[:2], ".json", ".jsonl")  # kinds of files that may hold several graphs
_TABLES, _FEWEST = (".csv", ".tsv"), 3  # one table may as well be that; several with the ends of edges are graphs
_HEAD = 1000  # bytes that are looked at to see what a file holds


class GraphFiles(Source):
    """Yields networkx graphs in the order of the files' names.

    What is given with each are the attributes of the graph; without one called "label", the folder right below the
    root that it lies in is that.
    """

    codec: ClassVar[str] = "graph"
    reads: ClassVar[str] = "graphs: a folder of .graphml, .gml, .json (node-link), .edgelist or .csv (source,target)"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        if not path.is_dir():
            return path.suffix.lower() in _ONE_FILE and _is_graphs(path)
        found = list(islice(_paths(path), _FEWEST))
        return len(found) == _FEWEST or any(inside.suffix.lower() not in _TABLES for inside in found)

    def __init__(self, location: str) -> None:
        library()
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._paths = sorted(_paths(path), key=str) if path.is_dir() else [PurePosixPath(path.name)]
        self.name = readable(path.name if path.is_dir() else path.stem) or "graphs"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for path, given in zip(self._paths, labels(self._paths)):
            found = list(read_graphs(_read(self._root / path), path.suffix.lower()))
            for number, graph in enumerate(found, 1):
                name = readable(str(path)) + (f": graph {number}" if len(found) > 1 else "")
                yield Record(Unreadable(graph), {}, name) if isinstance(graph, str) else _record(graph, given, name)

    def __len__(self) -> int:
        return sum(count_graphs(_read(self._root / path), path.suffix.lower()) for path in self._paths)

    def fingerprint(self) -> str:
        return fingerprint("graphs", (self._root / path for path in self._paths), self._root)


def keep(graphs: Sequence[Graph]) -> Path:
    """Where a list of networkx graphs now lies under $ANEW_CACHE: the same graphs at the same path."""
    content = "".join(json.dumps(_node_link(graph), ensure_ascii=False) + "\n" for graph in graphs).encode()
    path = cache_folder() / "graphs" / f"graphs-{blake2b(content, digest_size=6).hexdigest()}.jsonl"
    if not path.exists():
        write(path, content)
        os.utime(path, (0, 0))
    return path


def _node_link(graph: Graph) -> dict[str, Any]:
    """Nodes by their place, and attributes that are numbers or texts."""
    place = {node: i for i, node in enumerate(graph)}
    ends = ((place[a], place[b], _plain(data)) for a, b, data in graph.edges(data=True))
    return {
        "directed": graph.is_directed(),
        "multigraph": graph.is_multigraph(),
        "graph": _plain(graph.graph),
        "nodes": [{**_plain(data), "id": place[node]} for node, data in graph.nodes(data=True)],
        "edges": [{**data, "source": a, "target": b} for a, b, data in ends],
    }


def _plain(attributes: dict[Any, Any]) -> dict[str, Any]:
    """NumPy's scalars as Python's, and what is neither number nor text left out."""
    values = {str(name): getattr(value, "item", lambda value=value: value)() for name, value in attributes.items()}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}


def _record(graph: Graph, given: dict[str, str], name: str) -> Record:
    hidden = ("name", "node_default", "edge_default")  # of the formats, and what is another for each
    told = {key: value for key, value in _plain(graph.graph).items() if key not in hidden}
    return Record(graph, given | told, name)


def _paths(root: Path) -> Iterator[PurePosixPath]:
    """Of files of graphs below the folder, relative to it; others may lie beside them."""
    return walk(root, lambda path: _is_graphs(root / path))


def _is_graphs(path: Path) -> bool:
    ending = path.suffix.lower()
    if ending not in READERS or not path.is_file():
        return False
    return ending in _OWN or looks_like_graphs(_read(path, _HEAD), ending)


def _read(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
