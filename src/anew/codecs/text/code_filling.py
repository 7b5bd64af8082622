"""Code that is learned out of order, so that a gap in it can be filled in (Bavarian et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import torch
from torch import Tensor

from anew.codecs.text.codes import Bytes, Codes, utf8_table
from anew.errors import AnewError

MORE = 4  # codes of a passage: before what comes before the gap, what comes after it, and what fills it; and an end
GAP = "<FILL_ME>"  # where a prompt has a gap
_ADDED = 8  # codes that cutting parts of words may add, usually
_ROOM = 0.25  # share of a passage that is left for what fills a gap


class Filling:
    """Passages of up to `length` codes, of which a `share` stands in the order before, after, middle (their PSM).

    Which ones, and where they are cut, is decided by what they say.
    """

    def __init__(self, codes: Codes, share: float, length: int):
        self.codes, self.share, self.length = codes, share, length
        self.before, self.after, self.middle = (codes.vocabulary + i for i in (1, 2, 3))

    def write(self, texts: Sequence[str]) -> list[list[int]]:
        rows = self.codes.encode(texts)
        for i, row in enumerate(rows):
            text = self._fitting(row)
            chance, a, b = _numbers(text)
            if chance < self.share * 2**64:
                a, b = sorted((a % (len(text) + 1), b % (len(text) + 1)))
                moved = self._moved(text[:a], text[b:], text[a:b])
                rows[i] = moved if len(moved) < self.length else row
        return rows

    def read(self, row: Sequence[int]) -> str:
        """In the order in which people read it."""
        before, after, middle = row, row[:0], row[:0]
        if row and row[0] == self.before:
            before, after = _split(row[1:], self.after)
            after, middle = _split(after, self.middle)
        parts = ([code for code in part if code < self.before] for part in (before, middle, after))
        return "".join(self.codes.decode(parts))

    def ask(self, prompt: str) -> list[int]:
        """The codes of a prompt with a gap, after which what fills it follows. Raises AnewError for too long a one."""
        before, _, after = prompt.partition(GAP)
        asked, most = self._moved(before, after, ""), int((1 - _ROOM) * self.length)
        if len(asked) > most:
            raise AnewError(f"a prompt with {GAP} may have {most} codes, this one has {len(asked)}; give less of it")
        return asked

    def table(self) -> Tensor:
        """`Automaton.after`: UTF-8 that begins as it is, or with the three codes in their order, each part UTF-8."""
        one = utf8_table(self.codes)
        size, ends = one.shape[0], one[:, :1]
        parts = [1 + size * i for i in range(4)]  # the first state of each: in order; before; after; middle
        table = torch.full((1 + 4 * size, self.codes.vocabulary + MORE), -1)
        for first in parts:
            table[first : first + size, : one.shape[1]] = torch.where(one < 0, -1, one + first)
        for first, code in ((parts[1], self.after), (parts[2], self.middle)):
            table[first : first + size, :1] = -1
            table[first : first + size, code : code + 1] = torch.where(ends < 0, -1, first + size)
        table[0] = table[1]
        table[0, self.before] = parts[1]
        return table

    def _fitting(self, row: Sequence[int]) -> str:
        """As much of a passage as has room beside the three codes and an end."""
        room = self.length - MORE
        if len(row) <= room:
            return self.codes.decode([row])[0]
        slack = 0 if isinstance(self.codes, Bytes) else _ADDED
        return self.codes.decode([row[: max(0, room - slack)]])[0].rstrip("\ufffd")

    def _moved(self, before: str, after: str, middle: str) -> list[int]:
        a, b, c = self.codes.encode([before, after, middle])
        return [self.before, *a, self.after, *b, self.middle, *c]


def _numbers(text: str) -> tuple[int, int, int]:
    """Three of 64 bits."""
    digest = blake2b(text.encode(), digest_size=24).digest()
    a, b, c = (int.from_bytes(digest[i : i + 8]) for i in (0, 8, 16))
    return a, b, c


def _split(row: Sequence[int], code: int) -> tuple[Sequence[int], Sequence[int]]:
    """Before and after the first `code`."""
    place = row.index(code) if code in row else len(row)
    return row[:place], row[place + 1 :]
