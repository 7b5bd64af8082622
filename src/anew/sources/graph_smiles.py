"""Molecules as lines of SMILES, from files and from what comes with RDKit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable, walk
from anew.sources.graph_reading import library
from anew.sources.source import Record, Source

_ENDINGS = (".smi", ".smiles")


def check_chemistry() -> None:
    """Raises AnewError where RDKit or networkx is missing."""
    library()
    try:
        import rdkit  # noqa: F401
    except ModuleNotFoundError as error:
        raise AnewError("molecules need RDKit: pip install 'anew[graphs,molecules]'") from error


class Smiles(Source):
    """Yields the first word of each line; a name may follow it. The files of a folder come in the order of their names.

    A first line that is a head ("smiles"), and lines that begin with #, are left out.
    """

    codec: ClassVar[str] = "molecule"
    reads: ClassVar[str] = "molecules: .smi or .smiles, one a line, or a folder of such files"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(_files(Path(location)))

    def __init__(self, location: str) -> None:
        check_chemistry()
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._files = _files(path)
        self.name = readable(path.name if path.is_dir() else path.stem) or "molecules"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for path in self._files:
            for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
                words = line.split()
                if words and not line.startswith("#") and not (number == 1 and words[0].lower() == "smiles"):
                    given = {"label": readable(path.parent.name)} if path.parent != self._root else {}
                    yield Record(words[0], given, f"{readable(path.name)}: line {number}")

    def __len__(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self._files)

    def fingerprint(self) -> str:
        return fingerprint("smiles", self._files, self._root)


class Molecules(Source):
    """Of the first 5,000 molecules of the open database of the National Cancer Institute, which come with RDKit, those
    of 3 to 20 atoms (hydrogen not counted), one fragment, and the elements that organic chemistry is about.
    """

    codec: ClassVar[str] = "molecule"
    reads: ClassVar[str] = "molecules: 3,741 of 3 to 20 atoms, from the National Cancer Institute"
    builtin: ClassVar[str] = "molecules"
    count: ClassVar[int] = 3741

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "") -> None:
        check_chemistry()
        self.name = self.location = self.builtin

    def __iter__(self) -> Iterator[Record]:
        for number, smiles in self._lines:
            yield Record(smiles, {}, f"molecules: line {number}")

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> str:
        return f"molecules-{self.count}"

    @cached_property
    def _lines(self) -> list[tuple[int, str]]:
        from rdkit import RDConfig

        path = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
        lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        return [(number, line.split()[0]) for number, line in lines if _is_usual(line.split()[0])]


def _is_usual(smiles: str) -> bool:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or "." in smiles or not 3 <= molecule.GetNumAtoms() <= 20:
        return False
    return {atom.GetSymbol() for atom in molecule.GetAtoms()} <= {"C", "N", "O", "F", "P", "S", "Cl", "Br", "I"}


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [path / inside for inside in sorted(walk(path, lambda one: one.suffix.lower() in _ENDINGS), key=str)]
    return [path] if path.suffix.lower() in _ENDINGS and path.is_file() else []
