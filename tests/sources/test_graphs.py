"""Sources of graphs: every format, and what people have in such files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import AnewError
from anew.sources import Source, builtins, open_source
from anew.sources.graph_files import GraphFiles
from anew.sources.graph_reading import READERS, read_graphs
from anew.sources.graph_smiles import Smiles
from anew.sources.graph_tu import TuFolder
from anew.sources.source import Unreadable

SQUARE = nx.cycle_graph(4)
NODE_LINK = nx.node_link_data(SQUARE, edges="edges")
GML = "graph [ node [ id 0 label 'a' ] node [ id 1 label 'b' ] edge [ source 0 target 1 ] %s ]".replace("'", '"')
GRAPHML = """<?xml version="1.0" encoding="UTF-8"?><graphml>
<key id="d0" for="node" attr.name="kind" attr.type="string"/>
<graph edgedefault="directed"><node id="猫"><data key="d0">x y</data></node><node id="n1"/>
<edge source="猫" target="n1"/><edge source="n1" target="猫"/><edge source="n1" target="n1"/></graph>
<graph edgedefault="undirected"><node id="n0"/></graph></graphml>"""


def graphs(source: Source) -> list[nx.Graph]:
    return [record.content for record in source]


def alike(a: nx.Graph, b: nx.Graph) -> bool:
    return nx.is_isomorphic(nx.Graph(a), nx.Graph(b))


def test_a_folder_of_every_format(tmp_path: Path):
    folder = tmp_path / "我的 graphs"
    (folder / "squares").mkdir(parents=True)
    nx.write_graphml(SQUARE, folder / "squares" / "a.graphml")
    nx.write_gml(SQUARE, folder / "squares" / "b.gml")
    nx.write_edgelist(SQUARE, folder / "squares" / "c.edgelist", data=False)
    (folder / "squares" / "d.json").write_text(json.dumps(NODE_LINK))
    (folder / "squares" / "e.csv").write_bytes(b"\xef\xbb\xbfSource;Target;kind\r\n0;1;x\r\n1;2;x\r\n2;3;y\r\n3;0;\r\n")
    (folder / "squares" / "f.tsv").write_text("from\tto\nw x\tb\nb\tc\nc\td\nd\tw x\n")
    (folder / ".hidden.gml").write_text("x")
    (folder / "notes.txt").write_text("not a graph")
    source = open_source(folder)
    assert isinstance(source, GraphFiles)
    assert source.name == "我的 graphs"
    records = list(source)
    assert len(records) == len(source) == 6
    assert all(alike(record.content, SQUARE) for record in records)
    assert {record.given["label"] for record in records} == {"squares"}
    csv_edges = sorted(data.get("kind", "") for *_, data in records[4].content.edges(data=True))
    assert csv_edges == ["", "x", "x", "y"]


def test_fingerprint_changes_with_the_files(tmp_path: Path):
    (tmp_path / "a.gml").write_text(GML % "")
    before = open_source(tmp_path).fingerprint()
    assert before == open_source(tmp_path).fingerprint()
    (tmp_path / "b.gml").write_text(GML % "")
    assert open_source(tmp_path).fingerprint() != before


def test_several_graphs_in_one_file(tmp_path: Path):
    rows = [{**NODE_LINK, "graph": {"label": i, "name": "x", "weights": [1]}} for i in range(3)]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (tmp_path / "lines.jsonl").write_text("\ufeff" + "\r\n".join(map(json.dumps, rows)) + "\n\n")
    (tmp_path / "two.graphml").write_text(GRAPHML, encoding="utf-8")
    for name in ("list.json", "lines.jsonl"):
        records = list(open_source(tmp_path / name))
        assert [record.given for record in records] == [{"label": i} for i in range(3)]
        assert records[1].name == f"{name}: graph 2"
        assert len(open_source(tmp_path / name)) == 3
    first, second = graphs(open_source(tmp_path / "two.graphml"))
    assert first.is_directed()
    assert first.nodes["猫"] == {"kind": "x y"}
    assert first.number_of_edges() == 3
    assert len(second) == 1


def test_nodes_of_links_may_go_by_their_place(tmp_path: Path):
    d3 = {"nodes": [{"name": "a"}, {"name": "b"}], "links": [{"source": 0, "target": 1, "value": 3}]}
    (tmp_path / "d3.json").write_text(json.dumps(d3))
    assert alike(graphs(open_source(tmp_path / "d3.json"))[0], nx.path_graph(2))


def test_edges_that_come_twice_in_gml(tmp_path: Path):
    (tmp_path / "a.gml").write_text(GML % "edge [ source 0 target 1 ]")
    assert graphs(open_source(tmp_path))[0].number_of_edges() == 2


def test_a_node_alone_in_a_list_of_edges():
    (graph,) = read_graphs(b"# a comment\na b\n\nc\n", ".edgelist")
    assert set(graph) == {"a", "b", "c"}
    (graph,) = read_graphs(b"0,1,friend\n1,2,foe\n", ".edges")
    assert [data["kind"] for *_, data in graph.edges(data=True)] == ["friend", "foe"]


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".graphml", b""), (".graphml", b"<graphml"), (".graphml", b"<graphml></graphml>"), (".graphml", b"\xff\xfe\0"),
        (".gml", b"graph ["), (".gml", b"\xff"), (".json", b""), (".json", b"{"), (".json", b"3"), (".json", b"[[]]"),
        (".json", b'{"nodes": [], "edges": 3}'), (".json", b'{"nodes": [1], "edges": []}'), (".json", b"[" * 100_000),
        (".json", b'{"nodes": [{"id": {}}], "edges": []}'), (".jsonl", b"{\n"),
        (".jsonl", b'{"nodes": [], "links": [{}]}'),
    ],
)  # fmt: skip
def test_what_is_malformed_is_told_in_a_line(ending: str, content: bytes):
    (reason,) = read_graphs(content, ending)
    assert isinstance(reason, str)
    assert "\n" not in reason


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_are_an_error(ending: str, content: bytes):
    for graph in read_graphs(content, ending):
        assert isinstance(graph, str | nx.Graph)


def test_entities_that_grow_without_end_are_refused():
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"x" * 10_000 + b'">'
    bomb += b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 50) for i in range(5)) + b"]>"
    (reason,) = read_graphs(bomb + b"<graphml>&f;</graphml>", ".graphml")
    assert isinstance(reason, str)


def test_bad_files_are_bad_records(tmp_path: Path):
    (tmp_path / "a.gml").write_text(GML % "")
    (tmp_path / "b.graphml").write_bytes(b"")
    contents = graphs(open_source(tmp_path))
    assert isinstance(contents[0], nx.Graph)
    assert isinstance(contents[1], Unreadable)


def test_one_table_with_such_columns_stays_a_table(tmp_path: Path):
    (tmp_path / "t.csv").write_text("source,target\na,b\nc,d\n")
    assert open_source(tmp_path).codec == open_source(tmp_path / "t.csv").codec == "table"
    for name in "uvw":
        (tmp_path / f"{name}.csv").write_text("source,target\na,b\nc,d\n")
    assert open_source(tmp_path).codec == "graph"


# --- from Python


def test_a_list_of_graphs():
    made = [nx.path_graph(3), nx.DiGraph([("a", "b")]), nx.MultiGraph([(0, 1), (0, 1)]), nx.grid_2d_graph(2, 2)]
    made[0].graph["label"] = np.int64(7)
    nx.set_node_attributes(made[0], {0: np.float64(1.5), 1: {3}}, "kind")
    source = open_source(made)
    records = list(source)
    assert all(alike(record.content, graph) for record, graph in zip(records, made, strict=True))
    assert records[0].given == {"label": 7}
    assert records[0].content.nodes[0] == {"kind": 1.5}
    assert records[1].content.is_directed()
    assert open_source(made).fingerprint() == source.fingerprint()
    assert open_source(source.location).fingerprint() == source.fingerprint()


@pytest.mark.parametrize("data", [[], [1], [nx.path_graph(2), None]])
def test_lists_of_something_else(data: list[object]):
    with pytest.raises(AnewError, match="a list of networkx graphs"):
        open_source(data)


# --- TU Dortmund's format


def write_tu(folder: Path, **files: str) -> Path:
    """A triangle and an edge, with labels of everything."""
    usual = {
        "A": "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n4, 5\n5, 4\n",
        "graph_indicator": "1\n1\n1\n2\n2\n",
        "graph_labels": "1\n-1\n",
        "node_labels": "0\n0\n1\n2\n2\n",
        "edge_labels": "0\n0\n1\n1\n0\n0\n2\n2\n",
    }
    folder.mkdir(exist_ok=True)
    for name, text in (usual | files).items():
        (folder / f"My_Set_{name}.txt").write_text(text)
    return folder


def test_tu(tmp_path: Path):
    source = open_source(write_tu(tmp_path / "x"))
    assert isinstance(source, TuFolder)
    assert source.name == "My_Set"
    first, second = source
    assert alike(first.content, nx.cycle_graph(3))
    assert first.given == {"label": 1}
    assert [data["kind"] for _, data in first.content.nodes.data()] == [0, 0, 1]
    assert first.content.edges[1, 2] == {"kind": 1}
    assert second.content.edges[0, 1] == {"kind": 2}
    assert second.given == {"label": -1}
    assert len(source) == 2


def test_tu_of_structure_only(tmp_path: Path):
    write_tu(tmp_path / "x")
    for what in ("graph_labels", "node_labels", "edge_labels"):
        (tmp_path / "x" / f"My_Set_{what}.txt").unlink()
    first, second = open_source(tmp_path / "x")
    assert first.given == {}
    assert first.content.nodes[0] == {}
    assert alike(second.content, nx.path_graph(2))


def test_tu_with_an_edge_between_graphs_and_a_graph_without(tmp_path: Path):
    write_tu(tmp_path / "x", A="1,2\n2,3\n3,4\n", edge_labels="0\n0\n0\n", graph_indicator="1\n1\n1\n3\n3\n",
             graph_labels="1\n1\n2\n")  # fmt: skip
    contents = graphs(open_source(tmp_path / "x"))
    assert isinstance(contents[0], Unreadable)
    assert [len(graph) for graph in contents[1:]] == [0, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"A": "1, 2\nx, 3\n"}, "whole numbers"),
        ({"A": "1\n2\n"}, "has 1 numbers a line; expected 2"),
        ({"A": "1, 2\n2, 9\n"}, "names node 9 of 5"),
        ({"graph_indicator": "2\n1\n"}, "in order"),
        ({"graph_indicator": ""}, "in order"),
        ({"graph_labels": "1\n"}, "has 1 lines; expected 2"),
        ({"node_labels": "1\n"}, "has 1 lines; expected 5"),
    ],
)
def test_tu_files_that_do_not_fit(files: dict[str, str], message: str, tmp_path: Path):
    with pytest.raises(AnewError, match=message):
        list(open_source(write_tu(tmp_path / "x", **files)))


# --- molecules


def test_smiles(tmp_path: Path):
    folder = tmp_path / "mols"
    (folder / "acids").mkdir(parents=True)
    (folder / "acids" / "a.smi").write_bytes(
        b"\xef\xbb\xbfsmiles name\r\nCC(=O)O acetic acid\r\n\r\n# no\r\nnonsense\r\n"
    )
    (folder / "b.smiles").write_text("C\n")
    source = open_source(folder)
    assert isinstance(source, Smiles)
    assert [(record.content, record.given) for record in source] == [
        ("CC(=O)O", {"label": "acids"}), ("nonsense", {"label": "acids"}), ("C", {}),
    ]  # fmt: skip
    assert list(source)[1].name == "a.smi: line 5"
    assert open_source(folder / "b.smiles").name == "b"


# --- built-ins


@pytest.mark.parametrize("name", ["atlas", "community", "grid-graphs", "planar", "molecules"])
def test_built_in(name: str):
    assert name in builtins()
    one, other = list(open_source(name)), list(open_source(name))
    assert len(one) == len(open_source(name))
    for a, b in zip(one[::40], other[::40]):
        assert a.content == b.content if isinstance(a.content, str) else nx.utils.graphs_equal(a.content, b.content)


def test_built_in_graphs_are_as_they_say():
    planar, community, atlas = (graphs(open_source(name)) for name in ("planar", "community", "atlas"))
    assert all(nx.is_planar(graph) and len(graph) == 64 and nx.is_connected(graph) for graph in planar)
    assert all(12 <= len(graph) <= 20 for graph in community)
    assert all(2 <= len(graph) <= 7 and nx.is_connected(graph) for graph in atlas)
    assert max(len(graph) for graph in graphs(open_source("grid-graphs"))) == 144


def test_without_networkx_the_message_names_the_command():
    code = "import sys; sys.modules['networkx'] = None; from anew.sources import open_source; open_source('atlas')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'anew[graphs]'" in ended.stderr
    code = "import sys; sys.modules['networkx'] = None; from anew.codecs import make_codec; make_codec('graph')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'anew[graphs]'" in ended.stderr
