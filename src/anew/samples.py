"""What a model made: shown as a picture or a table, or saved as files for using."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anew.codecs.codec import Codec
from anew.errors import AnewError
from anew.sources.database import find_place, is_database
from anew.tables import check_place, save_csv, save_in_database, save_lines, save_parquet
from anew.writing import replacing, write

if TYPE_CHECKING:
    import pandas as pd

_TOGETHER = 1000  # rows of a table that are looked at one by one


class Samples(Sequence[Any]):
    """Samples in the ecosystem's own type, each with what was given, if anything was.

    `items` are a list of Pillow images, ..., or the rows of one frame, of which one is a dictionary. `tried` is how
    many were drawn to get these.
    """

    def __init__(self, codec: Codec, items: Any, given: Sequence[dict[str, Any]] = (), tried: int | None = None):
        self.codec, self.given = codec, list(given)
        self.items: Any = items if codec.frames else list(items)
        self.tried = len(self.items) if tried is None else tried

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            items = self.items.iloc[index].reset_index(drop=True) if self.codec.frames else self.items[index]
            return Samples(self.codec, items, self.given[index])
        return self.frame.iloc[[index]].to_dict("records")[0] if self.codec.frames else self._whole[index]

    def __iter__(self) -> Iterator[Any]:
        if not self.codec.frames:
            yield from self._whole
            return
        for start in range(0, len(self), _TOGETHER):
            yield from self.frame.iloc[start : start + _TOGETHER].to_dict("records")

    def replaced(self, columns: Mapping[str, pd.Series]) -> Samples:
        """Rows of a table with other values in some columns, as `TableCodec.typed` has them."""
        codec: Any = self.codec
        if given := [name for name in columns if name not in self.items]:
            raise AnewError(f"'{given[0]}' is given, so it cannot be computed; ask for it with --given")
        written = {name: codec.written(name, values) for name, values in columns.items()}
        return Samples(codec, self.items.assign(**written), self.given, self.tried)

    def mended(self) -> tuple[Samples, str]:
        """See `Codec.mend`."""
        items, said = self.codec.mend(self.items)
        return Samples(self.codec, items, self.given, self.tried), said

    def __repr__(self) -> str:
        return f"Samples({len(self)} of the kind {self.codec.name})"

    def _repr_png_(self) -> bytes:
        return self.codec.show(self._whole)

    def _repr_html_(self) -> str | None:
        return self.frame.to_html(max_rows=20, max_cols=20) if self.codec.frames else None

    @property
    def frame(self) -> pd.DataFrame:
        """The rows of a table, with all columns of the source, the given ones too; raises AnewError for others."""
        if not self.codec.frames:
            raise AnewError(f"samples of the kind {self.codec.name} are no table; they are a sequence")
        return self._whole

    @cached_property
    def _whole(self) -> Any:
        """What is shown and saved."""
        return self.codec.with_given(self.items, self.given) if self.given else self.items

    def save(self, path: str | PathLike[str]) -> Path | str:
        """By the ending of the path: a picture of all (.png), arrays (.npz), a table (.parquet) or a folder of files.

        In a folder, the samples of one label lie together, so that it can be trained on; `metadata.csv` says
        what was given with each file. Rows of a table are saved as .csv, .tsv (.gz or not), .parquet or .jsonl, or
        in a database: sqlite:///shop.db?table=synthetic.
        """
        check_target(path, self.codec)
        text = os.fspath(path)
        if is_database(text):
            save_in_database(self.frame, place := find_place(text))
            return str(place)
        path = Path(path).expanduser()
        _writers(self.codec)[_ending(path, self.codec)](self, path)
        return path

    def columns(self) -> dict[str, list[Any]]:
        """What was given, by name."""
        return {name: [row[name] for row in self.given] for name in (self.given[0] if self.given else ())}


def check_target(path: str | PathLike[str], codec: Codec) -> None:
    """Raises AnewError for where samples cannot be saved: ask before the work of making them."""
    if codec.frames and is_database(os.fspath(path)):
        check_place(find_place(os.fspath(path)))
        return
    path = Path(path).expanduser()
    kind, writers = _ending(path, codec), _writers(codec)
    if kind not in writers:
        endings = ", ".join(ending for ending in writers if ending)
        others = "a database: sqlite:///x.db?table=NAME" if codec.frames else "no ending for a folder of files"
        raise AnewError(f"cannot save samples as '{kind or path}'; use {endings}, or {others}")
    if not kind and path.is_dir() and any(path.iterdir()):
        raise AnewError(f"the folder '{path}' is not empty; choose another --out, so that nothing is mixed up")


def _writers(codec: Codec) -> Writers:
    return _TABLES if codec.frames else _FILES | dict.fromkeys(codec.endings, _save_together)


def _ending(path: Path, codec: Codec) -> str:
    name = path.name.lower()
    return next((ending for ending in _writers(codec) if ending and name.endswith(ending)), path.suffix.lower())


def _save_picture(samples: Samples, path: Path) -> None:
    write(path, samples._repr_png_())


def _save_together(samples: Samples, path: Path) -> None:
    write(path, samples.codec.together(samples._whole, samples.given, _ending(path, samples.codec)))


def _save_arrays(samples: Samples, path: Path) -> None:
    buffer = io.BytesIO()
    taken = {"x": "given_x", "file": "given_file"}  # names that mean something to NumPy or us
    given = {} if samples.codec.frames else samples.columns()
    arrays = {taken.get(name, name): _array(values) for name, values in given.items()}
    arrays["x"] = samples.codec.to_array(samples._whole)
    with warnings.catch_warnings(action="ignore"):  # NumPy older than 1.17 does not read names beyond Latin letters
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
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
    if (files := samples.codec.files(samples._whole)) is not None:
        for name, content in files.items():
            write(path / name, content)
        return
    names = list(_file_names(samples))
    for name, sample in zip(names, samples, strict=True):
        write(path / name, samples.codec.to_bytes(sample))
        for ending in samples.codec.beside:
            write((path / name).with_suffix(ending), samples.codec.together([sample], [], ending))
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


def _of_frame(save: Callable[[pd.DataFrame, Path], None]) -> Callable[[Samples, Path], None]:
    return lambda samples, path: save(samples.frame, path)


Writers = dict[str, Callable[[Samples, Path], None]]
_FILES: Writers = {".png": _save_picture, ".npz": _save_arrays, ".parquet": _save_table, "": _save_folder}
_TABLES: Writers = {
    **dict.fromkeys((".csv", ".csv.gz", ".tsv", ".tsv.gz"), _of_frame(save_csv)),
    ".parquet": _of_frame(save_parquet),
    ".jsonl": _of_frame(save_lines),
    ".png": _save_picture,
    ".npz": _save_arrays,
}
