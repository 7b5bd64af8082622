"""What a model made: shown as a picture, or saved as files for using."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from anew.codecs.codec import Codec
from anew.errors import AnewError
from anew.writing import replacing, write


class Samples(Sequence[Any]):
    """Samples in the ecosystem's own type (Pillow images, ...), each with what was given, if anything was."""

    def __init__(self, codec: Codec, items: Sequence[Any], given: Sequence[dict[str, Any]] = ()):
        self.codec, self.items, self.given = codec, list(items), list(given)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Samples(self.codec, self.items[index], self.given[index])
        return self.items[index]

    def __repr__(self) -> str:
        return f"Samples({len(self)} of the kind {self.codec.name})"

    def _repr_png_(self) -> bytes:
        return self.codec.show(self.items)

    def save(self, path: str | PathLike[str]) -> Path:
        """By the ending of the path: a picture of all (.png), arrays (.npz), a table (.parquet) or a folder of files.

        In a folder, the samples of one label lie together, so that it can be trained on; `metadata.csv` says
        what was given with each file.
        """
        path = Path(path).expanduser()
        check_target(path)
        _WRITERS[path.suffix.lower()](self, path)
        return path

    def columns(self) -> dict[str, list[Any]]:
        """What was given, by name."""
        return {name: [row[name] for row in self.given] for name in (self.given[0] if self.given else ())}


def check_target(path: Path) -> None:
    """Raises AnewError for where samples cannot be saved: ask before the work of making them."""
    kind = path.suffix.lower()
    if kind and kind not in _WRITERS:
        endings = ", ".join(ending for ending in _WRITERS if ending)
        raise AnewError(f"cannot save samples as '{kind}'; use {endings}, or no ending for a folder of files")
    if not kind and path.is_dir() and any(path.iterdir()):
        raise AnewError(f"the folder '{path}' is not empty; choose another --out, so that nothing is mixed up")


def _save_picture(samples: Samples, path: Path) -> None:
    write(path, samples._repr_png_())


def _save_arrays(samples: Samples, path: Path) -> None:
    buffer = io.BytesIO()
    taken = {"x": "given_x", "file": "given_file"}  # names that mean something to NumPy or us
    arrays = {taken.get(name, name): _array(values) for name, values in samples.columns().items()}
    np.savez_compressed(buffer, **{"x": samples.codec.to_array(samples.items), **arrays})  # type: ignore[arg-type]
    write(path, buffer.getvalue())


def _array(values: list[Any]) -> np.ndarray:
    """What is not known (None) as NaN among numbers, else as an empty text: objects would have to be pickled."""
    numbers = all(isinstance(value, int | float) for value in values if value is not None)
    return np.array([(math.nan if numbers else "") if value is None else value for value in values])


def _save_table(samples: Samples, path: Path) -> None:
    """One row a sample: {"bytes", "path"} as Hugging Face data sets have it, and what was given."""
    import pyarrow
    from pyarrow import parquet

    codec = samples.codec
    files = [{"bytes": codec.to_bytes(x), "path": f"{i:05d}{codec.extension}"} for i, x in enumerate(samples)]
    with replacing(path) as beside:
        parquet.write_table(pyarrow.table({codec.name: files, **samples.columns()}), beside)


def _save_folder(samples: Samples, path: Path) -> None:
    names = list(_file_names(samples))
    for name, sample in zip(names, samples, strict=True):
        write(path / name, samples.codec.to_bytes(sample))
    if samples.given:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(["file_name", *samples.columns()])
        writer.writerows([name, *row.values()] for name, row in zip(names, samples.given, strict=True))
        write(path / "metadata.csv", table.getvalue())


def _file_names(samples: Samples) -> Iterator[str]:
    labels = samples.columns().get("label")
    for index in range(len(samples)):
        file = f"{index:05d}{samples.codec.extension}"
        yield f"{_safe(labels[index])}/{file}" if labels else file


def _safe(label: Any) -> str:
    """As the name of a folder."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", str(label)).strip(". ") or "_"


_WRITERS = {".png": _save_picture, ".npz": _save_arrays, ".parquet": _save_table, "": _save_folder}
