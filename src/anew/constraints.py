"""What rows of a table must fulfil: expressions over its columns, met by construction or by drawing again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anew.errors import AnewError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Constraints:
    """`where` must be true of a row ("start < end"); `derive` computes a column of the others ("total = price * n");
    `unique` are columns of which no value, or no combination of values, comes twice. Of the columns in `together`, such
    as city and country, only combinations come that are in `real`, rows of the data.

    Expressions are those of `pandas.DataFrame.eval`, over the names of the columns; `` `a name` `` has spaces.
    """

    where: Sequence[str] = ()
    derive: Sequence[str] = ()
    unique: Sequence[str] = ()
    together: Sequence[str] = ()
    real: pd.DataFrame | None = None

    def __bool__(self) -> bool:
        return bool(self.where or self.derive or self.unique or self.together)

    def good(self, rows: pd.DataFrame) -> np.ndarray:
        """bool (n,): of rows as they are drawn, which are to be kept."""
        rows = rows.assign(**self.derived(rows))
        return self.met(rows) & self.known(rows) & ~self.repeated(rows)

    def derived(self, rows: pd.DataFrame) -> dict[str, pd.Series]:
        """The columns that are computed, one after the other."""
        found: dict[str, pd.Series] = {}
        for text in self.derive:
            name, _, expression = (part.strip() for part in text.partition("="))
            if (name := name.strip("`")) not in rows or not expression:
                raise AnewError(f"--derive {text}: expected COLUMN = EXPRESSION, with a column of {_list(rows)}")
            found[name] = _evaluate(expression, rows)
            rows = rows.assign(**{name: found[name]})
        return found

    def met(self, rows: pd.DataFrame) -> np.ndarray:
        """bool (n,): where all is true; what compares with a missing value is not."""
        found = np.ones(len(rows), bool)
        for text in self.where:
            values = _evaluate(text, rows)
            if values.dtype != bool and str(values.dtype) != "boolean":
                raise AnewError(f"--where {text}: it is not true or false of a row; expected such as: start < end")
            found &= values.fillna(False).to_numpy(bool)
        return found

    def known(self, rows: pd.DataFrame) -> np.ndarray:
        """bool (n,): whether the values of the columns in `together` are so in a real row."""
        if not self.together or self.real is None:
            return np.ones(len(rows), bool)
        if unknown := [name for name in self.together if name not in rows]:
            raise AnewError(f"--together {unknown[0]}: there is no such column; there are {_list(rows)}")
        names = list(self.together)
        seen = set(self.real[names].astype(str).itertuples(index=False, name=None))
        return np.array([row in seen for row in rows[names].astype(str).itertuples(index=False, name=None)], bool)

    def repeated(self, rows: pd.DataFrame) -> np.ndarray:
        """bool (n,): whether an earlier row has the same values in the columns that are to be unique."""
        if unknown := [name for name in self.unique if name not in rows]:
            raise AnewError(f"--unique {unknown[0]}: there is no such column; there are {_list(rows)}")
        return rows.duplicated(list(self.unique)).to_numpy() if self.unique else np.zeros(len(rows), bool)


def _evaluate(text: str, rows: pd.DataFrame) -> pd.Series:
    """Of the columns alone: names that start with @ are not followed."""
    import pandas as pd

    if "@" in text or "__" in text:
        raise AnewError(f"'{text}' is not an expression over columns; expected such as: start < end")
    try:
        values = rows.eval(text, engine="python", local_dict={}, global_dict={})
    except Exception as error:  # whatever pandas makes of a text that a person typed
        names = [name if name.isidentifier() else f"`{name}`" for name in map(str, rows.columns)]
        raise AnewError(f"'{text}' cannot be computed ({error}); the columns are {_list(names)}") from error
    return pd.Series(values, rows.index)


def _list(columns: Iterable[Hashable]) -> str:
    names = [str(name) for name in columns]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
