"""Files that appear whole or not at all: written beside, then renamed."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from anew.errors import AnewError


def cache_folder() -> Path:
    """$ANEW_CACHE, or `anew` in $XDG_CACHE_HOME or ~/.cache"""
    if own := os.environ.get("ANEW_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anew"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place at the end, or vanishes if anything fails.

    Raises AnewError where nothing can be written; what was at `path` stays as it was.
    """
    beside = path.parent / f".{path.name}.{os.getpid()}.new"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        _to_disk(beside)
        beside.replace(path)
    except OSError as error:
        raise AnewError(f"'{path}' cannot be written: {error.strerror or error}; nothing there was changed") from error
    finally:
        with suppress(OSError):  # such as a folder above that is a file
            beside.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises AnewError while another process is in here with the same folder. The lock ends with its process."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnewError(f"another process is training '{folder}'; wait for it, or choose another --out") from None
        yield


def is_leftover(path: Path) -> bool:
    """Whether it is what `replacing` left when its process was killed."""
    return path.name.startswith(".") and path.suffix == ".new"


def sweep(folder: Path) -> None:
    """Removes what killed processes left."""
    for path in folder.rglob(".*.new"):
        path.unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> None:
    with replacing(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, data: Any) -> None:
    write(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def check_writable(folder: Path) -> None:
    """Raises AnewError now rather than after minutes of work. Folders that were not there are not there after it."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AnewError(f"'{folder}' cannot be written: {error.strerror or error}; choose another --out") from error
    finally:
        for one in new:
            with suppress(OSError):
                one.rmdir()


def _to_disk(path: Path) -> None:
    """So that the rename never overtakes the content when the machine stops."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
