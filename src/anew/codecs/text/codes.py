"""Text as codes: its bytes, or parts of words that are learned from it (byte pair encoding, Sennrich et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

SMALL = 2**20  # characters, below which text is learned byte by byte
_FEWEST, _MOST = 512, 16_384  # parts of words
_EACH = 4_000  # characters for each part of a word that is learned
_LEFT = -1  # of UTF-8: not allowed


class Bytes:
    """Code c stands for the byte c - 1."""

    vocabulary = 256
    reach = 1  # characters that a code may stand for, usually

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[byte + 1 for byte in text.encode()] for text in texts]

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        return [bytes(code - 1 for code in row).decode(errors="replace") for row in rows]

    @cached_property
    def bytes(self) -> list[bytes]:
        """What each code stands for, from code 1 on."""
        return [bytes([value]) for value in range(256)]

    def to_json(self) -> None:
        return None


class Parts:
    """Byte pair encoding over bytes, so that nothing is unknown. Its state is that of the library `tokenizers`."""

    reach = 8

    def __init__(self, state: str):
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(state)
        self.vocabulary = self._tokenizer.get_vocab_size()

    @classmethod
    def learn(cls, texts: Iterable[str], vocabulary: int) -> Parts:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer.to_str())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[code + 1 for code in found.ids] for found in self._tokenizer.encode_batch_fast(list(texts))]

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        return [b"".join(self.bytes[code - 1] for code in row).decode(errors="replace") for row in rows]

    @cached_property
    def bytes(self) -> list[bytes]:
        """What each code stands for, from code 1 on."""
        letters = _letters()
        names = [str(self._tokenizer.id_to_token(i)) for i in range(self.vocabulary)]
        return [bytes(letters[letter] for letter in name) for name in names]

    def to_json(self) -> str:
        return str(self._tokenizer.to_str())


Codes = Bytes | Parts


def learn_codes(texts: Sequence[str], size: int, kind: str | None = None, vocabulary: int | None = None) -> Codes:
    """Bytes of few characters, parts of words of many, as `size` says, or the `kind` that is wanted."""
    if kind == "bytes" or (kind is None and vocabulary is None and size < SMALL):
        return Bytes()
    usual = min(_MOST, max(_FEWEST, 2 ** (size // _EACH).bit_length() // 2))
    return Parts.learn(texts, vocabulary or usual)


def codes_from_json(state: Any) -> Codes:
    return Bytes() if state is None else Parts(state)


def utf8_table(codes: Codes) -> Tensor:
    """`Automaton.after` of sequences that are UTF-8: int64 (states, vocabulary + 1); state 0 is between characters."""
    steps = _utf8_steps()
    table = torch.full((len(steps), codes.vocabulary + 1), _LEFT)
    table[0, 0] = 0
    for code, part in enumerate(codes.bytes, 1):
        for state in range(len(steps)):
            table[state, code] = _walk(steps, state, part)
    return table


def _walk(steps: list[dict[int, int]], state: int, part: bytes) -> int:
    for byte in part:
        state = steps[state].get(byte, _LEFT)
        if state == _LEFT:
            return state
    return state


def _utf8_steps() -> list[dict[int, int]]:
    """{byte: next state} of each state (RFC 3629, section 4); states 1 to 3 wait for as many bytes."""
    tail = range(0x80, 0xC0)
    steps: list[dict[int, int]] = [dict.fromkeys(range(0x80), 0)]
    steps += [dict.fromkeys(tail, left) for left in range(3)]
    steps[0] |= dict.fromkeys(range(0xC2, 0xE0), 1) | dict.fromkeys(range(0xE1, 0xF0), 2)
    steps[0] |= dict.fromkeys(range(0xF1, 0xF4), 3)
    for first, second, left in (  # lead bytes that allow fewer second ones
        (0xE0, range(0xA0, 0xC0), 1),
        (0xED, range(0x80, 0xA0), 1),
        (0xF0, range(0x90, 0xC0), 2),
        (0xF4, range(0x80, 0x90), 2),
    ):
        steps[0][first] = len(steps)
        steps.append(dict.fromkeys(second, left))
    return steps


def _letters() -> dict[str, int]:
    """{letter that the library writes a byte as: byte}: the printable ones as themselves, others from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
