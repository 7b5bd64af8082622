"""The codec of text: documents in any language, as passages of codes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import Samples
from anew.codecs.text.codes import Bytes, Codes, codes_from_json, learn_codes, utf8_table
from anew.codecs.text.gaps import open_gaps
from anew.codecs.text.picture import draw_texts
from anew.codecs.text.reading import STEP, Stretch, read_text, stretches
from anew.codecs.text.traits import traits
from anew.codecs.text.words import words_of
from anew.codecs.tokens import TokenCodec, check_length, padded, unpadded
from anew.errors import AnewError
from anew.nn.gaps import Gaps, gaps_of
from anew.nn.rules import Automaton, Rules
from anew.spaces import Tokens

_LEARNED = 50_000_000  # characters that parts of words are learned from, at most
_MEASURED = 2_000  # passages
_RULE = "\n" + 40 * "-" + "\n\n"  # between texts in one file
_PASSAGE = 0.95  # share of the passages of long documents that have no more codes than are kept


@dataclass(frozen=True)
class TextOptions:
    """What to do instead of what the data suggest.

    `codes`: bytes or parts (of words); `vocabulary`: how many parts; `length`: codes of a passage.
    """

    codes: Literal["bytes", "parts"] | None = None
    vocabulary: int | None = None
    length: int | None = None

    def __post_init__(self) -> None:
        check_length(self.length, 8)
        if self.vocabulary is not None and not 256 < self.vocabulary <= 65_536:
            raise AnewError(f"codec.vocabulary={self.vocabulary} is out of range; expected 257 to 65536")


class TextCodec(TokenCodec):
    """Strings to codes and back.

    A short document is one example, whole; a long one is many, each a passage of `space.length` codes that begins
    where a line does. Passages that lie side by side are held out together.
    """

    name: ClassVar[str] = "text"
    extension: ClassVar[str] = ".txt"
    Options: ClassVar[type] = TextOptions
    blocks = True
    texts = True
    held_out = 200
    shown = ".txt"
    endings = (".txt", ".jsonl")

    def __init__(self, options: TextOptions | None = None) -> None:
        super().__init__(options or TextOptions())
        self.codes: Codes = Bytes()
        self.seen: dict[str, int] = {}
        self._table: Tensor | None = None

    # --- from records to tensors

    def load(self, content: Any) -> list[Stretch]:
        return list(stretches(read_text(content), self._step))

    def digest(self, loaded: Sequence[Stretch]) -> bytes:
        return blake2b("".join(part.text for part in loaded).encode(), digest_size=16).digest()

    def count(self, loaded: Sequence[Stretch]) -> int:
        return sum(len(part.starts) for part in loaded)

    def pick(self, loaded: Sequence[Stretch], rows: np.ndarray) -> list[Stretch]:
        ends = np.cumsum([len(part.starts) for part in loaded])
        return [part for part, end in zip(loaded, ends) if rows[end - 1]]

    def digests(self, loaded: Sequence[Stretch]) -> list[bytes]:
        return [digest for part in loaded for digest in [self.digest([part])] * len(part.starts)]

    def told(self, loaded: Any, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        return super().told(loaded, given, names) * self.count(loaded)

    def fit(self, loaded: Iterable[Sequence[Stretch]]) -> None:
        texts: list[Stretch] = []
        size, cut = 0, False
        for document in loaded:
            cut |= self.count(document) > 1
            for stretch in document:
                if size < _LEARNED:
                    texts.append(stretch)
                size += len(stretch.text)
        if not texts:
            raise AnewError("there is no text to learn from; expected at least one document")
        learned = [part.text for part in texts]
        self.codes = learn_codes(learned, size, self.options.codes, self.options.vocabulary)
        lengths = [len(row) for row in self.codes.encode(_passages(_some(texts), self._step))]
        long = [len(row) for row in self.codes.encode(_full(_some(texts), self._step))]
        found = int(np.quantile(long, _PASSAGE)) if long else max(lengths)
        self.seen = {"characters": size, "passages": cut}
        self.space = Tokens(self.codes.vocabulary, min(found, self.options.length or found))

    def describe(self) -> str:
        kind = "bytes" if isinstance(self.codes, Bytes) else f"{self.codes.vocabulary:,} parts of words"
        examples = "passages" if self.seen["passages"] else "documents"
        long = f"{examples} of up to {self.space.length:,} codes (--set codec.length=256 overrides)"
        return f"{self.seen['characters']:,} characters of text as {kind}, {long}"

    def encode(self, loaded: Sequence[str | Sequence[Stretch]]) -> Tensor:
        """int64 (B, length) of texts, or of all passages of documents."""
        most = self.space.length * self.codes.reach
        texts = [text for one in loaded for text in ([one] if isinstance(one, str) else _passages(one, most))]
        return padded(self._write(texts), self.space.length)

    def holes(self, loaded: Sequence[Sequence[Stretch]], part: str = "") -> Tensor:
        """Of documents that fit into a passage; gaps are written as [...] (see text/gaps.py)."""
        texts = ["".join(stretch.text for stretch in document) for document in loaded]
        return open_gaps(texts, self.codes, self.space.length)

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor) -> list[str]:
        return self.codes.decode(unpadded(x))

    def begun(self, prompt: str) -> Tensor:
        """The codes (T,) that samples begin with."""
        return torch.tensor(self.codes.encode([prompt])[0][: self.space.length], dtype=torch.int64)

    def rules(self, n: int) -> Rules:
        """Bytes that are UTF-8."""
        if self._table is None:
            self._table = utf8_table(self.codes)
        return Automaton(self._table, n)

    def gaps(self, known: Tensor) -> Gaps:
        rules = self.rules(len(known))
        assert isinstance(rules, Automaton)
        return gaps_of(rules, known)

    def to_bytes(self, sample: str) -> bytes:
        return sample.encode()

    def together(self, samples: Samples, given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """Between rules, or a line of JSON for each."""
        if ending == ".txt":
            return _RULE.join(text.rstrip("\n") + "\n" for text in samples).encode()
        rows = [{"text": text, **told} for text, told in zip(samples, given or [{}] * len(samples), strict=True)]
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()

    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        return draw_texts(samples, columns)

    # --- for measuring

    def traits(self, samples: Samples) -> dict[str, np.ndarray]:
        return traits(samples)

    def words(self, samples: Samples) -> list[list[str]]:
        return [words_of(text) for text in samples]

    def amounts(self, samples: Samples) -> tuple[str, np.ndarray]:
        return "byte", np.array([len(text.encode()) for text in samples])

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        space = {"vocabulary": self.space.vocabulary, "length": self.space.length}
        return {"options": asdict(self.options), **space, "codes": self.codes.to_json(), "seen": self.seen}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> TextCodec:
        codec = cls(cls.Options(**state["options"]))
        codec.codes, codec.seen = codes_from_json(state["codes"]), dict(state["seen"])
        codec.space = Tokens(int(state["vocabulary"]), int(state["length"]))
        return codec

    # --- its own

    def _write(self, texts: Sequence[str]) -> list[list[int]]:
        return self.codes.encode(texts)

    @property
    def _step(self) -> int:
        return min(STEP, self.options.length or STEP)


def _some(texts: Sequence[Stretch]) -> Sequence[Stretch]:
    return texts[:: 1 + len(texts) // _MEASURED]


def _passages(document: Sequence[Stretch], most: int) -> list[str]:
    """Each with at most so many characters."""
    return [part.text[start : start + most] for part in document for start in part.starts]


def _full(texts: Sequence[Stretch], step: int) -> list[str]:
    """What lies between the starts of passages."""
    return [part.text[a:b] for part in texts for a, b in zip(part.starts, part.starts[1:])]
