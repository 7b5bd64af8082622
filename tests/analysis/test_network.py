"""A network analysed: what is known of it comes out, and wild ones are told in a line."""

from __future__ import annotations

import io
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anew.analysis import alike, analyze, links, network, nodes
from anew.analysis.links import find_links
from anew.cli import app
from anew.errors import AnewError


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Zachary's karate club: its president is 33, its teacher 0."""
    folder = tmp_path_factory.mktemp("club")
    nx.write_graphml(nx.karate_club_graph(), folder / "the club 俱乐部.graphml")
    analyze(folder / "the club 俱乐部.graphml", folder / "out")
    return folder / "out"


def test_who_matters_and_who_belongs_together(club: Path):
    people, parts, roles = (pd.read_csv(club / f"{name}.csv") for name in ("nodes", "communities", "roles"))
    assert set(people["node"].head(2)) == {33, 0}
    assert people.set_index("node")["degree"].to_dict() == dict(nx.karate_club_graph().degree)
    assert people["pagerank"].sum() == pytest.approx(1)
    assert people["core"].max() == 4
    together = people.set_index("node")["community"]
    assert together[33] != together[0]
    assert parts["nodes"].sum() == 34
    assert parts["nodes"].is_monotonic_decreasing
    assert (parts["links_within"].sum() + parts["links_out"].sum() / 2) == 78
    assert roles["nodes"].sum() == 34
    assert roles["degree"].is_monotonic_decreasing


@pytest.mark.parametrize("method", ["Louvain", "Leiden"])
def test_communities(method: str, monkeypatch: pytest.MonkeyPatch):
    """Four groups, and one alone: both find them, the largest first."""
    monkeypatch.setattr(nodes, "method", lambda: method)
    sizes, shares = [50, 40, 30, 20], np.full((4, 4), 0.01) + np.eye(4) * 0.5
    graph = nx.stochastic_block_model(sizes, shares, seed=0)
    graph.add_node("alone")
    found = nodes._communities(nx.to_scipy_sparse_array(graph, weight=None, dtype=float, format="csr"), seed=0)
    assert found.tolist() == [1] * 50 + [2] * 40 + [3] * 30 + [4] * 20 + [5]


def test_roles_are_places_in_the_network_wherever_they_are():
    """Two stars, far from each other: their centres are of one kind, their leaves of another."""
    stars = nx.disjoint_union(nx.star_graph(12), nx.star_graph(12))
    roles = analyze(stars).nodes.set_index("node")["role"]
    assert roles["0"] == roles["13"] == 1
    assert set(roles.drop(["0", "13"])) == {2}


