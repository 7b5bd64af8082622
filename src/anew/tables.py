"""A pandas frame as a file or as a table of a database, by the ending of its name."""

from __future__ import annotations

import csv
import gzip
import io
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from anew.errors import AnewError
from anew.sources.database import Place, connect
from anew.sources.files import ROWS
from anew.sources.frames import as_cells
from anew.writing import check_writable, replacing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def save_csv(frame: pd.DataFrame, path: Path) -> None:
    """UTF-8; cells stand between tabs in .tsv and commas elsewhere; compressed in .gz. Missing ones are empty.

    Times are cut to what is needed, 2024-03-20 for midnights; durations are in seconds.
    """
    delimiter = "\t" if ".tsv" in path.name.lower() else ","
    table = _table(_in_seconds(frame))
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
    with replacing(path) as beside, _create(beside, path.suffix.lower() == ".gz") as file:
        file.write(header.getvalue().encode())
        for start in range(0, len(table), ROWS):
            file.write(_rows(table.slice(start, ROWS), delimiter))


def save_parquet(frame: pd.DataFrame, path: Path) -> None:
    """With the types of the frame."""
    from pyarrow import Table, parquet

    with replacing(path) as beside:
        parquet.write_table(Table.from_pandas(as_cells(frame), preserve_index=False), beside)


def save_lines(frame: pd.DataFrame, path: Path) -> None:
    """One JSON object a row; missing cells are null, dates as in 2024-03-20T00:00:00.000."""
    with replacing(path) as beside:
        as_cells(_in_seconds(frame)).to_json(
            beside, orient="records", lines=True, force_ascii=False, date_format="iso", double_precision=15
        )


def save_in_database(frame: pd.DataFrame, place: Place) -> None:
    """As a new table; if it fails, there is none. Durations are in seconds, decimals are floats."""
    check_place(place)
    if place.file:
        place.file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with connect(place) as connection:
            _plain(frame).to_sql(place.text, connection, index=False, chunksize=ROWS)
    except ValueError as error:  # before there was a table
        raise AnewError(f"'{place}' cannot hold the table: {error}; choose a file") from error
    except BaseException:
        _drop(place)
        raise


def check_place(place: Place) -> None:
    """Raises AnewError for where no new table can be made."""
    import sqlalchemy as sa

    if place.what != "table":
        raise AnewError(f"'{place}' is a query; name the new table: ?table=NAME")
    if place.file and not place.file.exists():
        check_writable(place.file.parent)
        return
    with connect(place) as connection:
        if sa.inspect(connection).has_table(place.text):
            raise AnewError(f"'{place}' is there already; choose another name, so that nothing is lost")


def _create(path: Path, packed: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "wb", compresslevel=4)) if packed else path.open("wb")


def _drop(place: Place) -> None:
    import sqlalchemy as sa

    with suppress(AnewError), connect(place) as connection:
        sa.Table(place.text, sa.MetaData()).drop(connection, checkfirst=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """With durations as numbers of seconds, and decimals as floats."""
    from pandas.api.types import infer_dtype

    objects = frame.select_dtypes("object").columns
    decimals = [name for name in objects if infer_dtype(frame[name], skipna=True) == "decimal"]
    return as_cells(_in_seconds(frame).astype(dict.fromkeys(decimals, float)))


def _in_seconds(frame: pd.DataFrame) -> pd.DataFrame:
    cells = frame.copy(deep=False)
    for name in frame.select_dtypes("timedelta").columns:
        cells[name] = frame[name].dt.total_seconds()
    return cells


def _table(frame: pd.DataFrame) -> pa.Table:
    """As it is to be written: times as short as they can be, and no missing cell alone in its row."""
    import pyarrow as pa

    table = pa.Table.from_pandas(as_cells(frame), preserve_index=False)
    columns = [_shortest(column) for column in table.columns]
    if len(columns) == 1:  # a line without anything would be no row
        columns = [columns[0].cast(pa.string()).fill_null("")]
    return pa.table(columns, table.column_names)


def _shortest(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as dates, or in the largest unit, that lose nothing."""
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type):
        return column
    zone = column.type.tz
    for kind in ([] if zone else [pa.date32()]) + [pa.timestamp(unit, zone) for unit in ("s", "ms", "us")]:
        short = column.cast(kind, safe=False)
        if short.cast(column.type, safe=False).equals(column):
            return short
    return column


def _rows(table: pa.Table, delimiter: str) -> bytes:
    """Lines of cells, texts in quotes only if something here needs them."""
    import pyarrow as pa

    if table.num_columns > 1:
        with suppress(pa.ArrowInvalid):
            return _lines(table, delimiter, "none")
    return _lines(table, delimiter, "needed")


def _lines(table: pa.Table, delimiter: str, quoting: str) -> bytes:
    """Raises ArrowInvalid for what has to be in quotes."""
    import pyarrow as pa
    from pyarrow import csv

    buffer = pa.BufferOutputStream()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=quoting))
    return buffer.getvalue().to_pybytes()
