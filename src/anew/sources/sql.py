"""Tables of a database, or what a query finds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anew.errors import AnewError, unknown
from anew.sources.database import Place, connect, find_place, is_database
from anew.sources.files import ROWS, check_columns, fingerprint, readable
from anew.sources.source import Record, Source

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection, Table


class Sql(Source):
    """Yields blocks of rows with the same dtypes, in the order of the primary key, or of all columns without one.

    A query says its order itself. A column of values of several types is of texts. `location`, which a run keeps, has
    no password: where it was not given in this process, it is taken from $ANEW_SQL_PASSWORD.
    """

    codec: ClassVar[str] = "table"
    reads: ClassVar[str] = "tables of databases through SQLAlchemy: sqlite:///shop.db?table=orders"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return is_database(location)

    def __init__(self, location: str) -> None:
        self._place = find_place(location)
        self.location = str(self._place)
        self.name = readable(self._place.text) if self._place.what == "table" else "query"
        _check(self._place)
        if not len(self):
            raise AnewError(f"'{self.location}' has no rows; expected some")

    def __iter__(self) -> Iterator[Record]:
        import pandas as pd

        dtypes, done = self._dtypes, 0
        for block in self._blocks():
            frame = pd.DataFrame({name: _cast(block[name], dtype) for name, dtype in dtypes.items()})
            yield Record(frame, {}, f"{self.name}: rows {done + 1} to {done + len(frame)}", len(frame))
            done += len(frame)

    def __len__(self) -> int:
        import sqlalchemy as sa

        with connect(self._place) as connection:
            if self._place.what == "query":
                found = connection.exec_driver_sql(f"SELECT count(*) FROM ({_query(self._place)}) AS q")
                return int(found.scalar() or 0)
            return int(connection.scalar(sa.select(sa.func.count()).select_from(_table(self._place, connection))) or 0)

    def fingerprint(self) -> str:
        """Of the number of rows, and of the date of SQLite's files: other databases do not say when a row changed."""
        file = self._place.file
        files = [file, file.with_name(f"{file.name}-wal")] if file else []
        return fingerprint(f"{self._place} {len(self)}", files, file.parent if file else Path())

    @cached_property
    def _dtypes(self) -> dict[str, Any]:
        """Of each column in all blocks, found by reading them once."""
        found: dict[str, set[Any]] = {}
        gaps: set[str] = set()
        for block in self._blocks():
            for name in check_columns(list(block.columns), self.location):
                missing = block[name].isna()
                found.setdefault(name, set()).update([] if missing.all() else [block[name].dtype])
                gaps |= {name} if missing.any() else set()
        return {name: _common(dtypes, name in gaps) for name, dtypes in found.items()}

    def _blocks(self) -> Iterator[pd.DataFrame]:
        """With dtypes that depend on what is in each."""
        import pandas as pd
        import sqlalchemy as sa

        with connect(self._place) as connection:
            rows: Any = _query(self._place)
            dates: list[str] = []
            if self._place.what == "table":
                table = _table(self._place, connection)
                rows = sa.select(table).order_by(*(table.primary_key.columns or table.columns))
                dates = [column.name for column in table.columns if isinstance(column.type, sa.Date)]
            try:
                yield from pd.read_sql_query(
                    rows, connection, parse_dates=dates, chunksize=ROWS, dtype_backend="numpy_nullable"
                )
            except ValueError as error:  # SQLite keeps any text in a column of dates
                raise AnewError(f"'{self._place}' holds a value that is none ({error}); use ?query=SELECT") from error


def _check(place: Place) -> None:
    """Raises AnewError for what is not there."""
    import sqlalchemy as sa

    if place.file and not place.file.is_file():
        raise AnewError(f"there is no database '{place.file}'; check the path")
    if place.what == "query" and "order by" not in place.text.lower():
        raise AnewError("the query must say the order of its rows, which are read several times: add ORDER BY")
    with connect(place) as connection:
        inspector = sa.inspect(connection)
        if place.what == "table" and not inspector.has_table(place.text):
            raise unknown("table", place.text, [*inspector.get_table_names(), *inspector.get_view_names()])


def _query(place: Place) -> str:
    return place.text.strip().removesuffix(";")


def _table(place: Place, connection: Connection) -> Table:
    import sqlalchemy as sa

    return sa.Table(place.text, sa.MetaData(), autoload_with=connection)


def _common(dtypes: set[Any], gaps: bool) -> Any:
    """The dtype that holds all of these, and missing values if there are gaps."""
    names = {str(dtype) for dtype in dtypes}
    if names == {"Int64"}:
        return "Int64" if gaps else "int64"
    if names and names <= {"Int64", "Float64"}:
        return "float64"
    if names == {"boolean"}:
        return "boolean" if gaps else "bool"
    return names.pop() if len(names) == 1 and min(names).startswith("datetime64") else "str"


def _cast(column: pd.Series, dtype: Any) -> pd.Series:
    if dtype == "str":
        return column.astype(object).map(str, na_action="ignore").astype("str")
    return column.astype(dtype)
