"""Do texts repeat each other? How well each is made up of what stands in the others, beside the same of real texts.

Self-BLEU (Zhu et al. 2018, "Texygen"): the BLEU score (Papineni et al. 2002) of each text with the others of its block
as references. The brevity penalty is left out: among so many references there is one of its length.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Value, over_blocks

LONGEST = 4  # words in a row
BLOCK, BLOCKS = 100, (4, 10)  # texts; how many blocks at least and at most
TINY = 0.1  # of a match, where there is none (Chen and Cherry 2014, method 1)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def self_bleu(words: np.ndarray) -> float:
    """0 to 1, of texts (n, length): numbers of words, padded with 0. NaN without words."""
    logs = np.stack([np.log(shares(words, n)) for n in range(1, LONGEST + 1)])
    known = np.isfinite(logs)
    means = np.where(known, logs, 0).sum(0) / np.maximum(known.sum(0), 1)
    return float(np.exp(means[known.any(0)]).mean()) if known.any() else np.nan


def shares(words: np.ndarray, n: int) -> np.ndarray:
    """(texts,): of the n words in a row of each, how many are in another one as often. NaN where there are none."""
    row, grams = _grams(words, n)
    pairs, counts = np.unique(np.unique(grams, return_inverse=True)[1] * len(words) + row, return_counts=True)
    gram, row = np.divmod(pairs, len(words))
    order = np.lexsort((-counts, gram))
    gram, row, counts = gram[order], row[order], counts[order]
    first = np.searchsorted(gram, gram)  # the place of who has most of each
    second = np.minimum(first + 1, len(gram) - 1)
    runner_up = np.where((gram[second] == gram) & (second > first), counts[second], 0)
    others = np.where(np.arange(len(gram)) == first, runner_up, counts[first])
    met = np.bincount(row, np.minimum(counts, others), len(words))
    total = np.bincount(row, counts, len(words))
    return np.where(total > 0, np.maximum(met, TINY) / np.maximum(total, 1), np.nan)


def _grams(words: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of all n words in a row, whose they are (k,), and what (k,): a hash."""
    count = max(0, words.shape[1] - n + 1)
    hashed = np.zeros((len(words), count), np.uint64)
    for i in range(n):
        hashed = (hashed ^ words[:, i : i + count].astype(np.uint64)) * _PRIME
    there = words[:, n - 1 :] > 0
    return there.nonzero()[0], hashed[there]


def _blocks(words: np.ndarray, n: int) -> np.ndarray:
    """Of each block of the first n texts, the log of its self-BLEU."""
    count = min(max(BLOCKS[0], n // BLOCK), BLOCKS[1])
    return np.log([self_bleu(part[:BLOCK]) for part in np.array_split(words[:n], count)])


def _measure(x: Examples, real: Real) -> Values:
    if x.words is None or real.reference.words is None:
        return {}
    n = min(len(x), real.n)
    ratios = _blocks(x.words, n) - _blocks(real.reference.words, n)
    return {"self_bleu": _ratio(ratios[np.isfinite(ratios)], n)}


def _ratio(logs: np.ndarray, n: int) -> Value | None:
    return over_blocks(logs, n).map(lambda v: float(np.exp(v))) if len(logs) > 1 else None


MEASURE = Measure(
    {
        "self_bleu": Text(
            "Repetition",
            "Do texts repeat each other more than real ones do?",
            "× real",
            "low",
            "Ratio of self-BLEU, up to four words in a row; below 1, samples vary more than real texts, as noise does. "
            "Here the ceiling is a single training example, repeated.",
        )
    },
    _measure,
    impostor="one",
)
