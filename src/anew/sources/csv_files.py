"""Tables as text: CSV, TSV and the like, compressed or not, of any delimiter and encoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from anew.errors import AnewError
from anew.sources.csv_format import Format, find_delimiter, find_format, read_rows
from anew.sources.files import ROWS, fingerprint, readable
from anew.sources.source import Record, Source, Unreadable

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

_ENDINGS = (".csv", ".tsv", ".tab")
_BLOCK = 2**23  # bytes read at a time; no row is longer


class Csv(Source):
    """One file, or all those of a folder that have the same columns, as blocks of rows.

    All cells are texts, as they are written; an empty one is "". Rows that have more or fewer cells than there are
    columns are records that cannot be read. Raises AnewError for files without rows, and for columns of one name.
    """

    codec: ClassVar[str] = "table"
    reads: ClassVar[str] = "tables as text: .csv, .tsv or .txt (.gz or not), or a folder of them"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(_files(Path(location)))

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._files = _files(path)
        self._formats = [_find_format(file) for file in self._files]
        for file, found in zip(self._files, self._formats):
            _check_same(self._files[0].name, self._formats[0].names, file.name, found.names)
        self._count: int | None = None
        self.name = readable(path.name.split(".")[0] if path.is_file() else path.name) or "table"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        count = 0
        for path, found in zip(self._files, self._formats):
            for record in _read(path, found):
                count += record.examples
                yield record
        self._count = count

    def __len__(self) -> int:
        """Lines, of which the header is one and some cells have several, until all rows were read once."""
        if self._count is None:
            self._count = sum(map(_lines, self._files))
        return self._count

    def fingerprint(self) -> str:
        return fingerprint("csv", self._files, self._root)

    def describe(self) -> str:
        return "read as " + "; ".join(dict.fromkeys(map(str, self._formats)))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if _ending(file) in _ENDINGS and file.is_file())
    if not path.is_file():
        return []
    return [path] if _ending(path) in _ENDINGS or (_ending(path) == ".txt" and _has_columns(path)) else []


def _ending(path: Path) -> str:
    """Without .gz; nothing for a hidden file."""
    name = path.name.lower().removesuffix(".gz")
    return "" if name.startswith(".") else Path(name).suffix


def _has_columns(path: Path) -> bool:
    """Whether a text looks like a table: its first rows have as many cells, two or more."""
    head = next(_chunks(path), b"").decode(errors="ignore")
    widths = [len(row) for row in read_rows(head, find_delimiter(head))]
    return len(widths) > 1 and len(set(widths)) == 1 and widths[0] > 1


def _find_format(path: Path) -> Format:
    delimiter = "\t" if _ending(path) in (".tsv", ".tab") else None
    return find_format(lambda: _chunks(path), readable(path.name), delimiter)


def _check_same(first: str, names: tuple[str, ...], other: str, found: tuple[str, ...]) -> None:
    if found != names:
        odd = sorted(set(found) ^ set(names))
        which = f"'{odd[0]}' is in one of them only" if odd else "they are in another order"
        raise AnewError(f"'{first}' and '{other}' have other columns: {which}; give one file, or files that agree")


def _open(path: Path) -> pa.NativeFile:
    """Unpacked, whatever its name says."""
    import pyarrow as pa

    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return pa.input_stream(str(path), compression="gzip" if packed else None)


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes of the file, unpacked."""
    try:
        with _open(path) as file:
            while chunk := file.read(2**20):
                yield chunk
    except OSError as error:
        raise _damaged(path, error) from error


def _lines(path: Path) -> int:
    return sum(max(chunk.count(b"\n"), chunk.count(b"\r")) for chunk in _chunks(path))


def _read(path: Path, found: Format) -> Iterator[Record]:
    import pyarrow as pa

    bad: list[csv.InvalidRow] = []
    done = 0
    try:
        with _open(path) as file, _parser(file, found, bad) as batches:
            for batch in batches:
                for start in range(0, len(batch), ROWS):
                    part = batch.slice(start, ROWS).to_pandas()
                    name = f"{readable(path.name)}: rows {done + 1} to {done + len(part)}"
                    yield Record(part, {}, name, len(part))
                    done += len(part)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _damaged(path, error) from error
    for row in bad:
        reason = f"has {row.actual_columns} cells, the first row has {row.expected_columns}"
        yield Record(Unreadable(reason), {}, f"{readable(path.name)}: row {row.number}")


def _parser(file: pa.NativeFile, found: Format, bad: list[csv.InvalidRow]) -> csv.CSVStreamingReader:
    """Yields batches of texts. Rows that do not fit are put into `bad`, numbered, which needs a single thread."""
    import pyarrow as pa
    from pyarrow import csv

    def skip(row: csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    return csv.open_csv(
        file,
        csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK,
            column_names=found.names,
            skip_rows_after_names=int(found.header),
            encoding=found.encoding.replace("utf-8", "utf8"),  # the name by which it is read without being copied
        ),
        csv.ParseOptions(delimiter=found.delimiter, newlines_in_values=True, invalid_row_handler=skip),
        csv.ConvertOptions(column_types=dict.fromkeys(found.names, pa.string()), strings_can_be_null=False),
    )


def _damaged(path: Path, error: Exception) -> AnewError:
    reason = str(error).splitlines()[0]
    return AnewError(f"'{path}' is damaged, cut short, or changed while it was read ({reason}); copy it again")
