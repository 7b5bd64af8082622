"""What sources share: a fingerprint, which names are images, which label a path means, and names of columns."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path, PurePath, PurePosixPath

from anew.errors import AnewError

ROWS = 50_000  # of a table that are read at a time: a block

# Formats that Pillow recognises and cannot decode by itself, or only by running another program.
_NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


@cache
def image_formats() -> dict[str, str]:
    """{suffix: Pillow's name of the format}, of the formats that are read: {".jpg": "JPEG", ...}"""
    from PIL import Image

    Image.init()
    suffixes = Image.registered_extensions()
    return {s: name for s, name in suffixes.items() if name in Image.OPEN and name not in _NOT_READ}


def walk(root: Path, wanted: Callable[[PurePosixPath], bool]) -> Iterator[PurePosixPath]:
    """Paths relative to `root` of files that are wanted, through linked folders too, each real folder once.

    What is hidden, or left by a program that packs files, is not.
    """
    seen = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        # Sorted: which of two links to one folder counts must not depend on the file system.
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "__MACOSX")
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        yield from (inside / name for name in names if not name.startswith(".") and wanted(inside / name))


def is_image(path: PurePath) -> bool:
    """Whether a path, relative to the root of the data, names an image that a person put there."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in image_formats()


def labels(paths: Sequence[PurePosixPath]) -> list[dict[str, str]]:
    """What is given with each path: {"label": first folder below the root}; nothing for files in the root."""
    return [{"label": readable(path.parts[0])} if len(path.parts) > 1 else {} for path in paths]


def readable(name: str) -> str:
    """A file's name as text that can be printed, compared and saved, whatever its bytes are."""
    return unicodedata.normalize("NFC", name.encode(errors="replace").decode())


def fingerprint(kind: str, paths: Iterable[Path], root: Path) -> str:
    """A hash of the names below `root`, the sizes (bytes) and the times of change (ns) of files."""
    digest = blake2b(kind.encode(), digest_size=16)
    for path in paths:
        try:
            status = path.stat()
            size, changed = status.st_size, status.st_mtime_ns
        except OSError:  # a broken link is part of the data too: as a bad record
            size, changed = -1, -1
        digest.update(f"\0{path.relative_to(root)}\0{size}\0{changed}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def check_columns(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Each column by a name of its own, one without a name by its place: column_3. Raises AnewError for two alike."""
    named = [name or f"column_{place}" for place, name in enumerate(names, 1)]
    for name in named:
        if named.count(name) > 1:
            raise AnewError(f"'{where}' has {named.count(name)} columns of the name '{name}'; give each its own name")
    return tuple(named)
