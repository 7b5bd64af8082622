"""The codec of molecules: SMILES as graphs of atoms and bonds, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from anew.codecs.codec import BadRecord
from anew.codecs.graph.codec import GraphCodec, check_nodes
from anew.codecs.graph.picture import layout
from anew.sources.graph_smiles import check_chemistry
from anew.spaces import Graph

if TYPE_CHECKING:
    import networkx as nx
    from rdkit.Chem import Mol
else:
    check_chemistry()
    import networkx as nx

_BONDS = ("single", "double", "triple")
_CHEMISTRY = ("QED", "logP", "SA")
_TILE, _LARGEST_PICTURE = 200, 2000  # pixels


@dataclass(frozen=True)
class MoleculeOptions:
    """`nodes`: molecules of more atoms, hydrogen not counted, are left out."""

    nodes: int | None = None

    def __post_init__(self) -> None:
        check_nodes(self.nodes)


class MoleculeCodec(GraphCodec):
    """An atom's kind is its element and charge ("N+"), hydrogen being left out; a bond's is its order.

    Aromatic rings are written with single and double bonds (Kekulé). Isotopes, stereochemistry and radicals are
    forgotten: hydrogens are what the valences leave room for.
    """

    name: ClassVar[str] = "molecule"
    extension: ClassVar[str] = ".smi"
    endings = (".smi",)
    counted = ("atoms", "rings", *_CHEMISTRY)
    Options: ClassVar[type] = MoleculeOptions
    _advice: ClassVar[str] = "--set codec.nodes=N leaves out larger ones"

    def load(self, content: Any) -> nx.Graph:
        """A SMILES."""
        from rdkit import Chem, rdBase

        if not isinstance(content, str) or not content.strip():
            raise BadRecord(f"is {'empty' if isinstance(content, str) else type(content)}; expected a SMILES")
        with rdBase.BlockLogs():
            molecule = Chem.MolFromSmiles(content)
        if molecule is None:
            raise BadRecord(f"'{content[:60]}' is no SMILES that RDKit can read")
        return super().load(_graph(molecule))

    def fit(self, loaded: Iterable[nx.Graph]) -> None:
        """Learns the highest valence of each kind of atom, too: no sample that is written bond by bond exceeds it."""
        self._seen["valences"] = {}
        super().fit(self._valued(loaded))

    def to_bytes(self, sample: nx.Graph) -> bytes:
        return (smiles(sample) + "\n").encode()

    def together(self, samples: Sequence[nx.Graph], given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """A SMILES a line, of the valid ones only."""
        return "".join(smiles(sample) + "\n" for sample in samples if is_valid(sample)).encode()

    def show(self, samples: Sequence[nx.Graph], columns: int | None = None) -> bytes:
        """As chemists draw them."""
        from rdkit.Chem.Draw import rdMolDraw2D

        columns = columns or max(1, int(np.ceil(np.sqrt(len(samples)))))
        rows = max(1, -(-len(samples) // columns))
        side = max(60, min(_TILE, _LARGEST_PICTURE // max(columns, rows)))
        pen = rdMolDraw2D.MolDraw2DCairo(columns * side, rows * side, side, side)
        pen.drawOptions().prepareMolsBeforeDrawing = False  # type: ignore[assignment]
        legends = ["" if is_valid(sample) else "invalid" for sample in samples]
        pen.DrawMolecules([_drawable(sample) for sample in samples], legends=legends)
        pen.FinishDrawing()
        return pen.GetDrawingText()

    def traits(self, samples: Sequence[nx.Graph]) -> dict[str, np.ndarray]:
        """Valid is what RDKit finds no fault with; rings are independent ones. Of valid ones: how much they are like
        drugs (QED, Bickerton et al. 2012), how much they like fat (logP, Wildman and Crippen 1999), how hard they are
        to make (SA from 1 to 10, Ertl and Schuffenhauer 2009).
        """
        parts = [nx.number_connected_components(sample) for sample in samples]
        rings = [s.number_of_edges() - len(s) + count for s, count in zip(samples, parts)]
        molecules = [_sanitised(sample) for sample in samples]
        names = {"nodes": "atoms", "connected": "connected", "diameter": "diameter"}
        counted = super().traits(samples)
        chemistry = np.array([_chemistry(molecule) for molecule in molecules]).reshape(-1, len(_CHEMISTRY)).T
        return {
            "valid": np.array([molecule is not None for molecule in molecules], bool),
            "rings": np.array(rings),
            **{name: counted[key] for key, name in names.items()},
            **dict(zip(_CHEMISTRY, chemistry)),
        }

    @property
    def _kinds_by(self) -> tuple[str | None, str | None]:
        return "element", "bond"

    def _valued(self, loaded: Iterable[nx.Graph]) -> Iterator[nx.Graph]:
        valences = self._seen["valences"]
        for graph in loaded:
            for node, kind in graph.nodes(data="element"):
                orders = sum(1 + _BONDS.index(bond) for *_, bond in graph.edges(node, data="bond"))
                valences[kind] = max(orders, valences.get(kind, 0))
            yield graph

    def _space(self, nodes: int) -> Graph:
        space, valences = super()._space(nodes), self._seen.get("valences")
        if not valences:  # of a run from before they were learned
            return space
        orders = (1 + _BONDS.index(bond or "single") for bond in self._edges.values)
        return replace(space, room=tuple(valences[kind] for kind in self._nodes.values), takes=tuple(orders))


def smiles(graph: nx.Graph) -> str:
    """RDKit's canonical one, if the molecule is valid."""
    from rdkit import Chem

    return Chem.MolToSmiles(_sanitised(graph) or _molecule(graph))


