"""How numbers are written: separators of thousands and decimals, currency signs, decimals that are always there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Seen, is_text, typical

_SAMPLE = 10_000  # distinct texts that decide
_NARROW, _NO_BREAK = "\u202f", "\u00a0"
# Separators of thousands and of decimals. Of those that read equally many cells the first is chosen, so that a column
# with nothing but "1,234" has thousands, and one with "1.234" has decimals.
_SEPARATORS = [("", "."), (",", "."), ("", ","), (".", ",")]
_SEPARATORS += [(space, decimal) for space in (" ", "'", "’", _NO_BREAK, _NARROW) for decimal in ".,"]
_SIGNS = re.compile(r"([$€£¥]?\s?)(.*?)(\s?[%€$£¥]?)", re.DOTALL)
_NAMES = {" ": "a space", _NO_BREAK: "a space", _NARROW: "a space"}


@dataclass(frozen=True)
class NumberStyle:
    """Texts such as "$ 1,234.50" as numbers and back; typed numbers stay as they are.

    `least` decimals are always written. Where all numbers have an exponent, `digits` are those before it, after the
    point.
    """

    thousands: str = ""
    decimal: str = "."
    before: str = ""
    after: str = ""
    least: int = 0
    digits: int | None = None

    @classmethod
    def find(cls, seen: Seen) -> tuple[NumberStyle, float] | None:
        """The style that reads the most cells, and the share of them that it reads; None if it reads none."""
        if not is_text(seen.values):
            return (cls(), 1.0) if seen.values.dtype.kind != "M" else None
        texts, counts = seen.values.iloc[:_SAMPLE].tolist(), seen.counts[:_SAMPLE]
        before, _, after = _SIGNS.fullmatch(typical(texts)).groups()  # type: ignore[union-attr]
        best, share = cls(), 0.0
        for separators in _SEPARATORS:
            style = cls(*separators, before, after)
            read = float(np.dot([style._matches(text) for text in texts], counts) / counts.sum())
            if read > share:
                best, share = style, read
            if share == 1:
                break
        return (best._with_decimals(texts), share) if share else None

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> NumberStyle:
        return cls(**state)

    def read(self, values: pd.Series) -> np.ndarray:
        """float64 (n,), NaN for what is not a number."""
        if not is_text(values):
            typed = values if values.dtype.kind != "M" else pd.Series(np.nan, values.index)
            return typed.to_numpy(np.float64, na_value=np.nan)
        if (self.thousands, self.decimal, self.before, self.after) != ("", ".", "", ""):
            plain = [self._plain(text) if isinstance(text, str) else None for text in values.tolist()]
            values = pd.Series(plain, dtype=object)
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, np.nan)

    def write(self, numbers: np.ndarray, decimals: int | None) -> pd.Series:
        """Texts of float64 (n,) with at most so many decimals, or as many as it takes; None for NaN."""
        if (
            decimals == 0 and self == NumberStyle() and np.isfinite(numbers).all()
        ):  # most of them, and ten times as fast
            return pd.Series(list(map(str, numbers.astype(np.int64).tolist())), dtype=object)
        texts = [None if number != number else self._text(number, decimals) for number in numbers.tolist()]
        return pd.Series(texts, dtype=object)

    def plain(self, numbers: np.ndarray) -> pd.Series:
        """For typed cells."""
        return pd.Series(numbers)

    def typed(self, numbers: np.ndarray) -> pd.Series:
        """For measuring."""
        return pd.Series(numbers)

    def show(self, number: float, decimals: int | None) -> str:
        """For people."""
        return self._text(number, decimals) if decimals is not None else f"{number:.6g}"

    def describe(self, decimals: int | None, step: int) -> str:
        parts = [f"{decimals} decimal{'s' * (decimals > 1)}"] if decimals else []
        parts += [f"thousands set off by {_NAMES.get(self.thousands, repr(self.thousands))}"] if self.thousands else []
        parts += ["decimal comma"] if self.decimal == "," else []
        return ", ".join(parts)

    def _text(self, number: float, decimals: int | None) -> str:
        number += 0.0  # no -0
        if self.digits is not None:
            text = f"{number:.{self.digits}e}"
        elif decimals is None:
            text = repr(number)
        else:
            whole, _, part = f"{number:{',' if self.thousands else ''}.{decimals}f}".partition(".")
            part = part.rstrip("0").ljust(self.least, "0")
            text = f"{whole}.{part}" if part else whole
        return self.before + text.translate({ord(","): self.thousands, ord("."): self.decimal}) + self.after

    def _plain(self, text: str) -> str | None:
        """As Python writes it; None for what is not a number of this style."""
        if not self._matches(text):
            return None
        number = text[len(self.before) : len(text) - len(self.after)]
        return number.replace(self.thousands, "").replace(self.decimal, ".")

    def _matches(self, text: str) -> bool:
        if not (text.startswith(self.before) and text.endswith(self.after)):
            return False
        number = text[len(self.before) : len(text) - len(self.after)]
        return _pattern(self.thousands, self.decimal).fullmatch(number) is not None

    def _with_decimals(self, texts: list[str]) -> NumberStyle:
        numbers = [plain.lower() for text in texts if (plain := self._plain(text)) is not None]
        decimals = [len(number.partition("e")[0].partition(".")[2]) for number in numbers]
        if all("e" in number for number in numbers):
            return replace(self, digits=max(decimals))
        return replace(self, least=min(decimals))


def has_leading_zeros(texts: pd.Series) -> bool:
    """As post codes have: such digits are no numbers."""
    return bool(texts.str.fullmatch(r"[+-]?0\d+").any())


@cache
def _pattern(thousands: str, decimal: str) -> re.Pattern[str]:
    groups = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|" if thousands else ""
    point = re.escape(decimal)
    number = rf"[+-]?(?:(?:{groups}\d+)(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    return re.compile(number, re.ASCII)
