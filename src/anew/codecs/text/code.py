"""The codec of code: text in parts that stand on their own, with gaps that can be filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import Samples
from anew.codecs.text.code_filling import GAP, MORE, Filling
from anew.codecs.text.code_parts import definitions, parses
from anew.codecs.text.codec import TextCodec, TextOptions
from anew.codecs.text.reading import Stretch, read_text, stretches
from anew.codecs.tokens import unpadded
from anew.errors import AnewError
from anew.nn.rules import Automaton, Rules
from anew.spaces import Tokens

_LOOKED_AT, _ENOUGH = 500, 0.25  # parts, and the share of them that parses where the language is Python


@dataclass(frozen=True)
class CodeOptions(TextOptions):
    """`fill`: share of the passages from which filling in is learned."""

    fill: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.fill <= 1:
            raise AnewError(f"codec.fill={self.fill} is out of range; expected 0 to 1, usually 0.5")


class CodeCodec(TextCodec):
    """Strings to codes and back. Files are cut where functions and classes begin; a text on its own stays whole."""

    name: ClassVar[str] = "code"
    Options: ClassVar[type] = CodeOptions
    options: CodeOptions

    def load(self, content: Any) -> list[Stretch]:
        if isinstance(content, str):
            return super().load(content)
        return [stretch for part in definitions(read_text(content)) for stretch in stretches(part, self._step)]

    def fit(self, loaded: Iterable[Sequence[Stretch]]) -> None:
        some: list[str] = []
        super().fit(_watched(loaded, some))
        self.seen["python"] = bool(np.mean([parses(text) for text in some[:_LOOKED_AT]]) > _ENOUGH)
        if self.options.fill:
            length = self.space.length + MORE
            self.space = Tokens(self.codes.vocabulary + MORE - 1, min(length, self.options.length or length))

    def describe(self) -> str:
        filled = f"; {self.options.fill:.0%} are learned with a gap" if self.options.fill else ""
        return super().describe().replace("of text", "of Python" if self.seen["python"] else "of code", 1) + filled

    def decode(self, x: Tensor) -> list[str]:
        return [self._filling.read(row) for row in unpadded(x)] if self.options.fill else super().decode(x)

    def begun(self, prompt: str) -> Tensor:
        """The codes (T,) that samples begin with; of a prompt with "<FILL_ME>" in it, all but what fills it."""
        if GAP not in prompt:
            return super().begun(prompt)
        if not self.options.fill:
            raise AnewError(f"nothing was learned of filling in {GAP}; train with --set codec.fill=0.5")
        return torch.tensor(self._filling.ask(prompt), dtype=torch.int64)

    def rules(self, n: int) -> Rules:
        if self.options.fill and self._table is None:
            self._table = self._filling.table()
        return Automaton(self._table, n) if self._table is not None else super().rules(n)

    def traits(self, samples: Samples) -> dict[str, np.ndarray]:
        found = super().traits(samples)
        if self.seen["python"]:
            found["parses"] = np.array([parses(text) for text in samples], bool)
        return found

    def _write(self, texts: Sequence[str]) -> list[list[int]]:
        return self._filling.write(texts) if self.options.fill else super()._write(texts)

    @property
    def _filling(self) -> Filling:
        return Filling(self.codes, self.options.fill, self.space.length)


def _watched(loaded: Iterable[Sequence[Stretch]], some: list[str]) -> Iterator[Sequence[Stretch]]:
    """All of them; the first texts are added to `some`."""
    for document in loaded:
        if len(some) < _LOOKED_AT:
            some.extend(part.text for part in document)
        yield document
