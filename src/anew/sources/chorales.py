"""Chorales of Bach: those that come with music21, and files of them as time steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZipFile

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source

_VOICES = ("Soprano", "Alto", "Tenor", "Bass")
_PART_NAME = re.compile(r"<part-name>(.*?)</part-name>")
_STEPS = re.compile(rb'\s*\{\s*"(train|valid|validation|test)"\s*:\s*\[\s*\[\s*\[')


class Chorales(Source):
    """Yields each four-part chorale of music21's corpus as compressed MusicXML, read where music21 is installed.

    The encodings are by several hands; music21 says under which terms (corpus/license.txt): some are not for
    commercial use.
    """

    codec: ClassVar[str] = "music"
    reads: ClassVar[str] = "chorales of Bach for four voices, as they come with music21 (see its corpus/license.txt)"
    builtin: ClassVar[str] = "chorales"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "chorales") -> None:
        self.name = self.location = location
        package = find_spec("music21")
        if package is None or package.origin is None:
            raise AnewError("the chorales come with music21: pip install 'anew[music]'")
        self._folder = Path(package.origin).parent / "corpus" / "bach"

    def __iter__(self) -> Iterator[Record]:
        for path in self._paths:
            yield Record(path.read_bytes(), {}, path.stem)

    def __len__(self) -> int:
        return len(self._paths)

    def fingerprint(self) -> str:
        return f"chorales-music21-{version('music21')}"

    @cached_property
    def _paths(self) -> list[Path]:
        """Others have instruments beside the voices, or fewer of these."""
        paths = sorted(self._folder.glob("bwv*.mxl"))
        if not paths:
            raise AnewError("this music21 comes without its corpus; pip install --force-reinstall music21")
        return [path for path in paths if _parts(path) == _VOICES]


def _parts(path: Path) -> tuple[str, ...]:
    with ZipFile(path) as archive:
        score = next(name for name in archive.namelist() if not name.startswith("META-INF"))
        return tuple(_PART_NAME.findall(archive.read(score).decode()))


class ChoraleSteps(Source):
    """Yields each piece of a JSON file {"train": [piece, ...], "valid": ..., "test": ...} as its list of time steps.

    A step is a sixteenth, and a list of the pitches (MIDI numbers) that sound in it, from the highest voice to the
    lowest; -1 or nothing is a rest. anew makes splits of its own.
    """

    codec: ClassVar[str] = "music"
    reads: ClassVar[str] = "chorales as time steps in a .json, as JSB Chorales come"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        if path.suffix.lower() != ".json" or not path.is_file():
            return False
        with path.open("rb") as file:
            return bool(_STEPS.match(file.read(1_000).removeprefix(b"\xef\xbb\xbf")))

    def __init__(self, location: str) -> None:
        self._path = Path(location).absolute()
        self.name, self.location = readable(self._path.stem), str(self._path)

    def __iter__(self) -> Iterator[Record]:
        for split, pieces in self._splits.items():
            for number, piece in enumerate(pieces, 1):
                yield Record(piece, {}, f"{split} {number}")

    def __len__(self) -> int:
        return sum(map(len, self._splits.values()))

    def fingerprint(self) -> str:
        return fingerprint("chorale steps", [self._path], self._path.parent)

    @cached_property
    def _splits(self) -> dict[str, list[Any]]:
        try:
            splits = json.loads(self._path.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise AnewError(f"'{self._path}' is damaged JSON ({error}); copy or download it again") from error
        if not all(isinstance(pieces, list) for pieces in splits.values()):
            raise AnewError(f"'{self._path}' is none of chorales; expected {{\"train\": [piece, ...], ...}}")
        return splits
