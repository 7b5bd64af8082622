"""A folder of image files, nested or not; the folders right below it are labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, is_image, labels, readable
from anew.sources.source import Record, Source


class Folder(Source):
    """Yields the bytes of each image file, in the order of their names; an unreadable file yields b""."""

    reads: ClassVar[str] = "a folder of images (png, jpg, webp, ...), its subfolders being labels"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return Path(location).is_dir() and any(_images(Path(location)))

    def __init__(self, location: str) -> None:
        self._root = Path(location).absolute()
        self._paths = sorted(_images(self._root), key=str)
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


def _images(root: Path) -> Iterator[PurePosixPath]:
    """Paths of images relative to `root`, through linked folders too, each real folder once."""
    seen = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        # Sorted: which of two links to one folder counts must not depend on the file system.
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        yield from (inside / name for name in names if is_image(inside / name))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""  # reading a pipe would wait for ever
    except OSError:
        return b""
