"""MNIST's own format, idx: `train-images-idx3-ubyte.gz` with `train-labels-idx1-ubyte.gz` beside it."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, ClassVar, NamedTuple, cast

import numpy as np

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source

# Both `train-images-idx3-ubyte` and `train-images.idx3-ubyte` are about.
_NAME = re.compile(r"(?P<part>.*?)[-._]?(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?$")
_IMAGES, _LABELS = 0x0803, 0x0801  # magic numbers: unsigned bytes in 3 or 1 dimensions
_BLOCK = 512  # images read at a time
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)


class _Part(NamedTuple):
    images: Path
    labels: Path | None
    shape: tuple[int, int, int]  # images, height, width


class Idx(Source):
    """One images file, or all those of a folder (`t10k` and `train`), with their labels where there are any.

    Yields uint8 (H, W) arrays. Raises AnewError for damaged files and for labels that do not fit the images.
    """

    reads: ClassVar[str] = "MNIST-style idx files (*-images-idx3-ubyte, .gz or not)"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(_image_files(Path(location)))

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._parts = [_open_part(images) for images in _image_files(path)]
        self.name = readable(path.name.split(".")[0] if path.is_file() else path.name)
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for part in self._parts:
            given = _read_labels(part)
            for index, image in enumerate(_read_images(part)):
                yield Record(image, given[index] if given else {}, f"{part.images.name}[{index}]")

    def __len__(self) -> int:
        return sum(part.shape[0] for part in self._parts)

    def fingerprint(self) -> str:
        files = (path for part in self._parts for path in (part.images, part.labels) if path)
        return fingerprint("idx", files, self._root)


def _image_files(path: Path) -> list[Path]:
    """The images files at `path`, one for each part of the data: plain before .gz if both are there."""
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    parts: dict[str, Path] = {}
    for file in files:
        match = _NAME.match(file.name)
        if match and match["kind"].startswith("images") and file.is_file():
            parts.setdefault(match["part"], file)
    return list(parts.values())


def _labels_file(images: Path) -> Path | None:
    wanted = _part(images)
    for file in sorted(images.parent.iterdir()):
        match = _NAME.match(file.name)
        if match and match["kind"].startswith("labels") and match["part"] == wanted:
            return file
    return None


def _part(images: Path) -> str:
    match = _NAME.match(images.name)
    return match["part"] if match else images.name


def _open_part(images: Path) -> _Part:
    count, height, width = _header(images, _IMAGES, 3)
    part = _Part(images, _labels_file(images), (count, height, width))
    if not count * height * width:
        raise AnewError(f"'{images.name}' holds {count} images of {width}x{height} pixels; expected some")
    if part.labels and _header(part.labels, _LABELS, 1) != (count,):
        labels = _header(part.labels, _LABELS, 1)[0]
        message = f"'{images.name}' has {count} images, but '{part.labels.name}' {labels} labels; expected as many"
        raise AnewError(message)
    return part


def _open(path: Path) -> IO[bytes]:
    file = path.open("rb")
    if file.peek(2)[:2] != b"\x1f\x8b":
        return file
    file.close()
    return cast(IO[bytes], gzip.open(path))


def _header(path: Path, magic: int, dimensions: int) -> tuple[int, ...]:
    size = 4 * (dimensions + 1)
    try:
        with _open(path) as file:
            found, *shape = struct.unpack(f">{dimensions + 1}I", file.read(size))
    except (*_GZIP_ERRORS, struct.error) as error:
        raise _damaged(path) from error
    if found != magic:
        raise AnewError(f"'{path.name}' is not an idx file: it begins with {found:#010x}, expected {magic:#010x}")
    return tuple(shape)


def _read_images(part: _Part) -> Iterator[np.ndarray]:
    count, height, width = part.shape
    try:
        with _open(part.images) as file:
            file.read(16)
            for start in range(0, count, _BLOCK):
                block = file.read(min(_BLOCK, count - start) * height * width)
                yield from np.frombuffer(block, np.uint8).reshape(-1, height, width)
                if len(block) < min(_BLOCK, count - start) * height * width:
                    raise _damaged(part.images)
    except (*_GZIP_ERRORS, ValueError) as error:
        raise _damaged(part.images) from error


def _read_labels(part: _Part) -> list[dict[str, int]]:
    if part.labels is None:
        return []
    try:
        with _open(part.labels) as file:
            labels = file.read()[8:]
    except _GZIP_ERRORS as error:
        raise _damaged(part.labels) from error
    if len(labels) != part.shape[0]:
        raise _damaged(part.labels)
    return [{"label": label} for label in labels]


def _damaged(path: Path) -> AnewError:
    return AnewError(f"'{path}' is damaged or cut short; copy or download it again")
