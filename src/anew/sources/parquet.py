"""Parquet files of images, as Hugging Face writes them: an image column, and others beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH = 64  # rows read at a time
_USUAL = ("image", "img", "picture", "photo")


class Parquet(Source):
    """One file, or all .parquet files of a folder. Yields the bytes of each image.

    The image column is a struct with `bytes`, or binary; columns of texts, numbers and truth values are
    given, a ClassLabel by its name. Raises AnewError for damaged files and where no column holds images.
    """

    reads: ClassVar[str] = ".parquet files with an image column, or a folder of them"

    @classmethod
    def accepts(cls, location: str) -> bool:
        files = parquet_files(Path(location))
        return bool(files) and _image_column(schema_of(files[0])) is not None

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._files = parquet_files(path)
        self._schema = schema_of(self._files[0])
        self._image = _image_column(self._schema) or ""
        self._given = [field.name for field in self._schema if _is_scalar(field.type)]
        self._names = _class_names(self._schema)
        self._count: int | None = None
        self.name = readable(path.stem if path.is_file() else path.name)
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for path in self._files:
            with open_parquet(path) as file:
                for index, row in enumerate(self._rows(file, path)):
                    content, name = _content(row[self._image])
                    given = {column: self._value(column, row[column]) for column in self._given}
                    yield Record(content, given, name or f"{path.name}[{index}]")

    def __len__(self) -> int:
        if self._count is None:
            self._count = sum(count_rows(path) for path in self._files)
        return self._count

    def fingerprint(self) -> str:
        return fingerprint("parquet", self._files, self._root)

    def _rows(self, file: pq.ParquetFile, path: Path) -> Iterator[dict[str, Any]]:
        import pyarrow as pa

        columns = [self._image, *self._given]
        missing = set(columns) - set(file.schema_arrow.names)
        if missing:
            raise AnewError(f"'{path.name}' has no column {sorted(missing)}, but '{self._files[0].name}' has")
        try:
            for batch in file.iter_batches(_BATCH, columns=columns):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise damaged(path) from error

    def _value(self, column: str, value: Any) -> Any:
        """A ClassLabel's name for its number; -1 means that it is not known."""
        names = self._names.get(column)
        if names is None or value is None:
            return value
        return names[value] if 0 <= value < len(names) else None


def parquet_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.parquet") if not file.name.startswith("."))
    return [path] if path.suffix.lower() == ".parquet" and path.is_file() else []


def open_parquet(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise damaged(path) from error


def schema_of(path: Path) -> pa.Schema:
    with open_parquet(path) as file:
        return file.schema_arrow


def count_rows(path: Path) -> int:
    with open_parquet(path) as file:
        return file.metadata.num_rows


def damaged(path: Path) -> AnewError:
    return AnewError(f"'{path}' is damaged or not a parquet file; copy or download it again")


def _image_column(schema: pa.Schema) -> str | None:
    """A struct with `bytes`, or binary."""
    names = [field.name for field in schema if _holds_bytes(field.type)]
    return next((usual for usual in _USUAL if usual in names), names[0] if names else None)


def _holds_bytes(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _holds_bytes(kind.field(index).type)
    return types.is_binary(kind) or types.is_large_binary(kind)


def _is_scalar(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(test(kind) for test in tests)


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """{column: names of its classes}, which Hugging Face keeps as JSON in the schema's metadata."""
    try:
        text = (schema.metadata or {}).get(b"huggingface", b"{}")
        features = json.loads(text)["info"]["features"]
        return {c: f["names"] for c, f in features.items() if isinstance(f, dict) and f.get("names")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _content(value: Any) -> tuple[bytes, str]:
    if isinstance(value, dict):
        return value.get("bytes") or b"", readable(value.get("path") or "")
    return value or b"", ""