def is_valid(graph: nx.Graph) -> bool:
    return _sanitised(graph) is not None


def _sanitised(graph: nx.Graph) -> Mol | None:
    """None where valences are impossible, and of nothing."""
    from rdkit import Chem, rdBase

    if not len(graph):
        return None
    molecule = _molecule(graph)
    with rdBase.BlockLogs():
        failed = Chem.SanitizeMol(molecule, catchErrors=True)
    return None if failed else molecule


def _chemistry(molecule: Mol | None) -> tuple[float, ...]:
    from rdkit.Chem import QED
    from rdkit.Chem.Crippen import MolLogP  # type: ignore[attr-defined]
    from rdkit.Contrib.SA_Score import sascorer

    if molecule is None:
        return (np.nan,) * len(_CHEMISTRY)
    return QED.qed(molecule), MolLogP(molecule), sascorer.calculateScore(molecule)


def _drawable(graph: nx.Graph) -> Mol:
    """With a place for each atom: as chemists put them, or, where valences are impossible, as any graph is drawn."""
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    molecule = _molecule(graph)
    molecule.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(molecule)
    if is_valid(graph):
        rdDepictor.Compute2DCoords(molecule)
    elif len(graph):
        places = Chem.Conformer(len(graph))
        for atom, (x, y) in enumerate(layout(nx.to_numpy_array(graph, weight=None) > 0) * len(graph) ** 0.5):
            places.SetAtomPosition(atom, (float(x), float(y), 0.0))
        molecule.AddConformer(places)
    return molecule


def _graph(molecule: Mol) -> nx.Graph:
    from rdkit import Chem

    molecule = Chem.RemoveHs(molecule)
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    graph = nx.Graph()
    for atom in molecule.GetAtoms():
        charge = atom.GetFormalCharge()
        graph.add_node(atom.GetIdx(), element=atom.GetSymbol() + ("+" if charge > 0 else "-") * abs(charge))
    for bond in molecule.GetBonds():
        order = min(3, max(1, round(bond.GetBondTypeAsDouble())))  # what is joined otherwise is taken as single
        graph.add_edge(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond=_BONDS[order - 1])
    return graph


def _molecule(graph: nx.Graph) -> Mol:
    """As it is, whether the valences are possible or not."""
    from rdkit import Chem

    molecule, place = Chem.RWMol(), {}
    for node, data in graph.nodes.data():
        element, sign = re.fullmatch(r"(\w+?)([+-]*)", str(data.get("element", "C"))).groups()  # type: ignore[union-attr]
        atom = Chem.Atom(element)
        atom.SetFormalCharge(len(sign) * (1 if "+" in sign else -1))
        place[node] = molecule.AddAtom(atom)
    for a, b, data in graph.edges.data():
        order = _BONDS.index(data.get("bond", "single"))
        molecule.AddBond(place[a], place[b], Chem.BondType.values[order + 1])
    return molecule.GetMol()
