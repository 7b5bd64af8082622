"""A folder of image files, nested or not; the folders right below it are labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, is_image, labels, readable, walk
from anew.sources.source import Record, Source


class Folder(Source):
    """Yields the bytes of each image file, in the order of their names; an unreadable file yields b""."""

    reads: ClassVar[str] = "a folder of images (png, jpg, webp, ...), its subfolders being labels"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return Path(location).is_dir() and any(walk(Path(location), is_image))

    def __init__(self, location: str) -> None:
        self._root = Path(location).absolute()
        self._paths = sorted(walk(self._root, is_image), key=str)
        if not self._paths:
            raise AnewError(f"the folder '{location}' holds no images; expected files such as .png or .jpg")
        self.name = readable(self._root.name) or "data"
        self.location = str(self._root)

    def __iter__(self) -> Iterator[Record]:
        for path, given in zip(self._paths, labels(self._paths)):
            yield Record(_read(self._root / path), dict(given), readable(str(path)))

    def __len__(self) -> int:
        return len(self._paths)

    def fingerprint(self) -> str:
        return fingerprint("folder", (self._root / path for path in self._paths), self._root)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""  # reading a pipe would wait for ever
    except OSError:
        return b""
