"""Files of graphs as networkx graphs: GraphML, GML, node-link JSON, and lists of edges."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from anew.errors import AnewError

if TYPE_CHECKING:
    from networkx import Graph

NAMESPACE = b'xmlns="http://graphml.graphdrawing.org/xmlns"'
FROM, TO = ("source", "from", "src", "u", "node1"), ("target", "to", "dst", "v", "node2")  # heads of two columns
_HEAD = 1000  # bytes in which a file shows what it is


def library() -> ModuleType:
    """networkx; raises AnewError where it is missing."""
    try:
        import networkx
    except ModuleNotFoundError as error:
        raise AnewError("graphs need networkx: pip install 'anew[graphs]'") from error
    return networkx


def read_graphs(content: bytes, ending: str) -> Iterator[Graph | str]:
    """The graphs in a file, or the reason why one cannot be read, in their order."""
    try:
        yield from READERS[ending](content)
    except (ParseError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        yield _reason(error)
    except library().NetworkXException as error:
        yield _reason(error)


def count_graphs(content: bytes, ending: str) -> int:
    """About, without reading them."""
    marks = {".graphml": rb"<graph[\s>]", ".json": rb'"nodes"\s*:', ".jsonl": rb'"nodes"\s*:'}
    return len(re.findall(marks[ending], content)) or 1 if ending in marks else 1


def looks_like_graphs(head: bytes, ending: str) -> bool:
    """Whether a file of this ending, which may be of another kind of data, begins as graphs do."""
    if ending in (".json", ".jsonl"):
        return any(f'"{name}"'.encode() in head[:_HEAD] for name in ("nodes", "links", "edges"))
    if ending in (".csv", ".tsv"):
        return bool(_columns(next(iter(_rows(head[:_HEAD].decode("utf-8-sig", "ignore"), ending)), [])))
    return True


def _graphml(content: bytes) -> Iterator[Graph]:
    """All graphs of the file. Many programs forget the namespace."""
    from networkx.readwrite.graphml import GraphMLReader

    if b"graphml.graphdrawing.org" not in content[:_HEAD]:
        content = re.sub(rb"<graphml[^>]*>", b"<graphml " + NAMESPACE + b">", content, count=1)
    found = list(GraphMLReader(force_multigraph=True)(string=content))
    if not found:
        raise ValueError("holds no <graph>")
    yield from found


def _gml(content: bytes) -> Iterator[Graph]:
    """Edges that come twice are an error in GML, unless it says that it is a multigraph."""
    text = _text(content)
    if "multigraph" not in text:
        text = re.sub(r"\bgraph\s*\[", "graph [ multigraph 1 ", text, count=1)
    yield library().parse_gml(text, label="id")


def _json(content: bytes) -> Iterator[Graph | str]:
    found = json.loads(_text(content))
    for one in found if isinstance(found, list) else [found]:
        yield _node_link(one)


def _json_lines(content: bytes) -> Iterator[Graph | str]:
    for line in _text(content).splitlines():
        if line.strip():
            try:
                yield _node_link(json.loads(line))
            except (ValueError, RecursionError) as error:
                yield _reason(error)


def _node_link(data: Any) -> Graph | str:
    """networkx' form, and d3's, in which nodes may go by their place."""
    edges = next((name for name in ("edges", "links") if isinstance(data, dict) and name in data), "")
    if not edges or "nodes" not in data:
        return 'is no graph in node-link form: {"nodes": [{"id": 0}], "edges": [{"source": 0, "target": 0}]}'
    try:
        nodes = [{"id": place, **node} for place, node in enumerate(data["nodes"])]
        return library().node_link_graph({**data, "nodes": nodes}, edges=edges)
    except (KeyError, TypeError, ValueError, AttributeError, library().NetworkXException) as error:
        return f"is no graph in node-link form ({_reason(error)})"


def _edge_list(ending: str) -> Callable[[bytes], Iterator[Graph]]:
    return lambda content: iter([_from_rows([row for row in _rows(_text(content), ending) if any(row)])])


def _from_rows(rows: list[list[str]]) -> Graph:
    """A row has the ends of an edge, and attributes in the other columns; one with a single end is a node alone."""
    graph = library().MultiGraph()
    heads = _columns(rows[0]) if rows else []
    names = heads or ["source", "target", *(f"column_{i}" for i in range(3, 1 + max(map(len, rows), default=2)))]
    if not heads and rows and len(rows[0]) == 3 and not _is_number(rows[0][2]):
        names[2] = "kind"
    for row in rows[bool(heads) :]:
        cells = dict(zip(names, row))
        a, b = cells.pop("source"), cells.pop("target", "")
        graph.add_nodes_from(end for end in (a, b) if end)
        if a and b:
            graph.add_edge(a, b, **{name: cell for name, cell in cells.items() if cell})
    return graph


def _columns(row: list[str]) -> list[str]:
    """The names of the columns, the first two being "source" and "target"; empty if it is no such head."""
    names = [cell.strip().lower() for cell in row]
    heads = len(names) > 1 and names[0] in FROM and names[1] in TO
    return ["source", "target", *names[2:]] if heads else []


def _rows(text: str, ending: str) -> Iterator[list[str]]:
    """The cells of each line that is no comment."""
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#%"]
    delimiter = max(",;\t", key="".join(lines[:1]).count)
    if ending in (".csv", ".tsv") or delimiter in "".join(lines[:1]):
        rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
        yield from ([cell.strip() for cell in row] for row in rows)
    else:
        yield from (line.split() for line in lines)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 ({error.reason} at byte {error.start})") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if text.startswith(("is ", "holds ", "has ")) else f"cannot be read as a graph ({text[:200]})"


READERS: dict[str, Callable[[bytes], Iterator[Graph | str]]] = {
    ".graphml": _graphml,
    ".gml": _gml,
    ".json": _json,
    ".jsonl": _json_lines,
    ".csv": _edge_list(".csv"),
    ".tsv": _edge_list(".tsv"),
    ".edgelist": _edge_list(".edgelist"),
    ".edges": _edge_list(".edges"),
}
