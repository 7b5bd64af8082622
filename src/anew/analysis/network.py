"""Reads a network, counts what matters in it, and writes a page, a picture and tables."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy import sparse

from anew.analysis.alike import LookAlikes, look_alikes
from anew.analysis.links import Links, find_links
from anew.analysis.nodes import COUNTED, count_nodes, estimated_from, method
from anew.codecs.graph.picture import draw_graph
from anew.display import OnProgress
from anew.errors import AnewError
from anew.evaluation.page import template
from anew.sources.graph_reading import READERS, library, read_graphs
from anew.writing import check_writable, write

NETWORKS = {"karate": "karate_club_graph", "les-miserables": "les_miserables_graph"}  # that networkx has
DRAWN, SIDE, MARKED = 400, 1100, 10  # nodes in the picture, its pixels, and nodes that are numbered in it
LISTED = 20  # rows of a table on the page


@dataclass(frozen=True)
class Analysis:
    """`nodes` by PageRank, `communities` by size, `links` that may be missing by score; `facts` in words."""

    name: str
    nodes: pd.DataFrame  # node, degree, clustering, betweenness, pagerank, core, community, role
    communities: pd.DataFrame  # community, nodes, links_within, links_out, key_nodes
    roles: pd.DataFrame  # role, nodes, and means of what is counted of nodes
    links: pd.DataFrame  # node, other, score
    facts: dict[str, str]
    picture: bytes
    alike: LookAlikes | None = None

    def save(self, out: Path) -> Path:
        """Writes a table of each kind, network.png, look-alikes and the page, whose path is returned."""
        check_writable(out)
        for name in ("nodes", "communities", "roles", "links"):
            write(out / f"{name}.csv", getattr(self, name).to_csv(index=False))
        write(out / "network.png", self.picture)
        for number, network in enumerate(self.alike.networks if self.alike else (), 1):
            write(out / f"alike-{number}.graphml", _graphml(network, number))
        write(out / "network.html", self._page())
        return out / "network.html"

    def _page(self) -> str:
        tables = {
            "Nodes that matter": self.nodes,
            "Communities": self.communities,
            "Roles": self.roles,
            "Links that may be missing": self.links,
            "Look-alikes": self.alike.table if self.alike else pd.DataFrame(),
        }
        shown = {title: Markup(_html(table.head(LISTED))) for title, table in tables.items() if len(table)}
        return template("network.html", "analysis").render(
            name=self.name, facts=self.facts, tables=shown, png=self.picture, marked=MARKED
        )


def analyze(
    source: str | PathLike[str] | Any,
    out: str | PathLike[str] | None = None,
    links: int = 20,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    alike: int = 0,
) -> Analysis:
    """Of a network: the first in a file, a built-in (karate, les-miserables), or a networkx graph. It is written to
    `out`, if that is said; `links` that may be missing are listed, and `alike` networks made that are like it.

    Directions are forgotten, and loops and parallel links left out. Raises AnewError for what cannot be read.
    """
    nx, done = library(), _counting(on_progress or (lambda *_: None))
    if out is not None:
        check_writable(out := Path(out).expanduser())
    name, graph = (str(source.name) or "graph", source) if isinstance(source, nx.Graph) else _read(fspath(source))
    done()
    simple = nx.Graph(graph.to_undirected(as_view=True))
    simple.remove_edges_from([*nx.selfloop_edges(simple)])
    if not simple.number_of_edges():
        raise AnewError(f"'{name}' has {len(graph)} nodes and no links between them; there is nothing to analyse")
    adjacency = nx.to_scipy_sparse_array(simple, weight=None, dtype=np.float64, format="csr")
    nodes = count_nodes(simple, adjacency, seed)
    done()
    found = find_links(adjacency, links, seed)
    done()
    made_alike = look_alikes(adjacency, nodes["community"].to_numpy(), alike, seed) if alike else None
    done()
    made = Analysis(
        name,
        nodes.sort_values("pagerank", ascending=False, kind="stable").reset_index(drop=True),
        _communities(adjacency, nodes),
        _roles(nodes),
        _links(found, list(simple)),
        _facts(graph, simple, nodes, found) | ({"look-alikes": str(made_alike)} if made_alike else {}),
        _draw(adjacency, nodes),
        made_alike,
    )
    if out is not None:
        made.save(out)
    done()
    return made


def _counting(on_progress: OnProgress) -> Callable[[], None]:
    """To be called after each step: reading, nodes, links, look-alikes, drawing."""
    steps = iter(range(1, 6))
    on_progress("analysing", 0, 5)
    return lambda: on_progress("analysing", next(steps), 5)


def _read(location: str) -> tuple[str, Any]:
    if location in NETWORKS:
        return location, getattr(library(), NETWORKS[location])()
    path = Path(location).expanduser()
    ending = path.suffix.lower()
    if ending not in READERS:
        raise AnewError(f"'{path}' is no file of a network; expected {', '.join(READERS)}, or {', '.join(NETWORKS)}")
    try:
        graph = next(iter(read_graphs(path.read_bytes(), ending)), "holds no graph")
    except OSError as error:
        raise AnewError(f"'{path}' cannot be read: {error.strerror or error}; check the path") from error
    if isinstance(graph, str):
        raise AnewError(f"'{path}' {graph}")
    return path.name, graph


def _communities(adjacency: Any, nodes: pd.DataFrame) -> pd.DataFrame:
    a, b = nodes["community"].to_numpy()[np.stack(sparse.triu(adjacency, 1).nonzero())]
    ends = np.bincount(np.concatenate([a, b]), minlength=1 + nodes["community"].max())
    within = np.bincount(a[a == b], minlength=len(ends))
    names = nodes.sort_values("pagerank", ascending=False, kind="stable").groupby("community")["node"]
    table = names.agg(nodes="size", key_nodes=lambda part: ", ".join(part.head(3))).reset_index()
    table.insert(2, "links_within", within[table["community"]])
    table.insert(3, "links_out", (ends - 2 * within)[table["community"]])
    return table


def _roles(nodes: pd.DataFrame) -> pd.DataFrame:
    """Of each, how many there are, and the means of what is counted."""
    means = nodes.groupby("role")[list(COUNTED)].mean()
    means.insert(0, "nodes", nodes.groupby("role").size())
    return means.reset_index()


def _links(found: Links | None, names: list[Any]) -> pd.DataFrame:
    rows = [] if found is None else zip(found.pairs.tolist(), found.score.tolist())
    table = [(str(names[a]), str(names[b]), score) for (a, b), score in rows]
    return pd.DataFrame(table, columns=["node", "other", "score"])


def _facts(graph: Any, simple: Any, nodes: pd.DataFrame, found: Links | None) -> dict[str, str]:
    nx = library()
    left_out, sampled = graph.number_of_edges() - simple.number_of_edges(), estimated_from(simple)
    facts = {
        "nodes": f"{len(simple):,}",
        "links": f"{simple.number_of_edges():,}",
        "parts": f"{nx.number_connected_components(simple):,}",
        "communities": f"{nodes['community'].max():,}, by {method()}'s method",
        "mean clustering": f"{nodes['clustering'].mean():.3f}",
        "betweenness": "exact" if sampled == len(simple) else f"estimated from {sampled:,} nodes",
    }
    if graph.is_directed() or left_out:
        facts["made simple"] = (
            f"{'directions forgotten, ' * graph.is_directed()}{left_out:,} loops or parallels left out"
        )
    if found is None:
        return facts | {"missing links": "too few links to learn from"}
    by, common = f"{found.found.auc:.2f}", f"{found.common.auc:.2f}"
    told = f"hidden ones are told from none with an AUC of {by}, by common neighbours with {common}"
    return facts | {"missing links": told}


def _draw(adjacency: Any, nodes: pd.DataFrame) -> bytes:
    """The nodes of the highest PageRank, coloured by community; the first are numbered as in the table."""
    order = np.argsort(-nodes["pagerank"].to_numpy(), kind="stable")[:DRAWN]
    matrix = adjacency[order][:, order].toarray().astype(np.int64)
    np.fill_diagonal(matrix, nodes["community"].to_numpy()[order])
    return draw_graph(matrix, SIDE, MARKED)


def _graphml(network: Any, seed: int) -> bytes:
    """With nodes in a random order: none stands for one of the network's."""
    nx, file, order = library(), io.BytesIO(), np.random.default_rng(seed).permutation(network.shape[0])
    graph = nx.from_scipy_sparse_array(network[order][:, order])
    for *_, data in graph.edges.data():
        data.clear()
    nx.write_graphml_xml(graph, file)
    return file.getvalue()


def _html(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, float_format="{:.4g}".format)
