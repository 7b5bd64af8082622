"""Texts that repeat each other have a high self-BLEU; what it is made of is right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.codecs.text.words import words_of
from anew.evaluation.gather import numbers
from anew.evaluation.self_bleu import TINY, self_bleu, shares

texts = st.lists(st.lists(st.integers(1, 3), max_size=8), min_size=2, max_size=5)


def by_hand(rows: list[list[int]], n: int) -> list[float]:
    """Papineni et al. 2002, equation of the modified precision, with all others as references."""
    counts = [Counter(tuple(row[i : i + n]) for i in range(len(row) - n + 1)) for row in rows]
    found = []
    for i, mine in enumerate(counts):
        others = [other for j, other in enumerate(counts) if j != i]
        met = sum(min(count, max(other[gram] for other in others)) for gram, count in mine.items())
        found.append(max(met, TINY) / mine.total() if mine else np.nan)
    return found


@settings(deadline=None)
@given(texts, st.integers(1, 4))
def test_shares_are_those_of_bleu(rows: list[list[int]], n: int):
    padded = np.array([row + [0] * (8 - len(row)) for row in rows])
    assert shares(padded, n).tolist() == pytest.approx(by_hand(rows, n), nan_ok=True)


def test_a_text_again_and_again_is_all_repetition():
    rng = np.random.default_rng(0)
    one, many = rng.integers(1, 50, (1, 20)), rng.integers(1, 50, (50, 20))
    assert self_bleu(one.repeat(50, 0)) == pytest.approx(1)
    assert self_bleu(many) < 0.3
    assert np.isnan(self_bleu(np.zeros((5, 3), int)))


def test_words_are_words_in_any_script():
    assert words_of("It's 猫咪, naïve!\n") == ["It", "'", "s", "猫", "咪", ",", "naïve", "!"]
    found = numbers([["a", "b", "a"], [], ["b"]])
    assert found is not None
    assert found[0, 0] == found[0, 2] != found[0, 1] == found[2, 0]
    assert (found[1] == 0).all()
    assert numbers([]) is not None
    assert numbers(None) is None
