"""How dates and times are written: the format of a source, found by writing back what was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Seen, as_texts, typical

_SAMPLE = 1000  # distinct texts that decide
_DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"]
_DAYS += ["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y"]
_DAYS += ["%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"]
_CLOCKS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p"]
_CLOCKS += ["T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f"]
# Of those that read equally many cells the first is chosen: the month comes before the day.
FORMATS = [day + clock for day, clock in product(_DAYS, _CLOCKS)] + ["%Y-%m", "%H:%M", "%H:%M:%S"]
_PARTS = {"%Y": r"\d{4}", "%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}", "%p": "[AaPp][Mm]", "%f": r"\d{1,6}"}
_PARTS |= dict.fromkeys(("%m", "%d", "%y", "%H", "%I", "%M", "%S"), r"\d\d?")
_ZONE = re.compile(r".*\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_PADDING = re.compile(r"(^|[/. -])0(?=\d)")
_SIZES = {86_400: "days", 3600: "hours", 60: "minutes", 1: "seconds"}


@dataclass(frozen=True)
class DateStyle:
    """Texts such as "03/20/2024 14:05" as seconds since 1970 and back; typed dates are those without a `format`.

    `after` is the time zone, if all have the same; `padded` whether days have two digits; `fraction` how many digits
    seconds have.
    """

    format: str = ""
    after: str = ""
    padded: bool = True
    fraction: int = 6

    @classmethod
    def find(cls, seen: Seen) -> tuple[DateStyle, float] | None:
        """The style that reads the most cells, and the share of them that it reads; None if it reads none."""
        if seen.values.dtype.kind == "M":
            return cls(), 1.0
        texts, counts = as_texts(seen.values.iloc[:_SAMPLE]), seen.counts[:_SAMPLE]
        example = typical(texts)
        after = zone[1] if (zone := _ZONE.fullmatch(example)) else ""
        example = example.removesuffix(after)
        fraction = len(example.rpartition(".")[2])
        formats = [form for form in FORMATS if _pattern(form).fullmatch(example)]
        styles = [cls(form, after, padded, fraction) for form, padded in product(formats, (True, False))]
        shares = [float(np.dot(style._brings_back(texts), counts) / counts.sum()) for style in styles]
        return (styles[int(np.argmax(shares))], max(shares)) if max(shares, default=0) else None

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> DateStyle:
        return cls(**state)

    def read(self, values: pd.Series) -> np.ndarray:
        """float64 (n,), NaN for what is not a date."""
        if values.dtype.kind == "M":
            return _seconds(values)
        texts = as_texts(values).astype("str")
        if self.after:
            texts = texts.where(texts.str.endswith(self.after)).str.removesuffix(self.after)
        return _seconds(pd.to_datetime(texts, format=self.format or "ISO8601", errors="coerce"))

    def write(self, numbers: np.ndarray, decimals: int | None = 0) -> pd.Series:
        """Texts of float64 (n,); None for NaN."""
        dates = self.typed(numbers)
        texts = dates.dt.strftime(self.format).astype(object)
        if not self.padded:
            texts = texts.str.replace(_PADDING, r"\1", regex=True)
        if self.format.endswith("%f"):
            texts = texts.str.slice(0, self.fraction - 6 or None)
        return (texts + self.after).where(dates.notna(), None)

    def plain(self, numbers: np.ndarray) -> pd.Series:
        """For typed cells: dates, or whole numbers such as 20240320."""
        return pd.to_numeric(self.write(numbers)) if self.format else self.typed(numbers)

    def typed(self, numbers: np.ndarray) -> pd.Series:
        """For measuring."""
        known = ~np.isnan(numbers)
        stamps = np.where(known, np.rint(np.nan_to_num(numbers) * 1e6), 0).astype(np.int64).view("datetime64[us]")
        return pd.Series(stamps).where(known)

    def show(self, number: float, decimals: int | None = 0) -> str:
        """For people."""
        clock = " %H:%M:%S" if number % 86_400 else ""
        style = self if self.format else replace(self, format="%Y-%m-%d" + clock)
        return str(style.write(np.array([number]))[0])

    @property
    def is_of_digits(self) -> bool:
        return self.format == "%Y%m%d"

    def describe(self, decimals: int | None, step: int) -> str:
        """The format, or in what dates are counted: "in days" for a step that whole days are multiples of."""
        size = next(name for unit, name in _SIZES.items() if step % unit == 0) if decimals == 0 else "parts of a second"
        return self.format or f"in {size}"

    def _brings_back(self, texts: pd.Series) -> np.ndarray:
        """bool (n,): which texts are written again as they were read."""
        return np.array(self.write(self.read(texts)) == texts, bool)


def are_dates_of_digits(seen: Seen) -> bool:
    """Whether all cells are such as 20240320, of which there are several."""
    numbers = as_texts(seen.values.iloc[:_SAMPLE])
    if len(numbers) < 3 or not numbers.str.fullmatch(r"(?:19|20)\d{6}").all():
        return False
    return bool(DateStyle("%Y%m%d")._brings_back(numbers).all())


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """What looks like a date of the format."""
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in re.split("(%.)", form)), re.ASCII)


def _seconds(dates: pd.Series) -> np.ndarray:
    stamps = dates.to_numpy("datetime64[us]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e6)
