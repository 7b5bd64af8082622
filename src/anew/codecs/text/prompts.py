"""The codec of a text that is given: a question, a sentence to translate, a description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from anew.codecs.codec import BadRecord, Samples
from anew.codecs.text.codes import Bytes, Codes, codes_from_json, learn_codes
from anew.codecs.text.picture import draw_texts
from anew.codecs.tokens import TokenCodec, padded, unpadded
from anew.errors import AnewError
from anew.spaces import Tokens

Row = Mapping[str, Any]
_MOST, _USUAL = 512, 0.99  # codes that are kept, and the share of the texts that have no more than are kept
_DISTINCT, _FEW = 0.5, 20  # share of the rows, and rows, from which on a column of texts is no category


@dataclass(frozen=True)
class PromptOptions:
    columns: tuple[str, ...] = ()


class PromptCodec(TokenCodec):
    """Rows {column: text} of one column to Tokens and back; what is not known has no codes."""

    name: ClassVar[str] = "prompts"
    extension: ClassVar[str] = ".txt"
    Options: ClassVar[type] = PromptOptions

    def __init__(self, options: PromptOptions | None = None) -> None:
        super().__init__(options or PromptOptions())
        self.codes: Codes = Bytes()

    def load(self, content: Any) -> Row:
        if not isinstance(content, Mapping):
            raise BadRecord(f"is a {type(content).__name__}; expected names with values")
        return content

    def digest(self, loaded: Row) -> bytes:
        return blake2b(self._text(loaded).encode(), digest_size=16).digest()

    def fit(self, loaded: Iterable[Row]) -> None:
        texts = [text for row in loaded if (text := self._text(row))]
        if not texts:
            raise AnewError(f"nothing is known of '{self._column}'; give the name of a column of texts")
        self.codes = learn_codes(texts, sum(map(len, texts)))
        lengths = [len(row) for row in self.codes.encode(texts)]
        self.space = Tokens(self.codes.vocabulary, min(_MOST, int(np.quantile(lengths, _USUAL, method="higher"))))

    def describe(self) -> str:
        return f"{self._column}: text of up to {self.space.length:,} codes"

    def encode(self, loaded: Sequence[Row]) -> Tensor:
        """int64 (B, length); of longer texts, the end is left out."""
        return padded(self.codes.encode([self._text(row) for row in loaded]), self.space.length)

    encode_known = encode

    def known(self, row: Row) -> dict[str, Any]:
        """The row without what cannot be encoded."""
        return {self._column: row.get(self._column)}

    def decode(self, x: Tensor) -> list[dict[str, Any]]:
        return [{self._column: text or None} for text in self.codes.decode(unpadded(x))]

    def to_bytes(self, sample: Row) -> bytes:
        return self._text(sample).encode()

    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        return draw_texts([self._text(row) for row in samples], columns)

    def to_json(self) -> dict[str, Any]:
        space = {"vocabulary": self.space.vocabulary, "length": self.space.length}
        return {"options": asdict(self.options), **space, "codes": self.codes.to_json()}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> PromptCodec:
        codec = cls(PromptOptions(tuple(state["options"]["columns"])))
        codec.codes = codes_from_json(state["codes"])
        codec.space = Tokens(int(state["vocabulary"]), int(state["length"]))
        return codec

    @property
    def _column(self) -> str:
        return self.options.columns[0]

    def _text(self, row: Row) -> str:
        value = row.get(self._column)
        return "" if value is None or value != value else str(value).encode("utf-8", "replace").decode()


def are_prompts(told: Sequence[Row], columns: Sequence[str]) -> bool:
    """Whether what is given is a text, and not categories: one column, of which most values come once."""
    if len(columns) != 1:
        return False
    values = [row.get(columns[0]) for row in told]
    texts = {value for value in values if isinstance(value, str)}
    return len(texts) > max(_FEW, _DISTINCT * len(values))
