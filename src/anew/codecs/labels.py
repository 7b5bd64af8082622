"""The codec of what is given: rows of categories and numbers, such as labels, as Fields."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import BadRecord, Codec
from anew.errors import AnewError, unknown
from anew.spaces import Batch, Field, Fields

Row = Mapping[str, Any]
_MOST_VALUES = 1000  # distinct values of a category


@dataclass(frozen=True)
class LabelOptions:
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A category, if it has `values` (in the order of their codes), or a number."""

    name: str
    values: tuple[Any, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    whole: bool = False  # whether the numbers are whole

    @cached_property
    def _codes(self) -> dict[str, float]:
        return {_text(value): float(code) for code, value in enumerate(self.values)}

    def encode(self, value: Any) -> float:
        """Also takes texts, as a command line gives them. NaN for None and NaN; raises AnewError."""
        if _is_missing(value):
            return math.nan
        if self.values:
            return _find(self._codes, self.name, _text(value))
        try:
            return (float(value) - self.mean) / self.deviation
        except (TypeError, ValueError) as error:
            raise AnewError(f"'{value}' is not a number; {self.name} is one") from error

    def decode(self, code: float) -> Any:
        if math.isnan(code):
            return None
        if self.values:
            return self.values[min(max(round(code), 0), len(self.values) - 1)]
        value = code * self.deviation + self.mean
        return round(value) if self.whole else value


class LabelCodec(Codec):
    """Rows {column: value} to Fields and back. What is absent, None or NaN is not known: NaN."""

    name: ClassVar[str] = "labels"
    extension: ClassVar[str] = ".json"
    Options: ClassVar[type] = LabelOptions
    space: Fields

    def __init__(self, options: LabelOptions | None = None) -> None:
        super().__init__(options or LabelOptions())
        self.columns: tuple[Column, ...] = ()

    def load(self, content: Any) -> Row:
        if not isinstance(content, Mapping):
            raise BadRecord(f"is a {type(content).__name__}; expected names with values")
        return content

    def digest(self, loaded: Row) -> bytes:
        return blake2b(json.dumps(dict(loaded), sort_keys=True, default=str).encode(), digest_size=16).digest()

    def fit(self, loaded: Iterable[Row]) -> None:
        """Raises AnewError for a column that no row has a value for."""
        values: dict[str, list[Any]] = {name: [] for name in self.options.columns}
        seen: dict[str, None] = {}
        for row in loaded:
            seen |= dict.fromkeys(row)
            for name, column in values.items():
                if not _is_missing(row.get(name)):
                    column.append(row[name])
        for name, column in values.items():
            if not column:
                raise AnewError(f"nothing is known of '{name}'; what is known beside the data: {_list(seen)}")
        self._set([_fit_column(name, column) for name, column in values.items()])

    def describe(self) -> str:
        kinds = (f"{len(c.values)} categories" if c.values else "a number" for c in self.columns)
        return ", ".join(f"{column.name}: {kind}" for column, kind in zip(self.columns, kinds))

    def encode(self, loaded: Sequence[Row]) -> Tensor:
        """float32 (B, F); raises AnewError for a value that `fit` did not see."""
        rows = [[column.encode(row.get(column.name)) for column in self.columns] for row in loaded]
        return torch.tensor(rows, dtype=torch.float32).reshape(len(rows), len(self.columns))

    def known(self, row: Row) -> dict[str, Any]:
        """The row without the values that cannot be encoded, such as a category that `fit` did not see."""
        return {column.name: row.get(column.name) for column in self.columns if _can_encode(column, row)}

    def encode_known(self, loaded: Sequence[Row]) -> Tensor:
        """float32 (B, F) as `encode` returns, with NaN for the values that cannot be encoded; each value once."""
        x = torch.full((len(loaded), len(self.columns)), torch.nan)
        for place, column in enumerate(self.columns):
            keys = [(type(row.get(column.name)), str(row.get(column.name))) for row in loaded]
            distinct = dict(zip(keys, loaded)).items()
            codes = {key: column.encode(row.get(column.name)) for key, row in distinct if _can_encode(column, row)}
            x[:, place] = torch.tensor([codes.get(key, math.nan) for key in keys])
        return x

    def decode(self, x: Tensor) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        rows = ([c.decode(code) for c, code in zip(self.columns, row)] for row in x.tolist())
        return [dict(zip(names, row)) for row in rows]

    def to_bytes(self, sample: Row) -> bytes:
        return (json.dumps(dict(sample), ensure_ascii=False) + "\n").encode()

    def to_array(self, samples: Sequence[Row]) -> np.ndarray:
        """A structured array (n,) with the columns as fields; what is missing is NaN, or an empty text."""
        arrays = {column.name: _array(column, samples) for column in self.columns}
        table = np.empty(len(samples), [(name, array.dtype) for name, array in arrays.items()])
        for name, array in arrays.items():
            table[name] = array
        return table

    def show(self, samples: Sequence[Row], columns: int | None = None) -> bytes:
        """The rows as lines of text, `columns` of them side by side."""
        from PIL import Image, ImageDraw

        cells = [", ".join(f"{key}: {value}" for key, value in row.items()) for row in samples]
        beside = columns or 1
        lines = ["    ".join(cells[start : start + beside]) for start in range(0, len(cells), beside)]
        text = "\n".join(lines).encode("latin-1", "replace").decode("latin-1")  # all that the font has
        box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((8, 8), text or " ")
        picture = Image.new("RGB", (int(box[2]) + 8, int(box[3]) + 8), "white")
        ImageDraw.Draw(picture).multiline_text((8, 8), text, fill="black")
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        """Nothing is learned: the only view is of the columns themselves."""

    def features(self, samples: Sequence[Row]) -> dict[str, np.ndarray]:
        """{"plain": a 1 for each category, standardised numbers; what is not known is 0}"""
        x = self.encode(samples)
        parts = [_plain(field, column) for field, column in zip(self.space.fields, x.unbind(1))]
        return {"plain": torch.cat(parts, 1).numpy() if parts else np.zeros((len(x), 0), np.float32)}

    def to_json(self) -> dict[str, Any]:
        return {"options": asdict(self.options), "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> LabelCodec:
        codec = cls(LabelOptions(tuple(state["options"]["columns"])))
        codec._set([Column(**{**column, "values": tuple(column["values"])}) for column in state["columns"]])
        return codec

    def _set(self, columns: list[Column]) -> None:
        self.columns = tuple(columns)
        self.space = Fields(tuple(Field(column.name, len(column.values)) for column in columns))


def _fit_column(name: str, values: list[Any]) -> Column:
    """Texts, truth values and up to 1,000 whole numbers are a category; all else is a number."""
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {type(value) for value in values}
    if kinds - {bool, int, float}:
        return _category(name, {str(value) for value in values})
    if float not in kinds and len(set(values)) <= _MOST_VALUES:
        return _category(name, set(values))
    numbers = np.array(values, np.float64)
    return Column(name, (), float(numbers.mean()), float(numbers.std()) or 1.0, float not in kinds)


def _category(name: str, values: set[Any]) -> Column:
    if len(values) > _MOST_VALUES:
        message = f"'{name}' has {len(values)} distinct values; a category has {_MOST_VALUES} at most"
        raise AnewError(f"{message}; choose another column")
    return Column(name, tuple(sorted(values)))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and not math.isfinite(value))


def _text(value: Any) -> str:
    """How a person would type it: 7 for 7.0, true for True."""
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _find(codes: Mapping[str, float], name: str, text: str) -> float:
    code = codes.get(text, codes.get(text.strip().lower()) if set(codes) <= {"true", "false"} else None)
    if code is None:
        raise unknown(name, text, codes)
    return code


def _can_encode(column: Column, row: Row) -> bool:
    try:
        column.encode(row.get(column.name))
    except AnewError:
        return False
    return True


def _array(column: Column, samples: Sequence[Row]) -> np.ndarray:
    values = [row.get(column.name) for row in samples]
    if any(isinstance(value, str) for value in column.values):
        return np.array(["" if value is None else str(value) for value in values], np.str_)
    if any(value is None for value in values):
        return np.array([math.nan if value is None else float(value) for value in values])
    return np.array(values)


def _plain(field: Field, column: Tensor) -> Tensor:
    if not field.values:
        return column.nan_to_num(0).unsqueeze(1)
    known = ~column.isnan()
    codes = torch.nn.functional.one_hot(column.nan_to_num(0).long(), field.values)
    return codes.float() * known.unsqueeze(1)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
