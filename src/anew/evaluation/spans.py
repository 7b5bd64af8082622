"""How much do samples take from training data word for word? The longest run of codes of each that stands there, too.

After McCoy et al. (2023, "RAVEN"), who count which n-grams of a text are new. People quote as well, themselves and
each other, so the floor is how long such runs are in texts that no model has seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Noted, Text, Values
from anew.evaluation.value import mean

MOST = 2**23  # codes of training examples that are looked through
QUOTED = 300  # letters
_BASE, _MIXING = 0xD1342543DE82EF95, 0x9E3779B97F4A7C15  # odd, and otherwise any
_MARKS = 24  # bits of a hash that are looked at first


class Span(NamedTuple):
    """`length` codes that a sample and a training example have in common, and where: (example, first code)."""

    length: int
    sample: tuple[int, int]
    train: tuple[int, int]


class Runs:
    """All runs of codes within sequences (n, length), which are padded with 0, as rolling hashes (Karp and Rabin 1987).

    The codes of all sequences follow each other in `codes`. The hash of those from i on is
    sum_j value(code_{i+j}) * base^j modulo 2^64: a difference of sums over all that comes before, times base^-i.
    """

    def __init__(self, sequences: np.ndarray):
        self.row, self.column = np.nonzero(sequences)
        self.codes, self.lengths = sequences[self.row, self.column], (sequences > 0).sum(1)
        self.left = self.lengths[self.row] - self.column  # codes from each place to the end of its sequence
        values = self.codes.astype(np.uint64) * np.uint64(_MIXING)
        values ^= values >> 32
        sums = np.cumsum(values * _powers(_BASE, len(values)), dtype=np.uint64)
        self._sums = np.concatenate([np.zeros(1, np.uint64), sums])
        self._shift = _powers(pow(_BASE, -1, 2**64), len(values))

    def starts(self, length: int, rows: np.ndarray | None = None) -> np.ndarray:
        """(k,) where runs of so many codes begin, in the sequences where `rows`, bool (n,), is true."""
        fits = self.left >= length
        return np.flatnonzero(fits if rows is None else fits & rows[self.row])

    def hashes(self, starts: np.ndarray, length: int) -> np.ndarray:
        """uint64 (k,)"""
        return (self._sums[starts + length] - self._sums[starts]) * self._shift[starts]

    def place(self, start: int) -> tuple[int, int]:
        """(sequence, place in it)"""
        return int(self.row[start]), int(self.column[start])


def longest(samples: np.ndarray, train: Runs) -> tuple[np.ndarray, Span | None]:
    """The length (n,) of each sample's longest run that is also in training sequences, and the longest of them."""
    mine = Runs(samples)
    low, high = np.zeros(len(samples), np.int64), mine.lengths.copy()
    best: Span | None = None
    while (low < high).any():  # each sample on its own is halved: of a run that is shared, so are its parts
        middle = (low + high + 1) // 2
        for length in np.unique(middle[low < high]).tolist():
            asked = (low < high) & (middle == length)
            starts, found = _shared(mine, train, length, asked)
            met = np.zeros(len(samples), bool)
            met[mine.row[starts]] = True
            low[met], high[asked & ~met] = length, length - 1
            if len(starts) and (best is None or length > best.length):
                best = Span(length, mine.place(starts[0]), train.place(found[0]))
    return low, best


def _shared(x: Runs, y: Runs, length: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A place (k,) in each of the `rows` of x that has a run of y, and where that is in y.

    Hashes find it, codes decide.
    """
    mine, others = x.starts(length, rows), y.starts(length)
    hashes, found = x.hashes(mine, length), y.hashes(others, length)
    marked = np.zeros(2**_MARKS, bool)
    marked[hashes >> (64 - _MARKS)] = True
    near = marked[found >> (64 - _MARKS)]
    known, first = np.unique(found[near], return_index=True)
    place = np.searchsorted(known, hashes)
    met = np.append(known, 0)[place] == hashes
    met &= place < len(known)
    starts, others = mine[met], others[near][first[place[met]]]
    _, one = np.unique(x.row[starts], return_index=True)
    pairs = zip(starts[one].tolist(), others[one].tolist())
    same = [(a, b) for a, b in pairs if np.array_equal(x.codes[a : a + length], y.codes[b : b + length])]
    a, b = np.array(same, np.int64).reshape(-1, 2).T
    return a, b


def _powers(base: int, n: int) -> np.ndarray:
    """1, base, base^2, ... modulo 2^64, uint64 (n,)"""
    steps = np.full(n, base, np.uint64)
    steps[:1] = 1
    return np.cumprod(steps, dtype=np.uint64)


def _trained(real: Real) -> Runs:
    codes = real.train.codes
    assert codes is not None
    enough = np.cumsum((codes > 0).sum(1)) <= MOST
    return Runs(codes[enough])


def _measure(x: Examples, real: Real) -> Values:
    if x.codes is None or real.train.codes is None:
        return {}
    lengths, best = longest(x.codes, real.once(_trained))
    return {"spans": Noted(mean(lengths), _said(x.codes, best, real))}


def _said(codes: np.ndarray, best: Span | None, real: Real) -> str:
    """The longest one, in words where there are any."""
    if best is None:
        return ""
    sample, start = best.sample
    said = " ".join(real.say(codes[sample, start : start + best.length]).split())
    text = f': "{said[:QUOTED]}{"..." * (len(said) > QUOTED)}"' if said else f", in sample {sample + 1}"
    return f"The longest has {best.length:,} codes{text}."


MEASURE = Measure(
    {
        "spans": Text(
            "Longest copied",
            "How many codes in a row do samples have from training data, word for word?",
            "codes",
            "low",
            "The mean over samples of the longest run of codes that also stands in a training example; people quote, "
            "too: see the floor. Here the ceiling is the training data itself.",
        )
    },
    _measure,
    impostor="copies",
)
