"""Columns that name their row: nothing to learn, so new names of the same form are made."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Cells, Seen, as_text
from anew.codecs.table.columns.column import Column
from anew.spaces import Field

_UNIQUE = 0.99  # share of distinct values from which on they name their rows
_FEW, _SEVERAL = 20, 100  # rows; in fewer, values, and running numbers, may be unique by chance
_MOSTLY = 0.9  # share of codes that have digits
_DENSE = 0.5  # share of the numbers from the lowest to the highest that running numbers have at least
_NAME = re.compile(r"(?i:(.*[\W_])?(id|uuid|guid|index|idx|nr))|.*[a-z]I[dD]|Unnamed: 0")
_CODE = re.compile(r"[!-~]{1,64}")  # a text without spaces and letters beyond ASCII
_NUMBER = re.compile(r"0|-?[1-9]\d{0,19}")
_DIGITS = "0123456789"
_LARGEST = 2**62  # numbers that int64 holds with room to spare
_GAPS, _LONG = 1000, 2**40  # the most that are kept, and the longest


@dataclass(frozen=True)
class Identifier(Column):
    """New names are whole numbers or, where there are `places`, texts.

    `places` are the characters that each place of a text can have, so that all texts of this form are numbers of a
    mixed base. New ones are counted through `gaps`, (first, length), between those of training rows. Of long texts,
    only the last places are counted; the others are drawn by the number of the row.
    """

    gaps: tuple[tuple[int, int], ...]
    places: tuple[str, ...] = ()

    @classmethod
    def fit(cls, seen: Seen) -> Identifier:
        """Numbers go on after the highest, texts are of the most frequent length."""
        texts = [as_text(value) for value in seen.values]
        if all(map(_NUMBER.fullmatch, texts)):
            numbers = np.array(list(map(int, texts)), object)
            end = numbers.max() + 1
            return cls(seen.name, seen.cells, ((end, _LONG),) if end < _LARGEST else _gaps(numbers, end))
        length = Counter(map(len, texts)).most_common(1)[0][0]
        letters = np.array([text for text in texts if len(text) == length]).view("U1").reshape(-1, length)
        places = tuple(map(_characters, letters.T))
        drawn = _drawn(places)
        taken = _numbers(letters[:, drawn:], places[drawn:])
        return cls(seen.name, seen.cells, _gaps(taken, _count(places[drawn:])), places)

    @property
    def kind(self) -> str:
        return "identifier"

    @property
    def fields(self) -> tuple[Field, ...]:
        """One, of whether the cell is missing, if cells may be."""
        return (Field(self.name, 2),) if self.missing else ()

    def encode_values(self, values: pd.Series) -> np.ndarray:
        return values.notna().to_numpy(np.float32)[:, None][:, : len(self.fields)]

    def decode(self, x: np.ndarray, first: int = 0) -> pd.Series:
        """No two rows, by their number, have the same."""
        names = pd.Series(self._names(np.arange(first, first + len(x))))
        names = names.astype(str) if self.cells.text else pd.to_numeric(names)
        return self.cells.write(names.where(x[:, 0] != 0) if self.missing else names)

    def decided(self) -> str:
        return f"new ones, such as {self._names(np.zeros(1, np.int64))[0]}"

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Identifier:
        gaps = tuple((first, length) for first, length in state["gaps"])
        return cls(state["name"], Cells(**state["cells"]), gaps, tuple(state["places"]))

    def _names(self, rows: np.ndarray) -> list[Any]:
        """Of rows by their number, int64 (n,). Where gaps have fewer, a text has the round added."""
        lengths = np.array([length for _, length in self.gaps])
        rounds, rows_left = np.divmod(rows, lengths.sum())
        gap = np.searchsorted(np.cumsum(lengths), rows_left, side="right")
        within = rows_left - (np.cumsum(lengths) - lengths)[gap]
        numbers = [self.gaps[i][0] + k for i, k in zip(gap.tolist(), within.tolist())]
        if not self.places:
            return numbers
        texts = self._texts(np.array(numbers, np.int64), rows)
        return [f"{text}-{again}" if again else text for text, again in zip(texts, rounds.tolist())]

    def _texts(self, numbers: np.ndarray, rows: np.ndarray) -> list[str]:
        drawn, places = _drawn(self.places), [np.array(list(place)) for place in self.places]
        letters = []
        for place in reversed(places[drawn:]):
            numbers, digits = np.divmod(numbers, len(place))
            letters.append(place[digits])
        for seed, place in enumerate(reversed(places[:drawn])):
            letters.append(place[(pd.util.hash_array(rows + (seed << 40)) % len(place)).astype(np.int64)])
        return np.stack(letters[::-1], 1).view(f"U{len(places)}")[:, 0].tolist()


def is_running_number(seen: Seen, numbers: np.ndarray) -> bool:
    """Whether whole numbers, one of a row, only count or name the rows."""
    if not _is_unique(seen):
        return False
    low, high, count = numbers.min(), numbers.max(), len(numbers)
    dense = count >= _SEVERAL and 0 <= low <= count and count >= _DENSE * (high - low + 1)
    return bool(dense or _NAME.fullmatch(seen.name))


def is_code(seen: Seen) -> bool:
    """Whether texts, one of a row, are names such as AB-1234: without spaces, and most with digits, or addresses."""
    texts = [as_text(value) for value in seen.values]
    return _is_unique(seen) and all(map(_CODE.fullmatch, texts)) and sum(map(_is_made, texts)) >= _MOSTLY * len(texts)


def _is_made(text: str) -> bool:
    return "@" in text or any(map(str.isdigit, text))


def _is_unique(seen: Seen) -> bool:
    return len(seen.values) >= max(_FEW, _UNIQUE * seen.rows)


def _characters(column: np.ndarray) -> str:
    """Those of a place, in order. Digits may be any, unless they are always the same, as in a year."""
    found = "".join(np.unique(column))
    return _DIGITS if found.isdecimal() and found.isascii() and (len(found) > 1 or found == "0") else found


def _drawn(places: Sequence[str]) -> int:
    """How many of the first places are drawn, as the others have as many texts as one can count."""
    return next((i for i in range(len(places)) if _count(places[i:]) <= _LARGEST), len(places))


def _count(places: Sequence[str]) -> int:
    return math.prod(map(len, places))


def _numbers(letters: np.ndarray, places: Sequence[str]) -> np.ndarray:
    """int64 (n,) of texts (n, places)."""
    numbers = np.zeros(len(letters), np.int64)
    for column, place in zip(letters.T, places):
        numbers = numbers * len(place) + np.searchsorted(np.array(list(place)), column)
    return numbers


def _gaps(taken: np.ndarray, count: int) -> tuple[tuple[int, int], ...]:
    """(first, length) of the longest runs of numbers, of 0 to `count` - 1, that are not taken; of all, if all are."""
    borders = np.concatenate([[-1], np.unique(taken[taken >= 0]), [count]])
    lengths = np.diff(borders) - 1
    longest = [i for i in np.argsort(-lengths, kind="stable")[:_GAPS] if lengths[i]]
    return tuple((int(borders[i]) + 1, min(int(lengths[i]), _LONG)) for i in longest) or ((0, min(count, _LONG)),)
