"""The codec of tables: rows of a pandas frame as Fields."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from anew.codecs.codec import BadRecord, Codec
from anew.codecs.table.columns import Column, Kind, column_from_json, column_to_json, fit_column
from anew.codecs.table.columns.cells import read_cells
from anew.codecs.table.columns.private import private_columns
from anew.codecs.table.features import TableFeatures
from anew.codecs.table.picture import draw_table
from anew.codecs.table.rows import as_array, as_frame, as_json, as_told, collect, entropy, hashes
from anew.errors import AnewError, unknown
from anew.spaces import Batch, Fields

_FEATURE_ROWS = 20_000  # that the features are fitted on


@dataclass(frozen=True)
class TableOptions:
    """What to do instead of what the data suggest.

    `columns` are kinds by the name of a column: `--set codec.columns.zip=category`. Categories and values of numbers
    that fewer than `rare` rows have are never written. With `noise`, which private training sets by itself, columns are
    learned from noisy counts of their cells (columns/private.py).
    """

    columns: Mapping[str, Kind] = field(default_factory=dict)
    rare: int = 0
    noise: float = 0.0


class TableCodec(Codec):
    """Blocks of rows to Fields and back. What `decode` returns is one frame, with the columns and types of the source.

    `columns` are those that x holds or that can be written without it; those that are `given` are left out of x.
    """

    name: ClassVar[str] = "table"
    extension: ClassVar[str] = ".json"
    Options: ClassVar[type] = TableOptions
    blocks = True
    frames = True
    tells = True
    held_out = 1_500
    shown = ".csv"
    space: Fields

    def __init__(self, options: TableOptions | None = None) -> None:
        super().__init__(options or TableOptions())
        self.without: tuple[str, ...] = ()
        self._all: tuple[Column, ...] = ()
        self._features: TableFeatures | None = None

    # --- from records to tensors

    def load(self, content: Any) -> pd.DataFrame:
        if not isinstance(content, pd.DataFrame):
            raise BadRecord(f"is a {type(content).__name__}; expected a pandas frame of rows")
        names = content.columns.map(str)
        if not len(names) or names.has_duplicates:
            twice = names[names.duplicated()]
            raise BadRecord(f"has two columns named '{twice[0]}'" if len(twice) else "has no columns")
        return content.set_axis(names, axis=1)

    def digest(self, loaded: pd.DataFrame) -> bytes:
        return blake2b(b"".join(self.digests(loaded)), digest_size=16).digest()

    def digests(self, loaded: pd.DataFrame) -> list[bytes]:
        """Of each row; 5 and 5.0 are the same, texts are compared with their spaces."""
        rows = np.stack([hashes(loaded[name]) for name in loaded], 1)
        return [blake2b(row, digest_size=16).digest() for row in rows]

    def count(self, loaded: pd.DataFrame) -> int:
        return len(loaded)

    def pick(self, loaded: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
        return loaded[rows]

    def give(self, names: Sequence[str]) -> None:
        self.without = tuple(names)

    def told(self, loaded: pd.DataFrame, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """Columns of the table as numbers or texts, None where a cell is missing."""
        columns = {column.name: column for column in self._all}
        told = {name: as_told(columns[name], loaded[name]) for name in names if name in columns and name in loaded}
        others = {name: given.get(name) for name in names if name not in told}
        return [others | dict(zip(told, row)) for row in zip(*told.values())] if told else [others] * len(loaded)

    def fit(self, loaded: Iterable[pd.DataFrame]) -> None:
        """Raises AnewError for options that do not fit the table, and if there is nothing to learn."""
        noise = self.options.noise
        rows = collect(loaded, math.inf) if noise > 0 else collect(loaded)
        for name in (*self.options.columns, *self.without):
            if name not in rows:
                raise unknown("column", name, rows.columns)
        asked = {name: self.options.columns.get(name) for name in rows.columns}
        kept = [name for name in rows.columns if asked[name] != "drop"]
        seen = private_columns(rows[kept], noise) if noise > 0 else rows
        columns = [fit_column(name, seen[name], asked[name], self.options.rare) for name in kept]
        varied = {column.name: entropy(column.encode(seen[column.name][:_FEATURE_ROWS])) for column in columns}
        self._set(columns, sorted(varied, key=varied.__getitem__))

    def describe(self) -> str:
        kinds = Counter(column.kind for column in self._all)
        counted = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
        return f"{len(self._all)} columns ({counted}; --set codec.columns.NAME=KIND overrides)"

    def overview(self) -> list[tuple[str, str, str]]:
        """(name, kind, what was decided) of each column, for a table that a user can correct."""
        rows = [(column.name, column.kind, column.describe()) for column in self._all]
        return rows + [(name, "drop", "left out") for name, kind in self.options.columns.items() if kind == "drop"]

    def encode(self, loaded: pd.DataFrame | Sequence[Any]) -> Tensor:
        """float32 (rows, F) of a frame, or of several, or of rows. A column that is absent is not known."""
        frame = as_frame(loaded)
        x = np.full((len(frame), *self.space.shape), np.nan, np.float32)
        for column, span in self._spans.values():
            if column.fields and column.name in frame:
                x[:, span] = column.encode(frame[column.name])
        return torch.from_numpy(x)

    def partial(self, wanted: Mapping[str, Any]) -> Tensor:
        """(F,): the values that are wanted, as one types them, NaN for the rest; an empty text is a missing cell.

        Raises AnewError for a column or a value that is not known.
        """
        x = np.full(self.space.shape, np.nan, np.float32)
        for name, value in wanted.items():
            column, span = self._find(name)
            x[span] = column.ask(value)
        return torch.from_numpy(x)

    def choices(self, name: str) -> Tensor:
        """(k, F): each value of the column, NaN for the rest; raises AnewError for one that has no list of values."""
        column, span = self._find(name)
        values = column.choices()
        x = np.full((len(values), *self.space.shape), np.nan, np.float32)
        x[:, span] = values
        return torch.from_numpy(x)

    def known(self, numbers: range, wanted: Mapping[str, Any], balance: str | None) -> Tensor:
        """(n, F): `partial`, for the samples with these numbers, and each value of `balance` in turn."""
        known = self.partial(wanted).repeat(len(numbers), 1)
        if balance is None:
            return known
        choices = self.choices(balance)
        chosen = choices[torch.arange(numbers.start, numbers.stop) % len(choices)]
        return torch.where(chosen.isnan(), known, chosen)

    def missing(self, x: Tensor) -> Tensor:
        """bool (n, F): what of x (n, F) says that a cell is missing."""
        found = torch.zeros_like(x, dtype=torch.bool)
        for column, span in self._spans.values():
            if column.missing and column.fields:
                found[:, span] = x[:, span.start : span.start + 1] == 0
        return found

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor, first: int = 0) -> Any:
        """One frame. Identifiers are made for the numbers of the rows, of which the first is `first`."""
        values = x.detach().cpu().float().numpy()
        cells = {name: column.decode(values[:, span], first) for name, (column, span) in self._spans.items()}
        return pd.DataFrame(cells, index=pd.RangeIndex(len(values)))

    def with_given(self, samples: Any, given: Sequence[Mapping[str, Any]]) -> Any:
        """The columns that x leaves out, put where they are in the source and written as there."""
        columns = {column.name: column for column in self._all if column.name in self.without}
        told = {name: pd.Series([row.get(name) for row in given], dtype=object) for name in columns}
        cells = {name: column.decode(column.encode(told[name])) for name, column in columns.items()}
        names = [column.name for column in self._all]
        return samples.assign(**cells)[names]

    def fill(self, rows: pd.DataFrame, x: Tensor) -> pd.DataFrame:
        """The rows with what x (n, F) says in place of missing cells, and of columns that are absent."""
        cells, whole = self.decode(x), rows.reset_index(drop=True)
        for name in cells:
            holes = read_cells(whole[name]).isna() if name in whole else pd.Series(True, whole.index)
            if holes.any():
                whole[name] = cells[name].where(holes, whole.get(name))
        ours = [column.name for column in self._all if column.name in whole]
        return whole[[*ours, *whole.columns.difference(ours, sort=False)]]

    def typed(self, samples: pd.DataFrame | Sequence[Any], learned: bool = True) -> pd.DataFrame:
        """Columns that were `learned`, or all: numbers as float64, dates, all else as texts; NaN or NaT if missing."""
        frame = as_frame(samples)
        columns = [column for column in self._all if column.name in frame and (column.fields or not learned)]
        return pd.DataFrame(
            {column.name: column.typed(frame[column.name]) for column in columns}, pd.RangeIndex(len(frame))
        )

    def written(self, name: str, values: pd.Series) -> pd.Series:
        """Values as `typed` has them as the source writes cells of the column."""
        return {column.name: column for column in self._all}[name].written(values)

    def to_bytes(self, sample: Any) -> bytes:
        """A row as a line of JSON, null where a cell is missing."""
        row = {name: as_json(value) for name, value in dict(sample).items()}
        return (json.dumps(row, ensure_ascii=False, default=str) + "\n").encode()

    def to_array(self, samples: pd.DataFrame | Sequence[Any]) -> np.ndarray:
        """A structured array (n,) with the columns as fields: numbers, truth values, dates and texts."""
        frame = as_frame(samples)
        arrays = {str(name): as_array(frame[name]) for name in frame}
        table = np.empty(len(frame), [(name, array.dtype) for name, array in arrays.items()])
        for name, array in arrays.items():
            table[name] = array
        return table

    def show(self, samples: pd.DataFrame | Sequence[Any], columns: int | None = None) -> bytes:
        """The first rows as a table."""
        numbers = [column.name for column in self._all if column.kind.endswith("number")]
        return draw_table(as_frame(samples), numbers)

    # --- for measuring

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        """Nothing is learned: the only view is of the columns themselves."""
        every = -(-len(train.x) // _FEATURE_ROWS) or 1
        self._features = TableFeatures(self.columns, self.decode(train.x[::every]))

    def features(self, samples: pd.DataFrame | Sequence[Any]) -> dict[str, np.ndarray]:
        if self._features is None:
            raise RuntimeError("fit_features comes before features")
        return {"plain": self._features(as_frame(samples))}

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        columns = [column_to_json(column) for column in self._all]
        kept = {"options": asdict(self.options), "without": list(self.without), "columns": columns}
        return {**kept, "order": sorted(self._spans, key=lambda name: self._spans[name][1].start)}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> TableCodec:
        codec = cls(TableOptions(**state["options"]))
        codec.without = tuple(state["without"])
        codec._set([column_from_json(column) for column in state["columns"]], state["order"])
        return codec

    def key(self) -> dict[str, Any]:
        return asdict(self.options)

    # --- its own

    def owners(self) -> Tensor:
        """int64 (F,): the number of the column that each field is of."""
        found = torch.empty(self.space.shape, dtype=torch.int64)
        for number, (_, span) in enumerate(self._spans.values()):
            found[span] = number
        return found

    @property
    def columns(self) -> tuple[Column, ...]:
        """All that `decode` writes."""
        return tuple(column for column, _ in self._spans.values())

    def _find(self, name: str) -> tuple[Column, slice]:
        if name not in self._spans:
            raise unknown("column", name, self._spans)
        return self._spans[name]

    def _set(self, columns: list[Column], order: Sequence[str]) -> None:
        """The fields come in `order`: those that vary least first, so that rows which are drawn stay alike for long."""
        self._all = tuple(columns)
        named, spans, start = {column.name: column for column in columns}, {}, 0
        for name in order:
            if name not in self.without:
                spans[name] = slice(start, start := start + len(named[name].fields))
        self._spans = {column.name: (column, spans[column.name]) for column in columns if column.name in spans}
        self.space = Fields(tuple(part for name in spans for part in named[name].fields))
        if not self.space.fields:
            why = ", ".join(f"{column.name}: {column.kind}" for column in columns[:5])
            raise AnewError(f"there is no column to learn ({why}); --set codec.columns.NAME=category makes it one")
