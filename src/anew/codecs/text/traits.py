"""What people count in texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"\w+", re.UNICODE)
_LONGEST = 4  # words in a row


def traits(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Each (n,), NaN where there are no words, or lines."""
    words = [_WORD.findall(text.lower()) for text in texts]
    return {
        "characters": np.array([len(text) for text in texts], float),
        "characters a word": np.array([_mean(list(map(len, some))) for some in words]),
        "words a line": np.array([_words_a_line(text) for text in texts]),
        "capitals": np.array([_share(text, str.isupper) for text in texts]),
        "digits": np.array([_share(text, str.isdigit) for text in texts]),
        "punctuation": np.array([_share(text, _is_mark) for text in texts]),
        "distinct words": np.array([_distinct(some, 1) for some in words]),
        "distinct pairs of words": np.array([_distinct(some, 2) for some in words]),
        "distinct fours of words": np.array([_distinct(some, _LONGEST) for some in words]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def _words_a_line(text: str) -> float:
    return _mean([len(_WORD.findall(line)) for line in text.splitlines() if line.strip()])


def _share(text: str, holds) -> float:  # type: ignore[no-untyped-def]
    return sum(map(holds, text)) / len(text) if text else np.nan


def _is_mark(letter: str) -> bool:
    return not (letter.isalnum() or letter.isspace())


def _distinct(words: Sequence[str], n: int) -> float:
    """Share of the n-grams that are no repetition (Li et al. 2016, distinct-n)."""
    grams = list(zip(*(words[i:] for i in range(n))))
    return len(set(grams)) / len(grams) if grams else np.nan
