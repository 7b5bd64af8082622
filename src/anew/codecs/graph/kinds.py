"""Which attribute of nodes, or of edges, says of what kind they are, and the kinds that there are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anew.errors import AnewError

NAMES = ("kind", "type", "label", "element", "symbol", "atom", "bond", "bond_type", "class", "group", "category")
_MOST = 64  # kinds; what has more values is a name, or a measurement
_COMMON = 0.5  # share of the nodes that must have it

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Kinds:
    """Values of one attribute as the codes 1, 2, ...; None stands for "not said", as one of them or the only one."""

    name: str | None
    values: tuple[str | int | float | bool | None, ...]

    def code(self, attributes: Attributes) -> int:
        """Of a value that was never learned: that of the most usual one, the first."""
        value = attributes.get(self.name) if self.name else None
        return 1 + self.values.index(value) if value in self.values else 1

    def attributes(self, code: int) -> dict[str, Any]:
        value = self.values[min(code, len(self.values)) - 1]
        return {} if value is None or self.name is None else {self.name: value}

    def __str__(self) -> str:
        named = f" by '{self.name}'" if self.name else ""
        return f"{len(self.values)} kind{'s' if len(self.values) > 1 else ''}{named}"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "values": list(self.values)}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Kinds:
        return cls(state["name"], tuple(state["values"]))


class KindsSeen:
    """Counts the attributes of all nodes (or edges) of graphs, to choose the one that tells their kinds."""

    def __init__(self, asked: str | None) -> None:
        """`asked` is the attribute to take; "" is none, None is whichever fits."""
        self.asked, self.total, self.graphs = asked, 0, 0
        self.counts: defaultdict[str, Counter[Any]] = defaultdict(Counter)
        self.unique: Counter[str] = Counter()  # graphs in which no two have the same value

    def add(self, of_graph: Sequence[Attributes]) -> None:
        self.total, self.graphs = self.total + len(of_graph), self.graphs + (len(of_graph) > 1)
        for name in dict.fromkeys(name for attributes in of_graph for name in attributes):
            values = [attributes[name] for attributes in of_graph if name in attributes]
            self.counts[name].update(values)
            self.unique[name] += len(of_graph) > 1 and len(set(values)) == len(of_graph)

    def choose(self) -> Kinds:
        """Raises AnewError if what was asked for is not there, or has too many values."""
        name = self._asked() if self.asked else None
        if self.asked is None:
            name = next(filter(self._tells_kinds, NAMES), None)
        if name is None:
            return Kinds(None, (None,))
        counts = self.counts[name]
        values = sorted(counts, key=lambda value: (-counts[value], str(value)))
        return Kinds(name, (*values, None) if counts.total() < self.total else tuple(values))

    def _tells_kinds(self, name: str) -> bool:
        """Whether most have it and many have the same, within graphs, too: else it is what each is called."""
        counts = self.counts[name]
        usual = counts.total() >= _COMMON * self.total and 0 < len(counts) <= min(_MOST, counts.total() / 2)
        return usual and self.unique[name] <= self.graphs / 2

    def _asked(self) -> str | None:
        """The attribute that was asked for; None where there is nothing that could have it."""
        if self.total and not self.counts[str(self.asked)]:
            raise AnewError(f"nothing has the attribute '{self.asked}' that was asked for; check its name")
        if (found := len(self.counts[str(self.asked)])) > _MOST:
            raise AnewError(f"the attribute '{self.asked}' has {found} values; kinds are {_MOST} at most")
        return self.asked if self.total else None


def kept(attributes: Attributes, asked: str | None) -> dict[str, Any]:
    """What may tell a kind, as numbers and texts that files can hold."""
    names = NAMES if asked is None else (asked,)
    return {name: _plain(attributes[name]) for name in names if attributes.get(name) is not None}


def telling(of_graph: Iterable[Attributes]) -> list[str]:
    """For each node (or edge), what it is by all that more than one has in common: names of nodes are left out."""
    attributes = list(of_graph)
    values = {
        name: [one.get(name) for one in attributes] for name in dict.fromkeys(n for one in attributes for n in one)
    }
    shared = {name: column for name, column in values.items() if len(set(column)) < len(column)}
    return [repr([(name, column[place]) for name, column in shared.items()]) for place in range(len(attributes))]


def _plain(value: Any) -> str | int | float | bool:
    """NumPy's scalars as Python's; whole numbers as such, whatever they were written as."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)) else str(value)
