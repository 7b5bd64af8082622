"""Rows that belong together: the visits of each patient, or customers and their orders, from one table or two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl

import numpy as np

from anew.errors import AnewError, unknown
from anew.sources.database import is_database
from anew.sources.files import readable
from anew.sources.source import Record, Source, Unreadable

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 5_000  # entities in a record
_NAMES = ("entity", "children", "key", "order", "table")


@dataclass(frozen=True)
class Entities:
    """`parents` (n rows), and `rows`, each with its `owner` (the number of a parent), in their order.

    `key` and `link` are the columns that name an entity, among parents and rows; `order` is one of the rows, or "".
    """

    parents: pd.DataFrame
    rows: pd.DataFrame
    owner: np.ndarray
    key: str
    link: str
    order: str = ""
    two: bool = False  # whether there are two tables

    def __len__(self) -> int:
        return len(self.parents)

    def __iter__(self) -> Iterator[Entities]:
        ends = np.searchsorted(self.owner, np.arange(len(self) + 1))
        for i in range(len(self)):
            rows = self.rows.iloc[ends[i] : ends[i + 1]].reset_index(drop=True)
            owner = np.zeros(len(rows), np.int64)
            yield self.with_rows(self.parents.iloc[[i]].reset_index(drop=True), rows, owner)

    def take(self, wanted: np.ndarray) -> Entities:
        """Those where `wanted`, bool (n,), is true."""
        kept = wanted[self.owner]
        owner = (np.cumsum(wanted) - 1)[self.owner[kept]]
        return self.with_rows(
            self.parents[wanted].reset_index(drop=True), self.rows[kept].reset_index(drop=True), owner
        )

    def with_rows(self, parents: pd.DataFrame, rows: pd.DataFrame, owner: np.ndarray) -> Entities:
        return Entities(parents, rows, owner, self.key, self.link, self.order, self.two)

    @property
    def counts(self) -> np.ndarray:
        """(n,): rows of each."""
        return np.bincount(self.owner, minlength=len(self))


def join(parts: Sequence[Entities]) -> Entities:
    """One after the other."""
    import pandas as pd

    starts = np.cumsum([0, *(len(part) for part in parts)])
    owner = np.concatenate([part.owner + start for part, start in zip(parts, starts)])
    parents, rows = (
        pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in ("parents", "rows")
    )
    return parts[0].with_rows(parents, rows, owner)


class Linked(Source):
    """Yields blocks of entities. The tables are held in memory.

    `visits.csv?entity=patient&order=date` is one table with several rows for each patient, in the order of a column, or
    else of the file; `customers.csv?children=orders.csv&key=id` are two, of which `key=id:customer` says that the
    second one calls the key otherwise. Tables of a database: `sqlite:///shop.db?table=customers&children=orders&key=id`.
    """

    codec: ClassVar[str] = "entities"
    reads: ClassVar[str] = "rows of entities: visits.csv?entity=patient, customers.csv?children=orders.csv&key=id"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool({"entity", "children"} & _query(location)[1].keys())

    def __init__(self, location: str) -> None:
        base, query = _query(location)
        for name in query:
            if name not in _NAMES:
                raise unknown("part of a location", name, _NAMES)
        self._query, self._dropped = query, 0
        self._sources = [_open(place) for place in _places(base, query)]
        path = base if is_database(base) else str(Path(base).absolute())
        self.location = f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
        self.name = readable("-".join(source.name for source in self._sources))
        self._entities: Entities | None = None

    def __iter__(self) -> Iterator[Record]:
        entities = self._read()
        for start in range(0, len(entities), BLOCK):
            wanted = np.zeros(len(entities), bool)
            wanted[start : start + BLOCK] = True
            block = entities.take(wanted)
            yield Record(block, {}, f"{self.name}: entities {start + 1} to {start + len(block)}", len(block))

    def __len__(self) -> int:
        return len(self._read())

    def fingerprint(self) -> str:
        parts = [source.fingerprint() for source in self._sources] + sorted(self._query.items())
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def describe(self) -> str:
        entities = self._read()
        left = f"; {self._dropped:,} rows of no entity are left out" if self._dropped else ""
        return f"{len(entities):,} entities with {len(entities.rows):,} rows{left}"

    def _read(self) -> Entities:
        """Once."""
        if self._entities is None:
            key, _, link = self._query.get("key", self._query.get("entity", "")).partition(":")
            tables = [_frame(source) for source in self._sources]
            rows, link = tables[-1], link or key
            names = dict.fromkeys(map(str, rows[_find(rows, link, self._sources[-1])].dropna()))
            parents = tables[0] if len(tables) > 1 else rows.head(0).reindex(range(len(names)))[[link]]
            if len(tables) == 1:
                parents = parents.assign(**{link: list(names)}).reset_index(drop=True)
            self._entities = self._group(parents, rows, key, link)
        return self._entities

    def _group(self, parents: pd.DataFrame, rows: pd.DataFrame, key: str, link: str) -> Entities:
        names = parents[_find(parents, key, self._sources[0])].map(str)
        if names.duplicated().any():
            name = names[names.duplicated()].iloc[0]
            raise AnewError(f"'{key}' does not name the rows of '{self._sources[0].name}': '{name}' comes twice")
        numbers = dict(zip(names, range(len(names))))
        owner = rows[link].map(str).map(numbers).to_numpy(np.float64, na_value=np.nan)
        known, order = ~np.isnan(owner), self._query.get("order", "")
        self._dropped = int((~known).sum())
        keys: list[np.ndarray] = [owner[known]]
        if order:
            cells = rows[_find(rows, order, self._sources[-1])][known]
            keys.insert(0, ranks(cells))
        places = np.flatnonzero(known)[np.lexsort(keys)]
        rows, owner = rows.iloc[places].reset_index(drop=True), owner[places].astype(np.int64)
        return Entities(parents, rows, owner, key, link, order, len(self._sources) > 1)


def ranks(cells: pd.Series) -> np.ndarray:
    """(n,): numbers or dates by their size, other texts by the alphabet; what is missing comes first."""
    import pandas as pd

    numbers = pd.to_numeric(cells.replace("", None), errors="coerce")
    values = numbers if numbers.notna().mean() > 0.9 else pd.to_datetime(cells, errors="coerce", format="mixed")
    ordered = values if values.notna().mean() > 0.9 else cells.map(str)
    return ordered.rank(method="dense", na_option="top").to_numpy()


def _query(location: str) -> tuple[str, dict[str, str]]:
    base, _, query = location.partition("?")
    return base, dict(parse_qsl(query))


def _places(base: str, query: dict[str, str]) -> list[str]:
    if not is_database(base):
        return [base] + ([str(Path(base).parent / query["children"])] if "children" in query else [])
    return [f"{base}?table={query[name]}" for name in ("table", "children") if name in query]


def _open(place: str) -> Source:
    from anew.sources import open_source

    opened = open_source(place)
    if opened.codec != "table":
        raise AnewError(f"'{place}' is {opened.codec}, not a table; give tables of entities and their rows")
    return opened


def _frame(source: Source) -> pd.DataFrame:
    import pandas as pd

    parts = [record.content for record in source if not isinstance(record.content, Unreadable)]
    if not parts:
        raise AnewError(f"'{source.name}' has no rows; expected some")
    return pd.concat(parts, ignore_index=True)


def _find(frame: pd.DataFrame, name: str, source: Source) -> str:
    if not name:
        raise AnewError(
            f"which column names the entities of '{source.name}'? say key=NAME; it has: {', '.join(map(str, frame))}"
        )
    if name not in frame:
        raise unknown("column", name, list(map(str, frame)))
    return name