def test_a_network_that_comes_with_networkx(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        app(["analyze", "karate", "--out", str(tmp_path / "it"), "--links", "3"])
    assert not end.value.code
    assert capsys.readouterr().out.strip() == str(tmp_path / "it" / "network.html")
    assert len(pd.read_csv(tmp_path / "it" / "links.csv")) == 3


def test_links_are_new_ones(club: Path):
    guessed, graph = pd.read_csv(club / "links.csv"), nx.karate_club_graph()
    assert len(guessed) == 20
    assert not any(graph.has_edge(a, b) for a, b in zip(guessed["node"], guessed["other"]))
    assert guessed["score"].is_monotonic_decreasing


def test_the_page(club: Path):
    page = (club / "network.html").read_text(encoding="utf-8")
    for words in ("the club 俱乐部.graphml", "Nodes that matter", "Communities", "Links that may be missing", "AUC"):
        assert words in page
    assert "http" not in page.replace("http-equiv", "")
    assert Image.open(club / "network.png").size == (network.SIDE, network.SIDE)


def test_the_seed_repeats_it():
    graph = nx.karate_club_graph()
    one, other = analyze(graph), analyze(graph)
    pd.testing.assert_frame_equal(one.links, other.links)
    pd.testing.assert_frame_equal(one.nodes, other.nodes)
    assert one.picture == other.picture


def test_hidden_links_are_found_where_there_are_groups():
    sizes, shares = [40] * 4, np.full((4, 4), 0.01) + np.eye(4) * 0.25
    graph = nx.stochastic_block_model(sizes, shares, seed=0)
    found = find_links(nx.to_scipy_sparse_array(graph, dtype=float, format="csr"), 50)
    assert found is not None
    assert found.found.auc > 0.75
    block = [data["block"] for _, data in graph.nodes.data()]
    assert np.mean([block[a] == block[b] for a, b in found.pairs]) > 0.9
    names = list(graph)
    assert not any(graph.has_edge(names[a], names[b]) for a, b in found.pairs.tolist())


def test_of_very_many_candidates_some_are_drawn(monkeypatch: pytest.MonkeyPatch):
    graph = nx.barabasi_albert_graph(300, 3, seed=0)
    adjacency = nx.to_scipy_sparse_array(graph, dtype=float, format="csr")
    everything = find_links(adjacency, 10**6)
    monkeypatch.setattr(links, "PATHS", 10)
    some = find_links(adjacency, 10**6)
    assert everything is not None
    assert some is not None
    assert set(map(tuple, some.pairs.tolist())) == set(map(tuple, everything.pairs.tolist()))  # there are few


def test_wild_networks():
    graph = nx.MultiDiGraph([("<b>a</b>", "b,c"), ("<b>a</b>", "b,c"), ("b,c", "b,c"), ("b,c", "猫")])
    graph.add_node("alone")
    made = analyze(graph)
    assert made.facts["made simple"] == "directions forgotten, 2 loops or parallels left out"
    assert made.facts["missing links"] == "too few links to learn from"
    assert made.facts["parts"] == "2"
    assert made.nodes["node"].iloc[0] == "b,c"
    assert made.links.empty
    assert "<b>a</b>" not in made._page()


def test_a_star_has_pairs_and_a_complete_graph_has_none():
    assert len(analyze(nx.star_graph(60), links=5).links) == 5
    assert analyze(nx.complete_graph(12)).links.empty


def test_betweenness_of_large_networks_is_estimated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nodes, "WORK", 1000)
    monkeypatch.setattr(network, "DRAWN", 30)
    graph = nx.barabasi_albert_graph(120, 2, seed=0)
    made = analyze(graph)
    assert made.facts["betweenness"] == "estimated from 20 nodes"
    exact = pd.Series(nx.betweenness_centrality(graph))
    assert made.nodes.set_index(made.nodes["node"].astype(int))["betweenness"].corr(exact) > 0.9
    assert Image.open(io.BytesIO(made.picture)).size == (network.SIDE, network.SIDE)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"", "no file of a network; expected .graphml"),
        ("x.gml", b"graph [", "cannot be read as a graph"),
        ("x.jsonl", b"", "holds no graph"),
        ("x.edgelist", b"a\nb\n", "2 nodes and no links"),
        ("none.gml", None, "No such file"),
    ],
)
def test_what_cannot_be_analysed(name: str, content: bytes | None, message: str, tmp_path: Path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AnewError, match=message):
        analyze(tmp_path / name, tmp_path / "out")


def test_look_alikes(tmp_path: Path):
    """As many nodes and links, none twice, and not the same; more like the network than by its communities alone."""
    network = nx.relaxed_caveman_graph(40, 8, 0.15, seed=0)
    network.add_node("alone")
    made = analyze(network, tmp_path, alike=2).alike
    assert made is not None
    for number, found in enumerate(made.networks, 1):
        assert (found != found.T).nnz == 0
        assert found.diagonal().sum() == 0
        assert found.max() == 1
        assert found.nnz // 2 == network.number_of_edges()
        assert found.sum(1).argmin() == len(network) - 1
        read = nx.read_graphml(tmp_path / f"alike-{number}.graphml")
        assert sorted(d for _, d in read.degree) == sorted(found.sum(1).astype(int).tolist())
    table = made.table.set_index("network")
    assert table.loc["the network", "repeated"] == 1
    assert table.loc["the network", "triangles"] == sum(nx.triangles(network).values()) / 3
    assert table.loc["the network", "clustering"] == pytest.approx(nx.average_clustering(network))
    groups = analyze(network).nodes.groupby("community")["node"].agg(set).tolist()
    by_name = [{node for node in network if str(node) in group} for group in groups]
    assert table.loc["the network", "modularity"] == pytest.approx(nx.community.modularity(network, by_name))
    assert table.loc["by communities", "repeated"] < table.loc["look-alikes", "repeated"] < 0.8
    gap = (table["clustering"] - table.loc["the network", "clustering"]).abs()
    assert gap["look-alikes"] < gap["by communities"]
    assert "come again" in (tmp_path / "network.html").read_text(encoding="utf-8")


def test_large_networks_are_not_walked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(alike, "LEARNED", 10)
    made = analyze(nx.les_miserables_graph(), alike=1).alike
    assert made is not None
    assert [*made.table["network"]] == ["the network", "by communities"]
    assert made.networks[0].nnz <= 2 * 254


@pytest.mark.parametrize("network", [nx.path_graph(2), nx.complete_graph(5), nx.star_graph(6)], ids=str)
def test_look_alikes_of_the_smallest(network: nx.Graph):
    made = analyze(network, alike=1, seed=3).alike
    assert made is not None
    assert 0 < made.networks[0].nnz <= 2 * network.number_of_edges()
    assert made.table.notna().all(axis=None)
