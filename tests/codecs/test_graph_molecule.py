"""Molecules as graphs: what survives, what is forgotten, and what no chemist would draw."""

from __future__ import annotations

import io
import json

import networkx as nx
import numpy as np
import pytest
import torch
from PIL import Image

from anew.codecs import make_codec
from anew.codecs.codec import BadRecord
from anew.codecs.graph.molecule import MoleculeCodec, is_valid, smiles
from anew.nn.trails import Trails
from anew.sources import open_source
from toys import drawn_by


def fitted(*texts: str) -> tuple[MoleculeCodec, list[nx.Graph]]:
    codec = make_codec("molecule")
    assert isinstance(codec, MoleculeCodec)
    loaded = [codec.load(text) for text in texts]
    codec.fit(iter(loaded))
    return codec, loaded


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("OCC", "CCO"),
        ("c1cc[nH]c1", "c1cc[nH]c1"),
        ("C[N+](C)(C)CC([O-])=O", "C[N+](C)(C)CC(=O)[O-]"),
        ("[H]C([H])([H])[H]", "C"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),  # stereochemistry is forgotten
        ("[13CH4]", "C"),  # isotopes, too
        ("CC.[Na+].[Cl-]", "CC.[Cl-].[Na+]"),
        ("C#N", "C#N"),
    ],
)
def test_what_survives(text: str, kept: str):
    codec, loaded = fitted(text, "CCO", "NC#CC=C")
    (back,) = codec.decode(codec.encode(loaded[:1]))
    assert smiles(back) == kept
    assert codec.to_bytes(back) == f"{kept}\n".encode()


@pytest.mark.parametrize("content", ["", " ", "C1CC", "C(C)(C)(C)(C)C", "猫", b"CCO", None, "CCO" * 300])
def test_what_is_no_molecule(content: object):
    with pytest.raises(BadRecord):
        make_codec("molecule").load(content)


def test_what_is_written_bond_by_bond_is_valid():
    """Codes drawn at random, of those that are allowed, by the valences that were seen."""
    codec, _ = fitted("CC(C)(C)O", "C[N+](C)(C)CC([O-])=O", "N#CC=C", "OS(=O)(=O)Cl", "[Na+].[Cl-]", "FB(F)F")
    known = MoleculeCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert known.space == codec.space
    trails = Trails(known.space)
    written = np.stack([trails.read(codes) for codes in drawn_by(trails.rules(200), 200, trails.longest)])
    graphs = known.decode(torch.from_numpy(written))
    assert len({smiles(graph) for graph in graphs}) > 50
    assert all(map(is_valid, graphs))


def test_molecules_without_valences():
    """Of a run from before they were learned."""
    codec, loaded = fitted("CCO", "N#CC=C")
    state = codec.to_json()
    del state["seen"]["valences"]
    old = MoleculeCodec.from_json(state)
    assert old.space.room == ()
    assert (old.encode(loaded) == codec.encode(loaded)).all()


def test_a_single_atom_and_no_bonds():
    codec, loaded = fitted("C", "N", "O")
    assert codec.space.edge_kinds == 1
    assert [smiles(graph) for graph in codec.decode(codec.encode(loaded))] == ["C", "N", "O"]


def test_the_same_molecule_written_in_other_ways():
    codec, loaded = fitted("Oc1ccccc1", "c1ccc(O)cc1", "C1=CC=CC=C1O")
    assert len({codec.digest(graph) for graph in loaded}) == 1


def test_what_cannot_be_is_told_and_drawn_all_the_same(tmp_path):
    codec, loaded = fitted("CCO", "C=C", "NC#N")
    wild = codec.decode(codec.space.random(3, torch.Generator().manual_seed(0)))
    five = nx.star_graph(5)
    nx.set_node_attributes(five, "C", "element")
    samples = [*loaded, *wild, five, nx.Graph()]
    assert [is_valid(sample) for sample in samples[:3]] == [True] * 3
    assert not is_valid(five)
    assert not is_valid(nx.Graph())
    assert smiles(five) == "CC(C)(C)(C)C"
    traits = codec.traits(samples)
    assert traits["valid"].dtype == bool
    assert traits["valid"][:3].all()
    assert traits["rings"][0] == 0
    assert traits["rings"][-2] == 0
    assert {"atoms", "connected", "diameter"} < set(traits)
    assert Image.open(io.BytesIO(codec.show(samples))).size == (600, 600)
    (tmp_path / "made.smi").write_bytes(codec.together(samples, [], ".smi"))
    assert [record.content for record in open_source(tmp_path / "made.smi")][:3] == ["CCO", "C=C", "N#CN"]


def test_the_built_in_molecules_survive():
    texts = [record.content for record in open_source("molecules")][:300]
    codec, loaded = fitted(*texts)
    back = codec.decode(codec.encode(loaded))
    assert np.array_equal([smiles(graph) for graph in back], [smiles(graph) for graph in loaded])
    assert codec.traits(back)["valid"].all()


def test_chemistry_can_be_given():
    codec, loaded = fitted("CCO", "c1ccccc1", "CC(=O)O")
    (row,) = codec.told(loaded[1], {}, ("atoms", "rings", "logP"))
    assert (row["atoms"], row["rings"]) == (6, 1)
    assert row["logP"] == pytest.approx(1.69, abs=0.01)
