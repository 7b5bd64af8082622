"""Tables in Parquet files: typed columns, read in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anew.errors import AnewError
from anew.sources.files import ROWS, check_columns, fingerprint, readable
from anew.sources.parquet import count_rows, damaged, open_parquet, parquet_files, schema_of
from anew.sources.source import Record, Source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class ParquetTable(Source):
    """One file, or all .parquet files of a folder, without images. All blocks have the same dtypes.

    Whole numbers and truth values that are missing somewhere are of pandas' nullable types; times of the day are texts.
    Raises AnewError for columns that hold lists and the like.
    """

    codec: ClassVar[str] = "table"
    reads: ClassVar[str] = "tables as .parquet files, or a folder of them"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(parquet_files(Path(location)))  # those with images are taken before

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._files = parquet_files(path)
        self._schema = _plain_schema(schema_of(self._files[0]), readable(self._files[0].name))
        self._count: int | None = None
        self.name = readable(path.stem if path.is_file() else path.name)
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        done = 0
        for path in self._files:
            for table in self._read(path):
                frame = table.to_pandas(types_mapper=_nullable, ignore_metadata=True).astype(self._dtypes)
                name = f"{readable(path.name)}: rows {done + 1} to {done + len(frame)}"
                done += len(frame)
                yield Record(frame, {}, name, len(frame))

    def __len__(self) -> int:
        if self._count is None:
            self._count = sum(count_rows(path) for path in self._files)
        return self._count

    def fingerprint(self) -> str:
        return fingerprint("parquet table", self._files, self._root)

    def _read(self, path: Path) -> Iterator[pa.Table]:
        """Blocks with the columns and the types of the first file."""
        import pyarrow as pa

        names = self._schema.names
        with open_parquet(path) as file:
            if missing := sorted(set(names) - set(file.schema_arrow.names)):
                raise AnewError(f"'{path.name}' has no column {missing}, but '{self._files[0].name}' has")
            try:
                for batch in file.iter_batches(ROWS, columns=names):
                    yield pa.Table.from_batches([batch]).select(names).cast(self._schema)
            except (pa.ArrowException, OSError) as error:
                raise damaged(path) from error

    @cached_property
    def _dtypes(self) -> dict[str, Any]:
        """Of each column, in all of its blocks."""
        import pyarrow.types as types

        declared = self._schema.empty_table().to_pandas().dtypes  # also what pandas noted of its own types
        with_gaps = {name for path in self._files for name in _with_gaps(path)}
        dtypes = {}
        for field in self._schema:
            dtype = declared.get(field.name)
            if types.is_dictionary(field.type):
                dtype = self._categories(field.name)
            elif field.name in with_gaps or dtype is None:
                dtype = _nullable(field.type) or dtype
            if dtype is not None:
                dtypes[field.name] = dtype
        return dtypes

    def _categories(self, name: str) -> pd.CategoricalDtype:
        """All that are named in any block."""
        import pandas as pd
        import pyarrow.parquet as pq

        columns = [pq.read_table(path, columns=[name]).column(name) for path in self._files]
        chunks = [chunk for column in columns for chunk in column.cast(self._schema.field(name).type).chunks]
        values = dict.fromkeys(value for chunk in chunks for value in chunk.dictionary.to_pylist())
        return pd.CategoricalDtype(list(values), bool(self._schema.field(name).type.ordered))


def _plain_schema(schema: pa.Schema, where: str) -> pa.Schema:
    """Of the columns, in types that a cell of a frame can have; without the index that pandas may have left."""
    import pyarrow as pa
    import pyarrow.types as types

    check_columns(schema.names, where)
    if nested := [field.name for field in schema if types.is_nested(field.type)]:
        raise AnewError(f"'{where}' has columns that hold lists or structures ({', '.join(nested)}); leave them out")
    kept = [field for field in schema if not field.name.startswith("__index_level_")]
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in kept], schema.metadata)


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_float16(kind):
        return pa.float32()
    return pa.string() if types.is_time(kind) or types.is_null(kind) else kind


def _nullable(kind: pa.DataType) -> Any:
    """pandas' dtype that holds missing values, for types of which NumPy's don't."""
    import pandas as pd
    import pyarrow.types as types

    if types.is_boolean(kind):
        return pd.BooleanDtype()
    return pd.api.types.pandas_dtype(str(kind).replace("i", "I").replace("u", "U")) if types.is_integer(kind) else None


def _with_gaps(path: Path) -> Iterator[str]:
    """The columns of the file in which values are missing, or may be."""
    with open_parquet(path) as file:
        groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        for group in groups:
            for column in map(group.column, range(group.num_columns)):
                if column.statistics is None or column.statistics.null_count:
                    yield column.path_in_schema
