"""Arrays on disk, so that preparing data a second time takes no time. Entries appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from anew.errors import AnewError

_ABANDONED = 7 * 86_400  # seconds after which nobody is still writing an entry


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` at the end, or vanishes with what is in it if anything fails.

    If another process was faster, its folder stays. Raises AnewError where nothing can be written.
    """
    new = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        yield new
        if not folder.exists():
            _rename(new, folder)
    except OSError as error:
        message = f"'{folder.parent}' cannot be written: {error.strerror or error}"
        raise AnewError(f"{message}; make room, or set ANEW_CACHE to another folder") from error
    finally:
        if new:
            shutil.rmtree(new, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes what processes that were killed left of this entry."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _rename(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def write_rows(path: Path, positions: np.ndarray, chunks: Iterable[Tensor]) -> None:
    """One .npy file (n, ...) of the rows in `chunks`, row i of all at `positions[i]`.

    Written as a file: on a full disk, writing to mapped memory would kill the process.
    """
    done = start = 0
    with _create(path) as file:
        for chunk in chunks:
            rows = np.ascontiguousarray(chunk.numpy())
            if not done:
                start = _write_header(file, len(positions), rows)
            for position, run in _runs(positions[done : done + len(rows)], rows):
                file.seek(start + position * rows[0].nbytes)
                file.write(run.tobytes())
            done += len(rows)
    if done != len(positions):
        raise AnewError(f"found {done} records where there were {len(positions)} before; run it again")


def _runs(positions: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The rows that go to positions one after the other, together: (first position, rows)."""
    order = np.argsort(positions)
    ordered = positions[order]
    for part in np.split(np.arange(len(ordered)), np.flatnonzero(np.diff(ordered) != 1) + 1):
        if len(part):
            yield int(ordered[part[0]]), rows[order[part]]


def _create(path: Path) -> IO[bytes]:
    return path.open("wb")


def _write_header(file: IO[bytes], count: int, rows: np.ndarray) -> int:
    """Returns where the rows begin, in bytes."""
    header = {"descr": rows.dtype.str, "fortran_order": False, "shape": (count, *rows.shape[1:])}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def read_array(path: Path, count: int) -> Tensor:
    """In memory if it takes less than a quarter of what is free; else mapped, writes staying private."""
    small = path.stat().st_size < _free_memory() / 4
    tensor = torch.from_numpy(np.load(path, mmap_mode=None if small else "c", allow_pickle=False))
    if len(tensor) != count:
        raise ValueError(f"{path} holds {len(tensor)} rows, not {count}")
    return tensor


def _free_memory() -> int:
    """Bytes; 4 GB where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 4 * 2**30
