"""Music as files: MIDI, MusicXML and ABC; of a folder, the folders right below it are labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, is_image, labels, readable, walk
from anew.sources.source import Record, Source

_SUFFIXES = {".mid", ".midi", ".musicxml", ".mxl", ".xml", ".abc"}
_LOOKED_AT = 1_000  # files of a folder that decide what it holds
_TUNE = re.compile(rb"^(?=X:)", re.MULTILINE)  # where a tune begins in a file of ABC


class Scores(Source):
    """Yields the bytes of each file in the order of their names, of ABC those of each tune; an unreadable one, b""."""

    codec: ClassVar[str] = "music"
    reads: ClassVar[str] = "music (mid, musicxml, mxl, abc), a file or a folder, its subfolders being labels"

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A folder that holds more music than pictures: there may be one of the cover."""
        path = Path(location)
        if not path.is_dir():
            return _is_music(path) and path.is_file()
        some = list(islice(walk(path, lambda _: True), _LOOKED_AT))
        return sum(map(_is_music, some)) > sum(map(is_image, some))

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._paths = sorted(walk(path, _is_music), key=str) if path.is_dir() else [PurePosixPath(path.name)]
        if not self._paths:
            raise AnewError(f"the folder '{location}' holds no music; expected files such as .mid, .musicxml or .abc")
        self.name = readable(path.stem) or "music"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for path, given in zip(self._paths, labels(self._paths)):
            tunes = self._tunes(path)
            for number, tune in enumerate(tunes, 1):
                place = f", tune {number}" if len(tunes) > 1 else ""
                yield Record(tune, dict(given), readable(str(path)) + place)

    def __len__(self) -> int:
        return sum(len(self._tunes(path)) if path.suffix.lower() == ".abc" else 1 for path in self._paths)

    def fingerprint(self) -> str:
        return fingerprint("scores", (self._root / path for path in self._paths), self._root)

    def _tunes(self, path: PurePosixPath) -> list[bytes]:
        """Each with what the file says before the first."""
        content = _read(self._root / path)
        if path.suffix.lower() != ".abc":
            return [content]
        head, *tunes = _TUNE.split(content)
        return [head + tune for tune in tunes] or [content]


def _is_music(path: Path | PurePosixPath) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""  # reading a pipe would wait for ever
    except OSError:
        return b""
