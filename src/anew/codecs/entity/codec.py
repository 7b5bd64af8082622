"""The codec of entities: a row of what is known of each, and any number of rows that belong to it, as a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from anew.codecs.codec import BadRecord, Samples
from anew.codecs.entity.slots import Slots, transitions
from anew.codecs.table.codec import TableCodec, TableOptions
from anew.codecs.table.columns import Column, Kind, column_from_json, column_to_json, fit_column
from anew.codecs.table.picture import draw_table
from anew.codecs.tokens import TokenCodec, check_length, padded, unpadded
from anew.errors import unknown
from anew.nn.rules import Automaton, Rules
from anew.sources.entities import Entities, join
from anew.spaces import Fields, Tokens

_USUAL, _MOST = 0.995, 4096  # share of the entities that are kept whole, and codes of one
_STEP = "until then"  # the column of how far a row is behind the one before it


@dataclass(frozen=True)
class EntityOptions:
    """`columns` are kinds by the name of a column, of either table, as for a table; `length`: codes of an entity."""

    columns: Mapping[str, Kind] = field(default_factory=dict)
    length: int | None = None

    def __post_init__(self) -> None:
        check_length(self.length, 8)


class EntityCodec(TokenCodec):
    """Entities as codes: those of the parent's fields, then those of each row (docs/tables.md).

    Numbers are in the bins of a table, and in one of 16 parts of a bin. A column that rows are ordered by is written as
    the first value, which is the parent's, and the steps from row to row. Keys are made anew, so each row belongs to an
    entity that is there.
    """

    name: ClassVar[str] = "entities"
    extension: ClassVar[str] = ".csv"
    Options: ClassVar[type] = EntityOptions
    blocks = True
    tells = True
    held_out = 1_500
    shown = ".csv"
    endings = (".csv",)

    def __init__(self, options: EntityOptions | None = None) -> None:
        super().__init__(options or EntityOptions())
        self.parent, self.child, self.given = TableCodec(), TableCodec(), TableCodec()
        self._plain: dict[str, Any] = {}  # key, link, order, two; and how many rows there are
        self._given: tuple[str, ...] = ()  # columns of the parents, which `given` writes
        self._columns: dict[str, Column] = {}  # of keys, and of what rows are ordered by

    # --- from records to tensors

    def load(self, content: Any) -> Entities:
        if not isinstance(content, Entities):
            raise BadRecord(f"is a {type(content).__name__}; expected entities and their rows")
        return content

    def digest(self, loaded: Entities) -> bytes:
        return blake2b(b"".join(self.digests(loaded)), digest_size=16).digest()

    def digests(self, loaded: Entities) -> list[bytes]:
        """Whatever the entity is called."""
        table = TableCodec()
        parents = loaded.parents.drop(columns=loaded.key)
        own = table.digests(parents) if len(parents.columns) else [b""] * len(loaded)
        rows = np.array(table.digests(loaded.rows.drop(columns=loaded.link)), object)
        ends = np.searchsorted(loaded.owner, np.arange(len(loaded) + 1))
        parts = (b"".join([one, *rows[a:b]]) for one, a, b in zip(own, ends, ends[1:]))
        return [blake2b(part, digest_size=16).digest() for part in parts]

    def count(self, loaded: Entities) -> int:
        return len(loaded)

    def pick(self, loaded: Entities, rows: np.ndarray) -> Entities:
        return loaded.take(rows)

    def give(self, names: Sequence[str]) -> None:
        self._given = tuple(names)

    def told(self, loaded: Entities, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """Columns of the parents, as numbers or texts."""
        return self.given.told(loaded.parents, given, names)

    def fit(self, loaded: Iterable[Entities]) -> None:
        """Raises AnewError if what is given is no column of the parents."""
        everything = join(list(loaded))
        key, link, order = everything.key, everything.link, everything.order
        for name in self._given:
            if name == key or name not in everything.parents:
                raise unknown("column of the entities", name, everything.parents.columns.drop(key))
        asked = self.options.columns
        self._plain = {"key": key, "link": link, "order": order, "two": everything.two}
        self._columns = {key: fit_column(key, everything.parents[key], "id")}
        if order:
            self._columns[order] = fit_column(order, everything.rows[order], asked.get(order))
        parents, rows = self._tables(everything)
        given = everything.parents[list(self._given)]
        for codec, table in ((self.parent, parents), (self.child, rows), (self.given, given)):
            codec.options = TableOptions({name: kind for name, kind in asked.items() if name in table})
            codec.space = Fields(())
            if len(table.columns):
                codec.fit([table])
        lengths = [len(row) for row in self._rows(everything)]
        usual = int(np.quantile(lengths, _USUAL, method="higher"))
        self._plain |= {"rows": float(everything.counts.mean()), "cut": usual > (self.options.length or _MOST)}
        self.space = Tokens(self._slots[1].end - 1, min(usual, self.options.length or _MOST))

    def describe(self) -> str:
        ordered = f", in the order of {self._plain['order']}" if self._plain["order"] else ""
        cut = "; longer ones are cut" if self._plain["cut"] else ""
        rows = f"{self._plain['rows']:.1f} rows of {len(self.child.space.fields)} fields each{ordered}"
        return (
            f"entities with {len(self.parent.space.fields)} fields and {rows}, up to {self.space.length:,} codes{cut}"
        )

    def encode(self, loaded: Sequence[Entities]) -> Tensor:
        """int64 (entities, length)"""
        return padded(self._rows(join(list(loaded))), self.space.length)

    # --- from tensors to samples, files and pictures

    def with_given(self, samples: Sequence[Entities], given: Sequence[Mapping[str, Any]]) -> list[Entities]:
        if not self._given:
            return list(samples)
        told = pd.DataFrame([dict(row) for row in given], columns=list(self._given), dtype=object)
        cells = self.given.decode(self.given.encode(told))
        parents = (one.parents.assign(**cells.iloc[i]) for i, one in enumerate(samples))
        return [one.with_rows(parent, one.rows, one.owner) for one, parent in zip(samples, parents)]

    def decode(self, x: Tensor) -> Samples:
        """Without a row that the length cuts."""
        parent, child = self._slots
        parents, rows, owner = [], [], []
        for number, codes in enumerate(unpadded(x)):
            row, place = parent.read(codes, 0) or ([0.0] * len(parent.fields.fields), len(codes))
            parents.append(row)
            while place < len(codes) and (found := child.read(codes, place)):
                row, place = found
                rows.append(row)
                owner.append(number)
        return list(self._entities(_frame(self.parent, parents), _frame(self.child, rows), np.array(owner, np.int64)))

    def rules(self, n: int) -> Rules:
        return Automaton(self._table, n)

    def to_bytes(self, sample: Entities) -> bytes:
        return self.together([sample], (), ".csv")

    def together(self, samples: Sequence[Entities], given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """One table: the rows of each entity, with what is known of it before them."""
        return self._joined(samples).to_csv(index=False, lineterminator="\n").encode()

    def files(self, samples: Sequence[Entities]) -> dict[str, bytes] | None:
        if not self._plain["two"]:
            return None
        found = join(list(samples))
        tables = {"parents.csv": found.parents, "children.csv": found.rows}
        return {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}

    def show(self, samples: Sequence[Entities], columns: int | None = None) -> bytes:
        return draw_table(self._joined(samples), [])

    # --- for measuring

    def traits(self, samples: Sequence[Entities]) -> dict[str, np.ndarray]:
        """Rows of each entity, and of each column of numbers the mean over them and the step from one to the next."""
        found = join(list(samples))
        traits = {"rows": found.counts.astype(float)}
        typed = self.child.typed(self._tables(found)[1])
        groups = typed.select_dtypes("number").groupby(found.owner)
        means, steps = groups.mean(), groups.diff().abs().groupby(found.owner).mean()
        for name in means:
            traits[f"mean {name}"] = means[name].reindex(range(len(found))).to_numpy(float)
            traits[f"step of {name}"] = steps[name].reindex(range(len(found))).to_numpy(float)
        return traits

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        tables = {name: codec.to_json() for name, codec in self._codecs.items() if len(codec.space.fields)}
        columns = {name: column_to_json(column) for name, column in self._columns.items()}
        return {
            "options": asdict(self.options), "plain": self._plain, "columns": columns, "tables": tables,
            "length": self.space.length,
        }  # fmt: skip

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> EntityCodec:
        codec = cls(EntityOptions(**state["options"]))
        codec._plain = dict(state["plain"])
        codec._columns = {name: column_from_json(column) for name, column in state["columns"].items()}
        codec.parent.space = codec.given.space = Fields(())
        for name, table in state["tables"].items():
            setattr(codec, name, TableCodec.from_json(table))
        if "given" in state["tables"]:
            codec._given = tuple(column.name for column in codec.given.columns)
        codec.space = Tokens(codec._slots[1].end - 1, int(state["length"]))
        return codec

    # --- its own

    @property
    def _codecs(self) -> dict[str, TableCodec]:
        return {"parent": self.parent, "child": self.child, "given": self.given}

    @property
    def _slots(self) -> tuple[Slots, Slots]:
        parent = Slots(self.parent.space, 1)
        return parent, Slots(self.child.space, parent.end)

    @property
    def _table(self) -> Tensor:
        return transitions(*self._slots)

    def _tables(self, loaded: Entities) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What is learned: without keys and what is given, and with steps in place of what rows are ordered by."""
        parents = loaded.parents.drop(columns=[loaded.key, *self._given], errors="ignore")
        rows = loaded.rows.drop(columns=loaded.link)
        if not loaded.order:
            return parents, rows
        values = self._columns[loaded.order].typed(loaded.rows[loaded.order])
        begun = values[np.diff(loaded.owner, prepend=-1) != 0]
        begun = begun.set_axis(np.unique(loaded.owner)).reindex(range(len(loaded)))
        steps = values.diff()
        steps = steps.dt.total_seconds() if steps.dtype.kind == "m" else steps
        same = np.diff(loaded.owner, prepend=-1) == 0
        parents = parents.assign(**{loaded.order: begun.to_numpy()})
        return parents, rows.drop(columns=loaded.order).assign(**{_STEP: steps.where(same, 0.0).fillna(0.0).to_numpy()})

    def _rows(self, loaded: Entities) -> list[list[int]]:
        """The codes of each entity."""
        parents, rows = self._tables(loaded)
        slots, n = self._slots, len(loaded)
        encoded = [
            codec.encode(table).numpy() if len(codec.space.fields) else np.zeros((len(table), 0))
            for codec, table in zip((self.parent, self.child), (parents, rows))
        ]
        first, second = slots[0].write(encoded[0]), slots[1].write(encoded[1])
        ends = np.searchsorted(loaded.owner, np.arange(n + 1))
        runs = (np.concatenate([first[i], second[ends[i] : ends[i + 1]].ravel()]) for i in range(n))
        return [run[run > 0].tolist() for run in runs]

    def _entities(self, parents: pd.DataFrame, rows: pd.DataFrame, owner: np.ndarray) -> Entities:
        """With keys, and with sums of steps in place of them."""
        key, link, order = (self._plain[name] for name in ("key", "link", "order"))
        names = self._columns[key].decode(np.ones((len(parents), len(self._columns[key].fields)), np.float32))
        if order:
            column = self._columns[order]
            begun, steps = self.parent.typed(parents)[order], self.child.typed(rows)[_STEP]
            passed = steps.groupby(owner).cumsum()
            passed = pd.to_timedelta(passed, unit="s") if begun.dtype.kind == "M" else passed
            at = begun.take(owner).reset_index(drop=True) + passed
            parents, rows = parents.drop(columns=order), rows.drop(columns=_STEP).assign(**{order: column.written(at)})
        parents = parents.copy()
        parents.insert(0, key, names.to_numpy())
        rows = rows.copy()
        rows.insert(0, link, names.to_numpy()[owner])
        return Entities(parents, rows, owner, key, link, order, self._plain["two"])

    def _joined(self, samples: Sequence[Entities]) -> pd.DataFrame:
        found = join(list(samples))
        if not found.two:
            return found.rows
        before = found.parents.take(found.owner).reset_index(drop=True)
        return pd.concat([before, found.rows.drop(columns=found.link).add_prefix("row.")], axis=1)


def _frame(codec: TableCodec, rows: list[list[float]]) -> pd.DataFrame:
    fields = len(codec.space.fields)
    if not fields:
        return pd.DataFrame(index=range(len(rows)))
    return codec.decode(torch.tensor(rows, dtype=torch.float32).reshape(-1, fields))
