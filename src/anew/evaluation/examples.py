"""What measures are given: examples as arrays, and real data in three splits with what is computed of it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from anew.errors import AnewError
from anew.spaces import Field

MEMBERS = 2_000  # training examples that are attacked, at most
T = TypeVar("T")


class Losses(NamedTuple):
    """What a model loses on real examples that it was trained on, (m,), and on others, (k,)."""

    members: np.ndarray
    others: np.ndarray


@dataclass(frozen=True)
class Examples:
    """n samples or real examples, as measures see them."""

    views: Mapping[str, np.ndarray]  # {name: (n, d)}
    given: Mapping[str, np.ndarray] = field(default_factory=dict)  # {name: (n,)}: a code or a number, NaN: not known
    digests: np.ndarray | None = None  # (n,), equal where the content is
    traits: Mapping[str, np.ndarray] = field(default_factory=dict)  # {name: (n,)}: what people count in them
    table: pd.DataFrame | None = None  # (n, columns) of a table: what the model learned, and what was given
    codes: np.ndarray | None = None  # (n, length) of sequences, padded with 0
    words: np.ndarray | None = None  # (n, most) of texts: a number for each word, padded with 0
    losses: Losses | None = None  # of the model that made them, on `Real.members` and on `Real.held_out`

    def __len__(self) -> int:
        return min(len(x) for x in self.views.values())

    def take(self, rows: np.ndarray | slice) -> Examples:
        return replace(
            self,
            views={name: x[rows] for name, x in self.views.items()},
            given={name: column[rows] for name, column in self.given.items()},
            digests=None if self.digests is None else self.digests[rows],
            traits={name: values[rows] for name, values in self.traits.items()},
            table=None if self.table is None else self.table.iloc[rows],
            codes=None if self.codes is None else self.codes[rows],
            words=None if self.words is None else self.words[rows],
        )

    @property
    def beside(self) -> np.ndarray:
        """All views side by side, (n, D)."""
        return np.concatenate(list(self.views.values()), 1)


class Real:
    """Real data, and the impostors that are made of it.

    `reference` is what samples are compared with, `held_out` is as new to the model, `train` is what it has learned
    from, and `known` are the digests of all of that. Views are centred and divided by one number each, so that the
    training split has a mean square of 1 per dimension. Floors are measured on `unseen`, which is as many as are
    compared: `n`. `say` turns some codes (T,) of a text into letters.
    """

    def __init__(
        self,
        train: Examples,
        held_out: Examples,
        reference: Examples,
        independent: Examples,
        fields: tuple[Field, ...] = (),
        known: np.ndarray | None = None,
        limit: int = 2_000,
        seed: int = 0,
        say: Callable[[np.ndarray], str] = lambda codes: "",
    ):
        named = {"train": train, "held_out": held_out, "reference": reference, "independent": independent}
        for name, examples in named.items():
            check(examples, reference, name)
        self.n = min(limit, len(held_out), len(reference), len(independent))
        self.fields, self.known, self.limit, self.seed, self.say = fields, known, limit, seed, say
        self._moments = {view: (x.mean(0), np.sqrt(x.var(0).mean()) or 1.0) for view, x in train.views.items()}
        self._made: dict[Callable[[Real], Any], Any] = {}
        rng = np.random.default_rng(seed)
        self.train = self.standardised(train)
        self.held_out = self.standardised(some(held_out, limit, rng))
        self.reference = self.standardised(some(reference, self.n, rng))
        self.unseen = self.held_out.take(slice(self.n))
        half = len(train) // 2
        self.members, self.population = self.train.take(slice(min(MEMBERS, half))), self.train.take(slice(half, None))
        self.impostors = {
            "independent": self.standardised(some(independent, self.n, rng)),
            "copies": self.train.take(np.arange(self.n) % len(train)),
            "one": self.train.take(np.zeros(self.n, int)),
        }

    def standardised(self, examples: Examples) -> Examples:
        """By what the training split was divided by, so that the comparison of the other sets stays unbiased."""
        views = {view: (x - self._moments[view][0]) / self._moments[view][1] for view, x in examples.views.items()}
        return replace(examples, views=views)

    def only(self, name: str, code: float) -> Real:
        """The same of those of whom `code` is given."""

        def part(examples: Examples) -> Examples:
            return examples.take(examples.given[name] == code)

        sets = part(self.train), part(self.held_out), part(self.reference), part(self.impostors["independent"])
        return Real(*sets, fields=self.fields, known=self.known, limit=self.limit, seed=self.seed)

    def once(self, make: Callable[[Real], T]) -> T:
        """`make(self)`, computed once for all that is measured."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]


def some(examples: Examples, n: int, rng: np.random.Generator) -> Examples:
    """At most `n`, drawn at random."""
    return examples.take(rng.permutation(len(examples))[:n])


def check(examples: Examples, reference: Examples, what: str) -> None:
    """Raises AnewError for views that don't match or hold what is not finite, and for a table that is not there."""
    names = set(reference.views)
    if set(examples.views) != names or not names:
        raise AnewError(
            f"the views of {what} are {sorted(examples.views)}; expected those of the reference: {sorted(names)}"
        )
    if reference.table is not None and examples.table is None:
        raise AnewError(f"{what} have no table, the reference has; give both as tables")
    for view, x in examples.views.items():
        if not np.isfinite(x).all():
            raise AnewError(
                f"the view '{view}' of {what} holds values that are not finite; "
                "the model may have diverged, train it again with a lower learning rate"
            )
